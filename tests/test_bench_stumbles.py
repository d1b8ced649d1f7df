"""What the bench of stumbles counts, on tracks made by hand; the recordings themselves take minutes."""

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("sklearn")

from bench._stumble_data import CUES, Track  # noqa: E402
from bench.stumbles import SHIPPED, Weights, as_shipped, auc, fit, pieces, walking_falls, written  # noqa: E402
from firmware.core.models import sway  # noqa: E402


def track(kind: str, level: float, subject: int, seconds: float = 8.0, impact_s: float | None = None) -> Track:
    """Cues that lie about `level`, with a swing of the steps."""
    t_s = np.arange(0, seconds, 0.02)
    swing = np.sin(2 * np.pi * 0.9 * t_s)[:, None] * 0.1 + 0.05 * np.sin(np.arange(CUES) * 7.0 + subject)
    cues = np.full((len(t_s), CUES), level) + swing
    score = np.exp(SHIPPED.score(cues))
    return Track(str(subject), "made", "1", kind, "", False, seconds, impact_s, t_s, cues, score, np.ones((9, 7)))


def test_walks_are_cut_into_pieces_of_8_s_and_a_stumble_is_one() -> None:
    found = pieces([track("walk", 0.0, 1, 33.0), track("stumble", 1.0, 2, 12.0), track("stairs", 1.0, 3)])
    assert [piece.stumble for piece in found] == [False] * 4 + [True]


def test_the_fit_tells_stumbles_from_walking_and_punishes_nothing_unusual() -> None:
    walks = [track("walk", 0.01 * i, i) for i in range(12)]
    weights = fit(pieces(walks + [track("stumble", 0.9 + 0.01 * i, i) for i in range(6)]))
    assert (weights.exponents >= 0).all()
    assert weights.score(track("walk", 0.0, 1).cues).max() < 0.0 < weights.score(track("stumble", 0.95, 1).cues).max()


def test_auc_counts_ties_half() -> None:
    assert auc(np.array([2.0, 3.0]), np.array([1.0, 2.0])) == pytest.approx(0.875)


def test_what_is_written_is_what_the_core_can_read() -> None:
    names: dict[str, object] = {}
    exec(written(np.array(sway.PRIOR), Weights(SHIPPED.exponents, sway.LIMIT), "0" * 16), names)
    for name in ("CUES", "FLOORS", "PRIOR", "TILT", "RATE", "JOLT", "BOUNCE", "RHYTHM", "LIMIT"):
        assert names[name] == getattr(sway, name)


def test_a_warning_counts_before_the_impact_and_not_long_before() -> None:
    falls = [track("fall", 1.0, i, impact_s=6.0) for i in range(3)]
    falls[0].warned_s, falls[1].warned_s, falls[2].warned_s = [5.5], [6.1], [1.0]
    found = walking_falls(falls)["all"]
    assert (found["falls"], found["warned_before"], found["lead_median_s"]) == (3, 0.333, 0.5)
    assert found["warned_too_early"] == 1
    assert as_shipped([track("walk", 0.0, 1)])["kinds"]["made walk"]["warnings"] == 0
