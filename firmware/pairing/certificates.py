"""X.509 for one home: an authority, its broker, its devices and caregivers. Source: RFC 5280.

Every certificate begins in 2020: a Raspberry Pi keeps no time while it is off, and a clock that is behind must not keep
an alert from being told. Keys are of the curve P-256.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID as Use
from cryptography.x509.oid import NameOID

from firmware.errors import ConfigError

FROM = datetime(2020, 1, 1, tzinfo=UTC)
AUTHORITY_DAYS = 20 * 365
DAYS = 5 * 365  # of everybody else

Key = ec.EllipticCurvePrivateKey
Public = ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class Span:
    """From when until when a certificate is valid."""

    start: datetime
    end: datetime


def span(now: datetime, days: int) -> Span:
    return Span(FROM, (now + timedelta(days=days)).replace(microsecond=0))


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def key_text(key: Key) -> str:
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, plain).decode()


def read_key(text: bytes, source: str) -> Key:
    """Raises ConfigError: it is no private key on P-256."""
    try:
        key = serialization.load_pem_private_key(text, None)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{source}: no private key that can be read") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigError(f"{source}: another kind of key, expected one on the curve P-256")
    return key


def pem(what: x509.Certificate | x509.CertificateSigningRequest | x509.CertificateRevocationList) -> str:
    return what.public_bytes(serialization.Encoding.PEM).decode()


def read_certificate(text: str, source: str) -> x509.Certificate:
    """Raises ConfigError: it is no certificate, or for another kind of key than ours."""
    try:
        found = x509.load_pem_x509_certificate(text.encode())
        _p256(found.public_key())
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{source}: no certificate that can be read, on the curve P-256") from error
    return found


def public_key(certificate: x509.Certificate) -> Public:
    return _p256(certificate.public_key())


def _p256(key: object) -> Public:
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise TypeError("not on P-256")
    return key


def new_authority(key: Key, name: str, valid: Span) -> x509.Certificate:
    public = key.public_key()
    builder = _blank(public, name, _named(name), valid)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs=True), critical=True)
    return builder.sign(key, hashes.SHA256())


def new_certificate(
    authority: x509.Certificate, key: Key, public: Public, name: str, valid: Span, hosts: Sequence[str] = ()
) -> x509.Certificate:
    """A broker's when it has `hosts`, otherwise a client's: neither can be taken for the other."""
    builder = _blank(public, name, authority.subject, valid)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs=False), critical=True)
    use = Use.SERVER_AUTH if hosts else Use.CLIENT_AUTH
    builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(public_key(authority))
    builder = builder.add_extension(issuer, critical=False)
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_alternative, hosts))), critical=False)
    return builder.sign(key, hashes.SHA256())


def _blank(public: Public, name: str, issuer: x509.Name, valid: Span) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(_named(name)).issuer_name(issuer).public_key(public)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(valid.start).not_valid_after(valid.end)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def new_request(key: Key, name: str) -> x509.CertificateSigningRequest:
    return x509.CertificateSigningRequestBuilder().subject_name(_named(name)).sign(key, hashes.SHA256())


def read_request(text: bytes, source: str) -> tuple[str, Public]:
    """The name and the key that a request asks a certificate for; whatever else it asks for is not looked at.

    Raises:
        ConfigError: it is none, its key is not on P-256, or who made it did not have the key.
    """
    try:
        request = x509.load_pem_x509_csr(text)
        if not request.is_signature_valid:
            raise ConfigError(f"{source}: whoever made this request did not have its key")
        return common_name(request.subject), _p256(request.public_key())
    except (ValueError, TypeError, x509.InvalidVersion) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{source}: no request that `rearguard pair --request` made: {error}") from error


def common_name(subject: x509.Name) -> str:
    """Raises ValueError when there is anything but one."""
    attributes = list(subject)
    if len(attributes) != 1 or attributes[0].oid != NameOID.COMMON_NAME:
        raise ValueError("its subject is not one common name")
    return str(attributes[0].value)


def vouches(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether the authority has signed it."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def new_crl(
    authority: x509.Certificate, key: Key, serials: Iterable[int], number: int, now: datetime
) -> x509.CertificateRevocationList:
    """Valid as long as the authority: a list that ends before would lock everybody out."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(authority.subject)
    builder = builder.last_update(FROM).next_update(authority.not_valid_after_utc)
    builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    for serial in serials:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(key, hashes.SHA256())
