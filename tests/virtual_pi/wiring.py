"""What the tests connect to a virtual Pi."""

from random import Random

from hal.sim.chips.button import SimButton
from hal.sim.chips.hcsr04 import SimHcSr04
from hal.sim.chips.imu import G0_MPS2
from hal.sim.chips.mpu6050 import SimMpu6050
from hal.sim.faults import Fault
from hal.sim.i2c import Nack, SimChip
from hal.sim.virtual_pi.server import VirtualPi


class Plug:
    """Stands for a `Fault` that begins when the test says so: until `pulled` nothing is wrong."""

    word = "off"

    def __init__(self) -> None:
        self.pulled = False

    def active(self, t_s: float) -> bool:
        return self.pulled

    def random(self) -> Random:
        return Random(0)


def connect_rangefinder(pi: VirtualPi, distance_m: float | None, fault: Fault | Plug | None = None) -> None:
    """An HC-SR04 on pins 23 and 24, in front of a wall."""
    with pi.held():
        SimHcSr04(
            pi.pins,
            trigger=23,
            echo=24,
            distance_m=lambda t_s: distance_m,
            fault=fault,  # type: ignore[arg-type]
            epoch_ns=pi.clock.now_ns(),
        )


class NackBurst:
    """Lets the next `left` transfers to a chip go unacknowledged."""

    def __init__(self) -> None:
        self.left = 0
        self.chip: SimChip

    def read(self, register: int, count: int) -> bytes:
        self._answer()
        return self.chip.read(register, count)

    def write(self, register: int, data: bytes) -> None:
        self._answer()
        self.chip.write(register, data)

    def _answer(self) -> None:
        if self.left:
            self.left -= 1
            raise Nack


def connect_imu(pi: VirtualPi, burst: NackBurst | None = None) -> SimMpu6050:
    """An MPU-6050 at 0x68 of somebody who stands still."""
    with pi.held():
        chip = SimMpu6050(pi.clock, lambda t_s: ((0.0, 0.0, G0_MPS2), (0.0, 0.0, 0.0)), epoch_ns=pi.clock.now_ns())
        if burst is not None:
            burst.chip = chip
        pi.bus.add(0x68, burst or chip)
    return chip


def connect_button(pi: VirtualPi) -> None:
    """The change-over button on pins 17 and 27, which nobody presses."""
    with pi.held():
        SimButton(pi.pins, pin=17, nc_pin=27, pressed=lambda t_s: False, epoch_ns=pi.clock.now_ns())
