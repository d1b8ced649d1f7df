"""The core's outputs as JSON objects: for recordings, `replay` and `--json`."""

import math

from firmware.core.messages import (
    Alert,
    BackwardTest,
    Confirmed,
    Health,
    Output,
    PowerState,
    PreImpact,
    SetPattern,
    StoppingBaseline,
    SwayBaseline,
    Telemetry,
    WalkChanged,
    WalkRecord,
    WalkSoFar,
)
from firmware.plain_json import plain

_KINDS: dict[type[Output], str] = {
    SetPattern: "pattern",
    Alert: "alert",
    WalkChanged: "walk",
    Health: "health",
    Telemetry: "telemetry",
    PowerState: "power",
    PreImpact: "pre_impact",
    WalkSoFar: "walk_so_far",
    SwayBaseline: "sway_baseline",
    StoppingBaseline: "stopping_baseline",
    WalkRecord: "walk_record",
    BackwardTest: "backward_test",
    Confirmed: "confirmed",
}


def as_json(output: Output) -> dict[str, object]:
    """`{"t_ns": .., "kind": "alert", ..}`; what is not a finite number becomes null, for JSON has no word for it."""
    body: dict[str, object] = plain(output)
    return {"t_ns": body.pop("t_ns"), "kind": _KINDS[type(output)], **body}


def same(one: object, other: object) -> bool:
    """Whether two JSON values say the same; numbers may differ by what another CPU's last bit makes of them (1e-9)."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float | int) and not isinstance(other, bool):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return type(one) is type(other) and one == other
