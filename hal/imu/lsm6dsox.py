"""LSM6DSOX accelerometer and gyroscope, and the LSM6DSO, which differs in functions that are not used here.

"DS" is ST's data sheet DS12814, whose section 9 describes each register under its address; "AN" is ST's application
note AN5272. "STdC" is ST's own driver and its examples (lsm6dsox_reg.h, lsm6dsox_self_test.c).

The LSM6DSO32 has the same WHO_AM_I but twice the range, and no register tells it apart: standing still reads 0.5 g.
"""

import math
import struct
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from hal.clock import Clock
from hal.errors import BusError, NoData, Overflow, WrongDevice
from hal.i2c import I2cBus
from hal.imu.fifo import Words
from hal.imu.imu import AxisTest, ImuInfo, check_setting
from hal.registers import Registers

FIFO_CTRL1 = 0x07
FIFO_CTRL2 = 0x08
FIFO_CTRL3 = 0x09
FIFO_CTRL4 = 0x0A
WHO_AM_I = 0x0F
CTRL1_XL = 0x10
CTRL2_G = 0x11
CTRL3_C = 0x12
CTRL4_C = 0x13
CTRL5_C = 0x14
CTRL6_C = 0x15
CTRL7_G = 0x16
CTRL8_XL = 0x17
CTRL9_XL = 0x18
STATUS_REG = 0x1E
OUT_TEMP_L = 0x20
OUTX_L_G = 0x22
OUTX_L_A = 0x28
FIFO_STATUS1 = 0x3A
FIFO_STATUS2 = 0x3B
INTERNAL_FREQ_FINE = 0x63
FIFO_DATA_OUT_TAG = 0x78  # six bytes of data follow; after 0x7E a burst goes on with the next word's tag

NAMES = {
    FIFO_CTRL1: "FIFO_CTRL1",
    FIFO_CTRL2: "FIFO_CTRL2",
    FIFO_CTRL3: "FIFO_CTRL3",
    FIFO_CTRL4: "FIFO_CTRL4",
    CTRL1_XL: "CTRL1_XL",
    CTRL2_G: "CTRL2_G",
    CTRL3_C: "CTRL3_C",
    CTRL4_C: "CTRL4_C",
    CTRL5_C: "CTRL5_C",
    CTRL6_C: "CTRL6_C",
    CTRL7_G: "CTRL7_G",
    CTRL8_XL: "CTRL8_XL",
    CTRL9_XL: "CTRL9_XL",
}

LSM6DSOX_ID = 0x6C
OTHER_IDS = {
    0x00: "the data line reads low",
    0x22: "LSM6DSO16IS",
    0x68: "LSM9DS1",
    0x69: "LSM6DS3, whose FIFO is another one",
    0x6A: "LSM6DS3TR-C, LSM6DSL or LSM6DSM, whose FIFO is another one",
    0x6B: "LSM6DSR or ISM330DHCX, whose ranges are others",
    0x6D: "LSM6DST",
    0x70: "LSM6DSV",
    0x71: "LSM6DSV16BX",
    0xFF: "the data line reads high",
}
"""What else ST sells for this address. They are known, and not supported."""

ODR = {100: 4, 200: 5}  # CTRL1_XL, CTRL2_G and FIFO_CTRL3: "104 Hz" and "208 Hz"
FS_XL = {8: 3, 16: 1}  # CTRL1_XL; in the order 2, 16, 4, 8 g while XL_FS_MODE in CTRL8_XL is 0
FS_G = {1000: 2, 2000: 3}  # CTRL2_G
SW_RESET = 0x01  # CTRL3_C
BDU_AND_IF_INC = 0x44  # CTRL3_C: both bytes of a value from one sample; bursts count up
I3C_DISABLE = 0xE2  # CTRL9_XL: its default, and I3C off, so that no glitch on the bus can turn it on
FIFO_BYPASS, FIFO_CONTINUOUS = 0, 6  # FIFO_CTRL4
OVERRUN_LATCHED = 0x08  # FIFO_STATUS2; cleared by being read
SWITCHES = {FIFO_CTRL1: 0, FIFO_CTRL2: 0, FIFO_CTRL4: FIFO_CONTINUOUS, CTRL9_XL: I3C_DISABLE}

