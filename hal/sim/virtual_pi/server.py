"""A Raspberry Pi without one: unmodified programs find /dev/i2c-1 and /dev/gpiochip0, and simulated chips behind them.

    with VirtualPi(build(folder)) as pi:
        pi.bus.add(0x68, SimMpu6050(pi.clock, motion))
        SimHcSr04(pi.pins, trigger=23, echo=24, distance_m=lambda t_s: 1.5)
        subprocess.run([sys.executable, "program.py"], env=os.environ | pi.environment)

What is real: smbus2, gpiozero, lgpio with its C library, processes and signals. What is simulated: kernel and chips.
"""

import array
import errno
import selectors
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Protocol

from hal.sim.clock import PacedClock
from hal.sim.pins import SimPinFactory
from hal.sim.virtual_pi.gpio import GET_LINE_NR, GpioChip, LineRequest
from hal.sim.virtual_pi.i2c import I2cAdapter

SOURCE = Path(__file__).with_name("device.c")
MODEL = "Raspberry Pi 4 Model B Rev 1.4"
FILES = {
    "dev/gpiochip0": "",  # is there; opened through a connection
    "dev/i2c-1": "",
    "proc/cpuinfo": f"Hardware\t: BCM2835\nRevision\t: c03114\nModel\t\t: {MODEL}\n",
    "proc/device-tree/model": f"{MODEL}\0",
}
LABEL = "pinctrl-bcm2711"

OPEN, RELEASE = 0, 1  # as in device.c
_HEADER = struct.Struct("=II")  # what is asked for, or an errno; how many bytes follow
_LARGEST = 16384


def has_lgpio() -> bool:
    """Whether programs here can use pins: the real lgpio is there, not the empty package of the same name."""
    return find_spec("_lgpio") is not None


def compiler() -> str:
    """Where the C compiler is. Raises RuntimeError when there is none."""
    found = shutil.which("gcc") or shutil.which("cc")
    if found is None:
        raise RuntimeError("virtual Pi: there is no C compiler; install it with `sudo apt-get install gcc libc6-dev`")
    return found


