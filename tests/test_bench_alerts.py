"""What `python -m bench.alerts` says, whatever becomes of its measurements."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from bench import _alerts_loop, alerts
from bench._alerts_falls import judged
from bench.alerts import Row, as_text, measured
from firmware.journal import Event

WELL = Row("what", "others", "ours", "bar", True)
ALARM = "an alarm"


def broken(_: bool) -> list[Row]:
    raise KeyError("nobody expected this")


@contextmanager
def bars(**named: tuple[alerts.Part, ...]) -> Iterator[None]:
    with patch.dict(alerts.BARS, named, clear=True), patch.object(alerts, "BINARY", "mosquitto"):
        yield


def test_bar_that_fails_keeps_nothing_else_from_being_measured(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[Row] = []
    with bars(first=(lambda _: [WELL], broken, lambda _: [WELL]), second=(lambda _: [WELL],)):
        rows = measured(["first", "second"], True, said.append)
    assert [row.met for row in rows] == [True, False, True, True]
    assert "KeyError: 'nobody expected this'" in rows[1].ours
    assert "did not come to an end" in rows[1].ours
    assert said == rows
    assert "Traceback" in capsys.readouterr().err


def test_bar_that_needs_a_broker_says_that_it_did_not_run() -> None:
    with bars(kills=(broken,), power=(lambda _: [WELL],)), patch.object(alerts, "BINARY", None):
        rows = measured(["kills", "power"], True, lambda _: None)
    assert [row.met for row in rows] == [None, True]
    assert rows[0].ours == "did not run: mosquitto is missing: apt-get install mosquitto"


def test_each_row_is_one_json_object_as_soon_as_it_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[str] = []

    def second(_: bool) -> list[Row]:
        seen.append(capsys.readouterr().out)
        return [Row("last", "", "", "", False)]

    with bars(first=(lambda _: [WELL], second)), patch.object(sys, "argv", ["alerts", "--json", "--quick"]):
        assert alerts.main() == 1
    assert json.loads(seen[0])["what"] == "what"
    assert json.loads(capsys.readouterr().out)["met"] is False


def test_row_fits_a_terminal_of_100_columns() -> None:
    row = Row("what " * 9, "others " * 20, "ours " * 30, "bar " * 9, False)
    lines = as_text(row).splitlines()
    assert max(map(len, lines)) <= 100
    assert [line[:9].strip() for line in lines] == ["NOT MET", *[""] * (len(lines) - 1)]
    assert " ".join(as_text(row).split()).count("others") == 20


def test_flood_that_cannot_be_made_is_not_measured() -> None:
    with patch.object(_alerts_loop.shutil, "which", lambda _: None), patch.object(_alerts_loop, "met", found):
        rows = alerts.sensing(True)
    assert [row.what for row in rows if row.met is None] == ["guard's loop, commands flooding"]
    assert len(rows) == len(_alerts_loop.CONDITIONS)


def found(condition: str, seconds: float) -> dict[str, float]:
    return {"rate_hz": 100.0, "late_p99_ms": 20.0, "thrown": 0}


class Heard:
    """Of a device that was killed: what its processes said, what its guard left behind, and what its reader has."""

    def __init__(
        self, *told: dict[str, Any], said: tuple[dict[str, Any], ...] = (), left: tuple[Event, ...] = ()
    ) -> None:
        self.said, self.left = list(said), {event.id: event for event in left}
        self._told = list(told)

    def told(self) -> list[dict[str, Any]]:
        return self._told


def event(name: str, phase: str = "suspected", mono_ms: int = 1000) -> Event:
    t = "2026-01-01T00:00:00.000Z"
    return Event(name, ALARM, "rg-0a1b2c3d", 1, "fall", phase, "critical", t, mono_ms, "synced", None, {})


def body(of: Event, seq: int, **data: object) -> dict[str, Any]:
    return {**of.body(), "seq": seq, "data": {"alarm": of.alarm, **data}}


def judgement(device: Heard, decided: tuple[tuple[str, str, int], ...] = (), kept: tuple[Event, ...] = ()) -> Any:
    return judged(device, decided, {each.id: each for each in kept})  # type: ignore[arg-type]


FIRST, SECOND = event("1"), event("2", "confirmed", 2000)
DECIDED = (("fall", "suspected", 1000), ("fall", "confirmed", 2000))


def test_fall_that_was_told_once_and_in_order_is_neither_lost_nor_doubled() -> None:
    device = Heard(body(SECOND, 2), body(FIRST, 1), body(FIRST, 1), left=(FIRST,))
    result = judgement(device, DECIDED, (FIRST, SECOND))
    assert (result["decided"], result["lost"], result["doubled"], result["in_order"]) == (2, 0, 0, True)
    assert result["repetitions"] == 1


def test_fall_is_lost_that_stood_in_the_run_directory_or_was_said_or_sounded_and_never_told() -> None:
    sounded = ({"kind": "sounds", "pattern": "fall_countdown", "mono_ms": 1000},)
    assert judgement(Heard(left=(FIRST,)))["lost"] == 1
    assert judgement(Heard(), DECIDED)["lost"] == 2
    assert judgement(Heard(), (), (FIRST,))["lost"] == 1
    assert judgement(Heard(said=sounded))["lost"] == 1
    assert judgement(Heard(body(FIRST, 1), said=sounded))["lost"] == 0
    assert judgement(Heard(body(event("1", mono_ms=1500), 1), said=sounded))["lost"] == 1


def test_fall_is_doubled_that_is_told_anew_unless_it_was_resumed() -> None:
    again, another = event("3", mono_ms=1500), Event(**{**event("4", mono_ms=1500).body(), "alarm": "another"})
    assert judgement(Heard(body(FIRST, 1), body(again, 2)))["doubled"] == 1
    assert judgement(Heard(body(FIRST, 1), body(again, 2, resumed=True)))["doubled"] == 0
    assert judgement(Heard(body(FIRST, 1), body(another, 2, resumed=True)))["doubled"] == 1


def test_order_is_broken_when_numbers_do_not_follow_what_was_decided() -> None:
    assert not judgement(Heard(body(FIRST, 2), body(SECOND, 1)), DECIDED)["in_order"]
    assert not judgement(Heard(body(FIRST, 2), body(SECOND, 1)), (), (FIRST, SECOND))["in_order"]
