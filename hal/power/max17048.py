"""MAX17048 fuel gauge for one lithium cell. "DS" is Maxim's data sheet 19-6171, revision 7; its sections have names.

The chip is fed by the cell that it measures: without a cell, nothing answers at its address.
"""

from hal.clock import Clock
from hal.errors import BusError, HalError, WrongConfig, WrongDevice
from hal.i2c import I2cBus
from hal.power.gauge import LEAST_CELL_V, MOST_CELL_V, BatteryReading, read_word, write_word
from hal.registers import Registers

ADDRESS = 0x36  # the only one (DS "Slave Address")

VCELL = 0x02  # DS "VCELL Register (0x02)"
MODE = 0x06  # DS "MODE Register (0x06)"
VERSION = 0x08  # DS "VERSION Register (0x08)"
HIBRT = 0x0A  # DS "HIBRT Register (0x0A)"
CONFIG = 0x0C  # DS "CONFIG Register (0x0C)"
STATUS = 0x1A  # DS "STATUS Register (0x1A)"

NAMES = {HIBRT: "HIBRT", CONFIG: "CONFIG"}

VOLTS_PER_LSB = 78.125e-6  # VCELL, by the cell
SHARE_PER_LSB = 1 / 25600  # SOC (0x04, right after VCELL): 1 %/256
MOST_SHARE = 1.1  # the model overshoots by some per cent at the end of a charge

AWAKE = 0x0000  # MODE: sleep not allowed, no quick-start (it would throw the learned charge away)
NEVER_HIBERNATE = 0x0000  # HIBRT; in hibernation the voltage would be up to 45 s old
CONFIG_DEFAULT = 0x971C  # model for 20 °C, awake, alert at 4 %
ALERT = 0x0020  # CONFIG: the chip sets it itself, below 4 %
RESET_INDICATOR = 0x0100  # STATUS: set at power-on, cleared by the host
FIRST_SHARE_NS = 2_000_000_000  # DS "SOC Register": about 1 s after power-on; twice that

OTHER_VERSIONS = {
    0x0000: "the data line reads low",
    0x0002: "a MAX17040, which is not supported",
    0x0003: "a MAX17043, which is not supported",
    0xFFFF: "the data line reads high",
}


def is_version(word: int) -> bool:
    """Whether VERSION is that of a MAX17048 (or MAX17049, which cannot be told apart and tells volts by the cell)."""
    return word & 0xFFF0 == 0x0010


class Max17048:
    """Opened without resetting it: the charge that it has learned since its cell was connected is worth keeping.

    The driver owns its bus: it closes it in `close()`, and when the chip cannot be opened.
    """

    def __init__(self, bus: I2cBus, clock: Clock, *, address: int = ADDRESS) -> None:
        """Identify the chip, keep it from sleeping, and read the settings back.

        Raises:
            DeviceNotFound: nothing answers at `address`.
            WrongDevice: it is another chip.
            WrongConfig: a setting does not hold.
            BusError: a transfer failed or took longer than 50 ms.
        """
        self._bus, self._clock = bus, clock
        self._registers = Registers(bus, clock, address, f"fuel gauge at {address:#04x}", NAMES)
        try:
            self._open()
        except HalError:
            bus.close()
            raise

    def read(self) -> BatteryReading:
        """Voltage of the cell and share of its charge; all unknown for 2 s after a power-on, until the first estimate.

        Raises:
            WrongConfig: the chip was reset (its cell was taken out, or sagged below 3 V); open it again.
            BusError: a transfer failed or took longer than 50 ms, or gave what no cell can have.
        """
        words = self._registers.read(VCELL, 4)
        self._check()
        if self._clock.now_ns() < self._estimated_ns:
            return BatteryReading()
        voltage_v = int.from_bytes(words[:2], "big") * VOLTS_PER_LSB
        share = int.from_bytes(words[2:], "big") * SHARE_PER_LSB
        if not LEAST_CELL_V <= voltage_v <= MOST_CELL_V or share > MOST_SHARE:
            raise BusError(
                f"{self._registers.name}: a cell of {voltage_v:.2f} V that is {share:.0%} full, expected "
                f"{LEAST_CELL_V} to {MOST_CELL_V} V and at most {MOST_SHARE:.0%}; check its wiring and the cell"
            )
        return BatteryReading(min(share, 1.0), voltage_v)

    def close(self) -> None:
        self._bus.close()

    def _open(self) -> None:
        self._registers.identify(VERSION)
        version = read_word(self._registers, VERSION)
        if not is_version(version):
            known = f" ({OTHER_VERSIONS[version]})" if version in OTHER_VERSIONS else ""
            raise WrongDevice(
                f"{self._registers.name}: VERSION is {version:#06x}{known}, expected 0x001_ (MAX17048); "
                "check power.gauge and power.address in rearguard.toml"
            )
        fresh = read_word(self._registers, STATUS) & RESET_INDICATOR
        self._estimated_ns = self._clock.now_ns() + (FIRST_SHARE_NS if fresh else 0)
        for register, value in ((MODE, AWAKE), (HIBRT, NEVER_HIBERNATE), (CONFIG, CONFIG_DEFAULT), (STATUS, 0)):
            write_word(self._registers, register, value)
        self._check()

    def _check(self) -> None:
        """After the values, so that a reset in between is seen."""
        settings = self._registers.read(HIBRT, 4)
        self._registers.compare(HIBRT, int.from_bytes(settings[:2], "big"), NEVER_HIBERNATE)
        self._registers.compare(CONFIG, int.from_bytes(settings[2:], "big") & ~ALERT, CONFIG_DEFAULT)
        if read_word(self._registers, STATUS) & RESET_INDICATOR:
            raise WrongConfig(
                f"{self._registers.name}: STATUS says that it was reset, so its estimate begins anew; "
                "check the plug of the battery, and the battery: below 3 V the gauge starts over"
            )
