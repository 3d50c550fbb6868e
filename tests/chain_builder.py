"""Certificates for chains, made on the spot: names and keys are chosen by short texts, so that
impostors and twins are easy to make.
"""

from __future__ import annotations

import datetime
from functools import cache
from typing import Any

import pandas as pd
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from certtrust.certificates.reading import from_der
from certtrust.trust import trust_state

ORIGIN = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def year(number: int) -> pd.Timestamp:
    """Return the middle of a year."""
    return pd.Timestamp(year=number, month=7, day=1, tz="UTC").as_unit("us")


@cache
def key(name: object) -> ec.EllipticCurvePrivateKey:
    """Return the key of this name, the same one at every call."""
    del name
    return ec.generate_private_key(ec.SECP256R1())


def _name(text: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(x509.NameOID.COMMON_NAME, text)] if text else []
    )


@cache
def certificate(
    subject: str,
    issuer: str | None = None,
    *,
    own: object = None,
    signer: object = None,
    ca: bool | None = True,
    path_length: int | None = None,
    cert_sign: bool | None = None,
    first: int = 2020,
    last: int = 2040,
    dns: tuple[str, ...] = (),
    permitted: tuple[str, ...] = (),
    excluded: tuple[str, ...] = (),
    critical: str | None = None,
    key_ids: bool = False,
    serial: int = 1,
) -> bytes:
    """Return a certificate as DER; `own` and `signer` name its key and that of its issuer, by
    default after subject and issuer.
    """
    issuer = subject if issuer is None else issuer
    public, signing = key(own or subject).public_key(), key(signer or issuer)
    builder = x509.CertificateBuilder(_name(issuer), _name(subject), public, serial)
    builder = builder.not_valid_before(
        datetime.datetime(first, 1, 1, tzinfo=datetime.UTC)
    )
    builder = builder.not_valid_after(
        datetime.datetime(last, 12, 31, tzinfo=datetime.UTC)
    )
    extensions: list[tuple[Any, bool]] = []
    if ca is not None:
        extensions.append(
            (x509.BasicConstraints(ca, path_length if ca else None), True)
        )
    if cert_sign is not None:
        extensions.append(
            (
                x509.KeyUsage(
                    True, False, False, False, False, cert_sign, False, False, False
                ),
                True,
            )
        )
    if dns:
        extensions.append(
            (
                x509.SubjectAlternativeName([x509.DNSName(domain) for domain in dns]),
                False,
            )
        )
    if permitted or excluded:
        trees = [
            [x509.DNSName(domain) for domain in part] or None
            for part in (permitted, excluded)
        ]
        extensions.append((x509.NameConstraints(*trees), True))
    if critical:
        extensions.append(
            (
                x509.UnrecognizedExtension(
                    x509.ObjectIdentifier(critical), b"\x05\x00"
                ),
                True,
            )
        )
    if key_ids:
        extensions.append((x509.SubjectKeyIdentifier.from_public_key(public), False))
        extensions.append(
            (
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    signing.public_key()
                ),
                False,
            )
        )
    for value, is_critical in extensions:
        builder = builder.add_extension(value, critical=is_critical)
    return builder.sign(signing, hashes.SHA256()).public_bytes(Encoding.DER)


def listed(*entries: bytes, pbx: str | None = "hq") -> pd.DataFrame:
    """Return a trust list."""
    frame = from_der(entries)
    return frame.assign(pbx=pd.Series(pbx, frame.index, dtype="str"))


def bundle(name: str, *ders: bytes) -> pd.DataFrame:
    """Return the certificates of one file or one handshake."""
    return from_der(ders, bundle=name)


def leaves_of(
    certificates: pd.DataFrame, *bundles: str, pbx: str | None = "hq"
) -> pd.DataFrame:
    """Return the rows to judge: the first certificate of each bundle, at a PBX."""
    leaves = (
        certificates.drop_duplicates("bundle")
        .set_index("bundle")
        .loc[list(bundles)]
        .reset_index()
    )
    return leaves[["fingerprint", "bundle"]].assign(
        pbx=pd.Series(pbx, leaves.index, dtype="str")
    )


def outcome(
    ders: list[bytes], entries: list[bytes], at: pd.Timestamp | None = None
) -> tuple[str | None, list[str], pd.DataFrame]:
    """Judge one bundle, its leaf first, and return state, path and the whole answer."""
    certificates = bundle("b", *ders)
    leaves = leaves_of(certificates, "b")
    answer = leaves.join(trust_state.judge(leaves, certificates, listed(*entries)))
    moment = pd.Series([at or year(2026)])
    state = trust_state.trust_at(answer, moment)
    return (
        state["trust_state"].iloc[0],
        trust_state.path_at(answer, moment).iloc[0],
        answer.join(state),
    )
