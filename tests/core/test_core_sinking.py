"""What was before a gap, a fault, another upright or an alarm says nothing about how she sinks now."""

import math
from typing import Any

import pytest

from firmware.core.config import CoreConfig
from firmware.core.detectors.fall import G0_MPS2
from firmware.core.estimators.sinking import GAP_NS, STRIDE_NS, Sinking
from firmware.core.falling import Falling
from firmware.core.moving import Moving

S = 1_000_000_000


def sunk() -> tuple[Sinking, int]:
    """She stands for 3 s, sinks by half a metre within one, and rests for two; with the time."""
    sinking, t_ns = Sinking(), 0
    while t_ns < 6 * S:
        t_ns += STRIDE_NS // 2
        sinking.add(t_ns, -0.5 if 3 * S < t_ns <= 4 * S else 0.0, 0.0, 0.0, None)
    return sinking, t_ns


def test_a_way_down_is_seen() -> None:
    sinking, _ = sunk()
    way = sinking.latest()
    assert way is not None
    assert 0.35 < way.metres < 0.6, "0.8 to 1.2 times the way"


@pytest.mark.parametrize("gap_ns", [GAP_NS + 1, S, -S])
def test_over_a_gap_nobody_knows_how_far_she_sank(gap_ns: int) -> None:
    sinking, t_ns = sunk()
    sinking.add(t_ns + gap_ns, 0.0, 0.0, 0.0, None)
    assert sinking.latest() is None


class Standing:
    """Somebody who stands for 6 s, as the fall detector's surroundings follow her."""

    def __init__(self) -> None:
        self.moving, self.t_ns = Moving(), 0
        self.falling = Falling(CoreConfig(), self.moving)
        self.go_on(6.0)

    def go_on(self, seconds: float) -> None:
        for _ in range(round(seconds * 50)):
            self.t_ns += 20_000_000
            if self.moving.take(self.t_ns, (0.0, 0.0, G0_MPS2), (0.0, 0.0, 0.0)):
                self.falling.update(self.t_ns, walking=True)

    @property
    def followed(self) -> bool:
        """There is enough of the last seconds to tell of a sinking."""
        return len(self.falling._sinking._places) > 20


def test_what_moved_before_a_fault_is_forgotten() -> None:
    her = Standing()
    assert her.followed
    her.falling.forget_motion()
    assert not her.followed


def test_what_leaned_by_another_upright_is_forgotten() -> None:
    her = Standing()
    her.moving.attitude.upright = (math.sin(0.4), 0.0, math.cos(0.4))
    her.go_on(0.2)
    assert not her.followed


def test_a_way_down_that_was_asked_about_is_not_asked_about_again(monkeypatch: pytest.MonkeyPatch) -> None:
    her = Standing()
    evidence: dict[str, Any] = {"path": "posture", "tilt_deg": 50.0, "impact_g": None, "impact_age_s": None}
    with monkeypatch.context() as asks:
        asks.setattr(her.falling._fall, "update", lambda *_: evidence)
        her.go_on(0.2)
    assert not her.followed
