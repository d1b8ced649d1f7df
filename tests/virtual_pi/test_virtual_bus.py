"""The I2C bus as unmodified smbus2 sees it: the kernel's own error numbers, and what our bus makes of them."""

import errno

import pytest
from virtual_pi.conftest import Run
from virtual_pi.wiring import connect_imu

from hal.sim.virtual_pi.server import VirtualPi

ASK = """
import smbus2
from hal.errors import HalError
from hal.i2c import SmbusBus

def error_of(action):
    try:
        action()
    except OSError as error:
        return error.errno
    except HalError as error:
        return [type(error).__name__, str(error)]
"""


def test_address_where_nothing_is_gives_the_number_that_a_pi_gives(run: Run) -> None:
    program = run(
        ASK
        + """
say(error_of(lambda: smbus2.SMBus(1).read_byte_data(0x29, 0)))
say(error_of(lambda: SmbusBus(1).read(0x29, 0, 1)))
"""
    )
    assert program.says() == errno.EREMOTEIO == 121
    kind, message = program.says()
    assert kind == "BusError"
    assert "no answer at 0x29; check its wiring and its 3.3 V supply (errno 121)" in message


def test_bus_that_is_held_low_times_out_and_the_message_says_so(pi: VirtualPi, run: Run) -> None:
    connect_imu(pi)
    pi.bus.held_low = True
    program = run(
        ASK
        + """
say(error_of(lambda: smbus2.SMBus(1).read_byte_data(0x68, 0x75)))
say(error_of(lambda: SmbusBus(1).read(0x68, 0x75, 1)))
"""
    )
    assert program.says() == errno.ETIMEDOUT == 110
    kind, message = program.says()
    assert kind == "BusError"
    assert "something holds SDA or SCL low" in message


@pytest.mark.parametrize(
    ("code", "kind", "advice"),
    [
        (errno.ENOENT, "DeviceNotFound", "set dtparam=i2c_arm=on in /boot/firmware/config.txt"),
        (errno.EACCES, "BusError", "add this user to the group i2c"),
    ],
)
def test_bus_that_cannot_be_opened_is_told_with_what_to_do(
    pi: VirtualPi, run: Run, code: int, kind: str, advice: str
) -> None:
    pi.refused["/dev/i2c-1"] = code
    found, message = run(ASK + "say(error_of(lambda: SmbusBus(1)))\n").says()
    assert found == kind
    assert advice in message


def test_programs_that_use_smbus_calls_find_the_same_registers(pi: VirtualPi, run: Run) -> None:
    connect_imu(pi)
    program = run(
        """
import smbus2
bus = smbus2.SMBus(1)
found = [bus.read_byte_data(0x68, 0x75), bus.read_byte_data(0x68, 0x6B)]
bus.write_byte_data(0x68, 0x6B, 0x01)
bus.write_i2c_block_data(0x68, 0x19, [0x09, 0x03])
found += [bus.read_word_data(0x68, 0x19), bus.read_i2c_block_data(0x68, 0x19, 2)]
bus.write_byte(0x68, 0x75)
found += [bus.read_byte(0x68), bus.funcs & smbus2.smbus2.I2cFunc.I2C == smbus2.smbus2.I2cFunc.I2C]
say(found)
"""
    )
    assert program.says() == [0x68, 0x40, 0x0309, [0x09, 0x03], 0x68, True]
    program.end()
