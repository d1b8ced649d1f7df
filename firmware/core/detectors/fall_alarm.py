"""The life of one fall alarm: what follows once somebody seems to have fallen."""

import math
from typing import Protocol

from firmware.core.messages import Detection, Hazard, Severity, Value


class Deadlines(Protocol):
    """When somebody is called, and what ends it; `firmware.core.detectors.fall.FallConfig` fits."""

    @property
    def countdown_s(self) -> float: ...
    @property
    def no_cancel_s(self) -> float: ...
    @property
    def lean_deg(self) -> float: ...
    @property
    def upright_deg(self) -> float: ...
    @property
    def recovered_steps(self) -> int: ...
    @property
    def recovered_upright_s(self) -> float: ...
    @property
    def not_recovered_min(self) -> tuple[float, ...]: ...
    @property
    def long_lie_min(self) -> float: ...


_CALM = Detection(Hazard.FALL, Severity.NONE)
STOOD_S = 2.0
SEATED_DEG, LESS = 20.0, 0.7
"""Who leaned so far when she was asked, or by `lean_deg` if that is less, may sit on the floor: she is upright when she
leans less than 0.7 of that. Who leaned less hardly leaned, and is upright below `upright_deg`."""
_OPEN = (Severity.SUSPECTED, Severity.CONFIRMED, Severity.NOT_RECOVERED, Severity.LONG_LIE)


class FallAlarm:
    """The life of one fall alarm: countdown, confirmed, not up yet; or cancelled, or up again.

    Runs on time alone, so it goes on when every sensor has died. A fall during an unfinished alarm belongs to
    that alarm and does not restart its countdown.
    """

    def __init__(self, config: Deadlines) -> None:
        self._config = config
        minutes = (*config.not_recovered_min, config.long_lie_min)
        self._phases = [(config.countdown_s, Severity.CONFIRMED)]
        self._phases += [(60.0 * minute, Severity.NOT_RECOVERED) for minute in minutes[:-1]]
        self._phases += [(60.0 * minutes[-1], Severity.LONG_LIE)]
        self._upright_rad = self._up_rad = math.radians(config.upright_deg)
        self._seated_deg = min(SEATED_DEG, config.lean_deg)
        self._phase = 0
        self._suspected_ns = self._impact_ns = 0
        self._upright_since_ns: int | None = None
        self._upright_steps = 0
        self._next: tuple[int, dict[str, Value]] | None = None
        self.resumed = False  # the open alarm is of an earlier run of the guard
        self._stood = False  # she was seen upright since it was resumed
        self.open = False  # told, and neither cancelled nor recovered
        self.detection = _CALM

    def guess(self, evidence: dict[str, Value] | None) -> None:
        """A fall is possible, or is not any more: said to the wearer alone, until it is suspected or taken back."""
        told = self.detection.severity is Severity.POSSIBLE
        if evidence is not None and self.detection is _CALM:
            self._tell(Severity.POSSIBLE, evidence)
        elif evidence is None and told:
            self.detection = _CALM

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
        self._up_rad = self._upright_rad
        if isinstance(tilt_deg := evidence.get("tilt_deg"), float) and tilt_deg >= self._seated_deg:
            self._up_rad = min(self._upright_rad, LESS * math.radians(tilt_deg))
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
        self.resumed, self._stood, self._up_rad = True, False, self._upright_rad
        self._tell(severity, data)

    def call(self) -> None:
        """She calls for help herself: nobody waits for the end of the countdown."""
        if self.detection.severity is Severity.SUSPECTED:
            self._phase = max(self._phase, 1)
            self._tell(Severity.CONFIRMED, {"by": "button"})

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
        if not tilt_rad < self._up_rad:
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
        if self.open or self.detection.severity is Severity.POSSIBLE:
            return
        self.detection = _CALM
        evidence, self._next = self._next, None
        if evidence is not None:
            self.suspect(*evidence)

    def _tell(self, severity: Severity, data: dict[str, Value]) -> None:
        self.detection = Detection(Hazard.FALL, severity, data)
        self.open = severity in _OPEN
        self.resumed = self.resumed and self.open
