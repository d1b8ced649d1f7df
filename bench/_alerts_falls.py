"""SIGKILL of the whole device after a fall: guard with its sensors, sounder, link, broker and reader, any or all.

A kill comes between the decision on a suspected fall and its receipt, at any time of the countdown that follows, or
between its end and the next receipt; after half of them comes another while the first is being mended. Decided is what
the guard said, what stood in its run directory or its journal, and what had sounded.
"""

import contextlib
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

from bench._alerts_device import COUNTDOWN_S, PROCESSES, WholeDevice
from bench._alerts_kills import added
from firmware.decided import paths
from firmware.guard.loop import TICK_NS
from firmware.journal import JOURNAL, Event, Journal

VICTIMS = [["guard"], list(PROCESSES), ["sounder"], ["link"], ["broker"], ["reader"]]  # each before chance decides
SIDE_BY_SIDE = 6  # devices at once: most of a trial is a walker's walking, and lying there
FALL_S, SETTLED_S = 30.0, 100.0
MENDING_S = 2.0  # a device that was killed is whole again by then
TRIES = 3  # a machine that is too busy to sense in time has no fall to be told
COUNTS = ("decided", "lost", "doubled", "stuck", "repetitions")
MEANS = {"fall_countdown": "suspected", "fall_nobody_yet": "confirmed", "fall_sent": "confirmed"}
Key = tuple[str, str, int]
"""Type, phase and monotonic milliseconds of an event."""


def usual_s() -> float:
    """From the sound of a suspected fall to its receipt, with everything alive."""
    with tempfile.TemporaryDirectory() as folder, WholeDevice(Path(folder)) as device:
        if not _waited(device, lambda: _sounds(device, "fall_countdown"), TRIES * FALL_S):
            raise TimeoutError(f"the whole device heard no fall: {device.complaints()[-3:]}")
        began_s = time.monotonic()
        while not any(body["phase"] == "suspected" for body in device.told()):
            if time.monotonic() - began_s > SETTLED_S:
                raise TimeoutError("a suspected fall did not arrive, and nothing had been killed")
        return time.monotonic() - began_s


def trial(number: int, usual: float) -> dict[str, Any] | None:
    """A fall, killed once or twice, and what its reader has in the end; None: nobody fell, as often as it was tried."""
    return next((found for _ in range(TRIES) if (found := _trial(number, usual))), None)


def _trial(number: int, usual: float) -> dict[str, Any] | None:
    chance, killed = Random(f"falls {number}"), Counter[str]()
    with tempfile.TemporaryDirectory() as folder, WholeDevice(Path(folder)) as device:
        if not _waited(device, lambda: _sounds(device, "fall_countdown"), FALL_S):
            return None
        told_s, turn_s = chance.uniform(0.0, usual), TICK_NS / 1e9
        confirmed_s = COUNTDOWN_S + chance.uniform(0.0, turn_s + usual)
        pauses_s = [(told_s, chance.uniform(0.0, COUNTDOWN_S), told_s, confirmed_s)[number % 4]]
        if number % 4 > 1:
            pauses_s.append(chance.uniform(0.0, MENDING_S))
        for again, pause_s in enumerate(pauses_s):
            _waited(device, lambda: False, pause_s)
            names = VICTIMS[number] if number < len(VICTIMS) and not again else chance.choice(VICTIMS)
            device.kill(names)
            killed["all" if len(names) > 1 else names[0]] += 1
        settled = _Settled(device)
        stuck = not _waited(device, settled, SETTLED_S)  # it is judged all the same
        found = {"kills": dict(killed), "stuck": int(stuck), **judged(device, settled.decided, settled.kept)}
        return {**found, "said": device.said, "complaints": device.complaints()}


def _waited(device: WholeDevice, condition: Callable[[], object], patience_s: float) -> bool:
    """Whether it came true in time."""
    until_s = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() >= until_s:
            return False
        device.attend(min(until_s, time.monotonic() + 0.1))
    return True


def _sounds(device: WholeDevice, pattern: str) -> bool:
    return any(word.get("pattern") == pattern for word in device.said)


def _decided(device: WholeDevice) -> list[Key]:
    """In the order in which its guards decided."""
    return [(what[0], what[1], what[2]) for word in device.said if (what := word.get("what"))]


class _Settled:
    """True once the fall is confirmed, everything is accepted, and the wearer hears that it is."""

    def __init__(self, device: WholeDevice) -> None:
        self._device = device
        self.decided: list[Key] = []
        self.kept: dict[str, Event] = {}

    def __call__(self) -> bool:
        decided = _decided(self._device)  # what was said by now stands in the run directory, or in the journal
        if paths(self._device.folder):
            return False
        with contextlib.closing(Journal(self._device.folder / JOURNAL)) as journal:
            self.decided, self.kept = decided, {stored.event.id: stored.event for stored in journal.events()}
            if journal.unaccepted():
                return False
        sounded = [word["pattern"] for word in self._device.said if word["kind"] == "sounds"]
        return ("fall", "confirmed") in {(e.type, e.phase) for e in self.kept.values()} and sounded[-1] == "fall_sent"


def judged(device: WholeDevice, decided: Sequence[Key], kept: Mapping[str, Event]) -> dict[str, Any]:
    """What the reader has, against what was decided and what the journal keeps."""
    told = device.told()
    first = {body["id"]: body for body in reversed(told)}
    ordered = sorted(first.values(), key=lambda body: (body["boot"], body["seq"]))
    keys = [(body["type"], body["phase"], body["mono_ms"]) for body in ordered]
    lost = [f"{e.type} {e.phase} {e.mono_ms}" for e in {**device.left, **kept}.values() if e.id not in first]
    lost += [f"decided {key}" for key in decided if key not in keys]
    lost += [f"sounded {word}" for word in device.said if _untold(word, keys)]
    falls = [body for body in ordered if body["type"] == "fall"]
    anew = [body["phase"] for body in falls if not body["data"].get("resumed")]
    alarms = {body["data"]["alarm"] for body in falls}
    in_time = [key for key in keys if key in decided] == [key for key in decided if key in keys]
    ids = [event_id for event_id in kept if event_id in first]
    return {
        "decided": len(device.left.keys() | kept.keys() | first.keys()),
        "lost": len(lost),
        "what": lost,
        "doubled": len(anew) - len(set(anew)) + max(len(alarms) - 1, 0),
        "in_order": in_time and ids == [body["id"] for body in ordered if body["id"] in kept],
        "repetitions": len(told) - len(first),
    }


def _untold(word: Mapping[str, Any], keys: Sequence[Key]) -> bool:
    """Whether the wearer heard something of a fall that nobody else was told of by then."""
    phase = MEANS.get(str(word.get("pattern")))
    told = any(key[:2] == ("fall", phase) and key[2] <= word["mono_ms"] for key in keys) if phase else True
    return not told


def measured(count: int) -> dict[str, Any]:
    """On several devices side by side; the counts of all, and everything about each trial that went wrong."""
    with ProcessPoolExecutor(SIDE_BY_SIDE, mp_context=get_context("spawn")) as pool:
        usual = pool.submit(usual_s).result()
        runs = list(pool.map(trial, range(count), [usual] * count))
    found = [run for run in runs if run is not None]
    return {
        **added(found, COUNTS),
        "trials": len(found),
        "without a fall": count - len(found),
        "receipt_ms": round(usual * 1e3),
        "wrong": [run for run in found if run["lost"] or run["doubled"] or run["stuck"] or not run["in_order"]],
    }
