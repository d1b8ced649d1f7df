"""A recording holds what the core saw and decided, and survives a power cut at any byte."""

import io
import json
import math
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer

from firmware import recording
from firmware.config import Config, to_toml
from firmware.core.messages import (
    Acknowledgement,
    Alert,
    Command,
    Hazard,
    Health,
    Input,
    Output,
    PartHealth,
    Pattern,
    Resume,
    SetPattern,
    Severity,
    Telemetry,
    Tick,
    WalkChanged,
    WalkState,
)
from firmware.errors import MissingExtra, RecordingError
from firmware.outputs import as_json, same
from firmware.recording import RecordedOutput, Recorder, Recording, read
from hal.samples import ButtonSample, ImuSample, RangeSample, SensorFault

MS = 1_000_000
INPUTS: list[Input] = [
    ImuSample(1 * MS, (0.1, 0.2, 9.81), (0.0, -0.1, 1e-9)),
    ImuSample(11 * MS, (0.1 + 0.2, -16 * 9.81, 9.80665), (1 / 3, 2.0, 3.0)),
    RangeSample(12 * MS, 1.23),
    RangeSample(13 * MS, None),
    ImuSample(9 * MS, (1.0, 2.0, 3.0), (4.0, 5.0, 6.0)),  # older than what came before it: threads deliver like this
    ButtonSample(14 * MS, True),
    SensorFault(15 * MS, "imu", "BusError", 'I2C bus 1: "no answer" at 0x68; überprüfen'),
    Acknowledgement(16 * MS, 3, "acknowledged", "Ann"),
    Command(17 * MS, "locate"),
    Tick(18 * MS),
]
OUTPUTS: list[Output] = [
    SetPattern(18 * MS, Pattern.OBSTACLE_WARNING),
    Alert(
        18 * MS,
        Hazard.OBSTACLE,
        Severity.WARNING,
        7,
        {"distance_m": 1.25, "why": "near", "n": 2, "yes": True, "no": None},
    ),
    WalkChanged(18 * MS, WalkState.WALKING, {"minutes": 0.5, "steps": 12}),
    Health(18 * MS, {"imu": PartHealth(True, 0.01, ""), "button": PartHealth(False, None, "never heard")}),
    Telemetry(18 * MS, WalkState.WALKING, Pattern.SILENT, 1.0, 0.5, None, 2.0, 0.1, 3.0, 12, None),
]


def record(path: Path, transfers: Sequence[tuple[Sequence[Input], Sequence[Output]]]) -> Path:
    recorder = Recorder(path, config_toml=to_toml(Config()), boot_id="4d3c", utc_ms=1_800_000_000_123)
    for inputs, outputs in transfers:
        recorder.transfer(inputs, outputs)
    recorder.close()
    return path


def inputs_of(found: Recording) -> list[Input]:
    return [item for item in found.records if not isinstance(item, RecordedOutput)]


def test_inputs_come_back_as_they_were_and_in_the_order_of_processing(tmp_path: Path) -> None:
    found = read(record(tmp_path / "walk.mcap", [(INPUTS, OUTPUTS)]))
    assert inputs_of(found) == INPUTS
    assert found.complete


def test_decisions_come_back_as_they_were_and_after_their_inputs(tmp_path: Path) -> None:
    found = list(read(record(tmp_path / "walk.mcap", [(INPUTS[:3], OUTPUTS), (INPUTS[3:], [])])).records)
    decisions = found[3 : 3 + len(OUTPUTS)]
    assert [item.body for item in decisions if isinstance(item, RecordedOutput)] == [as_json(one) for one in OUTPUTS]


def test_one_transfer_of_imu_samples_is_one_message(tmp_path: Path) -> None:
    found = read(record(tmp_path / "walk.mcap", [(INPUTS, [])]))
    transfers = [json.loads(data)["t_ns"] for channel, data in found.messages if channel == "/imu"]
    assert transfers == [[1 * MS, 11 * MS], [9 * MS]]


def test_a_recording_knows_what_made_it(tmp_path: Path) -> None:
    found = read(record(tmp_path / "walk.mcap", []))
    assert found.config_toml == to_toml(Config())
    assert found.metadata["format"] == "1"
    assert (found.metadata["boot_id"], found.metadata["utc"]) == ("4d3c", "2027-01-15T08:00:00.123+00:00")


def test_an_untrusted_wall_clock_is_not_recorded(tmp_path: Path) -> None:
    Recorder(tmp_path / "walk.mcap", config_toml="").close()
    assert read(tmp_path / "walk.mcap").metadata["utc"] == ""


