"""The structure of a certificate: the slices of its DER that chains are built from.

Signature checks need the very bytes that were signed, and names are compared by their encoding,
so this reads the fixed frame of X.509 (RFC 5280, section 4.1) and nothing more: cheap enough
for every certificate of a fleet, and indifferent to what stands inside names and extensions.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from .ber import (
    BIT_STRING,
    CONTEXT_0,
    CONTEXT_3,
    INTEGER,
    SEQUENCE,
    BadEncoding,
    content,
    element,
)

ISSUER_ID, SUBJECT_ID = 0x81, 0x82
"""Tags of the unique identifiers that version 2 knows."""


class Structure(NamedTuple):
    """The parts of a certificate as encoded, with tag and length unless noted otherwise."""

    signed: bytes  # tbsCertificate
    version: int  # 1, 2 or 3; others as they are encoded plus one
    inner_algorithm: bytes  # the signature algorithm within the signed part
    issuer: bytes
    validity: bytes
    subject: bytes
    public_key: bytes  # SubjectPublicKeyInfo
    extensions: (
        bytes  # content of the SEQUENCE OF Extension; empty where there is none
    )
    algorithm: bytes  # the signature algorithm beside the signature
    signature: bytes  # content of the bit string


def structure(der: bytes) -> Structure | None:
    """Return the structure of a certificate, or None where the bytes do not have the frame of one.

    Examples
    --------
    >>> structure(b"no certificate") is None
    True
    """
    try:
        return _structure(der)
    except BadEncoding:
        return None


def _within(der: bytes, at: int, tag: int) -> tuple[int, int]:
    actual, start, stop, _ = element(der, at, strict=True)
    if actual != tag:
        raise BadEncoding(f"tag {actual:#x} instead of {tag:#x}")
    return start, stop


def _structure(der: bytes) -> Structure:
    at, end = _within(der, 0, SEQUENCE)
    if end != len(der):
        raise BadEncoding("bytes after the certificate")
    signed_at = at
    at, signed_end = _within(der, at, SEQUENCE)
    version = 1
    if der[at : at + 1] == bytes([CONTEXT_0]):
        start, at = _within(der, at, CONTEXT_0)
        start, stop = _within(der, start, INTEGER)
        version = int.from_bytes(der[start:stop], "big", signed=True) + 1
    _, at = _within(der, at, INTEGER)
    stops = [at]
    for _ in range(5):
        _, at = _within(der, at, SEQUENCE)
        stops.append(at)
    extensions = b""
    while at < signed_end:
        tag, start, at, _ = element(der, at, strict=True)
        if tag == CONTEXT_3:
            extensions = content(der[start:at], SEQUENCE)
        elif tag not in (ISSUER_ID, SUBJECT_ID):
            raise BadEncoding(f"unexpected tag {tag:#x}")
    if at != signed_end:
        raise BadEncoding("fields outgrow the signed part")
    _, algorithm_end = _within(der, signed_end, SEQUENCE)
    start, stop = _within(der, algorithm_end, BIT_STRING)
    if stop != end or der[start : start + 1] != b"\0":
        raise BadEncoding("signature is no string of whole bytes")
    inner, issuer, validity, subject, key = (
        der[first:last] for first, last in pairwise(stops)
    )
    signed, algorithm, signature = (
        der[signed_at:signed_end],
        der[signed_end:algorithm_end],
        der[start + 1 : stop],
    )
    return Structure(
        signed,
        version,
        inner,
        issuer,
        validity,
        subject,
        key,
        extensions,
        algorithm,
        signature,
    )
