"""JSON for what leaves a process. An alert is not lost for one number that JSON cannot say."""

import json
import math
from collections.abc import Mapping
from typing import Any


def encode(body: Mapping[str, Any]) -> str:
    """Compact JSON; infinity and NaN become null, and what JSON does not know becomes text."""
    return json.dumps(_plain(body), allow_nan=False, separators=(",", ":"), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (str, int)) else str(value)
