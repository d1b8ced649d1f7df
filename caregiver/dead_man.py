"""Takes the worst for true when a device says nothing more: a fall that was never answered, a walk gone silent.

A device that was smashed in the fall, drained or carried out of reach cannot call for help. It said "suspected", with a
deadline, before that; or it was in a walk, where it says something every ten seconds. Pure: `now_ns` is the receiver's
own monotonic clock, so no wrong clock of a device delays anything.
"""

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

GRACE_S = 5.0  # after the deadline, for a confirmation that is under way
LONGEST_DEADLINE_S = 120.0  # no device has a longer countdown; without a sensible number it is over already
SILENT_S = 45.0  # four heartbeats of 10 s missed, and told within a minute
NEW_S = 10.0  # an event that happened so lately was decided by a guard that lives
IN_WALK = ("ready", "walking", "paused")
MOST_DEVICES = 10_000
MOST_ALARMS = 100  # remembered of each device

UNANSWERED, SILENT, BACK = "unanswered", "silent", "back"


@dataclass(frozen=True, slots=True)
class Escalation:
    """`kind`: "unanswered" (call somebody: a suspected fall was neither confirmed nor cancelled), "silent" (call
    somebody: no sign in a walk that she is guarded) or "back" (there is one again). `after_s` is since the last sign,
    or since the suspected fall came."""

    kind: str
    device: str
    alarm: str
    after_s: float


@dataclass(slots=True)
class _Alarm:
    newest: tuple[int, int]
    came_ns: int = 0
    asked: bool = False  # suspected, and nothing else since
    due_ns: int | None = None  # None as well once it was escalated

    def ask(self, now_ns: int, wait_s: float) -> None:
        """Asked again by a device that started anew, it is due as before: a weak battery may restart it for ever."""
        due_ns = now_ns + round((wait_s + GRACE_S) * 1e9)
        if not self.asked:
            self.asked, self.came_ns, self.due_ns = True, now_ns, due_ns
        elif self.due_ns is not None:
            self.due_ns = min(self.due_ns, due_ns)

    def answer(self) -> None:
        self.asked, self.due_ns = False, None


@dataclass(slots=True)
class _Device:
    heard_ns: int | None = None
    walks: bool = False
    ended: bool = False
    silent: bool = False
    alarms: OrderedDict[str, _Alarm] = field(default_factory=OrderedDict)

    def enter(self, now_ns: int, *, walks: bool | None = None, ended: bool | None = None) -> None:
        """Silence counts from the beginning of a walk, not from the rest before it."""
        before = self.walks and not self.ended
        self.walks = self.walks if walks is None else walks
        self.ended = self.ended if ended is None else ended
        if self.walks and not self.ended and not before:
            self.heard_ns = now_ns

    def quiet_s(self, now_ns: int) -> float:
        return 0.0 if self.heard_ns is None else (now_ns - self.heard_ns) / 1e9


