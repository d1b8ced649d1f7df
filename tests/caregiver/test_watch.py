import contextlib
import io
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.events import DEVICE, an_event, made_id
from support.mosquitto import Mosquitto
from support.waiting import eventually

from caregiver.keyboard import Keyboard
from caregiver.lines import PlainLines, Printer, as_json_line
from caregiver.watch import Watch, main
from firmware.journal import StoredEvent
from firmware.link import payloads, topics
from firmware.link.client import Connected, Disconnected, Message, Received
from firmware.link.config import MqttConfig
from firmware.link.mqtt import MqttClient

EVENT = payloads.event(StoredEvent(1, an_event(1), 0, None), 0.5).encode()
ALARM = topics.state(DEVICE, "alarm")
OTHER = "rg-ffffffff"


class Screen:
    """A watch, and what it says; `works` False: nobody reads it."""

    def __init__(self, connection: Any, accept_as: str | None = "Ann's phone") -> None:
        self.words: list[Mapping[str, Any]] = []
        self.works = True
        self.connection = connection
        self.watch = Watch(connection, "+", self._say, accept_as)

    def _say(self, word: Mapping[str, Any]) -> bool:
        self.words.append(word)
        return self.works

    def receive(self, topic: str, *payload: bytes, now_s: int = 0) -> None:
        self.connection.signals = [Received(topic, each, False) for each in payload]
        self.watch.turn(now_s * 1_000_000_000)


@pytest.fixture
def screen(connection: Any) -> Screen:
    return Screen(connection)


def test_a_repeated_event_is_said_once_and_accepted_each_time(screen: Screen) -> None:
    screen.receive(topics.event(DEVICE), EVENT, EVENT)
    assert [(word["kind"], word["dev"], word["body"]["id"]) for word in screen.words] == [("event", DEVICE, made_id(1))]
    accept = Message(topics.command(DEVICE, "accept"), json.dumps({"id": made_id(1), "by": "Ann's phone"}), qos=1)
    assert screen.connection.published == [accept, accept]


def test_who_only_watches_accepts_nothing(connection: Any) -> None:
    screen = Screen(connection, None)
    screen.receive(topics.event(DEVICE), EVENT, EVENT)
    assert len(screen.words) == 1
    assert connection.published == []


def test_an_event_that_reached_nobody_is_not_accepted_and_said_again(screen: Screen) -> None:
    screen.works = False
    screen.receive(topics.event(DEVICE), EVENT)
    assert screen.connection.published == []
    screen.works = True
    screen.receive(topics.event(DEVICE), EVENT)
    assert (len(screen.words), len(screen.connection.published)) == (2, 1)


