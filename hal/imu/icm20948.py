"""ICM-20948 accelerometer and gyroscope; its magnetometer is left alone.

"DS" is TDK InvenSense's data sheet DS-000189, revision 1.3, which describes the registers by bank and number (sections
7 to 11). "eMD" is InvenSense's own driver, eMD-SmartMotion-ICM20948 1.1.0: for the self-test the data sheet (4.13)
refers to their software.
"""

import math
import struct
from collections.abc import Callable
from typing import TypeVar

from hal.clock import Clock
from hal.errors import BusError, WrongDevice
from hal.i2c import I2cBus
from hal.imu.fifo import Words
from hal.imu.imu import AxisTest, ImuInfo, check_setting
from hal.imu.invensense_fifo import BURST_BYTES, FRAME, TRUSTED_BYTES, unpacked
from hal.registers import Registers

T = TypeVar("T")

BANK = 0x100
"""A register's number here is its bank times this, plus its address within the bank."""

WHO_AM_I = 0x00  # bank 0
USER_CTRL = 0x03
LP_CONFIG = 0x05
PWR_MGMT_1 = 0x06
PWR_MGMT_2 = 0x07
INT_ENABLE_2 = 0x12
INT_STATUS_2 = 0x1B
ACCEL_XOUT_H = 0x2D  # to 0x32; the gyroscope follows to 0x38
TEMP_OUT_H = 0x39
FIFO_EN_1 = 0x66
FIFO_EN_2 = 0x67
FIFO_RST = 0x68
FIFO_MODE = 0x69
FIFO_COUNTH = 0x70
FIFO_R_W = 0x72
FIFO_CFG = 0x76
REG_BANK_SEL = 0x7F  # in every bank; bits 5:4
SELF_TEST_X_GYRO = BANK + 0x02  # to 0x04
SELF_TEST_X_ACCEL = BANK + 0x0E  # to 0x10
GYRO_SMPLRT_DIV = 2 * BANK + 0x00
GYRO_CONFIG_1 = 2 * BANK + 0x01
GYRO_CONFIG_2 = 2 * BANK + 0x02
ODR_ALIGN_EN = 2 * BANK + 0x09
ACCEL_SMPLRT_DIV_1 = 2 * BANK + 0x10
ACCEL_SMPLRT_DIV_2 = 2 * BANK + 0x11
ACCEL_CONFIG = 2 * BANK + 0x14
ACCEL_CONFIG_2 = 2 * BANK + 0x15

NAMES = {
    USER_CTRL: "USER_CTRL",
    LP_CONFIG: "LP_CONFIG",
    PWR_MGMT_1: "PWR_MGMT_1",
    PWR_MGMT_2: "PWR_MGMT_2",
    INT_ENABLE_2: "INT_ENABLE_2",
    FIFO_EN_1: "FIFO_EN_1",
    FIFO_EN_2: "FIFO_EN_2",
    FIFO_RST: "FIFO_RST",
    FIFO_MODE: "FIFO_MODE",
    FIFO_CFG: "FIFO_CFG",
    GYRO_SMPLRT_DIV: "GYRO_SMPLRT_DIV",
    GYRO_CONFIG_1: "GYRO_CONFIG_1",
    GYRO_CONFIG_2: "GYRO_CONFIG_2",
    ODR_ALIGN_EN: "ODR_ALIGN_EN",
    ACCEL_SMPLRT_DIV_1: "ACCEL_SMPLRT_DIV_1",
    ACCEL_SMPLRT_DIV_2: "ACCEL_SMPLRT_DIV_2",
    ACCEL_CONFIG: "ACCEL_CONFIG",
    ACCEL_CONFIG_2: "ACCEL_CONFIG_2",
}

ICM20948_ID = 0xEA
OTHER_IDS = {
    0x00: "the data line reads low",
    0x0F: "BMI088, its gyroscope",
    0x24: "BMI270",
    0xA0: "BNO055",
    0xD1: "BMI160",
    0xE0: "ICM-20648",
    0xE1: "ICM-20649, whose ranges are twice as wide",
    0xFF: "the data line reads high",
}
"""What else gives its name in register 0; an MPU-6050 or MPU-9250 keeps its own in 0x75 and gives anything here."""

