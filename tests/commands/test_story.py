"""What is told on the screen and in the summary is what happened."""

from typing import Any

import pytest

from firmware.commands.story import PATTERNS, TITLES, Story, in_words
from firmware.commands.summary import OTHER_WALKS, closing, opening, summary_json, summary_lines
from firmware.core.messages import Alert, Hazard, Pattern, SetPattern, Severity, WalkChanged, WalkState
from firmware.journal import Delivery
from firmware.outputs import as_json
from hal.sim.world.scenarios import SCENARIOS

EPOCH_NS = 5_000_000_000


def told(event_id: str, phase: str, decided_ms: int) -> dict[str, Any]:
    body = {"id": event_id, "type": "fall", "phase": phase, "mono_ms": decided_ms, "data": {"alarm": "first"}}
    return {"kind": "event", "dev": "rg-12345678", "body": body}


def delivery(event_id: str, phase: str, *, sent: str | None = None) -> Delivery:
    return Delivery(event_id, 1, 1, "first", "fall", phase, sent, None, None, None, None, None)


@pytest.fixture
def story() -> Story:
    return Story(EPOCH_NS)


@pytest.mark.parametrize("pattern", Pattern)
def test_every_pattern_has_words(pattern: Pattern) -> None:
    assert pattern in PATTERNS


@pytest.mark.parametrize("state", WalkState)
def test_every_state_has_words(state: WalkState) -> None:
    assert state in TITLES


def test_warning_is_told_with_its_distance_and_time(story: Story) -> None:
    data = {"distance_m": 1.284, "closing_speed_mps": 0.6, "time_to_collision_s": 2.14}
    line = story.output(as_json(Alert(EPOCH_NS + 8_760_000_000, Hazard.OBSTACLE, Severity.WARNING, 1, data)))
    assert line == "  8.76 s  obstacle   warning: 1.28 m behind, at 0.60 m/s, contact in 2.1 s"


def test_end_of_a_warning_never_says_that_the_way_is_clear(story: Story) -> None:
    """She may have stopped half a metre before it, or the rangefinder may have failed."""
    line = story.output(as_json(Alert(EPOCH_NS, Hazard.OBSTACLE, Severity.NONE, 1, {})))
    assert line == "  0.00 s  obstacle   not warned of any more"
    assert story.warnings == []


def test_end_is_told_also_of_a_walk_that_never_began(story: Story) -> None:
    """The reason stays in the summary; said again in place of the end, it would sound as if she still stood there."""
    no_room = {"no_start": "0.7 m clear behind, expected at least 1.5 m: turn or step forward"}
    blocked = WalkChanged(EPOCH_NS, WalkState.SELF_TEST, no_room)
    assert story.output(as_json(blocked)) == f"  0.00 s  walk       no start: {no_room['no_start']}"
    assert story.output(as_json(WalkChanged(EPOCH_NS, WalkState.ENDED, no_room))) == "  0.00 s  walk       ended"


def test_fault_is_told_with_what_to_do_and_its_end(story: Story) -> None:
    broken = Alert(EPOCH_NS, Hazard.FAULT, Severity.FAULT, 1, {"part": "imu", "reason": "imu: no answer; check it"})
    mended = Alert(EPOCH_NS, Hazard.FAULT, Severity.NONE, 1, {"part": "imu", "reason": ""})
    assert story.output(as_json(broken)) == "  0.00 s  fault      imu: no answer; check it"
    assert story.output(as_json(mended)) == "  0.00 s  fault      imu works again"


def test_delivered_is_only_what_the_subscriber_got(story: Story) -> None:
    story.word(told("a", "suspected", 7_000), EPOCH_NS + 2_070_000_000)
    summary = summary_json(
        story, [delivery("a", "suspected"), delivery("b", "confirmed", sent="t"), delivery("c", "x")]
    )
    assert [(alert["delivery"], alert["after_s"]) for alert in summary["alerts"]] == [
        ("delivered", 0.07),
        ("sent", None),
        ("queued", None),
    ]


@pytest.mark.parametrize(
    "word",
    [{"kind": "event", "body": {"id": "x"}}, {"kind": "event", "body": []}, {"kind": "status", "body": None}, {}],
)
def test_what_a_broken_device_publishes_is_passed_over(story: Story, word: dict[str, Any]) -> None:
    assert story.word(word, EPOCH_NS) is None
    assert story.output(word) is None
    assert story.told == {}


def test_summary_reads_well_without_numbers(story: Story) -> None:
    lines = summary_lines(summary_json(story, []))
    assert lines[0] == "The walk: no step was taken"
    story.summary = {"steps": 1}
    lines = summary_lines(summary_json(story, []))
    assert lines[0] == "The walk: -, 1 step, - a minute; trunk sway - deg rms"
    assert lines[-1] == "Alerts: none"


def test_warnings_stand_below_the_obstacles_in_the_summary(story: Story) -> None:
    data = {"distance_m": 1.284, "closing_speed_mps": 0.6, "time_to_collision_s": 2.14}
    story.output(as_json(Alert(EPOCH_NS + 8_760_000_000, Hazard.OBSTACLE, Severity.WARNING, 1, data)))
    story.power = {"cpu_c": 48.0}
    lines = summary_lines(summary_json(story, []))
    assert [line.split(":")[0] for line in lines] == [
        "The walk",
        "Obstacles",
        "    8.76 s  warning   at 1.28 m, contact in 2.1 s",
        "Power",
        "Alerts",
    ]


def test_summary_has_the_first_moment_of_ready(story: Story) -> None:
    for seconds in (1, 30):
        ready = WalkChanged(EPOCH_NS + seconds * 10**9, WalkState.READY, {"steps": 0})
        story.output(as_json(ready))
    assert summary_json(story, [])["ready_s"] == 1.0


@pytest.mark.parametrize(
    ("phases", "is_open"),
    [((), False), (("suspected", "confirmed"), True), (("suspected", "cancelled"), False), (("recovered",), False)],
)
def test_last_words_of_a_simulated_walk_say_whether_its_alarm_is_open(
    story: Story, phases: tuple[str, ...], is_open: bool
) -> None:
    summary = summary_json(story, [delivery(str(number), phase) for number, phase in enumerate(phases)])
    lines = closing("walk", summary)
    assert ("It ended while her alarm was open: nobody had ended that." in lines) is is_open
    assert lines[0] == "That was the simulated walk 'walk'."
    assert all(len(line) <= 80 for line in lines)


def test_last_words_of_a_simulated_walk_name_others_that_exist() -> None:
    assert set(OTHER_WALKS) <= set(SCENARIOS)
    assert not any(line.startswith("  whole") for line in closing("whole", {"alerts": []}))


def test_first_words_of_a_walk_are_calm_and_say_how_to_end_it() -> None:
    assert opening(100.0) == "A simulated walk of 100 s begins. Ctrl-C ends it at any time."
    assert opening(None) == "The device starts. Ctrl-C ends the walk."


def test_alarms_in_words() -> None:
    assert in_words("fall", "suspected") == "fall suspected"
    assert in_words("fall", "cancelled") == "fall cancelled by the wearer"
    assert in_words("sos", "confirmed") == "SOS confirmed"
    assert in_words("fault", "fault", "imu") == "fault of imu"
    assert in_words("fault", "over", "imu") == "fault of imu is over"


def test_pattern_is_kept_for_the_view(story: Story) -> None:
    story.output(as_json(SetPattern(EPOCH_NS, Pattern.FALL_COUNTDOWN)))
    assert story.pattern == "fall_countdown"
    assert story.lines == [f"  0.00 s  sounds     {PATTERNS['fall_countdown']}"]
