"""What can go wrong in the firmware, each with a message that somebody can act on."""

import sys


def how_to_add(extra: str) -> str:
    """The command that installs an optional package where this runs; there is no package of Rearguard to download."""
    return f"in the clone, run {sys.executable} -m pip install -e '.[{extra}]'"


class RearguardError(Exception):
    """Shown to the user as one line."""


class ConfigError(RearguardError, ValueError):
    """A setting is unknown, of the wrong kind or outside its limits."""


class RecordingError(RearguardError):
    """A recording cannot be read."""


class JournalError(RearguardError):
    """The journal cannot be opened or written."""


class NoHardware(RearguardError):
    """This machine has not the parts that the command needs."""


class AlreadyRunning(RearguardError):
    """Two processes of one name would take each other's sockets."""


class MissingExtra(RearguardError):
    """An optional package that this command needs is not installed."""