OTHER_BANKS = (0x10, 0x20, 0x30)  # REG_BANK_SEL
DEVICE_RESET = 0x80  # PWR_MGMT_1
CLOCK_AUTO = 0x01  # PWR_MGMT_1; awake, and by the PLL while the gyroscope is on (DS 4.14)
FILTER_50_HZ = 0x19  # GYRO_CONFIG_1: 51.2 Hz; ACCEL_CONFIG: 50.4 Hz; each by DLPFCFG 3 with FCHOICE 1
GYRO_FS_SEL = {1000: 0x04, 2000: 0x06}  # GYRO_CONFIG_1
ACCEL_FS_SEL = {8: 0x04, 16: 0x06}  # ACCEL_CONFIG
FIFO_ACCEL_AND_GYRO = 0x1E  # FIFO_EN_2
FIFO_ON = 0x40  # USER_CTRL
ALL_FIFOS = 0x1F  # FIFO_RST, INT_ENABLE_2 and INT_STATUS_2 have a bit for each of five FIFOs; this chip uses the first

SWITCHES = {
    LP_CONFIG: 0,  # no sensor works in cycles
    PWR_MGMT_2: 0,
    INT_ENABLE_2: ALL_FIFOS,  # overflow
    FIFO_CFG: 0,
    FIFO_MODE: 0,  # a full FIFO drops its oldest bytes
    FIFO_EN_1: 0,  # nothing from the auxiliary bus
    FIFO_EN_2: FIFO_ACCEL_AND_GYRO,
    FIFO_RST: 0,
    USER_CTRL: FIFO_ON,
    PWR_MGMT_1: CLOCK_AUTO,
}
"""Written in this order, whatever rate and ranges are."""

OUTPUT_HZ = 1125  # before the divider, with the filters on
RATES_HZ = (100, 200)  # become 102.3 and 225: what the 50 Hz filters suit, as fast as a FIFO read needs
# The data sheet gives no delay. Its filters are the MPU-9250's, run at 1125 instead of 1000 Hz (the accelerometer's
# bandwidths are exactly 1.125 times those), and that one's register map (RM-MPU-9250A, CONFIG and ACCEL_CONFIG_2)
# lists delays of 1/(2 pi bandwidth) plus 1.3 ms (accelerometer) and 2.0 ms (gyroscope): 4.3 ms and 4.9 ms here.
FILTER_DELAY_NS = 4_600_000
FIFO_BYTES = 512  # DS 4.16
MAX_COUNT = 4096  # the size varies "depending on DMP feature-set" (DS 4.16), so some more is late, not impossible
TEMPERATURE = struct.Struct(">h")
G0_MPS2 = 9.80665
GYRO_LSB_PER_DPS = {1000: 32.8, 2000: 16.4}  # DS 3.1, table 1

RESET_S = 0.1
START_S = 0.05  # the gyroscope's start-up (35 ms, DS 3.1)

# The self-test: eMD, Icm20948SelfTest.c
TEST_SETTINGS = {
    GYRO_SMPLRT_DIV: 0,  # as fast as it can: fewer seconds for as many samples
    ACCEL_SMPLRT_DIV_1: 0,
    ACCEL_SMPLRT_DIV_2: 0,
    GYRO_CONFIG_1: 0x01,  # ±250 °/s
    ACCEL_CONFIG: 0x39,  # ±2 g
}
TEST_ACCEL_ON = 0x1C  # ACCEL_CONFIG_2: all axes
TEST_GYRO_ON = 0x38  # GYRO_CONFIG_2: all axes
TEST_AXES = ("accel x", "accel y", "accel z", "gyro x", "gyro y", "gyro z")
TEST_HIGHEST = (150.0, 150.0, 150.0, math.inf, math.inf, math.inf)  # in per cent; the lowest is 50 for all
TEST_SETTLE_S = 0.02
TEST_SAMPLES = 100  # half of eMD's, so that the whole test stays below a second; their mean is good to 0.5 %
TEST_PERIOD_S = 0.001


