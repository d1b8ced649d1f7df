"""MPU-6050, MPU-6500 and MPU-9250: accelerometer, gyroscope and a FIFO. The magnetometer of the MPU-9250 stays off.

"PS" is the product specification PS-MPU-6000A-00, revision 3.4, and "PS 9250" is PS-MPU-9250A-01, revision 1.0;
for "RM" and "RM 9250" see hal/imu/mpu_registers.py.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace

from hal.clock import Clock
from hal.errors import BusError, WrongDevice
from hal.i2c import I2cBus
from hal.imu import mpu_self_test
from hal.imu.fifo import Words
from hal.imu.imu import AxisTest, ImuInfo
from hal.imu.invensense_fifo import BURST_BYTES, FRAME, TRUSTED_BYTES, unpacked
from hal.imu.mpu_registers import (
    ACCEL_CONFIG,
    ACCEL_CONFIG_2,
    ACCEL_FS_SEL,
    BANDWIDTH_44_HZ,
    CLOCK_PLL_X_GYRO,
    CONFIG,
    DEVICE_RESET,
    FIFO_ACCEL_AND_GYRO,
    FIFO_COUNT_H,
    FIFO_EN,
    FIFO_ON,
    FIFO_OVERFLOWED,
    FIFO_R_W,
    FIFO_RESET,
    GYRO_CONFIG,
    GYRO_FS_SEL,
    INT_ENABLE,
    INT_STATUS,
    NAMES,
    PWR_MGMT_1,
    PWR_MGMT_2,
    SMPLRT_DIV,
    TEMP_OUT_H,
    USER_CTRL,
    WHO_AM_I,
)
from hal.registers import Registers

GYRO_OUTPUT_HZ = 1000  # with the low-pass filter on (RM 4.2)
RATES_HZ = (50, 100, 125, 200, 250, 500)  # whole dividers of it; what a FIFO can be trusted with lasts 74 ms or longer
TEMPERATURE = struct.Struct(">h")
G0_MPS2 = 9.80665
GYRO_LSB_PER_DPS = {1000: 32.8, 2000: 16.4}  # RM 4.19, PS 9250 3.1

RESET_S = 0.1
START_S = (
    0.1  # the gyroscope's start-up (30 ms, PS 6.1; 35 ms, PS 9250 3.1; Linux' inv_mpu6050 allows 60) and the PLL's
)


@dataclass(frozen=True, slots=True)
class Variant:
    """What differs within the family."""

    name: str  # as the maker writes it
    model: str  # as imu.model in rearguard.toml writes it
    ids: tuple[int, ...]  # WHO_AM_I, whatever the address pin AD0 says
    fifo_bytes: int
    filters: Mapping[int, int]  # registers of the low-pass filters
    bandwidth_hz: float
    filter_delay_ns: int  # of the accelerometer; the gyroscope's differs by 1 ms or less
    accel_noise_g_rthz: float
    gyro_noise_dps_rthz: float
    temperature_lsb_per_c: float
    temperature_at_0_c: float
    trim: mpu_self_test.Trim


MPU6050 = Variant(
    "MPU-6050",
    "mpu6050",
    (0x68,),
    fifo_bytes=1024,
    filters={CONFIG: BANDWIDTH_44_HZ},
    bandwidth_hz=44.0,  # accelerometer 44 Hz and 4.9 ms, gyroscope 42 Hz and 4.8 ms (RM 4.3)
    filter_delay_ns=4_900_000,
    accel_noise_g_rthz=400e-6,  # PS 6.2
    gyro_noise_dps_rthz=0.005,  # PS 6.1
    temperature_lsb_per_c=340,  # RM 4.18
    temperature_at_0_c=36.53,
    trim=mpu_self_test.TRIM_6050,
)
MPU6500 = Variant(
    "MPU-6500",
    "mpu6500",
    (0x70,),
    fifo_bytes=512,  # PS 9250 4.17; the rest of its memory belongs to the motion processor
    filters={CONFIG: BANDWIDTH_44_HZ, ACCEL_CONFIG_2: BANDWIDTH_44_HZ},
    # Accelerometer 44.8 Hz and 4.88 ms (RM 9250 4.8), gyroscope 41 Hz and 5.9 ms (RM 9250 4.6). RM-MPU-6500A-00 2.1
    # and older RM 9250 say 41 Hz and 11.8 ms of the accelerometer; the maker corrected its table for this die in 1.6.
    bandwidth_hz=44.8,
    filter_delay_ns=4_880_000,
    accel_noise_g_rthz=300e-6,  # PS 9250 3.2
    gyro_noise_dps_rthz=0.01,  # PS 9250 3.1
    temperature_lsb_per_c=333.87,  # PS 9250 3.4.2, RM 9250 register 65
    temperature_at_0_c=21.0,
    trim=mpu_self_test.TRIM_6500,
)
MPU9250 = replace(
    MPU6500,
    name="MPU-9250",
    model="mpu9250",
    ids=(0x71, 0x73),  # 0x73 is its successor, the MPU-9255, with the same registers
)
FAMILY = (MPU6050, MPU6500, MPU9250)

OTHER_IDS = {
    0x00: "the data line reads low",
    0x11: "ICM-20600",
    0x12: "ICM-20602",
    0x19: "MPU-6886",
    0x72: "a copy of the MPU-6050 that names no maker",
    0x74: "MPU-6515",
    0x78: "MPU-6880",
    0x98: "ICM-20689, often sold as an MPU-6050",
    0xAF: "ICM-20608",
    0xFF: "the data line reads high",
}
"""What else answers like this. Their filters and FIFOs differ, so their numbers would not mean the same."""


class Mpu:
    """A FifoChip: one of the family."""

    frame_bytes = FRAME.size
    capacity_frames = TRUSTED_BYTES // FRAME.size

    def __init__(
        self,
        variant: Variant,
        bus: I2cBus,
        clock: Clock,
        *,
        address: int = 0x68,
        rate_hz: int = 100,
        accel_range_g: int = 16,
        gyro_range_dps: int = 2000,
    ) -> None:
        """Raises ValueError for a rate or a range that is none of the chip's."""
        _check("rate_hz", rate_hz, RATES_HZ)
        _check("accel_range_g", accel_range_g, tuple(ACCEL_FS_SEL))
        _check("gyro_range_dps", gyro_range_dps, tuple(GYRO_FS_SEL))
        self._variant, self._clock = variant, clock
        self.name = f"IMU at {address:#04x}"
        self._registers = Registers(bus, clock, address, self.name, NAMES)
        self.filter_delay_ns = variant.filter_delay_ns
        self.mps2_per_lsb = G0_MPS2 * accel_range_g / 32768  # RM 4.17, PS 9250 3.2
        self.radps_per_lsb = math.radians(GYRO_LSB_PER_DPS[gyro_range_dps] ** -1)
        self.info = ImuInfo(
            variant.name,
            address,
            output_hz=rate_hz,
            bandwidth_hz=variant.bandwidth_hz,
            accel_noise_mps2_rthz=variant.accel_noise_g_rthz * G0_MPS2,
            gyro_noise_radps_rthz=math.radians(variant.gyro_noise_dps_rthz),
        )
        settings = {
            SMPLRT_DIV: GYRO_OUTPUT_HZ // rate_hz - 1,
            GYRO_CONFIG: GYRO_FS_SEL[gyro_range_dps],
            ACCEL_CONFIG: ACCEL_FS_SEL[accel_range_g],
            **variant.filters,
        }
        self._ranges = dict(sorted(settings.items()))  # one block, read back in one transfer
        self._switches = {
            FIFO_EN: FIFO_ACCEL_AND_GYRO,
            INT_ENABLE: FIFO_OVERFLOWED,
            USER_CTRL: FIFO_ON,
            PWR_MGMT_1: CLOCK_PLL_X_GYRO,
            PWR_MGMT_2: 0,
        }

    def open(self) -> None:
        self._identify()
        self._reset()
        for register, value in {**self._ranges, **self._switches}.items():
            self._registers.write(register, value)
        self.check_switches()
        self.check_ranges()

    def empty(self) -> None:
        self._registers.write(USER_CTRL, FIFO_RESET)
        self._registers.write(USER_CTRL, FIFO_ON)

    def backlog(self) -> tuple[int, int]:
        high, low = self._registers.read(FIFO_COUNT_H, 2)  # reading the high byte latches both
        count = high << 8 | low
        if count > self._variant.fifo_bytes:
            raise BusError(
                f"{self.name}: FIFO_COUNT is {count}, and the FIFO holds {self._variant.fifo_bytes} bytes; "
                "something disturbs the bus: check the wiring and the length of the cable"
            )
        return divmod(count, FRAME.size)

    def fetch(self, frames: int) -> list[Words]:
        count = frames * FRAME.size
        starts = range(0, count, BURST_BYTES)
        bursts = [self._registers.read(FIFO_R_W, min(BURST_BYTES, count - start)) for start in starts]
        return unpacked(self.name, b"".join(bursts))

    def overflowed(self) -> bool:
        return bool(self._registers.read(INT_STATUS, 1)[0] & FIFO_OVERFLOWED)

    def check_ranges(self) -> None:
        found = self._registers.read(SMPLRT_DIV, len(self._ranges))
        for (register, expected), value in zip(self._ranges.items(), found, strict=True):
            self._registers.compare(register, value, expected)

    def check_switches(self) -> None:
        self._registers.check(self._switches)

    def temperature_c(self) -> float:
        (word,) = TEMPERATURE.unpack(self._registers.read(TEMP_OUT_H, 2))
        return float(word / self._variant.temperature_lsb_per_c + self._variant.temperature_at_0_c)

    def self_test(self) -> list[AxisTest]:
        self._reset()
        return mpu_self_test.run(self._registers, self._clock, self._variant.trim)

    def _reset(self) -> None:
        self._registers.write(PWR_MGMT_1, DEVICE_RESET)
        self._clock.sleep(RESET_S)
        self._registers.write(PWR_MGMT_1, CLOCK_PLL_X_GYRO)
        self._clock.sleep(START_S)

    def _identify(self) -> None:
        found = self._registers.identify(WHO_AM_I)
        if found in self._variant.ids:
            return
        relative = next((other for other in FAMILY if found in other.ids), None)
        if relative is not None:
            what, to_do = f" ({relative.name})", f'set imu.model = "{relative.model}" or "auto" in rearguard.toml'
        else:
            what = f" ({OTHER_IDS[found]})" if found in OTHER_IDS else ""
            to_do = "check imu.model and imu.address in rearguard.toml, and the part's label"
        expected = " or ".join(f"{identity:#04x}" for identity in self._variant.ids)
        raise WrongDevice(
            f"{self.name}: WHO_AM_I is {found:#04x}{what}, expected {expected} ({self._variant.name}); {to_do}"
        )


def _check(key: str, value: int, choices: tuple[int, ...]) -> None:
    if value not in choices:
        raise ValueError(f"imu: {key} is {value}, expected one of {', '.join(map(str, choices))}")
