"""The airbag's pin on a simulated pad: pulses of a bounded length, on a pin that is low while a Pi starts."""

from dataclasses import replace

import pytest

from hal.airbag import Airbag, make_airbag
from hal.config import AIRBAG_PINS, AirbagConfig, BoardConfig, LedConfig
from hal.errors import DeviceNotFound
from hal.sim.board import SimBoard
from hal.sim.clock import SimClock
from hal.sim.pins import PadState, SimPinFactory
from hal.sim.timer import SimTimer
from hal.sim.world.scenarios import scenario

PIN = 22


@pytest.mark.parametrize("pulse_s", [0.05, 0.5, 2.0])
def test_pulse_ends_by_its_own_timer_after_its_length(pins: SimPinFactory, clock: SimClock, pulse_s: float) -> None:
    airbag = Airbag(pins, clock, SimTimer(clock), pin=PIN, pulse_s=pulse_s)
    from_ns = clock.now_ns()
    airbag.on()
    clock.sleep(10.0)
    ends_ns = from_ns + round(pulse_s * 1e9)
    assert pins.sim_pin(PIN).history == [PadState(from_ns, 1.0, None), PadState(ends_ns, 0.0, None)]


def test_pin_that_is_not_configured_is_not_found(pins: SimPinFactory, clock: SimClock) -> None:
    with pytest.raises(DeviceNotFound, match=r"airbag: there is none; set airbag\.pin"):
        make_airbag(AirbagConfig(), lambda: pins, clock, SimTimer(clock))
    clock = SimClock()
    board = SimBoard(BoardConfig(), scenario("stand"), epoch_ns=0, new_clock=lambda: clock)
    with pytest.raises(ValueError, match=r"there is no airbag; set airbag\.pin"):
        _ = board.airbag_pin


def test_there_is_no_pin_by_default() -> None:
    assert BoardConfig().airbag.pin is None


@pytest.mark.parametrize("pin", [*range(9), 14, 15, 28])
def test_pin_that_may_be_high_while_the_pi_starts_is_refused(pin: int) -> None:
    with pytest.raises(ValueError, match=r"airbag\.pin \(\d+\) must be low while the Pi starts"):
        AirbagConfig(pin=pin)
    assert pin not in AIRBAG_PINS


@pytest.mark.parametrize("wrong", [{"pulse_s": 0.04}, {"pulse_s": 2.1}, {"pulse_s": float("nan")}, {"apart_s": 4.9}])
def test_pulse_cannot_be_set_too_long_nor_the_pause_too_short(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must lie between"):
        AirbagConfig(**wrong)  # type: ignore[arg-type]


def test_pin_that_something_else_has_is_refused() -> None:
    with pytest.raises(ValueError, match=r"airbag\.pin and led\.pin are both pin 16"):
        replace(BoardConfig(), led=LedConfig(pin=16), airbag=AirbagConfig(pin=16))
