"""A blind rangefinder is heard within three cycles, whatever broke and whatever was behind; gpiozero's tells on."""

import pytest

from bench.blind import FAULTS, SITUATIONS, PeerRow, measure, peer_rows, reactions_s
from firmware.config import Config

COVERED_S = 1.5


def test_each_fault_is_heard_within_three_cycles_and_a_cover_within_its_limit() -> None:
    rows = measure(quick=True)
    assert [row.fault for row in rows] == list(FAULTS)
    for row in rows:
        assert row.noticed == row.n >= 8, row
        assert row.median_cycles <= row.max_cycles
        assert row.max_ms <= COVERED_S * 1e3
        assert row.max_cycles <= 3.0 or row.fault == "covered", row


@pytest.mark.parametrize("walking", [True, False])
def test_it_is_heard_in_every_situation_also_over_a_warning_that_sounds(walking: bool) -> None:
    found = reactions_s("no supply", Config(), 8, walking=walking)
    assert {what for what, _ in found} == set(SITUATIONS)
    assert all(late_s is not None and late_s <= 0.15 for _, late_s in found)


def test_a_program_on_gpiozero_is_still_told_the_wall_ten_seconds_later() -> None:
    told = peer_rows()
    cut = [row for row in told if row.fault not in ("covered", "loose echo wire")]
    assert cut == [PeerRow(row.fault, pytest.approx(1.0, abs=0.01)) for row in cut]  # type: ignore[arg-type]
    assert len(cut) == len(FAULTS) - 2
