"""What DER is by its structure, and the certificates within PKCS#7 and PKCS#12.

Private keys end here: their bytes are not handed on.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from ..x509.ber import (
    BIT_STRING,
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    UTC_TIME,
    BadEncoding,
    element,
    elements,
    number,
    only,
)

_MOST_ROUNDS = 2_000_000
_PKCS7_OID = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07"
_TIMES = frozenset({UTC_TIME, GENERALIZED_TIME})


class Block(NamedTuple):
    """A block: its DER, or why there is none, and what stands beside it.

    `part` is added to the name of the source where a part of it is a bundle of its own.
    """

    der: bytes | None
    problem: str | None = None
    columns: dict[str, Any] | None = None
    part: str | None = None
    device: str | None = None


def first(der: bytes) -> bytes:
    """Return the first element, without what follows it."""
    try:
        *_, after = element(der, 0, len(der))
    except BadEncoding:
        return der
    return der[:after]


def _tags(data: bytes, most: int = 9) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    try:
        for part in elements(data):
            found.append(part)
            if len(found) == most:
                break
    except BadEncoding:
        pass
    return found


def kind_of(der: bytes) -> str | None:
    """Tell what DER is by its structure; None where it is nothing that is known."""
    try:
        parts = _tags(only(der, SEQUENCE))
    except BadEncoding:
        return None
    tags = [tag for tag, _ in parts]
    if tags[:1] == [OID]:
        return "PKCS#7" if parts[0][1].startswith(_PKCS7_OID) else None
    if tags[:1] == [INTEGER]:
        return _kind_by_version(parts, tags)
    if tags[:1] == [SEQUENCE]:
        return _kind_by_body(parts, tags)
    return None


def _kind_by_version(parts: list[tuple[int, bytes]], tags: list[int]) -> str | None:
    if tags[1:2] == [SEQUENCE] and _tags(parts[1][1])[:1] == [(OID, _PKCS7_OID + b"\1")]:
        return "PKCS#12"
    if tags[1:3] == [SEQUENCE, OCTET_STRING] or tags[1:2] == [OCTET_STRING] or tags[:6] == [INTEGER] * 6:
        return "a private key"
    return None


def _kind_by_body(parts: list[tuple[int, bytes]], tags: list[int]) -> str | None:
    body = _tags(parts[0][1])
    inner = [tag for tag, _ in body]
    if inner[:1] == [OID]:
        return {OCTET_STRING: "a private key", BIT_STRING: "a public key"}.get(tags[1] if tags[1:] else 0)
    if inner[:3] == [INTEGER, SEQUENCE, SEQUENCE] and [tag for tag, _ in _tags(body[2][1])] == [SEQUENCE, BIT_STRING]:
        return "a certificate signing request"
    signed = inner[1:] if inner[:1] == [INTEGER] else inner
    if signed[:2] == [SEQUENCE, SEQUENCE] and signed[2:3] and signed[2] in _TIMES:
        return "a revocation list"
    return "certificate" if len(inner) >= 6 else None


# PKCS#7, PKCS#12


def pkcs7(der: bytes) -> Iterator[Block]:
    """Yield the certificates of a SignedData in order (RFC 5652, section 5.1), each as it stands there."""
    try:
        (_, _), (_, explicit), *_ = elements(only(der, SEQUENCE))
        listed = next((each for tag, each in elements(only(explicit, SEQUENCE)) if tag == 0xA0), b"")
        at, found = 0, 0
        while at < len(listed):
            tag, _, _, after = element(listed, at, len(listed))
            yield Block(listed[at:after]) if tag == SEQUENCE else Block(None, "PKCS#7: no X.509 certificate, skipped")
            at, found = after, found + 1
        if not found:
            yield Block(None, "PKCS#7: holds no certificates")
    except ValueError as problem:
        yield Block(None, f"PKCS#7: {problem}")


def pkcs12(der: bytes, password: bytes | None) -> Iterator[Block]:
    """Yield the certificates of a key store, the one that belongs to its key first."""
    if _asks_for_too_much(der):
        yield Block(None, f"PKCS#12: asks for more than {_MOST_ROUNDS:,} rounds of hashing")
        return
    held, reason = None, "the password is missing"
    # Among many files some have no password, and some the empty one.
    for tried in dict.fromkeys((password, None, b"")):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what is odd in a certificate stands in its row
                held = load_pkcs12(der, tried)
            break
        except ValueError as problem:
            reason = reason if tried is None or password is None else str(problem)
    if held is None:
        yield Block(None, f"PKCS#12: {reason}")
        return
    # The key is dropped right here.
    found = [each.certificate for each in (held.cert, *held.additional_certs) if each is not None]
    del held
    for certificate in found:
        yield Block(certificate.public_bytes(Encoding.DER))
    if not found:
        yield Block(None, "PKCS#12: holds no certificates")


def _asks_for_too_much(der: bytes) -> bool:
    """Tell whether a number of rounds in it would keep this machine busy for long."""
    waiting = [der]
    while waiting:
        for tag, inside in _tags(waiting.pop(), most=1000):
            if tag == INTEGER and 3 <= len(inside) <= 8 and number(inside) > _MOST_ROUNDS:
                return True
            if tag in (SEQUENCE, SET, 0xA0) or (tag in (OCTET_STRING, 0x24) and inside[:1] == b"0"):
                waiting.append(inside)
    return False
