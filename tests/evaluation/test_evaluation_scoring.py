"""What judged trials come to: every count by hand."""

import json
import math

import pytest

from firmware.evaluation.dataset import Label
from firmware.evaluation.scoring import (
    age_group,
    errors,
    false_alarms_s,
    found_s,
    lead_s,
    percentile,
    score,
    wilson,
)
from firmware.evaluation.stream import Judged


def label(
    trial: str,
    kind: str = "fall",
    *,
    onset_s: float | None = None,
    impact_s: float | None = None,
    age: float | None = 25.0,
    direction: str = "",
) -> Label:
    is_fall = kind == "fall"
    return Label(
        "set", "P01", trial, "", kind, is_fall, direction or ("backward" if is_fall else ""), age, onset_s, impact_s
    )


def judged(
    one: Label,
    *suspected_s: float,
    duration_s: float = 36.0,
    sway_s: tuple[float, ...] = (),
    armed: tuple[tuple[float, float], ...] = (),
    ready_s: float | None = 1.0,
    fault: str = "",
) -> Judged:
    return Judged(one, 100.0, duration_s, suspected_s, (), sway_s, armed, (), ready_s, fault)


def test_an_alarm_from_the_onset_on_finds_the_fall() -> None:
    one = label("a", onset_s=5.0, impact_s=6.0)
    assert found_s(judged(one, 5.0)) == 5.0
    assert found_s(judged(one, 4.99)) is None
    assert false_alarms_s(judged(one, 4.99)) == [4.99]
    assert found_s(judged(one, 4.0, 7.0)) == 7.0
    assert false_alarms_s(judged(one, 4.0, 7.0)) == [4.0]


def test_without_an_onset_the_fall_begins_a_second_and_a_half_before_the_impact() -> None:
    one = label("a", impact_s=6.0)
    assert found_s(judged(one, 4.5)) == 4.5
    assert found_s(judged(one, 4.49)) is None


def test_without_any_label_every_alarm_counts() -> None:
    assert found_s(judged(label("a"), 0.1)) == 0.1
    assert found_s(judged(label("a"))) is None


def test_a_fall_must_be_told_within_two_minutes_of_its_impact() -> None:
    one = label("a", onset_s=5.0, impact_s=6.0)
    assert found_s(judged(one, 126.0)) == 126.0
    assert found_s(judged(one, 126.1)) is None
    assert false_alarms_s(judged(one, 7.0, 126.1)) == [126.1]
    assert found_s(judged(label("a", onset_s=5.0), 125.1)) is None


def test_an_hour_around_a_fall_is_counted_and_its_false_alarms_do_not_hide_the_fall() -> None:
    day = judged(label("a", onset_s=1000.0, impact_s=1001.0), 100.0, 1002.0, 3000.0, duration_s=3600.0)
    s = score([day])
    assert (s["sensitivity"], s["early_alarms"], s["false_alarms_per_h"]) == (1.0, 1, None)
    assert s["around_falls"] == {"trials": 1, "alarms": 2, "hours": pytest.approx((3600.0 - 121.0) / 3600.0)}
    assert score([judged(label("a"), duration_s=60.0)])["around_falls"]["hours"] == 0.0


def test_every_alarm_in_an_activity_is_false() -> None:
    assert false_alarms_s(judged(label("a", "sit"), 1.0, 2.0)) == [1.0, 2.0]


def test_lead_is_from_the_first_arming_in_the_last_two_seconds() -> None:
    one = label("a", impact_s=6.0)
    assert lead_s(judged(one, armed=((3.9, 0.9), (5.5, 0.6), (5.8, 0.9)))) == pytest.approx(0.5)
    assert lead_s(judged(one, armed=((3.9, 0.9),))) is None
    assert lead_s(judged(one, armed=((6.1, 0.9),))) is None
    assert lead_s(judged(label("a"), armed=((5.0, 0.9),))) is None


def a_set() -> list[Judged]:
    return [
        judged(label("f1", onset_s=5.0, impact_s=6.0), 7.0, armed=((5.6, 0.9),)),
        judged(label("f2", onset_s=5.0, impact_s=6.0), 7.2),
        judged(label("f3", onset_s=5.0, impact_s=6.0, direction="forward"), 2.0, 6.9),
        judged(label("f4", impact_s=6.0, age=None), ready_s=None),
        judged(label("a1", "walk", age=70.0), sway_s=(3.0, 9.0), armed=((3.0, 0.6),)),
        judged(label("a2", "stairs", age=70.0), sway_s=(3.0,)),
        judged(label("a3", "sit", age=45.0), 8.0),
        judged(label("a4", "walk_pd"), fault="IMU: stuck"),
    ]


