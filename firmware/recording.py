"""Recordings: every input of the core and every decision, in the order of processing, as an MCAP file.

MCAP is what Foxglove and PlotJuggler open (https://mcap.dev/spec). Messages are JSON, in Zstandard chunks that are
written out as soon as they are full: a file cut off by a power loss reads up to its last whole chunk.
"""

import json
import math
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmware import typed
from firmware.core.messages import (
    Acknowledgement,
    Command,
    Input,
    Notice,
    Output,
    PlanToday,
    Resume,
    StoppingBaseline,
    SwayBaseline,
    Tick,
    WalkSoFar,
)
from firmware.errors import MissingExtra, RecordingError, how_to_add
from firmware.outputs import as_json
from firmware.version import VERSION
from hal.samples import ButtonSample, ImuSample, PowerSample, RangeSample, SensorFault

if TYPE_CHECKING:
    from mcap.records import McapRecord

FORMAT = "1"
LIBRARY = METADATA = "rearguard"
CHUNK_BYTES = 32 * 1024  # about two seconds of a walk: what a power cut can cost
IMU, OUTPUT = "/imu", "/output"
CHANNELS: dict[str, type[Input]] = {
    "/range": RangeSample,
    "/button": ButtonSample,
    "/power": PowerSample,
    "/fault": SensorFault,
    "/ack": Acknowledgement,
    "/command": Command,
    "/resume": Resume,
    "/walk_so_far": WalkSoFar,
    "/sway_baseline": SwayBaseline,
    "/stopping_baseline": StoppingBaseline,
    "/notice": Notice,
    "/plan": PlanToday,
    "/tick": Tick,
}
_CHANNEL_OF = {cls: channel for channel, cls in CHANNELS.items()}
_NON_FINITE = ("NaN", "Infinity", "-Infinity")  # JSON has no numbers for them; the core must see them again


@dataclass(frozen=True, slots=True)
class RecordedOutput:
    """A decision as it was recorded."""

    body: dict[str, object]


def load_writer() -> None:
    """Load what writing needs, now instead of in the middle of a fall. Raises MissingExtra."""
    try:
        import mcap.writer  # noqa: F401
    except ImportError as error:
        raise _missing_extra() from error


class Recorder:
    """Writes one recording. For one thread, which is not the safety loop's: this encodes and touches the disk."""

    def __init__(self, path: Path, *, config_toml: str, boot_id: str = "", utc_ms: int | None = None) -> None:
        """`boot_id` is the kernel's: times compare within one; `utc_ms` is None where the wall clock cannot be trusted.

        Raises:
            MissingExtra: mcap is not installed.
            RecordingError: the file cannot be made, or is there already: a recording is never written over.
        """
        try:
            from mcap.writer import CompressionType, Writer
        except ImportError as error:
            raise _missing_extra() from error
        try:
            self._file = path.open("xb")
        except OSError as error:
            raise RecordingError(f"{path}: cannot be written: {error.strerror}") from error
        self._writer = Writer(self._file, chunk_size=CHUNK_BYTES, compression=CompressionType.ZSTD)
        self._writer.start(profile=METADATA, library=f"{LIBRARY} {VERSION}")
        self._written = 0
        self._writer.add_metadata(METADATA, _metadata(config_toml, boot_id, utc_ms))
        self._channels = {channel: self._register(channel) for channel in (IMU, *CHANNELS, OUTPUT)}
        self._file.flush()

    def transfer(self, inputs: Sequence[Input], outputs: Sequence[Output]) -> None:
        """Write what the core was given and what it decided on it; consecutive IMU samples become one message.

        Raises:
            OSError: the disk is full or gone.
        """
        for channel, run in groupby(inputs, _channel_of):
            if channel == IMU:
                self._write(IMU, _imu_as_json(list(run)))
            else:
                for item in run:
                    self._write(channel, _input_as_json(item))
        for output in outputs:
            self._write(OUTPUT, as_json(output))
        self._file.flush()

    def close(self) -> None:
        """Write the last chunk and the index, and wait until the disk has them.

        Raises:
            OSError: the disk is full or gone.
        """
        with self._file:
            self._writer.finish()  # type: ignore[no-untyped-call]  # mcap leaves it without annotations
            self._file.flush()
            os.fsync(self._file.fileno())

    def _register(self, channel: str) -> int:
        schema = json.dumps({"title": channel[1:], "type": "object", "properties": {"t_ns": {}}}).encode()
        schema_id = self._writer.register_schema(f"rearguard{channel.replace('/', '.')}", "jsonschema", schema)
        return self._writer.register_channel(channel, "json", schema_id)

    def _write(self, channel: str, body: Mapping[str, Any]) -> None:
        t_ns = body["t_ns"]
        log_time = t_ns[0] if channel == IMU else t_ns
        data = json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
        self._writer.add_message(self._channels[channel], log_time, data, log_time, sequence=self._written)
        self._written += 1


