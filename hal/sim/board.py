"""A board without hardware: the shipping drivers on simulated chips, which sense a simulated world."""

from collections.abc import Callable

from hal.board import (
    BoardConfig,
    ButtonReader,
    Imu,
    MotorOutput,
    Rangefinder,
    ToneOutput,
    make_button,
    make_imu,
    make_rangefinder,
)
from hal.buzzer import Buzzer
from hal.clock import Clock
from hal.haptic import Motor
from hal.sim.chips.button import SimButton
from hal.sim.chips.hcsr04 import SimHcSr04
from hal.sim.chips.mpu6050 import SimMpu6050
from hal.sim.chips.pad import FaultyPad
from hal.sim.clock import SimClock
from hal.sim.faults import Fault, fault_of
from hal.sim.i2c import SimI2cBus
from hal.sim.pins import SimPin, SimPinFactory
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
        epoch_ns: int,
        new_clock: Callable[[], SimClock],
    ) -> None:
        """Raises ValueError when two faults name the same part."""
        self.config = config
        self._clock = new_clock()
        self._epoch_ns = epoch_ns
        self._faults = faults
        self._imu_clock = new_clock()
        self._imu_chip = SimMpu6050(
            self._imu_clock,
            world.motion,
            epoch_ns=epoch_ns,
            fault=fault_of("imu", faults),
            mounting=config.imu.mounting,
        )
        self._rangefinder_pins = self._connect_rangefinder(SimPinFactory(new_clock()), world)
        self._button_pins = self._connect_button(SimPinFactory(new_clock()), world)
        self._buzzer_pins = self._connect_output(SimPinFactory(new_clock()), "buzzer", config.buzzer.pin)
        self._motor_pins = self._connect_output(SimPinFactory(new_clock()), "motor", config.motor.pin)

    @property
    def clock(self) -> Clock:
        return self._clock

    @property
    def buzzer_pin(self) -> SimPin:
        """With the history of what the buzzer did."""
        return self._buzzer_pins.sim_pin(self.config.buzzer.pin)

    @property
    def motor_pin(self) -> SimPin:
        """With the history of what the motor did."""
        return self._motor_pins.sim_pin(self.config.motor.pin)

    def open_imu(self) -> Imu:
        bus = SimI2cBus(self._imu_clock, number=self.config.imu.bus)
        bus.add(self.config.imu.address, self._imu_chip)
        return make_imu(self.config.imu, bus, self._imu_clock)

    def open_rangefinder(self) -> Rangefinder:
        return make_rangefinder(self.config.rangefinder, self._rangefinder_pins, self._rangefinder_pins.clock)

    def open_button(self) -> ButtonReader:
        return make_button(self.config.button, self._button_pins, self._button_pins.clock)

    def open_buzzer(self) -> ToneOutput:
        return Buzzer(self._buzzer_pins, self._buzzer_pins.clock, pin=self.config.buzzer.pin)

    def open_motor(self) -> MotorOutput:
        return Motor(self._motor_pins, self._motor_pins.clock, pin=self.config.motor.pin)

    def _connect_rangefinder(self, pins: SimPinFactory, world: World) -> SimPinFactory:
        SimHcSr04(
            pins,
            trigger=self.config.rangefinder.trigger,
            echo=self.config.rangefinder.echo,
            distance_m=world.distance_m,
            temperature_c=self.config.rangefinder.temperature_c,
            fault=fault_of("rangefinder", self._faults),
            epoch_ns=self._epoch_ns,
        )
        return pins

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

    def _connect_output(self, pins: SimPinFactory, part: str, pin: int) -> SimPinFactory:
        fault = fault_of(part, self._faults)
        pins.sim_pin(pin).pad_model = FaultyPad(pins.clock, fault, epoch_ns=self._epoch_ns)
        return pins
