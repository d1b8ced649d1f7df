"""From what the detectors say to alerts, and to the one pattern that sounds."""

from dataclasses import dataclass

from firmware.core.alerts import LIFE_ENDS, NOTICES, QUIET, RULES, Rule
from firmware.core.messages import Acknowledgement, Alert, Detection, Hazard, Output, Pattern, SetPattern, Severity


@dataclass(slots=True)
class _Alarm:
    number: int
    detection: Detection
    rule: Rule
    accepted: bool = False
    acknowledged: bool = False
    quiet_until_ns: int = 0  # one that sounds now and then has sounded

    def pattern(self, begun: bool, sparing: bool) -> Pattern:
        rule = self.rule
        if self.acknowledged and rule.heard is not None:
            return rule.heard
        if self.accepted and rule.sent is not None:
            return rule.sent
        if not begun and rule.before is not None:
            return rule.before
        return rule.sparing if sparing and rule.sparing is not None else rule.pattern


class Arbiter:
    """Numbers the alarms, tells each change of severity, and lets the most important pattern sound.

    A higher priority pre-empts at once; a lower one waits until the pattern before it was long enough to be told,
    unless it is a fault.
    """

    def __init__(self) -> None:
        self._alarms: dict[tuple[Hazard, str], _Alarm] = {}
        self._numbers = 0
        self._notice: Rule | None = None
        self._notice_until_ns = 0
        self._sounding = QUIET
        self._since_ns = 0
        self._stale = True  # whether the pattern has to be chosen anew
        self._begun = True
        self._sparing = False
        self.pattern = Pattern.SILENT

    def set_stage(self, begun: bool, sparing: bool) -> None:
        """`begun`: somebody walks, or may think that she is guarded. `sparing`: the battery is nearly empty."""
        if (begun, sparing) != (self._begun, self._sparing):
            self._begun, self._sparing, self._stale = begun, sparing, True

    @property
    def busy(self) -> bool:
        """Something is open, sounds or is about to: time alone may change the pattern."""
        return bool(self._alarms) or self._stale or self._notice is not None

    def judge(self, now_ns: int, detection: Detection, out: list[Output]) -> None:
        """One detector's word; appends an alert when it is a new one. A detector repeats the same object till then."""
        part = str(detection.data["part"]) if detection.hazard is Hazard.FAULT else ""
        key = (detection.hazard, part)
        alarm = self._alarms.get(key)
        if alarm is None and detection.severity is Severity.NONE:
            return
        if alarm is None:
            self._numbers += 1
            alarm = self._alarms[key] = _Alarm(self._numbers, detection, QUIET)
        elif alarm.detection is detection:
            return
        rule = RULES[detection.hazard, detection.severity]
        if alarm.rule is not rule:
            alarm.rule, alarm.quiet_until_ns = rule, 0
        alarm.detection = detection
        alarm.accepted = False  # each phase has to arrive; a person who has the alarm keeps it
        out.append(Alert(now_ns, detection.hazard, detection.severity, alarm.number, detection.data))
        if detection.severity in LIFE_ENDS:
            del self._alarms[key]
            if alarm.rule.pattern is not Pattern.SILENT:
                self._notify(now_ns, alarm.rule)
        self._stale = True

    def acknowledge(self, message: Acknowledgement) -> None:
        """Somebody has an alarm that is still open; anything else changes nothing.

        That an earlier phase was stored says nothing about the present one; who has the alarm has all of it.
        """
        for alarm in self._alarms.values():
            if alarm.number == message.alarm:
                stored = message.state == "accepted" and message.phase in ("", alarm.detection.severity)
                alarm.accepted = alarm.accepted or stored or message.state == "acknowledged"
                alarm.acknowledged = alarm.acknowledged or message.state == "acknowledged"
                self._stale = True

    def notify(self, now_ns: int, pattern: Pattern) -> None:
        """Tell the walker something once, unless something more important is being told."""
        rule, other = NOTICES[pattern], self._notice
        if other is None or now_ns >= self._notice_until_ns or rule.priority >= other.priority:
            self._notify(now_ns, rule)

    def choose(self, now_ns: int, out: list[Output]) -> None:
        """Time passed: change the pattern if another one is due."""
        if self._notice is not None and now_ns >= self._notice_until_ns:
            self._notice, self._stale = None, True
        if self._alarms:
            self._time_spells(now_ns)
        if not self._stale:
            return
        rule, pattern = QUIET, Pattern.SILENT
        if self._notice is not None:
            rule, pattern = self._notice, self._notice.pattern
        for alarm in self._alarms.values():
            waits = now_ns < alarm.quiet_until_ns or (alarm.rule.every_s and self._notice is not None)
            if alarm.rule.priority >= rule.priority and not waits:
                rule, pattern = alarm.rule, alarm.pattern(self._begun, self._sparing)
        lasted_s = (now_ns - self._since_ns) * 1e-9
        if rule.priority < self._sounding.priority and lasted_s < self._sounding.minimum_s and not rule.at_once:
            return  # asked again at the next input
        self._stale, self._sounding = False, rule
        if pattern is not self.pattern:
            self.pattern, self._since_ns = pattern, now_ns
            out.append(SetPattern(now_ns, pattern))

    def _time_spells(self, now_ns: int) -> None:
        """What sounds now and then has sounded long enough, or is due again."""
        for alarm in self._alarms.values():
            rule = alarm.rule
            if not rule.every_s:
                continue
            if alarm.quiet_until_ns:
                if now_ns >= alarm.quiet_until_ns:
                    alarm.quiet_until_ns, self._stale = 0, True
            elif self._sounding is rule and now_ns - self._since_ns >= rule.minimum_s * 1e9:
                alarm.quiet_until_ns, self._stale = self._since_ns + round(rule.every_s * 1e9), True

    def _notify(self, now_ns: int, rule: Rule) -> None:
        sounding = self._sounding
        spell_ends_ns = self._since_ns + round(sounding.minimum_s * 1e9) if sounding.every_s else 0
        self._notice = rule
        self._notice_until_ns = max(now_ns, spell_ends_ns) + round(rule.minimum_s * 1e9)
        self._stale = True
