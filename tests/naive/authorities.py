"""Certificates of invented authorities and devices, made with the cryptography package alone."""

import datetime as dt
import warnings
from functools import cache
from random import Random
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

NOT_LATER = dt.timedelta(0)
DER = serialization.Encoding.DER
FIRST_EC_KEY = 2**200
"""EC keys are derived from numbers, so that each number gives the same key in every run."""

SHA256_WITH_RSA = bytes.fromhex("2a864886f70d01010b")
SHA1_WITH_RSA = bytes.fromhex("2a864886f70d010105")
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")

SPANS = [*[(2010, 2080)] * 6, (2010, 2024), (2030, 2080), (2015, 2033)]
"""First and last year of the validity of authorities; most are valid all the time."""


def moment(year: int, seconds: int = 0) -> dt.datetime:
    """Return the beginning of a year in UTC, or some seconds later."""
    return dt.datetime(year, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)


@cache
def key(number: int) -> Any:
    """Return key `number`: RSA-1024 for -1 and -2, RSA-2048 for other negative ones, else EC."""
    if number < 0:
        return rsa.generate_private_key(65537, 1024 if number >= -2 else 2048)
    return ec.derive_private_key(FIRST_EC_KEY + number, ec.SECP256R1())


def name(common_name: str | None, organization: str | None = "Example") -> x509.Name:
    """Return a distinguished name; None leaves an attribute out, and "" keeps it empty."""
    attributes = []
    if organization is not None:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    if common_name is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an empty CN is intended
            attributes.append(
                x509.NameAttribute(NameOID.COMMON_NAME, common_name, _validate=False)
            )
    return x509.Name(attributes)


def certificate(
    subject: x509.Name,
    own: int,
    issuer: x509.Name,
    signer: int,
    *,
    not_before: dt.datetime,
    not_after: dt.datetime,
    ca: bool | None = None,
    path_length: int | None = None,
    cert_sign: bool | None = None,
    unknown_critical: bool = False,
    pss: bool = False,
) -> bytes:
    """Return a certificate as DER; None leaves basicConstraints or keyUsage out."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key(own).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    if ca is not None:
        builder = builder.add_extension(
            x509.BasicConstraints(ca, path_length), critical=True
        )
    if cert_sign is not None:
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=cert_sign,
            crl_sign=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    if unknown_critical:
        builder = builder.add_extension(UNKNOWN, critical=True)
    salted = (
        padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        if pss
        else None
    )
    signed = builder.sign(key(signer), hashes.SHA256(), rsa_padding=salted)
    return signed.public_bytes(DER)


def with_sha1(der: bytes, signer: int) -> bytes:
    """Return the certificate with a SHA-1 signature by an RSA key, as old devices have them.

    The library no longer signs with SHA-1, so the algorithm identifiers are replaced in place.
    """
    renamed = der.replace(SHA256_WITH_RSA, SHA1_WITH_RSA)
    content = x509.load_der_x509_certificate(renamed).tbs_certificate_bytes
    signature = key(signer).sign(content, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303
    return renamed[: -len(signature)] + signature


def with_broken_signature(der: bytes) -> bytes:
    """Return the certificate with the last byte of its signature changed."""
    return der[:-1] + bytes([der[-1] ^ 0x55])


def authorities(random: Random, later: dt.timedelta) -> list[dict[str, Any]]:
    """Return certificates of CAs with few names and keys that sign each other at random.

    Each is a dict with its subject, the number of its key, the subject and key of its issuer, and
    its DER. Some names have two keys, some keys have several certificates, and some certificates
    are no CAs at all.
    """
    holders = [
        (
            name(f"Example CA {letter}"),
            random.choice([-1, -3, -4, *range(20)]) if turn else index,
        )
        for index, letter in enumerate("ABCD")
        for turn in range(random.choice([1, 1, 2]))
    ]
    certificates = []
    for index, (subject, own) in enumerate(holders):
        for _ in range(random.choice([1, 1, 2])):
            is_self_signed = index == 0 or random.random() < 0.3
            issuer, signer = (
                (subject, own) if is_self_signed else random.choice(holders[:index])
            )
            if random.random() < 0.1:
                issuer, signer = random.choice(holders)
            certificates.append(
                _authority(random, subject, own, issuer, signer, later)
            )
    return certificates


def _authority(
    random: Random,
    subject: x509.Name,
    own: int,
    issuer: x509.Name,
    signer: int,
    later: dt.timedelta,
) -> dict[str, Any]:
    first, last = random.choice(SPANS)
    odd = random.random()
    der = certificate(
        subject,
        own,
        issuer,
        signer,
        not_before=moment(first) + later,
        not_after=moment(last) + later,
        ca=None if odd < 0.06 else odd >= 0.1,
        path_length=random.choice([0, 0, 1]) if 0.1 <= odd < 0.2 else None,
        cert_sign=None if odd < 0.5 else odd >= 0.54,
    )
    if random.random() < 0.03:
        der = with_broken_signature(der)
    return {
        "subject": subject,
        "own": own,
        "issuer": issuer,
        "signer": signer,
        "der": der,
    }


def ladder(steps: int, later: dt.timedelta = NOT_LATER) -> list[dict[str, Any]]:
    """Return a root and CAs one below the other, `steps` of them, the lowest one last."""
    certificates = []
    issuer, signer = name("Example Step 1"), 901
    for step in range(1, steps + 1):
        subject, own = name(f"Example Step {step}"), 900 + step
        der = certificate(
            subject,
            own,
            issuer,
            signer,
            not_before=moment(2010) + later,
            not_after=moment(2080) + later,
            ca=True,
        )
        links = {"subject": subject, "own": own, "issuer": issuer, "signer": signer}
        certificates.append({**links, "der": der})
        issuer, signer = subject, own
    return certificates


def chain(
    random: Random,
    members: list[dict[str, Any]],
    issuer: x509.Name,
    signer: int,
) -> list[bytes]:
    """Return a path upwards from an issuer's name and key, as far as it goes without loops."""
    path: list[bytes] = []
    while True:
        above = [
            member
            for member in members
            if member["subject"] == issuer
            and member["own"] == signer
            and member["der"] not in path
        ]
        if not above:
            return path
        step = random.choice(above)
        path.append(step["der"])
        if (step["issuer"], step["signer"]) == (issuer, signer):
            return path
        issuer, signer = step["issuer"], step["signer"]