def test_other_programs_read_it_as_plain_mcap_with_json(tmp_path: Path) -> None:
    data = record(tmp_path / "walk.mcap", [(INPUTS, OUTPUTS)]).read_bytes()
    reader = make_reader(io.BytesIO(data), validate_crcs=True)
    rows = [(channel, message) for _, channel, message in reader.iter_messages(log_time_order=False)]
    assert {channel.message_encoding for channel, _ in rows} == {"json"}
    (ping,) = [json.loads(m.data) for c, m in rows if c.topic == "/range" and m.log_time == 12 * MS]
    assert ping == {"t_ns": 12 * MS, "distance_m": 1.23, "sensor": "rangefinder"}


@given(force=st.tuples(st.floats(), st.floats(), st.floats()), distance_m=st.none() | st.floats())
def test_any_number_comes_back_bit_for_bit_nan_and_infinity_too(
    tmp_path_factory: pytest.TempPathFactory, force: tuple[float, float, float], distance_m: float | None
) -> None:
    path = tmp_path_factory.mktemp("numbers") / "walk.mcap"
    inputs: list[Input] = [ImuSample(1, force, force), RangeSample(2, distance_m)]
    assert repr(inputs_of(read(record(path, [(inputs, [])])))) == repr(inputs)


def test_what_is_no_number_becomes_null_in_a_decision() -> None:
    body = as_json(Alert(1, Hazard.SWAY, Severity.WARNING, 1, {"a": math.nan, "b": math.inf, "c": 1.0}))
    assert body["data"] == {"a": None, "b": None, "c": 1.0}
    json.dumps(body, allow_nan=False)


def test_decisions_are_the_same_up_to_another_processors_last_bit() -> None:
    assert same({"a": [0.1 + 0.2, None, True]}, {"a": [0.3, None, True]})
    for other in ({"a": [0.3001, None, True]}, {"a": [0.3, 0.0, True]}, {"a": [0.3, None, 1]}, {"a": [0.3, None]}, {}):
        assert not same({"a": [0.1 + 0.2, None, True]}, other)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[Input]]:
    """A recording of several chunks, and what is in it."""
    noise = random.Random(1)
    batches: list[list[Input]] = []
    for turn in range(25):
        t_ns = turn * 50 * MS
        force = (noise.random(), noise.random(), 9.81)
        batches.append([ImuSample(t_ns + 1, force, force), RangeSample(t_ns + 2, noise.random()), Tick(t_ns + 3)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "CHUNK_BYTES", 2048)  # small, so that every byte can be tried
        path = record(tmp_path_factory.mktemp("walk") / "walk.mcap", [(batch, []) for batch in batches])
    return path.read_bytes(), [item for batch in batches for item in batch]


def test_a_recording_cut_off_at_any_byte_reads_up_to_its_last_whole_chunk(
    walk: tuple[bytes, list[Input]], tmp_path: Path
) -> None:
    data, inputs = walk
    path = tmp_path / "cut.mcap"
    whole = read_bytes(path, data)
    assert whole.complete
    assert inputs_of(whole) == inputs
    chunks_read: set[int] = set()
    readable_from = len(data)
    for size in range(9, len(data)):
        try:
            found = read_bytes(path, data[:size])
        except RecordingError:
            assert size < readable_from, "a longer piece must not be worse than a shorter one"
            continue
        readable_from = min(readable_from, size)
        assert found.messages == whole.messages[: len(found.messages)]
        assert len(found.messages) == len(whole.messages) or not found.complete
        assert (found.chunks > 0) == (len(found.messages) > 0)
        chunks_read.add(found.chunks)
    assert chunks_read == set(range(whole.chunks + 1))
    assert whole.chunks >= 4
    assert readable_from < 3000


def read_bytes(path: Path, data: bytes) -> Recording:
    path.write_bytes(data)
    return read(path)


def test_a_damaged_byte_ends_the_recording_there_and_never_changes_what_is_read(
    walk: tuple[bytes, list[Input]], tmp_path: Path
) -> None:
    data, _ = walk
    noise = random.Random(2)
    whole = read_bytes(tmp_path / "whole.mcap", data)
    opcodes = [
        i for i in range(len(data) - 9) if data[i] == 6 and data[i + 4 : i + 9] == bytes(5)
    ]  # of the chunks, too
    for where in opcodes + [noise.randrange(9, len(data)) for _ in range(1500)]:
        damaged = bytearray(data)
        damaged[where] ^= 1 << noise.randrange(8)
        try:
            found = read_bytes(tmp_path / "damaged.mcap", bytes(damaged))
        except RecordingError:
            continue
        assert found.messages == whole.messages[: len(found.messages)]


def test_what_is_recorded_is_on_its_way_to_the_disk_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "walk.mcap"
    recorder = Recorder(path, config_toml="")
    for t_ns in range(3000):
        recorder.transfer([RangeSample(t_ns, 1 / (t_ns + 1))], [])
    survived = inputs_of(read(path))  # as after a power cut: nothing was closed
    recorder.close()
    assert len(survived) > 2000
    assert survived == inputs_of(read(path))[: len(survived)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty, expected an MCAP recording"),
        (b"\x89MCA", "is cut off in its very beginning"),
        (b"not a recording at all", "is not an MCAP recording"),
        (random.Random(3).randbytes(5000), "is not an MCAP recording"),
    ],
)
def test_what_is_no_recording_is_refused_in_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "walk.mcap").write_bytes(content)
    with pytest.raises(RecordingError, match=message) as refusal:
        read(tmp_path / "walk.mcap")
    assert "\n" not in str(refusal.value)


