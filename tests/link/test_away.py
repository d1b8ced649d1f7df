"""Brokers that die or forget after they said "taken", and hours without one: late at worst, never lost."""

import pytest

from bench._alerts_away import forgotten, killed, nothing, offline, ours_lost, queue_lost, theirs_lost
from bench._alerts_broker import DEFAULTS, KEPT

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]


@pytest.mark.parametrize("settings", [DEFAULTS, KEPT])
def test_broker_that_is_killed_right_after_it_took_a_fall_loses_nothing(settings: str) -> None:
    assert ours_lost(settings, killed, 1) == 0


def test_broker_that_forgets_everything_loses_nothing() -> None:
    assert ours_lost(DEFAULTS, forgotten, 1) == 0


def test_day_of_heartbeats_pushes_no_fall_out_of_the_brokers_queue() -> None:
    assert ours_lost(DEFAULTS, nothing, 1, heartbeats=2000) == 0


def test_who_believes_the_broker_loses_the_fall_each_time() -> None:
    assert theirs_lost(DEFAULTS, killed, 1) == 1
    assert theirs_lost(DEFAULTS, nothing, 1, heartbeats=1100) == 1
    assert queue_lost(1) == 1


def test_hours_offline_are_told_with_the_falls_first() -> None:
    found = offline(2, 60)
    assert (found["lost"], found["doubled"], found["falls"]) == (0, 0, 2)
    assert found["falls_first"]
    assert found["in_order"]
