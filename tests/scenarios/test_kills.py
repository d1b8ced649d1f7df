"""Any process of an alert's way, or all of them, killed between the decision and its receipt."""

import pytest

from bench._alerts_kills import PROCESSES, trials

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]


def test_every_fall_reaches_its_reader_once_and_in_order_whoever_is_killed() -> None:
    found = trials(6)
    assert set(found["kills"]) == {*PROCESSES, "all"}
    assert (found["decided"], found["lost"], found["doubled"], found["in_order"]) == (11, 0, 0, True)
