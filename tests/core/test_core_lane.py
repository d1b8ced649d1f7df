"""The room behind her before the first step: told in pulses, and no start without it."""

import math
import random
import re
from itertools import pairwise

import pytest
from core_scenes import Wearer

from firmware.core.course import READY_CHIRPS
from firmware.core.detectors.lane import NOTHING_M, Lane, LaneConfig
from firmware.core.messages import Command, Hazard, Pattern, Resume, Severity, Telemetry, WalkChanged

S = 1_000_000_000


def looked(way_m: float | None, *, lost: float = 0.0, false: float = 0.0, seconds: float = 3.0, seed: int = 1) -> Lane:
    """Readings of a still way, every 50 ms; false ones anywhere nearer."""
    lane, draw = Lane(LaneConfig()), random.Random(seed)
    for index in range(round(seconds / 0.05)):
        reading_m = None if way_m is None else way_m + draw.gauss(0.0, 0.01)
        if draw.random() < lost:
            reading_m = None
        elif draw.random() < false:
            reading_m = draw.uniform(0.1, way_m or NOTHING_M)
        lane.update(index * S // 20, reading_m)
    return lane


@pytest.mark.parametrize(
    ("way_m", "pulses"), [(0.8, 0), (1.4, 0), (1.6, 1), (1.9, 1), (2.1, 2), (2.9, 2), (3.1, 3), (3.9, 3), (None, 3)]
)
@pytest.mark.parametrize(("lost", "false"), [(0.0, 0.0), (0.2, 0.0), (0.0, 0.2), (0.2, 0.1)])
@pytest.mark.parametrize("seed", range(5))
def test_pulses_tell_the_clear_metres_among_false_and_lost_echoes(
    way_m: float | None, pulses: int, lost: float, false: float, seed: int
) -> None:
    lane = looked(way_m, lost=lost, false=false, seed=seed)
    assert lane.pulses == pulses
    assert lane.blocked == (pulses == 0)
    assert lane.open == (pulses > 0)
    assert lane.clear_m == pytest.approx(NOTHING_M if way_m is None else way_m, abs=0.05)


def test_something_that_echoes_in_half_of_the_pings_is_there() -> None:
    assert looked(0.9, lost=0.5).blocked


def test_a_run_of_twelve_false_echoes_blocks_no_lane() -> None:
    lane = looked(None)
    for index in range(12):
        lane.update(3 * S + index * S // 20, 0.7)
        assert not lane.blocked


def test_nothing_is_known_without_readings() -> None:
    lane = Lane(LaneConfig())
    assert (lane.clear_m, lane.blocked, lane.open, lane.pulses, lane.reason) == (None, False, False, 0, "")
    assert looked(None, seconds=1.5).clear_m is None
    lane = looked(None)
    lane.watch(3 * S + S // 2)
    assert lane.open
    lane.watch(5 * S)
    assert lane.clear_m is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_no_reading(value: float) -> None:
    lane = Lane(LaneConfig())
    for index in range(80):
        lane.update(index * S // 20, value)
    assert lane.clear_m is None


def test_few_readings_say_nothing() -> None:
    lane = Lane(LaneConfig())
    for index in range(7):
        lane.update(index * S // 3, None)
    assert lane.clear_m is None


def test_who_moves_towards_something_has_no_open_lane_though_there_was_room() -> None:
    lane = looked(2.2)
    for index in range(40):
        lane.update(3 * S + index * S // 20, 2.2 - 0.03 * index)
    assert not lane.open


def test_no_room_is_said_at_once_and_then_now_and_then() -> None:
    lane = looked(0.8)
    said = [second for second in range(3, 30) if lane.say(second * S)]
    assert said == [3, 13, 23]


def test_the_reason_tells_the_metres_and_what_to_do() -> None:
    assert looked(0.8).reason == "0.8 m clear behind, expected at least 1.5 m: turn or step forward"


@pytest.mark.parametrize("start_m", [1.0, 1.25, 1.5, 2.0])
def test_the_reason_never_tells_as_many_metres_as_are_expected(start_m: float) -> None:
    lane = Lane(LaneConfig(start_m=start_m))
    for index in range(60):
        lane.update(index * S // 20, start_m - 0.01)
    told_m, expected_m = (float(said) for said in re.findall(r"([0-9.]+) m\b", lane.reason))
    assert told_m < expected_m == start_m


def test_limits_that_fall_are_refused() -> None:
    with pytest.raises(ValueError, match="smaller than the one before"):
        LaneConfig(start_m=2.5, two_m=2.0)


# In the whole core.


def stood_before(way_m: float | None, seconds: float = 5.0) -> Wearer:
    wearer = Wearer()
    wearer.distance_m = way_m
    return wearer.stand(seconds)


def summaries(wearer: Wearer) -> list[tuple[str, object]]:
    return [(o.state.value, o.summary["no_start"]) for o in wearer.outputs if isinstance(o, WalkChanged)]


@pytest.mark.parametrize(
    ("way_m", "chirp"),
    [(1.7, Pattern.READY_1), (2.5, Pattern.READY_2), (3.5, Pattern.READY_3), (None, Pattern.READY_3)],
)
def test_the_ready_chirp_tells_the_metres_once(way_m: float | None, chirp: Pattern) -> None:
    wearer = stood_before(way_m, 30.0)
    assert wearer.walk_states() == ["before", "ready"]
    assert wearer.patterns() == [chirp, Pattern.SILENT]


def test_no_walk_begins_without_room_and_it_is_said_why() -> None:
    wearer = stood_before(0.8, 25.0)
    assert set(wearer.walk_states()) == {"before"}
    assert wearer.patterns() == [Pattern.LANE_BLOCKED, Pattern.SILENT] * 3
    assert summaries(wearer)[-1] == ("lane_check", "0.8 m clear behind, expected at least 1.5 m: turn or step forward")
    telemetry = [output for output in wearer.outputs if isinstance(output, Telemetry)][-1]
    assert telemetry.no_start.startswith("0.8 m clear behind")
    assert telemetry.clear_m == pytest.approx(0.8, abs=0.03)
    assert wearer.alerts() == []


def test_why_no_walk_begins_is_said_once_a_second_at_most_however_she_sways() -> None:
    wearer = Wearer()
    wearer.distance_m = 0.7
    wearer.swing_m = lambda t_s: 0.2 * math.sin(3.0 * t_s)
    wearer.stand(20.0)
    told = [o for o in wearer.outputs if isinstance(o, WalkChanged) and o.state == "lane_check"]
    assert len({o.summary["no_start"] for o in told}) > 1, "it is another number now and then"
    assert min(later.t_ns - sooner.t_ns for sooner, later in pairwise(told)) >= 1e9


@pytest.mark.parametrize("stepping", [False, True])
def test_the_walk_begins_when_the_way_opens(stepping: bool) -> None:
    wearer = stood_before(0.8)
    wearer.distance_m = None
    wearer.live(3.5, stepping=stepping)
    assert wearer.walk_states()[:2] == ["before", "ready"]
    assert Pattern.READY_3 in wearer.patterns()
    assert summaries(wearer)[-1][1] == ""


def test_who_walks_forward_away_from_the_wall_may_start() -> None:
    wearer = stood_before(0.8)
    wearer.speed_mps = -0.5
    wearer.walk(4.0)
    assert "ready" in wearer.walk_states()


def test_on_a_treadmill_the_walk_begins_once_it_is_found_and_the_cue_follows_the_chirp() -> None:
    wearer = stood_before(0.8).walk(30)
    assert wearer.walk_states() == ["before", "ready", "walking"]
    assert wearer.patterns() == [
        *(Pattern.LANE_BLOCKED, Pattern.SILENT, Pattern.READY, Pattern.SILENT, Pattern.COMPANION, Pattern.SILENT)
    ]
    ready_s = next(o.t_ns for o in wearer.outputs if isinstance(o, WalkChanged) and o.state == "ready") / 1e9
    assert ready_s - 5.0 <= 8.0
    wearer.send(Command(wearer.t_ns, "end"))
    summary = [o.summary for o in wearer.outputs if isinstance(o, WalkChanged)][-1]
    assert summary["mode"] == "treadmill"
    assert summary["mode_minutes"] == pytest.approx(summary["minutes"], abs=0.1)  # type: ignore[call-overload]
    assert summary["minutes"] == pytest.approx(22 / 60, abs=0.05)
    telemetry = [output for output in wearer.outputs if isinstance(output, Telemetry)][-1]
    assert (telemetry.mode, telemetry.companion_m) == ("treadmill", pytest.approx(0.8, abs=0.05))


def test_without_a_start_falls_are_seen_and_obstacles_warned_of() -> None:
    wearer = stood_before(1.3)
    wearer.speed_mps = 0.5
    wearer.walk(1.6)
    assert Severity.WARNING in wearer.severities(Hazard.OBSTACLE)
    assert set(wearer.walk_states()) == {"before"}
    fallen = stood_before(1.3).walk(4).fall(lies_s=3)
    assert fallen.severities(Hazard.FALL) == [Severity.SUSPECTED]
    assert set(fallen.walk_states()) == {"before"}


def test_a_rangefinder_that_is_silent_leaves_the_lane_unknown() -> None:
    wearer = Wearer()
    wearer.ranging = False
    wearer.stand(8)
    assert not set(READY_CHIRPS) & set(wearer.patterns())
    assert Pattern.LANE_BLOCKED not in wearer.patterns()


def test_a_walk_that_goes_on_after_a_restart_needs_no_look_at_the_lane() -> None:
    wearer = Wearer()
    wearer.distance_m = 0.8
    wearer.send(Resume(0, True, Hazard.FALL, Severity.NONE, 0.0))
    wearer.stand(5).walk(5)
    assert wearer.walk_states()[-2:] == ["paused", "walking"]
    assert Pattern.LANE_BLOCKED not in wearer.patterns()


def test_after_a_pause_the_ordinary_warning_guards_and_nothing_is_asked_of_the_lane() -> None:
    wearer = stood_before(None).walk(6)
    wearer.distance_m = 0.8
    wearer.stand(12).walk(6)
    assert wearer.walk_states() == ["before", "ready", "walking", "paused", "walking"]
    assert Pattern.LANE_BLOCKED not in wearer.patterns()
