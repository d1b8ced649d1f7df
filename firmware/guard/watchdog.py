"""Tells systemd that the guard works: fed by completed turns and living readers, not by a loop that merely spins."""

import contextlib
import os
import socket
from collections.abc import Callable, Sequence

from firmware.guard.readers import Reader

STUCK_NS = 2_000_000_000  # a reader whose driver call has not come back for so long is hung
FEED_NS = 200_000_000


def systemd_notifier() -> Callable[[str], None]:
    """Sends to $NOTIFY_SOCKET; without one (not under systemd) nothing is sent. Protocol: sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return lambda _: None
    target = "\0" + address[1:] if address.startswith("@") else address

    def notify(state: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.setblocking(False)
            with contextlib.suppress(OSError):  # systemd will miss it and restart us: what a watchdog is for
                channel.sendto(state.encode(), target)

    return notify


class Watchdog:
    """`READY=1` after the first turn with every reader heard, then `WATCHDOG=1` while all of them come back.

    A disk that hangs is no reason to be killed: a new guard would hang on it too. `inbox.WorkInbox` makes it heard.
    """

    def __init__(self, notify: Callable[[str], None], readers: Sequence[Reader]) -> None:
        self._notify, self._readers = notify, readers
        self._ready = False
        self._fed_ns: int | None = None

    def turn(self, now_ns: int) -> None:
        if any(reader.polled_ns is None or now_ns - reader.polled_ns > STUCK_NS for reader in self._readers):
            return
        if not self._ready:
            self._ready = True
            self._notify("READY=1")
        if self._fed_ns is None or now_ns - self._fed_ns >= FEED_NS:
            self._fed_ns = now_ns
            self._notify("WATCHDOG=1")
