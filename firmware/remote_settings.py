"""What the therapist may set from afar: the plan, the cues and the volume of what is told; nothing that protects.

The limits are those of `rearguard.toml`, whose values these replace. They are kept beside the journal and read when a
process starts; the plan's hold from the next walk on.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware.config import Config, changed
from firmware.errors import ConfigError
from firmware.plain_file import read_bytes, write_whole
from firmware.plain_json import encode

FILE = "settings.json"
SETTABLE = (
    *(f"plan.{key}" for key in ("start_min", "per_week", "step_min", "clean_walks", "first_weeks_min", "cap_min")),
    "plan.fixed_min",
    *("lean.enabled", "pacing.enabled", "metronome.enabled", "metronome.cadence_spm", "budget.enabled"),
    "sounder.volume",
)
Values = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Kept:
    """The settings that hold, by "section.key", and who set them last."""

    by: str
    values: Values


NOBODY = Kept("", {})


def applied(config: Config, values: Values, source: str) -> Config:
    """The configuration with these settings.

    Raises:
        ConfigError: one of them cannot be set from afar, or is out of its limits.
    """
    sections: dict[str, dict[str, object]] = {}
    for name, value in values.items():
        if name not in SETTABLE:
            raise ConfigError(f"{source}: {name} cannot be set from afar; these can: {', '.join(SETTABLE)}")
        section, _, key = name.partition(".")
        sections.setdefault(section, {})[key] = value
    return changed(config, sections, source)


def together(before: Values, now: Values) -> dict[str, Any]:
    """What holds after `now`; null takes a setting back to that of the configuration file."""
    return {name: value for name, value in {**before, **now}.items() if value is not None}


def read(state_dir: Path) -> Kept:
    """What was kept; nobody's, where there is none.

    Raises:
        ConfigError: the file is damaged.
        OSError: it cannot be read.
    """
    path = state_dir / FILE
    try:
        body = json.loads(read_bytes(path))
    except FileNotFoundError:
        return NOBODY
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: damaged ({error}); what it says is not used") from error
    by, values = (body.get("by"), body.get("values")) if isinstance(body, dict) else (None, None)
    if not isinstance(by, str) or not isinstance(values, dict):
        raise ConfigError(f"{path}: damaged (no settings in it); what it says is not used")
    return Kept(by, values)


def with_kept(config: Config) -> tuple[Config, str]:
    """The configuration as it holds, and a complaint: what cannot be used changes nothing."""
    try:
        kept = read(config.paths.state_dir)
        return applied(config, kept.values, FILE), ""
    except ConfigError as error:
        return config, str(error)
    except OSError as error:
        return config, f"{config.paths.state_dir / FILE}: {error.strerror}; settings from afar are not used"


def keep(state_dir: Path, kept: Kept) -> None:
    """On the disk when this returns. Raises OSError."""
    write_whole(state_dir / FILE, encode({"v": 1, "by": kept.by, "values": kept.values}) + "\n")
