"""The device's side of a pairing: its key, which never leaves it, and the bundle that its home's authority gives it."""

from datetime import UTC, datetime
from pathlib import Path

from firmware.errors import ConfigError
from firmware.ids import device_id
from firmware.pairing import bundle, names
from firmware.pairing import certificates as made
from firmware.pairing.bundle import FILE, KEY_FILE, Bundle
from firmware.pairing.files import PUBLIC, SECRET, give, write
from firmware.plain_file import read_bytes


def request(state_dir: Path) -> str:
    """What this device asks an authority to sign; its key is made where there is none.

    Raises:
        ConfigError: the key is there and cannot be read as one. It is not made anew: the certificate is of this key.
        OSError: the folder cannot be written.
    """
    device = device_id(state_dir)
    give(state_dir / "device-id", state_dir)
    path = state_dir / KEY_FILE
    if not path.exists():
        write(path, made.key_text(made.new_key()), SECRET)
    return made.pem(made.new_request(_key(path), device))


def install(state_dir: Path, given: Bundle, source: str, now: datetime) -> None:
    """Keep the bundle, once everything about it is as it must be.

    Raises:
        ConfigError: what is not; also where the device is paired with another home.
        OSError: the folder cannot be written.
    """
    device, path = device_id(state_dir), state_dir / KEY_FILE
    if not path.exists():
        raise ConfigError(f"{source}: this device has no key yet; begin with `rearguard pair --request FILE`")
    authority = made.read_certificate(given.authority, source)
    certificate = made.read_certificate(given.certificate, source)
    try:
        name = made.common_name(certificate.subject)
    except ValueError as error:
        raise ConfigError(f"{source}: {error}") from error
    if name != device or given.name != device:
        raise ConfigError(f"{source}: is for {name[:80]!r}, but this device is {device}; take its own bundle")
    if certificate.public_key() != _key(path).public_key():
        raise ConfigError(f"{source}: is for another key than this device's; sign its newest request")
    if not made.vouches(authority, authority) or not made.vouches(authority, certificate):
        raise ConfigError(f"{source}: its authority has not signed it; make the bundle again")
    until = min(certificate.not_valid_after_utc, authority.not_valid_after_utc)
    if until <= now or datetime.fromtimestamp(given.until_s, UTC) != certificate.not_valid_after_utc:
        raise ConfigError(f"{source}: ends on {until:%Y-%m-%d}, and it is {now:%Y-%m-%d}; sign the request again")
    if certificate.not_valid_before_utc > now:
        begins = f"{certificate.not_valid_before_utc:%Y-%m-%d}"
        raise ConfigError(f"{source}: begins on {begins}, and it is {now:%Y-%m-%d} by this clock; set the clock")
    names.host_name(given.host)
    _check_home(state_dir / FILE, given, source)
    write(state_dir / FILE, given.text(), PUBLIC)


def _check_home(path: Path, given: Bundle, source: str) -> None:
    """Another home's bundle would send every alert there, without a word to anybody here."""
    try:
        before = bundle.load(path)
    except (ConfigError, OSError):
        return  # none, or one that is good for nothing
    if before.authority != given.authority:
        raise ConfigError(
            f"{source}: is of another home ({given.host}) than this device is paired with ({before.host}); if it is to "
            f"move there, `sudo rm {path.parent}/pairing*` first, and begin anew"
        )


def _key(path: Path) -> made.Key:
    return made.read_key(read_bytes(path), str(path))
