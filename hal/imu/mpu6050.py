"""MPU-6050 accelerometer and gyroscope. "RM" is InvenSense's register map RM-MPU-6000A, revision 4.2."""

import math
import struct
from collections.abc import Callable
from typing import TypeVar

from hal.clock import Clock
from hal.errors import BusError, DeviceNotFound, HalError, NoData, Overflow, WrongConfig, WrongDevice
from hal.i2c import I2cBus
from hal.imu.mounting import Mounting
from hal.imu.sample_times import SampleTimes
from hal.samples import ImuSample

SMPLRT_DIV = 0x19  # RM 4.2
CONFIG = 0x1A  # RM 4.3
GYRO_CONFIG = 0x1B  # RM 4.4
ACCEL_CONFIG = 0x1C  # RM 4.5
FIFO_EN = 0x23  # RM 4.6
INT_ENABLE = 0x38  # RM 4.15
INT_STATUS = 0x3A  # RM 4.16
USER_CTRL = 0x6A  # RM 4.27
PWR_MGMT_1 = 0x6B  # RM 4.28
PWR_MGMT_2 = 0x6C  # RM 4.29
FIFO_COUNT_H = 0x72  # RM 4.30
FIFO_R_W = 0x74  # RM 4.31
WHO_AM_I = 0x75  # RM 4.32

NAMES = {
    SMPLRT_DIV: "SMPLRT_DIV",
    CONFIG: "CONFIG",
    GYRO_CONFIG: "GYRO_CONFIG",
    ACCEL_CONFIG: "ACCEL_CONFIG",
    FIFO_EN: "FIFO_EN",
    INT_ENABLE: "INT_ENABLE",
    USER_CTRL: "USER_CTRL",
    PWR_MGMT_1: "PWR_MGMT_1",
    PWR_MGMT_2: "PWR_MGMT_2",
}

MPU6050_ID = 0x68  # whatever the address pin AD0 says
OTHER_IDS = {
    0x00: "the data line reads low",
    0x11: "ICM-20600",
    0x12: "ICM-20602",
    0x19: "MPU-6886",
    0x70: "MPU-6500, often sold as an MPU-6050",
    0x71: "MPU-9250",
    0x72: "a copy of the MPU-6050 that names no maker",
    0x73: "MPU-9255",
    0x74: "MPU-6515",
    0x98: "ICM-20689, often sold as an MPU-6050",
    0xEA: "ICM-20948",
    0xFF: "the data line reads high",
}
"""What else answers at this address. Their filters and FIFOs differ, so their numbers would not mean the same."""

DEVICE_RESET = 0x80  # PWR_MGMT_1
CLOCK_PLL_X_GYRO = 0x01  # PWR_MGMT_1; awake, and steadier than the internal oscillator (RM 4.28)
BANDWIDTH_44_HZ = 0x03  # CONFIG; accelerometer 44 Hz, gyroscope 42 Hz: above a step, below half of 100 Hz
GYRO_2000_DPS = 0x18  # GYRO_CONFIG
ACCEL_16_G = 0x18  # ACCEL_CONFIG; an impact exceeds all smaller ranges
FIFO_ACCEL_AND_GYRO = 0x78  # FIFO_EN
FIFO_ON = 0x40  # USER_CTRL
FIFO_RESET = 0x04  # USER_CTRL; works only while FIFO_ON is not set
FIFO_OVERFLOWED = 0x10  # INT_ENABLE and INT_STATUS

GYRO_OUTPUT_HZ = 1000  # with the low-pass filter on (RM 4.2)
FILTER_DELAY_NS = 4_900_000  # at 44 Hz (RM 4.3): what leaves the chip now happened then
FIFO_BYTES = 1024
FRAME = struct.Struct(">6h")
WHOLE_FRAMES_BYTES = FIFO_BYTES // FRAME.size * FRAME.size
MPS2_PER_LSB = 9.80665 / 2048  # RM 4.17
RADPS_PER_LSB = math.radians(1 / 16.4)  # RM 4.19

RESET_S = 0.1
START_S = 0.05  # the gyroscope's start-up (30 ms, product specification 6.1) and the PLL's
TRIAL_S = 0.05  # how long a chip just set up is watched for samples
MAX_TRANSFER_S = 0.05
BURST_BYTES = 20 * FRAME.size  # 22 ms at 100 kHz, so that a sound bus never comes near MAX_TRANSFER_S
SILENCE_S = 0.1
FLOW_WINDOW_S = 0.25
MIN_FLOW = 0.75  # of the samples that the set rate promises
HEALTH_CHECK_S = 1.0

T = TypeVar("T")