def test_a_recording_that_is_not_there_or_is_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot be read: No such file"):
        read(tmp_path / "absent.mcap")
    with pytest.raises(RecordingError, match="cannot be read: Is a directory"):
        read(tmp_path)


def test_a_recording_cannot_be_made_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot be written: No such file"):
        Recorder(tmp_path / "absent" / "walk.mcap", config_toml="")


def test_without_the_package_mcap_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in ("mcap.writer", "mcap.stream_reader", "mcap.exceptions"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=r"pip install -e '.\[recording\]'"):
        Recorder(tmp_path / "walk.mcap", config_toml="")
    with pytest.raises(MissingExtra, match=r"pip install -e '.\[recording\]'"):
        read(tmp_path / "walk.mcap")


def foreign(path: Path, messages: Sequence[tuple[str, object]], *, chunked: bool = True, **metadata: str) -> Path:
    """A recording as another program may write it: no schema, no ticks, no decisions, LZ4."""
    with path.open("wb") as file:
        writer = Writer(file, compression=CompressionType.LZ4, use_chunking=chunked)
        writer.start()
        if metadata:
            writer.add_metadata("rearguard", metadata)
        channels: dict[str, int] = {}
        for topic, body in messages:
            if topic not in channels:
                channels[topic] = writer.register_channel(topic, "json", 0)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            writer.add_message(channels[topic], 0, data, 0)
        writer.finish()
    return path


@pytest.mark.parametrize("chunked", [True, False])
def test_recordings_of_other_programs_are_read_and_their_other_channels_passed_over(
    tmp_path: Path, chunked: bool
) -> None:
    ping = {"t_ns": 5, "distance_m": 2, "extra": "ignored"}
    path = foreign(tmp_path / "foreign.mcap", [("/camera", b"\xff\xd8"), ("/range", ping)], chunked=chunked)
    assert inputs_of(read(path)) == [RangeSample(5, 2.0)]
    assert read(path).config_toml is None


def test_a_recording_of_a_later_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="has recording format 2, expected 1"):
        read(foreign(tmp_path / "later.mcap", [], format="2"))


@pytest.mark.parametrize(
    ("channel", "body", "message"),
    [
        ("/range", {"distance_m": 1.0}, "message 1 on /range has no t_ns"),
        ("/range", {"t_ns": "now", "distance_m": 1.0}, "t_ns is 'now', expected a whole number"),
        ("/range", [1], "is not a JSON object"),
        ("/range", b"{", "message 1 on /range"),
        ("/range", b'{"a":' * 100_000, "message 1 on /range"),
        ("/button", {"t_ns": 1, "pressed": 1}, "pressed is 1, expected true or false"),
        ("/imu", {"t_ns": [1], "accel_mps2": [[1, 2]], "gyro_radps": [[1, 2, 3]]}, "expected a list of 3"),
        ("/imu", {"t_ns": [1, 2], "accel_mps2": [[1, 2, 3]], "gyro_radps": [[1, 2, 3]]}, "of different lengths"),
        ("/imu", {"t_ns": 1, "accel_mps2": [1, 2, 3], "gyro_radps": [1, 2, 3]}, "t_ns is 1, expected a list"),
    ],
)
def test_a_message_that_is_not_what_its_channel_says_is_named(
    tmp_path: Path, channel: str, body: object, message: str
) -> None:
    found = read(foreign(tmp_path / "foreign.mcap", [(channel, body)]))
    with pytest.raises(RecordingError, match=message) as refusal:
        list(found.records)
    assert "\n" not in str(refusal.value)


def test_a_recording_from_before_a_walk_could_be_over_at_a_restart_is_read() -> None:
    body = {"t_ns": 5, "walking": True, "hazard": "fall", "severity": "none", "age_s": 0.0}
    (found,) = recording._decode("/resume", json.dumps(body).encode())
    assert found == Resume(5, True, Hazard.FALL, Severity.NONE, 0.0, over=False)
