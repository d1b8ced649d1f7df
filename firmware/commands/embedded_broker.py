"""The broker that a simulated walk brings along where none is named: on this machine alone, on a free port."""

import time

from firmware.commands.processes import Child
from firmware.errors import RearguardError, how_to_add

PATIENCE_S = 20.0


class EmbeddedBroker:
    """Listens once it is made.

    Raises:
        RearguardError: it does not come up.
    """

    def __init__(self) -> None:
        self._child = Child("broker", "caregiver.broker", ["--port", "0"])
        self._told_end = False
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s and self._child.exit_code is None:
            line = self._child.line(timeout_s=0.2)
            if line and line.startswith("listening "):
                host, _, port = line.removeprefix("listening ").rpartition(":")
                self.host, self.port = host, int(port)
                return
        self._child.stop()
        raise RearguardError(f"the embedded broker did not start; {how_to_add('demo')}, or name a broker with --broker")

    def ended(self) -> bool:
        """True once, when it has ended by itself."""
        if self._told_end or self._child.exit_code is None:
            return False
        self._told_end = True
        return True

    def stop(self) -> None:
        self._child.stop()
