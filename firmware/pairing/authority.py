"""A home's own authority: a folder where the broker runs, and everything that is ever signed in it.

authority.toml  ca.pem  ca-key.pem  its own: the key never leaves this folder
broker/         what Mosquitto reads: certificate, key, revocation list, access rules
issued/         the newest bundle of each device and caregiver that is let in
signed/         every bundle that was ever signed, by its number: who is let in no more may have several
caregivers/     certificate and key of each caregiver and therapist, to be taken to where they are used
"""

import contextlib
import fcntl
import os
import shutil
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cryptography import x509

from firmware.errors import ConfigError
from firmware.ids import sync_directory
from firmware.pairing import bundle, names
from firmware.pairing import certificates as made
from firmware.pairing.bundle import THERAPIST, Bundle
from firmware.pairing.files import BROKER_GROUP, FOR_GROUP, PUBLIC, SECRET, give, write
from firmware.pairing.register import Register
from firmware.pairing.rules import acl
from firmware.plain_file import read_bytes

MOST_HOSTS = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One certificate: whose, of what kind, and until when."""

    name: str
    role: str  # "authority", "broker", "device", "caregiver", "therapist", "revoked" or "damaged"
    until: datetime


class Authority:
    """What can be done with the folder; each method leaves it whole, whenever the power goes.

    Raises:
        ConfigError: there is no authority, or a part of it is damaged; also for every name that may not be.
        OSError: a file cannot be read or written.
    """

    def __init__(self, folder: Path, now: datetime) -> None:
        self._folder, self._now = folder, now
        self._check()
        self.hosts, self.port = self._settings()
        self._key = made.read_key(read_bytes(folder / "ca-key.pem"), str(folder / "ca-key.pem"))
        self.certificate = self._certificate(folder / "ca.pem")
        if self.certificate.public_key() != self._key.public_key():
            raise ConfigError(f"{folder}: ca-key.pem is not the key of ca.pem; take both from one backup")

    @classmethod
    def init(cls, folder: Path, hosts: Sequence[str], port: int, now: datetime) -> "Authority":
        """Make one; `hosts` are all names and addresses of the broker, the first is what devices use.

        Raises:
            ConfigError: there is something in the folder already: who overwrote it would lock every device out.
        """
        hosts = _hosts(hosts)
        if not 1 <= port <= 65535:
            raise ConfigError(f"--port {port}: expected a whole number from 1 to 65535")
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError(
                f"{folder}: is there already, and an authority is never overwritten: its devices would be locked out; "
                "`rearguard authority list` shows what it has signed"
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in folder.parent.glob(f".{folder.name}.[0-9]*"):  # with a key that nobody needs
            shutil.rmtree(left, ignore_errors=True)
        draft = folder.with_name(f".{folder.name}.{os.getpid()}")
        draft.mkdir(mode=0o711)
        try:
            _fill(draft, hosts, port, now)
            draft.rename(folder)  # over an empty folder as well, but over no other
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        return cls(folder, now)

    def sign(self, request: bytes, source: str) -> Bundle:
        """Let the device in that made the request.

        Raises:
            ConfigError: it is damaged, of no device, or another device of this name is let in.
        """
        name, public = made.read_request(request, source)
        names.device_name(name)
        with self._alone():
            before = self._issued(name)
            if before is not None and self._of(before).public_key() != public:
                raise ConfigError(
                    f"{source}: {name} is let in already, with another key; if that one is lost or its card was "
                    f"written anew, `rearguard authority revoke {name}` first"
                )
            return self._issue(name, public)

    def caregiver(self, name: str, role: str = "") -> Path:
        """Let a caregiver in, or a THERAPIST, who may set what she may; the folder with her certificate and her key.

        Raises:
            ConfigError: the name may not be, or is taken.
        """
        names.caregiver_name(name)
        with self._alone():
            before = self._issued(name)
            if before is not None:
                known = f"{name!r}: is let in already, as a {Register(self._folder).role(name)}"
                raise ConfigError(f"{known}; choose another name, or revoke this one first")
            key = made.new_key()
            folder = self._folder / "caregivers" / name
            folder.mkdir(mode=0o700, exist_ok=True)
            give(folder, self._folder)
            write(folder / "key.pem", made.key_text(key), SECRET)
            issued = self._issue(name, key.public_key(), role)
            self._hand_out(issued)
            return folder

    def revoke(self, name: str) -> list[Path]:
        """Let somebody in no more; the files that are damaged, for one of hers may be among them. Can be repeated."""
        with self._alone():
            if not Register(self._folder).knows(name):
                raise ConfigError(f"{name[:80]!r}: nobody of this name is let in; see `rearguard authority list`")
            self._path(name).unlink(missing_ok=True)  # from here on every command takes her rights away
            sync_directory(self._folder / "issued")
            shutil.rmtree(self._folder / "caregivers" / name, ignore_errors=True)
            self._write_rules()
            self._renew_crl()
            return Register(self._folder).damaged

    def renew(self, name: str) -> Bundle:
        """A new certificate for the same key; the old one stays good until its end."""
        with self._alone():
            issued = self._issued(name)
            if issued is None:
                raise ConfigError(f"{name[:80]!r}: nobody of this name is let in; see `rearguard authority list`")
            renewed = self._issue(name, made.public_key(self._of(issued)), issued.role)
            if not names.is_device(name) and (self._folder / "caregivers" / name).is_dir():
                self._hand_out(renewed)
            return renewed

    def renew_broker(self, hosts: Sequence[str] = ()) -> None:
        """A new key and certificate for the broker, with other names when there are `hosts`; and the rules anew."""
        with self._alone():
            if hosts:
                self.hosts = _hosts(hosts)
                write(self._folder / "authority.toml", _settings_text(self.hosts, self.port))
            _write_broker(self._folder, self.certificate, self._key, self.hosts, self._now)
            self._write_rules()

    def entries(self) -> list[Entry]:
        """Every certificate: the authority's, the broker's, and those of whom is let in, then of whom is not."""
        broker = self._certificate(self._folder / "broker" / "broker.pem")
        found = [
            Entry(str(self._folder), "authority", self.certificate.not_valid_after_utc),
            Entry(self.hosts[0], "broker", broker.not_valid_after_utc),
        ]
        known = Register(self._folder)
        for name, issued in known.inside.items():
            role = "damaged" if issued is None else known.role(name)
            found.append(Entry(name, role, self._now if issued is None else issued.certificate.not_valid_after_utc))
        ends = {one.name: one.certificate.not_valid_after_utc for one in known.outside()}
        return [*found, *(Entry(name, "revoked", end) for name, end in ends.items())]

    def bundle_path(self, name: str) -> Path:
        return self._path(name)

    # Inside

    def _check(self) -> None:
        if not (self._folder / "authority.toml").is_file():
            raise ConfigError(f"{self._folder}: no authority is here; make one with `rearguard authority init`")

    def _settings(self) -> tuple[tuple[str, ...], int]:
        path = self._folder / "authority.toml"
        try:
            found = tomllib.loads(read_bytes(path).decode())
            hosts, port = _hosts(found["hosts"]), found["port"]
            if type(port) is not int or not 1 <= port <= 65535:
                raise ValueError("port")
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f'{path}: expected hosts = ["..."] and port = 8883, found: {error}') from error
        return hosts, port

    def _certificate(self, path: Path) -> x509.Certificate:
        return made.read_certificate(read_bytes(path).decode("ascii", errors="replace"), str(path))

    def _of(self, issued: Bundle) -> x509.Certificate:
        return made.read_certificate(issued.certificate, issued.name)

    def _path(self, name: str) -> Path:
        checked = name if names.is_device(name) else names.caregiver_name(name)
        return self._folder / "issued" / f"{checked}.pem"

    def _issued(self, name: str) -> Bundle | None:
        try:
            return bundle.load(self._path(name))
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Two commands at the same time would each write what the other one did not know."""
        handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _issue(self, name: str, public: made.Public, role: str = "") -> Bundle:
        valid = made.span(self._now, made.DAYS)
        valid = replace(valid, end=min(valid.end, self.certificate.not_valid_after_utc))  # nothing outlives it
        certificate = made.new_certificate(self.certificate, self._key, public, name, valid)
        times = int(self._now.timestamp()), int(certificate.not_valid_after_utc.timestamp())
        texts = made.pem(certificate), made.pem(self.certificate)
        issued = Bundle(name, self.hosts[0], self.port, *times, *texts, role)
        write(self._folder / "signed" / f"{certificate.serial_number:x}.pem", issued.text())
        write(self._path(name), issued.text())
        self._write_rules()
        return issued

    def _hand_out(self, issued: Bundle) -> None:
        folder = self._folder / "caregivers" / issued.name
        write(folder / "certificate.pem", issued.text())
        write(folder / "ca.pem", issued.authority)

    def _write_rules(self) -> None:
        known = Register(self._folder)
        named: dict[str, list[str]] = {"device": [], "caregiver": [], THERAPIST: []}
        for name in known.inside:
            named[known.role(name)].append(name)
        text = acl(named["caregiver"], named[THERAPIST], {one.name for one in known.outside()})
        write(self._folder / "broker" / "acl", text, FOR_GROUP, BROKER_GROUP)

    def _renew_crl(self) -> None:
        before = x509.load_pem_x509_crl(read_bytes(self._folder / "broker" / "crl.pem"))
        number = before.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number + 1
        outside = [one.certificate.serial_number for one in Register(self._folder).outside()]
        together = {*(entry.serial_number for entry in before), *outside}
        _write_crl(self._folder, self.certificate, self._key, sorted(together), number, self._now)


