"""A whole walk leaves a record that is as the schema says, and the next guard plans by it."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from firmware import walks
from firmware.config import Config
from firmware.virtual import VirtualDevice
from hal.sim.world.scenarios import scenario

SCHEMA = json.loads((Path(walks.__file__).parent / "schemas" / "record.json").read_text())


def walked(folder: Path, name: str) -> walks.Record:
    world = scenario(name)
    device = VirtualDevice(Config(), world, folder)
    device.run_until(world.duration_s)
    device.end()
    assert device.complaints == []
    (record,) = walks.read(folder).records
    return record


def test_a_walk_leaves_every_quantity_that_the_schema_names_and_no_other(tmp_path: Path) -> None:
    record = walked(tmp_path, "quiet")
    Draft202012Validator(SCHEMA).validate(record.body())
    assert set(record.data) == set(SCHEMA["allOf"][0]["then"]["properties"]["data"]["properties"])
    assert (record.data["planned_minutes"], record.data["falls"], record.simulated) == (5.0, 0, True)


def test_a_fall_is_in_the_record_and_no_clean_walk(tmp_path: Path) -> None:
    record = walked(tmp_path, "fall")
    assert record.data["falls"] == 1
    _, (step,) = walks.planned(Config().plan, [record], simulated=True)
    assert step.verdict == "fall"
