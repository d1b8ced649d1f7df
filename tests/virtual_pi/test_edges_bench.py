"""What the bench of the echo line claims holds in its quick form too."""

import json
import subprocess
import sys

import pytest
from virtual_pi.programs import ROOT


@pytest.mark.usefixtures("needs_lgpio")
def test_our_line_wakes_nobody_and_is_exact_beside_a_busy_thread() -> None:
    command = [sys.executable, "-m", "bench.edges", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["idle_kernel_line"]["wake_ups_per_s"] < found["idle_lgpio_alert"]["wake_ups_per_s"] / 5
    assert found["busy_kernel_line"]["max_error_mm"] < 0.01
    assert found["busy_looking"].get("too_far", 0) == 0, "without stamps a wall is never taken for farther than it is"
