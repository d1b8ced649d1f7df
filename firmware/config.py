"""`rearguard.toml`: every setting of the device in one frozen value, checked once, when it is read.

The settings themselves stand beside the code that they belong to. This file only joins them: each dataclass among the
fields of BoardConfig and CoreConfig is a section of the same name.
"""

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from firmware import typed
from firmware.core.config import CoreConfig
from firmware.core.plan import PlanConfig
from firmware.errors import ConfigError
from firmware.guard.flight_recorder import FlightRecorderConfig
from firmware.link.config import MqttConfig
from firmware.plain_file import read_bytes
from firmware.sounder.sounder import SounderConfig
from hal.config import BoardConfig

INSTALLED = Path("/etc/rearguard/rearguard.toml")
NONE = "none"  # TOML has no word for "there is none"
RETIRED = (("approach", "smoothing_s"), ("approach", "agree_m"), ("approach", "young_s"))
"""Settings of earlier versions, with their sections. A device is not started with them, a recording is replayed."""


@dataclass(frozen=True, slots=True)
class PathsConfig:
    """Where the device keeps what must survive (state) and what need not (run: the sockets)."""

    state_dir: Path = Path("/var/lib/rearguard")
    run_dir: Path = Path("/run/rearguard")

    def __post_init__(self) -> None:
        for key in ("state_dir", "run_dir"):
            if not getattr(self, key).is_absolute():
                raise ValueError(f"paths: {key} ({str(getattr(self, key))!r}) must be an absolute path")
            if "\0" in str(getattr(self, key)):
                raise ValueError(f"paths: {key} ({str(getattr(self, key))!r}) must be a path without NUL")


@dataclass(frozen=True, slots=True)
class Config:
    """All that can be set."""

    board: BoardConfig = field(default_factory=BoardConfig)
    core: CoreConfig = field(default_factory=CoreConfig)
    sounder: SounderConfig = field(default_factory=SounderConfig)
    mqtt: MqttConfig = field(default_factory=MqttConfig)
    paths: PathsConfig = field(default_factory=PathsConfig)
    recorder: FlightRecorderConfig = field(default_factory=FlightRecorderConfig)
    plan: PlanConfig = field(default_factory=PlanConfig)


# Settings of a joined dataclass that have no section of their own go here.
_OWN_SECTION = {
    "board": "gpio",
    "core": "core",
    "sounder": "sounder",
    "mqtt": "mqtt",
    "paths": "paths",
    "recorder": "recorder",
    "plan": "plan",
}


def load(path: Path | None) -> Config:
    """Read a configuration file; without one, the defaults.

    Raises:
        ConfigError: it cannot be read, or a setting is unknown, of the wrong kind or out of its limits.
    """
    if path is None:
        return Config()
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not a text in UTF-8 (byte {error.start})") from error
    return parse(text, path.name)


def installed() -> Path | None:
    """The device's own configuration file, where there is one."""
    return INSTALLED if INSTALLED.is_file() else None


def parse(text: str, source: str, *, recorded: bool = False) -> Config:
    """Read a configuration; `source` is what errors call it. A `recorded` one may have settings of earlier versions.

    Raises:
        ConfigError: see `load`.
    """
    try:
        tables = tomllib.loads(text)
        _check_digits(tables)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source}: {_one_line(error)}") from error
    except ValueError as error:
        raise ConfigError(f"{source}: a whole number has more digits than 64 bits can hold") from error
    except RecursionError as error:
        raise ConfigError(f"{source}: lists within lists, too deep to be read") from error
    for name, key in RETIRED if recorded else ():
        if isinstance(tables.get(name), dict):
            tables[name].pop(key, None)
    return _from_tables(tables, source)


def changed(config: Config, settings: Mapping[str, Mapping[str, object]], source: str) -> Config:
    """The same with other settings, by section and key; "none" where there is to be none.

    Raises:
        ConfigError: see `load`.
    """
    tables = tomllib.loads(to_toml(config))
    for section, values in settings.items():
        tables.setdefault(section, {}).update(values)
    return _from_tables(tables, source)


def _from_tables(tables: Mapping[str, Any], source: str) -> Config:
    known = [name for name, _, _ in sections(Config())]
    for name, table in tables.items():
        _check_section(name, table, known, source)
    parts = {part: _joined(hint, tables, _OWN_SECTION[part], source) for part, hint in typed.hints(Config).items()}
    return Config(**parts)


