"""What each hazard sounds like, and which one wins."""

import pytest

from firmware.core.alerts import LIFE_ENDS, NOTICES, RULES
from firmware.core.arbiter import Arbiter
from firmware.core.messages import Acknowledgement, Alert, Detection, Hazard, Output, Pattern, SetPattern, Severity

S = 1_000_000_000

TABLE = [
    # hazard, severity, priority, pattern, published
    (Hazard.FALL, Severity.NONE, 0, Pattern.SILENT, False),
    (Hazard.FALL, Severity.POSSIBLE, 95, Pattern.FALL_POSSIBLE, False),
    (Hazard.FALL, Severity.SUSPECTED, 100, Pattern.FALL_COUNTDOWN, True),
    (Hazard.FALL, Severity.CONFIRMED, 100, Pattern.FALL_NOBODY_YET, True),
    (Hazard.FALL, Severity.CANCELLED, 100, Pattern.CANCELLED, True),
    (Hazard.FALL, Severity.RECOVERED, 100, Pattern.CANCELLED, True),
    (Hazard.FALL, Severity.NOT_RECOVERED, 100, Pattern.FALL_NOBODY_YET, True),
    (Hazard.FALL, Severity.LONG_LIE, 100, Pattern.FALL_NOBODY_YET, True),
    (Hazard.SOS, Severity.NONE, 0, Pattern.SILENT, False),
    (Hazard.SOS, Severity.CONFIRMED, 90, Pattern.FALL_NOBODY_YET, True),
    (Hazard.SOS, Severity.CANCELLED, 90, Pattern.CANCELLED, True),
    (Hazard.OBSTACLE, Severity.NONE, 0, Pattern.SILENT, False),
    (Hazard.OBSTACLE, Severity.CAUTION, 40, Pattern.OBSTACLE_CAUTION, False),
    (Hazard.OBSTACLE, Severity.WARNING, 70, Pattern.OBSTACLE_WARNING, False),
    (Hazard.OBSTACLE, Severity.IMMINENT, 80, Pattern.OBSTACLE_IMMINENT, False),
    (Hazard.SWAY, Severity.NONE, 0, Pattern.SILENT, False),
    (Hazard.SWAY, Severity.WARNING, 60, Pattern.SWAY, False),
    (Hazard.LEAN, Severity.NONE, 0, Pattern.SILENT, False),
    (Hazard.LEAN, Severity.CUE, 25, Pattern.LEAN, False),
    (Hazard.MOUNTING, Severity.NONE, 0, Pattern.SILENT, True),
    (Hazard.MOUNTING, Severity.CAUTION, 28, Pattern.WORN_WRONG, True),
    (Hazard.FAULT, Severity.NONE, 0, Pattern.SILENT, True),
    (Hazard.FAULT, Severity.FAULT, 50, Pattern.FAULT, True),
    (Hazard.FAULT, Severity.WARNING, 30, Pattern.FAULT, True),
    (Hazard.FAULT, Severity.CAUTION, 30, Pattern.DEVICE_CAUTION, True),
]
PLANNED = {(hazard, severity) for hazard, severity, *_ in TABLE}


@pytest.mark.parametrize(("hazard", "severity", "priority", "pattern", "published"), TABLE)
def test_each_alarm_has_its_sound(
    hazard: Hazard, severity: Severity, priority: int, pattern: Pattern, published: bool
) -> None:
    rule = RULES[hazard, severity]
    assert (rule.priority, rule.pattern, rule.published) == (priority, pattern, published)


@pytest.mark.parametrize("hazard", list(Hazard))
@pytest.mark.parametrize("severity", list(Severity))
def test_no_combination_is_missing_and_an_unplanned_one_is_never_silent(hazard: Hazard, severity: Severity) -> None:
    rule = RULES[hazard, severity]
    if (hazard, severity) not in PLANNED:
        assert rule.pattern is Pattern.FAULT
        assert rule.published
    if severity is not Severity.NONE:
        assert rule.pattern is not Pattern.SILENT
        assert rule.minimum_s > 0


def test_only_an_alarm_that_calls_somebody_sounds_differently_once_it_is_answered() -> None:
    answered = {key for key, rule in RULES.items() if rule.heard is not None}
    assert answered == {
        (Hazard.FALL, Severity.CONFIRMED),
        (Hazard.FALL, Severity.NOT_RECOVERED),
        (Hazard.FALL, Severity.LONG_LIE),
        (Hazard.SOS, Severity.CONFIRMED),
    }


