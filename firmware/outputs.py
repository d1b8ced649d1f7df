"""The core's outputs as JSON objects and back: for recordings, `replay` and `--json`."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass

from firmware import typed
from firmware.core.messages import Alert, Health, Output, SetPattern, Telemetry, WalkChanged

KINDS: dict[str, type[Output]] = {
    "pattern": SetPattern,
    "alert": Alert,
    "walk": WalkChanged,
    "health": Health,
    "telemetry": Telemetry,
}
_NAMES = {cls: kind for kind, cls in KINDS.items()}


def as_json(output: Output) -> dict[str, object]:
    """`{"t_ns": .., "kind": "alert", ..}`; what is not a finite number becomes null, for JSON has no word for it."""
    body = _object(output)
    return {"t_ns": body.pop("t_ns"), "kind": _NAMES[type(output)], **body}


def from_json(body: Mapping[str, object]) -> Output:
    """The output that `as_json` gave this object for.

    Raises:
        ValueError: the kind is unknown, or a field is missing or of another kind.
    """
    kind = body.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise typed.Mismatch(f"kind is {kind!r}, expected one of {', '.join(KINDS)}")
    return typed.build(KINDS[kind], body)


def same(one: object, other: object) -> bool:
    """Whether two JSON values say the same; numbers may differ by what another CPU's last bit makes of them (1e-9)."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float | int) and not isinstance(other, bool):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return type(one) is type(other) and one == other


def _object(value: object) -> dict[str, object]:
    assert is_dataclass(value)
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def _plain(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, str):
        return str(value)  # an enum member is its text
    return _object(value) if is_dataclass(value) else value
