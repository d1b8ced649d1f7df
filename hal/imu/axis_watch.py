"""Notices an axis that has died: it gives the same number for ever, or stays at the end of its range."""

from collections.abc import Sequence

from hal.errors import StuckAxis

STUCK_ACCEL_S = 0.5  # and at least so many samples:
STUCK_ACCEL_SAMPLES = 50
STUCK_GYRO_S = 5.0
STUCK_GYRO_SAMPLES = 500
# How sound chips compare, lying still, by their data sheets' noise in steps of their output. The chance that a sample
# repeats the one before is at most erf(0.35 / sigma), sigma in steps (the mean just between two roundings):
#   accelerometer, ±16 g   BNO055 0.76 steps (its own are of 14 bits), LSM6DSOX 2.0, ICM-20948 4, MPU 5 to 7
#   gyroscope, ±2000 °/s   LSM6DSOX 0.33 to 0.39, MPU-6050 0.67, MPU-6500 and MPU-9250 1.3, BNO055 1.9, ICM-20948 2
# At ±8 g and ±1000 °/s it is twice that. 50 in a row of the worst, a BNO055: 1e-15; 500 of an LSM6DSOX with 0.33
# steps, 0.87 each: 1e-30, and with a quarter less noise than that (0.25 steps, 0.955 each) 1e-10. On a body, whose
# tremor and breath are added, it is less by far. Samples taken faster than the filter's bandwidth resemble each other:
# hence the times beside the counts.

RAIL_SHARE = 0.85  # of 16 bits, because ±2000 °/s end at 28571 LSB in an LSM6DSOX
# 13.6 or 6.8 g, 1700 or 850 °/s: no body keeps that up for half a second; a fall's impact lasts less than 0.1 s.
# What is at the end of a range may still flicker there, so all that lies beyond this counts as the same.

AXES = (
    "accelerometer's x",
    "accelerometer's y",
    "accelerometer's z",
    "gyroscope's x",
    "gyroscope's y",
    "gyroscope's z",
)
ADVICE = "switch the device off and on, and change the part if that does not help"


class AxisWatch:
    """Counts equal words in a row on each axis of the chip, before they are turned into body axes and mixed."""

    def __init__(self, name: str, output_hz: float, *, accel_rail_lsb: float, gyro_rail_lsb: float) -> None:
        """`name` begins every message; the rails: what counts as the end of the range, in LSB."""
        self._name = name
        accel = max(STUCK_ACCEL_SAMPLES, round(STUCK_ACCEL_S * output_hz))
        gyro = max(STUCK_GYRO_SAMPLES, round(STUCK_GYRO_S * output_hz))
        self._railed = accel
        self._limits = (accel, accel, accel, gyro, gyro, gyro)
        self._rails = (accel_rail_lsb,) * 3 + (gyro_rail_lsb,) * 3
        self._last: list[float] = [0.0] * 6
        self._same = [0] * 6

    def watch(self, frames: Sequence[Sequence[int]]) -> None:
        """Take samples, oldest first: accelerometer x, y, z and gyroscope x, y, z.

        Raises StuckAxis at the end of them, and again every time until the axis moves.
        """
        last, same, rails = self._last, self._same, self._rails
        for words in frames:
            for axis, word in enumerate(words):
                rail = rails[axis]
                held = rail if word > rail else -rail if word < -rail else word
                if held == last[axis]:
                    same[axis] += 1
                else:
                    last[axis], same[axis] = held, 1
        if max(same) >= self._railed:
            self._judge()

    def _judge(self) -> None:
        for what, held, same, rail, limit in zip(AXES, self._last, self._same, self._rails, self._limits, strict=True):
            if abs(held) >= rail and same >= self._railed:
                raise StuckAxis(
                    f"{self._name}: its {what} axis has been beyond {held:+.0f} LSB, the end of its range, for {same} "
                    f"samples, expected less than {self._railed} of any movement; {ADVICE}"
                )
            if same >= limit:
                raise StuckAxis(
                    f"{self._name}: its {what} axis has read {held:.0f} LSB for {same} samples in a row, expected "
                    f"noise; the axis is stuck: {ADVICE}"
                )