def build(folder: Path) -> Path:
    """Compile the library that is preloaded; takes half a second.

    Raises:
        RuntimeError: there is no C compiler, or it failed.
    """
    library = folder / "device.so"
    options = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread"]
    command = [compiler(), *options, "-o", str(library), str(SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"virtual Pi: {SOURCE.name} does not compile; is libc6-dev installed?\n{done.stderr}")
    return library


class Device(Protocol):
    """What an open descriptor stands for."""

    def ioctl(self, request: int, data: bytes) -> bytes:
        """Raises OSError for what the kernel would refuse."""
        ...


class _Clock(PacedClock):
    def idle_s(self) -> float | None:
        """How long nothing is due; None for ever."""
        return max(self._due[0][0] - self.now_ns(), 0) / 1e9 if self._due else None


class _Connection:
    """A descriptor that a program opened; until it has said which, none."""

    def __init__(self, stream: socket.socket, device: Device | None = None) -> None:
        self.stream, self.device = stream, device


class VirtualPi:
    """Serves the devices while its `with` block lasts, all chip models in one thread.

    Connect chips to `pins` and `bus` before; afterwards touch anything of it only while it is `held`.
    """

    def __init__(self, library: Path) -> None:
        """`library`: what `build` made."""
        self._clock = _Clock()
        self.pins = SimPinFactory(self._clock)
        self.chip = GpioChip(self.pins, label=LABEL)
        self.bus = I2cAdapter()
        self.refused: dict[str, int] = {}  # paths of devices, and the errno with which they cannot be opened
        self._library = library
        self._lock = threading.Lock()
        self._running = True
        self._connections: set[_Connection] = set()
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="virtual-pi", daemon=True)

    @property
    def clock(self) -> PacedClock:
        return self._clock

    @property
    def environment(self) -> dict[str, str]:
        """What a program must be started with, beside its usual environment."""
        return {
            "LD_PRELOAD": str(self._library),
            "VIRTUAL_PI": f"{self._folder.name}/socket",
            "VIRTUAL_PI_ROOT": f"{self._folder.name}/root",
            "RUNTIME_DIRECTORY": self._folder.name,
        }

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold it still while another thread touches chips or pins."""
        with self._lock:
            yield
        self._wake.send(b"\0")  # something may be due earlier now

    def __enter__(self) -> "VirtualPi":
        self._folder = tempfile.TemporaryDirectory(prefix="virtual-pi-")
        for path, text in FILES.items():
            file = Path(self._folder.name) / "root" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(f"{self._folder.name}/socket")
        self._listener.listen(16)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._woken, selectors.EVENT_READ, lambda: self._woken.recv(4096))
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._running = False
        self._wake.send(b"\0")
        self._thread.join()
        for end in (self._wake, self._woken):  # not before: the thread may have ended by itself, and be woken still
            end.close()
        self._folder.cleanup()

    def _serve(self) -> None:
        try:
            while self._running:
                with self._lock:
                    self._clock.advance_to(self._clock.now_ns())
                ready = self._selector.select(self._clock.idle_s())
                with self._lock:
                    for key, _ in ready:
                        key.data()
        finally:  # nobody must wait for an answer for ever
            for connection in list(self._connections):
                self._close(connection)
            self._selector.close()
            self._listener.close()

    def _accept(self) -> None:
        self._connect(_Connection(self._listener.accept()[0]))

    def _connect(self, connection: _Connection) -> None:
        self._connections.add(connection)
        answer: Callable[[], None] = partial(self._answer, connection)
        self._selector.register(connection.stream, selectors.EVENT_READ, answer)

    def _answer(self, connection: _Connection) -> None:
        """Serve one request, or the end of the process that would have made it."""
        try:
            request = connection.stream.recv(_LARGEST)
        except ConnectionError:
            request = b""
        if not request:
            self._close(connection)
            return
        what, _ = _HEADER.unpack_from(request)
        passed: list[socket.socket] = []
        try:
            data = self._do(connection, what, request[_HEADER.size :], passed)
            answer = _HEADER.pack(0, len(data)) + data
        except OSError as error:
            answer = _HEADER.pack(error.errno or errno.EIO, 0)
        rights = array.array("i", [stream.fileno() for stream in passed])
        with suppress(ConnectionError):  # it died meanwhile, which the next reading tells
            connection.stream.sendmsg([answer], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if passed else [])
        for stream in passed[1:]:
            stream.close()

    def _do(self, connection: _Connection, what: int, data: bytes, passed: list[socket.socket]) -> bytes:
        """The answer; sockets that the program is to have are added to `passed`."""
        if what == OPEN:
            connection.device = self._opened(data.decode())
        elif what == RELEASE:
            self._release(connection)
        elif connection.device is self.chip and what & 0xFF == GET_LINE_NR:
            line = self.chip.request(data)
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._connect(_Connection(ours, line))
            passed += [line.events, theirs]
            return data
        elif connection.device is not None:
            return connection.device.ioctl(what, data)
        return b""

    def _opened(self, path: str) -> Device:
        if path in self.refused:
            raise OSError(self.refused[path], "refused")
        devices: dict[str, Device] = {"/dev/i2c-1": self.bus, "/dev/gpiochip0": self.chip}
        if path not in devices:
            raise OSError(errno.ENOENT, "no such device")
        return devices[path]

    def _close(self, connection: _Connection) -> None:
        self._release(connection)
        self._connections.remove(connection)
        self._selector.unregister(connection.stream)
        connection.stream.close()

    def _release(self, connection: _Connection) -> None:
        if isinstance(connection.device, LineRequest):
            self.chip.release(connection.device)
        connection.device = None
