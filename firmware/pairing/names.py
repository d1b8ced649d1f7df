"""Who may be called what: at the broker a certificate's name is the user, and the user decides what may be said.

A name becomes a line of the access rules, a topic level and a file's name: what means something in one of them is
refused. A device is `rg-` and 8 hex digits, and nobody else may look like one.
"""

import ipaddress
import re
import unicodedata

from firmware.errors import ConfigError
from firmware.ids import DEVICE_ID

NAME_MAX_BYTES = 64  # of a certificate's common name: RFC 5280, ub-common-name
_PUNCTUATION = " .-_@'"
_RESERVED = ("authority", "broker", "anonymous")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


def is_device(name: str) -> bool:
    return DEVICE_ID.fullmatch(name) is not None


def caregiver_name(text: str) -> str:
    """`text`, when a caregiver may be called so.

    Raises:
        ConfigError: it may not; the message says why.
    """
    wrong = _wrong(text)
    if wrong:
        raise ConfigError(
            f"caregiver {text[:80]!r}: {wrong}; expected up to {NAME_MAX_BYTES} bytes of letters, digits, spaces and "
            "any of . - _ @ ', beginning with a letter or digit, such as ann or home-assistant"
        )
    return text


def _wrong(text: str) -> str:
    if len(text.encode(errors="replace")) > NAME_MAX_BYTES:
        return f"longer than {NAME_MAX_BYTES} bytes"
    if not all(letter.isalnum() or letter in _PUNCTUATION for letter in text):
        return "a character that a broker, a file name or a list of rules would take for something else"
    if not text or not text[0].isalnum() or text != text.strip():
        return "does not begin with a letter or digit and end with no space"
    if unicodedata.normalize("NFKC", text) != text:
        return "written so that it looks like another name"
    if text.lower().startswith("rg-") or text.lower() in _RESERVED:
        return "a name that only a device or the broker may have"
    return ""


def device_name(text: str) -> str:
    """`text`, when it is a device's name. Raises ConfigError."""
    if not is_device(text):
        raise ConfigError(f"device {text[:80]!r}: expected rg- and 8 hex digits, as `rearguard pair` writes them")
    return text


def host_name(text: str) -> str:
    """A name or address that the broker can be reached by, as a certificate has it. Raises ConfigError."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        if _HOST.fullmatch(text.lower()) and not text.replace(".", "").isdigit():
            return text.lower()
    raise ConfigError(f"--host {text[:80]!r}: expected a host name or an address, such as hub.local or 192.168.1.20")
