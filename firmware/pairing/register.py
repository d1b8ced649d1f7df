"""Who is let in and who is no more, by the files of an authority. A damaged one keeps nobody from being revoked."""

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from firmware.errors import ConfigError
from firmware.pairing import bundle, names
from firmware.pairing import certificates as made
from firmware.pairing.bundle import THERAPIST, Bundle


@dataclass(frozen=True, slots=True)
class Signed:
    """A bundle, and the certificate in it."""

    bundle: Bundle
    certificate: x509.Certificate

    @property
    def name(self) -> str:
        return self.bundle.name


class Register:
    """What the folders `issued` and `signed` say, read once.

    `inside`: who is let in, by the names of the files; None where the file is damaged, for its owner still is.
    `signed`: every certificate that was ever signed. `damaged`: the files that cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.damaged: list[Path] = []
        issued = {path.stem: self._read(path) for path in sorted((folder / "issued").glob("[!.]*.pem"))}
        self.inside: dict[str, Signed | None] = issued
        found = [self._read(path) for path in sorted((folder / "signed").glob("[!.]*.pem"))]
        self.signed = sorted((one for one in found if one is not None), key=lambda one: one.bundle.made_s)

    def knows(self, name: str) -> bool:
        return name in self.inside or any(one.name == name for one in self.signed)

    def outside(self) -> list[Signed]:
        """What was signed for those who are let in no more."""
        return [one for one in self.signed if one.name not in self.inside]

    def role(self, name: str) -> str:
        """Of who is let in. Whatever says nothing of a therapist gives no more than a caregiver's rights."""
        if names.is_device(name):
            return "device"
        own = [one for one in self.signed if one.name == name]
        newest = self.inside.get(name) or (own[-1] if own else None)
        return THERAPIST if newest is not None and newest.bundle.role == THERAPIST else "caregiver"

    def _read(self, path: Path) -> Signed | None:
        try:
            found = bundle.load(path)
            return Signed(found, made.read_certificate(found.certificate, str(path)))
        except (ConfigError, OSError):
            self.damaged.append(path)
            return None
