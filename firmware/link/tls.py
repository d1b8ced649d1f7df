"""TLS to the broker: 1.3 or nothing, both sides by certificate, and words for what goes wrong.

paho says "Unspecified error" for whatever fails. Here the socket itself keeps the reason: what the handshake complains
of, and the broker's refusal, which with TLS 1.3 comes after the handshake, at the first reading.

A Raspberry Pi without a clock chip may wake up years ago. A clock that is behind the time at which this software was
installed, or the pairing was made, or the link last ran with a clock that was set, is known to be wrong: then OpenSSL
is told to leave dates alone, and those of the broker's certificate are compared with the newest time that is known. A
clock that is ahead cannot be told from a late day.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from firmware.errors import ConfigError
from firmware.known_day import installed_s
from firmware.link import last_time
from firmware.link.config import MqttConfig
from firmware.pairing import bundle

NO_CHECK_TIME = 0x200000  # OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python has no name for
WARN_S = 30 * 24 * 3600
REFUSAL_S = 0.5  # a broker that has not refused us by then does not mean to

_NOT_YET, _EXPIRED = 9, 10  # OpenSSL's X509_V_ERR_...
_OTHER_AUTHORITY = (2, 18, 19, 20, 21)
_OTHER_HOST = (62, 64)
_OTHER_PURPOSE = 26


class Refused(OSError):
    """No connection, for a reason that has words; an OSError because that is what paho expects of a socket."""


def is_loopback(host: str) -> bool:
    """Whether what is said to this host stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def context(config: MqttConfig) -> "Context | None":
    """What the connection is secured with; None for one that stays on this machine, or none at all.

    Raises:
        ConfigError: others could read along, or a certificate cannot be used.
    """
    if config.ca_file:
        return Context(config)
    if config.host and not is_loopback(config.host):
        raise ConfigError(
            f"mqtt: {config.host} without TLS: others could read and forge what is said; pair the device with the "
            "broker (docs/PAIRING.md), or set ca_file, or use a broker on this machine (127.0.0.1)"
        )
    return None


class Context(ssl.SSLContext):
    """What paho makes its sockets with. `trouble` is why the last one failed, empty when it did not.

    Raises:
        ConfigError: a file cannot be read, or is not what it should be.
    """

    def __new__(cls, config: MqttConfig, now_s: Callable[[], float] = time.time) -> "Context":
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)  # with the authority and the host's name checked

    def __init__(self, config: MqttConfig, now_s: Callable[[], float] = time.time) -> None:
        self._config, self._now_s = config, now_s
        self.trouble = ""
        self._dates: dict[str, float] = {}
        self.minimum_version = ssl.TLSVersion.TLSv1_3
        self._pairing = _load(self, config)
        self._behind = False
        if self._pairing:
            self._dates["this device's certificate"] = float(self._pairing.until_s)
            for authority in self.get_ca_certs():
                self._dates["the authority's certificate"] = _seconds(str(authority["notAfter"]))
        self.sslsocket_class = _socket_class(self)

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        """As of any context; with the dates left to us while the clock is known to be wrong."""
        self.trouble = ""
        self._behind = self._now_s() < self._floor_s()
        self.verify_flags = ssl.VerifyFlags(self.verify_flags & ~NO_CHECK_TIME | (NO_CHECK_TIME if self._behind else 0))
        return super().wrap_socket(*args, **options)

    def now_s(self) -> float:
        """By the clock, or the newest time that is known, where the clock is behind it."""
        return max(self._now_s(), self._floor_s())

    def _floor_s(self) -> float:
        """No true clock is behind it. A last time beyond our own certificate's end was wrong, and would lock us out."""
        if self._pairing is None:
            return installed_s()
        last_s = last_time.read_s(Path(self._config.cert_file).parent)
        return max(installed_s(), self._pairing.made_s, last_s if last_s < self._pairing.until_s else 0.0)

    def warning(self) -> str:
        """What ends within 30 days, and what to do; empty when nothing does."""
        for what, until_s in sorted(self._dates.items(), key=lambda item: item[1]):
            left_s = until_s - self.now_s()
            if left_s < WARN_S:
                days = f"in {left_s / 86400:.0f} days" if left_s > 0 else "already"
                return f"{what} ends on {_day(until_s)} ({days}): {self._renewal(what)}"
        return ""

    def met(self, certificate: dict[str, Any]) -> None:
        """The broker's certificate, once OpenSSL is content with it. Raises Refused for its dates."""
        start_s, end_s = _seconds(certificate["notBefore"]), _seconds(certificate["notAfter"])
        self._dates["the broker's certificate"] = end_s
        if not self._behind:
            return  # OpenSSL has looked at them
        if not start_s <= self.now_s() <= end_s:
            self.trouble = (
                f"the broker's certificate is valid from {_day(start_s)} to {_day(end_s)}, and it is at least "
                f"{_day(self.now_s())}; this device's clock says {_day(self._now_s())}: set it"
            )
            raise Refused(self.trouble)

    def failed(self, error: OSError) -> None:
        self.trouble = self._words(error)

    def _words(self, error: OSError) -> str:
        where, today = f"{self._config.host}:{self._config.port}", _day(self._now_s())
        if not isinstance(error, ssl.SSLError):
            return f"{where} ends the connection in the handshake: it may be a port without TLS"
        code = getattr(error, "verify_code", None)
        if code == _NOT_YET:
            return f"the broker's certificate is not valid yet, by this device's clock ({today}): set the clock"
        if code == _EXPIRED:
            renewal = self._renewal("the broker's certificate")
            return (
                f"the broker's certificate has expired, by this device's clock ({today}): {renewal}, or set the clock"
            )
        if code in _OTHER_AUTHORITY:
            return (
                f"the broker at {where} has a certificate of another authority than ours: pair the device with it anew"
            )
        if code in _OTHER_HOST:
            remedy = (
                f"`rearguard authority renew --host {self._config.host}` with all its other names, or correct mqtt.host"
            )
            return f"the broker's certificate does not name {self._config.host}: {remedy}"
        if code == _OTHER_PURPOSE:
            return f"what answers at {where} is no broker of this home, but has the certificate of somebody in it"
        reason = error.reason or str(error)
        return next((text for word, text in self._refusals() if word in reason), f"TLS with {where} fails: {reason}")

    def _refusals(self) -> tuple[tuple[str, str], ...]:
        """What the broker's alerts mean, by a part of the name that OpenSSL gives them."""
        port, again = f"{self._config.host}:{self._config.port}", "pair the device anew"
        mine, renewal = "this device's certificate", self._renewal("this device's certificate")
        old = "the broker does not speak TLS 1.3: use Mosquitto 2.0 or later"
        return (
            ("CERTIFICATE_REQUIRED", "the broker asks for a certificate, and this device has none: pair it"),
            ("CERTIFICATE_EXPIRED", f"{mine} has expired, by the broker's clock: {renewal}, or set that clock"),
            ("CERTIFICATE_REVOKED", f"{mine} was revoked: {again} if that was a mistake"),
            ("UNKNOWN_CA", f"the broker does not know the authority of {mine}: {again}"),
            ("UNSUPPORTED_CERTIFICATE", f"the broker takes {mine} for none: {again}"),
            ("BAD_CERTIFICATE", f"{mine} is not valid yet by the broker's clock, or damaged: set it, or {again}"),
            ("PROTOCOL_VERSION", old),
            ("UNSUPPORTED_PROTOCOL", old),
            ("WRONG_VERSION_NUMBER", f"there is no TLS at {port}: correct mqtt.port"),
            ("EOF", f"{port} ends the connection in the handshake: it may be a port without TLS"),
        )

    def _renewal(self, what: str) -> str:
        if what.startswith("the authority"):
            return "make a new authority, and pair everybody with it"
        name = "" if what.startswith("the broker") else f" {self._pairing.name if self._pairing else 'NAME'}"
        return f"`rearguard authority renew{name}` where the broker runs"


