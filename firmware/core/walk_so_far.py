"""One walk in two parts: the guard was killed in it, or its power was cut, and the record is of both parts.

The parts are summaries as `Tally.summary` makes them, so what is kept of the first one outlives any version of the
estimators. Counts and sums are exact. A mean or a median of both is that of each part, weighed by its minutes.
"""

import math
from collections.abc import Mapping

from firmware.core.messages import Value

Part = Mapping[str, Value]

_COUNTS = (
    *("pauses", "steps", "obstacle_cautions", "obstacle_warnings", "sway_warnings", "lean_cues", "falls", "sos"),
    *("faults", "rest_cues", "step_cues", "interruptions"),
)
_SUMS = (*_COUNTS, "minutes", "distance_m", "distance_sd_m")
_SPREADS = {"step_time_sd_ms": 0, "sway_rms_deg": 2}  # with their decimals
_MEANS = {"cadence_spm": 1, "lean_deg": 1, "sway_roll_p2p_deg": 1, "sway_pitch_p2p_deg": 1, "response_s": 2, **_SPREADS}
_FIRST = ("planned_minutes", "clear_m", "first_warning_distance_m")  # known at the beginning
_LATEST = ("step_length_m", "sway_drift", "sway_ratio")
_NUMBERS = (*_SUMS, *_MEANS, *_FIRST, *_LATEST, "speed_mps", "nearest_m", "mode_minutes")
_MODES = (None, "treadmill", "partner")
_MOST = {"minutes": 1440.0, "planned_minutes": 30.0, "mode_minutes": 1440.0}
_MOST_OTHER = 1e6


def believed(data: Mapping[str, object]) -> Part:
    """The quantities of a walk, as far as they are known here; what else stands there is left out.

    Raises:
        ValueError: one of them cannot be true of a walk: "steps is -3, expected a whole number from 0 to 1000000".
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"is {str(data)[:40]!r}, expected an object")
    part = {key: _quantity(key, data.get(key)) for key in _NUMBERS}
    mode, no_start = data.get("mode"), data.get("no_start", "")
    if mode not in _MODES:
        raise ValueError(f"mode is {str(mode)[:40]!r}, expected treadmill or partner")
    return {**part, "mode": None if mode is None else str(mode), "no_start": str(no_start or "")[:200]}


def whole(before: Part, after: Part) -> dict[str, Value]:
    """Both parts in one, `before` as `believed` gives it."""
    both: dict[str, Value] = {**before, **after}
    minutes = (_number(before, "minutes") or 0.0, _number(after, "minutes") or 0.0)
    for key in _SUMS:
        one, other = _number(before, key), _number(after, key)
        both[key] = None if one is None or other is None else round(one + other, 2)
    for key, digits in _MEANS.items():
        power = 2 if key in _SPREADS else 1  # the squares of spreads are averaged
        both[key] = _mean(_number(before, key), _number(after, key), minutes, power, digits)
    for key in _FIRST:
        both[key] = after.get(key) if before.get(key) is None else before.get(key)
    for key in _LATEST:
        both[key] = before.get(key) if after.get(key) is None else after.get(key)
    way_m, walked_s = _number(both, "distance_m"), 60.0 * sum(minutes)
    both["speed_mps"] = round(way_m / walked_s, 2) if way_m and walked_s else None
    near_m = [m for m in (_number(before, "nearest_m"), _number(after, "nearest_m")) if m is not None]
    both["nearest_m"] = min(near_m, default=None)
    both["mode"], both["mode_minutes"] = _mode(before, after)
    return both


def cut_off(data: Part) -> dict[str, Value]:
    """The record of a walk whose end nobody saw. Falls and calls that it had none of may have come after the last word.

    To be cut off counts as a fault, so that the plan adds nothing for it: what nobody watched shows nothing.
    """
    once = {key: (_number(data, key) or 0) + 1 for key in ("faults", "interruptions")}
    return {**data, **once, **{key: data.get(key) or None for key in ("falls", "sos")}}


def began(data: Part) -> bool:
    """Somebody walked, fell or called: there is something to record."""
    return any(data.get(key) for key in ("steps", "falls", "sos"))


def _quantity(key: str, value: object) -> Value:
    if value is None and key not in ("minutes", "steps"):
        return None
    counts, least, most = key in _COUNTS, -180.0 if key == "lean_deg" else 0.0, _MOST.get(key, _MOST_OTHER)
    known = isinstance(value, int) if counts else isinstance(value, int | float)
    none_planned = key == "planned_minutes" and value == 0  # she would be told at once that they are over
    sound = known and type(value) is not bool and not none_planned
    if isinstance(value, int | float) and sound and least <= value <= most:
        return value
    what = "a whole number" if counts else "a number"
    raise ValueError(f"{key} is {str(value)[:40]}, expected {what} from {least:.0f} to {most:.0f}")


def _number(part: Part, key: str) -> int | float | None:
    value = part.get(key)
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def _mean(
    one: float | None, other: float | None, minutes: tuple[float, float], power: int, digits: int
) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    weights = minutes if sum(minutes) > 0.0 else (1.0, 1.0)
    mean = (one**power * weights[0] + other**power * weights[1]) / sum(weights)
    return round(mean ** (1.0 / power) if power > 1 else mean, digits)


def _mode(before: Part, after: Part) -> tuple[str | None, float]:
    """What kept its distance behind her for longest in either part; as long as in both where it is the same."""
    modes = [(_number(part, "mode_minutes") or 0.0, str(part["mode"])) for part in (before, after) if part.get("mode")]
    if not modes:
        return None, 0.0
    mode = max(modes)[1]
    return mode, round(sum(minutes for minutes, name in modes if name == mode), 2)