class DeadMan:
    """`heard` for every message, `tick` at least once a second; each returns what somebody has to be called for."""

    def __init__(self) -> None:
        self._devices: OrderedDict[str, _Device] = OrderedDict()
        self._deaf_since_ns: int | None = None

    def heard(
        self, now_ns: int, device: str, kind: str, body: Mapping[str, Any], *, retained: bool = False
    ) -> list[Escalation]:
        """A message of a device: its kind is the last word of the topic. What is `retained` is no sign of life."""
        found = self._device(device)
        back = self._lives(now_ns, device, found) if not retained and _is_guarded(kind, body) else []
        match kind:
            case "status":
                found.enter(now_ns, ended=body.get("state") == "ended")  # said by the device itself: a clean end
            case "walk":
                found.enter(now_ns, walks=body.get("state") in IN_WALK)
            case "event":
                _note_event(now_ns, found, body)
            case "alarm":
                _note_state(now_ns, found, body, retained)
        return back

    def connected(self, now_ns: int, connected: bool) -> None:
        """We hear the broker, or do not. While we do not, nobody's silence grows, and none is forgotten."""
        if not connected:
            self._deaf_since_ns = now_ns if self._deaf_since_ns is None else self._deaf_since_ns
        elif self._deaf_since_ns is not None:
            deaf_ns, self._deaf_since_ns = now_ns - self._deaf_since_ns, None
            for device in self._devices.values():
                device.heard_ns = None if device.heard_ns is None else device.heard_ns + deaf_ns

    def tick(self, now_ns: int) -> list[Escalation]:
        """What is overdue, each once."""
        due = []
        for name, device in self._devices.items():
            for alarm_id, alarm in device.alarms.items():
                if alarm.due_ns is not None and now_ns >= alarm.due_ns:
                    alarm.due_ns = None
                    due.append(Escalation(UNANSWERED, name, alarm_id, (now_ns - alarm.came_ns) / 1e9))
            if self._deaf_since_ns is None and device.walks and not device.ended and not device.silent:
                quiet_s = device.quiet_s(now_ns)
                if quiet_s >= SILENT_S:
                    device.silent = True
                    due.append(Escalation(SILENT, name, "", quiet_s))
        return due

    def _device(self, name: str) -> _Device:
        found = self._devices.setdefault(name, _Device())
        self._devices.move_to_end(name)
        if len(self._devices) > MOST_DEVICES:
            self._devices.popitem(last=False)
        return found

    def _lives(self, now_ns: int, name: str, device: _Device) -> list[Escalation]:
        back = [Escalation(BACK, name, "", device.quiet_s(now_ns))] if device.silent else []
        device.silent, device.heard_ns = False, now_ns
        return back


def _is_guarded(kind: str, body: Mapping[str, Any]) -> bool:
    """Whether this says that the process that guards her lives: the one that tells may go on alone for hours."""
    match kind:
        case "health":
            guard = body.get("guard")
            return isinstance(guard, Mapping) and guard.get("ok") is True
        case "telemetry":
            return True
        case "event":
            return _age_s(body) <= NEW_S
        case _:
            return False


def _note_event(now_ns: int, device: _Device, body: Mapping[str, Any]) -> None:
    data = body.get("data")
    alarm_id = data.get("alarm") if isinstance(data, Mapping) else None
    if not isinstance(alarm_id, str) or body.get("severity") not in ("critical", "info"):
        return
    place = (_whole(body.get("boot")), _whole(body.get("seq")))
    known = device.alarms.get(alarm_id)
    if known is not None and place <= known.newest:
        return  # told again, or overtaken by what came after it
    alarm = _alarm(device, alarm_id)
    alarm.newest = place
    if body.get("phase") == "suspected":
        alarm.ask(now_ns, max(0.0, _deadline_s(body) - _age_s(body)))
    else:
        alarm.answer()


def _note_state(now_ns: int, device: _Device, body: Mapping[str, Any], retained: bool) -> None:
    """The most serious alarm now. One that the broker kept has no known age: its whole deadline counts from here."""
    alarm_id, active = body.get("alarm"), body.get("active")
    suspected = active is True and body.get("phase") == "suspected"
    if not retained and not suspected:
        for known_id, known in device.alarms.items():
            if active is False or known_id == alarm_id:  # of one behind a more serious one it says nothing
                known.answer()
    if suspected and isinstance(alarm_id, str) and alarm_id not in device.alarms:
        _alarm(device, alarm_id).ask(now_ns, _deadline_s(body))


def _alarm(device: _Device, alarm_id: str) -> _Alarm:
    found = device.alarms.setdefault(alarm_id, _Alarm((0, 0)))
    if len(device.alarms) > MOST_ALARMS:  # the oldest that nobody waits for, or else the oldest
        waits = (name for name, alarm in device.alarms.items() if alarm.due_ns is None and name != alarm_id)
        del device.alarms[next(waits, next(iter(device.alarms)))]
    return found


def _deadline_s(body: Mapping[str, Any]) -> float:
    value = _number(body.get("deadline_s"))
    return value if value is not None and value <= LONGEST_DEADLINE_S else 0.0


def _age_s(body: Mapping[str, Any]) -> float:
    """How old an event was when it was sent. One of no known age may be as old as its deadline."""
    value = _number(body.get("age_s"))
    return LONGEST_DEADLINE_S if value is None else value


def _number(value: object) -> float | None:
    """A sensible number, or None: JSON may hold an integer that is no float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1e9 and math.isfinite(value) else None


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