def identify(registers: Registers) -> tuple[bool, str]:
    """Whether it is this chip, and what it said; only reads. Raises BusError.

    Its bank outlives the process that chose it: one that was killed during a read leaves the chip in another bank,
    where register 0 is not WHO_AM_I. Register 0x7F tells; the driver then makes sure, because it may write.
    """
    found, bank = registers.read(WHO_AM_I, 1)[0], registers.read(REG_BANK_SEL, 1)[0]
    return found == ICM20948_ID or bank in OTHER_BANKS, f"register 0 is {found:#04x}{_known(found)}"


class BankedRegisters(Registers):
    """Registers in banks that are switched over: the bank must be known before a number means anything."""

    _bank: int | None = None  # None: not known, for example after a transfer that may or may not have arrived

    def forget_bank(self) -> None:
        self._bank = None

    def read(self, register: int, count: int) -> bytes:
        self._select(register)
        return super().read(register % BANK, count)

    def write(self, register: int, *values: int) -> None:
        self._select(register)
        super().write(register % BANK, *values)

    def _select(self, register: int) -> None:
        bank = register // BANK
        if bank != self._bank:
            super().write(REG_BANK_SEL, bank << 4)
            self._bank = bank

    def _timed(self, transfer: Callable[[], T]) -> T:
        try:
            return super()._timed(transfer)
        except BusError:
            self.forget_bank()
            raise


