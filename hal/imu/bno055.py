"""BNO055 by Bosch, without its sensor fusion. "DS" is the data sheet BST-BNO055-DS000, revision 1.4.

Four things are unlike other motion sensors:
- It has no FIFO. `read` takes the readings of the next 20 ms itself, waiting in between, so it must be called every
  20 ms. Nobody measures while it is not called.
- Its microcontroller stretches the I2C clock, which a Raspberry Pi before the Pi 5 reads wrongly now and then (a fault
  of its I2C hardware): use the overlay i2c-gpio, a bus made by software. Values beyond the range show such errors.
- A reset leaves it waiting in CONFIGMODE, where all readings are 0: every read looks at its mode.
- Some do not come back from a reset by SYS_TRIGGER until their power is taken off, those without a crystal of their own
  among them (Bosch Sensortec's MEMS forum, "BNO055 power on reset issues"; dotnet/iot issue 777). So it is set up as it
  is, every setting written, and reset only when that does not make it measure.

The gyroscope always measures ±2000 °/s. DS table 3-22 says 16 LSB per °/s for every range, but users measured twice
that at ±1000 °/s and sixteen times at ±125 °/s (Bosch Sensortec's MEMS forum, "Wrong sensitivity / resolution in
datasheet?"; DFRobot_BNO055 issue 7); at ±2000 °/s they found 16.0 to 16.4, so rates may read up to 2.4 % high.
"""

import contextlib
import math
import struct
from collections import deque

from hal.clock import Clock
from hal.errors import BusError, HalError, NoData, Overflow, WrongConfig, WrongDevice
from hal.i2c import I2cBus
from hal.imu.axis_watch import RAIL_SHARE, AxisWatch
from hal.imu.bno055_bus import CLOCK_ADVICE, AdvisingBus
from hal.imu.bno055_registers import (
    ACC_BANDWIDTHS,
    ACC_CONFIG,
    ACC_RANGES,
    ACCGYRO_MODE,
    AXES_UNCHANGED,
    CHIP_ID,
    CONFIG_MODE,
    GYR_2000_DPS,
    GYR_BANDWIDTHS,
    GYR_CONFIG_0,
    GYR_CONFIG_1,
    IDS,
    LSB_PER_DPS,
    LSB_PER_MPS2,
    MODE_MASK,
    NAMES,
    OPR_MODE,
    OTHER_IDS,
    PAGE_1,
    PAGE_1_MASKS,
    PAGE_ID,
    PARTS_TESTED,
    PWR_MODE,
    RST_SYS,
    SELF_TEST,
    SELF_TESTING,
    SENSORS_TESTED,
    ST_RESULT,
    SYS_STATUS,
    SYS_TRIGGER,
    SYSTEM_ERROR,
    TEMP,
    UNIT_SEL,
    UNITS,
    UNITS_MASK,
)
from hal.imu.imu import AxisTest, ImuInfo
from hal.imu.mounting import Mounting
from hal.registers import Registers
from hal.samples import ImuSample

GYR_FULL_SCALE_LSB = 2000 * LSB_PER_DPS
ACC_FULL_SCALE_SHARE = 0.998  # its last of 14 bits is 0.01 to 0.02 m/s², rounded once more to 0.01 m/s²
ACC_IMPOSSIBLE_SHARE = 1.02
G0_MPS2 = 9.80665

START_S = 0.65  # from reset to CONFIGMODE (DS table 0-2)
START_TIMEOUT_S = 1.0
TO_CONFIG_MODE_S, FROM_CONFIG_MODE_S = 0.019, 0.007  # DS table 3-6
GYR_START_S = 0.03  # BMG160's data sheet
SELF_TEST_TIMEOUT_S = 1.0
STEP_S = 0.01

POLL_S = 0.02  # how often `read` is called
SILENCE_S = 0.1
HEALTH_CHECK_S = 1.0
LOOK_BACK = 12  # readings
MIN_FRESH = 9  # of them must differ from the one before

DATA = struct.Struct("<B3h6x3h")  # PAGE_ID, accelerometer, magnetometer left out, gyroscope


def identify(registers: Registers) -> tuple[bool, str]:
    """See hal.imu.find. A chip that was left on its other page, where it has no CHIP_ID, is one all the same."""
    found = registers.read(CHIP_ID, 1)[0]
    other_page = found == 0 and registers.read(PAGE_ID, 1)[0] == 1
    known = f" ({OTHER_IDS[found]})" if found in OTHER_IDS else ""
    return found == IDS["CHIP_ID"] or other_page, f"CHIP_ID is {found:#04x}{known}"


