"""The last time at which the clock was known to be right, kept for the day on which it is not."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from firmware.link import last_time
from firmware.link.last_time import FILE, LastTime, read_s

NOON_S = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each text that is written, and it is written."""
    said: list[str] = []
    write_whole = last_time.write_whole
    monkeypatch.setattr(last_time, "write_whole", lambda path, text: (said.append(text), write_whole(path, text)))
    return said


def test_what_a_clock_that_was_set_says_is_kept_once_an_hour(tmp_path: Path, writes: list[str]) -> None:
    now = [NOON_S]
    for restart_s in (0.0, 7000.0):
        kept = LastTime(tmp_path, lambda: now[0])
        for second in range(7000):
            now[0] = NOON_S + restart_s + second
            kept.keep()
    assert writes == [f"2026-01-01T{hour}:00:00Z\n" for hour in (12, 13, 14, 15)]
    assert read_s(tmp_path) == NOON_S + 3 * 3600


def test_a_clock_that_nobody_set_is_not_kept(tmp_path: Path) -> None:
    LastTime(tmp_path, lambda: None).keep()
    assert (read_s(tmp_path), list(tmp_path.iterdir())) == (0.0, [])


def test_a_time_ahead_of_a_clock_that_was_set_is_dropped(tmp_path: Path) -> None:
    """The clock was wrong once, though it was set: that must not lock anybody out for ever."""
    LastTime(tmp_path, lambda: NOON_S + 9 * 365 * 86_400).keep()
    LastTime(tmp_path, lambda: NOON_S).keep()
    assert read_s(tmp_path) == NOON_S


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z\n", "2026-01-01", "\xff" * 9, "1" * 5000])
def test_what_makes_no_sense_is_nothing_and_is_written_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="latin-1")
    assert read_s(tmp_path) == 0.0
    LastTime(tmp_path, lambda: NOON_S).keep()
    assert read_s(tmp_path) == NOON_S


def test_a_disk_that_takes_nothing_is_asked_again_in_an_hour_and_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[Path] = []

    def full(path: Path, text: str) -> None:
        tries.append(path)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(last_time, "write_whole", full)
    now = [NOON_S]
    kept = LastTime(tmp_path, lambda: now[0])
    for second in range(0, 3 * 3600, 10):
        now[0] = NOON_S + second
        kept.keep()
    assert len(tries) == 3
    assert [record.message for record in caplog.records] == [
        f"{tmp_path / FILE}: No space left on device; a clock that is behind will be compared with an older time"
    ]
