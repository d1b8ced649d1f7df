"""The countdown after a fall is at its loudest when it ends, whatever its length is set to."""

from dataclasses import replace
from pathlib import Path

import pytest

from firmware.config import Config
from firmware.core.messages import Pattern, SetPattern
from firmware.virtual import VirtualDevice
from hal.buzzer import Buzzer
from hal.sim.world.scenarios import scenario


@pytest.mark.parametrize("countdown_s", [10.0, 20.0])
def test_countdown_is_at_full_volume_at_its_end_and_was_not_before(tmp_path: Path, countdown_s: float) -> None:
    core = Config().core
    config = replace(Config(), core=replace(core, fall=replace(core.fall, countdown_s=countdown_s)))
    device = VirtualDevice(config, scenario("fall"), tmp_path)
    device.run_until(25.0 + countdown_s)
    decided = [output for output in device.log.outputs if isinstance(output, SetPattern)]
    at = next(i for i, output in enumerate(decided) if output.pattern is Pattern.FALL_COUNTDOWN)
    start_ns, end_ns = decided[at].t_ns, decided[at + 1].t_ns
    assert end_ns - start_ns == pytest.approx(countdown_s * 1e9, rel=0.1)
    duties = [(state.t_ns, state.level) for state in device.board.buzzer_pin.history if state.frequency_hz]
    half_ns = (start_ns + end_ns) // 2
    early = max(duty for t_ns, duty in duties if start_ns <= t_ns < half_ns)
    late = max(duty for t_ns, duty in duties if end_ns - 2_000_000_000 <= t_ns < end_ns)
    device.end()
    assert early < 0.75 * Buzzer.MAX_DUTY
    assert late > 0.85 * Buzzer.MAX_DUTY
