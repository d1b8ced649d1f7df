"""A therapist in another town sets the plan; what she may not set changes nothing."""

import json
from pathlib import Path
from typing import Any

from firmware.config import Config
from firmware.link import topics
from firmware.link.client import Message
from firmware.link.memory import MemoryBroker
from firmware.virtual import DEVICE, VirtualDevice
from hal.sim.world.scenarios import scenario


def says(broker: MemoryBroker, seq: int, **values: Any) -> None:
    named = {name.replace("__", "."): value for name, value in values.items()}
    body = {"by": "Dr. Gómez", "seq": seq, "set": named}
    broker.publish(Message(topics.command(DEVICE, "settings"), json.dumps(body), qos=1))


def answers(broker: MemoryBroker) -> list[tuple[str, str]]:
    told = [json.loads(message.payload) for message in broker.log if message.topic == topics.event(DEVICE)]
    ids = {each["id"]: each for each in told if each["type"] == "settings"}
    return [(each["phase"], str(each["data"].get("reason", ""))) for each in ids.values()]


def test_the_plan_that_was_set_from_afar_is_that_of_the_next_start_and_what_is_refused_changes_nothing(
    tmp_path: Path,
) -> None:
    broker, world = MemoryBroker(), scenario("stand")
    device = VirtualDevice(Config(), world, tmp_path, broker=broker)
    device.run_until(1.0)
    says(broker, 1, plan__fixed_min=8)
    says(broker, 2, plan__cap_min=90)
    says(broker, 3, fall__countdown_s=60)
    says(broker, 3, plan__fixed_min=7)  # an old word, said again
    device.run_until(3.0)
    (applied, capped, guarded) = answers(broker)
    assert applied == ("applied", "")
    assert capped[0] == guarded[0] == "refused"
    assert "cap_min" in capped[1]
    assert "cannot be set from afar" in guarded[1]
    again = VirtualDevice(Config(), scenario("quiet"), tmp_path)
    again.run_until(again.world.duration_s)
    again.end()
    last = json.loads((tmp_path / "walks.jsonl").read_text().splitlines()[-1])
    assert last["data"]["planned_minutes"] == 8.0


def test_a_plan_that_comes_before_the_walk_is_that_of_this_walk(tmp_path: Path) -> None:
    broker, world = MemoryBroker(), scenario("quiet")
    device = VirtualDevice(Config(), world, tmp_path, broker=broker)
    device.run_until(1.0)
    says(broker, 1, plan__fixed_min=7.5)
    device.run_until(world.duration_s)
    device.end()
    assert json.loads((tmp_path / "walks.jsonl").read_text())["data"]["planned_minutes"] == 7.5
