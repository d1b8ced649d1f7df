"""Makes the journal's events of the core's alerts: adds what the core may not know, identity and wall time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from firmware.core.alerts import RULES
from firmware.core.messages import Alert, Hazard, Severity, Value
from firmware.ids import uuid7
from firmware.journal import Event

CRITICAL = (Hazard.FALL, Hazard.SOS)
OVER = (Severity.CANCELLED, Severity.RECOVERED, Severity.NONE)
UNCOUNTED = 0  # the boot of an event that was made before the journal could count this start


@dataclass(frozen=True, slots=True)
class Wall:
    """The world's clock, which may be wrong: Unix milliseconds, and whether they can be trusted."""

    now_ms: Callable[[], int]
    synced: Callable[[], bool]
    random: Callable[[int], bytes]
    boot_id: str = ""  # of the machine: monotonic times compare within one


class EventMaker:
    """Numbers alarms for the core, names them for the world; those of a simulated board say that they are."""

    def __init__(self, device: str, wall: Wall, *, simulated: bool = False) -> None:
        self._device, self._wall = device, wall
        self._remark: dict[str, Value] = {"simulated": True} if simulated else {}
        self._alarms: dict[int, str] = {}
        self._open: dict[int, dict[str, Value]] = {}
        self.resumed: dict[str, str] = {}  # the names of the alarms that an earlier run left open, by hazard

    @property
    def boot_id(self) -> str:
        return self._wall.boot_id

    def event(self, alert: Alert) -> Event | None:
        """The event to keep for this alert; None for what is only counted in the walk."""
        if not RULES[alert.hazard, alert.severity].published:
            return None
        now_ms = self._wall.now_ms()
        identity = uuid7(now_ms, self._wall.random)
        first = self.resumed.get(alert.hazard, identity) if alert.data.get("resumed") else identity
        alarm = self._alarms.setdefault(alert.alarm, first)
        phase = alert.severity if alert.severity is not Severity.NONE else "over"
        kind = (alert.hazard, phase, _severity(alert))
        event = self._made(identity, alarm, alert.t_ns, now_ms, kind, _deadline_s(alert), alert.data)
        self._note(alert, event)
        return event

    def settings(self, phase: str, data: Mapping[str, Value], t_ns: int) -> Event:
        """The answer to what somebody has set from afar: "applied" or "refused"."""
        now_ms = self._wall.now_ms()
        identity = uuid7(now_ms, self._wall.random)
        return self._made(identity, identity, t_ns, now_ms, ("settings", phase, "info"), None, data)

    def alarm_now(self) -> Mapping[str, object]:
        """The most serious alarm that is open, or `{"active": False}`: the truth after any restart.

        "others" are the critical ones besides it, for the next run of the guard.
        """
        critical = [body for body in self._open.values() if body["severity"] == "critical"]
        first = next(iter(critical or self._open.values()), {"active": False})
        return {**first, "others": critical[1:]} if critical[1:] else first

    def number_of(self, alarm: str) -> int | None:
        """The core's number of an alarm that the journal names; None when it is not of this run."""
        return next((number for number, name in self._alarms.items() if name == alarm), None)

    def _made(
        self,
        identity: str,
        alarm: str,
        t_ns: int,
        now_ms: int,
        kind: tuple[str, str, str],
        deadline_s: float | None,
        data: Mapping[str, Value],
    ) -> Event:
        wall = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        clock = "synced" if self._wall.synced() else "unsynced"
        mono_ms = t_ns // 1_000_000
        told = {**data, **self._remark}
        return Event(identity, alarm, self._device, UNCOUNTED, *kind, wall, mono_ms, clock, deadline_s, told)

    def _note(self, alert: Alert, event: Event) -> None:
        if alert.severity in OVER:
            self._open.pop(alert.alarm, None)
            return
        began_ms = self._open.get(alert.alarm, {}).get("began_mono_ms")
        self._open[alert.alarm] = {
            "active": True,
            "alarm": event.alarm,
            "type": event.type,
            "phase": event.phase,
            "severity": event.severity,
            "t": event.t,
            "deadline_s": event.deadline_s,
            "boot_id": self.boot_id,
            "began_mono_ms": event.mono_ms - _age_ms(alert) if began_ms is None else began_ms,
        }


def _severity(alert: Alert) -> str:
    if alert.severity in OVER:
        return "info"
    return "critical" if alert.hazard in CRITICAL else "warning"


def _deadline_s(alert: Alert) -> float | None:
    deadline_s = alert.data.get("deadline_s") if alert.severity is Severity.SUSPECTED else None
    return float(deadline_s) if isinstance(deadline_s, int | float) else None


def _age_ms(alert: Alert) -> int:
    """How long ago a resumed alarm began; a new one begins now."""
    age_s = alert.data.get("age_s")
    return round(age_s * 1000) if isinstance(age_s, int | float) else 0
