"""The cue to take smaller steps, and the metronome: soft, rare, and never in anybody's way."""

import itertools
import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.core.detectors.pacing import Metronome, MetronomeConfig, Pacing, PacingConfig
from firmware.core.messages import Value

S = 1_000_000_000


@dataclass
class Steps:
    count: int = 0
    last_ns: int | None = None
    height_mps2: float = 0.0


@dataclass
class Length:
    length_m: float = 0.36
    sd_m: float = 0.1
    runs: int = 0


class Walker:
    def __init__(self, config: PacingConfig | None = None) -> None:
        self.pacing = Pacing(config or PacingConfig())
        self.steps, self.length = Steps(), Length()
        self.t_s = 0.0
        self.cues: list[tuple[float, dict[str, Value]]] = []

    def walk(self, count: int, cadence_spm: float = 100.0, height_mps2: float = 1.2) -> "Walker":
        """Asked after each step, and once more in between."""
        for _ in range(count):
            self.t_s += 60.0 / cadence_spm
            self.steps = Steps(self.steps.count + 1, round(self.t_s * S), height_mps2)
            self.ask().ask(0.1)
        return self

    def ask(self, later_s: float = 0.0) -> "Walker":
        found = self.pacing.update(round((self.t_s + later_s) * S), self.steps, self.length)
        if found is not None:
            self.cues.append((self.t_s, found))
        return self

    def stand(self, seconds: float) -> "Walker":
        self.t_s += seconds
        return self.ask()


@pytest.mark.parametrize(
    ("cadence_spm", "height_mps2", "cued"),
    [(100, 1.2, False), (115, 1.3, False), (130, 1.2, True), (115, 1.7, True), (100, 2.2, True), (80, 0.8, False)],
)
def test_steps_that_become_faster_or_harder_than_hers_are_cued(
    cadence_spm: float, height_mps2: float, cued: bool
) -> None:
    walker = Walker().walk(60).walk(30, cadence_spm, height_mps2)
    assert [why["why"] for _, why in walker.cues] == ["pace"] * cued


def test_who_walks_fast_from_the_first_step_has_chosen_that() -> None:
    assert Walker().walk(300, 125, 2.0).cues == []


def test_the_cue_comes_once_a_minute_at_most_however_long_it_lasts() -> None:
    cues = Walker().walk(60).walk(500, 135, 2.0).cues
    assert 3 <= len(cues) <= 5
    assert all(later - earlier >= 59.8 for (earlier, _), (later, _) in itertools.pairwise(cues))


def test_what_is_too_fast_does_not_become_usual() -> None:
    walker = Walker().walk(60).walk(400, 135, 2.0)
    assert walker.pacing.usual_spm == pytest.approx(100, rel=0.05)


def test_a_few_quick_steps_are_no_pace() -> None:
    walker = Walker().walk(60)
    for _ in range(10):
        walker.walk(4, 140, 2.5).walk(20)
    assert walker.cues == []


def test_the_first_steps_after_a_pause_are_judged_once_there_are_enough() -> None:
    walker = Walker().walk(60).walk(6, 140, 2.5).stand(5).walk(12, 140, 2.5)
    assert walker.cues == []
    assert Walker().walk(60).stand(5).walk(20, 140, 2.5).cues != []


def test_steps_that_are_surely_long_are_cued_once_each_time_that_is_learned() -> None:
    walker = Walker().walk(20)
    walker.length = Length(0.8, 0.05, 1)
    walker.walk(200)
    assert [why for _, why in walker.cues] == [{"why": "length", "step_length_m": 0.8}]
    walker.length = Length(0.65, 0.1, 2)  # perhaps not that long
    assert len(walker.walk(200).cues) == 1


