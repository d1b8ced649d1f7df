"""Where the broker is. No MQTT library is needed to read this."""

from dataclasses import dataclass

from firmware.link.protocol import CHOICES


@dataclass(frozen=True, slots=True)
class MqttConfig:
    """The broker and how to be let in. An empty host: no broker, the device warns but tells nobody.

    What `rearguard pair` has left takes the place of what stands at its default (`firmware.link.pairing`).
    """

    host: str = "127.0.0.1"
    port: int = 1883
    username: str = ""
    password_file: str = ""  # a file, so that the password is in no configuration that gets shared
    ca_file: str = ""  # set: TLS 1.3, and only a broker that this authority vouches for
    cert_file: str = ""
    key_file: str = ""
    protocol: str = "auto"  # "5" or "3.1.1"; auto: 5, and 3.1.1 where a broker refuses it
    keepalive_s: int = 5  # a dead broker is noticed, and a dead device told as lost, after about two of these

    def __post_init__(self) -> None:
        if any(character.isspace() or not character.isprintable() for character in self.host):
            raise ValueError(f"mqtt: host ({self.host!r}) must be a host name or an address, or empty for no broker")
        _check_whole("port", self.port, 1, 65535)
        _check_whole("keepalive_s", self.keepalive_s, 2, 60)
        if self.protocol not in CHOICES:
            raise ValueError(f"mqtt: protocol ({self.protocol!r}) must be one of {', '.join(CHOICES)}")
        if self.password_file and not self.username:
            raise ValueError("mqtt: password_file is set but username is empty; set both or neither")
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("mqtt: cert_file and key_file belong together; set both or neither")
        if self.cert_file and not self.ca_file:
            raise ValueError("mqtt: cert_file needs ca_file, the authority that vouches for the broker")


def _check_whole(key: str, value: int, least: int, most: int) -> None:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"mqtt: {key} ({value}) must be a whole number from {least} to {most}")
