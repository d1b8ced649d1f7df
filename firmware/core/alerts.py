"""One table: what each hazard, at each severity, sounds like, pre-empts, and tells."""

from dataclasses import dataclass

from firmware.core.messages import Hazard, Pattern, Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """How an alarm sounds. `sent` and `heard` replace `pattern` once a service has it, and once a person has."""

    priority: int  # higher pre-empts lower
    pattern: Pattern
    minimum_s: float = 0.0  # sounds at least so long, so that it can be told from others
    published: bool = False  # told to the caregiver at once; otherwise counted in the walk's summary
    every_s: float = 0.0  # sounds for `minimum_s` and then not again for so long; 0: for as long as it lasts
    sent: Pattern | None = None
    heard: Pattern | None = None
    before: Pattern | None = (
        None  # replaces `pattern` before the walk: a fault that ends none only keeps it from beginning
    )
    sparing: Pattern | None = None  # replaces `pattern` when the battery is nearly empty
    at_once: bool = False  # not even the `minimum_s` of what was more important, and is over, is waited for


QUIET = Rule(0, Pattern.SILENT)

# A combination nobody planned sounds as a fault of the device, because it is one.
_UNPLANNED = Rule(50, Pattern.FAULT, minimum_s=1.5, published=True)


def _called(priority: int) -> Rule:
    return Rule(
        priority,
        Pattern.FALL_NOBODY_YET,
        minimum_s=1.0,
        published=True,
        sent=Pattern.FALL_SENT,
        heard=Pattern.FALL_HEARD,
        sparing=Pattern.FALL_NOBODY_SPARING,
    )


def _over(priority: int) -> Rule:
    return Rule(priority, Pattern.CANCELLED, minimum_s=1.0, published=True)


_PLANNED: dict[tuple[Hazard, Severity], Rule] = {
    (Hazard.FALL, Severity.NONE): QUIET,
    (Hazard.FALL, Severity.POSSIBLE): Rule(95, Pattern.FALL_POSSIBLE, minimum_s=0.5),
    (Hazard.FALL, Severity.SUSPECTED): Rule(100, Pattern.FALL_COUNTDOWN, minimum_s=1.0, published=True),
    (Hazard.FALL, Severity.CONFIRMED): _called(100),
    (Hazard.FALL, Severity.NOT_RECOVERED): _called(100),
    (Hazard.FALL, Severity.LONG_LIE): _called(100),
    (Hazard.FALL, Severity.CANCELLED): _over(100),
    (Hazard.FALL, Severity.RECOVERED): _over(100),
    (Hazard.SOS, Severity.NONE): QUIET,
    (Hazard.SOS, Severity.CONFIRMED): _called(90),
    (Hazard.SOS, Severity.CANCELLED): _over(90),
    (Hazard.OBSTACLE, Severity.NONE): QUIET,
    (Hazard.OBSTACLE, Severity.IMMINENT): Rule(80, Pattern.OBSTACLE_IMMINENT, minimum_s=0.6),
    (Hazard.OBSTACLE, Severity.WARNING): Rule(70, Pattern.OBSTACLE_WARNING, minimum_s=0.6),
    # Below a fault: that the device is broken must be felt at once, and the warning that follows still outranks it.
    (Hazard.OBSTACLE, Severity.CAUTION): Rule(40, Pattern.OBSTACLE_CAUTION, minimum_s=0.6),
    (Hazard.SWAY, Severity.NONE): QUIET,
    (Hazard.SWAY, Severity.WARNING): Rule(60, Pattern.SWAY, minimum_s=0.6),
    # A device that sits wrong sees less; a fall is judged all the same.
    (Hazard.MOUNTING, Severity.NONE): Rule(0, Pattern.SILENT, published=True),
    (Hazard.MOUNTING, Severity.CAUTION): Rule(28, Pattern.WORN_WRONG, minimum_s=1.5, published=True, every_s=10.0),
    (Hazard.LEAN, Severity.NONE): QUIET,
    (Hazard.LEAN, Severity.CUE): Rule(25, Pattern.LEAN, minimum_s=0.3, every_s=30.0),
    (Hazard.FAULT, Severity.NONE): Rule(0, Pattern.SILENT, published=True),
    # At once: a warning whose sensor has died says nothing any more.
    (Hazard.FAULT, Severity.FAULT): Rule(
        50, Pattern.FAULT, minimum_s=1.5, published=True, at_once=True, before=Pattern.NO_START
    ),
    # Everything works still, so it is said now and then: the device wants looking after, or will soon give up.
    (Hazard.FAULT, Severity.CAUTION): Rule(30, Pattern.DEVICE_CAUTION, minimum_s=1.0, published=True, every_s=30.0),
    (Hazard.FAULT, Severity.WARNING): Rule(30, Pattern.FAULT, minimum_s=2.7, published=True, every_s=30.0),
}

RULES: dict[tuple[Hazard, Severity], Rule] = {
    (hazard, severity): _PLANNED.get((hazard, severity), _UNPLANNED) for hazard in Hazard for severity in Severity
}

LIFE_ENDS = (Severity.NONE, Severity.CANCELLED, Severity.RECOVERED)
"""After one of these the next alert of the hazard is a new alarm."""

NOTICES: dict[Pattern, Rule] = {
    Pattern.READY: Rule(20, Pattern.READY, minimum_s=1.0),
    Pattern.READY_1: Rule(20, Pattern.READY_1, minimum_s=1.3),
    Pattern.READY_2: Rule(20, Pattern.READY_2, minimum_s=1.7),
    Pattern.READY_3: Rule(20, Pattern.READY_3, minimum_s=2.1),
    Pattern.LANE_BLOCKED: Rule(20, Pattern.LANE_BLOCKED, minimum_s=1.3),
    Pattern.NOTICE: Rule(20, Pattern.NOTICE, minimum_s=2.0),
    Pattern.TIME_UP: Rule(20, Pattern.TIME_UP, minimum_s=1.9),
    Pattern.ENDED: Rule(20, Pattern.ENDED, minimum_s=1.0),
    Pattern.SUMMARY_CLEAN: Rule(20, Pattern.SUMMARY_CLEAN, minimum_s=1.5),
    Pattern.SUMMARY_WARNED: Rule(20, Pattern.SUMMARY_WARNED, minimum_s=1.5),
    Pattern.REST: Rule(20, Pattern.REST, minimum_s=2.3),
    Pattern.MEASURE_READY: Rule(18, Pattern.MEASURE_READY, minimum_s=1.1),
    Pattern.MEASURE_GO: Rule(18, Pattern.MEASURE_GO, minimum_s=1.3),
    Pattern.MEASURE_DONE: Rule(18, Pattern.MEASURE_DONE, minimum_s=1.4),
    Pattern.MEASURE_VOID: Rule(18, Pattern.MEASURE_VOID, minimum_s=1.4),
    Pattern.SMALLER_STEPS: Rule(17, Pattern.SMALLER_STEPS, minimum_s=1.1),
    Pattern.PAUSED: Rule(15, Pattern.PAUSED, minimum_s=1.0),
    # Below the cues: nothing has to be done about it.
    Pattern.COMPANION: Rule(15, Pattern.COMPANION, minimum_s=1.0),
    Pattern.LOCATE: Rule(10, Pattern.LOCATE, minimum_s=10.0),
    Pattern.TEST: Rule(5, Pattern.TEST, minimum_s=1.4),
    Pattern.METRONOME: Rule(1, Pattern.METRONOME, minimum_s=0.1),
}
"""Told once, without an alarm; dropped for a more important one, or when an alarm sounds for their whole time."""
