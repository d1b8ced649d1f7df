"""The bus of a BNO055, which stretches the I2C clock: its errors say what helps."""

from hal.errors import BusError
from hal.i2c import I2cBus

CLOCK_ADVICE = (
    "a BNO055 stretches the I2C clock, which a Pi before the Pi 5 gets wrong: add dtoverlay=i2c-gpio,bus=3 to "
    "/boot/firmware/config.txt and set imu.bus = 3, or at 100 Hz try dtparam=i2c_arm_baudrate=50000"
)


def _advised(error: BusError) -> BusError:
    advised = BusError(f"{error}; {CLOCK_ADVICE}")
    advised.code = error.code
    return advised


class AdvisingBus:
    """An I2cBus whose errors say what helps with this chip."""

    def __init__(self, bus: I2cBus) -> None:
        self._bus = bus
        self.receive, self.close = bus.receive, bus.close

    def read(self, address: int, register: int, count: int) -> bytes:
        try:
            return self._bus.read(address, register, count)
        except BusError as error:
            raise _advised(error) from error

    def write(self, address: int, register: int, data: bytes) -> None:
        try:
            self._bus.write(address, register, data)
        except BusError as error:
            raise _advised(error) from error
