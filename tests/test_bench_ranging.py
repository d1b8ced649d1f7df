"""The bench of the range filters: what it counts, and what it claims on real readings where they are at hand."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.recordings import FOLDER

from bench.ranging import FILTERS, READINGS, Stand, errors_m, late_by, longest_run, measure, row

ROOT = Path(__file__).parents[1]
real_readings = pytest.mark.skipif(
    not (FOLDER / READINGS).is_file(), reason=f"no bench readings at {FOLDER / READINGS}; set REARGUARD_DATA"
)


def bench(folder: Path) -> Any:
    command = [sys.executable, "-m", "bench.ranging", "--quick", "--json"]
    environment = {"REARGUARD_DATA": str(folder), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=environment)


def test_single_wrong_readings_are_counted_for_the_last_reading_and_rejected_by_the_others() -> None:
    wrong = Stand("made up", 1.5, tuple(0.6 if i % 10 == 5 else 1.5 for i in range(60)))
    last = row("all", "last reading", [wrong])
    assert last is not None
    assert (last.n, last.longest_run) == (52, 1)
    assert last.far_off_share == last.too_near_share == pytest.approx(5 / 52)
    for name in FILTERS:
        found = row("all", name, [wrong])
        assert found is not None
        assert found.median_m == pytest.approx(0.0, abs=1e-9)
        assert name == "last reading" or found.far_off_share == 0.0, name


def test_errors_count_from_the_ninth_reading_on_and_have_a_sign() -> None:
    far = Stand("made up", 1.0, (1.1,) * 12)
    assert errors_m(far, FILTERS["last reading"]) == [pytest.approx(0.1)] * 4
    assert errors_m(Stand("made up", 1.0, (1.1,) * 8), FILTERS["last reading"]) == []
    assert errors_m(Stand("made up", 1.0, (None,) * 20), FILTERS["ours"]) == []


def test_runs_are_counted_in_a_row() -> None:
    assert longest_run([True, False, True, True, False]) == 2
    assert longest_run([False]) == longest_run([]) == 0


def test_nearer_wall_is_followed_after_one_more_reading_where_gpiozero_takes_four() -> None:
    late = {name: late_by(new_filter) for name, new_filter in FILTERS.items()}
    assert late["ours"] == late["median of 3"] == 1
    assert late["median of 5"] == 2
    assert late["gpiozero's queue of 9"] == 4


def test_readings_of_a_series_are_put_in_order_by_distance(tmp_path: Path) -> None:
    path = tmp_path / "readings.csv"
    lines = [f"Pi,one,{cm},20,{n},{cm}" for n in range(1, 21) for cm in (50, 150)]
    path.write_text("\n".join(["host,series,actual_cm,temp_c,n,reading_cm", *lines, "Pi,one,50,20,21,"]))
    rows, _ = measure(path, 1)
    assert {(found.distances, found.n) for found in rows if found.filter == "ours"} == {
        ("up to 1 m", 13),
        ("beyond 1 m", 12),
        ("so, but slower", 12),
    }
    assert all(found.p95_m == pytest.approx(0.0, abs=1e-9) for found in rows)


def test_without_readings_it_says_so_and_still_measures_the_step(tmp_path: Path) -> None:
    done = bench(tmp_path)
    assert "no readings at" in done.stderr
    found = json.loads(done.stdout)
    assert found["data"] is False
    assert found["rows"] == []
    assert found["late"]["ours"] == 1


@real_readings
def test_on_real_readings_ours_is_wrong_no_oftener_than_the_sensor_and_never_reads_too_far_beyond_a_metre() -> None:
    found = json.loads(bench(FOLDER).stdout)
    by_filter = {(r["distances"], r["filter"]): r for r in found["rows"]}
    for distances in ("up to 1 m", "beyond 1 m"):
        ours, last = by_filter[distances, "ours"], by_filter[distances, "last reading"]
        assert ours["far_off_share"] <= last["far_off_share"]
        assert ours["median_m"] <= last["median_m"] + 0.01
    beyond = by_filter["beyond 1 m", "ours"]
    assert beyond["far_off_share"] == beyond["too_near_share"]
