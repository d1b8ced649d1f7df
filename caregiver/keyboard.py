"""Answering alarms from a caregiver's keyboard."""

import queue
import sys
import threading
from collections.abc import Mapping
from typing import Protocol, TextIO

ANSWERS = {"seen": "seen", "": "on_my_way", "way": "on_my_way", "here": "at_scene"}  # what is typed
TYPE_ONE = "type seen, way (or nothing) or here, and Enter, to"


class Answering(Protocol):
    @property
    def open_alarms(self) -> Mapping[str, str]: ...

    def answer(self, device: str, how: str, by: str) -> None: ...


class Keyboard:
    """What `name` types answers the alarm that is open; of several, the one whose device is named as well.

    Who goes to one of two women must not be told to the other: her call would be answered by nobody.
    """

    def __init__(self, name: str, watch: Answering, typed: TextIO | None = None) -> None:
        self._name, self._watch = name, watch
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        typed = sys.stdin if typed is None else typed
        if typed is None:
            _say("standard input is closed; no alarm can be answered from here")
            return
        _say(f"{TYPE_ONE} answer an alarm as {name}")
        threading.Thread(target=self._read, args=(typed,), daemon=True).start()

    def turn(self) -> None:
        """Act on what was typed since the last call."""
        while not self._lines.empty():
            self.take(self._lines.get())

    def take(self, line: str) -> None:
        word, _, named = line.strip().lower().partition(" ")
        how, alarms = ANSWERS.get(word), self._watch.open_alarms
        meant = [device for device in alarms if device.startswith(named.strip())]
        if how is None:
            _say(f"{TYPE_ONE} answer an alarm")
        elif not alarms:
            _say("no alarm is open")
        elif len(meant) != 1:
            ways = " or ".join(f"'{word or 'way'} {device}'" for device in sorted(alarms))
            _say(f"{len(alarms)} alarms are open: type {ways}" if len(alarms) > 1 else f"the alarm is open at {ways}")
        else:
            self._watch.answer(meant[0], how, self._name)
            _say(f"telling {meant[0]}, until it shows your name")

    def _read(self, typed: TextIO) -> None:
        for line in typed:
            self._lines.put(line)


def _say(text: str) -> None:
    print(text, file=sys.stderr)
