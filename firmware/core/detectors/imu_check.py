"""Whether the samples of the IMU can be what a sensor on a human body measures. Judged before anything uses them."""

import math
from collections import deque
from dataclasses import dataclass

from hal.samples import ImuSample, Vector


@dataclass(frozen=True, slots=True)
class ImuCheckConfig:
    """What a healthy IMU never does."""

    rate_hz: float = 0.0  # nominal; 0: the highest rate kept for two seconds so far (recordings differ)
    least_rate_hz: float = 18.0  # below it nothing is detected in time, whatever the nominal rate
    rate_share: float = 0.8
    late_s: float = 0.15
    late_for_s: float = 0.1  # one late burst is a busy processor, not a broken sensor
    stuck_samples: int = 20  # the noise of a live sensor makes so many equal samples impossible
    zero_samples: int = 5  # a sleeping chip reads 0 g without any rotation; a falling person rotates
    full_scale_mps2: float = 170.0
    full_scale_radps: float = 38.0
    jump_mps2: float = 160.0  # between two samples, summed over the axes; hard falls ring like this 4 times
    jump_radps: float = 25.0
    jumps: int = 8
    # Lost ranges read half or twice of everything; real sensors that lie on another axis, or were hit, 0.69 to 1.52 g.
    still_low_g: float = 0.6
    still_high_g: float = 1.65
    moving_low_g: float = 0.5  # mean of a second of any movement
    moving_high_g: float = 3.0

    def __post_init__(self) -> None:
        for key, low, high in (
            ("rate_hz", 0.0, 2000.0),
            ("least_rate_hz", 10.0, 100.0),
            ("rate_share", 0.3, 1.0),
            ("late_s", 0.05, 1.0),
            ("late_for_s", 0.0, 1.0),
            ("stuck_samples", 5, 200),
            ("zero_samples", 2, 100),
            ("full_scale_mps2", 20.0, 500.0),
            ("full_scale_radps", 4.0, 100.0),
            ("jump_mps2", 40.0, 500.0),
            ("jump_radps", 10.0, 200.0),
            ("jumps", 3, 50),
            ("still_low_g", 0.55, 0.95),
            ("still_high_g", 1.05, 1.8),
            ("moving_low_g", 0.2, 0.8),
            ("moving_high_g", 1.5, 5.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"imu_check: {key} ({getattr(self, key)}) must lie between {low} and {high}")


G0_MPS2 = 9.80665
FREE_MPS2 = 0.4 * G0_MPS2
_SECOND_NS = 1_000_000_000
_NEVER_NS = -(2**62)
_MOVED_MPS2 = 0.4  # more than the sleeping chip's 0.2 on each axis


GYRO_PATIENCE = 10  # a gyroscope at rest may repeat its last bit now and then, an accelerometer's noise is larger


class ImuCheck:
    """Judges sample by sample. `usable` tells whether the last one may be used, a reason that the part is faulty.

    Samples that come late or too slowly are a fault, but each of them is still true. `garbled`: the values jump, so
    what the last ones seemed to show was no movement.
    """

    def __init__(self, config: ImuCheckConfig) -> None:
        self._config = config
        self._late_ns, self._late_for_ns = round(config.late_s * 1e9), round(config.late_for_s * 1e9)
        self._t_ns = _NEVER_NS
        self._first_ns: int | None = None  # since when there should be enough samples
        self._accel: Vector = (0.0, 0.0, 0.0)
        self._gyro: Vector = (0.0, 0.0, 0.0)
        self._times_ns: deque[int] = deque()  # the newest, as many as a second must have
        self._expect(config.rate_hz)
        # A sample within these, after another one within these, is at no end of its range and cannot have jumped.
        self._calm_mps2 = min(config.full_scale_mps2, config.jump_mps2 / 1.75)  # sum over the axes: at most sqrt(3)
        self._calm_radps = min(config.full_scale_radps, config.jump_radps)
        self.magnitude_mps2 = self._turning_radps = 0.0  # of the last sample
        self._late_since_ns: int | None = None
        self._same_accel = self._same_gyro = self._zeros = self._jumps = 0
        self._block_end_ns = _NEVER_NS
        self._block = _Block()
        self._scale_reason = ""
        self._last_count = 0
        self.usable = False
        self.garbled = False

    def judge(self, newest_ns: int, sample: ImuSample) -> str:
        """Empty, or why the IMU cannot be trusted; `newest_ns` is the newest time seen in any input."""
        t_ns, accel, gyro = sample.t_ns, sample.accel_mps2, sample.gyro_radps
        ax, ay, az = accel
        gx, gy, gz = gyro
        square, turning = ax * ax + ay * ay + az * az, abs(gx) + abs(gy) + abs(gz)
        self.usable = False
        if not square + turning < math.inf:  # as with NaN and infinity
            return "IMU: a sample is not a finite number; check its wiring"
        reason = ""
        if newest_ns - t_ns <= self._late_ns:
            self._late_since_ns = None
        else:
            reason = self._judge_lateness(newest_ns, t_ns)
        if t_ns <= self._t_ns:
            return reason
        self.usable = True
        if not reason:
            times_ns = self._times_ns
            times_ns.append(t_ns)
            if t_ns - times_ns[0] >= _SECOND_NS or len(times_ns) < self._least_count:
                reason = self._judge_rate(t_ns)
        magnitude = math.sqrt(square)
        calm = _MOVED_MPS2 < magnitude < self._calm_mps2 - self.magnitude_mps2
        if calm and turning + self._turning_radps < self._calm_radps and accel != self._accel and gyro != self._gyro:
            self._same_accel = self._same_gyro = self._zeros = 0  # as nearly all are: nothing more to ask
            self.garbled = False
            if self._jumps:
                self._jumps -= 1
            wrong = ""
        else:
            wrong = self._judge_values(accel, gyro)
        self._t_ns, self._accel, self._gyro = t_ns, accel, gyro
        self.magnitude_mps2, self._turning_radps = magnitude, turning
        if wrong:
            return wrong
        block = self._block if t_ns < self._block_end_ns else self._next_block(t_ns)
        block.add(magnitude, turning)
        if self._scale_reason:
            self.usable = False
        return self._scale_reason or reason

    def _judge_lateness(self, newest_ns: int, t_ns: int) -> str:
        if self._late_since_ns is None:
            self._late_since_ns = newest_ns
        elif newest_ns - self._late_since_ns >= self._late_for_ns:
            return f"IMU: samples come {(newest_ns - t_ns) / 1e9:.2f} s late; check the I2C bus and the load"
        return ""

    def _judge_rate(self, t_ns: int) -> str:
        if self._first_ns is None:
            self._first_ns = t_ns
        if t_ns - self._first_ns < _SECOND_NS:
            return ""
        rate_hz = sum(t_ns - at_ns < _SECOND_NS for at_ns in self._times_ns)
        return f"IMU: {rate_hz} samples in the last second, expected at least {self._least_count}; check the I2C bus"

    def _judge_values(self, accel: Vector, gyro: Vector) -> str:
        ax, ay, az = accel
        gx, gy, gz = gyro
        self._same_accel = self._same_accel + 1 if accel == self._accel else 0
        self._same_gyro = self._same_gyro + 1 if gyro == self._gyro else 0
        same = max(self._same_accel, self._same_gyro // GYRO_PATIENCE) + 1
        if same >= self._config.stuck_samples:
            self.usable = False
            what = "accelerations" if self._same_accel >= self._same_gyro // GYRO_PATIENCE else "angular rates"
            return f"IMU: {same} and more equal {what} in a row, so it is stuck; check its power and wiring"
        if -0.2 < ax < 0.2 and -0.2 < ay < 0.2 and -0.2 < az < 0.2 and abs(gx) + abs(gy) + abs(gz) < 0.02:
            self.usable = False  # 0 g without rotation is a sleeping chip, never a fall
            self._zeros += 1
            if self._zeros >= self._config.zero_samples:
                return "IMU: it reads 0 g without any rotation, so it sleeps or lost its power; check its supply"
        else:
            self._zeros = 0
        return self._judge_jump(accel, gyro)

    def _judge_jump(self, accel: Vector, gyro: Vector) -> str:
        ax, ay, az = accel
        gx, gy, gz = gyro
        px, py, pz = self._accel
        qx, qy, qz = self._gyro
        jump_mps2 = abs(ax - px) + abs(ay - py) + abs(az - pz)
        jump_radps = abs(gx - qx) + abs(gy - qy) + abs(gz - qz)
        config = self._config
        far, fast = config.full_scale_mps2, config.full_scale_radps
        if not (-far < ax < far and -far < ay < far and -far < az < far):
            self.usable = False
        if not (-fast < gx < fast and -fast < gy < fast and -fast < gz < fast):
            self.usable = False
        if self.usable and jump_mps2 < config.jump_mps2 and jump_radps < config.jump_radps:
            if self._jumps:
                self._jumps -= 1
        elif self._t_ns != _NEVER_NS:
            self._jumps += 1
        self.garbled = self._jumps >= config.jumps
        if not self.garbled:
            return ""
        self._jumps = config.jumps
        self.usable = False
        return "IMU: its values jump faster than a body can move; check the I2C wiring"

    def _next_block(self, t_ns: int) -> "_Block":
        """Each second is judged: lost ranges read as a wrong gravity, and no sample is true until a second is."""
        block = self._block
        self._scale_reason = self._judge_scale(block)
        if not self._config.rate_hz:
            # Samples that come in a bunch after a pause must not raise what is expected for good.
            self._expect(max(self._nominal_hz, min(block.count, self._last_count)))
            self._last_count = block.count
        self._block_end_ns = t_ns + _SECOND_NS
        block.restart()
        return block

    def _expect(self, nominal_hz: float) -> None:
        self._nominal_hz = nominal_hz
        self._least_count = math.ceil(max(self._config.least_rate_hz, self._config.rate_share * nominal_hz))
        if self._times_ns.maxlen != self._least_count:
            self._times_ns = deque(self._times_ns, maxlen=self._least_count)
            self._first_ns = None  # those from before are not all there: a second of patience

    def _judge_scale(self, block: "_Block") -> str:
        if block.count < 10:
            return ""
        config = self._config
        mean_g = block.sum_mps2 / block.count / G0_MPS2
        if mean_g < config.moving_low_g and block.free < 0.7 * block.count:  # it was dropped: nothing for half a second
            mean_g = (block.sum_mps2 - block.free_mps2) / (block.count - block.free) / G0_MPS2
        still = block.turning_radps < 0.5 and block.high_mps2 - block.low_mps2 < 2.0
        low_g, high_g = config.moving_low_g, config.moving_high_g
        if still:
            low_g, high_g = config.still_low_g, config.still_high_g
        if low_g <= mean_g <= high_g:
            return ""
        return f"IMU: gravity reads {mean_g:.2f} g, expected {low_g} to {high_g} g; its range settings may be lost"


class _Block:
    """One second of samples: how strong, how much turning."""

    __slots__ = ("count", "free", "free_mps2", "high_mps2", "low_mps2", "sum_mps2", "turning_radps")

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.count = self.free = 0
        self.free_mps2 = self.sum_mps2 = self.high_mps2 = self.turning_radps = 0.0
        self.low_mps2 = math.inf

    def add(self, magnitude_mps2: float, turning_radps: float) -> None:
        self.count += 1
        self.sum_mps2 += magnitude_mps2
        if magnitude_mps2 > self.high_mps2:
            self.high_mps2 = magnitude_mps2
        if magnitude_mps2 < FREE_MPS2:
            self.free += 1
            self.free_mps2 += magnitude_mps2
        if magnitude_mps2 < self.low_mps2:
            self.low_mps2 = magnitude_mps2
        if turning_radps > self.turning_radps:
            self.turning_radps = turning_radps
