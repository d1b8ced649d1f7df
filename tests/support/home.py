"""A home with its own authority and a real Mosquitto, set up from the files as they are shipped.

Replaced are only the folder of the authority, the port, and the address, so that nobody but this machine is served.
"""

import getpass
import os
import signal
import ssl
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from support.mosquitto import BINARY, free_port
from support.waiting import eventually

from firmware.link.config import MqttConfig
from firmware.pairing import certificates as made
from firmware.pairing.authority import Authority
from firmware.pairing.bundle import Bundle

SHIPPED = Path(__file__).parents[2] / "deploy" / "mosquitto" / "rearguard.conf"
INSTALLED = "/etc/rearguard/authority"
HOSTS = ("localhost", "127.0.0.1")


class Home:
    """An authority, and the broker that lets in whom it has signed; `folder` is for everything."""

    def __init__(self, folder: Path, hosts: tuple[str, ...] = HOSTS) -> None:
        self.folder, self.port = folder, free_port()
        self.authority = Authority.init(folder / "authority", hosts, self.port, datetime.now(UTC))
        self._process: subprocess.Popen[bytes] | None = None

    def device(self, name: str) -> Path:
        """A folder with the certificate and the key of a device that was let in; see `config`."""
        key = made.new_key()
        issued = self.authority.sign(made.pem(made.new_request(key, name)).encode(), name)
        return self.keep(name, issued.text(), made.key_text(key))

    def caregiver(self, name: str, role: str = "") -> Path:
        return self.authority.caregiver(name, role)

    def forged(self, name: str, valid: made.Span, *, of: "Home | None" = None, hosts: tuple[str, ...] = ()) -> Path:
        """Like `device`, with any dates, or signed by another home (but with the certificate of this one's broker)."""
        home = (of or self).authority
        key = made.new_key()
        certificate = made.new_certificate(home.certificate, home._key, key.public_key(), name, valid, hosts)
        texts = made.pem(certificate), made.pem(self.authority.certificate)
        until_s = int(valid.end.timestamp())
        issued = Bundle(name, "localhost", self.port, int(datetime.now(UTC).timestamp()), until_s, *texts)
        return self.keep(f"forged-{name}", issued.text(), made.key_text(key))

    def keep(self, name: str, certificate: str, key: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "certificate.pem").write_text(certificate)
        (folder / "key.pem").write_text(key)
        return folder

    def config(self, files: Path | None, host: str = "localhost") -> MqttConfig:
        ca = str(self.folder / "authority" / "ca.pem")
        if files is None:
            return MqttConfig(host, self.port, ca_file=ca)
        return MqttConfig(
            host, self.port, ca_file=ca, cert_file=str(files / "certificate.pem"), key_file=str(files / "key.pem")
        )

    # The broker

    def start(self) -> None:
        assert BINARY, "mosquitto is missing: apt-get install mosquitto mosquitto-clients"
        text = SHIPPED.read_text()
        assert text.count(INSTALLED) >= 5
        assert "\nlistener 8883\n" in text
        rules = self.folder / "conf.d"
        rules.mkdir(exist_ok=True)
        text = text.replace(INSTALLED, str(self.folder / "authority"))
        (rules / "rearguard.conf").write_text(text.replace("listener 8883", f"listener {self.port} 127.0.0.1"))
        kept = self.folder / "kept"
        kept.mkdir(exist_ok=True)
        # as Debian's mosquitto.conf has it, but for the user: the tests' own, who may read the tests' folders
        main = self.folder / "mosquitto.conf"
        main.write_text(
            f"persistence true\npersistence_location {kept}/\nlog_dest file {self.folder / 'log'}\n"
            f"include_dir {rules}\nuser {getpass.getuser()}\n"
        )
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        self._process = subprocess.Popen([BINARY, "-c", str(main)], stderr=subprocess.DEVNULL)
        # it listens before it has learned that SIGHUP is not its end
        eventually(lambda: log.exists() and " running\n" in self._log(), what="mosquitto runs")

    def reload(self) -> None:
        """What `systemctl reload mosquitto` does, until it is done."""
        assert self._process is not None
        before = self._log().count("Reloading config.")
        os.kill(self._process.pid, signal.SIGHUP)
        eventually(lambda: self._log().count("Reloading config.") > before, what="mosquitto reads everything again")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _log(self) -> str:
        return (self.folder / "log").read_text()

    def __enter__(self) -> "Home":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()


class Person:
    """A client that shares no code with the device's own: paho, with whatever certificate it is given."""

    def __init__(
        self, config: MqttConfig, client_id: str = "", *, will: str | None = None, newest: ssl.TLSVersion | None = None
    ) -> None:
        self.heard: list[tuple[str, str]] = []
        self.ended = threading.Event()
        self._answers: dict[int, str] = {}
        self._connected = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv5, reconnect_on_failure=False
        )
        self._client.tls_set_context(_context(config, newest))
        if will is not None:
            self._client.will_set(will, "a will", 1, True)
        self._client.on_connect = lambda *_: self._connected.set()
        self._client.on_disconnect = lambda *_: self.ended.set()
        self._client.on_publish = lambda _c, _u, mid, reason, _p: self._answers.update({mid: str(reason)})
        self._client.on_subscribe = lambda _c, _u, mid, reasons, _p: self._answers.update({mid: str(reasons[0])})
        self._client.on_message = lambda _c, _u, message: self.heard.append((message.topic, message.payload.decode()))
        self._client.connect(config.host, config.port, 5, clean_start=True)
        self._client.loop_start()
        eventually(lambda: self._connected.is_set() or self.ended.is_set(), what="let in or not")

    @property
    def let_in(self) -> bool:
        return self._connected.is_set() and not self.ended.is_set()

    def says(self, topic: str, payload: str, *, retain: bool = False) -> str:
        """The broker's answer."""
        info = self._client.publish(topic, payload, 1, retain)
        return self._answer(info.mid)

    def asks(self, topic: str) -> None:
        _, mid = self._client.subscribe(topic, 1)
        assert mid is not None
        self._answer(mid)

    def forgets(self, topic: str) -> None:
        self._client.unsubscribe(topic)

    def _answer(self, mid: int) -> str:
        eventually(lambda: mid in self._answers or self.ended.is_set(), what="the broker answers")
        return self._answers.get(mid, "the connection ended")

    def hears(self, payload: str) -> None:
        """Wait until a message of this payload has come."""
        eventually(lambda: any(payload == heard for _, heard in self.heard), what=f"{payload!r} is heard")

    def vanishes(self) -> None:
        """As when its battery is taken out: the broker says its last will."""
        socket: Any = self._client.socket()
        socket.shutdown(2)
        eventually(self.ended.is_set, what="the end of the connection")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class _Tidy(ssl.SSLSocket):
    """paho leaves a socket open whose handshake failed."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _context(config: MqttConfig, newest: ssl.TLSVersion | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=config.ca_file)
    context.sslsocket_class = _Tidy
    if newest is not None:
        context.maximum_version = newest
    if config.cert_file:
        context.load_cert_chain(config.cert_file, config.key_file)
    return context
