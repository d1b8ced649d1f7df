"""The heartbeat: what is well, how old that is, and what waits to be told."""

import pytest
from support.events import DEVICE, an_event
from support.link_bench import Bench

from firmware.link import topics
from firmware.link.memory import MemoryCaregiver

HEALTH = topics.state(DEVICE, "health")


def test_the_heartbeat_comes_every_ten_seconds_while_all_is_well(bench: Bench) -> None:
    bench.run(2)
    for _ in range(100):
        bench.guard_lives()
        bench.run(1)
    assert 10 <= len(bench.said(HEALTH)) <= 13
    assert bench.kept(HEALTH)["ok"] is True


def test_what_the_heartbeat_has_to_say_anew_it_says_at_once_but_not_twice_a_second(bench: Bench) -> None:
    for second in range(20):
        bench.guard_lives()
        bench.run(1)
        if second == 12:
            quiet = len(bench.said(HEALTH))
            bench.guard_lives(rangefinder={"ok": False, "age_s": 2.0, "reason": "no echo"})
            bench.run(0.1)
            assert bench.kept(HEALTH)["ok"] is False
            assert len(bench.said(HEALTH)) == quiet + 1
    before = len(bench.said(HEALTH))
    for turn in range(100):
        bench.guard_lives(rangefinder={"ok": turn % 2 == 0, "age_s": 2.0, "reason": str(turn)})
        bench.run(0.05)
    assert len(bench.said(HEALTH)) - before <= 5


def test_a_guard_that_has_gone_quiet_is_not_told_as_well(bench: Bench) -> None:
    for _ in range(5):
        bench.run(1)
        bench.guard_lives()
    bench.run(3.2)
    health = bench.kept(HEALTH)
    assert health["ok"] is False
    assert health["guard"]["ok"] is False
    bench.run(10)
    assert bench.kept(HEALTH)["guard"]["age_s"] >= 9


def test_a_guard_that_was_well_yesterday_is_not_taken_for_well_today(bench: Bench) -> None:
    bench.guard_lives()
    bench.run(2)
    assert bench.kept(HEALTH)["guard"] == {"ok": False, "age_s": None}


def test_a_broken_part_is_told_as_broken(bench: Bench) -> None:
    for _ in range(3):
        bench.run(1)
        bench.guard_lives(rangefinder={"ok": False, "age_s": 2.0, "reason": "no echo"})
    assert bench.kept(HEALTH)["ok"] is False
    assert bench.kept(HEALTH)["parts"]["rangefinder"]["reason"] == "no echo"


def test_the_heartbeat_tells_what_waits_and_whether_anybody_listens(bench: Bench) -> None:
    bench.journal.append(an_event(1))
    bench.run(3)
    assert bench.kept(HEALTH)["outbox"] == {"depth": 1, "oldest_s": pytest.approx(2, abs=1.1), "heard": False}
    MemoryCaregiver(bench.broker)
    bench.run(6)
    assert bench.kept(HEALTH)["outbox"] == {"depth": 0, "oldest_s": 0.0, "heard": True}
