"""Which parts of the device can be trusted. Silence, contradictions and reported failures all count."""

from collections import deque
from dataclasses import dataclass, field

from firmware.core.messages import Detection, Hazard, PartHealth, Severity
from hal.samples import OPTIONAL_PARTS, PARTS, SensorFault


@dataclass(frozen=True, slots=True)
class HealthConfig:
    """When a part counts as faulty, and when as well again."""

    never_heard_s: float = 2.0  # after the first input of any kind
    stale_s: float = 0.3  # for the IMU
    echo_stale_s: float = 0.45  # for a rangefinder; some clones look every 0.25 s when nothing is in range
    button_stale_s: float = 1.5  # the button is told every half second, pressed or not
    imu_fault_s: float = 0.06  # one failed transfer, followed by good ones, is only counted
    imu_faults_per_s: int = 5
    missed_pings: int = 3  # in a row
    missed_share: float = 0.33  # of the pings of two seconds: so often blind is blind
    held_s: float = 10.0  # nobody holds the button so long; it is stuck
    clear_s: float = 2.0

    def __post_init__(self) -> None:
        for key, low, high in (
            ("never_heard_s", 0.5, 10.0),
            ("stale_s", 0.1, 1.0),
            ("echo_stale_s", 0.2, 1.0),
            ("button_stale_s", 0.8, 5.0),
            ("imu_fault_s", 0.0, 0.5),
            ("imu_faults_per_s", 2, 20),
            ("missed_pings", 2, 5),
            ("missed_share", 0.1, 0.6),
            ("held_s", 5.0, 30.0),
            ("clear_s", 0.5, 10.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"health: {key} ({getattr(self, key)}) must lie between {low} and {high}")


_PASSING = ("BusError", "NoData", "Overflow")  # may happen once; anything else the IMU driver raises is lasting
_UNHEARD_NS = 150_000_000  # a failure after so much silence, as of a transfer that hung, is no passing one
_FOREVER_NS = 2**62
_WATCH_NS, _CALM_NS = 30_000_000, 200_000_000  # how often to look: at something that is not right, and at all
_SHARE_NS = 2_000_000_000
_LEAST_MISSES = 5  # fewer lost pings are chance
_SEVERITY_OF = dict.fromkeys(OPTIONAL_PARTS, Severity.CAUTION)  # she is guarded without them
_RANGEFINDERS = frozenset(("rangefinder", "low_rangefinder"))
_HEARD_PARTS = frozenset(("imu", "rangefinder", "button"))


@dataclass(slots=True)
class _Part:
    name: str
    heard_ns: int | None = None
    blamed_ns: int = 0
    reason: str = ""  # why it cannot be trusted
    unready: str = ""  # it can be trusted, but not used yet
    told: bool = False  # the fault has been told
    stale_ns: int = _FOREVER_NS  # so much silence is a fault
    failing_since_ns: int | None = None
    misses: int = 0
    pings: deque[tuple[int, bool]] = field(default_factory=deque)  # of a rangefinder; True: lost
    failures_ns: deque[int] = field(default_factory=deque)


class SensorHealth:
    """Keeps a verdict for each part: faulty from the first proof, well again after 2 s without one."""

    def __init__(self, config: HealthConfig) -> None:
        self._config = config
        self._clear_ns = round(config.clear_s * 1e9)
        self._stale_ns = {
            "imu": round(config.stale_s * 1e9),
            "rangefinder": round(config.echo_stale_s * 1e9),
            "low_rangefinder": round(config.echo_stale_s * 1e9),
            "button": round(config.button_stale_s * 1e9),
        }
        self._parts: dict[str, _Part] = {}
        for name in PARTS:
            self._part(name)
        self._first_ns: int | None = None
        self._down_since_ns: int | None = None
        self.due_ns = 0  # when `update` has something to do next
        self.turns = 0  # counts each time that a part lost or won back its trust

    def ok(self, part: str) -> bool:
        """Whether the part can be trusted; it may still be on probation, or not ready."""
        return not self._parts[part].reason

    @property
    def heard(self) -> bool:
        """Every part that speaks by itself has."""
        return all(self._parts[name].heard_ns is not None for name in _HEARD_PARTS)

    @property
    def unfit(self) -> str:
        """Why nobody would be guarded, or told of a fall: what is wrong with the first part that it needs; or empty."""
        needed = (part for name, part in self._parts.items() if name not in _SEVERITY_OF)
        return next((part.reason or part.unready for part in needed if part.reason or part.unready), "")

    def hear(self, part: str, t_ns: int) -> None:
        """The part said something that can be used."""
        state = self._parts.get(part) or self._part(part)
        if state.heard_ns is None or t_ns > state.heard_ns:
            state.heard_ns = t_ns
        state.failing_since_ns, state.misses = None, 0
        if part in _RANGEFINDERS:
            self._note_ping(state, t_ns, False)

    def press(self, now_ns: int, pressed: bool) -> None:
        """The button is down or up; said again and again, it is held since the first time."""
        if not pressed:
            self._down_since_ns = None
        elif self._down_since_ns is None:
            self._down_since_ns = self.due_ns = now_ns

    def expect(self, part: str, now_ns: int, unready: str) -> None:
        """The part works, but cannot be used until the walker does something; empty when it can."""
        state = self._parts[part]
        if state.unready != unready:
            state.unready, self.due_ns = unready, now_ns

    def blame(self, part: str, now_ns: int, reason: str) -> None:
        """There is proof that the part cannot be trusted now."""
        state = self._part(part)
        if not state.reason:
            self.due_ns = now_ns
            self.turns += 1
        state.blamed_ns, state.reason = now_ns, reason

    def report(self, now_ns: int, fault: SensorFault) -> None:
        """A driver raised an error."""
        reason = fault.detail or f"{fault.part}: {fault.kind}"
        state = self._part(fault.part)
        failures = state.failures_ns
        failures.append(now_ns)
        while failures[0] <= now_ns - 1_000_000_000:
            failures.popleft()
        state.misses += 1
        self.due_ns = min(self.due_ns, now_ns + _WATCH_NS)
        if state.failing_since_ns is None:
            state.failing_since_ns = now_ns
        if fault.part == "imu" and fault.kind in _PASSING:
            lasting = now_ns - state.failing_since_ns >= self._config.imu_fault_s * 1e9
            unheard = state.heard_ns is not None and now_ns - state.heard_ns >= _UNHEARD_NS
            alarmed = lasting or unheard or len(failures) >= self._config.imu_faults_per_s
        elif fault.part in _RANGEFINDERS:
            self._note_ping(state, now_ns, True)
            lost = sum(missed for _, missed in state.pings)
            often = lost >= max(_LEAST_MISSES, self._config.missed_share * len(state.pings))
            alarmed = state.misses >= self._config.missed_pings or often
        else:
            alarmed = True
        if alarmed or state.reason:
            self.blame(fault.part, now_ns, reason)

    def update(self, now_ns: int) -> list[Detection]:
        """Time passed: one detection for each part whose verdict changed."""
        if self._first_ns is None:
            self._first_ns = now_ns
        if now_ns < self.due_ns:
            return []
        due_ns = now_ns + _CALM_NS
        changes, held = [], self._down_since_ns is not None
        for part in self._parts.values():
            heard_ns = part.heard_ns
            quiet = part.name in _HEARD_PARTS if heard_ns is None else now_ns - heard_ns > part.stale_ns
            if quiet or held or part.reason or part.failing_since_ns is not None:  # otherwise it is well
                due_ns = now_ns + _WATCH_NS
                self._watch(now_ns, part)
            elif heard_ns is not None and heard_ns + part.stale_ns < due_ns:
                due_ns = heard_ns + part.stale_ns + 1
            reason = part.reason or part.unready
            if (not reason) is part.told:
                part.told = not part.told
                severity = _SEVERITY_OF.get(part.name, Severity.FAULT) if part.told else Severity.NONE
                changes.append(Detection(Hazard.FAULT, severity, {"part": part.name, "reason": reason}))
        self.due_ns = due_ns
        return changes

    def end(self) -> list[Detection]:
        """The walk is over: the sensors may fall silent."""
        changes = []
        for part in self._parts.values():
            if part.told:
                part.reason = part.unready = ""
                part.told = False
                unwatched = f"{part.name}: not watched any more, the walk is over"
                changes.append(Detection(Hazard.FAULT, Severity.NONE, {"part": part.name, "reason": unwatched}))
        return changes

    def parts(self, now_ns: int) -> dict[str, PartHealth]:
        return {
            part.name: PartHealth(
                not (part.reason or part.unready),
                None if part.heard_ns is None else round(max(0, now_ns - part.heard_ns) * 1e-9, 3),
                part.reason or part.unready,
            )
            for part in self._parts.values()
        }

    def _part(self, name: str) -> _Part:
        if name not in self._parts:
            self._parts[name] = _Part(name, stale_ns=self._stale_ns.get(name, _FOREVER_NS))
        return self._parts[name]

    def _watch(self, now_ns: int, part: _Part) -> None:
        symptom = self._symptom(now_ns, part)
        if symptom and not part.reason:
            self.blame(part.name, now_ns, symptom)
        elif symptom:
            part.blamed_ns = now_ns
        elif part.reason and now_ns - part.blamed_ns >= self._clear_ns:
            part.reason = ""
            self.turns += 1

    @staticmethod
    def _note_ping(state: _Part, t_ns: int, missed: bool) -> None:
        state.pings.append((t_ns, missed))
        while state.pings[0][0] < t_ns - _SHARE_NS:
            state.pings.popleft()

    def _symptom(self, now_ns: int, part: _Part) -> str:
        """What time alone tells against a part."""
        name, config = part.name, self._config
        if part.heard_ns is None:
            waited_ns = now_ns - (self._first_ns or 0)
            if name in _HEARD_PARTS and waited_ns >= config.never_heard_s * 1e9:
                return f"{name}: never heard from; check its wiring"
        elif now_ns - part.heard_ns > part.stale_ns:
            return f"{name}: silent for {(now_ns - part.heard_ns) * 1e-9:.2f} s; check its wiring and power"
        return self._lasting(now_ns, part)

    def _lasting(self, now_ns: int, part: _Part) -> str:
        config, down_ns, failing_ns = self._config, self._down_since_ns, part.failing_since_ns
        if part.name == "imu" and failing_ns is not None and now_ns - failing_ns >= config.imu_fault_s * 1e9:
            return "imu: no good transfer after a failed one; check its wiring"
        if part.name == "button" and down_ns is not None and now_ns - down_ns >= config.held_s * 1e9:
            return f"button: held down for {config.held_s:.0f} s; it may be stuck"
        return ""
