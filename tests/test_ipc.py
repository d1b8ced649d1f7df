"""Datagrams between the processes: what fits arrives, what does not is counted and dropped."""

import json
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.core.messages import Pattern
from firmware.errors import AlreadyRunning
from firmware.ipc import (
    MAX_BYTES,
    Instance,
    Malformed,
    Play,
    Receiver,
    RemoteAck,
    RemoteCommand,
    Sender,
    SounderReport,
    decode_play,
    decode_remote,
    decode_report,
    encode_play,
    encode_report,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=90),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
bodies = st.dictionaries(
    st.sampled_from(
        [
            "v",
            "kind",
            "pattern",
            "since_ns",
            "armed",
            "pre_impact_ns",
            "alarm",
            "state",
            "by",
            "name",
            "part",
            "error",
            "detail",
        ]
    ),
    json_values | st.sampled_from([1, "play", "ack", "command", "sounder", "accepted", "silent", "test", "imu"]),
)


@pytest.mark.parametrize("pattern", Pattern)
def test_play_survives_the_way(pattern: Pattern) -> None:
    for pre_impact_ns in (None, 100):
        play = Play(pattern, 123, armed=True, pre_impact_ns=pre_impact_ns)
        assert decode_play(json.loads(json.dumps(encode_play(play)))) == play


@pytest.mark.parametrize("wrong", [True, 1.5, "1", [1]])
def test_time_of_a_fall_that_is_none_is_refused(wrong: object) -> None:
    with pytest.raises(Malformed, match="pre_impact_ns must be an integer"):
        decode_play({"kind": "play", "pattern": "silent", "since_ns": 1, "armed": True, "pre_impact_ns": wrong})


def test_report_survives_the_way() -> None:
    report = SounderReport("buzzer", "OutputFault", "stays low")
    assert decode_report(json.loads(json.dumps(encode_report(report)))) == report
    assert decode_report(encode_report(SounderReport())) == SounderReport()


def test_link_may_say_two_things_only() -> None:
    assert decode_remote({"kind": "ack", "alarm": "a", "state": "accepted", "by": "Ann"}) == RemoteAck(
        "a", "accepted", "Ann"
    )
    assert decode_remote({"kind": "command", "name": "locate"}) == RemoteCommand("locate")
    for name in ("end", "start", "silence", ""):
        with pytest.raises(Malformed, match="unknown command"):
            decode_remote({"kind": "command", "name": name})


@given(body=bodies)
def test_hostile_bodies_are_refused_or_understood_never_anything_else(body: dict[str, object]) -> None:
    for decode in (decode_play, decode_report, decode_remote):
        try:
            decode(body)  # type: ignore[operator]
        except Malformed:
            continue


def test_datagram_arrives_and_a_missing_receiver_is_only_counted(tmp_path: Path) -> None:
    sender = Sender(tmp_path / "guard.sock")
    assert not sender.send({"v": 1})
    assert sender.lost == 1
    receiver = Receiver(tmp_path / "guard.sock")
    assert sender.send({"v": 1, "kind": "x"})
    assert receiver.receive(timeout_s=1.0) == {"v": 1, "kind": "x"}
    assert receiver.receive() is None
    receiver.close()
    sender.close()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"v":2}',
        b"[" * 1500,
        b'{"v":1,"x":"' + b"a" * MAX_BYTES + b'"}',
        b"1e400",
        b"NaN",
    ],
)
def test_hostile_bytes_are_counted_and_dropped(tmp_path: Path, data: bytes) -> None:
    receiver = Receiver(tmp_path / "guard.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as raw:
        raw.sendto(data, str(tmp_path / "guard.sock"))
    assert receiver.receive(timeout_s=1.0) == {}, "told apart from nothing at all"
    assert receiver.rejected == 1
    receiver.close()


def test_full_socket_never_makes_the_sender_wait(tmp_path: Path) -> None:
    receiver = Receiver(tmp_path / "slow.sock")
    sender = Sender(tmp_path / "slow.sock")
    sent = sum(sender.send({"v": 1, "fill": "x" * 1500}) for _ in range(2000))
    assert 0 < sent < 2000
    assert sender.lost == 2000 - sent
    receiver.close()
    sender.close()


def test_second_process_of_a_name_is_refused_and_the_first_one_is_left_alone(tmp_path: Path) -> None:
    first = Instance(tmp_path, "guard")
    with pytest.raises(AlreadyRunning, match="a guard is running in"):
        Instance(tmp_path, "guard")
    Instance(tmp_path, "sounder").close()
    first.close()
    Instance(tmp_path, "guard").close()


def test_a_pipe_in_the_place_of_the_lock_keeps_no_process_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "link.lock")
    first = Instance(tmp_path, "link")
    with pytest.raises(AlreadyRunning):
        Instance(tmp_path, "link")
    first.close()


def test_only_the_user_and_the_group_may_write(tmp_path: Path) -> None:
    receiver = Receiver(tmp_path / "guard.sock")
    assert (tmp_path / "guard.sock").stat().st_mode & 0o777 == 0o660
    receiver.close()
    assert not (tmp_path / "guard.sock").exists()
