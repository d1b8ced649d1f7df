"""How a watched walk looks after the guard: patient at its start, strict once it has spoken."""

import time
from types import SimpleNamespace

import pytest

from firmware.commands.heartbeat import START_S
from firmware.commands.session import HUNG_S, SILENT_S, Session


class Watched:
    """A session whose guard was started `age_s` ago and heard last `heard_s` ago, or not yet."""

    def __init__(self, age_s: float, heard_s: float | None) -> None:
        self.said: list[str] = []
        self.kills = 0
        now_s = time.monotonic()
        session = self.session = Session.__new__(Session)
        guard = SimpleNamespace(started_s=now_s - age_s, kill=self.kill)
        session.__dict__.update(_heard_s=0.0 if heard_s is None else now_s - heard_s, _silent=False)
        session.__dict__.update(_children={"guard": guard}, _say=self.said.append)

    def kill(self) -> None:
        self.kills += 1

    def look(self) -> "Watched":
        self.session._look_after_guard()
        return self


def test_a_guard_that_is_still_starting_is_neither_killed_nor_called_silent() -> None:
    """Four Pythons that start at once take many seconds on a small Pi; killed each time, it would never guard."""
    watched = Watched(START_S - 1.0, None).look()
    assert (watched.kills, watched.said) == (0, [])
    assert Watched(START_S + 1.0, None).look().kills == 1


@pytest.mark.parametrize(("heard_s", "kills"), [(SILENT_S / 2, 0), (SILENT_S + 1.0, 0), (HUNG_S + 1.0, 1)])
def test_a_guard_that_has_spoken_is_told_as_silent_and_then_started_again(heard_s: float, kills: int) -> None:
    watched = Watched(60.0, heard_s).look().look()
    assert watched.kills == kills
    assert len(watched.said) == (heard_s > SILENT_S)
