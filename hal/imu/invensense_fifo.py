"""The FIFO that InvenSense's chips share, and what it must not be believed."""

import struct
from typing import cast

from hal.errors import Overflow
from hal.imu.fifo import Words

FRAME = struct.Struct(">6h")
BURST_BYTES = 20 * FRAME.size  # 22 ms at 100 kHz, so that a sound bus never comes near registers.MAX_TRANSFER_S
# ArduPilot found that beyond 32 of its samples of 14 bytes the last ones in the FIFO are garbled, whatever size the
# data sheet gives: AP_InertialSensor_Invensense.cpp and AP_InertialSensor_Invensensev2.cpp, _read_fifo.
TRUSTED_BYTES = 448


def unpacked(name: str, data: bytes) -> list[Words]:
    """The frames in `data`; `name` begins the message.

    Raises Overflow for a frame of twelve equal bytes: an empty FIFO gives its last byte again (RM-MPU-6000A-00 4.31),
    so it held less than its count said. Six axes that measure 0x0000, 0x0101 ... 0xFFFF at once are no measurement.
    """
    for start in range(0, len(data), FRAME.size):
        if data.count(data[start], start, start + FRAME.size) == FRAME.size:
            raise Overflow(
                f"{name}: a frame of its FIFO is {FRAME.size} times {data[start]:#04x}, so it held less than its "
                "count said; something disturbs the bus: check the wiring and the length of the cable"
            )
    return cast(list[Words], list(FRAME.iter_unpack(data)))
