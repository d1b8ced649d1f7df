"""Mosquitto as the benches of alerts use it: with its own defaults, and with what this repository ships."""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

from firmware.link.config import MqttConfig

BINARY = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
MISSING = "mosquitto is missing: apt-get install mosquitto"
DEFAULTS = "persistence true\n"  # on disk, as the package of Debian has it; everything else as Mosquitto has it
SHIPPED = Path(__file__).parents[1] / "deploy/mosquitto/rearguard.conf"
# Who is let in is no matter here, and has tests of its own.
OF_WHAT_IS_KEPT = ("persist", "autosave", "max_", "queue", "set_tcp")
START_S = 10.0


def _kept() -> str:
    """What the shipped configuration says about keeping messages, and its limits."""
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    return "".join(f"{line}\n" for line in lines if line.startswith(OF_WHAT_IS_KEPT))


KEPT = _kept()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Broker:
    """Listens on 127.0.0.1 while its `with` block lasts, killed and started again in between as wanted."""

    def __init__(self, folder: Path, settings: str = KEPT, *, tls: bool = False) -> None:
        self.port, self._folder = free_port(), folder
        self._certificate = self._make_certificate() if tls else None
        secured = f"certfile {folder}/broker.crt\nkeyfile {folder}/broker.key\n" if tls else ""
        user = "user root\n"  # else it gives up root, and could not write into our folder
        text = f"listener {self.port} 127.0.0.1\n{secured}allow_anonymous true\nlog_dest none\n{user}"
        folder.joinpath("mosquitto.conf").write_text(f"{text}persistence_location {folder}/\n{settings}")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> MqttConfig:
        return self.config_at(self.port)

    def config_at(self, port: int) -> MqttConfig:
        """How to get to it through another port."""
        return MqttConfig(port=port, ca_file=self._certificate or "")

    def start(self) -> None:
        if not BINARY:
            raise FileNotFoundError(MISSING)
        self._process = subprocess.Popen(
            [BINARY, "-c", str(self._folder / "mosquitto.conf")], stderr=subprocess.DEVNULL
        )
        deadline_s = time.monotonic() + START_S
        while not _listens(self.port):
            if time.monotonic() > deadline_s or self._process.poll() is not None:
                raise TimeoutError(f"mosquitto does not listen on port {self.port}; see {self._folder}/mosquitto.conf")
            time.sleep(0.005)

    def kill(self) -> None:
        """SIGKILL: it can write down nothing more."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def dead(self) -> bool:
        return self._process is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def forget(self) -> None:
        """Everything that it kept is gone, as with a new disk."""
        self.kill()
        self._folder.joinpath("mosquitto.db").unlink(missing_ok=True)

    def __enter__(self) -> "Broker":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    def _make_certificate(self) -> str:
        """Its own authority, for a day."""
        made, key = f"{self._folder}/broker.crt", f"{self._folder}/broker.key"
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
        name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        command = ["openssl", "req", "-x509", *kind, *name, "-keyout", key, "-out", made]
        subprocess.run(command, check=True, capture_output=True)
        return made


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