def test_every_notice_yields_to_every_alarm() -> None:
    alarms = [rule.priority for (_, severity), rule in RULES.items() if severity is not Severity.NONE]
    assert max(rule.priority for rule in NOTICES.values()) < min(alarms)


def detection(hazard: Hazard, severity: Severity, part: str = "imu") -> Detection:
    return Detection(hazard, severity, {"part": part, "reason": "broken"} if hazard is Hazard.FAULT else {})


class Desk:
    """An arbiter and everything it said."""

    def __init__(self) -> None:
        self.arbiter, self.out = Arbiter(), list[Output]()

    def say(self, t_s: float, *detections: Detection) -> "Desk":
        for one in detections:
            self.arbiter.judge(round(t_s * S), one, self.out)
        self.arbiter.choose(round(t_s * S), self.out)
        return self

    @property
    def patterns(self) -> list[Pattern]:
        return [o.pattern for o in self.out if isinstance(o, SetPattern)]

    @property
    def alerts(self) -> list[Alert]:
        return [o for o in self.out if isinstance(o, Alert)]


SOUNDING = sorted(
    ((h, s) for h, s in PLANNED if s not in LIFE_ENDS), key=lambda key: (-RULES[key].priority, key[0], key[1])
)


@pytest.mark.parametrize("strong", SOUNDING)
@pytest.mark.parametrize("weak", SOUNDING)
def test_of_any_two_alarms_the_more_important_sounds(
    strong: tuple[Hazard, Severity], weak: tuple[Hazard, Severity]
) -> None:
    if strong[0] is weak[0] or RULES[strong].priority <= RULES[weak].priority:
        return
    desk = Desk().say(0, detection(*weak)).say(0.01, detection(*strong))
    assert desk.arbiter.pattern is RULES[strong].pattern
    if RULES[strong].every_s:
        return  # it sounds now and then, and the other one may in between
    desk = Desk().say(0, detection(*strong)).say(5, detection(*weak))
    assert desk.arbiter.pattern is RULES[strong].pattern


def test_a_pattern_sounds_long_enough_to_be_told_apart() -> None:
    desk = Desk().say(0, detection(Hazard.SWAY, Severity.WARNING)).say(0.1, detection(Hazard.SWAY, Severity.NONE))
    assert desk.arbiter.pattern is Pattern.SWAY
    desk.say(0.55)
    assert desk.arbiter.pattern is Pattern.SWAY
    desk.say(0.61)
    assert desk.arbiter.pattern is Pattern.SILENT


def test_the_weaker_alarm_sounds_again_when_the_stronger_is_over() -> None:
    desk = Desk().say(0, detection(Hazard.FAULT, Severity.FAULT)).say(2, detection(Hazard.SWAY, Severity.WARNING))
    desk.say(4, detection(Hazard.SWAY, Severity.NONE)).say(5)
    assert desk.patterns == [Pattern.FAULT, Pattern.SWAY, Pattern.FAULT]


def test_each_change_is_told_once_with_one_number_for_one_alarm() -> None:
    caution, warning = detection(Hazard.OBSTACLE, Severity.CAUTION), detection(Hazard.OBSTACLE, Severity.WARNING)
    none = detection(Hazard.OBSTACLE, Severity.NONE)
    desk = Desk().say(0, caution).say(1, caution).say(2, warning).say(3, none).say(4, none).say(5, caution)
    assert [(a.severity, a.alarm) for a in desk.alerts] == [
        (Severity.CAUTION, 1),
        (Severity.WARNING, 1),
        (Severity.NONE, 1),
        (Severity.CAUTION, 2),
    ]


def test_two_faulty_parts_are_two_alarms() -> None:
    desk = Desk().say(0, detection(Hazard.FAULT, Severity.FAULT), detection(Hazard.FAULT, Severity.FAULT, "button"))
    desk.say(3, detection(Hazard.FAULT, Severity.NONE))
    assert [(a.data["part"], a.alarm) for a in desk.alerts] == [("imu", 1), ("button", 2), ("imu", 1)]
    assert desk.arbiter.pattern is Pattern.FAULT


