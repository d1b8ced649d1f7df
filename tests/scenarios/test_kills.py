"""Any process of an alert's way, or all of them, killed between the decision and its receipt."""

from unittest.mock import patch

import pytest

from bench import _alerts_falls
from bench._alerts_kills import PROCESSES, trials

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]


def test_every_fall_reaches_its_reader_once_and_in_order_whoever_is_killed() -> None:
    found = trials(6)
    assert set(found["kills"]) == {*PROCESSES, "all"}
    assert (found["decided"], found["lost"], found["doubled"], found["in_order"]) == (11, 0, 0, True)


def test_fall_that_a_whole_device_sensed_is_told_once_and_goes_on_when_all_of_it_is_killed_in_the_countdown() -> None:
    with patch.object(_alerts_falls, "VICTIMS", [list(_alerts_falls.PROCESSES)] * 2):
        found = _alerts_falls.trial(1, 0.0)
    assert found is not None, "nobody fell: this machine is too busy"
    assert found["kills"] == {"all": 1}
    assert (found["lost"], found["doubled"], found["stuck"], found["in_order"]) == (0, 0, 0, True), found
    assert found["decided"] >= 3, "suspected, resumed, confirmed"