def _info(address: int, rate_hz: int, bandwidth_hz: float) -> ImuInfo:
    return ImuInfo(
        "BNO055",
        address,
        output_hz=rate_hz,
        bandwidth_hz=bandwidth_hz,
        accel_noise_mps2_rthz=150e-6 * G0_MPS2,  # DS table 0-2
        gyro_noise_radps_rthz=math.radians(0.014),  # DS table 0-2
    )


class Bno055:
    """An Imu that is read at the pace of the host. It owns its bus, as FifoImu does.

    A stamp lies within one period of the motion: a reading is up to 8 ms old (4 ms at 200 Hz), of which half is taken
    off, with a filter's delay of 1 / (2 pi bandwidth), for which the data sheet gives no figure.
    """

    def __init__(
        self,
        bus: I2cBus,
        clock: Clock,
        *,
        address: int = 0x28,
        rate_hz: int = 100,
        accel_range_g: int = 16,
        mounting: Mounting | None = None,
    ) -> None:
        """Set the chip up (0.1 s; 0.8 s where it has to be reset).

        Raises DeviceNotFound, WrongDevice, WrongConfig, NoData, BusError.
        """
        self._bus, self._clock, self._mounting = bus, clock, mounting or Mounting()
        self._name = f"IMU at {address:#04x}"
        self._registers = Registers(AdvisingBus(bus), clock, address, self._name, NAMES)
        acc_hz, acc_bandwidth = ACC_BANDWIDTHS[rate_hz]
        _, gyr_bandwidth = GYR_BANDWIDTHS[rate_hz]
        self._page_1 = {
            ACC_CONFIG: acc_bandwidth | ACC_RANGES[accel_range_g],
            GYR_CONFIG_0: gyr_bandwidth | GYR_2000_DPS,
            GYR_CONFIG_1: 0,  # normal power mode
        }
        self.info = _info(address, rate_hz, acc_hz)
        self._period_ns = round(1e9 / rate_hz)
        self._readings = round(POLL_S * rate_hz)  # in one call
        self._age_ns = round(1e9 * (1 / (4 * acc_hz) + 1 / (2 * math.pi * acc_hz)))
        self._acc_full_scale_lsb = accel_range_g * G0_MPS2 * LSB_PER_MPS2
        accel_rail_lsb, gyro_rail_lsb = RAIL_SHARE * self._acc_full_scale_lsb, RAIL_SHARE * GYR_FULL_SCALE_LSB
        self._axes = AxisWatch(self._name, rate_hz, accel_rail_lsb=accel_rail_lsb, gyro_rail_lsb=gyro_rail_lsb)
        self._fresh_words: list[list[int]] = []  # what this read measured
        self._next_ns = self._last_ns = clock.now_ns()
        try:
            self._start()
        except HalError:
            bus.close()
            raise

    @property
    def measured_hz(self) -> float:
        """Samples a second by the host's clock; it depends on how punctually `read` is called."""
        return self._measured_hz

    def read(self) -> list[ImuSample]:
        """Take the readings of the next 20 ms, the first one now; empty when the last ones are newer than that.

        What was read before is dropped, so a sample is always a new measurement. `t_ns` strictly increases.

        Raises:
            NoData: most readings are those read before: the chip's own program hangs or is slow.
            StuckAxis: an axis gives the same number for ever; said again by every read until it moves.
            Overflow: not called for 0.1 s, so a motion may have been missed; the next call goes on.
            WrongConfig: the chip lost its settings, as after a reset; open it again.
            BusError: a transfer failed, took longer than 50 ms, or gave what the chip cannot have measured.
        """
        start_ns = self._clock.now_ns()
        if start_ns < self._next_ns:
            return []
        self._check_pause(start_ns)
        samples = []
        for i in range(self._readings):
            self._wait_until(start_ns + i * self._period_ns)
            samples += self._measure()
        self._next_ns = max(start_ns + (self._readings - 1) * self._period_ns, self._last_ns) + self._period_ns // 2
        self._check_state()
        self._check_fresh()
        self._count(len(samples))
        words, self._fresh_words = self._fresh_words, []
        self._axes.watch(words)
        return samples

    def temperature_c(self) -> float:
        return float(int.from_bytes(self._registers.read(TEMP, 1), signed=True))  # DS table 3-37

    def self_test(self) -> list[AxisTest]:
        """The built-in self-test (DS 3.9.2) of each sensor; it says passed (1) or not (0)."""
        try:
            self._registers.write(OPR_MODE, CONFIG_MODE)
            self._clock.sleep(TO_CONFIG_MODE_S)
            self._registers.write(SYS_TRIGGER, SELF_TEST)
            found = self._tested()
            return [AxisTest(part, 1.0 if found & PARTS_TESTED[part] else 0.0, 1.0, 1.0, "") for part in SENSORS_TESTED]
        finally:
            self._start()

    def close(self) -> None:
        self._bus.close()

    # Setting up

    def _start(self) -> None:
        self._identify()
        try:
            self._set_up()
        except (NoData, WrongConfig):
            self._reset()
            self._set_up()
        self._next_ns = self._last_ns = self._count_ns = self._clock.now_ns()
        self._counted, self._measured_hz = 0, self.info.output_hz

    def _set_up(self) -> None:
        self._registers.write(OPR_MODE, CONFIG_MODE)
        self._clock.sleep(TO_CONFIG_MODE_S)
        self._check_ids()
        self._check_power_on_test()
        self._registers.compare(OPR_MODE, self._registers.read(OPR_MODE, 1)[0] & MODE_MASK, CONFIG_MODE)
        self._configure()
        self._check_due_ns = self._clock.now_ns() + round(HEALTH_CHECK_S * 1e9)
        self._check_state()
        self._check_page_1()
        self._forget()
        self._await_reading()
        self._forget()

    def _reset(self) -> None:
        self._registers.write(PAGE_ID, 0)
        with contextlib.suppress(BusError):  # it may be gone before it acknowledges
            self._registers.write(SYS_TRIGGER, RST_SYS)
        self._await_start()

    def _forget(self) -> None:
        self._before: list[int] | None = None
        self._fresh = deque([True] * LOOK_BACK, LOOK_BACK)
        self._fresh_words = []

    def _identify(self) -> None:
        found = self._registers.identify(CHIP_ID)
        if identify(self._registers)[0]:
            self._registers.write(PAGE_ID, 0)
            found = self._registers.read(CHIP_ID, 1)[0]
        self._check_id("CHIP_ID", found)

    def _check_ids(self) -> None:
        chip, acc, _, gyr = self._registers.read(CHIP_ID, 4)
        for name, found in (("CHIP_ID", chip), ("ACC_ID", acc), ("GYR_ID", gyr)):
            self._check_id(name, found)

    def _check_id(self, name: str, found: int) -> None:
        if found != IDS[name]:
            known = f" ({OTHER_IDS[found]})" if name == "CHIP_ID" and found in OTHER_IDS else ""
            raise WrongDevice(
                f"{self._name}: {name} is {found:#04x}{known}, expected {IDS[name]:#04x} (BNO055); "
                "check imu.model and imu.address in rearguard.toml, and the part's label"
            )

    def _await_start(self) -> None:
        """It does not answer while it starts, or not with its number."""
        deadline_ns = self._clock.now_ns() + round(START_TIMEOUT_S * 1e9)
        self._clock.sleep(START_S)
        while True:
            try:
                if self._registers.read(CHIP_ID, 1)[0] == IDS["CHIP_ID"] or self._clock.now_ns() >= deadline_ns:
                    return
                self._clock.sleep(STEP_S)
            except BusError:
                if self._clock.now_ns() >= deadline_ns:
                    raise
                self._clock.sleep(STEP_S)

    def _check_power_on_test(self) -> None:
        found = self._registers.read(ST_RESULT, 1)[0]
        failed = [part for part, bit in PARTS_TESTED.items() if not found & bit]
        if failed:
            raise NoData(
                f"{self._name}: its power-on self-test failed: {', '.join(failed)} (ST_RESULT is {found:#04x}); "
                "check its 3.3 V supply, and change the part if that does not help"
            )

    def _configure(self) -> None:
        for register, value in {PWR_MODE: 0, UNIT_SEL: UNITS, **AXES_UNCHANGED, PAGE_ID: 1}.items():
            self._registers.write(register, value)
        for register, value in {**self._page_1, PAGE_ID: 0, OPR_MODE: ACCGYRO_MODE}.items():
            self._registers.write(register, value)
        self._clock.sleep(FROM_CONFIG_MODE_S + GYR_START_S)

    def _await_reading(self) -> None:
        deadline_ns = self._clock.now_ns() + round(SILENCE_S * 1e9)
        while not self._measure():
            if self._clock.now_ns() >= deadline_ns:
                raise NoData(f"{self._name}: no reading within {SILENCE_S:g} s; power it off and on")
            self._clock.sleep(STEP_S)

    def _tested(self) -> int:
        """ST_RESULT, once the self-test is over."""
        deadline_ns = self._clock.now_ns() + round(SELF_TEST_TIMEOUT_S * 1e9)
        while self._clock.now_ns() < deadline_ns:
            self._clock.sleep(STEP_S)
            if self._registers.read(SYS_STATUS, 1)[0] != SELF_TESTING:
                return self._registers.read(ST_RESULT, 1)[0]
        raise NoData(f"{self._name}: its self-test has not ended after {SELF_TEST_TIMEOUT_S:g} s; power it off and on")

    # Reading

    def _wait_until(self, t_ns: int) -> None:
        missing_ns = t_ns - self._clock.now_ns()
        if missing_ns > 0:
            self._clock.sleep(missing_ns / 1e9)

    def _measure(self) -> list[ImuSample]:
        """One reading in one transfer; none when it is the one that was read before."""
        t_ns = self._clock.now_ns()
        page, *words = DATA.unpack(self._registers.read(PAGE_ID, DATA.size))
        self._registers.compare(PAGE_ID, page, 0)
        fresh = words != self._before and any(words)  # all are 0 before the first one is taken
        self._before, self._last_ns = words, t_ns
        self._fresh.append(fresh)
        if fresh:
            self._fresh_words.append(words)
        return [self._sample(t_ns - self._age_ns, words)] if fresh else []

    def _sample(self, t_ns: int, words: list[int]) -> ImuSample:
        largest_accel = max(map(abs, words[:3])) / self._acc_full_scale_lsb
        if largest_accel > ACC_IMPOSSIBLE_SHARE:
            raise BusError(
                f"{self._name}: acceleration reads {words[:3]} LSB, and {self._acc_full_scale_lsb:.0f} is the most "
                f"that it can measure; {CLOCK_ADVICE}"
            )
        x, y, z = (word / LSB_PER_MPS2 for word in words[:3])
        p, q, r = (math.radians(word / LSB_PER_DPS) for word in words[3:])
        return ImuSample(
            t_ns,
            self._mounting.to_body((x, y, z)),
            self._mounting.to_body((p, q, r)),
            largest_accel >= ACC_FULL_SCALE_SHARE or max(map(abs, words[3:])) >= GYR_FULL_SCALE_LSB,
        )

    def _check_pause(self, now_ns: int) -> None:
        pause_s = (now_ns - self._last_ns) / 1e9
        if pause_s > SILENCE_S:
            self._last_ns = now_ns
            raise Overflow(
                f"{self._name}: nobody read it for {pause_s:.2f} s, and it keeps nothing; "
                f"it must be read every {POLL_S:g} s"
            )

    def _check_state(self) -> None:
        """The units decide what the numbers mean, the mode whether there are any: looked at in every read."""
        status, error, units, _, mode, power = self._registers.read(SYS_STATUS, 6)
        self._registers.compare(OPR_MODE, mode & MODE_MASK, ACCGYRO_MODE)
        self._registers.compare(UNIT_SEL, units & UNITS_MASK, UNITS)
        self._registers.compare(PWR_MODE, power & 0x03, 0)
        if status == SYSTEM_ERROR:
            raise NoData(
                f"{self._name}: it reports system error {error:#04x} (SYS_ERR, DS 4.3.59); power it off and on"
            )
        now_ns = self._clock.now_ns()
        if now_ns >= self._check_due_ns:
            self._check_due_ns = now_ns + round(HEALTH_CHECK_S * 1e9)
            self._check_page_1()

    def _check_page_1(self) -> None:
        """A range that was lost alone does not change the scale, only where the chip clips: once a second will do."""
        self._registers.check(AXES_UNCHANGED)
        self._registers.write(PAGE_ID, 1)
        for register, expected in self._page_1.items():
            found = self._registers.read(register, 1)[0] & PAGE_1_MASKS[register]
            self._registers.compare(PAGE_1 | register, found, expected)
        self._registers.write(PAGE_ID, 0)

    def _check_fresh(self) -> None:
        fresh = sum(self._fresh)
        if fresh < MIN_FRESH:
            raise NoData(
                f"{self._name}: only {fresh} of its last {LOOK_BACK} readings were new ones, expected {MIN_FRESH} or "
                "more; power it off and on, and change the part if that does not help"
            )

    def _count(self, samples: int) -> None:
        self._counted += samples
        elapsed_s = (self._clock.now_ns() - self._count_ns) / 1e9
        if elapsed_s >= 1.0:
            self._measured_hz = self._counted / elapsed_s
            self._counted, self._count_ns = 0, self._clock.now_ns()
