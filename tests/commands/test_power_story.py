"""How a cautious word about battery and supply is told to whoever watches."""

from firmware.commands.story import Story, fed, in_words
from firmware.core.messages import Alert, Hazard, PowerState, Severity
from firmware.outputs import as_json

S = 1_000_000_000


def test_caution_is_not_told_as_a_broken_part() -> None:
    story = Story(0)
    data = {"part": "power", "reason": "power: the battery is at 14%; charge it soon"}
    caution = story.output(as_json(Alert(S, Hazard.FAULT, Severity.CAUTION, 1, data)))
    assert caution == "  1.00 s  caution    power: the battery is at 14%; charge it soon"
    stop = story.output(as_json(Alert(2 * S, Hazard.FAULT, Severity.WARNING, 1, data)))
    assert stop == "  2.00 s  warning    power: the battery is at 14%; charge it soon"
    assert in_words("fault", "caution", "power") == "caution about power"
    assert in_words("fault", "warning", "power") == "warning about power"
    assert in_words("fault", "over", "power") == "fault of power is over"


def test_what_is_known_is_said_and_what_is_not_is_left_out() -> None:
    story = Story(0)
    assert fed(story.power) == ""
    assert story.output(as_json(PowerState(S, 0.62, 10_920, 3.912, None, False, False, 51.4))) is None
    assert fed(story.power) == "battery 62%, 3.91 V, about 182 min left, processor 51 °C"
    story.output(as_json(PowerState(S, None, None, None, None, True, True, None)))
    assert fed(story.power) == "battery unknown, 5 V too low, slowed down"
    story.output(as_json(PowerState(S)))
    assert fed(story.power) == ""
