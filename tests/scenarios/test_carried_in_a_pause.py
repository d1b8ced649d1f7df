"""Taken off in a pause, carried about and clipped on again: that is no walking."""

from pathlib import Path
from random import Random

import pytest
from support.walks import take_walk

from firmware import walks
from hal.samples import Vector
from hal.sim.world.hands import Hand
from hal.sim.world.rotation import direction
from hal.sim.world.walker import Walker
from hal.sim.world.wearing_scenes import WearingScene, _held

STOPS_S, ON_S, END_S = 30.0, 70.0, 110.0
WALKED_MIN = (24.0 + 10.0) / 60


def carried(seed: int, rests_s: float, slowly: bool) -> WearingScene:
    """She walks for 24 s, rests, has it in her hands for about half a minute, and walks for another ten."""
    off_s = STOPS_S + rests_s
    dice = Random(f"carried:{seed}")
    bouts = ((6.0, 0.0), (6.8, 0.6), (29.4, 0.6), (30.0, 0.0), (80.0, 0.0), (80.8, 0.6), (89.4, 0.6), (90.0, 0.0))
    her = Walker(bouts, (), seed=f"carried {seed}")

    def up(t_s: float) -> Vector:
        return direction(her.motion(t_s)[0])

    lies = (0.0, 0.95, 0.3)
    ups = [(off_s, up(off_s)), (off_s + 2.5, lies), (ON_S - 2.5, lies), (ON_S, up(ON_S))]
    hand = Hand(ups, dice) if slowly else _held(dice, off_s, ON_S, up(off_s), up(ON_S))
    return WearingScene(f"carried {seed}", END_S, ((0.0, her.motion), (off_s, hand.motion), (ON_S, her.motion)), ())


@pytest.mark.parametrize(
    ("rests_s", "slowly", "off_by_min"),
    [
        (15.0, False, 0.08),
        (15.0, True, 0.08),
        (5.0, False, 0.17),  # the walk is not paused yet, and the first jerks look like its next steps
    ],
)
@pytest.mark.parametrize("seed", range(2))
def test_what_is_carried_about_in_a_pause_adds_nothing_to_her_walk(
    seed: int, rests_s: float, slowly: bool, off_by_min: float, tmp_path: Path
) -> None:
    take_walk(carried(seed, rests_s, slowly), tmp_path)
    (record,) = walks.read(tmp_path).walks
    assert record.number("minutes") == pytest.approx(WALKED_MIN, abs=off_by_min)
