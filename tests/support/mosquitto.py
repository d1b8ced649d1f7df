"""A real Mosquitto on a free port, for the tests that must not believe a simulation."""

import shutil
import socket
import subprocess
from pathlib import Path
from types import TracebackType

from support.waiting import eventually

BINARY = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Mosquitto:
    """Listens on 127.0.0.1 while the `with` block lasts; `stop` and `start` in between keep the port."""

    def __init__(self, folder: Path, extra: str = "allow_anonymous true\n") -> None:
        assert BINARY, "mosquitto is missing: apt-get install mosquitto mosquitto-clients"
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(f"listener {self.port} 127.0.0.1\npersistence false\nlog_dest none\n{extra}")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert BINARY
        self._process = subprocess.Popen([BINARY, "-c", str(self._config)], stderr=subprocess.DEVNULL)
        eventually(lambda: listens(self.port), what="mosquitto listens")

    def stop(self) -> None:
        """As a power cut would: nothing is said to anybody."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> "Mosquitto":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


class Subscriber:
    """mosquitto_sub: a client that shares no code with the device."""

    def __init__(self, port: int, *topics: str, protocol: str = "5") -> None:
        binary = shutil.which("mosquitto_sub")
        assert binary, "mosquitto_sub is missing: apt-get install mosquitto-clients"
        names = [argument for topic in topics for argument in ("-t", topic)]
        version = {"5": "mqttv5", "3.1.1": "mqttv311"}[protocol]
        address = ["-h", "127.0.0.1", "-p", str(port), "-V", version, "-q", "1"]
        self._process = subprocess.Popen(
            # line by line, since it would otherwise keep its lines to itself until its buffer is full
            ["stdbuf", "-oL", binary, *address, *names, "-F", "%t %p", "-d"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: list[str] = []
        try:
            self._read_until("Subscribed (mid")
        except BaseException:
            self.close()
            raise

    def _read_until(self, word: str) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line.rstrip("\n"))
            if word in line:
                return
        raise AssertionError(f"mosquitto_sub ended without {word!r}: {self._lines}")

    def read_until(self, word: str) -> list[tuple[str, str]]:
        """Everything received until a line has `word` in it, as (topic, payload); pytest times it out."""
        self._read_until(word)
        return [self._split(line) for line in self._lines if line.startswith(("rearguard/", "homeassistant/"))]

    @staticmethod
    def _split(line: str) -> tuple[str, str]:
        topic, _, payload = line.partition(" ")
        return topic, payload

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
