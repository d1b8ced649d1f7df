"""One walk in two parts: what is believed of the first, and what both come to."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.records import WALKED

from firmware.core.messages import Value
from firmware.core.tally import Tally
from firmware.core.walk_so_far import began, believed, cut_off, whole


def part(**other: Value) -> dict[str, Value]:
    return {**WALKED, **other}


def test_counts_minutes_and_the_way_are_those_of_both() -> None:
    both = whole(part(minutes=4.0, steps=400, distance_m=144.0), part(minutes=2.0, steps=210, distance_m=75.6, falls=1))
    assert (both["minutes"], both["steps"], both["distance_m"], both["falls"]) == (6.0, 610, 219.6, 1)
    assert (both["obstacle_warnings"], both["pauses"], both["rest_cues"]) == (2, 2, 0)
    assert both["speed_mps"] == round(219.6 / 360.0, 2)


def test_means_are_weighed_by_minutes_and_spreads_by_their_squares() -> None:
    one = part(minutes=3.0, cadence_spm=100.0, lean_deg=-2.0, sway_rms_deg=3.0, response_s=None)
    both = whole(one, part(minutes=1.0, cadence_spm=80.0, lean_deg=2.0, sway_rms_deg=1.0, response_s=0.8))
    assert (both["cadence_spm"], both["lean_deg"], both["response_s"]) == (95.0, -1.0, 0.8)
    assert both["sway_rms_deg"] == round(math.sqrt((3 * 9 + 1) / 4), 2)


def test_what_is_known_of_the_beginning_or_the_end_alone_is_that_ones() -> None:
    before = part(planned_minutes=6.0, clear_m=3.0, first_warning_distance_m=None, nearest_m=0.9, step_length_m=0.3)
    after = part(planned_minutes=5.0, clear_m=None, first_warning_distance_m=1.2, nearest_m=None, step_length_m=None)
    both = whole(before, after)
    assert [both[key] for key in ("planned_minutes", "clear_m", "first_warning_distance_m")] == [6.0, 3.0, 1.2]
    assert [both[key] for key in ("nearest_m", "step_length_m")] == [0.9, 0.3]


def test_what_kept_its_distance_for_longest_is_of_both_parts() -> None:
    treadmill = part(mode="treadmill", mode_minutes=2.0)
    assert whole(treadmill, part(mode="treadmill", mode_minutes=1.5))["mode_minutes"] == 3.5
    assert whole(treadmill, part(mode="partner", mode_minutes=2.5))["mode"] == "partner"
    assert whole(treadmill, part(mode=None))["mode"] == "treadmill"


def test_what_is_not_known_of_one_part_is_not_known_of_both() -> None:
    assert whole(part(falls=None), part())["falls"] is None
    assert whole(part(), part(rest_cues=None))["rest_cues"] is None


def test_a_walk_and_nothing_after_it_is_that_walk() -> None:
    nothing = {**Tally().summary(0), "distance_m": 0.0, "distance_sd_m": 0.0, "rest_cues": 0, "step_cues": 0}
    assert whole(believed(part()), nothing) == {**part(), "speed_mps": round(217.0 / 372.0, 2), "no_start": ""}


def test_a_walk_that_was_cut_off_has_a_fault_more_and_no_falls_that_can_be_ruled_out() -> None:
    calm, fell = cut_off(part()), cut_off(part(falls=1, faults=1, interruptions=2))
    assert [calm[key] for key in ("falls", "sos", "faults", "interruptions")] == [None, None, 1, 1]
    assert [fell[key] for key in ("falls", "sos", "faults", "interruptions")] == [1, None, 2, 3]
    assert began(part(steps=0, falls=1))
    assert not began(part(steps=0))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("minutes", value) for value in (None, "5", True, -0.1, math.nan, math.inf, 1e9, 10**400, [5])),
        *(("steps", value) for value in (None, 3.5, -1, 10**7)),
        *(("falls", value) for value in ("1", 1.0, -1, True)),
        *(("distance_m", value) for value in (math.nan, -1.0, {"m": 3})),
        *(("planned_minutes", value) for value in (0, 0.0, 31.0)),
        ("lean_deg", -181.0),
        ("mode", "horse"),
        ("mode", ["partner"]),
    ],
)
def test_what_cannot_be_true_of_a_walk_is_refused_by_its_name(key: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{key} is .*, expected "):
        believed({**WALKED, key: value})


@pytest.mark.parametrize("data", [[], None, 3, "walk"])
def test_what_is_no_walk_at_all_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match="expected an object"):
        believed(data)


def test_what_is_not_known_here_is_left_out_and_texts_are_cut() -> None:
    found = believed({**WALKED, "mood": "x" * 10**6, "no_start": "y" * 10**6})
    assert "mood" not in found
    assert len(str(found["no_start"])) == 200


ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers())


@given(before=st.dictionaries(st.sampled_from(list(WALKED)), ANYTHING))
def test_whatever_was_kept_is_refused_or_makes_a_walk_of_finite_numbers(before: dict[str, Any]) -> None:
    try:
        known = believed({**WALKED, **before})
    except ValueError:
        return
    both = whole(known, part())
    numbers = [value for value in both.values() if isinstance(value, int | float)]
    assert all(math.isfinite(value) for value in numbers)
    assert both.keys() == WALKED.keys()
