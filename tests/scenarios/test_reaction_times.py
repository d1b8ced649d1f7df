"""Every failure of every part at twenty random moments: heard within its limit, in simulated time."""

import pytest

from bench.failures import FAILURES, LIMITS_S, MOMENTS, measured, moments, worst

Reactions = dict[tuple[str, str], list[float | None]]


@pytest.fixture(scope="module")
def reactions() -> Reactions:
    """The longest of the tests, on all processors."""
    return measured(MOMENTS)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("word", "part"), FAILURES)
def test_failure_is_heard_in_time_whenever_it_begins(reactions: Reactions, word: str, part: str) -> None:
    found = reactions[word, part]
    assert len(found) == MOMENTS
    assert worst(found) <= LIMITS_S[word, part], f"{word}:{part} at {moments(word, part, MOMENTS)} s: {found}"
