"""Opens the fuel gauge that the configuration names, or looks which one there is."""

import contextlib
from dataclasses import replace

from hal.clock import Clock
from hal.config import PowerConfig
from hal.errors import BusError, WrongDevice
from hal.i2c import I2cBus
from hal.power import ina219, max17048
from hal.power.gauge import Gauge
from hal.power.ina219 import Ina219
from hal.power.max17048 import Max17048
from hal.registers import MAX_TRANSFER_S, Registers


def open_gauge(config: PowerConfig, bus: I2cBus, clock: Clock) -> Gauge:
    """The named gauge; it closes the bus when it is closed or cannot be opened.

    Raises:
        HalError: it is missing or broken.
    """
    if config.gauge == "ina219":
        address = ina219.ADDRESSES[0] if config.address is None else config.address
        return Ina219(bus, clock, address=address, shunt_ohm=config.shunt_ohm)
    return Max17048(bus, clock, address=max17048.ADDRESS if config.address is None else config.address)


def find_gauge(config: PowerConfig, bus: I2cBus, clock: Clock) -> PowerConfig | None:
    """The configuration with the gauge that was found, or None where no gauge is; the bus stays open.

    A MAX17048 is known by its VERSION. An INA219 has no such register, and its addresses are also those of port
    expanders, converters and thermometers: only a chip whose CONFIG is as after power-on, or as this program leaves
    it, is put to the test of `ina219.identify`. One that another program has set up differently has to be named.

    Raises:
        BusError: something holds the bus up, so nothing is known.
    """
    addresses = (max17048.ADDRESS, *ina219.ADDRESSES) if config.address is None else (config.address,)
    for address in addresses:
        if address == max17048.ADDRESS:
            version = _word(bus, clock, address, max17048.VERSION)
            if version is not None and max17048.is_version(version):
                return replace(config, gauge="max17048", address=address)
        elif _word(bus, clock, address, ina219.CONFIG) in (ina219.POWER_ON, ina219.MEASURING):
            try:
                ina219.identify(Registers(bus, clock, address, f"fuel gauge at {address:#04x}", ina219.NAMES))
            except WrongDevice:
                continue
            return replace(config, gauge="ina219", address=address)
    return None


def _word(bus: I2cBus, clock: Clock, address: int, register: int) -> int | None:
    """None: nobody answers, as is to be expected at most addresses; that takes no time, unlike a bus that is held."""
    start_ns = clock.now_ns()
    word = None
    with contextlib.suppress(BusError):
        word = int.from_bytes(bus.read(address, register, 2), "big")
    took_s = (clock.now_ns() - start_ns) / 1e9
    if took_s > MAX_TRANSFER_S:
        raise BusError(f"power: looking for a fuel gauge at {address:#04x} took {took_s:.2f} s; check the bus's wiring")
    return word
