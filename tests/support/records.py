"""Records of walks as the device keeps them, for tests."""

from typing import Any

from firmware.walks import SCHEMA, TEST, WALK, Record

WALKED: dict[str, Any] = {
    "minutes": 6.2,
    "planned_minutes": 6.0,
    "pauses": 1,
    "steps": 604,
    "distance_m": 217.0,
    "distance_sd_m": 31.0,
    "speed_mps": 0.58,
    "step_length_m": 0.36,
    "cadence_spm": 97.4,
    "step_time_sd_ms": 41,
    "lean_deg": 2.1,
    "sway_rms_deg": 2.4,
    "sway_drift": 1.06,
    "sway_ratio": 1.1,
    "sway_roll_p2p_deg": 5.8,
    "sway_pitch_p2p_deg": 6.1,
    "response_s": 0.92,
    "obstacle_cautions": 3,
    "obstacle_warnings": 1,
    "first_warning_distance_m": 1.31,
    "nearest_m": 0.74,
    "sway_warnings": 0,
    "lean_cues": 1,
    "step_cues": 0,
    "rest_cues": 0,
    "falls": 0,
    "sos": 0,
    "faults": 0,
    "interruptions": 0,
    "mode": None,
    "mode_minutes": 0.0,
    "clear_m": 4.0,
    "no_start": "",
}
TESTED: dict[str, Any] = {"duration_s": 5.1, "distance_m": 3.0, "range_m": 2.94, "steps": 9, "reason": ""}


def record(number: int, *, kind: str = WALK, **other: Any) -> Record:
    """The walk (or test) of that number; `other` replaces fields of the record, or else quantities of its data."""
    fields: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": kind,
        "id": f"019b7c2e-0000-7000-8000-{number:012}",
        "t": f"2026-01-05T10:{number % 60:02}:00.000Z",
        "date": "2026-01-05",
        "clock": "synced",
        "dev": "rg-12345678",
        "software": "0.1.0",
        "simulated": False,
    }
    data = {**(TESTED if kind == TEST else WALKED), **{key: other[key] for key in other if key not in fields}}
    return Record(**{**fields, **{key: other[key] for key in other if key in fields}, "data": data})