class Mpu6050:
    """An MPU-6050 that collects samples in its FIFO at a rate of its own, fetched in bursts.

    Every read also reads the ranges, the filter and the rate back, so that no sample is handed out that was taken
    under settings other than these: a chip that fell back to ±2 g would turn standing still into an impact.
    The driver owns its bus: it closes it in `close()`, and when the chip cannot be opened.
    """

    def __init__(
        self, bus: I2cBus, clock: Clock, *, address: int = 0x68, mounting: Mounting | None = None, rate_hz: int = 100
    ) -> None:
        """Identify the chip, reset it, set it up, read every setting back, and see samples arrive (0.2 s).

        Raises:
            ValueError: `rate_hz` is not 1000 divided by a whole number, or not within 50 to 500.
            DeviceNotFound: nothing answers at `address`.
            WrongDevice: it is another chip.
            WrongConfig: a setting does not hold.
            NoData: it makes no samples, or too few.
            BusError: a transfer failed or took longer than 50 ms.
        """
        if not 50 <= rate_hz <= 500 or GYRO_OUTPUT_HZ % rate_hz:
            raise ValueError(f"imu: rate_hz is {rate_hz}, expected one of 50, 100, 125, 200, 250, 500")
        self._bus, self._clock, self._address, self._rate_hz = bus, clock, address, rate_hz
        self._rows = (mounting or Mounting()).rows
        self._name = f"IMU at {address:#04x}"
        self._settings = {
            SMPLRT_DIV: GYRO_OUTPUT_HZ // rate_hz - 1,
            CONFIG: BANDWIDTH_44_HZ,
            GYRO_CONFIG: GYRO_2000_DPS,
            ACCEL_CONFIG: ACCEL_16_G,
        }
        self._switches = {
            FIFO_EN: FIFO_ACCEL_AND_GYRO,
            INT_ENABLE: FIFO_OVERFLOWED,
            USER_CTRL: FIFO_ON,
            PWR_MGMT_1: CLOCK_PLL_X_GYRO,
            PWR_MGMT_2: 0,
        }
        self._times = SampleTimes(rate_hz, clock.now_ns())
        try:
            self._open()
        except HalError:
            bus.close()
            raise

    @property
    def measured_hz(self) -> float:
        """Samples a second by the host's clock; some per cent beside the set rate is in order."""
        return self._times.measured_hz

    def read(self) -> list[ImuSample]:
        """Fetch what was sampled since the last read, oldest first; empty when nothing is due yet.

        `t_ns` is when the motion happened (the filter's delay is taken off); it strictly increases over all reads.

        Raises:
            NoData: no sample for 0.1 s, or less than three quarters of what the rate promises over 0.25 s.
            Overflow: samples were lost; the next read goes on with new ones.
            WrongConfig: the chip lost its settings; open it again.
            BusError: a transfer failed or took longer than 50 ms.
        """
        if not self._aligned:
            self._empty_fifo()
        before_ns, count, after_ns = self._backlog()
        frames = self._fetch(count - count % FRAME.size)
        self._check_settings(after_ns)
        self._check_fifo(count)
        self._check_flow(len(frames) // FRAME.size, after_ns)
        return self._samples(frames, before_ns, after_ns) if frames else []

    def close(self) -> None:
        self._bus.close()

    def _open(self) -> None:
        self._identify()
        self._write(PWR_MGMT_1, DEVICE_RESET)
        self._clock.sleep(RESET_S)
        self._write(PWR_MGMT_1, CLOCK_PLL_X_GYRO)
        self._clock.sleep(START_S)
        for register, value in {**self._settings, **self._switches}.items():
            self._write(register, value)
        self._check_switches(self._clock.now_ns())
        self._check_settings(self._clock.now_ns())
        self._empty_fifo()
        self._clock.sleep(TRIAL_S)
        _, count, after_ns = self._backlog()
        self._check_rate(count // FRAME.size, (after_ns - self._window_ns) / 1e9)

    def _identify(self) -> None:
        try:
            self._bus.read(self._address, WHO_AM_I, 1)
        except BusError as error:
            raise DeviceNotFound(f"{self._name}: not found; {error}") from error
        found = self._read(WHO_AM_I, 1)[0]
        if found != MPU6050_ID:
            known = f" ({OTHER_IDS[found]})" if found in OTHER_IDS else ""
            raise WrongDevice(
                f"{self._name}: WHO_AM_I is {found:#04x}{known}, expected {MPU6050_ID:#04x} (MPU-6050); "
                "check imu.model and imu.address in rearguard.toml, and the part's label"
            )

    def _empty_fifo(self) -> None:
        self._write(USER_CTRL, FIFO_RESET)
        self._write(USER_CTRL, FIFO_ON)
        now_ns = self._clock.now_ns()
        self._aligned = True
        self._times.restart(now_ns)
        self._last_frame_ns = self._window_ns = now_ns
        self._window_samples = 0

    def _backlog(self) -> tuple[int, int, int]:
        """How many bytes wait in the FIFO, and the times before and after that was so.

        A count that is no whole number of frames is read once more: the chip may have been writing one.
        """
        for _ in range(2):
            before_ns = self._clock.now_ns()
            high, low = self._read(FIFO_COUNT_H, 2)  # reading the high byte latches both
            count, after_ns = high << 8 | low, self._clock.now_ns()
            if count % FRAME.size == 0:
                break
        if count > FIFO_BYTES:
            raise BusError(
                f"{self._name}: FIFO_COUNT is {count}, and the FIFO holds {FIFO_BYTES} bytes; "
                "something disturbs the bus: check the wiring and the length of the cable"
            )
        return before_ns, count, after_ns

    def _fetch(self, count: int) -> bytes:
        self._aligned = False  # a burst that breaks off leaves a part of a frame behind
        bursts = [self._read(FIFO_R_W, min(BURST_BYTES, count - start)) for start in range(0, count, BURST_BYTES)]
        self._aligned = True
        return b"".join(bursts)

    def _check_settings(self, now_ns: int) -> None:
        for (register, expected), found in zip(self._settings.items(), self._read(SMPLRT_DIV, 4), strict=True):
            self._compare(register, found, expected)
        if now_ns >= self._check_due_ns:
            self._check_switches(now_ns)

    def _check_switches(self, now_ns: int) -> None:
        self._check_due_ns = now_ns + round(HEALTH_CHECK_S * 1e9)
        for register, expected in self._switches.items():
            self._compare(register, self._read(register, 1)[0], expected)

    def _compare(self, register: int, found: int, expected: int) -> None:
        if found != expected:
            raise WrongConfig(
                f"{self._name}: {NAMES[register]} is {found:#04x}, expected {expected:#04x}; "
                "the chip lost its settings (reset or brown-out): check its 3.3 V supply and its plug"
            )

    def _check_fifo(self, count: int) -> None:
        """After the burst, because what overflowed on the way is no whole frame either."""
        overflowed = self._read(INT_STATUS, 1)[0] & FIFO_OVERFLOWED
        if not overflowed and count <= WHOLE_FRAMES_BYTES and count % FRAME.size == 0:
            return
        self._aligned = False
        self._empty_fifo()
        raise Overflow(
            f"{self._name}: samples were lost; its FIFO held {count} of {FIFO_BYTES} bytes, "
            f"expected whole frames of {FRAME.size}; it must be read every {SILENCE_S:g} s"
        )

    def _check_flow(self, samples: int, now_ns: int) -> None:
        if samples:
            self._last_frame_ns = now_ns
        silence_s = (now_ns - self._last_frame_ns) / 1e9
        if silence_s > SILENCE_S:
            self._check_switches(now_ns)  # a chip that fell asleep is named as such
            raise NoData(
                f"{self._name}: no sample for {silence_s:.2f} s, expected {self._rate_hz} a second; restart it"
            )
        self._window_samples += samples
        if now_ns - self._window_ns >= FLOW_WINDOW_S * 1e9:
            counted, self._window_samples = self._window_samples, 0
            since_ns, self._window_ns = self._window_ns, now_ns
            self._check_rate(counted, (now_ns - since_ns) / 1e9)

    def _check_rate(self, samples: int, elapsed_s: float) -> None:
        expected = elapsed_s * self._rate_hz
        if samples + 1 < MIN_FLOW * expected:
            raise NoData(
                f"{self._name}: {samples} samples in {elapsed_s:.2f} s, expected {expected:.0f}; "
                "open it again, and change the part if that does not help"
            )

    def _samples(self, frames: bytes, before_ns: int, after_ns: int) -> list[ImuSample]:
        stamps = self._times.stamp(len(frames) // FRAME.size, before_ns, after_ns)
        (f, f_sign), (le, l_sign), (u, u_sign) = self._rows
        fa, la, ua = f_sign * MPS2_PER_LSB, l_sign * MPS2_PER_LSB, u_sign * MPS2_PER_LSB
        fg, lg, ug = f_sign * RADPS_PER_LSB, l_sign * RADPS_PER_LSB, u_sign * RADPS_PER_LSB
        return [
            ImuSample(
                t_ns - FILTER_DELAY_NS,
                (words[f] * fa, words[le] * la, words[u] * ua),
                (words[f + 3] * fg, words[le + 3] * lg, words[u + 3] * ug),
            )
            for t_ns, words in zip(stamps, FRAME.iter_unpack(frames), strict=True)
        ]

    def _read(self, register: int, count: int) -> bytes:
        return self._timed(lambda: self._bus.read(self._address, register, count))

    def _write(self, register: int, value: int) -> None:
        self._timed(lambda: self._bus.write(self._address, register, bytes([value])))

    def _timed(self, transfer: Callable[[], T]) -> T:
        start_ns = self._clock.now_ns()
        result = transfer()
        took_s = (self._clock.now_ns() - start_ns) / 1e9
        if took_s > MAX_TRANSFER_S:
            raise BusError(
                f"{self._name}: a transfer took {took_s * 1e3:.0f} ms, expected at most {MAX_TRANSFER_S * 1e3:.0f} ms; "
                "check the wiring, and the bus for a chip that stretches its clock"
            )
        return result