BASE_HZ = 6667  # DS 9, INTERNAL_FREQ_FINE: divided by 64 for "104 Hz", by 32 for "208 Hz"
ODR_DIVIDER = {100: 64, 200: 32}
FREQ_FINE_STEP = 0.0015  # INTERNAL_FREQ_FINE tells how far this chip's clock is off, as trimmed in the factory
# Of the filters that cannot be turned off: the accelerometer's LPF1 at half the rate, the gyroscope's LPF2 (DS 6, AN 3)
ACCEL_BANDWIDTH_HZ = {100: 52.0, 200: 104.0}
GYRO_BANDWIDTH_HZ = {100: 33.0, 200: 66.8}
G0_MPS2 = 9.80665
MG_PER_LSB = {8: 0.244, 16: 0.488}  # DS 4.1, table 2: not the range divided by 32768
MDPS_PER_LSB = {1000: 35.0, 2000: 70.0}  # DS 4.1, table 2
ACCEL_NOISE_UG = {8: 80.0, 16: 110.0}  # per root Hz; DS 4.1, table 2, high-performance mode
GYRO_NOISE_MDPS = 3.8  # per root Hz; DS 4.1, table 2

FIFO_WORDS = 512  # DS 6, FIFO: 3 kbyte without compression; 6 bytes a word, and its tag
WORD = struct.Struct("<B3h")
AXES = struct.Struct("<3h")
TEMPERATURE = struct.Struct("<h")
GYRO_TAG, ACCEL_TAG = 1, 2  # FIFO_DATA_OUT_TAG's upper five bits (STdC)
EVEN = frozenset(tag for tag in range(256) if tag.bit_count() % 2 == 0)  # tags whose parity bit is right

RESET_S = 0.02  # it boots in 10 ms (AN 5.7)
START_S = 0.1  # the gyroscope's start-up (70 ms, AN 3) and the filters
BURST_WORDS = 32  # 224 bytes, 20 ms at 100 kHz: a sound bus never comes near registers.MAX_TRANSFER_S

TEST_SAMPLES = 5  # STdC, lsm6dsox_self_test.c, as drawn in AN 11
TEST_SETTLE_S = 0.1
TEST_POLL_S = 0.001
TEST_PATIENCE_S = 0.1  # a sample is due every 19 ms
ACCEL_READY, GYRO_READY = 0x01, 0x02  # STATUS_REG


class Word(NamedTuple):
    """One entry of the FIFO: what one sensor measured in one time slot, counted modulo 4."""

    sensor: int
    slot: int
    axes: tuple[int, int, int]


def _ranges(odr: int, fs_xl: int, fs_g: int) -> dict[int, int]:
    """The registers that decide what the numbers mean."""
    return {
        FIFO_CTRL3: odr << 4 | odr,
        CTRL1_XL: odr << 4 | fs_xl << 2,
        CTRL2_G: odr << 4 | fs_g << 2,
        CTRL3_C: BDU_AND_IF_INC,
        CTRL4_C: 0,
        CTRL5_C: 0,  # no self-test
        CTRL6_C: 0,  # high-performance mode
        CTRL7_G: 0,  # high-performance mode
        CTRL8_XL: 0,
    }


