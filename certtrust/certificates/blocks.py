"""Blocks of a file of certificates, and what a block of DER is by its structure.

A block that is no certificate by its structure (a key, a request, anything else) keeps its reason
and not its bytes, whatever its label and its damage: no byte of a private key is handed on.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ..x509.ber import (
    BIT_STRING,
    CONTEXT_0,
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    UTC_TIME,
    BadEncoding,
    element,
    parts,
)

NOTHING = "nothing is there"
"""The problem of content that is empty but for white space and comments."""
NO_CERTIFICATE = "no certificate is found"
"""The problem of content of another kind."""

NO_SEQUENCE = "no SEQUENCE, so no certificate"

CERTIFICATE = "certificate"
PKCS7, PKCS12 = "PKCS#7", "PKCS#12"
PKCS7_OID = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07"
_LOOKED_AT = 1 << 16
_KEY_BEGINS = re.compile(rb"\x30[\x01-\x84][^\x02]{0,4}\x02\x01")
_VERSIONS = (b"\0", b"\1")
"""What stands before the numbers of a key, of which a damaged one may have two alone."""
_TIMES = frozenset({UTC_TIME, GENERALIZED_TIME})


class Block(NamedTuple):
    """A block: its DER, or why there is none, and what is known beside it.

    `columns` are those of a row that was read without DER. `part` is added to the name of the
    source where a part of it is a bundle of its own. `table` is the row of a saved table
    CERTIFICATES or TRUST that the block was read from.
    """

    der: bytes | None
    problem: str | None = None
    columns: dict[str, Any] | None = None
    part: str | None = None
    device: str | None = None
    table: dict[str, Any] | None = None


NO_ROWS = Block(None, table={})
"""The one block of a saved table without rows: there is no block, and that is certain."""


class Rows(NamedTuple):
    """Items of many rows of a table, each with the `part` and `device` that a block would have."""

    items: list[Block | bytes]
    parts: list[str]
    devices: list[str | None]


Item = Block | bytes
"""What containers yield; a plain certificate is just its DER."""


def is_der(data: bytes) -> bool:
    """Return True where content starts as a SEQUENCE, unlike a text that starts with 0."""
    if data[:1] != b"0" or len(data) < 2:
        return False
    return data[1] >= 0x80 or data[1] + 2 == len(data)


def end_of(data: bytes, at: int = 0) -> int:
    """Return where the element at a position ends: the end of the data if it is cut short."""
    try:
        return element(data, at)[3]
    except BadEncoding:
        return len(data)


def of_der(der: bytes, kind: str | None) -> Block:
    """Return the block of one element: a certificate, or the reason why it is none."""
    outer, cut = parts(der, 1)
    if kind == CERTIFICATE:
        fields, cut_inside = parts(outer[0][1], 4)
        is_regular = [tag for tag, _ in fields] == [SEQUENCE, SEQUENCE, BIT_STRING]
        if (is_regular and not cut and not cut_inside) or not _holds_a_key(der):
            return Block(der)
    if kind not in (CERTIFICATE, None):
        return Block(None, f"{kind}, skipped")
    if not outer or outer[0][0] != SEQUENCE:
        return Block(None, NO_SEQUENCE)
    return Block(None, cut or "a SEQUENCE, but no certificate")


def _holds_a_key(der: bytes) -> bool:
    """Return True where a certificate with a wrong length includes a private key behind it."""
    return any(
        kind_of(der[key.start() :]) == "a private key"
        for key in _KEY_BEGINS.finditer(der)
    )


def is_nothing(item: Item) -> bool:
    """Return True for the block that stands for content without certificates."""
    return isinstance(item, Block) and item.problem in (NOTHING, NO_CERTIFICATE)


def kind_of(der: bytes) -> str | None:
    """Return what DER is by its structure, cut short or not; None if it is nothing known."""
    if not der.startswith(b"0"):
        return None
    outer = parts(der[:_LOOKED_AT], 1)[0]
    inner = parts(outer[0][1], 9)[0]
    tags = [tag for tag, _ in inner]
    if tags[:1] == [OID]:
        return PKCS7 if inner[0][1].startswith(PKCS7_OID) else None
    if tags[:1] == [INTEGER]:
        return _kind_by_version(inner, tags)
    if tags[:1] == [SEQUENCE]:
        return _kind_by_body(inner, tags)
    return None


def _kind_by_version(inner: list[tuple[int, bytes]], tags: list[int]) -> str | None:
    if tags[1:2] == [SEQUENCE] and parts(inner[1][1], 1)[0] == [
        (OID, PKCS7_OID + b"\1")
    ]:
        return PKCS12
    if (
        tags[1:3] == [SEQUENCE, OCTET_STRING]
        or tags[1:2] == [OCTET_STRING]
        or tags[:6] == [INTEGER] * 6
        or (tags[1:2] == [INTEGER] and inner[0][1] in _VERSIONS)
    ):
        return "a private key"
    return None


def _kind_by_body(inner: list[tuple[int, bytes]], tags: list[int]) -> str | None:
    body = parts(inner[0][1], 9)[0]
    fields = [tag for tag, _ in body]
    if fields[:1] == [OID]:
        return {OCTET_STRING: "a private key", BIT_STRING: "a public key"}.get(
            tags[1] if tags[1:] else 0
        )
    if fields[:3] == [INTEGER, SEQUENCE, SEQUENCE]:
        key = [tag for tag, _ in parts(body[2][1], 9)[0]]
        if key == [SEQUENCE, BIT_STRING]:
            return "a certificate signing request"
    signed = fields[1:] if fields[:1] == [INTEGER] else fields
    if signed[:2] == [SEQUENCE, SEQUENCE] and signed[2:3] and signed[2] in _TIMES:
        return "a revocation list"
    return CERTIFICATE if _is_certificate(body, tags) else None


def _is_certificate(body: list[tuple[int, bytes]], tags: list[int]) -> bool:
    """Return True where a signed part begins as a certificate's, and a signature ends it."""
    fields = body[1:] if body[:1] and body[0][0] == CONTEXT_0 else body
    if (
        len(fields) < 2
        or len(tags) > 3
        or fields[0][0] != INTEGER
        or fields[1][0] != SEQUENCE
    ):
        return False
    algorithm = parts(fields[1][1], 1)[0]
    return (
        algorithm[:1] != []
        and algorithm[0][0] == OID
        and all(tag == SEQUENCE for tag, _ in fields[1:6])
    )
