"""A synthetic fleet of any size for the benchmarks: certificates of a few realistic kinds, each
with its own values.

One certificate of each kind is really signed; the others are copies with another serial number,
name, date, key and key identifier of the same lengths. Reading takes the same steps for all of
them; their signatures do not verify, which no reader here checks.
"""

from __future__ import annotations

import base64
import datetime as dt
import random
from collections.abc import Iterator
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

_SERIAL = 0x5EC3B7A6437FA4E05EC3B7A6437FA4E0
_DEVICE, _HARDWARE = "0090331a2b3c", "IP222-1a-2b-3c"
_START = dt.datetime(2019, 5, 1, 11, 22, 33, tzinfo=dt.UTC)
_KEY_ID = bytes(range(100, 120))


class Kind(NamedTuple):
    """A kind of certificate: its common name, organisation, key and names."""

    common_name: str
    organisation: tuple[tuple[x509.ObjectIdentifier, str], ...]
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    alt_names: tuple[str, ...]
    is_odd: bool = False


def _name(
    common_name: str, others: tuple[tuple[x509.ObjectIdentifier, str], ...]
) -> x509.Name:
    pairs = [*others, (x509.NameOID.COMMON_NAME, common_name)]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


def _certificate(kind: Kind, issuer: str, signer: rsa.RSAPrivateKey) -> bytes:
    constraints = x509.BasicConstraints(ca=False, path_length=None)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(kind.common_name, kind.organisation))
        .issuer_name(_name(issuer, ((x509.NameOID.COUNTRY_NAME, "DE"),
        (x509.NameOID.ORGANIZATION_NAME, "Example AG"))))
        .serial_number(_SERIAL)
        .not_valid_before(_START)
        .not_valid_after(_START + dt.timedelta(days=7300))
        .public_key(kind.key.public_key())
        .add_extension(constraints, critical=True)
        .add_extension(x509.SubjectKeyIdentifier(_KEY_ID), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, content_commitment=False, key_encipherment=True,
                data_encipherment=False, key_agreement=False, key_cert_sign=False,
                crl_sign=False, encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(
            x509.ExtendedKeyUsage([
                x509.ExtendedKeyUsageOID.SERVER_AUTH, x509.ExtendedKeyUsageOID.CLIENT_AUTH,
            ]),
            critical=False,
        )
    )  # fmt: skip
    if kind.alt_names:
        names = x509.SubjectAlternativeName(
            [x509.DNSName(name) for name in kind.alt_names]
        )
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.DER)


def _kinds(odd: bool) -> list[tuple[Kind, bytes]]:
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ec_key = ec.generate_private_key(ec.SECP256R1())
    organisation = ((x509.NameOID.ORGANIZATION_NAME, "Example AG"),)
    department = (
        (x509.NameOID.COUNTRY_NAME, "DE"),
        (x509.NameOID.ORGANIZATION_NAME, "Example AG"),
        (x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "Telephony"),
    )
    authority = "Example Device Certification Authority"
    kinds = [
        (Kind(_DEVICE, organisation, rsa_key, ()), authority),
        (Kind(_HARDWARE, organisation, rsa_key, ()), f"{authority} 2"),
        (Kind(_DEVICE, department, rsa_key, (f"{_DEVICE}.phones.example.com",)), f"{authority} 2"),
        (Kind(_DEVICE, organisation, ec_key, (f"{_DEVICE}.example.com",
        f"{_DEVICE}.example.net")), "Example CA"),
    ]  # fmt: skip
    if odd:
        # An attribute type that is written as an OID, and a value that needs escaping.
        odd_subject = (
            *department,
            (x509.NameOID.EMAIL_ADDRESS, "a@example.com"),
            (x509.NameOID.STREET_ADDRESS, 'a, "b" + c'),
        )
        kinds = [
            (
                Kind(
                    _DEVICE,
                    odd_subject,
                    rsa_key,
                    (f"{_DEVICE}.example.com",),
                    is_odd=True,
                ),
                authority,
            )
        ]
    return [(kind, _certificate(kind, issuer, rsa_key)) for kind, issuer in kinds]


def ders(count: int, *, odd_share: float = 0.0, seed: int = 0) -> Iterator[bytes]:
    """Yield `count` certificates of a fleet, a share of them broken or unusual in a field."""
    draw = random.Random(seed)
    regular_kinds, odd_kinds = _kinds(odd=False), _kinds(odd=True)
    for _ in range(count):
        if draw.random() < odd_share:
            yield _odd(_varied(*draw.choice(odd_kinds), draw), draw)
        else:
            yield _varied(*draw.choice(regular_kinds), draw)


def _varied(kind: Kind, der: bytes, draw: random.Random) -> bytes:
    device = f"009033{draw.randrange(1 << 24):06x}"
    serial = (draw.getrandbits(126) | 1 << 126).to_bytes(16, "big")
    date = (
        (_START + dt.timedelta(minutes=draw.randrange(2_000_000)))
        .strftime("%y%m%d%H%M%SZ")
        .encode()
    )
    der = der.replace(_SERIAL.to_bytes(16, "big"), serial, 1)
    der = der.replace(_DEVICE.encode(), device.encode())
    der = der.replace(
        _HARDWARE.encode(),
        f"IP222-{device[6:8]}-{device[8:10]}-{device[10:]}".encode(),
    )
    der = der.replace(_START.strftime("%y%m%d%H%M%SZ").encode(), date, 1)
    der = der.replace(_KEY_ID, draw.randbytes(20), 1)
    if isinstance(kind.key, rsa.RSAPrivateKey):
        modulus = kind.key.public_key().public_numbers().n.to_bytes(256, "big")
        der = der.replace(
            modulus, (draw.getrandbits(2048) | 1 << 2047 | 1).to_bytes(256, "big"), 1
        )
    return der


def _odd(der: bytes, draw: random.Random) -> bytes:
    """Return the certificate with a field that strict readers refuse, or unchanged."""
    damage = draw.randrange(4)
    if damage == 0:  # basicConstraints with a NULL
        return der.replace(
            bytes.fromhex("0603551d130101ff04023000"),
            bytes.fromhex("0603551d130101ff04020500"),
            1,
        )
    if damage == 1:  # a PrintableString with an invalid character
        return der.replace(b"\x13\x02DE", b"\x13\x02D@", 1).replace(
            b"\x0c\x02DE", b"\x13\x02D@", 1
        )
    if damage == 2:  # keyUsage without bits
        return der.replace(b"\x03\x02\x05\xa0", b"\x04\x02\x05\xa0", 1)
    return der


def pem(certificates: Iterator[bytes]) -> Iterator[bytes]:
    """Yield each certificate as a PEM block."""
    for der in certificates:
        text = base64.encodebytes(der).replace(b"\n", b"")
        lines = b"\n".join(text[at : at + 64] for at in range(0, len(text), 64))
        yield (
            b"-----BEGIN CERTIFICATE-----\n"
            + lines
            + b"\n-----END CERTIFICATE-----\n"
        )