class Full(io.StringIO):
    """Standard output on a full disk, or whose reader has gone."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def flush(self) -> None:
        raise self._error


@pytest.mark.parametrize(("error", "code"), [(BrokenPipeError(), 0), (OSError(28, "No space left on device"), 1)])
def test_an_output_that_fails_ends_the_watch_and_accepts_nothing(
    connection: Any, monkeypatch: pytest.MonkeyPatch, error: OSError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    stop = threading.Event()
    monkeypatch.setattr("sys.stdout", Full(error))
    printer = Printer(as_json_line, stop)
    connection.signals = [Received(topics.event(DEVICE), EVENT, False)] * 2
    Watch(connection, "+", printer.say, "Ann's phone").turn(0)
    assert stop.is_set()
    assert connection.published == []
    assert printer.exit_code == code
    assert ("No space left" in capsys.readouterr().err) == bool(code)


def test_a_retained_state_that_comes_twice_is_said_once(screen: Screen) -> None:
    topic = topics.state(DEVICE, "alarm")
    screen.receive(topic, b'{"active":false}', b'{"active":false}', b'{"active":true}')
    assert [word["body"]["active"] for word in screen.words] == [False, True]


def test_only_events_wait_in_the_broker_for_an_absent_caregiver(screen: Screen) -> None:
    screen.connection.signals = [Connected("5")]
    screen.watch.turn(0)
    qos = dict(screen.connection.subscribed)
    assert qos[topics.event("+")] == 1
    assert qos[topics.state("+", "#")] == 0


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"\xff", b"[" * 5000, b'{"id":7}', b"{}"])
def test_nonsense_is_counted_and_accepted_by_nobody(screen: Screen, payload: bytes) -> None:
    screen.receive(topics.event(DEVICE), payload)
    screen.receive("elsewhere", b"{}")
    assert (screen.watch.ignored, screen.words, screen.connection.published) == (2, [], [])


def test_a_lost_broker_is_said(screen: Screen) -> None:
    screen.connection.signals = [Disconnected("keep alive timeout")]
    screen.watch.turn(0)
    assert PlainLines().line(screen.words[0]) == "broker lost: keep alive timeout"


def _line(lines: PlainLines, kind: str, **body: object) -> str | None:
    return lines.line({"kind": kind, "dev": DEVICE, "body": body})


def test_a_fall_is_one_line_that_says_whether_its_time_can_be_believed() -> None:
    line = _line(PlainLines(), "event", **{**json.loads(EVENT), "clock": "unsynced"})
    assert line is not None
    assert "critical: fall suspected at 2026-01-01T00:00:00.000Z (its clock is not set)" in line
    assert made_id(1) in line


def test_an_alarm_says_whether_anybody_has_it() -> None:
    alarm = {"active": True, "type": "fall", "phase": "confirmed"}
    lines = PlainLines()
    assert (
        _line(lines, "alarm", **alarm, acknowledged=None)
        == f"{DEVICE} ALARM fall confirmed, nobody has acknowledged it"
    )
    heard = _line(lines, "alarm", **alarm, acknowledged={"by": "Ann"})
    assert heard == f"{DEVICE} ALARM fall confirmed, acknowledged by Ann"
    assert _line(lines, "alarm", active=False) == f"{DEVICE} no alarm"


def test_a_heartbeat_is_said_only_when_it_says_something_new() -> None:
    lines, guard = PlainLines(), {"ok": True, "age_s": 0.1}
    assert _line(lines, "health", ok=True, guard=guard) == f"{DEVICE} health ok"
    assert _line(lines, "health", ok=True, guard=guard) is None
    broken = {"imu": {"ok": True}, "rangefinder": {"ok": False}}
    assert _line(lines, "health", ok=False, guard=guard, parts=broken) == f"{DEVICE} health: rangefinder"
    assert _line(lines, "health", ok=False, guard={"ok": False}) == f"{DEVICE} health: the guard is silent"


def test_what_a_device_says_cannot_drive_the_terminal() -> None:
    line = _line(PlainLines(), "status", state="\x1b[2J\r\nready")
    assert line == f"{DEVICE} device ?[2J??ready"


def test_the_walk_is_told_with_why_none_begins() -> None:
    walking = _line(PlainLines(), "walk", state="walking", steps=12, no_start="")
    refused = _line(PlainLines(), "walk", state="self_test", steps=0, no_start="motor: its pin does not follow")
    assert walking is not None
    assert refused is not None
    assert walking.endswith("walk walking, 12 steps")
    assert refused.endswith("walk self_test, 0 steps; no walk begins: motor: its pin does not follow")


def test_a_fall_that_is_never_answered_calls_for_somebody(screen: Screen) -> None:
    screen.receive(topics.event(DEVICE), EVENT)
    screen.watch.turn(60_000_000_000)
    assert screen.words[-1]["kind"] == "escalation"
    line = PlainLines().line(screen.words[-1])
    assert line == f"{DEVICE} CALL HER: a fall was suspected 60 s ago, and neither cancelled nor confirmed since"


def test_a_silent_walk_calls_for_somebody_and_its_end_is_told(screen: Screen) -> None:
    screen.receive(topics.state(DEVICE, "walk"), b'{"state":"walking"}')
    screen.watch.turn(60_000_000_000)
    screen.receive(topics.state(DEVICE, "health"), b'{"ok":true,"guard":{"ok":true}}', now_s=90)
    lines = [PlainLines().line(word) for word in screen.words if word["kind"] == "escalation"]
    assert lines == [
        f"{DEVICE} CALL HER: in a walk, and for 60 s nothing has said that her device guards her",
        f"{DEVICE} guards her again after 90 s",
    ]


def alarm_now(*people: tuple[str, str], alarm: str | None = None) -> bytes:
    responders = [{"by": by, "how": how, "t": "x"} for by, how in people]
    return json.dumps({"active": True, "alarm": alarm or made_id(1), "responders": responders}).encode()


def ack(how: str = "on_my_way", device: str = DEVICE) -> Message:
    return Message(topics.command(device, "ack"), json.dumps({"alarm": made_id(1), "by": "Ann", "how": how}), qos=1)


def test_an_answer_is_said_again_until_the_device_shows_it(screen: Screen) -> None:
    screen.receive(ALARM, alarm_now())
    screen.watch.answer(DEVICE, "on_my_way", "Ann")
    for now_s in range(11):
        screen.receive(ALARM, alarm_now(("Ann", "seen"), ("Bob", "at_scene")), now_s=now_s)
    assert screen.connection.published == [ack()] * 3
    screen.receive(ALARM, alarm_now(("Ann", "on_my_way")), now_s=11)
    screen.watch.turn(100_000_000_000)
    assert screen.connection.published == [ack()] * 3


def test_an_answer_that_finds_no_broker_is_said_when_there_is_one(screen: Screen) -> None:
    screen.receive(ALARM, alarm_now())
    screen.connection.connected = False
    screen.watch.answer(DEVICE, "on_my_way", "Ann")
    for now_s in range(100):
        screen.watch.turn(now_s * 1_000_000_000)
    assert screen.connection.published == []
    screen.connection.connected = True
    screen.watch.turn(100_000_000_000)
    assert screen.connection.published == [ack()]


@pytest.mark.parametrize("later", [b'{"active":false}', alarm_now(alarm=made_id(2))])
def test_an_answer_to_an_alarm_that_is_over_is_said_no_more(screen: Screen, later: bytes) -> None:
    screen.receive(ALARM, alarm_now())
    screen.connection.connected = False
    screen.watch.answer(DEVICE, "seen", "Ann")
    screen.receive(ALARM, later)
    screen.connection.connected = True
    screen.watch.turn(100_000_000_000)
    assert screen.connection.published == []


def test_where_more_people_have_it_than_a_device_shows_an_answer_ends(screen: Screen) -> None:
    screen.receive(ALARM, alarm_now())
    screen.watch.answer(DEVICE, "seen", "Ann")
    screen.receive(ALARM, alarm_now(*((f"{number}", "seen") for number in range(8))))
    screen.watch.turn(100_000_000_000)
    assert screen.connection.published == []


def test_who_goes_to_one_is_not_told_to_another(screen: Screen, capsys: pytest.CaptureFixture[str]) -> None:
    keyboard = Keyboard("Ann", screen.watch, io.StringIO())
    keyboard.take("way\n")
    screen.receive(ALARM, alarm_now())
    screen.receive(topics.state(OTHER, "alarm"), alarm_now())
    keyboard.take("\n")
    keyboard.take("hurry")
    screen.watch.turn(0)
    assert screen.connection.published == []
    said = capsys.readouterr().err
    assert "no alarm is open" in said
    assert f"2 alarms are open: type 'way {DEVICE}' or 'way {OTHER}'" in said
    keyboard.take(f"here {OTHER}")
    screen.watch.turn(0)
    assert screen.connection.published == [ack("at_scene", OTHER)]


def test_the_one_alarm_that_is_open_is_meant(screen: Screen) -> None:
    screen.receive(ALARM, alarm_now())
    keyboard = Keyboard("Ann", screen.watch, io.StringIO())
    keyboard.take("way rg-12345678")  # another woman's
    screen.watch.turn(0)
    assert screen.connection.published == []
    keyboard.take("")
    screen.watch.turn(0)
    assert screen.connection.published == [ack()]


def test_a_closed_input_answers_nothing_and_breaks_nothing(
    screen: Screen, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    Keyboard("Ann", screen.watch).turn()
    assert "standard input is closed" in capsys.readouterr().err


def test_a_closed_output_ends_the_watch_and_accepts_nothing(
    connection: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stop = threading.Event()
    monkeypatch.setattr("sys.stdout", None)
    printer = Printer(as_json_line, stop)
    connection.signals = [Received(topics.event(DEVICE), EVENT, False)]
    Watch(connection, "+", printer.say, "Ann's phone").turn(0)
    assert (stop.is_set(), printer.exit_code, connection.published) == (True, 1, [])
    assert "standard output cannot be written: it is closed" in capsys.readouterr().err


@pytest.mark.parametrize("identity", ["", "7", "é" * 4000, made_id(1).upper(), made_id(1) + " ", "../" * 12])
def test_an_event_without_an_id_of_ours_is_accepted_by_nobody(screen: Screen, identity: str) -> None:
    screen.receive(topics.event(DEVICE), json.dumps({**json.loads(EVENT), "id": identity}).encode())
    screen.receive(ALARM, alarm_now(alarm=identity or "x"))
    assert screen.connection.published == []
    assert screen.watch.ignored == 1
    assert not screen.watch.open_alarms


@pytest.mark.broker
def test_what_is_typed_is_an_answer_that_the_device_hears(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker, contextlib.closing(_device(broker.port)) as device:
        device.subscribe(topics.command(DEVICE, "ack"))
        alarm = {"active": True, "alarm": made_id(1)}
        device.publish(Message(topics.state(DEVICE, "alarm"), json.dumps(alarm), qos=1, retain=True))
        with _watching(broker.port, "--answer", "Ann") as watcher:
            _read_until(watcher, '"alarm"')
            assert watcher.stdin is not None
            watcher.stdin.write("what\nway\n")
            watcher.stdin.flush()
            heard: list[bytes] = []
            eventually(lambda: heard.extend(s.payload for s in device.poll() if isinstance(s, Received)) or heard)
    assert json.loads(heard[0]) == {"alarm": made_id(1), "by": "Ann", "how": "on_my_way"}


@pytest.mark.parametrize("name", ["A\nB", "x" * 81])
def test_a_name_that_no_device_takes_is_refused_at_once(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--answer", name]) == 2
    assert "is no name, expected up to 80 printable characters" in capsys.readouterr().err


def test_a_bad_port_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "99999"]) == 2
    assert capsys.readouterr().err.startswith("watch: mqtt: port (99999)")


@pytest.mark.broker
def test_events_told_while_a_named_caregiver_was_away_are_heard_when_it_is_back(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker, contextlib.closing(_device(broker.port)) as device:
        with _watching(broker.port, "--client-id", "test") as watcher:
            _read_until(watcher, "connected")
            assert _publish(device, 1).heard
            _read_until(watcher, made_id(1))
        _publish(device, 2)
        with _watching(broker.port, "--client-id", "test") as watcher:
            _read_until(watcher, made_id(2))
    assert watcher.returncode == 0


@pytest.mark.broker
def test_two_who_watch_do_not_throw_each_other_out_and_leave_nothing_behind(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker, contextlib.closing(_device(broker.port)) as device:
        device.publish(Message(topics.status(DEVICE), "{}", qos=1, retain=True))
        with _watching(broker.port) as one, _watching(broker.port) as other:
            for watcher in (one, other):
                _read_until(watcher, '"status"')  # it has subscribed to events before
            _publish_once(device, 1)
            told = [_read_until(watcher, made_id(1)) for watcher in (one, other)]
        eventually(lambda: _publish_once(device, 2).heard is False, what="no session is left")
    assert not any("disconnected" in line for lines in told for line in lines)


@contextlib.contextmanager
def _watching(port: int, *arguments: str) -> Any:
    command = [sys.executable, "-m", "caregiver.watch", "--port", str(port), "--json", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


def _read_until(watcher: "subprocess.Popen[str]", word: str) -> list[str]:
    assert watcher.stdout is not None
    lines: list[str] = []
    for line in watcher.stdout:
        lines.append(line)
        if word in line:
            return lines
    raise AssertionError(f"the watch ended without {word!r}: {lines}")


def _device(port: int) -> MqttClient:
    device = MqttClient(MqttConfig(port=port), DEVICE)
    eventually(lambda: device.poll() is not None and device.connected)
    return device


def _publish(device: MqttClient, number: int) -> Any:
    """Until somebody hears it: the watch says that it is connected before the broker has its subscriptions."""
    answer = _publish_once(device, number)
    while not answer.heard:
        answer = _publish_once(device, number)
    return answer


def _publish_once(device: MqttClient, number: int) -> Any:
    text = payloads.event(StoredEvent(number, an_event(number), 0, None), 0.5)
    answers: list[Any] = []
    assert device.publish(Message(topics.event(DEVICE), text, qos=1, token="event"))
    eventually(lambda: answers.extend(device.poll()) or answers)
    return answers[-1]
