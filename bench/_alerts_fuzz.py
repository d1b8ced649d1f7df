"""Fuzzers of everything that an alert's way reads: configuration, commands, payloads, journal rows, the guard's inbox.

Each knows what must hold of whatever is let in, and bugs to be seeded: a fuzzer that does not find those proves
nothing by finding no others.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from random import Random
from typing import Any, Generic, TypeVar

from bench import _alerts_fuzz_rows as rows
from bench import _alerts_fuzz_words as words

Input = TypeVar("Input")
AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Fuzzer(Generic[Input]):
    """`check` raises for what must not be; `bugs` are defects to be seeded, by name."""

    make: Callable[[Random], Input]
    check: Callable[[Input], None]
    bugs: words.Bugs


@dataclass(frozen=True, slots=True)
class Finding:
    """The first input that broke something."""

    after: int
    found: str
    data: str


FUZZERS: dict[str, Fuzzer[Any]] = {
    "config": Fuzzer(words.config, words.check_config, words.CONFIG_BUGS),
    "command": Fuzzer(words.command, words.check_command, words.COMMAND_BUGS),
    "payload": Fuzzer(words.payload, words.check_payload, words.PAYLOAD_BUGS),
    "inbox": Fuzzer(words.datagram, words.check_datagram, words.INBOX_BUGS),
    "journal": Fuzzer(rows.rows, rows.check_rows, rows.JOURNAL_BUGS),
}


def first_finding(name: str, seed: object, count: int) -> Finding | None:
    """Try `count` inputs; the first that breaks something."""
    fuzzer, chance = FUZZERS[name], Random(f"{name} {seed}")
    for number in range(count):
        data = fuzzer.make(chance)
        try:
            fuzzer.check(data)
        except Exception as error:  # noqa: BLE001 - whatever escapes is the finding
            return Finding(number + 1, f"{type(error).__name__}: {error}"[:200], repr(data)[:400])
    return None


def seeded(name: str, count: int) -> dict[str, int | None]:
    """After how many inputs each seeded bug is found; None: not within `count`."""
    found: dict[str, int | None] = {}
    for bug, plant in FUZZERS[name].bugs.items():
        with plant():
            finding = first_finding(name, "seeded", count)
        found[bug] = None if finding is None else finding.after
    return found


def _batch(name: str, seed: int, count: int) -> Finding | None:
    return first_finding(name, seed, count)


def measured(name: str, count: int, self_test: int) -> dict[str, Any]:
    """Inputs tried on all processors, what broke, and how soon the seeded bugs were found."""
    began_s = time.monotonic()
    batches = list(_batches(count))
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        found = list(pool.map(_batch, [name] * len(batches), range(len(batches)), batches))
    broken = [finding for finding in found if finding is not None]
    return {
        "inputs": sum(f.after if f else size for f, size in zip(found, batches, strict=True)),
        "broken": [f"{finding.found} by {finding.data}" for finding in broken],
        "seeded_bugs_found_after": seeded(name, self_test),
        "took_s": round(time.monotonic() - began_s, 1),
    }


def _batches(count: int) -> Iterator[int]:
    while count > 0:
        yield min(AT_ONCE, count)
        count -= AT_ONCE
