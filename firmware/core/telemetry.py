"""What is told now and then to whoever watches: the parts' health, the supply, and the numbers of the moment."""

import math

from firmware.core.balance import Balance
from firmware.core.behind import Behind
from firmware.core.course import Course
from firmware.core.detectors.power import PowerWatch
from firmware.core.detectors.sensor_health import SensorHealth
from firmware.core.messages import Health, Output, Pattern, PowerState, Telemetry
from firmware.core.moving import Moving
from firmware.core.wearing import Wearing

TELEMETRY_NS = 200_000_000
HEALTH_NS = 1_000_000_000


class Telling:
    """`tell` with each step; it says something when that is due, or has changed."""

    def __init__(
        self,
        course: Course,
        moving: Moving,
        balance: Balance,
        behind: Behind,
        wearing: Wearing,
        health: SensorHealth,
        power: PowerWatch,
    ) -> None:
        self._course, self._moving, self._balance, self._behind = course, moving, balance, behind
        self._wearing, self._health, self._power = wearing, health, power
        self._told_power: PowerState | None = None
        self._next_health_ns = self._next_telemetry_ns = 0

    @property
    def due_ns(self) -> int:
        """When time alone brings something to tell."""
        return min(self._next_health_ns, self._next_telemetry_ns)

    def hurry(self, now_ns: int) -> None:
        """The health of a part has changed."""
        self._next_health_ns = now_ns

    def tell(self, now_ns: int, pattern: Pattern, out: list[Output]) -> None:
        """`pattern`: what sounds now."""
        health, power = self._health, self._power
        if now_ns >= self._next_health_ns:
            self._next_health_ns = now_ns + HEALTH_NS
            out.append(Health(now_ns, {**health.parts(now_ns), **power.parts(now_ns)}))
        if power.state is not self._told_power and power.state is not None:
            self._told_power = power.state
            out.append(power.state)
        if now_ns >= self._next_telemetry_ns:
            self._next_telemetry_ns = now_ns + TELEMETRY_NS
            self._course.tally.sway_drift = self._balance.personal.drift
            self._course.tally.sway_ratio = self._balance.personal.against_before
            out.append(self._telemetry(now_ns, pattern))

    def _telemetry(self, now_ns: int, pattern: Pattern) -> Telemetry:
        """What is not known is None; angles are while the IMU can be trusted and her upright is known."""
        course, behind = self._course, self._behind
        attitude, steps, trunk, approach, tally = (
            self._moving.attitude,
            self._moving.steps,
            self._balance.trunk,
            behind.approach,
            course.tally,
        )
        known = attitude.upright_known and self._health.ok("imu")
        sway_rad = math.hypot(trunk.pitch_rad, trunk.roll_rad)
        return Telemetry(
            now_ns,
            course.state,
            pattern,
            _rounded(approach.distance_m),
            _rounded(approach.closing_mps),
            _rounded(approach.time_to_collision_s()),
            round(math.degrees(attitude.pitch_rad), 1) if known else None,
            round(math.degrees(sway_rad), 1) if known else None,
            round(math.degrees(trunk.rate_radps), 1) if known else None,
            tally.steps_in_all,
            _rounded(steps.cadence_spm(now_ns)),
            self._wearing.on_body,
            behind.companion.mode,
            _rounded(behind.companion.range_m),
            _rounded(tally.clear_m) if course.before else None,
            tally.no_start,
        )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
