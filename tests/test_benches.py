"""Every bench runs alone, and what it claims holds in the quick form too."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from hal.samples import PARTS

ROOT = Path(__file__).parents[1]


def bench(name: str) -> Any:
    command = [sys.executable, "-m", f"bench.{name}", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_obstacles_are_heard_sooner_than_gpiozero_sees_them_on_the_same_pins() -> None:
    found = bench("walk")
    assert found["obstacle_to_buzzer"]["max_ms"] < found["obstacle_to_gpiozero_in_range"]["median_ms"]
    assert found["gpiozero_distance_2_s_after_the_cut_m"] > 1.0, "it still believes the wall that it lost"


def test_every_failure_in_the_table_is_heard() -> None:
    found = bench("failures")
    assert set(found) == set(PARTS)
    assert all(heard_s is not None for row in found.values() for times in row.values() for heard_s in times)
