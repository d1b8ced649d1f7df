"""From the obstacle's edge to the buzzer's, exact: within the limits, and five times sooner than gpiozero when near."""

from bench.obstacle_latency import LatencyRow, measure

MEDIAN_CYCLES, MAX_CYCLES, MORE_MS = 1.65, 2.0, 5.0


def test_latency_keeps_its_limits_and_beats_gpiozero_in_the_same_run() -> None:
    rows = {row.name: row for row in measure(quick=True)}
    peer = rows["gpiozero, defaults"]
    for name, row in rows.items():
        if name.startswith("60 ms"):
            assert row.median_cycles <= MEDIAN_CYCLES, row
            assert row.max_ms <= MAX_CYCLES * row.period_ms + MORE_MS, row
        if not name.startswith("gpiozero"):
            assert row.max_ms < peer.median_ms, row
    near = rows["near: 1.4 m replaced by 0.8 m"]
    assert isinstance(near, LatencyRow)
    assert near.period_ms == 40.0
    assert peer.median_ms >= 4.5 * near.median_ms, "20 edges are few: all 200 give 5"
