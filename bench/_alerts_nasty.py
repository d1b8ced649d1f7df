"""Valid documents with one nasty field: what random bytes never make, and what breaks parsers.

Random bytes are refused at the first letter. A document that is right but for one NaN, one number of 400 digits or one
half of a letter gets to the code that believes it.
"""

import json
from collections.abc import Mapping
from random import Random
from typing import Any

DEEP = ("[" * 1200 + "]" * 1200, '{"a":' * 700 + "1" + "}" * 700, "[" * 1900, "[" * 100_000)
HUGE = ("1" + "0" * 400, "-1" + "0" * 400, "1" + "0" * 5000, "9" * 309, str(2**53), str(2**63), str(-(2**63) - 1))
NUMBERS = ("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e-400", "-0.0", "-0", "0", "1", "-1", "0.5", "1e308")
TEXTS = (
    *('""', '" "', '"\\u0000"', '"\\ud800"', '"x\\udfff\\ud800"', '"\\u202e"', '"\\u001b[2J"', '"é"', '"\\u00ad"'),
    *(
        '"\\n"',
        '"now"',
        '"null"',
        '"1"',
        '"NaN"',
        '"' + "x" * 100 + '"',
        '"' + "x" * 3000 + '"',
        '"' + "é" * 1500 + '"',
    ),
    *('"00000000-0000-7000-8000-000000000000"', '"00000000-0000-7000-8000-000000000000\\n"', '"%s{0}"', '"confirmed"'),
)
OTHERS = ("true", "false", "null", "[]", "{}", "[null]", "[[]]", '{"":1}', '[1,"a",null]', '{"a":NaN}', "[1e400]")
BROKEN = ("", "nul", "'a'", "01", "+1", "1.", "0x10", "1_000", '"\\x"', '"\n"', "\x00", "﻿1", "//", '"')
KINDS = (NUMBERS, NUMBERS, TEXTS, TEXTS, OTHERS, HUGE, DEEP, BROKEN)
RAW = (b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"\x00", b"\xf8\x88\x80\x80\x80")


def nasty(chance: Random) -> str:
    """One value, as JSON or something that is nearly JSON."""
    return chance.choice(chance.choice(KINDS))


def spoiled(document: Any, chance: Random) -> bytes:
    """The document as JSON with one of its fields (seldom two, or none) made nasty."""
    emitter = _Emitter(document, chance)
    data = emitter.text(document).encode(errors="surrogatepass")
    if chance.random() < 0.04:
        at = chance.randrange(len(data) + 1)
        data = chance.choice((data[:at], data[:at] + chance.choice(RAW) + data[at:], data + data))
    return data


class _Emitter:
    """Writes JSON by hand, since no encoder writes a key twice or a NaN in a string's place."""

    def __init__(self, document: Any, chance: Random) -> None:
        self._chance, self._number = chance, -1
        count = _nodes(document)
        picked = 0 if chance.random() < 0.02 else 2 if chance.random() < 0.1 else 1
        self._targets = {chance.randrange(count) for _ in range(picked)}

    def text(self, value: Any) -> str:
        self._number += 1
        spoil = self._number in self._targets
        if spoil and not (isinstance(value, dict) and self._chance.random() < 0.7):
            self._number += _nodes(value) - 1
            return nasty(self._chance) if self._chance.random() < 0.95 else f"[{json.dumps(value)}]"
        if isinstance(value, Mapping):
            items = [(json.dumps(key), self.text(item)) for key, item in value.items()]
            return "{" + ",".join(f"{key}:{item}" for key, item in (self._misshapen(items) if spoil else items)) + "}"
        if isinstance(value, list):
            return "[" + ",".join(map(self.text, value)) + "]"
        return json.dumps(value)

    def _misshapen(self, items: list[tuple[str, str]]) -> list[tuple[str, str]]:
        key = self._chance.choice(items)[0] if items else '"a"'
        another = self._chance.choice(items)[1] if items else "1"
        match self._chance.randrange(6):
            case 0:
                return [item for item in items if item[0] != key]
            case 1:
                return [*items, (key, nasty(self._chance))]
            case 2:
                return [(key, nasty(self._chance)), *items]
            case 3:
                return [(found, another if found == key else item) for found, item in items]
            case 4:
                return [*items, (json.dumps(self._chance.choice(("", "v", "__class__", "é" * 40, "\x00"))), another)]
            case _:
                return [*items, *((f'"k{number}"', "0") for number in range(200))]


def _nodes(value: Any) -> int:
    if isinstance(value, Mapping):
        return 1 + sum(map(_nodes, value.values()))
    return 1 + sum(map(_nodes, value)) if isinstance(value, list) else 1


def strict(text: str) -> Any:
    """JSON as every parser of the world reads it: raises ValueError for NaN, infinity and half a letter."""
    text.encode()
    return _STRICT.decode(text)


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


_STRICT = json.JSONDecoder(parse_constant=_refuse)  # made once: making it takes longer than reading with it
