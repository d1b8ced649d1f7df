"""A simulated echo-line rangefinder with its driver, pinged as the guard does."""

from hal.errors import HalError
from hal.hcsr04 import EchoModel, HcSr04
from hal.sim.chips.hcsr04 import SimHcSr04
from hal.sim.faults import Fault
from hal.sim.pins import SimPinFactory

PERIOD_S = 0.06

Answer = float | str | None
"""A distance in m, None for nothing in range, the name of an error, or "nothing new" while a pulse lasts."""


class Wall:
    """A wall at a distance that a test can change."""

    def __init__(self, distance_m: float | None = 1.5) -> None:
        self.distance_m = distance_m

    def __call__(self, t_s: float) -> float | None:
        return self.distance_m


class Rig:
    """A sensor, pinged every 60 ms, in front of a wall; the world began with the clock."""

    def __init__(
        self,
        pins: SimPinFactory,
        fault: Fault | None = None,
        *,
        model: EchoModel = "hcsr04",
        no_object_s: float | None = None,
        temperature_c: float = 20.0,
    ) -> None:
        self.pins, self.clock = pins, pins.clock
        self.epoch_ns = self.clock.now_ns()
        self.wall = Wall()
        self.chip = SimHcSr04(
            pins,
            trigger=23,
            echo=24,
            distance_m=self.wall,
            model=model,
            temperature_c=temperature_c,
            fault=fault,
            no_object_s=no_object_s,
            epoch_ns=self.epoch_ns,
        )
        self.sensor = HcSr04(pins, self.clock, trigger=23, echo=24, model=model, temperature_c=temperature_c)

    def ping(self) -> Answer:
        """One reading; then wait until the next ping is due."""
        due_ns = self.clock.now_ns() + round(PERIOD_S * 1e9)
        try:
            samples = self.sensor.read()
            return samples[0].distance_m if samples else "nothing new"
        except HalError as error:
            return type(error).__name__
        finally:
            self.clock.advance_to(due_ns)

    def pings(self, seconds: float) -> list[Answer]:
        return [self.ping() for _ in range(round(seconds / PERIOD_S))]

    def until(self, t_s: float) -> None:
        self.clock.advance_to(self.epoch_ns + round(t_s * 1e9))


def late_echo(pins: SimPinFactory, at_s: float, width_s: float = 0.003) -> None:
    """Somebody's answer to a ping long ago."""
    echo, rise_ns = pins.sim_pin(24), pins.clock.now_ns() + round(at_s * 1e9)
    fall_ns = rise_ns + round(width_s * 1e9)
    pins.clock.call_at(rise_ns, lambda: echo.drive(True, rise_ns))
    pins.clock.call_at(fall_ns, lambda: echo.drive(False, fall_ns))
