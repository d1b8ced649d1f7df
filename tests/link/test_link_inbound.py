"""What comes from outside: understood or counted, and never more than that."""

import json

import pytest
from support.events import DEVICE, an_event, made_id
from support.link_bench import Bench

from firmware.link import topics
from firmware.link.client import Received

EVENT = topics.event(DEVICE)
ALARM = topics.state(DEVICE, "alarm")
HEALTH = topics.state(DEVICE, "health")
STATUS = topics.status(DEVICE)


def test_wishes_from_outside_reach_the_guard(bench: Bench) -> None:
    bench.run()
    bench.command("test", {})
    bench.command("locate", "")
    bench.run()
    assert bench.to_guard == [{"v": 1, "kind": "command", "name": name} for name in ("test", "locate")]


HOSTILE = [
    ("accept", "{"),
    ("accept", "[]"),
    ("accept", "null"),
    ("accept", "[" * 2000),
    ("accept", '{"id":' * 300 + "1" + "}" * 300),
    ("accept", json.dumps({"id": made_id(1), "by": "x" * 3000})),
    ("accept", json.dumps({"id": made_id(1), "by": "x" * 81})),
    ("accept", json.dumps({"id": made_id(1), "by": ""})),
    ("accept", json.dumps({"id": made_id(1), "by": "a\x1b[2J"})),
    ("accept", f'{{"id":"{made_id(1)}","by":"\\ud800"}}'),
    ("accept", json.dumps({"id": made_id(1)})),
    ("accept", json.dumps({"id": [made_id(1)], "by": "hub"})),
    ("accept", json.dumps({"id": made_id(7), "by": "hub"})),
    ("accept", json.dumps({"id": "' OR 1=1 --", "by": "hub"})),
    ("ack", json.dumps({"alarm": made_id(7), "by": "Ann"})),
    ("ack", json.dumps({"alarm": "now", "by": "Ann"})),
    ("ack", json.dumps({"alarm": "now", "by": "Ann", "seq": 1})),
    ("ack", json.dumps({"alarm": made_id(1), "by": "Ann", "seq": 2**53})),
    ("ack", json.dumps({"alarm": made_id(1), "by": "Ann", "seq": True})),
    ("ack", json.dumps({"alarm": made_id(1), "by": "Ann", "seq": 1.5})),
    ("ack", json.dumps({"alarm": made_id(1), "by": "Ann", "how": "asleep"})),
    ("ack", json.dumps({"alarm": made_id(1), "by": "Ann", "how": ["seen"]})),
    ("locate", json.dumps({"seq": 1})),
    ("locate", json.dumps({"by": "Ann", "seq": -1})),
    ("ack", json.dumps({"alarm": 1e400, "by": "Ann"})),
    ("test", "on"),
    ("settings", "{}"),
    ("silence", "{}"),
    ("accept/more", json.dumps({"id": made_id(1), "by": "hub"})),
]


@pytest.mark.parametrize(("name", "payload"), HOSTILE)
def test_nonsense_is_counted_and_changes_nothing(bench: Bench, name: str, payload: str) -> None:
    bench.journal.append(an_event(1))
    bench.run()
    bench.link._take(_received(name, payload), 0)
    bench.run(2)
    assert bench.to_guard == []
    assert bench.link.rejected.total() == 1
    assert bench.kept(HEALTH)["rejected"] == 1
    assert [stored.event.id for stored in bench.journal.unaccepted()] == [made_id(1)]


def test_however_much_is_refused_there_are_few_words_for_it(bench: Bench) -> None:
    """They are the keys under which it is counted: a hostile text must be in none of them."""
    for number in range(300):
        strange, known = made_id(1000 + number), json.dumps({"alarm": "now", "by": f"name {number}", "seq": 1})
        for name, payload in (
            (f"silence {number}", "{}"),
            ("accept", json.dumps({"id": strange, "by": "hub"})),
            ("accept", json.dumps({"id": f"id {number}", "by": "hub"})),
            ("ack", json.dumps({"alarm": strange, "by": "Ann"})),
            ("ack", known),
            ("test", f"on {number}"),
            ("settings", json.dumps({"by": "Ann", "seq": number + 1, "set": {f"a.{number}": 1}})),
        ):
            bench.link._take(_received(name, payload), 0)
        bench.run(1)
    assert bench.link.rejected.total() > 1500
    assert set(bench.link.rejected) == {
        *("unknown command", "unknown id", "no id", "unknown alarm", "not JSON", "no setting", "too many")
    }


def _received(name: str, payload: str) -> Received:
    return Received(topics.command(DEVICE, name), payload.encode(), False)


def test_an_acceptance_that_the_broker_kept_from_the_past_is_ignored(bench: Bench) -> None:
    bench.journal.append(an_event(1))
    bench.command("accept", {"id": made_id(1), "by": "hub"}, retain=True)
    bench.run()
    assert bench.link.rejected == {"retained": 1}
    assert len(bench.journal.unaccepted()) == 1


def test_accepting_twice_is_the_same_as_once(bench: Bench) -> None:
    bench.journal.append(an_event(1))
    bench.run()
    for who in ("one", "two"):
        bench.command("accept", {"id": made_id(1), "by": who})
    bench.run()
    assert bench.link.rejected.total() == 0
    assert bench.journal.deliveries()[0].accepted_by == "one"


def test_home_assistant_that_starts_again_is_told_of_the_device(bench: Bench) -> None:
    bench.run()
    before = len(bench.said(topics.discovery(DEVICE)))
    bench.link._take(Received(topics.HOME_ASSISTANT_STATUS, b"online", True), 0)
    bench.run()
    assert len(bench.said(topics.discovery(DEVICE))) == before + 1
