"""The outline of a certificate: the slices of its DER that chains are built from, without decoding their content.

Signature checks need the very bytes that were signed, and names are compared by their encoding, so this
reads the fixed frame of X.509 (RFC 5280, section 4.1) and nothing more: cheap enough for every certificate
of a fleet, and indifferent to what stands inside names and extensions.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

SEQUENCE = 0x30
_INTEGER = 0x02
_BIT_STRING = 0x03
_VERSION = 0xA0
_ISSUER_ID, _SUBJECT_ID = 0x81, 0x82
_EXTENSIONS = 0xA3


class Outline(NamedTuple):
    """A certificate's parts, each as the bytes that stand in it (with tag and length unless said)."""

    signed: bytes  # tbsCertificate
    version: int  # 1, 2 or 3; others as they are encoded plus one
    inner_algorithm: bytes  # the signature algorithm within the signed part
    issuer: bytes
    validity: bytes
    subject: bytes
    public_key: bytes  # SubjectPublicKeyInfo
    extensions: bytes  # content of the SEQUENCE OF Extension; empty where there is none
    algorithm: bytes  # the signature algorithm beside the signature
    signature: bytes  # content of the bit string


class BadEncoding(ValueError):  # noqa: N818 - said of the data, and always caught within the package
    """The bytes are no such structure."""


def element(data: bytes, at: int) -> tuple[int, int, int]:
    """Return tag, start and end of the content of the DER element at `at`.

    Raises
    ------
    BadEncoding
        If the element runs past the end of `data`, has a tag of several bytes or a length that DER forbids.
    """
    try:
        tag = data[at]
        size = data[at + 1]
        start = at + 2
        if size >= 0x80:
            count = size & 0x7F
            start += count
            size = int.from_bytes(data[at + 2 : start], "big")
            if not 1 <= count <= 4 or size < 0x80 or (count > 1 and not size >> 8 * (count - 1)):
                raise BadEncoding("length is not DER")
    except IndexError:
        raise BadEncoding("cut short") from None
    if start + size > len(data) or tag & 0x1F == 0x1F:
        raise BadEncoding("element does not fit")
    return tag, start, start + size


def children(data: bytes) -> list[bytes]:
    """Return the elements that stand one after the other in `data`, each with its tag and length."""
    found = []
    at = 0
    while at < len(data):
        start = at
        _, _, at = element(data, at)
        found.append(data[start:at])
    return found


def content(data: bytes, tag: int) -> bytes:
    """Return the content of the one element in `data`, which must have this tag.

    Raises
    ------
    BadEncoding
        If it has another tag, or something follows it.
    """
    start, end = _within(data, 0, tag)
    if end != len(data):
        raise BadEncoding("bytes after the element")
    return data[start:end]


def dotted(oid: bytes) -> str:
    """Return the content of an OBJECT IDENTIFIER as dotted text.

    Examples
    --------
    >>> dotted(bytes.fromhex("2a864886f70d"))
    '1.2.840.113549'
    """
    if len(oid) > 64:
        raise BadEncoding("OID is too long")
    numbers, number = [], 0
    for octet in oid:
        number = number << 7 | octet & 0x7F
        if octet < 0x80:
            numbers.append(number)
            number = 0
    if not numbers or oid[-1] >= 0x80:
        raise BadEncoding("OID is cut short")
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def _within(data: bytes, at: int, tag: int) -> tuple[int, int]:
    found, start, end = element(data, at)
    if found != tag:
        raise BadEncoding(f"tag {found:#x} instead of {tag:#x}")
    return start, end


def outline(der: bytes) -> Outline | None:
    """Return the outline of a certificate, or None where the bytes do not have the frame of one.

    Examples
    --------
    >>> outline(b"no certificate") is None
    True
    """
    try:
        return _outline(der)
    except BadEncoding:
        return None


def _outline(der: bytes) -> Outline:
    at, end = _within(der, 0, SEQUENCE)
    if end != len(der):
        raise BadEncoding("bytes after the certificate")
    signed_at = at
    at, signed_end = _within(der, at, SEQUENCE)
    version = 1
    if der[at : at + 1] == bytes([_VERSION]):
        start, at = _within(der, at, _VERSION)
        start, stop = _within(der, start, _INTEGER)
        version = int.from_bytes(der[start:stop], "big", signed=True) + 1
    _, at = _within(der, at, _INTEGER)
    stops = [at]
    for _ in range(5):
        _, at = _within(der, at, SEQUENCE)
        stops.append(at)
    extensions = b""
    while at < signed_end:
        tag, start, at = element(der, at)
        if tag == _EXTENSIONS:
            extensions = content(der[start:at], SEQUENCE)
        elif tag not in (_ISSUER_ID, _SUBJECT_ID):
            raise BadEncoding(f"unexpected tag {tag:#x}")
    if at != signed_end:
        raise BadEncoding("fields outgrow the signed part")
    _, algorithm_end = _within(der, signed_end, SEQUENCE)
    start, stop = _within(der, algorithm_end, _BIT_STRING)
    if stop != end or der[start : start + 1] != b"\0":
        raise BadEncoding("signature is no string of whole bytes")
    inner, issuer, validity, subject, key = (der[a:b] for a, b in pairwise(stops))
    return Outline(
        der[signed_at:signed_end],
        version,
        inner,
        issuer,
        validity,
        subject,
        key,
        extensions,
        der[signed_end:algorithm_end],
        der[start + 1 : stop],
    )
