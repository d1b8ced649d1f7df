"""JSON for what leaves a process. An alert is not lost for one number or letter that JSON cannot say."""

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

LEVELS = 50  # of lists within lists; what is deeper, nobody means, and comparing or writing it can fail
DIGITS = 18  # of a whole number of 64 bits


def encode(body: Mapping[str, Any]) -> str:
    """Compact JSON of `plain(body)`; it can always be written as UTF-8."""
    return json.dumps(plain(body), allow_nan=False, separators=(",", ":"), ensure_ascii=False)


def decode(text: str | bytes) -> dict[str, Any] | None:
    """The object that JSON of unknown origin describes; None for anything else, or more than LEVELS within each other.

    Whole numbers beyond 64 bits come as floats, as they do elsewhere: arithmetic with 400 digits fails.
    """
    try:
        found = json.loads(text, parse_int=_whole)
    except (ValueError, RecursionError):
        return None
    brackets = text.count("[") + text.count("{") if isinstance(text, str) else text.count(b"[") + text.count(b"{")
    flat = brackets <= LEVELS  # most are, and need no second look
    return found if isinstance(found, dict) and (flat or _levels(found) <= LEVELS) else None


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= DIGITS else float(digits)


def _levels(value: Any) -> int:
    """Counted from the outside, for a deep one may be too deep to count from the inside."""
    count, level = 0, [value]
    while level and count <= LEVELS:
        level = [item for outer in level for item in (outer.values() if isinstance(outer, dict) else outer)]
        level = [item for item in level if isinstance(item, dict | list)]
        count += 1
    return count


def plain(value: Any, levels: int = LEVELS) -> Any:
    """What JSON knows: infinity and NaN become null, half a surrogate pair "?", and everything unknown its text.

    What lies deeper than `levels` becomes null.
    """
    if isinstance(value, str):
        return _text(value)  # an enum member is its text
    if isinstance(value, Mapping):
        return {_text(str(key)): plain(item, levels - 1) for key, item in value.items()} if levels else None
    if isinstance(value, (list, tuple)):
        return [plain(item, levels - 1) for item in value] if levels else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        return plain({field.name: getattr(value, field.name) for field in fields(value)}, levels)
    return value if value is None or isinstance(value, int) else _text(str(value))


def _text(value: str) -> str:
    return str(value) if value.isascii() else value.encode(errors="replace").decode()