def test_a_set_is_counted_exactly() -> None:
    s = score(a_set())
    assert (s["falls"], s["adl"], s["people"]) == (4, 4, 1)
    assert s["adl_h"] == pytest.approx(0.04)
    assert (s["sensitivity"], s["specificity"]) == (0.75, 0.75)
    assert (s["early_alarms"], s["faults"], s["not_ready"]) == (1, 1, 1)
    assert s["precision"] == pytest.approx(3 / 5)
    assert s["f1"] == pytest.approx(2 * 3 / (2 * 3 + 1 + 2))
    assert s["false_alarms_per_h"] == pytest.approx(25.0)
    assert s["latency_s"]["median"] == pytest.approx(1.0)
    assert s["latency_s"]["p95"] == pytest.approx(1.18)
    assert s["lead_s"] == {"median": pytest.approx(0.4), "p5": pytest.approx(0.4)}
    assert s["pre_impact"]["lead_mean_s"] == pytest.approx(0.4)
    assert s["sway_warnings_per_h"] == pytest.approx(2 / 0.02)
    assert s["pre_impact"]["sensitivity"] == 0.25
    assert s["pre_impact"]["specificity"] == 0.75
    assert s["pre_impact"]["false_alarms_per_h_walking"] == pytest.approx(50.0)


def test_kinds_directions_and_ages_are_counted_exactly() -> None:
    s = score(a_set())
    assert list(s["by_kind"]) == ["fall", "sit", "stairs", "walk", "walk_pd"]
    assert s["by_kind"]["sit"] == {"trials": 1, "alarms": 1, "hours": pytest.approx(0.01)}
    assert s["by_kind"]["fall"]["alarms"] == 4
    assert list(s["activities"]) == ["sit", "stairs", "walk", "walk_pd"]
    assert (s["activities"]["sit"]["specificity"], s["activities"]["walk"]["sway_warnings"]) == (0.0, 2)
    assert s["by_direction"] == {
        "backward": {"falls": 3, "sensitivity": pytest.approx(2 / 3)},
        "forward": {"falls": 1, "sensitivity": 1.0},
    }
    assert s["directions"]["forward"]["sensitivity_ci95"] == wilson(1, 1)
    assert list(s["by_age"]) == ["<30", "30-59", "60+", "unknown"]
    assert (s["by_age"]["60+"]["sensitivity"], s["by_age"]["60+"]["specificity"]) == (None, 1.0)
    assert s["by_age"]["unknown"]["sensitivity"] == 0.0


def test_errors_are_sorted_and_say_what_went_wrong() -> None:
    assert errors(reversed(a_set())) == [
        ["P01", "a3", "false alarm at 8.00 s (sit)"],
        ["P01", "f3", "false alarm at 2.00 s (fall)"],
        ["P01", "f4", "missed fall (backward): not ready"],
    ]


def test_the_order_of_the_trials_makes_no_difference() -> None:
    assert json.dumps(score(a_set())) == json.dumps(score(a_set()[::-1]))


def test_what_is_not_defined_is_null_and_never_nan() -> None:
    s = score([])
    assert (s["falls"], s["adl"], s["adl_h"], s["errors"]) == (0, 0, 0.0, [])
    for key in ("sensitivity", "specificity", "f1", "false_alarms_per_h", "sway_warnings_per_h", "precision"):
        assert s[key] is None
    assert s["latency_s"] == {"median": None, "p95": None}
    assert s["lead_s"] == {"median": None, "p5": None}
    json.dumps(s, allow_nan=False)
    only_activities = score([judged(label("a", "sit"), duration_s=0.0)])
    assert (only_activities["f1"], only_activities["false_alarms_per_h"]) == (None, None)


def test_wilson_intervals_are_those_of_the_tables() -> None:
    assert wilson(0, 0) is None
    assert wilson(81, 263) == pytest.approx([0.2553, 0.3662], abs=1e-4)  # Newcombe (1998), Stat. Med. 17, 857-872
    assert wilson(15, 148) == pytest.approx([0.0624, 0.1605], abs=1e-4)
    assert wilson(0, 20) == [0.0, pytest.approx(0.1611, abs=1e-4)]
    assert wilson(29, 29) == [pytest.approx(0.8830, abs=1e-4), 1.0]


@pytest.mark.parametrize(("percent", "expected"), [(0, 1.0), (50, 2.5), (95, 3.85), (100, 4.0)])
def test_percentiles_lie_between_the_values(percent: float, expected: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], percent) == pytest.approx(expected)
    assert percentile([], percent) is None


@pytest.mark.parametrize(
    ("age", "group"),
    [(None, "unknown"), (29.9, "<30"), (30.0, "30-59"), (59.5, "30-59"), (60.0, "60+"), (101.0, "60+")],
)
def test_ages_have_their_groups(age: float | None, group: str) -> None:
    assert age_group(age) == group


def test_f1_has_an_interval_that_holds_it() -> None:
    s = score(a_set())
    low, high = s["f1_ci95"]
    assert 0.0 < low < s["f1"] < high < 1.0
    assert math.isclose(s["sensitivity_ci95"][0], 0.3006, abs_tol=1e-4)
