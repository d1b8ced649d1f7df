"""`rearguard replay`: feed a recording to the decision core again and show, or compare, what it decides."""

import argparse
import json
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from firmware.config import Config, load, parse
from firmware.core.messages import Input
from firmware.core.pipeline import SafetyPipeline
from firmware.errors import ConfigError, RecordingError
from firmware.outputs import as_json, same
from firmware.recording import RecordedOutput, Recording, read

Body = dict[str, object]


def replay(args: argparse.Namespace) -> int:
    """0 when it replayed (and, with `--diff`, decided the same); 1 at the first difference."""
    recording = read(args.recording)
    config = _config(recording, args.config)
    if not recording.complete:
        _say(f"{recording.path}: is cut off or damaged; replayed up to its last whole chunk ({recording.chunks} read)")
    if args.diff:
        return _diff(recording, config, as_lines_of_json=args.json)
    first_ns: int | None = None
    news = _News()
    for body in _replayed(recording, config):
        t_ns = int(str(body["t_ns"]))
        first_ns = t_ns if first_ns is None else first_ns
        if args.json:
            print(json.dumps(body, separators=(",", ":")))
        elif news.is_in(body):
            print(_line(body, t_ns - first_ns))
    return 0


def _config(recording: Recording, override: Path | None) -> Config:
    if override is not None:
        return load(override)
    if recording.config_toml is None:
        _say(f"{recording.path}: holds no configuration; replayed with the defaults")
        return Config()
    try:
        return parse(recording.config_toml, f"{recording.path} (its configuration)", recorded=True)
    except ConfigError as error:
        wrote = recording.metadata.get("version", "unknown")
        raise RecordingError(f"{error}; recorded by version {wrote}; --config FILE replays with another one") from error


def _replayed(recording: Recording, config: Config) -> Iterator[Body]:
    pipeline = SafetyPipeline(config.core)
    for record in recording.records:
        if not isinstance(record, RecordedOutput):
            yield from _step(pipeline, record)


def _step(pipeline: SafetyPipeline, item: Input) -> list[Body]:
    return [as_json(output) for output in pipeline.step(item)]


class _News:
    """What is worth a line in words: no telemetry, and of the parts and the power only what is not as said before."""

    def __init__(self) -> None:
        self._said: dict[object, object] = {}

    def is_in(self, body: Body) -> bool:
        kind = body["kind"]
        if kind in ("telemetry", "walk_so_far"):  # again and again: nothing for the eye
            return False
        if kind == "health":
            now: object = [(name, part["ok"], part["reason"]) for name, part in body["parts"].items()]  # type: ignore[attr-defined]
        elif kind == "power":
            now = {key: value for key, value in body.items() if key != "t_ns"}
        else:
            return True
        before, self._said[kind] = self._said.get(kind), now
        return now != before


def _line(body: Body, elapsed_ns: int) -> str:
    rest = " ".join(f"{key}={_short(value)}" for key, value in body.items() if key not in ("t_ns", "kind"))
    return f"{elapsed_ns / 1e9:9.3f} s  {body['kind']:<13} {rest}"


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return json.dumps(value, separators=(",", ":")) if isinstance(value, dict) else str(value)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first decision that is not the recorded one; None: there was none on that side."""

    number: int
    recorded: Body | None
    replayed: Body | None


def compare(recording: Recording, config: Config) -> Difference | int:
    """The first difference between what was decided and what is decided now, or how many decisions agree."""
    pipeline = SafetyPipeline(config.core)
    then: deque[Body] = deque()
    now: deque[Body] = deque()
    agreed = 0
    for record in recording.records:
        if isinstance(record, RecordedOutput):
            then.append(record.body)
        else:
            now += _step(pipeline, record)
        while then and now:
            agreed += 1
            one, other = then.popleft(), now.popleft()
            if not same(one, other):
                return Difference(agreed, one, other)
    if then:
        return Difference(agreed + 1, then[0], None)
    if now and recording.complete:  # a cut may fall between an input and what was decided on it
        return Difference(agreed + 1, None, now[0])
    return agreed


def _diff(recording: Recording, config: Config, *, as_lines_of_json: bool) -> int:
    if not any(isinstance(record, RecordedOutput) for record in recording.records):
        raise RecordingError(
            f"{recording.path}: holds no decisions (/output) to compare with; replay it without --diff"
        )
    found = compare(recording, config)
    if isinstance(found, int):
        print(json.dumps({"same": True, "outputs": found}) if as_lines_of_json else f"no difference in {found} outputs")
        return 0
    if as_lines_of_json:
        body = {"same": False, "output": found.number, "recorded": found.recorded, "replayed": found.replayed}
        print(json.dumps(body, separators=(",", ":")))
    else:
        print(f"output {found.number} differs")
        print(f"recorded: {_or_nothing(found.recorded)}")
        print(f"replayed: {_or_nothing(found.replayed)}")
    return 1


def _or_nothing(body: Body | None) -> str:
    return "nothing" if body is None else json.dumps(body, separators=(",", ":"))


def _say(text: str) -> None:
    print(f"rearguard: {text}", file=sys.stderr)
