"""A board without hardware: the shipping drivers on simulated chips, which sense a simulated world."""

from collections.abc import Callable

from hal.board import (
    AirbagOutput,
    ButtonReader,
    LedOutput,
    MotorOutput,
    PowerReader,
    Rangefinder,
    ToneOutput,
    make_button,
)
from hal.clock import Clock
from hal.config import BoardConfig
from hal.imu.imu import Imu
from hal.sim.chips.button import SimButton
from hal.sim.clock import SimClock
from hal.sim.faults import Fault, fault_of
from hal.sim.motion_sensor import SimMotionSensor
from hal.sim.outputs import SimOutputs
from hal.sim.pins import SimPin, SimPinFactory
from hal.sim.power import SimPower
from hal.sim.rangefinders import SimRangefinders
from hal.sim.world.battery import Battery, PowerWorld
from hal.sim.world.scene import World


class SimBoard:
    """Opens parts as a real board does; the chips live on while their drivers are closed and opened again.

    The world's time is 0 at `epoch_ns`. Each part asks `new_clock` for its clock: in simulated time all get the same
    one; in real time each gets a PacedClock of its own, so that each part can have its own thread.
    """

    def __init__(
        self,
        config: BoardConfig,
        world: World,
        *,
        faults: tuple[Fault, ...] = (),
        power: PowerWorld | None = None,
        epoch_ns: int,
        new_clock: Callable[[], SimClock],
    ) -> None:
        """Raises ValueError when two faults name the same part, or one a part that is not fitted."""
        self.config = config
        self._clock = new_clock()
        self._epoch_ns = epoch_ns
        self._faults = faults
        self.motion_sensor = SimMotionSensor(
            config.imu, world.motion, clock=new_clock(), epoch_ns=epoch_ns, fault=fault_of("imu", faults)
        )
        self.rangefinders = SimRangefinders(config, world, faults=faults, epoch_ns=epoch_ns, new_clock=new_clock)
        self._button_pins = self._connect_button(SimPinFactory(new_clock()), world)
        self._outputs = SimOutputs(config, faults=faults, epoch_ns=epoch_ns, new_clock=new_clock)
        self._power = SimPower(config.power, new_clock, power or Battery(), epoch_ns=epoch_ns, faults=faults)

    @property
    def clock(self) -> Clock:
        return self._clock

    @property
    def buzzer_pin(self) -> SimPin:
        """With the history of what the buzzer did."""
        return self._outputs.buzzer_pin

    @property
    def motor_pin(self) -> SimPin:
        """With the history of what the motor did."""
        return self._outputs.motor_pin

    @property
    def led_pin(self) -> SimPin:
        """With the history of what the status LED did. Raises ValueError when there is none."""
        return self._outputs.led_pin

    @property
    def airbag_pin(self) -> SimPin:
        """With the history of what the airbag was told. Raises ValueError when there is none."""
        return self._outputs.airbag_pin

    def open_imu(self) -> Imu:
        return self.motion_sensor.open()

    def open_rangefinder(self) -> Rangefinder:
        return self.rangefinders.open()

    def open_low_rangefinder(self) -> Rangefinder:
        return self.rangefinders.open_low()

    def open_button(self) -> ButtonReader:
        return make_button(self.config.button, self._button_pins, self._button_pins.clock)

    def open_buzzer(self) -> ToneOutput:
        return self._outputs.open_buzzer()

    def open_motor(self) -> MotorOutput:
        return self._outputs.open_motor()

    def open_led(self) -> LedOutput:
        return self._outputs.open_led()

    def open_airbag(self) -> AirbagOutput:
        return self._outputs.open_airbag()

    def open_power(self) -> PowerReader:
        return self._power.open()

    def _connect_button(self, pins: SimPinFactory, world: World) -> SimPinFactory:
        SimButton(
            pins,
            pin=self.config.button.pin,
            nc_pin=self.config.button.nc_pin,
            pressed=world.pressed,
            fault=fault_of("button", self._faults),
            epoch_ns=self._epoch_ns,
        )
        return pins
