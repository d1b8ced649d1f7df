"""A power cut at any write of the journal: what it has promised is there at the next start."""

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from bench._alerts_disk import Disk
from bench._alerts_power import complaints, recorded
from firmware.journal import JOURNAL


def test_recording_holds_every_byte_that_reaches_the_disk(tmp_path: Path) -> None:
    ops = recorded(tmp_path, "whole")
    disk = Disk()
    for op in ops:
        disk.take(op)
    for file in list(disk._pending):
        disk.take(("sync", file))
    disk.take(("dirsync",))
    left = disk.after_a_cut(Random(0))
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir() if not path.name.endswith(".lock")}
    assert left == kept
    assert set(kept) == {JOURNAL, f"{JOURNAL}.boot"}
    assert {op[0] for op in ops} >= {"write", "sync", "link", "unlink", "dirsync"}


@pytest.mark.parametrize("seed", range(1000, 1004))
def test_no_power_cut_breaks_a_promise(seed: int) -> None:
    assert Counter(complaints(seed, 100)) == Counter({"": 100})


def test_disk_that_ignores_syncs_is_found_out_in_nearly_every_trial() -> None:
    assert sum(map(bool, complaints(1000, 100, "no sync"))) >= 95


def test_what_is_usual_with_sqlite_loses_events_and_is_found_out() -> None:
    assert "an event is lost" in complaints(1000, 100, "normal")
