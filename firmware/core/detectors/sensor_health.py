"""Which parts of the device can be trusted. Silence, contradictions and reported failures all count."""

from collections import deque
from dataclasses import dataclass, field

from firmware.core.messages import Detection, Hazard, PartHealth, Severity
from hal.samples import PARTS, SensorFault


@dataclass(frozen=True, slots=True)
class HealthConfig:
    """When a part counts as faulty, and when as well again."""

    never_heard_s: float = 2.0  # after the first input of any kind
    stale_s: float = 0.3  # for the IMU and the rangefinder
    imu_fault_s: float = 0.1  # one failed transfer, followed by good ones, is only counted
    imu_faults_per_s: int = 5
    missed_pings: int = 3
    held_s: float = 10.0  # nobody holds the button so long; it is stuck
    clear_s: float = 2.0

    def __post_init__(self) -> None:
        for key, low, high in (
            ("never_heard_s", 0.5, 10.0),
            ("stale_s", 0.1, 1.0),
            ("imu_fault_s", 0.0, 0.5),
            ("imu_faults_per_s", 2, 50),
            ("missed_pings", 2, 5),
            ("held_s", 5.0, 60.0),
            ("clear_s", 0.5, 30.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"health: {key} ({getattr(self, key)}) must lie between {low} and {high}")


_PASSING = ("BusError", "NoData", "Overflow")  # may happen once; anything else the IMU driver raises is lasting
_WATCH_NS = 30_000_000  # time alone changes little in less
_STALE_PARTS = ("imu", "rangefinder")
_HEARD_PARTS = ("imu", "rangefinder", "button")


@dataclass(slots=True)
class _Part:
    name: str
    heard_ns: int | None = None
    blamed_ns: int = 0
    reason: str = ""
    told: bool = False  # the fault has been told
    failing_since_ns: int | None = None
    misses: int = 0
    failures_ns: deque[int] = field(default_factory=deque)


class SensorHealth:
    """Keeps a verdict for each part: faulty from the first proof, well again after 2 s without one."""

    def __init__(self, config: HealthConfig) -> None:
        self._config = config
        self._stale_ns, self._clear_ns = round(config.stale_s * 1e9), round(config.clear_s * 1e9)
        self._parts = {name: _Part(name) for name in PARTS}
        self._first_ns: int | None = None
        self._down_since_ns: int | None = None
        self._next_ns = 0
        self.failures = 0  # everything reported or judged, also what was not worth an alarm

    def ok(self, part: str) -> bool:
        return not self._parts[part].reason

    def hear(self, part: str, t_ns: int) -> None:
        """The part said something that can be used."""
        state = self._parts[part]
        if state.heard_ns is None or t_ns > state.heard_ns:
            state.heard_ns = t_ns
        state.failing_since_ns, state.misses = None, 0

    def press(self, now_ns: int, pressed: bool) -> None:
        self._down_since_ns = now_ns if pressed else None

    def blame(self, part: str, now_ns: int, reason: str) -> None:
        """There is proof that the part cannot be trusted now."""
        state = self._parts.setdefault(part, _Part(part))
        if not state.reason:
            self._next_ns = now_ns
            self.failures += 1
        state.blamed_ns, state.reason = now_ns, reason

    def report(self, now_ns: int, fault: SensorFault) -> None:
        """A driver raised an error."""
        reason = fault.detail or f"{fault.part}: {fault.kind}"
        state = self._parts.setdefault(fault.part, _Part(fault.part))
        failures = state.failures_ns
        failures.append(now_ns)
        while failures[0] <= now_ns - 1_000_000_000:
            failures.popleft()
        state.misses += 1
        if state.failing_since_ns is None:
            state.failing_since_ns = now_ns
        if fault.part == "imu" and fault.kind in _PASSING:
            lasting = now_ns - state.failing_since_ns >= self._config.imu_fault_s * 1e9
            alarmed = lasting or len(failures) >= self._config.imu_faults_per_s
        elif fault.part == "rangefinder":
            # Eight of the sixteen pings of a second: half blind is blind.
            alarmed = state.misses >= self._config.missed_pings or len(failures) >= 8
        else:
            alarmed = True
        if alarmed or state.reason:
            self.blame(fault.part, now_ns, reason)
        else:
            self.failures += 1

    def update(self, now_ns: int) -> list[Detection]:
        """Time passed: one detection for each part whose verdict changed."""
        if self._first_ns is None:
            self._first_ns = now_ns
        if now_ns < self._next_ns:
            return []
        self._next_ns = now_ns + _WATCH_NS
        changes = []
        for part in self._parts.values():
            self._watch(now_ns, part)
            if bool(part.reason) != part.told:
                part.told = not part.told
                severity = Severity.FAULT if part.told else Severity.NONE
                changes.append(Detection(Hazard.FAULT, severity, {"part": part.name, "reason": part.reason}))
        return changes

    def end(self) -> list[Detection]:
        """The walk is over: the sensors may fall silent."""
        changes = []
        for part in self._parts.values():
            if part.told:
                part.reason, part.told = "", False
                unwatched = f"{part.name}: not watched any more, the walk is over"
                changes.append(Detection(Hazard.FAULT, Severity.NONE, {"part": part.name, "reason": unwatched}))
        return changes

    def parts(self, now_ns: int) -> dict[str, PartHealth]:
        return {
            part.name: PartHealth(
                not part.reason,
                None if part.heard_ns is None else round(max(0, now_ns - part.heard_ns) * 1e-9, 3),
                part.reason,
            )
            for part in self._parts.values()
        }

    def _watch(self, now_ns: int, part: _Part) -> None:
        symptom = self._symptom(now_ns, part)
        if symptom and not part.reason:
            self.blame(part.name, now_ns, symptom)
        elif symptom:
            part.blamed_ns = now_ns
        elif part.reason and now_ns - part.blamed_ns >= self._clear_ns:
            part.reason = ""

    def _symptom(self, now_ns: int, part: _Part) -> str:
        """What time alone tells against a part."""
        name, config = part.name, self._config
        if part.heard_ns is None:
            waited_ns = now_ns - (self._first_ns or 0)
            if name in _HEARD_PARTS and waited_ns >= config.never_heard_s * 1e9:
                return f"{name}: never heard from; check its wiring"
        elif name in _STALE_PARTS and now_ns - part.heard_ns > self._stale_ns:
            return f"{name}: silent for {(now_ns - part.heard_ns) * 1e-9:.2f} s; check its wiring and power"
        return self._lasting(now_ns, part)

    def _lasting(self, now_ns: int, part: _Part) -> str:
        config, down_ns, failing_ns = self._config, self._down_since_ns, part.failing_since_ns
        if part.name == "imu" and failing_ns is not None and now_ns - failing_ns >= config.imu_fault_s * 1e9:
            return "imu: no good transfer after a failed one; check its wiring"
        if part.name == "button" and down_ns is not None and now_ns - down_ns >= config.held_s * 1e9:
            return f"button: held down for {config.held_s:.0f} s; it may be stuck"
        return ""