class Lsm6dsox:
    """A FifoChip.

    Its FIFO holds words, not frames. The two words of a time slot are recognised by their tags, in whichever order
    they come: a word that is alone at the end waits for its partner in the next read; one that is alone right after
    the FIFO was emptied has lost its partner there; anywhere else, or where a slot is missing, samples were lost.
    """

    capacity_frames = FIFO_WORDS // 2
    frame_bytes = 2 * WORD.size

    def __init__(
        self,
        bus: I2cBus,
        clock: Clock,
        *,
        address: int = 0x6A,
        rate_hz: int = 100,
        accel_range_g: int = 16,
        gyro_range_dps: int = 2000,
    ) -> None:
        """`rate_hz`: 100 for 104 samples a second, 200 for 208.

        Raises ValueError for a rate or a range that is none of the chip's.
        """
        check_setting("rate_hz", rate_hz, ODR)
        check_setting("accel_range_g", accel_range_g, FS_XL)
        check_setting("gyro_range_dps", gyro_range_dps, FS_G)
        self._clock = clock
        self.name = f"IMU at {address:#04x}"
        self._registers = Registers(bus, clock, address, self.name, NAMES)
        self.mps2_per_lsb = MG_PER_LSB[accel_range_g] / 1000 * G0_MPS2
        self.radps_per_lsb = math.radians(MDPS_PER_LSB[gyro_range_dps] / 1000)
        accel_hz, gyro_hz = ACCEL_BANDWIDTH_HZ[rate_hz], GYRO_BANDWIDTH_HZ[rate_hz]
        # Neither document gives a delay: the mean of two first-order filters with these bandwidths, 3.9 or 2.0 ms
        self.filter_delay_ns = round(1e9 * (1 / accel_hz + 1 / gyro_hz) / (4 * math.pi))
        self._nominal_hz = BASE_HZ / ODR_DIVIDER[rate_hz]
        self.info = ImuInfo(
            "LSM6DSOX",
            address,
            output_hz=self._nominal_hz,
            bandwidth_hz=accel_hz,
            accel_noise_mps2_rthz=ACCEL_NOISE_UG[accel_range_g] * 1e-6 * G0_MPS2,
            gyro_noise_radps_rthz=math.radians(GYRO_NOISE_MDPS / 1000),
        )
        self._ranges = _ranges(ODR[rate_hz], FS_XL[accel_range_g], FS_G[gyro_range_dps])
        self._forget_words()

    def open(self) -> None:
        self._identify()
        self._reset()
        for register, value in {**SWITCHES, **self._ranges}.items():
            self._registers.write(register, value)
        self._clock.sleep(START_S)
        self.check_switches()
        self.check_ranges()
        (fine,) = struct.unpack("b", self._registers.read(INTERNAL_FREQ_FINE, 1))
        self.info = replace(self.info, output_hz=self._nominal_hz * (1 + FREQ_FINE_STEP * fine))

    def empty(self) -> None:
        self._registers.write(FIFO_CTRL4, FIFO_BYPASS)
        self._registers.write(FIFO_CTRL4, FIFO_CONTINUOUS)
        self._registers.read(FIFO_STATUS2, 1)  # what overflowed before is known
        self._forget_words()

    def backlog(self) -> tuple[int, int]:
        """A word without its partner is left in the FIFO for the next time."""
        low, high = self._registers.read(FIFO_STATUS1, 2)
        if high & OVERRUN_LATCHED:  # gone with this read
            self._overran = True
        words = (high & 0x03) << 8 | low
        if words > FIFO_WORDS:
            raise BusError(
                f"{self.name}: DIFF_FIFO is {words}, and the FIFO holds {FIFO_WORDS} words; "
                "something disturbs the bus: check the wiring and the length of the cable"
            )
        return words // 2, 0

    def fetch(self, frames: int) -> list[Words]:
        counts = [min(BURST_WORDS, 2 * frames - start) for start in range(0, 2 * frames, BURST_WORDS)]
        bursts = [self._registers.read(FIFO_DATA_OUT_TAG, WORD.size * count) for count in counts]
        return list(self._pairs(self._word(*entry) for entry in WORD.iter_unpack(b"".join(bursts))))

    def overflowed(self) -> bool:
        now = bool(self._registers.read(FIFO_STATUS2, 1)[0] & OVERRUN_LATCHED)
        before, self._overran = self._overran, False
        return before or now

    def check_ranges(self) -> None:
        found = self._registers.read(FIFO_CTRL3, CTRL8_XL - FIFO_CTRL3 + 1)
        for register, expected in self._ranges.items():
            self._registers.compare(register, found[register - FIFO_CTRL3], expected)

    def check_switches(self) -> None:
        self._registers.check(SWITCHES)

    def temperature_c(self) -> float:
        (word,) = TEMPERATURE.unpack(self._registers.read(OUT_TEMP_L, 2))
        return float(word / 256 + 25)  # DS 4.3, table 4

    def self_test(self) -> list[AxisTest]:
        """How far each axis answers a push (AN 11, STdC); the limits are those of DS 4.1, table 2."""
        self._identify()
        self._reset()
        self._registers.write(CTRL3_C, BDU_AND_IF_INC)
        accel = self._answers(CTRL1_XL, 0x38, 0x01, OUTX_L_A, ACCEL_READY)  # 52 Hz, ±4 g; ST_XL positive
        self._registers.write(CTRL1_XL, 0)
        gyro = self._answers(CTRL2_G, 0x5C, 0x04, OUTX_L_G, GYRO_READY)  # 208 Hz, ±2000 °/s; ST_G positive
        return [
            AxisTest(f"accel {axis}", lsb * 0.122, 50.0, 1700.0, "mg") for axis, lsb in zip("xyz", accel, strict=True)
        ] + [AxisTest(f"gyro {axis}", lsb * 0.070, 150.0, 700.0, "°/s") for axis, lsb in zip("xyz", gyro, strict=True)]

    def _answers(self, control: int, setting: int, push: int, output: int, ready: int) -> list[float]:
        """By how many LSB each axis moves when it is pushed."""
        self._registers.write(control, setting)
        still = self._settled_mean(output, ready)
        self._registers.write(CTRL5_C, push)
        pushed = self._settled_mean(output, ready)
        self._registers.write(CTRL5_C, 0)
        return [abs(b - a) for a, b in zip(still, pushed, strict=True)]

    def _settled_mean(self, output: int, ready: int) -> list[float]:
        self._clock.sleep(TEST_SETTLE_S)
        self._next(output, ready)  # from before it settled
        samples = [self._next(output, ready) for _ in range(TEST_SAMPLES)]
        return [sum(axis) / TEST_SAMPLES for axis in zip(*samples, strict=True)]

    def _next(self, output: int, ready: int) -> tuple[int, ...]:
        for _ in range(round(TEST_PATIENCE_S / TEST_POLL_S)):
            if self._registers.read(STATUS_REG, 1)[0] & ready:
                return AXES.unpack(self._registers.read(output, AXES.size))
            self._clock.sleep(TEST_POLL_S)
        raise NoData(f"{self.name}: no sample for {TEST_PATIENCE_S:g} s in its self-test; restart it")

    # Words to pairs

    def _forget_words(self) -> None:
        self._alone: Word | None = None
        self._slot: int | None = None  # of the last pair since the FIFO was emptied
        self._overran = False

    def _word(self, tag: int, *axes: int) -> Word:
        sensor = tag >> 3
        if tag not in EVEN or sensor not in (GYRO_TAG, ACCEL_TAG):
            raise BusError(
                f"{self.name}: a FIFO word is tagged {tag:#04x}, expected the accelerometer's or the gyroscope's tag; "
                "something disturbs the bus: check the wiring and the length of the cable"
            )
        return Word(sensor, tag >> 1 & 3, (axes[0], axes[1], axes[2]))

    def _pairs(self, words: Iterable[Word]) -> Iterable[Words]:
        for word in words:
            first, self._alone = self._alone, word
            if first is None:
                continue
            if first.slot == word.slot and first.sensor != word.sensor:
                self._alone = None
                self._follow(word.slot)
                accel, gyro = (first, word) if first.sensor == ACCEL_TAG else (word, first)
                yield (*accel.axes, *gyro.axes)
            elif self._slot is not None:
                raise self._lost(f"a word of slot {first.slot} has no partner")

    def _follow(self, slot: int) -> None:
        if self._slot is not None and slot != (self._slot + 1) % 4:
            raise self._lost(f"slot {slot} came after slot {self._slot}")
        self._slot = slot

    def _lost(self, found: str) -> Overflow:
        return Overflow(
            f"{self.name}: samples were lost; in its FIFO {found}, expected an accelerometer's and a gyroscope's word "
            "of each time slot; make sure that nothing else reads this chip"
        )

    # Setting up

    def _reset(self) -> None:
        self._registers.write(CTRL1_XL, 0, 0)  # both sensors are off while it resets
        self._registers.write(CTRL3_C, SW_RESET)
        self._clock.sleep(RESET_S)

    def _identify(self) -> None:
        found = self._registers.identify(WHO_AM_I)
        if found != LSM6DSOX_ID:
            known = f" ({OTHER_IDS[found]})" if found in OTHER_IDS else ""
            raise WrongDevice(
                f"{self.name}: WHO_AM_I is {found:#04x}{known}, expected {LSM6DSOX_ID:#04x} (LSM6DSOX or LSM6DSO); "
                "check imu.model and imu.address in rearguard.toml, and the part's label"
            )