def test_a_new_phase_has_to_arrive_anew_but_a_person_who_knows_goes_on_knowing() -> None:
    desk = Desk().say(0, detection(Hazard.FALL, Severity.CONFIRMED))
    desk.arbiter.acknowledge(Acknowledgement(S, 1, "accepted", "hub"))
    desk.say(2)
    assert desk.arbiter.pattern is Pattern.FALL_SENT
    desk.say(300, detection(Hazard.FALL, Severity.NOT_RECOVERED))
    assert desk.arbiter.pattern is Pattern.FALL_NOBODY_YET
    desk.arbiter.acknowledge(Acknowledgement(S, 1, "acknowledged", "Anna"))
    desk.say(301).say(900, detection(Hazard.FALL, Severity.LONG_LIE))
    assert desk.arbiter.pattern is Pattern.FALL_HEARD


def test_an_earlier_phase_that_arrives_late_does_not_answer_the_present_one() -> None:
    desk = Desk().say(0, detection(Hazard.FALL, Severity.SUSPECTED)).say(30, detection(Hazard.FALL, Severity.CONFIRMED))
    desk.arbiter.acknowledge(Acknowledgement(31 * S, 1, "accepted", "hub", "suspected"))
    desk.say(31)
    assert desk.arbiter.pattern is Pattern.FALL_NOBODY_YET
    desk.arbiter.acknowledge(Acknowledgement(32 * S, 1, "accepted", "hub", "confirmed"))
    desk.say(32)
    assert desk.arbiter.pattern is Pattern.FALL_SENT
    desk.arbiter.acknowledge(Acknowledgement(33 * S, 1, "acknowledged", "Anna", "suspected"))
    desk.say(33)
    assert desk.arbiter.pattern is Pattern.FALL_HEARD


def test_a_stored_phase_that_is_not_named_counts_for_the_present_one() -> None:
    desk = Desk().say(0, detection(Hazard.FALL, Severity.CONFIRMED))
    desk.arbiter.acknowledge(Acknowledgement(S, 1, "accepted", "hub"))
    assert desk.say(1).arbiter.pattern is Pattern.FALL_SENT


@pytest.mark.parametrize("other", [Pattern.LOCATE, Pattern.READY, Pattern.ENDED])
def test_a_remote_test_waits_behind_nothing_and_interrupts_nothing(other: Pattern) -> None:
    desk = Desk()
    desk.arbiter.notify(0, other)
    desk.say(0)
    desk.arbiter.notify(S // 10, Pattern.TEST)
    desk.say(0.1).say(0.5)
    assert desk.patterns == [other]
    desk.say(20)
    desk.arbiter.notify(21 * S, Pattern.TEST)
    desk.say(21).say(23)
    assert desk.patterns == [other, Pattern.SILENT, Pattern.TEST, Pattern.SILENT]


def test_an_answer_to_a_finished_alarm_changes_nothing() -> None:
    desk = Desk().say(0, detection(Hazard.SOS, Severity.CONFIRMED)).say(2, detection(Hazard.SOS, Severity.CANCELLED))
    desk.arbiter.acknowledge(Acknowledgement(3 * S, 1, "acknowledged", "Anna"))
    desk.say(4)
    assert desk.patterns == [Pattern.FALL_NOBODY_YET, Pattern.CANCELLED, Pattern.SILENT]


def test_a_cancelled_sos_does_not_interrupt_the_countdown_of_a_fall() -> None:
    desk = Desk().say(0, detection(Hazard.SOS, Severity.CONFIRMED)).say(1, detection(Hazard.FALL, Severity.SUSPECTED))
    desk.say(4, detection(Hazard.SOS, Severity.CANCELLED)).say(5)
    assert desk.patterns == [Pattern.FALL_NOBODY_YET, Pattern.FALL_COUNTDOWN]


def test_a_new_fall_sounds_over_the_end_of_the_last_one() -> None:
    desk = Desk().say(0, detection(Hazard.FALL, Severity.SUSPECTED)).say(9, detection(Hazard.FALL, Severity.CANCELLED))
    desk.say(9.2, detection(Hazard.FALL, Severity.SUSPECTED))
    assert desk.patterns == [Pattern.FALL_COUNTDOWN, Pattern.CANCELLED, Pattern.FALL_COUNTDOWN]
    assert desk.alerts[0].alarm != desk.alerts[2].alarm