def _check_digits(value: object) -> None:
    """Raises ValueError for what TOML calls too large, and Python neither converts nor prints."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("too many digits")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_digits(inner)


def matched(config: Config) -> Config:
    """The same, with the core knowing the sampling rate that the board's IMU is set to, unless it is told another."""
    if config.core.imu_check.rate_hz:
        return config
    imu_check = replace(config.core.imu_check, rate_hz=float(config.board.imu.rate_hz))
    return replace(config, core=replace(config.core, imu_check=imu_check))


def sections(config: Config) -> Iterator[tuple[str, str, Any]]:
    """Every section: its name, the key of `Config` that it belongs to, and the dataclass with its settings."""
    for part, own in _OWN_SECTION.items():
        value = getattr(config, part)
        if _plain_fields(type(value)):
            yield own, part, value
        for name in _section_fields(type(value)):
            yield name, part, getattr(value, name)


def to_toml(config: Config) -> str:
    """Every setting as TOML; `parse` gives the same configuration back."""
    lines = []
    for name, _, value in sections(config):
        lines.append(f"[{name}]")
        lines += [f"{key} = {_toml(getattr(value, key))}" for key in _plain_fields(type(value))]
        lines.append("")
    return "\n".join(lines)


def _section_fields(cls: type) -> list[str]:
    return [name for name, hint in typed.hints(cls).items() if is_dataclass(hint)]


def _plain_fields(cls: type) -> list[str]:
    return [name for name, hint in typed.hints(cls).items() if not is_dataclass(hint)]


def _check_section(name: str, table: object, known: list[str], source: str) -> None:
    if name not in known:
        what = f"section [{name}]" if isinstance(table, dict) else f"key {name} outside of any section"
        raise ConfigError(f"{source}: unknown {what}; {_nearest(name, known, 'the sections are')}")
    if not isinstance(table, dict):
        raise ConfigError(f"{source}: {name} is {table!r}, expected a section [{name}]")


def _joined(cls: type, tables: Mapping[str, Any], own: str, source: str) -> Any:
    values = {
        name: _section(typed.hints(cls)[name], tables.get(name, {}), name, source) for name in _section_fields(cls)
    }
    values |= _settings(cls, tables.get(own, {}), own, source)
    return _made(cls, values, own, source)


def _section(cls: type, table: Mapping[str, Any], name: str, source: str) -> Any:
    return _made(cls, _settings(cls, table, name, source), name, source)


def _made(cls: type, values: dict[str, Any], section: str, source: str) -> Any:
    try:
        return cls(**values)
    except ValueError as error:  # it names the key as "section: key" or "section.key", or several sections' keys
        message = _one_line(error)
        key = message.removeprefix(section).lstrip(".: ")
        raise ConfigError(f"{source}: {message if key == message else f'[{section}] {key}'}") from error


def _settings(cls: type, table: Mapping[str, Any], section: str, source: str) -> dict[str, Any]:
    known = _plain_fields(cls)
    values = {}
    for key, value in table.items():
        if key not in known:
            hint = _nearest(key, known, f"the keys of [{section}] are")
            if (section, key) in RETIRED:
                hint = "of an earlier version, remove it"
            raise ConfigError(f"{source}: [{section}] unknown key {key}; {hint}")
        try:
            values[key] = _setting(value, typed.hints(cls)[key])
        except typed.Mismatch as error:
            raise ConfigError(f"{source}: [{section}] {key} {error}") from None
    return values


def _setting(value: object, hint: Any) -> Any:
    if value == NONE and type(None) in get_args(hint):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        raise typed.Mismatch(f"is {value}, expected {typed.expected(hint)}")
    try:
        return typed.convert(value, hint)
    except typed.Mismatch as error:
        if isinstance(value, str) and {int, float} & {hint, *get_args(hint)} and _is_number(value):
            raise typed.Mismatch(f"{error}; write it without quotes") from None
        raise


def _is_number(text: str) -> bool:
    try:
        int(text, 0)
    except ValueError:
        try:
            float(text)
        except ValueError:
            return False
    return True


def _nearest(name: str, known: list[str], otherwise: str) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else f"{otherwise} {', '.join(known)}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _toml(value: object) -> str:
    match value:
        case None:
            return f'"{NONE}"'
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str() | Path():
            return _quoted(str(value))
        case tuple():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case _:
            raise TypeError(f"no TOML for {type(value).__name__}")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
