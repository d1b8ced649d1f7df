"""JSON for what leaves a process. An alert is not lost for one number or letter that JSON cannot say."""

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def encode(body: Mapping[str, Any]) -> str:
    """Compact JSON of `plain(body)`; it can always be written as UTF-8."""
    return json.dumps(plain(body), allow_nan=False, separators=(",", ":"), ensure_ascii=False)


def plain(value: Any) -> Any:
    """What JSON knows: infinity and NaN become null, half a surrogate pair "?", and everything unknown its text."""
    if isinstance(value, str):
        return _text(value)  # an enum member is its text
    if isinstance(value, Mapping):
        return {_text(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return value if value is None or isinstance(value, int) else _text(str(value))


def _text(value: str) -> str:
    return str(value) if value.isascii() else value.encode(errors="replace").decode()