def probe(config: MqttConfig, timeout_s: float) -> Context:
    """Shake hands with the broker, and say nothing: to speak as the device would throw the link out.

    Raises:
        Refused: with the reason.
        OSError: nobody answers.
        ConfigError: a file cannot be used.
    """
    context = Context(config)
    with socket.create_connection((config.host, config.port), timeout=timeout_s) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=config.host) as secured:
                secured.settimeout(REFUSAL_S)
                if not secured.recv(1):
                    raise Refused(f"{config.host}:{config.port} ends the connection without a word")
        except TimeoutError:
            return context  # it waits for us to speak
        except OSError as error:
            raise Refused(context.trouble or str(error)) from error
    return context


def _socket_class(context: Context) -> type[ssl.SSLSocket]:
    class Telling(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            try:
                super().do_handshake(block)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError, TimeoutError):
                raise
            except OSError as error:
                context.failed(error)
                self.close()  # paho leaves it open
                raise
            try:
                context.met(self.getpeercert() or {})
            except Refused:
                self.close()
                raise

        def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
            try:
                return super().recv(buflen, flags)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                context.failed(error)
                raise

    return Telling


def _load(context: ssl.SSLContext, config: MqttConfig) -> bundle.Bundle | None:
    """The certificates into the context; and the pairing, where the certificate is of one."""
    try:
        context.load_verify_locations(config.ca_file)
        if not config.cert_file:
            return None
        # without a word for its password: otherwise a key that has one would be asked for on the terminal
        context.load_cert_chain(config.cert_file, config.key_file, password="")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        names = ", ".join(name for name in (config.ca_file, config.cert_file, config.key_file) if name)
        remedy = "; they are for the device's own user: run it with sudo" if isinstance(error, PermissionError) else ""
        raise ConfigError(f"mqtt: the certificate files cannot be used ({names}): {error}{remedy}") from error
    return _pairing(config.cert_file)


def _pairing(path: str) -> bundle.Bundle | None:
    try:
        return bundle.load(Path(path))
    except (OSError, ConfigError):
        return None  # somebody else's certificate: only its owner knows its dates


def _seconds(text: str) -> float:
    return float(ssl.cert_time_to_seconds(text))


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