@dataclass(frozen=True, slots=True)
class Recording:
    """What could be read of a recording."""

    path: Path
    metadata: Mapping[str, str]
    messages: Sequence[tuple[str, bytes]]  # channel and JSON, in the order of processing
    chunks: int
    complete: bool  # False: cut off or damaged after `chunks` whole chunks

    @property
    def config_toml(self) -> str | None:
        """The configuration that the core ran with; None in a recording of something else."""
        return self.metadata.get("config")

    @property
    def records(self) -> Iterator[Input | RecordedOutput]:
        """Inputs and decisions in the order of processing. Channels of other programs are passed over.

        Raises:
            RecordingError: a message is not what its channel says.
        """
        for number, (channel, data) in enumerate(self.messages, 1):
            try:
                yield from _decode(channel, data)
            except (ValueError, RecursionError) as error:
                raise RecordingError(f"{self.path}: message {number} on {channel} {error}") from error


def read(path: Path) -> Recording:
    """Read a recording, up to its last whole chunk where it is cut off.

    Raises:
        MissingExtra: mcap is not installed.
        RecordingError: there is no such file, or it holds no recording.
    """
    try:
        from mcap.exceptions import InvalidMagic, McapError
        from mcap.stream_reader import StreamReader
    except ImportError as error:
        raise _missing_extra() from error
    data = _file_bytes(path)
    contents = _Contents()
    try:
        reader = StreamReader(BytesIO(data), emit_chunks=True, record_size_limit=len(data))
        contents.take_all(reader.records)
    except InvalidMagic as error:
        if not contents.started:
            raise RecordingError(f"{path}: is not an MCAP recording") from error
    except _damage(McapError) as error:
        if not contents.started:
            raise RecordingError(f"{path}: is cut off in its very beginning; nothing can be read") from error
    found = contents.metadata.get("format", FORMAT)
    if found != FORMAT:
        raise RecordingError(f"{path}: has recording format {found}, expected {FORMAT}; use the version that wrote it")
    return Recording(path, contents.metadata, contents.messages, contents.chunks, contents.complete)


class _Contents:
    """Collects the records of a file for as long as they are whole."""

    def __init__(self) -> None:
        self.started = self.complete = False
        self.metadata: dict[str, str] = {}
        self.messages: list[tuple[str, bytes]] = []
        self.chunks = 0
        self._ours = False
        self._topics: dict[int, str] = {}

    def take_all(self, records: "Iterator[McapRecord]") -> None:
        from mcap.records import Chunk, DataEnd, Header, Metadata
        from mcap.stream_reader import breakup_chunk

        for record in records:
            self.started = True
            if isinstance(record, Header):
                self._ours = record.library.startswith(LIBRARY)
            elif isinstance(record, Metadata) and record.name == METADATA:
                self.metadata |= record.metadata
            elif isinstance(record, DataEnd):
                self.complete = True
                return  # what follows is only an index
            elif isinstance(record, Chunk):
                for inner in breakup_chunk(record, validate_crc=True):
                    self._take(inner)
                self.chunks += 1
            else:
                self._take(record)

    def _take(self, record: "McapRecord") -> None:
        from mcap.records import Channel, Message

        if isinstance(record, Channel):
            self._topics[record.id] = record.topic
        elif isinstance(record, Message):
            if record.channel_id not in self._topics or (self._ours and record.sequence != len(self.messages)):
                raise ValueError("a message that belongs elsewhere: a damaged byte hid a chunk or made one up")
            self.messages.append((self._topics[record.channel_id], record.data))