def test_switched_off_it_cues_nobody_and_knows_her_cadence_still() -> None:
    walker = Walker(PacingConfig(enabled=False)).walk(60).walk(200, 140, 3.0)
    assert walker.cues == []
    assert walker.pacing.usual_spm == pytest.approx(100, rel=0.05)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.floats(allow_nan=True), st.floats(-1.0, 3.0)),
        max_size=150,
    )
)
def test_odd_steps_make_no_cue_before_hers_are_known_and_never_an_error(odd: list[tuple[int, float, float]]) -> None:
    walker = Walker()
    for more, height_mps2, later_s in odd:
        walker.t_s += later_s
        walker.steps = Steps(walker.steps.count + more, round(walker.t_s * S), height_mps2)
        walker.ask()
    assert walker.pacing.pace is None or math.isfinite(walker.pacing.pace)
    assert not walker.cues or len(odd) > PacingConfig().usual_steps


# The metronome.


def ticks(
    config: MetronomeConfig,
    seconds: float,
    *,
    busy: tuple[tuple[float, float], ...] = (),
    walks: tuple[tuple[float, float], ...] = ((0.0, 1e9),),
    own_spm: float | None = 90.0,
) -> list[float]:
    metronome, found = Metronome(config), []
    for index in range(round(seconds / 0.05)):
        t_s = index * 0.05
        sounds = any(a <= t_s < b for a, b in busy)
        if metronome.tick(round(t_s * S), any(a <= t_s < b for a, b in walks), sounds, own_spm):
            found.append(t_s)
    return found


ON = MetronomeConfig(enabled=True, cadence_spm=100.0)


def test_it_is_off_by_default() -> None:
    assert ticks(MetronomeConfig(), 60) == []


def test_it_ticks_every_second_step_and_rests_after_ten() -> None:
    found = ticks(ON, 60)
    gaps_s = [round(later - earlier, 2) for earlier, later in itertools.pairwise(found)]
    assert gaps_s[:9] == pytest.approx([1.2] * 9, abs=0.051)
    assert gaps_s[9] == pytest.approx(20.0, abs=0.1)
    assert (found[9] - found[0]) / 9 == pytest.approx(1.2, abs=0.01)


def test_it_takes_her_own_cadence_once_that_is_known() -> None:
    own = MetronomeConfig(enabled=True)
    assert ticks(own, 30, own_spm=None) == []
    found = ticks(own, 10, own_spm=80.0)
    assert found[1] - found[0] == pytest.approx(1.5, abs=0.051)


def test_it_is_silent_while_she_does_not_walk() -> None:
    assert all(20 <= t_s < 40 for t_s in ticks(ON, 60, walks=((20.0, 40.0),)))


@given(
    spans=st.lists(st.tuples(st.floats(0, 100), st.floats(0.05, 10)), max_size=8),
    spm=st.floats(40, 130),
    every=st.integers(1, 4),
)
def test_it_never_ticks_while_anything_else_sounds_nor_within_two_seconds(
    spans: list[tuple[float, float]], spm: float, every: int
) -> None:
    busy = tuple((start_s, start_s + lasts_s) for start_s, lasts_s in spans)
    config = MetronomeConfig(enabled=True, cadence_spm=spm, every_steps=every)
    found = ticks(config, 120, busy=busy)
    heard = [index * 0.05 for index in range(2400) if any(a <= index * 0.05 < b for a, b in busy)]
    assert not any(0.0 <= t_s - at_s < 1.99 for t_s in found for at_s in heard)
    assert all(later - earlier >= every * 30.0 / spm - 0.051 for earlier, later in itertools.pairwise(found))


@pytest.mark.parametrize("cadence_spm", [-1.0, 20.0, 200.0, math.nan])
def test_a_cadence_nobody_walks_at_is_refused(cadence_spm: float) -> None:
    with pytest.raises(ValueError, match="metronome: cadence_spm"):
        MetronomeConfig(cadence_spm=cadence_spm)


def test_her_usual_cadence_is_known_after_fifty_steps_and_not_before() -> None:
    assert Walker().walk(48).pacing.usual_spm is None
    assert Walker().walk(55).pacing.usual_spm == pytest.approx(100, rel=0.01)


def test_a_step_without_a_height_is_no_step() -> None:
    walker = Walker().walk(60).walk(40, 140, math.nan).walk(40, 140, -1.0)
    assert walker.pacing.pace is None or walker.pacing.pace < 1.25
    assert walker.cues == []
