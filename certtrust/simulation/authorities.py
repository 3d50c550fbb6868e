"""Certificates with real signatures: the synthetic CAs, and what they issue to devices.

No private key outlives the call. An RSA device certificate carries a random modulus that nobody
holds the factors of: for verifying the CA's signature it is as good as a key, and it costs no
search for primes.
"""

from __future__ import annotations

import datetime
import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True, eq=False)
class Issued:
    """A certificate and what its maker knows about it: times are seconds since the epoch."""

    cn: str | None
    organisation: str
    not_before: int
    not_after: int
    is_ca: bool
    issuer: Issued | None
    der: bytes = field(repr=False)
    key: PrivateKey | None = field(repr=False)

    @property
    def chain(self) -> list[Issued]:
        """The certificate and every issuer above it, up to the root."""
        return [self, *(self.issuer.chain if self.issuer else [])]


def day(year: int, month: int = 1, day_of_month: int = 1) -> int:
    """Return a date as seconds since the epoch."""
    return int((datetime.datetime(year, month, day_of_month) - _EPOCH).total_seconds())


def _name(cn: str | None, organisation: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)]
    if cn is not None:
        # An empty CN is a fault that the simulation is asked for.
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


def _sign(
    rng: Random,
    *,
    public: PublicKey,
    signer: PrivateKey,
    subject: x509.Name,
    issuer: x509.Name,
    span: tuple[int, int],
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
) -> bytes:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(rng.getrandbits(120) | 1 << 120)
        .not_valid_before(_EPOCH + datetime.timedelta(seconds=span[0]))
        .not_valid_after(_EPOCH + datetime.timedelta(seconds=span[1]))
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(public), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
            critical=False,
        )
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signer, SHA256()).public_bytes(Encoding.DER)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def authority(
    rng: Random,
    cn: str,
    organisation: str,
    span: tuple[int, int],
    *,
    issuer: Issued | None = None,
    by_rsa: bool = False,
) -> Issued:
    """Return a CA under `issuer`, or a root."""
    key: PrivateKey = (
        rsa.generate_private_key(65537, 2048)
        if by_rsa
        else ec.generate_private_key(ec.SECP256R1())
    )
    subject = _name(cn, organisation)
    der = _sign(
        rng,
        public=key.public_key(),
        signer=_signing_key(issuer) if issuer else key,
        subject=subject,
        issuer=_name(issuer.cn, issuer.organisation) if issuer else subject,
        span=span,
        extensions=[
            (x509.BasicConstraints(ca=True, path_length=None), True),
            (_usage(signs_certificates=True), True),
        ],
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
    """Return a device's certificate by `issuer`, or one that the device signed itself; it has
    an EC key by default.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(cn, organisation)
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_usage(signs_certificates=False), True),
        (
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            ),
            False,
        ),
    ]
    if names:
        extensions.append((_alternative_names(names), False))
    der = _sign(
        rng,
        public=_unowned_rsa_key(rsa_bits) if rsa_bits else key.public_key(),
        signer=_signing_key(issuer) if issuer else key,
        subject=subject,
        issuer=_name(issuer.cn, issuer.organisation) if issuer else subject,
        span=span,
        extensions=extensions,
    )
    return Issued(
        cn, organisation, *span, False, issuer, der, key if keep_key else None
    )


def _signing_key(issuer: Issued) -> PrivateKey:
    if issuer.key is None:
        raise AssertionError(f"{issuer.cn} was made without keeping its key")
    return issuer.key
