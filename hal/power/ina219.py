"""INA219 voltage and current monitor at the battery. "DS" is Texas Instruments' data sheet SBOS448G.

It measures and does not count: how full the battery is stays unknown. Current is positive from IN+ to IN-, so that
it counts as discharge where the battery is at IN+.
"""

from hal.clock import Clock
from hal.errors import BusError, HalError, NoData, WrongDevice
from hal.i2c import I2cBus
from hal.power.gauge import LEAST_CELL_V, BatteryReading, read_word, write_word
from hal.registers import Registers

ADDRESSES = range(0x40, 0x50)  # by its pins A0 and A1 (DS 8.5.5.1)

CONFIG = 0x00  # DS 8.6.2.1
SHUNT_VOLTAGE = 0x01  # DS 8.6.3.1
BUS_VOLTAGE = 0x02  # DS 8.6.3.2
POWER = 0x03  # DS 8.6.3.3; reading it clears CONVERSION_READY
CALIBRATION = 0x05  # DS 8.6.4.1; left at 0: volts over the shunt by its ohms need no scaling in the chip (DS 8.5.3)

NAMES = {CONFIG: "CONFIG"}

RESET = 0x8000  # CONFIG; clears itself
POWER_ON = 0x399F  # CONFIG after power-on and after RESET
NEVER_SET = 0xC000  # CONFIG: RESET clears itself, and bit 14 does not exist
MEASURING = 0x3FFF  # CONFIG: 32 V, 320 mV, both averaged over 128 conversions of 0.53 ms (DS table 5), for ever
CONVERSION_READY = 0x0002  # BUS_VOLTAGE
VOLTS_PER_LSB = 4e-3  # BUS_VOLTAGE, from bit 3 on
SHUNT_VOLTS_PER_LSB = 10e-6
SHUNT_FULL_SCALE = 32000  # ±320 mV
MOST_BUS_V = 26.0  # DS 7.3
MEASURE_S = 0.16  # 2 * 128 conversions of up to 0.586 ms (DS 7.5), 150.02 ms


def identify(registers: Registers) -> None:
    """Make as sure as can be of a chip without an identity register; the chip is reset by that.

    Nothing is written to a chip whose CONFIG has a bit that an INA219 cannot set. Then RESET has to bring CONFIG to
    0x399F, and bit 0 of CALIBRATION must not be settable (DS 8.6.4.1). An INA220 does the same and measures the same.

    Raises:
        WrongDevice: it behaves differently.
        BusError: a transfer failed or took longer than 50 ms.
    """
    found = read_word(registers, CONFIG)
    if found & NEVER_SET:
        raise _other(registers, f"CONFIG is {found:#06x}, expected bits 14 and 15 to be 0")
    write_word(registers, CONFIG, RESET)
    found = read_word(registers, CONFIG)
    if found != POWER_ON:
        raise _other(registers, f"CONFIG is {found:#06x} after a reset, expected {POWER_ON:#06x}")
    write_word(registers, CALIBRATION, 0xFFFF)
    found = read_word(registers, CALIBRATION)
    write_word(registers, CALIBRATION, 0)
    if found != 0xFFFE:
        raise _other(registers, f"CALIBRATION is {found:#06x} after writing 0xffff, expected 0xfffe")


def _other(registers: Registers, found: str) -> WrongDevice:
    return WrongDevice(
        f"{registers.name}: {found} (INA219); check power.gauge and power.address in rearguard.toml, "
        "and what else is on the bus"
    )


class Ina219:
    """The driver owns its bus: it closes it in `close()`, and when the chip cannot be opened."""

    def __init__(self, bus: I2cBus, clock: Clock, *, address: int, shunt_ohm: float) -> None:
        """Identify the chip, set it up and wait for its first measurement (0.16 s).

        Raises:
            DeviceNotFound: nothing answers at `address`.
            WrongDevice: it is another chip.
            WrongConfig: the settings do not hold.
            BusError: a transfer failed or took longer than 50 ms.
        """
        self._bus, self._shunt_ohm = bus, shunt_ohm
        self._registers = Registers(bus, clock, address, f"fuel gauge at {address:#04x}", NAMES)
        try:
            self._registers.identify(CONFIG)
            identify(self._registers)
            write_word(self._registers, CONFIG, MEASURING)
            self._check()
            clock.sleep(MEASURE_S)
        except HalError:
            bus.close()
            raise

    def read(self) -> BatteryReading:
        """Voltage and current, means of 68 ms; the current is unknown beyond what the shunt can measure.

        Raises:
            NoData: nothing was measured since the last reading.
            WrongConfig: the chip lost its settings; open it again.
            BusError: a transfer failed or took longer than 50 ms, or gave what no battery can have.
        """
        bus_word = read_word(self._registers, BUS_VOLTAGE)
        shunt_word = int.from_bytes(self._registers.read(SHUNT_VOLTAGE, 2), "big", signed=True)
        read_word(self._registers, POWER)
        self._check()
        if not bus_word & CONVERSION_READY:
            raise NoData(
                f"{self._registers.name}: nothing measured since the last reading, expected one in {MEASURE_S} s; "
                "switch the device off and on"
            )
        voltage_v = (bus_word >> 3) * VOLTS_PER_LSB
        if not LEAST_CELL_V <= voltage_v <= MOST_BUS_V:
            raise BusError(
                f"{self._registers.name}: {voltage_v:.2f} V, expected {LEAST_CELL_V} to {MOST_BUS_V:.0f} V of a "
                "battery; check that its VIN- is wired to the supply"
            )
        if abs(shunt_word) >= SHUNT_FULL_SCALE:
            return BatteryReading(None, voltage_v)
        return BatteryReading(None, voltage_v, shunt_word * SHUNT_VOLTS_PER_LSB / self._shunt_ohm)

    def close(self) -> None:
        self._bus.close()

    def _check(self) -> None:
        self._registers.compare(CONFIG, read_word(self._registers, CONFIG), MEASURING)
