"""The other end of a child's $NOTIFY_SOCKET: what systemd's WatchdogSec does, where no systemd looks after it."""

import os
import secrets
import socket
import time

START_S = 20.0  # until it is heard first: four Pythons that start at once on a small Pi
HUNG_S = 3.0  # a little more patient than the units, because whoever listens here has other things to do
LONGEST_WORD = 4096


class Heartbeat:
    """Hears `WATCHDOG=1` of one process. Protocol: sd_notify(3)."""

    def __init__(self) -> None:
        name = f"rearguard-{os.getpid()}-{secrets.token_hex(8)}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self._socket.bind("\0" + name)  # abstract: nothing is left behind in a folder, however we end
        self.address = "@" + name
        self.restart()

    def restart(self) -> None:
        """The process was started, or is about to be."""
        self._take()
        self._since_s, self._patience_s = time.monotonic(), START_S

    def stopped(self) -> bool:
        """Whether it has not been heard for so long that it hangs."""
        now_s = time.monotonic()
        if self._take():
            self._since_s, self._patience_s = now_s, HUNG_S
        return now_s - self._since_s > self._patience_s

    def close(self) -> None:
        self._socket.close()

    def _take(self) -> bool:
        heard = False
        while True:
            try:
                heard |= b"WATCHDOG=1" in self._socket.recv(LONGEST_WORD).split(b"\n")
            except BlockingIOError:
                return heard