def _hosts(texts: Sequence[str]) -> tuple[str, ...]:
    hosts = tuple(dict.fromkeys(map(names.host_name, texts)))
    if not 1 <= len(hosts) <= MOST_HOSTS:
        raise ConfigError(f"--host: {len(hosts)} names of the broker, expected 1 to {MOST_HOSTS}")
    return hosts


def _settings_text(hosts: Sequence[str], port: int) -> str:
    listed = ", ".join(f'"{host}"' for host in hosts)
    what = "# The broker, as devices and caregivers reach it: the first is what they are told."
    return f"{what}\nhosts = [{listed}]\nport = {port}\n"


def _fill(folder: Path, hosts: Sequence[str], port: int, now: datetime) -> None:
    folder.chmod(0o711)  # Mosquitto has to pass, and nobody has to look
    give(folder, folder.parent)
    for name, mode in (("broker", 0o750), ("issued", 0o700), ("signed", 0o700), ("caregivers", 0o700)):
        (folder / name).mkdir()
        (folder / name).chmod(mode)
        give(folder / name, folder, BROKER_GROUP if name == "broker" else None)
    key = made.new_key()
    certificate = made.new_authority(key, "Rearguard of this home", made.span(now, made.AUTHORITY_DAYS))
    write(folder / "ca-key.pem", made.key_text(key), SECRET)
    write(folder / "ca.pem", made.pem(certificate), PUBLIC)
    write(folder / "broker" / "ca.pem", made.pem(certificate), FOR_GROUP, BROKER_GROUP)
    write(folder / "broker" / "acl", acl((), (), ()), FOR_GROUP, BROKER_GROUP)
    _write_crl(folder, certificate, key, [], 1, now)
    _write_broker(folder, certificate, key, hosts, now)
    write(folder / "authority.toml", _settings_text(hosts, port), PUBLIC)


def _write_broker(
    folder: Path, authority: x509.Certificate, key: made.Key, hosts: Sequence[str], now: datetime
) -> None:
    """Key and certificate in one file: a power cut cannot part them."""
    own = made.new_key()
    valid = made.span(now, made.DAYS)
    certificate = made.new_certificate(authority, key, own.public_key(), "Rearguard broker", valid, hosts)
    write(folder / "broker" / "broker.pem", made.pem(certificate) + made.key_text(own), FOR_GROUP, BROKER_GROUP)


def _write_crl(
    folder: Path, authority: x509.Certificate, key: made.Key, serials: Sequence[int], number: int, now: datetime
) -> None:
    crl = made.new_crl(authority, key, serials, number, now)
    write(folder / "broker" / "crl.pem", made.pem(crl), FOR_GROUP, BROKER_GROUP)
