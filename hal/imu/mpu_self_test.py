"""The self-test of the MPU family: electronics push the masses, and the answer is compared with the factory's.

Sources: RM-MPU-6000A-00, revision 4.2, section 4.1 (MPU-6050), with limits from PS-MPU-6000A-00, revision 3.4, 6.1 and
6.2; AN-MPU-9250A-03, revision 1.0, section 3 (MPU-6500, MPU-9250), as InvenSense's Motion Driver 6.12 carries it out.
"""

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from hal.clock import Clock
from hal.imu.imu import AxisTest
from hal.imu.mpu_registers import (
    ACCEL_XOUT_H,
    GYRO_CONFIG,
    PUSH_ALL_AXES,
    SELF_TEST_6050,
    SELF_TEST_ACCEL_9250,
    SELF_TEST_GYRO_9250,
    SMPLRT_DIV,
)
from hal.registers import Registers

AXES = ("accel x", "accel y", "accel z", "gyro x", "gyro y", "gyro z")
SAMPLES = 200  # AN-MPU-9250A-03, section 3
SAMPLE_S = 0.001
SETTLE_S = 0.05  # the filter, and the masses; the application note asks for 20 ms
ALL = struct.Struct(">7h")  # accelerometer, temperature, gyroscope
MAX_GYRO_OFFSET_DPS = 20.0  # PS 6.1; AN-MPU-9250A-03, section 3


@dataclass(frozen=True, slots=True)
class Trim:
    """How one chip of the family is tested. Vectors hold accelerometer x, y, z and gyroscope x, y, z."""

    settings: tuple[int, ...]  # SMPLRT_DIV, CONFIG, GYRO_CONFIG, ACCEL_CONFIG and, where there is one, ACCEL_CONFIG_2
    accel_lsb_per_g: float  # under these settings
    gyro_lsb_per_dps: float
    factory: Callable[[Registers], tuple[float, ...]]  # the answers noted at the factory, in LSB; 0: none was
    judge: Callable[["Trim", Sequence[float], Sequence[float]], list[AxisTest]]  # answers, and the factory's


def run(registers: Registers, clock: Clock, trim: Trim) -> list[AxisTest]:
    """Test a chip that is awake and lies still. Leaves it under the test's settings. Raises BusError."""
    registers.write(SMPLRT_DIV, *trim.settings)
    at_rest = _mean(registers, clock)
    _, _, gyro, accel, *_ = trim.settings
    registers.write(GYRO_CONFIG, gyro | PUSH_ALL_AXES, accel | PUSH_ALL_AXES)
    pushed = _mean(registers, clock)
    answers = [b - a for a, b in zip(at_rest, pushed, strict=True)]
    return trim.judge(trim, answers, trim.factory(registers)) + [
        AxisTest(f"{axis} at rest", rate / trim.gyro_lsb_per_dps, -MAX_GYRO_OFFSET_DPS, MAX_GYRO_OFFSET_DPS, "°/s")
        for axis, rate in zip(AXES[3:], at_rest[3:], strict=True)
    ]


def _mean(registers: Registers, clock: Clock) -> list[float]:
    clock.sleep(SETTLE_S)
    rows = []
    for _ in range(SAMPLES):
        clock.sleep(SAMPLE_S)
        rows.append(ALL.unpack(registers.read(ACCEL_XOUT_H, ALL.size)))
    columns = [fmean(column) for column in zip(*rows, strict=True)]
    return columns[:3] + columns[4:]


# MPU-6050


def _factory_6050(registers: Registers) -> tuple[float, ...]:
    """RM 4.1: five bits an axis; the accelerometers' are spread over two registers."""
    *mixed, low_bits = registers.read(SELF_TEST_6050, 4)
    accel = [mixed[i] >> 3 & 0x1C | low_bits >> shift & 3 for i, shift in enumerate((4, 2, 0))]
    gyro = [code & 0x1F for code in mixed]
    return (
        *(4096 * 0.34 * (0.92 / 0.34) ** ((code - 1) / 30) if code else 0.0 for code in accel),
        *(sign * 25 * 131 * 1.046 ** (code - 1) if code else 0.0 for sign, code in zip((1, -1, 1), gyro, strict=True)),
    )


def _judge_6050(trim: Trim, answers: Sequence[float], factory: Sequence[float]) -> list[AxisTest]:
    """PS 6.1 and 6.2: within 14 % of the factory's answer. A copy without one fails: nothing is known of it."""
    return [
        AxisTest(axis, 100 * (answer - noted) / noted if noted else math.nan, -14.0, 14.0, "% off the factory's")
        for axis, answer, noted in zip(AXES, answers, factory, strict=True)
    ]


TRIM_6050 = Trim((0, 2, 0x00, 0x10), 4096.0, 131.0, _factory_6050, _judge_6050)  # 1 kHz, 94 Hz, ±250 °/s, ±8 g


# MPU-6500, MPU-9250


def _factory_6500(registers: Registers) -> tuple[float, ...]:
    codes = registers.read(SELF_TEST_ACCEL_9250, 3) + registers.read(SELF_TEST_GYRO_9250, 3)
    return tuple(2620 * 1.01 ** (code - 1) if code else 0.0 for code in codes)


def _judge_6500(trim: Trim, answers: Sequence[float], factory: Sequence[float]) -> list[AxisTest]:
    """Compared with the factory's answers, or in units where it noted none for one of the three axes."""
    return _judge_three(
        AXES[:3], answers[:3], factory[:3], (50.0, 150.0), trim.accel_lsb_per_g / 1000, (225.0, 675.0, "mg")
    ) + _judge_three(
        AXES[3:], answers[3:], factory[3:], (50.0, math.inf), trim.gyro_lsb_per_dps, (60.0, math.inf, "°/s")
    )


def _judge_three(
    axes: Sequence[str],
    answers: Sequence[float],
    factory: Sequence[float],
    percent: tuple[float, float],
    lsb_per_unit: float,
    absolute: tuple[float, float, str],
) -> list[AxisTest]:
    if all(factory):
        return [
            AxisTest(axis, 100 * answer / noted, *percent, "% of the factory's")
            for axis, answer, noted in zip(axes, answers, factory, strict=True)
        ]
    return [AxisTest(axis, answer / lsb_per_unit, *absolute) for axis, answer in zip(axes, answers, strict=True)]


TRIM_6500 = Trim((0, 2, 0x00, 0x00, 2), 16384.0, 131.0, _factory_6500, _judge_6500)  # 1 kHz, 92 Hz, ±250 °/s, ±2 g
