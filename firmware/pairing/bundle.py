"""A pairing: one file with a certificate, the authority behind it, and where the broker is. No secret is in it.

It is a PEM file, so that every TLS library reads it, with lines above the certificates that say in words what the link
needs to know: Python's `ssl` does not tell a certificate's dates. This module needs no library.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from firmware.errors import ConfigError
from firmware.plain_file import read_bytes

FILE, KEY_FILE, REQUEST_FILE = "pairing.pem", "pairing-key.pem", "pairing-request.pem"  # in the state directory
FIRST_LINE = "rearguard pairing 1"
THERAPIST = "therapist"
MOST_BYTES = 65536
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n")


@dataclass(frozen=True, slots=True)
class Bundle:
    """`certificate` and `authority` are PEM texts; the times are Unix seconds; `role` is THERAPIST, or says nothing."""

    name: str
    host: str
    port: int
    made_s: int  # by the authority's clock
    until_s: int  # the certificate's end
    certificate: str
    authority: str
    role: str = ""

    def text(self) -> str:
        head = {"name": self.name, "host": self.host, "port": self.port}
        times = {"made": _utc(self.made_s), "until": _utc(self.until_s)}
        role = {"role": self.role} if self.role else {}
        lines = [FIRST_LINE, *(f"{key}: {value}" for key, value in {**head, **times, **role}.items())]
        return "\n".join([*lines, self.certificate + self.authority])


def parse(text: str, source: str) -> Bundle:
    """Read a bundle; whether the certificates are what it says is for `firmware.pairing.device` to check.

    Raises:
        ConfigError: it is none.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    certificates = _CERTIFICATE.findall("\n".join(lines))
    head = dict(line.partition(": ")[::2] for line in lines[1:7])
    try:
        if lines[0] != FIRST_LINE or len(certificates) != 2:
            raise ValueError("no pairing, or not whole")
        made_s, until_s = _seconds(head["made"]), _seconds(head["until"])
        port = int(head["port"])
        if not 1 <= port <= 65535 or not head["host"]:
            raise ValueError("no broker in it")
        names = head["name"], head["host"]
        return Bundle(*names, port, made_s, until_s, certificates[0], certificates[1], head.get("role", ""))
    except (KeyError, ValueError, OverflowError) as error:
        what = "not whole" if isinstance(error, KeyError) else error
        raise ConfigError(
            f"{source}: {what}; expected a file that `rearguard authority sign` made, whole and unchanged"
        ) from error


def load(path: Path) -> Bundle:
    """Read a bundle from a file. Raises ConfigError, OSError when it cannot be read."""
    return parse(read_bytes(path, MOST_BYTES).decode("utf-8", errors="replace"), str(path))


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
