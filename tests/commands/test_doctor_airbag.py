"""Doctor and the airbag's pin: looked at, named, and never raised unless that is asked for."""

from pathlib import Path

import pytest
from support.doctor import doctor, well_fitted

from firmware.commands.checks.check import side_by_side
from firmware.commands.examination import Examination
from firmware.core.config import CoreConfig
from hal.config import AirbagConfig, BoardConfig
from hal.sim.board import SimBoard
from hal.sim.clock import SimClock
from hal.sim.world.scenarios import scenario

CONFIG = BoardConfig(airbag=AirbagConfig(pin=22))


def pulses(*, self_test: bool, pulse_airbag: bool) -> int:
    """How often the pin rose while a whole device was examined."""
    boards: list[SimBoard] = []

    def board() -> SimBoard:
        clock = SimClock()
        boards.append(SimBoard(CONFIG, scenario("stand"), epoch_ns=0, new_clock=lambda: clock))
        return boards[-1]

    asked = {"self_test": self_test, "pulse_airbag": pulse_airbag}
    side_by_side(Examination(CONFIG, CoreConfig(), board, mounting_told=["square"], **asked).jobs(), None)
    return sum(state.level > 0 for made in boards for state in made.airbag_pin.history)


@pytest.mark.parametrize("self_test", [False, True])
def test_pin_is_never_raised_unless_that_is_asked_for(self_test: bool) -> None:
    assert pulses(self_test=self_test, pulse_airbag=False) == 0
    assert pulses(self_test=self_test, pulse_airbag=True) == 2


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((), "found: its pin is low; not pulsed: --pulse-airbag does, with nothing charged connected"),
        (("--pulse-airbag",), "found: its pin follows; did you measure it?"),
    ],
)
def test_pin_is_named_with_what_was_done_to_it(
    asked: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, checks = doctor(capsys, "--simulated", "--config", str(well_fitted(tmp_path)), *asked)
    assert (checks["airbag"]["status"], checks["airbag"]["detail"]) == ("ok", said)


@pytest.mark.parametrize("word", ["off", "wrong", "slow"])
def test_pin_that_is_not_low_or_cannot_be_written_is_found_without_a_pulse(
    word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = ("--fault", f"{word}:airbag")
    code, checks = doctor(capsys, "--simulated", "--config", str(well_fitted(tmp_path)), *fault)
    assert (code, checks["airbag"]["status"]) == (1, "fail")
    assert "; header pins: the logic input 15 (GPIO 22)" in checks["airbag"]["hint"]


def test_device_without_a_pin_is_not_asked_about_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert "airbag" not in doctor(capsys, "--simulated", "--pulse-airbag")[1]
