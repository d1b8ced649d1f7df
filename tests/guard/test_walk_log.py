"""What a walk came to is kept off the loop, and the next walk is told what the walks so far mean for it."""

import errno
import itertools
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.records import WALKED, record

from firmware import known_day, notice, version, walks
from firmware.core.messages import BackwardTest, Confirmed, Notice, PlanToday, SetPattern, Tick, WalkRecord
from firmware.core.messages import Pattern as Sound
from firmware.core.plan import PlanConfig
from firmware.guard.events import Wall
from firmware.guard.walk_log import LOOK_AGAIN_NS, WalkLog
from firmware.journal import JOURNAL, Journal
from firmware.notice import Confirmation

DAY_MS = 86_400_000
NOON_MS = 1_767_225_600_000 + DAY_MS // 2  # 2026-01-01, noon in UTC


class Run:
    """One run of the guard's walk log in a folder."""

    def __init__(
        self,
        folder: Path,
        *,
        synced: bool = True,
        day: float = 0.0,
        simulated: bool = False,
        later_s: int = 0,
        boot_id: str = "this",
    ) -> None:
        self.folder, self.told, self.complaints = folder, list[Any](), list[str]()
        self.now_ns = 7 + max(0, later_s) * 1_000_000_000
        self.now_ms, self.synced = NOON_MS + round(day * DAY_MS) + later_s * 1000, synced
        counter = itertools.count(round(day * 1000) + 10_000 * later_s if later_s >= 0 else 10**9)
        wall = Wall(lambda: self.now_ms, lambda: self.synced, lambda size: next(counter).to_bytes(size, "big"), boot_id)
        self.log = WalkLog(
            folder,
            PlanConfig(),
            wall,
            "rg-12345678",
            lambda: self.now_ns,
            self.told.append,
            self.complaints.append,
            lambda: Journal(folder / JOURNAL),
            too_old_s=600.0,
            simulated=simulated,
        )

    def walk(self, **data: Any) -> None:
        self.log.take([Tick(1)], [SetPattern(1, Sound.READY), WalkRecord(1, {**WALKED, **data})])

    def turn(self) -> None:
        self.log.background.turn()

    @property
    def minutes(self) -> list[float]:
        return [word.minutes for word in self.told if isinstance(word, PlanToday)]

    @property
    def notices(self) -> list[bool]:
        return [word.confirmed for word in self.told if isinstance(word, Notice)]


