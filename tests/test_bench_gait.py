"""What the benches of gait, attitude and cost claim; on recordings where they are."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.recordings import needs_recordings

ROOT = Path(__file__).parents[1]


def bench(name: str) -> Any:
    command = [sys.executable, "-m", f"bench.{name}", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.data
@needs_recordings
def test_steps_of_real_people_are_found_better_than_published_forward_and_backward_in_time() -> None:
    found = bench("gait")
    tables = [table["all"] for name, table in found.items() if "Hz" in name]
    assert len(tables) == 2
    for table in tables:
        assert table["sensitivity"] > max(0.88, found["published"]["sensitivity"])
        assert table["ppv"] > max(0.92, found["published"]["ppv"])
        assert table["cadence_error_percent"] < min(6.0, found["published"]["cadence_error_percent"])
        assert table["step_sd_error_ms"] < 20


@pytest.mark.data
@needs_recordings
def test_our_up_is_no_worse_than_that_of_the_filters_of_others_when_a_posture_is_reached() -> None:
    pytest.importorskip("imufusion")
    pytest.importorskip("vqf")
    found = bench("attitude")
    for key in ("posture_p95_deg", "falls_p95_deg"):
        assert found["ours"][key] <= min(found[name][key] for name in ("imufusion", "VQF"))


def test_the_whole_core_costs_less_than_an_attitude_filter_on_numpy() -> None:
    """Side by side in one run; how many microseconds that is depends on the machine and is told by the bench."""
    pytest.importorskip("ahrs")
    cost_us = bench("cost")["per_sample_us"]
    assert cost_us["core"] < cost_us["ahrs Madgwick, attitude alone"]
