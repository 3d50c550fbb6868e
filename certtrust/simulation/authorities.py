"""Certificates with real signatures: the synthetic CAs, and what they issue to devices.

No private key outlives the call. An RSA device certificate carries a random modulus with
unknown factors: that does for verifying the CA's signature, and costs no search for primes.
"""

from __future__ import annotations

import datetime
import hashlib
import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address
from random import Random

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = 86_400
_EPOCH = datetime.datetime(1970, 1, 1)
_SMALL_PRIMES = math.prod(
    n for n in range(3, 1000, 2) if all(n % d for d in range(3, math.isqrt(n) + 1, 2))
)

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


_USAGES = [
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
]


def _usage(*names: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in names for usage in _USAGES})


_CA_USAGE, _DEVICE_USAGE = (
    _usage("key_cert_sign", "crl_sign"),
    _usage("digital_signature"),
)


@dataclass(frozen=True, eq=False)
class Issued:
    """A certificate and what it was made from; times are seconds since the epoch."""

    cn: str | None
    organisation: str
    not_before: int
    not_after: int
    is_ca: bool
    issuer: Issued | None
    der: bytes = field(repr=False)
    key: PrivateKey | None = field(repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the DER, in hex."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def chain(self) -> list[Issued]:
        """The certificate and every issuer above it, up to the root."""
        return [self, *(self.issuer.chain if self.issuer else [])]


def day(year: int, month: int = 1, day_of_month: int = 1) -> int:
    """Return a date as seconds since the epoch."""
    return int(
        (datetime.datetime(year, month, day_of_month) - _EPOCH).total_seconds()
    )


def _name(cn: str | None, organisation: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)]
    if cn is not None:
        # An empty CN is one of the faults to simulate.
        parts.append(x509.NameAttribute(NameOID.COMMON_NAME, cn, _validate=False))
    return x509.Name(parts)


def _unowned_rsa_key(bits: int) -> rsa.RSAPublicKey:
    while True:
        modulus = secrets.randbits(bits) | 1 << bits - 1 | 1
        if math.gcd(modulus, _SMALL_PRIMES) == 1:
            return rsa.RSAPublicNumbers(65537, modulus).public_key()


def _alternative_names(names: Sequence[str]) -> x509.SubjectAlternativeName:
    general: list[x509.GeneralName] = []
    for name in names:
        try:
            general.append(x509.IPAddress(ip_address(name)))
        except ValueError:
            general.append(x509.DNSName(name))
    return x509.SubjectAlternativeName(general)


def _issue(
    rng: Random,
    cn: str | None,
    organisation: str,
    span: tuple[int, int],
    *,
    is_ca: bool,
    issuer: Issued | None,
    key: PrivateKey,
    public: PublicKey,
    extensions: Sequence[x509.ExtensionType] = (),
) -> bytes:
    """Return the DER of a certificate by `issuer`, or of one signed by its own key."""
    subject = _name(cn, organisation)
    signer = _signing_key(issuer) if issuer else key
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(
        signer.public_key()
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(_name(issuer.cn, issuer.organisation) if issuer else subject)
        .public_key(public)
        .serial_number(rng.getrandbits(120) | 1 << 120)
        .not_valid_before(_EPOCH + datetime.timedelta(seconds=span[0]))
        .not_valid_after(_EPOCH + datetime.timedelta(seconds=span[1]))
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(public), critical=False
        )
        .add_extension(identifier, critical=False)
        .add_extension(x509.BasicConstraints(is_ca, path_length=None), critical=True)
        .add_extension(_CA_USAGE if is_ca else _DEVICE_USAGE, critical=True)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(signer, SHA256()).public_bytes(Encoding.DER)


def authority(
    rng: Random,
    cn: str,
    organisation: str,
    span: tuple[int, int],
    *,
    issuer: Issued | None = None,
    by_rsa: bool = False,
) -> Issued:
    """Return a CA below `issuer`, or a root."""
    key: PrivateKey = (
        rsa.generate_private_key(65537, 2048)
        if by_rsa
        else ec.generate_private_key(ec.SECP256R1())
    )
    public = key.public_key()
    der = _issue(
        rng, cn, organisation, span, is_ca=True, issuer=issuer, key=key, public=public
    )
    return Issued(cn, organisation, *span, True, issuer, der, key)


def device_certificate(
    rng: Random,
    cn: str | None,
    organisation: str,
    span: tuple[int, int],
    *,
    issuer: Issued | None,
    names: Sequence[str] = (),
    rsa_bits: int = 0,
    keep_key: bool = False,
) -> Issued:
    """Return a device's certificate by `issuer`, or one that it signed itself; EC by default."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = _unowned_rsa_key(rsa_bits) if rsa_bits else key.public_key()
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    extensions: list[x509.ExtensionType] = [x509.ExtendedKeyUsage(purposes)]
    if names:
        extensions.append(_alternative_names(names))
    der = _issue(
        rng,
        cn,
        organisation,
        span,
        is_ca=False,
        issuer=issuer,
        key=key,
        public=public,
        extensions=extensions,
    )
    return Issued(
        cn, organisation, *span, False, issuer, der, key if keep_key else None
    )


def _signing_key(issuer: Issued) -> PrivateKey:
    if issuer.key is None:
        raise AssertionError(f"{issuer.cn} was made without keeping its key")
    return issuer.key
