"""A treadmill's rail and a partner keep their distance: found by themselves, never what was approached."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from way_behind import Echoes, Range, Way, follower, rail

from firmware.core.estimators.companion import Companion, CompanionConfig
from firmware.core.messages import Severity

ECHOES = [
    {},
    {"lost": 0.2},
    {"false": 0.1},
    {"lost": 0.2, "false": 0.1},
    {"lost": 0.2, "noise_m": 0.02, "swing_m": 0.02},
]
ROUGH = {"lost": 0.2, "false": 0.1}


def marched(at_m: float = 0.8, **echoes: float) -> Way:
    """On a treadmill for half a minute."""
    return Way(Echoes(**echoes)).stand(4, at_m).walk(30, rail(3, at_m))  # type: ignore[arg-type]


def towards(start_m: float, mps: float, stop_m: float = 0.0) -> Range:
    return lambda t_s: max(start_m - mps * t_s, stop_m)


@pytest.mark.parametrize("echoes", ECHOES)
@pytest.mark.parametrize("at_m", [0.5, 0.8, 1.2])
@pytest.mark.parametrize("seed", range(3))
def test_a_rail_is_found_within_seconds_of_steps_and_kept(echoes: dict[str, float], at_m: float, seed: int) -> None:
    way = Way(Echoes(seed=seed, **echoes)).stand(4, at_m).walk(60, rail(seed, at_m))  # type: ignore[arg-type]
    (_, _), (found_s, mode) = way.modes
    assert mode == "treadmill"
    assert found_s - 4 <= 7.0 if not echoes.get("false") else found_s - 4 <= 20
    assert way.behind.companion.range_m == pytest.approx(at_m, abs=0.06)


@pytest.mark.parametrize("at_m", [0.5, 0.8, 1.2])
@pytest.mark.parametrize("echoes", [echoes for echoes in ECHOES if not echoes.get("false")])
@pytest.mark.parametrize("seed", range(3))
def test_nobody_is_warned_on_a_treadmill(at_m: float, echoes: dict[str, float], seed: int) -> None:
    way = Way(Echoes(seed=seed, **echoes)).stand(4, at_m).walk(60, rail(seed, at_m))  # type: ignore[arg-type]
    assert way.tiers == []


@pytest.mark.parametrize("at_m", [1.2, 1.6])
@pytest.mark.parametrize("echoes", [{}, {"lost": 0.2}, ROUGH])
@pytest.mark.parametrize("seed", range(3))
def test_a_partner_who_follows_is_found_and_named(at_m: float, echoes: dict[str, float], seed: int) -> None:
    way = Way(Echoes(seed=seed, **echoes)).stand(4, at_m).walk(120, follower(seed, at_m))  # type: ignore[arg-type]
    named = [mode for _, mode in way.modes if mode]
    assert named[-1] == "partner"
    assert next(t_s for t_s, mode in way.modes if mode) - 4 <= 20
    if "false" not in echoes:
        assert way.warned() == []


@pytest.mark.parametrize("lost_s", [0.6, 1.0, 2.0])
@pytest.mark.parametrize("after_s", [0.0, 12.0])
def test_an_echo_that_is_lost_for_a_while_is_no_newcomer_on_a_treadmill(lost_s: float, after_s: float) -> None:
    way = Way().stand(4, 0.8)
    way.walk(3, rail(1)).walk(after_s, rail(2))
    way.walk(lost_s, lambda _: None).walk(10, rail(1))
    assert way.tiers == []


def test_what_comes_nearer_than_the_band_is_warned_of_as_ever() -> None:
    way = marched()
    since_s = way.t_s
    way.walk(1.5, towards(0.8, 0.4))
    assert way.warned(since_s)[0] - since_s <= 0.45  # of 1.25 s to the trailing foot
    assert way.modes[-1][1] is None or not way.behind.companion.holds(0.6)


@pytest.mark.parametrize("mps", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("at_m", [1.0, 1.2, 1.6])
@pytest.mark.parametrize("seed", range(3))
def test_a_partner_who_stops_is_warned_of_as_soon_as_without_the_mode(mps: float, at_m: float, seed: int) -> None:
    warned_s = []
    for blind in (False, True):
        way = Way(Echoes(seed=seed)).stand(4, at_m).walk(60, follower(seed, at_m))
        assert way.mode == "partner"
        if blind:
            way.behind.companion.holds = lambda *_: False  # type: ignore[method-assign]
        now_m = follower(seed, at_m)(60.0)
        way.walk(now_m / mps, towards(now_m, mps))
        warned_s += way.warned(64.0)[:1]
    with_mode_s, without_s = warned_s
    assert with_mode_s - without_s <= 0.11  # two pings


def test_a_rail_that_creeps_nearer_is_never_learned_away() -> None:
    way = marched()
    way.walk(25, towards(0.8, 0.02, 0.3))
    held = [cm / 100 for cm in range(30, 60) if way.behind.companion.holds(cm / 100)]
    assert held == []
    assert way.mode is None
    assert Severity.WARNING in [tier for t_s, tier in way.tiers if t_s > 34]


@pytest.mark.parametrize("mps", [0.005, 0.01, 0.02, 0.04, 0.08])
def test_however_slowly_it_creeps_it_is_no_companion_a_hand_nearer_than_learned(mps: float) -> None:
    way = marched(1.0)
    assert way.mode
    way.walk(0.35 / mps, towards(1.0, mps)).walk(30, lambda _: 0.65)
    assert way.mode is None
    assert not way.behind.companion.holds(0.65)


@pytest.mark.parametrize("mps", [0.15, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("echoes", [{}, ROUGH])
def test_a_wall_she_approached_and_marches_before_is_no_treadmill(mps: float, echoes: dict[str, float]) -> None:
    way = Way(Echoes(**echoes)).stand(3, 2.5)  # type: ignore[arg-type]
    way.walk(1.9 / mps, towards(2.5, mps)).walk(60, lambda _: 0.6)
    assert [mode for _, mode in way.modes if mode] == []
    way.stand(8, 0.6).walk(30, lambda _: 0.6)
    assert way.mode is None


@pytest.mark.parametrize("lost_s", [1.0, 2.0, 5.0])
@pytest.mark.parametrize("beyond_m", [None, 2.2])
def test_a_wall_that_was_not_heard_for_a_moment_is_still_the_wall_she_approached(
    lost_s: float, beyond_m: float | None
) -> None:
    way = Way().stand(3, 2.5)
    way.walk(3.0, towards(2.5, 0.6)).walk(2.0, lambda _: 0.7)
    way.walk(min(lost_s, 2.0) if beyond_m else lost_s, lambda _: beyond_m).walk(40, lambda _: 0.7)
    assert way.mode is None


def test_a_wall_that_she_came_to_unheard_is_no_treadmill() -> None:
    way = Way().stand(3, 2.5)
    way.walk(1.0, towards(2.5, 0.6)).walk(2.0, lambda _: None).walk(40, lambda _: 0.7)
    assert way.mode is None


def test_who_stood_quietly_for_long_before_a_rail_that_she_stepped_back_to_may_walk_there() -> None:
    way = Way().stand(3, 1.5)
    way.walk(1.5, towards(1.5, 0.5)).stand(20, 0.75).walk(20, rail(1, 0.75))
    assert way.mode is None
    way.stand(36, 0.75).walk(20, rail(1, 0.75))
    assert way.mode == "treadmill"


def test_a_wall_a_few_steps_behind_is_no_treadmill_either() -> None:
    way = Way().stand(3, 1.1)
    way.walk(0.45 / 0.5, towards(1.1, 0.5)).walk(60, lambda _: 0.65)
    assert way.mode is None


def test_a_corridor_that_ends_far_away_is_no_companion() -> None:
    way = Way().stand(3, 3.9)
    way.walk(10, towards(3.9, 0.3))
    assert way.mode is None
    assert way.warned()


def test_a_person_who_came_nearer_is_no_companion() -> None:
    way = Way().stand(3, None)
    way.walk(5, lambda _: 3.0).walk(6, towards(3.0, 0.3)).walk(40, lambda _: 1.2)
    assert way.mode is None


def test_somebody_who_steps_in_between_is_warned_of() -> None:
    way = Way().stand(4, 1.6).walk(40, follower(1, 1.6))
    assert way.mode == "partner"
    since_s = way.t_s
    way.walk(1.5, towards(1.1, 0.6))
    assert way.warned(since_s)[0] - since_s <= 0.6


def test_it_is_forgotten_after_a_long_stand_a_turn_or_when_it_goes_away() -> None:
    assert marched().stand(8, 0.8).mode == "treadmill"
    assert marched().stand(14, 0.8).mode is None
    assert marched().go(1.5, rail(3), stepping=True, yaw_radps=1.2).mode is None
    assert marched().walk(5, lambda _: None).mode is None
    assert marched().walk(4.5, lambda _: 2.5).mode is None


def test_what_she_stood_before_holds_no_longer_than_she_stands() -> None:
    way = Way().stand(4, 0.9)
    assert way.behind.companion.holds(0.9)
    since_s = way.t_s
    way.walk(1.2, lambda t_s: 0.9 - 0.6 * max(0.0, t_s - 0.4))
    assert way.warned(since_s)[0] - since_s <= 0.4 + 0.4


def test_the_trailing_foot_is_never_given_away() -> None:
    way = Way().stand(4, 0.3).walk(20, lambda _: 0.3)
    assert way.mode is None
    assert not way.behind.companion.holds(0.3)


def test_it_is_told_once_and_not_soon_again() -> None:
    way = marched()
    assert way.behind.companion.take_found()
    assert not way.behind.companion.take_found()
    assert way.walk(4.5, lambda _: 2.5).mode is None
    assert way.walk(30, rail(3)).mode
    assert not way.behind.companion.take_found()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_never_calm(value: float) -> None:
    companion = marched().behind.companion
    assert companion.holds(0.8)
    assert not companion.holds(value)
    assert not companion.holds(0.8, value)
    companion.update(34_100_000_000, value, value, False, True, value)
    assert companion.mode == "treadmill"


@pytest.mark.parametrize("gap_s", [4.0, 12.0, 45.0])
def test_after_a_long_gap_nothing_is_known_any_more(gap_s: float) -> None:
    companion = marched().behind.companion
    companion.update(round((34.0 + gap_s) * 1e9), 0.8, 0.0, False, True)
    assert not companion.holds(0.8)


def test_nothing_is_learned_of_numbers_that_are_none() -> None:
    companion = Companion(CompanionConfig())
    for index in range(400):
        companion.update(index * 50_000_000, math.nan, math.nan, False, True)
    assert companion.mode is None


NUMBER = st.none() | st.floats() | st.floats(0.0, 4.0)


@settings(max_examples=50, deadline=None)
@given(
    readings=st.lists(
        st.tuples(st.integers(0, 2_000_000_000), NUMBER, NUMBER, st.booleans(), st.booleans()), max_size=60
    )
)
def test_whatever_comes_what_is_held_is_there_and_not_at_her_foot(
    readings: list[tuple[int, float | None, float | None, bool, bool]],
) -> None:
    companion, t_ns = marched().behind.companion, 34_000_000_000
    for dt_ns, distance_m, closing_mps, nearing, stepping in readings:
        t_ns += dt_ns
        companion.update(t_ns, distance_m, closing_mps, nearing, stepping, closing_mps or 0.0)
        assert (companion.mode is None) == (companion.range_m is None)
        held = [cm for cm in range(0, 500, 2) if companion.holds(cm / 100)]
        assert not held or (held[0] >= 35 and held[-1] - held[0] <= 80)


def test_a_rail_with_a_wider_band_than_a_partner_is_refused_rather_than_silently_narrowed() -> None:
    with pytest.raises(ValueError, match=r"companion: partner_band_m \(0.1\) must not be smaller than rail_band_m"):
        CompanionConfig(rail_band_m=0.15, partner_band_m=0.1)
    assert CompanionConfig(rail_band_m=0.1, partner_band_m=0.1).partner_band_m == 0.1
