"""Falls: an impact after which the trunk does not come back up, or a trunk that stays down. And what follows."""

import itertools
import math
from collections import deque
from dataclasses import dataclass

from firmware.core.messages import Detection, Hazard, Severity, Value

G0_MPS2 = 9.80665


@dataclass(frozen=True, slots=True)
class FallConfig:
    """What counts as a fall, and when somebody is called."""

    impact_g: float = 2.0  # slow steps reach 1.8 g, falls on mats 2 g and more
    settle_s: float = 0.4  # from the impact until the trunk's tilt is judged
    decide_s: float = 1.0  # from the impact until it is decided
    soft_impact_g: float = 3.0
    tilt_deg: float = 60.0  # from the personal upright, after a soft impact; sitting down hard leans up to 56
    hard_impact_g: float = 6.0
    hard_tilt_deg: float = 30.0  # who falls hard may end up sitting; in between the limit falls evenly
    down_deg: float = 60.0  # nobody walks like this
    down_s: float = 4.0
    ask_again_s: float = 60.0  # after a cancelled alarm, when the trunk stays down all the same
    countdown_s: float = 30.0
    no_cancel_s: float = 3.0  # a press that begins sooner after the impact may be the fall itself
    upright_deg: float = 30.0
    recovered_steps: int = 4
    recovered_upright_s: float = 10.0
    not_recovered_min: tuple[float, ...] = (5.0, 15.0)
    long_lie_min: float = 60.0

    def __post_init__(self) -> None:
        for key, low, high in (
            ("impact_g", 1.5, 4.0),
            ("settle_s", 0.1, 1.0),
            ("decide_s", 0.5, 3.0),
            ("soft_impact_g", 1.5, 5.0),
            ("tilt_deg", 30.0, 70.0),
            ("hard_impact_g", 3.0, 12.0),
            ("hard_tilt_deg", 20.0, 70.0),
            ("down_deg", 45.0, 80.0),
            ("down_s", 2.0, 10.0),
            ("ask_again_s", 20.0, 300.0),
            ("countdown_s", 10.0, 60.0),
            ("no_cancel_s", 0.0, 5.0),
            ("upright_deg", 10.0, 40.0),
            ("recovered_steps", 3, 20),
            ("recovered_upright_s", 5.0, 60.0),
            ("long_lie_min", 20.0, 120.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"fall: {key} ({getattr(self, key)}) must lie between {low} and {high}")
        if not self.settle_s < self.decide_s:
            raise ValueError(f"fall: settle_s ({self.settle_s}) must be less than decide_s ({self.decide_s})")
        if not self.soft_impact_g < self.hard_impact_g:
            raise ValueError(
                f"fall: soft_impact_g ({self.soft_impact_g}) must be less than hard_impact_g ({self.hard_impact_g})"
            )
        minutes = (0.0, *self.not_recovered_min, self.long_lie_min)
        if not all(early < late for early, late in itertools.pairwise(minutes)):
            raise ValueError(
                f"fall: not_recovered_min ({list(self.not_recovered_min)}) must rise and end before "
                f"long_lie_min ({self.long_lie_min})"
            )


@dataclass(slots=True)
class _Impact:
    t_ns: int
    peak_mps2: float
    tilt_since_ns: int = 0
    tilt_sum_rad: float = 0.0
    count: int = 0


class FallDetector:
    """Tells from |a| and the tilt that somebody seems to have fallen; `update` returns the evidence, once."""

    def __init__(self, config: FallConfig) -> None:
        self._config = config
        self._impact_mps2 = config.impact_g * G0_MPS2
        self._settle_ns, self._decide_ns = round(config.settle_s * 1e9), round(config.decide_s * 1e9)
        self._look_ns = min(200_000_000, self._decide_ns - self._settle_ns)  # a tilt seen for less is chance
        self._down_rad, self._down_ns = math.radians(config.down_deg), round(config.down_s * 1e9)
        self._down_since_ns: int | None = None
        self._excused_until_ns: int | None = None
        self._pending: deque[_Impact] = deque(maxlen=8)

    def restart(self) -> None:
        """The motion before a sensor's fault says nothing about now."""
        self._pending.clear()
        self._down_since_ns = None

    def lose_touch(self, now_ns: int) -> dict[str, Value] | None:
        """The sensor is silent for too long: evidence of a fall when an impact was still to be judged before that.

        A device that is smashed in the fall cannot tell how the fall ended; it asks.
        """
        hardest = max(self._pending, key=lambda impact: impact.peak_mps2, default=None)
        self.restart()
        if hardest is None or hardest.peak_mps2 < self._config.soft_impact_g * G0_MPS2:
            return None
        return {
            "path": "impact, then no signal",
            "tilt_deg": None,
            "impact_g": round(hardest.peak_mps2 / G0_MPS2, 2),
            "impact_age_s": round((now_ns - hardest.t_ns) * 1e-9, 2),
        }

    def update(self, t_ns: int, magnitude_mps2: float, tilt_rad: float) -> dict[str, Value] | None:
        """One sample of |a| and of the tilt from the personal upright; both finite."""
        if magnitude_mps2 > self._impact_mps2:
            self._note_impact(t_ns, magnitude_mps2)
        evidence = self._judge_impacts(t_ns, tilt_rad) if self._pending else None
        if tilt_rad < self._down_rad:
            self._down_since_ns = self._excused_until_ns = None
        elif evidence is None:
            evidence = self._judge_posture(t_ns, tilt_rad)
        if evidence is not None:
            self.restart()
        return evidence

    def excuse(self, now_ns: int) -> None:
        """The wearer cancelled: lying on is no new fall, until it lasts too long."""
        self._excused_until_ns = now_ns + round(self._config.ask_again_s * 1e9)

    def _judge_posture(self, t_ns: int, tilt_rad: float) -> dict[str, Value] | None:
        if self._down_since_ns is None:
            self._down_since_ns = t_ns
        down_ns = t_ns - self._down_since_ns
        if down_ns < self._down_ns or (self._excused_until_ns is not None and t_ns < self._excused_until_ns):
            return None
        return {
            "path": "posture",
            "tilt_deg": round(math.degrees(tilt_rad), 1),
            "impact_g": None,
            "impact_age_s": round(down_ns * 1e-9, 2),
        }

    def _note_impact(self, t_ns: int, magnitude_mps2: float) -> None:
        """A higher peak replaces the one it belongs to; a later one is judged on its own."""
        last = self._pending[-1] if self._pending else None
        if last is None or t_ns - last.t_ns >= 300_000_000:
            self._pending.append(_Impact(t_ns, magnitude_mps2))
        elif magnitude_mps2 > last.peak_mps2:
            self._pending[-1] = _Impact(t_ns, magnitude_mps2)

    def _judge_impacts(self, t_ns: int, tilt_rad: float) -> dict[str, Value] | None:
        for impact in self._pending:
            if t_ns - impact.t_ns >= self._settle_ns:
                if not impact.count:
                    impact.tilt_since_ns = t_ns
                impact.tilt_sum_rad += tilt_rad
                impact.count += 1
        first = self._pending[0]
        if t_ns - first.t_ns < self._decide_ns or t_ns - first.tilt_since_ns < self._look_ns:
            return None
        self._pending.popleft()
        tilt_deg = math.degrees(first.tilt_sum_rad / first.count)
        peak_g = first.peak_mps2 / G0_MPS2
        if tilt_deg < self._limit_deg(peak_g):
            return None
        age_s = (t_ns - first.t_ns) * 1e-9
        return {
            "path": "impact",
            "tilt_deg": round(tilt_deg, 1),
            "impact_g": round(peak_g, 2),
            "impact_age_s": round(age_s, 2),
        }

    def _limit_deg(self, peak_g: float) -> float:
        """The harder the impact, the less tilt is needed."""
        config = self._config
        hardness = (peak_g - config.soft_impact_g) / (config.hard_impact_g - config.soft_impact_g)
        return config.tilt_deg + (config.hard_tilt_deg - config.tilt_deg) * min(1.0, max(0.0, hardness))


_CALM = Detection(Hazard.FALL, Severity.NONE)
STOOD_S = 2.0
_OPEN = (Severity.SUSPECTED, Severity.CONFIRMED, Severity.NOT_RECOVERED, Severity.LONG_LIE)


class FallAlarm:
    """The life of one fall alarm: countdown, confirmed, not up yet; or cancelled, or up again.

    Runs on time alone, so it goes on when every sensor has died. A fall during an unfinished alarm belongs to
    that alarm and does not restart its countdown.
    """

    def __init__(self, config: FallConfig) -> None:
        self._config = config
        minutes = (*config.not_recovered_min, config.long_lie_min)
        self._phases = [(config.countdown_s, Severity.CONFIRMED)]
        self._phases += [(60.0 * minute, Severity.NOT_RECOVERED) for minute in minutes[:-1]]
        self._phases += [(60.0 * minutes[-1], Severity.LONG_LIE)]
        self._upright_rad = math.radians(config.upright_deg)
        self._phase = 0
        self._suspected_ns = self._impact_ns = 0
        self._upright_since_ns: int | None = None
        self._upright_steps = 0
        self._next: tuple[int, dict[str, Value]] | None = None
        self.resumed = False  # the open alarm is of an earlier run of the guard
        self._stood = False  # she was seen upright since it was resumed
        self.detection = _CALM

    @property
    def open(self) -> bool:
        return self.detection.severity in _OPEN

    def suspect(self, now_ns: int, evidence: dict[str, Value]) -> None:
        if self.resumed and self._stood:
            # How the alarm of an earlier run went on is not known, but who has stood since then fell anew.
            self._next = (now_ns, evidence)
            self._tell(Severity.RECOVERED, {"upright_s": None, "steps": None, "resumed": True})
            return
        if self.open:
            return
        self._suspected_ns = now_ns
        age_s = evidence["impact_age_s"]
        self._impact_ns = now_ns - (round(age_s * 1e9) if isinstance(age_s, float) else 0)
        self._phase, self._upright_since_ns = 0, None
        self._tell(Severity.SUSPECTED, {**evidence, "deadline_s": self._config.countdown_s})

    def resume(self, now_ns: int, severity: Severity, age_s: float) -> None:
        """An alarm of an earlier run goes on in its phase; one of this run that is open already is the same fall."""
        if self.open or severity not in _OPEN:
            return
        self._suspected_ns = now_ns - round(age_s * 1e9)
        self._impact_ns = now_ns - round(self._config.no_cancel_s * 1e9)
        self._upright_since_ns = None
        told = [index for index, (_, phase) in enumerate(self._phases) if phase is severity]
        due = [index for index in told if self._phases[index][0] <= age_s]
        self._phase = (due or told[:1] or [-1])[-1] + 1
        data: dict[str, Value] = {"resumed": True, "age_s": round(age_s, 1)}
        if severity is Severity.SUSPECTED:
            data["deadline_s"] = round(max(0.0, self._config.countdown_s - age_s), 1)
        self.resumed, self._stood = True, False
        self._tell(severity, data)

    def cancel(self, pressed_since_ns: int) -> bool:
        """The button was held; True when it counts, because the press began well after the impact."""
        if not self.open or pressed_since_ns - self._impact_ns < self._config.no_cancel_s * 1e9:
            return False
        self._tell(Severity.CANCELLED, {"by": "button"})
        return True

    def stand(self, now_ns: int, tilt_rad: float, steps: int) -> None:
        """The trunk's tilt and the number of steps so far, while the IMU can be trusted."""
        if not self.open:
            return
        if not tilt_rad < self._upright_rad:
            self._upright_since_ns = None
        elif self._upright_since_ns is None:
            self._upright_since_ns, self._upright_steps = now_ns, steps
        else:
            stood_s = (now_ns - self._upright_since_ns) * 1e-9
            self._stood = self._stood or stood_s >= STOOD_S
            walked = steps - self._upright_steps
            if walked >= self._config.recovered_steps or stood_s >= self._config.recovered_upright_s:
                self._tell(Severity.RECOVERED, {"upright_s": round(stood_s, 1), "steps": walked})

    def lose_sight(self) -> None:
        """The IMU cannot be trusted: nobody is seen standing up."""
        self._upright_since_ns = None

    def wait(self, now_ns: int) -> Detection:
        """Time passed. A finished alarm is told for one step, then the detector is calm."""
        if self.open and self._phase < len(self._phases):
            after_s, severity = self._phases[self._phase]
            down_s = (now_ns - self._suspected_ns) * 1e-9
            if down_s >= after_s:
                self._phase += 1
                self._tell(severity, {"after_s": round(down_s, 1)})
        return self.detection

    def finish(self) -> None:
        """The end of the alarm has been told; a fall that ended it is a new one."""
        if self.open:
            return
        self.detection = _CALM
        evidence, self._next = self._next, None
        if evidence is not None:
            self.suspect(*evidence)

    def _tell(self, severity: Severity, data: dict[str, Value]) -> None:
        self.detection = Detection(Hazard.FALL, severity, data)
        self.resumed = self.resumed and self.open