@pytest.fixture(autouse=True)
def chips(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this machine's clock chips would be; it has none."""
    folder = tmp_path_factory.mktemp("rtc")
    monkeypatch.setattr(known_day, "CHIPS", folder)
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@pytest.fixture
def broken_disk(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", refuse)
    return monkeypatch


def test_the_core_is_told_of_the_notice_and_of_todays_minutes_before_anything_else(run: Run) -> None:
    run.turn()
    assert run.told == [Notice(7, confirmed=False), PlanToday(7, 5.0)]
    run.turn()
    assert len(run.told) == 2


def test_a_walk_is_kept_with_its_time_and_the_next_one_is_planned_at_once(run: Run) -> None:
    run.walk(minutes=6.0)
    run.turn()
    (kept,) = walks.read(run.folder).records
    assert (kept.t, kept.date, kept.clock, kept.kind) == ("2026-01-01T12:00:00.000Z", "2026-01-01", "synced", "walk")
    assert (kept.data["minutes"], kept.simulated) == (6.0, False)
    run.now_ms += DAY_MS
    run.walk(minutes=6.0)
    run.turn()
    assert run.minutes == [5.0, 5.0, 6.0]


def test_the_next_run_of_the_guard_goes_on_with_the_plan(tmp_path: Path) -> None:
    for day in (0, 2):
        run = Run(tmp_path, day=day)
        run.walk(minutes=6.0)
        run.turn()
    later = Run(tmp_path, day=4)
    later.turn()
    assert later.minutes == [6.0]


def test_eight_weeks_of_walks_one_guard_after_the_other(tmp_path: Path) -> None:
    """Each walks as long as she is told; in the fifth week nobody walks, and in the seventh she falls."""
    planned: list[float] = []
    for week, day in ((week, day) for week in range(8) for day in (0, 2, 4)):
        if week == 4:
            continue
        run = Run(tmp_path, day=7 * week + day)
        run.turn()
        planned += run.minutes
        run.walk(minutes=run.minutes[0], falls=int((week, day) == (6, 2)))
        run.turn()
    assert planned == [5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 10, 10, 11, 11, 12, 5, 5, 6, 6]


def test_walks_under_a_clock_that_was_never_set_are_kept_and_add_nothing(tmp_path: Path) -> None:
    for day in (0, 2, 4, 6):
        run = Run(tmp_path, day=day, synced=False)
        run.walk(minutes=6.0)
        run.turn()
    assert run.minutes == [5.0, 5.0]
    assert {one.clock for one in walks.read(tmp_path).records} == {"unsynced"}


def test_with_a_clock_chip_the_plan_grows_without_any_network(
    tmp_path: Path, chips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (chips / "rtc0").mkdir()
    (tmp_path / "installed.py").write_text("")
    os.utime(tmp_path / "installed.py", (0, (NOON_MS + 2 * DAY_MS) / 1000))
    monkeypatch.setattr(version, "__file__", str(tmp_path / "installed.py"))
    for day in (1, 2, 4):
        run = Run(tmp_path, day=day, synced=False)
        run.walk(minutes=6.0)
        run.turn()
    assert run.minutes == [5.0, 6.0]
    clocks = [one.clock for one in walks.read(tmp_path).records]
    assert clocks == ["unsynced", "chip", "chip"]  # before this software was installed it cannot be


def test_a_clock_that_was_never_set_takes_nothing_away_from_the_plan_either(tmp_path: Path) -> None:
    for day in (0, 2):
        run = Run(tmp_path, day=day)
        run.walk(minutes=6.0)
        run.turn()
    later = Run(tmp_path, day=400, synced=False)
    later.turn()
    assert later.minutes == [6.0]


@pytest.mark.parametrize("change", ["the clock is set", "the days go by"])
def test_a_device_that_stays_on_tells_the_minutes_anew_when_the_day_is_another(tmp_path: Path, change: str) -> None:
    for day in range(0, 28, 2):
        run = Run(tmp_path, day=day)
        run.walk(minutes=12.0)
        run.turn()
    on = Run(tmp_path, day=26 + 56, synced=False) if change == "the clock is set" else Run(tmp_path, day=27)
    on.turn()
    (before,) = on.minutes
    if change == "the clock is set":
        on.synced = True
    else:
        on.now_ms += 56 * DAY_MS
    on.now_ns += LOOK_AGAIN_NS
    on.turn()
    assert before > 5.0
    assert on.minutes == [before, 5.0], "after eight weeks without a walk the plan begins anew"
    on.now_ns += LOOK_AGAIN_NS
    on.turn()
    assert len(on.minutes) == 2, "told once"


def test_a_simulated_walk_says_so_and_a_real_walker_does_not_walk_longer_for_it(tmp_path: Path) -> None:
    for day in (0, 2):
        run = Run(tmp_path, day=day, simulated=True)
        run.walk(minutes=6.0)
        run.turn()
    assert run.minutes == [5.0, 6.0]
    real = Run(tmp_path, day=4)
    real.turn()
    assert real.minutes == [5.0]


def test_a_backward_test_is_kept_with_its_reason(run: Run) -> None:
    run.log.take([], [BackwardTest(1, None, 1.2, None, 4, "a warning came first")])
    run.turn()
    (kept,) = walks.read(run.folder).tests
    assert kept.data == {
        "duration_s": None,
        "distance_m": 1.2,
        "range_m": None,
        "steps": 4,
        "reason": "a warning came first",
    }


def test_the_button_confirms_the_notice_for_good(run: Run, tmp_path: Path) -> None:
    run.log.take([], [Confirmed(1)])
    run.turn()
    assert notice.read(tmp_path) == Confirmation(notice.EDITION, "button", "2026-01-01", "synced")
    later = Run(tmp_path)
    later.turn()
    assert later.notices == [True]


def test_who_waits_for_the_notice_is_told_once_when_somebody_confirms_it_on_a_terminal(run: Run) -> None:
    for _ in range(3):
        run.turn()
        run.now_ns += 2_000_000_000
    notice.keep(run.folder, Confirmation(notice.EDITION, "terminal", "2026-01-01", "synced"))
    assert run.notices == [False]
    for _ in range(3):
        run.now_ns += 2_000_000_000
        run.turn()
    assert run.notices == [False, True]


@pytest.mark.parametrize("text", ["edition = 1", "edition = 0\nby = 'button'\ndate = '2026-01-01'\nclock = 'synced'\n"])
def test_a_damaged_notice_or_an_earlier_edition_has_to_be_confirmed_again(tmp_path: Path, text: str) -> None:
    (tmp_path / notice.FILE).write_text(text)
    run = Run(tmp_path)
    run.turn()
    assert run.notices == [False]
    assert run.minutes == [5.0]


def test_a_notice_that_cannot_be_read_keeps_nobody_from_walking(tmp_path: Path) -> None:
    (tmp_path / notice.FILE).mkdir()
    run = Run(tmp_path)
    run.turn()
    assert (run.notices, run.minutes) == ([], [5.0])
    assert "the walk does not wait for it" in run.complaints[0]


def test_with_a_full_disk_the_walk_is_kept_in_memory_told_once_and_written_later(
    run: Run, broken_disk: pytest.MonkeyPatch
) -> None:
    run.turn()
    run.walk()
    for _ in range(5):
        run.turn()
    assert (run.log.unwritten_count, len(run.complaints)) == (1, 1)
    assert "No space left on device; it is kept in memory and tried again" in run.complaints[0]
    run.walk(steps=1)
    broken_disk.undo()
    run.turn()
    assert run.log.unwritten_count == 0
    assert [one.data["steps"] for one in walks.read(run.folder).records] == [604, 1]


def test_records_that_cannot_be_read_leave_the_plan_at_its_start_and_are_told(tmp_path: Path) -> None:
    (tmp_path / walks.FILE).mkdir()
    run = Run(tmp_path)
    run.turn()
    assert run.minutes == [5.0]
    assert "the plan is at its start" in run.complaints[0]


def test_rotten_records_are_told_and_the_others_count(tmp_path: Path) -> None:
    walks.append(tmp_path, record(1, date="2025-12-29"))
    walks.append(tmp_path, record(2, date="2025-12-31"))
    path = tmp_path / walks.FILE
    path.write_bytes(b"rot\n" * 9 + path.read_bytes())
    run = Run(tmp_path)
    run.turn()
    assert (run.minutes, len(run.complaints)) == ([6.0], 3)


def test_nothing_is_read_or_written_on_the_loop(run: Run, broken_disk: pytest.MonkeyPatch) -> None:
    run.walk()
    run.log.take([], [Confirmed(1)])
    assert (run.told, run.complaints, os.listdir(run.folder)) == ([], [], [])


@given(
    data=st.dictionaries(
        st.sampled_from([*WALKED, "mood"]),
        st.none() | st.integers() | st.floats() | st.text(max_size=20) | st.booleans(),
        max_size=40,
    )
)
def test_whatever_the_core_says_of_a_walk_can_be_kept_and_read(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any]
) -> None:
    run = Run(tmp_path_factory.mktemp("walk"))
    run.log.take([], [WalkRecord(1, data)])
    run.turn()
    (kept,) = walks.read(run.folder).records
    assert kept.data.keys() == data.keys()
    assert run.complaints == []
    assert len(run.minutes) == 2