def _file_bytes(path: Path) -> bytes:
    if path.exists() and not path.is_file() and not path.is_dir():
        raise RecordingError(f"{path}: is no file, expected an MCAP recording")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not data:
        raise RecordingError(f"{path}: is empty, expected an MCAP recording")
    return data


def _damage(library: type[Exception]) -> tuple[type[Exception], ...]:
    """What the MCAP library raises when bytes are missing or wrong."""
    from zstandard import ZstdError

    return library, ZstdError, struct.error, ValueError, ArithmeticError, MemoryError, RuntimeError


def _missing_extra() -> MissingExtra:
    return MissingExtra(f"recordings need the package mcap; {how_to_add('recording')}")


def _metadata(config_toml: str, boot_id: str, utc_ms: int | None) -> dict[str, str]:
    utc = "" if utc_ms is None else datetime.fromtimestamp(utc_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return {"format": FORMAT, "version": VERSION, "config": config_toml, "boot_id": boot_id, "utc": utc}


def _channel_of(item: Input) -> str:
    return IMU if isinstance(item, ImuSample) else _CHANNEL_OF[type(item)]


def _imu_as_json(samples: Sequence[Input]) -> dict[str, Any]:
    transfer = [sample for sample in samples if isinstance(sample, ImuSample)]
    return {
        "t_ns": [sample.t_ns for sample in transfer],
        "accel_mps2": [[_number(value) for value in sample.accel_mps2] for sample in transfer],
        "gyro_radps": [[_number(value) for value in sample.gyro_radps] for sample in transfer],
    }


def _input_as_json(item: Input) -> dict[str, Any]:
    return {field.name: _number(getattr(item, field.name)) for field in fields(item)}


def _number(value: Any) -> Any:
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _decode(channel: str, data: bytes) -> Iterator[Input | RecordedOutput]:
    if channel not in CHANNELS and channel not in (IMU, OUTPUT):
        return
    body = json.loads(data)
    if not isinstance(body, dict):
        raise typed.Mismatch("is not a JSON object")
    if channel == OUTPUT:
        yield RecordedOutput(body)
    elif channel == IMU:
        yield from _imu_samples(body)
    else:
        if channel == "/range":
            body["distance_m"] = _back(body.get("distance_m"))
            body.setdefault("sensor", "rangefinder")  # recordings from before there could be two
        elif channel == "/resume":
            body.setdefault("over", False)  # recordings from before it was known
        elif channel in ("/power", "/stopping_baseline"):
            body = {key: _back(value) for key, value in body.items()}
        yield typed.build(CHANNELS[channel], body)


@dataclass(frozen=True, slots=True)
class _Transfer:
    t_ns: tuple[int, ...]
    accel_mps2: tuple[tuple[float, float, float], ...]
    gyro_radps: tuple[tuple[float, float, float], ...]


def _imu_samples(body: Mapping[str, object]) -> Iterator[ImuSample]:
    transfer = typed.build(_Transfer, {key: _back(value) for key, value in body.items()})
    if not len(transfer.t_ns) == len(transfer.accel_mps2) == len(transfer.gyro_radps):
        raise typed.Mismatch("has lists of different lengths, expected one entry a sample in each")
    yield from map(ImuSample, transfer.t_ns, transfer.accel_mps2, transfer.gyro_radps)


def _back(value: object) -> object:
    if isinstance(value, list):
        return [_back(item) for item in value]
    return float(value) if isinstance(value, str) and value in _NON_FINITE else value
