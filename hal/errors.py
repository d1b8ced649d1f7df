"""What can go wrong with the hardware. A driver raises one of these; it never returns an old value."""


class HalError(Exception):
    """A part of the device cannot be trusted now; the message says which, what was found, and what to do."""


class BusError(HalError):
    """A transfer on the I2C bus failed or took too long."""

    code: int | None = None  # the errno that the kernel gave; see hal.i2c


class DeviceNotFound(HalError):
    """Nothing answers where a part is expected."""


class WrongDevice(HalError):
    """Something answers, but it is not the part that the configuration names."""


class WrongConfig(HalError):
    """A chip lost its settings (a reset or brown-out), so its numbers mean something else."""


class Overflow(HalError):
    """Samples were lost because they were not fetched in time."""


class NoData(HalError):
    """A sensor that should have new samples has none."""


class StuckAxis(NoData):
    """One axis of a motion sensor gives the same number for ever; the other ones may go on."""


class TooSlow(HalError):
    """A sensor makes far fewer samples than it was set to."""


class NoEcho(HalError):
    """The echo line did not answer the trigger, so nothing is known about the way behind."""


class EchoStuck(HalError):
    """The echo line does not return to low, so nothing is known about the way behind."""


class ImplausibleEcho(HalError):
    """An echo came at a time or with a width that the sensor cannot produce."""


class ContactFault(HalError):
    """The button's two contacts contradict each other: a wire is cut or shorted."""


class OutputFault(HalError):
    """An output pin does not follow what is written to it."""


class PinsUnavailable(HalError):
    """The chosen GPIO library, or a pin of it, cannot be used on this machine; opening the part anew may help."""