class Icm20948:
    """A FifoChip."""

    capacity_frames = TRUSTED_BYTES // FRAME.size
    frame_bytes = FRAME.size
    filter_delay_ns = FILTER_DELAY_NS

    def __init__(
        self,
        bus: I2cBus,
        clock: Clock,
        *,
        address: int = 0x69,
        rate_hz: int = 100,
        accel_range_g: int = 16,
        gyro_range_dps: int = 2000,
    ) -> None:
        """`rate_hz`: at least so many samples a second; the chip makes 1125 divided by a whole number.

        Raises ValueError for a rate or a range that is none of the chip's.
        """
        check_setting("rate_hz", rate_hz, RATES_HZ)
        check_setting("accel_range_g", accel_range_g, ACCEL_FS_SEL)
        check_setting("gyro_range_dps", gyro_range_dps, GYRO_FS_SEL)
        self._clock = clock
        self.name = f"IMU at {address:#04x}"
        self._registers = BankedRegisters(bus, clock, address, self.name, NAMES)
        self.mps2_per_lsb = G0_MPS2 * accel_range_g / 32768  # DS 3.2, table 2
        self.radps_per_lsb = math.radians(1 / GYRO_LSB_PER_DPS[gyro_range_dps])
        divider = OUTPUT_HZ // rate_hz
        self.info = ImuInfo(
            "ICM-20948",
            address,
            output_hz=OUTPUT_HZ / divider,
            bandwidth_hz=50.4,
            accel_noise_mps2_rthz=230e-6 * G0_MPS2,  # DS 3.2, table 2
            gyro_noise_radps_rthz=math.radians(0.015),  # DS 3.1, table 1
        )
        self._ranges = _ranges(divider, ACCEL_FS_SEL[accel_range_g], GYRO_FS_SEL[gyro_range_dps])

    def open(self) -> None:
        self._identify()
        self._wake()
        for register, value in {**self._ranges, **SWITCHES}.items():
            self._registers.write(register, value)
        self.check_switches()
        self.check_ranges()

    def empty(self) -> None:
        self._registers.write(FIFO_RST, ALL_FIFOS)  # holds it empty until the bits are taken back
        self._registers.write(FIFO_RST, 0)

    def backlog(self) -> tuple[int, int]:
        high, low = self._registers.read(FIFO_COUNTH, 2)  # reading the high byte latches both
        count = high << 8 | low
        if count > MAX_COUNT:
            raise BusError(
                f"{self.name}: FIFO_COUNT is {count}, and the FIFO holds {FIFO_BYTES} bytes; "
                "something disturbs the bus: check the wiring and the length of the cable"
            )
        return divmod(count, FRAME.size)

    def fetch(self, frames: int) -> list[Words]:
        count = frames * FRAME.size
        starts = range(0, count, BURST_BYTES)
        bursts = [self._registers.read(FIFO_R_W, min(BURST_BYTES, count - start)) for start in starts]
        return unpacked(self.name, b"".join(bursts))

    def overflowed(self) -> bool:
        return bool(self._registers.read(INT_STATUS_2, 1)[0] & ALL_FIFOS)  # cleared by being read

    def check_ranges(self) -> None:
        found = self._registers.read(GYRO_SMPLRT_DIV, ACCEL_CONFIG_2 - GYRO_SMPLRT_DIV + 1)
        for register, expected in self._ranges.items():
            self._registers.compare(register, found[register - GYRO_SMPLRT_DIV], expected)

    def check_switches(self) -> None:
        self._registers.check(SWITCHES)

    def temperature_c(self) -> float:
        (word,) = TEMPERATURE.unpack(self._registers.read(TEMP_OUT_H, 2))
        return float(word / 333.87 + 21)  # DS 3.4 and TEMP_OUT_H

    def self_test(self) -> list[AxisTest]:
        """How far each axis answers a push, in per cent of what it answered in the factory (eMD, Icm20948SelfTest.c).

        An axis whose factory value is missing (code 0) fails, as it does there.
        """
        self._identify()
        self._wake()
        for register, value in TEST_SETTINGS.items():
            self._registers.write(register, value)
        codes = self._registers.read(SELF_TEST_X_ACCEL, 3) + self._registers.read(SELF_TEST_X_GYRO, 3)
        still = self._settled_means()
        self._registers.write(ACCEL_CONFIG_2, TEST_ACCEL_ON)
        accel_pushed = self._settled_means()[:3]
        self._registers.write(ACCEL_CONFIG_2, 0)
        self._registers.write(GYRO_CONFIG_2, TEST_GYRO_ON)
        gyro_pushed = self._settled_means()[3:]
        answers = [b - a for a, b in zip(still, accel_pushed + gyro_pushed, strict=True)]
        return [
            AxisTest(axis, 100 * answer / _factory_lsb(code), 50.0, high, "% of the factory's")
            for axis, answer, code, high in zip(TEST_AXES, answers, codes, TEST_HIGHEST, strict=True)
        ]

    def _settled_means(self) -> list[float]:
        """Of the six data registers, in LSB."""
        self._clock.sleep(TEST_SETTLE_S)
        sums = [0] * 6
        for _ in range(TEST_SAMPLES):
            self._clock.sleep(TEST_PERIOD_S)
            words = FRAME.unpack(self._registers.read(ACCEL_XOUT_H, FRAME.size))
            sums = [total + word for total, word in zip(sums, words, strict=True)]
        return [total / TEST_SAMPLES for total in sums]

    def _wake(self) -> None:
        """Reset it, and see that both sensors run."""
        self._registers.write(PWR_MGMT_1, DEVICE_RESET)
        self._registers.forget_bank()
        self._clock.sleep(RESET_S)
        self._registers.write(PWR_MGMT_1, CLOCK_AUTO)
        self._registers.write(PWR_MGMT_2, 0)
        self._clock.sleep(START_S)

    def _identify(self) -> None:
        self._registers.forget_bank()
        found = self._registers.identify(WHO_AM_I)
        if found != ICM20948_ID:
            raise WrongDevice(
                f"{self.name}: WHO_AM_I is {found:#04x}{_known(found)}, expected {ICM20948_ID:#04x} (ICM-20948); "
                "check imu.model and imu.address in rearguard.toml, and the part's label"
            )


def _ranges(divider: int, accel_fs_sel: int, gyro_fs_sel: int) -> dict[int, int]:
    """The registers that decide what the numbers mean, in the order in which they are written."""
    return {
        ODR_ALIGN_EN: 1,  # first: the dividers written after it start both sensors' samples together
        GYRO_SMPLRT_DIV: divider - 1,
        ACCEL_SMPLRT_DIV_1: 0,
        ACCEL_SMPLRT_DIV_2: divider - 1,
        GYRO_CONFIG_1: FILTER_50_HZ | gyro_fs_sel,
        GYRO_CONFIG_2: 0,  # no self-test
        ACCEL_CONFIG: FILTER_50_HZ | accel_fs_sel,
        ACCEL_CONFIG_2: 0,  # no self-test
    }


def _known(found: int) -> str:
    return f" ({OTHER_IDS[found]})" if found in OTHER_IDS else ""


def _factory_lsb(code: int) -> float:
    return float(2620 * 1.01 ** (code - 1)) if code else math.nan
