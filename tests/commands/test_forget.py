"""One command deletes what the device knows of its walker, at the broker too, or says exactly what is left."""

import io
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.events import an_event
from support.mosquitto import Mosquitto, free_port
from support.records import record
from support.waiting import eventually
from support.walk_device import Device, answers

from firmware import notice, remote_settings, walks
from firmware.commands import forget as forgetting
from firmware.ids import device_id
from firmware.ipc import Instance
from firmware.journal import JOURNAL, Journal
from firmware.link import topics
from firmware.link.client import Delivered, Message
from firmware.link.config import MqttConfig
from firmware.link.mqtt import Connection
from firmware.notice import Confirmation
from firmware.remote_settings import Kept


@pytest.fixture
def device(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Device:
    """One that has no broker."""
    return lived_with(Device(tmp_path, capsys))


def lived_with(device: Device) -> Device:
    """With everything that a walker leaves on it."""
    device_id(device.state)
    with closing(Journal(device.state / JOURNAL)) as journal:
        journal.next_boot()
        journal.append(an_event())
    device.walked(record(1))
    notice.keep(device.state, Confirmation(1, "button", "2026-01-05", "synced"))
    remote_settings.keep(device.state, Kept("Dr. Gómez", {"plan.start_min": 6}))
    for name in ("mounting.toml", "mounting.toml.damaged-1", "journal.db.damaged-1", "journal.db-wal"):
        (device.state / name).write_text("x")
    for name in ("fall-0001.mcap", "arming-0002.mcap", "holiday.mcap"):
        (device.falls / name).write_text("x")
    return device


def files(device: Device) -> set[str]:
    return {path.name for folder in (device.state, device.falls) for path in folder.iterdir()}


NOT_HERS = {"device-id", "journal.db.boot", "holiday.mcap"}


def test_what_is_kept_elsewhere_behind_a_link_goes_as_well(device: Device, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.jsonl"
    (device.state / walks.FILE).rename(elsewhere)
    (device.state / walks.FILE).symlink_to(elsewhere)
    (device.state / f".{notice.FILE}.77").write_text("left by a power cut")
    code, out, _ = device("forget", "--yes")
    assert (code, elsewhere.exists(), files(device)) == (0, False, NOT_HERS)
    assert str(elsewhere) in out


def test_a_folder_that_is_not_there_is_no_success(device: Device) -> None:
    device.state.rename(device.state.with_name("moved"))
    code, out, err = device("forget", "--yes")
    assert (code, out) == (2, "")
    assert "no such folder, so nothing was deleted" in err


def test_without_a_name_it_does_not_say_that_the_broker_keeps_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    device = lived_with(Device(tmp_path, capsys, free_port()))
    (device.state / "device-id").unlink()
    code, out, _ = device("forget", "--yes")
    assert code == 0
    assert "nor at its broker" not in out
    assert "not looked for at the broker" in out


def test_everything_of_the_walker_goes_and_the_device_stays_the_same(device: Device) -> None:
    name = device_id(device.state)
    code, out, err = device("forget", "--yes")
    assert (code, err) == (0, "")
    assert files(device) == NOT_HERS
    assert device_id(device.state) == name
    for what in (walks.FILE, notice.FILE, "mounting.toml", JOURNAL, "fall-0001.mcap"):
        assert what in out
    assert "alerts among them that nobody has ever accepted: 1" in out
    with closing(Journal(device.state / JOURNAL)) as journal:
        assert journal.next_boot() == 2  # the caregiver's side orders by it


def test_every_file_of_the_state_directory_is_either_deleted_or_known_to_be_none_of_hers(device: Device) -> None:
    """A new file there has to be put on one of the two lists."""
    for name in ("pairing.pem", "pairing-key.pem", "last-time"):  # what the broker knows the device by
        (device.state / name).write_text("x")
    device("forget", "--yes")
    assert {path.name for path in device.state.iterdir()} == set(forgetting.KEPT)


def test_what_a_killed_guard_had_decided_goes_too(device: Device) -> None:
    decided = device.run_dir / "decided-000000000001000-000001-x.json"
    decided.write_text("{}")
    assert device("forget", "--yes")[0] == 0
    assert not decided.exists()


def test_it_can_be_repeated(device: Device) -> None:
    device("forget", "--yes")
    code, out, _ = device("forget", "--yes")
    assert (code, "no file of hers is here" in out) == (0, True)


@pytest.mark.parametrize(("answer", "code"), [("forget\n", 0), ("no\n", 1), ("\n", 1), ("yes\n", 1)])
def test_it_asks_and_only_the_word_itself_lets_it_go_on(
    device: Device, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    answers(monkeypatch, answer)
    assert device("forget")[0] == code
    assert (files(device) == NOT_HERS) == (code == 0)


def test_nobody_deletes_what_she_cannot_see_listed(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, "forget\n", sees=False)
    before = files(device)
    assert (device("forget")[0], files(device)) == (2, before)


def test_a_script_that_did_not_say_yes_deletes_nothing(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("forget\n"))
    before = files(device)
    code, _, err = device("forget")
    assert (code, "run it in a terminal, or with --yes" in err, files(device)) == (2, True, before)


@pytest.mark.parametrize("process", ["guard", "sounder", "link", "walk"])
def test_it_refuses_while_the_device_runs(device: Device, process: str) -> None:
    before = files(device)
    with closing(Instance(device.run_dir, process)):
        code, _, err = device("forget", "--yes")
    assert (code, files(device)) == (1, before)
    assert f"a {process} is running" in err


def test_nothing_can_start_while_it_deletes(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def look(*_: object) -> Iterator[str]:
        for process in forgetting.PROCESSES:
            with pytest.raises(Exception, match="is running"):
                Instance(device.run_dir, process)
            tried.append(process)
        return iter(())

    monkeypatch.setattr(forgetting, "_clear", look)
    assert device("forget", "--yes")[0] == 0
    assert tried == list(forgetting.PROCESSES)


def test_a_file_that_cannot_be_deleted_is_named_and_the_others_go(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name == walks.FILE:
            raise PermissionError(1, "Operation not permitted", str(path))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    code, _, err = device("forget", "--yes")
    assert (code, files(device)) == (1, {*NOT_HERS, walks.FILE})
    assert f"left: {device.state / walks.FILE} (the records of her walks): Operation not permitted" in err


def test_a_broker_that_cannot_be_reached_leaves_its_topics_named_and_the_device_clean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "PATIENCE_S", 0.3)
    port = free_port()
    device = lived_with(Device(tmp_path, capsys, port))
    code, _, err = device("forget", "--yes")
    name = device_id(device.state)
    assert (code, files(device)) == (1, NOT_HERS)
    for topic in topics.retained(name):
        assert f"left: {topic}: the broker was not reached at 127.0.0.1:{port}; or there: mosquitto_pub" in err
    assert "run it again" in err


@pytest.mark.broker
def test_once_the_broker_is_back_it_is_run_again_and_clears_what_was_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "PATIENCE_S", 0.3)
    mosquitto = Mosquitto(tmp_path)
    device = lived_with(Device(tmp_path, capsys, mosquitto.port))
    assert device("forget", "--yes")[0] == 1
    with mosquitto:
        publish(mosquitto, device_id(device.state))
        monkeypatch.setattr(forgetting, "PATIENCE_S", 30.0)
        code, out, err = device("forget", "--yes")
    assert (code, err) == (0, "")
    assert "Home Assistant's description included" in out


def publish(mosquitto: Mosquitto, name: str) -> None:
    """What the device said in better days."""
    connection = Connection(MqttConfig(port=mosquitto.port), "before")
    eventually(lambda: (connection.poll(), connection.connected)[1], what="connected")
    for topic in topics.retained(name):
        connection.publish(Message(topic, "old", qos=1, retain=True, token=topic))
    taken = set[str]()

    def all_taken() -> bool:
        taken.update(signal.token for signal in connection.poll() if isinstance(signal, Delivered))
        return taken == set(topics.retained(name))

    eventually(all_taken, what="the broker has taken them")
    connection.close()
