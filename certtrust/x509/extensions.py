"""The extensions that a certification path depends on, and whether they can be used."""

from __future__ import annotations

from typing import NamedTuple

from .ber import (
    BIT_STRING,
    BOOLEAN,
    OCTET_STRING,
    OID,
    SEQUENCE,
    BadEncoding,
    children,
    content,
    dotted,
    element,
)
from .oids import (
    AUTHORITY_KEY_ID,
    BASIC_CONSTRAINTS,
    INFORMATION_ACCESS,
    KEY_USAGE,
    NAME_CONSTRAINTS,
    SUBJECT_ALT_NAME,
    SUBJECT_KEY_ID,
)
from .structure import Structure

DECISIVE = {
    SUBJECT_KEY_ID: OCTET_STRING,
    KEY_USAGE: BIT_STRING,
    SUBJECT_ALT_NAME: SEQUENCE,
    BASIC_CONSTRAINTS: SEQUENCE,
    NAME_CONSTRAINTS: SEQUENCE,
    AUTHORITY_KEY_ID: SEQUENCE,
}
"""Extensions that a path or a name depends on, each with the tag of its value."""
# Policies, purposes and revocation are not checked, so these may be critical.
_UNCHECKED = frozenset(
    bytes.fromhex(oid)
    for oid in (
        "551d10",  # private key usage period
        "551d12",  # issuer alternative name
        "551d1f",  # CRL distribution points
        "551d20",  # certificate policies
        "551d21",  # policy mappings
        "551d24",  # policy constraints
        "551d25",  # extended key usage
        "551d36",  # inhibit anyPolicy
        "6086480186f8420101",  # Netscape certificate type
        "2b060104018237150a",  # application policies, as Microsoft writes them
        "2b060104018237150b",  # mappings of these
        "2b060104018237150c",  # constraints of these
    )
)


def extensions(parts: Structure) -> dict[bytes, tuple[bool, bytes]]:
    """Return criticality and value of each extension, by the content of its OID.

    Raises
    ------
    BadEncoding
        If the list is malformed or names an extension twice (RFC 5280, section 4.2).
    """
    by_oid: dict[bytes, tuple[bool, bytes]] = {}
    for entry in children(parts.extensions):
        fields = children(content(entry, SEQUENCE))
        if len(fields) not in (2, 3):
            raise BadEncoding("an extension of neither two nor three fields")
        oid = content(fields[0], OID)
        if oid in by_oid:
            raise BadEncoding("an extension stands there twice")
        critical = len(fields) == 3 and content(fields[1], BOOLEAN) != b"\0"
        by_oid[oid] = critical, content(fields[-1], OCTET_STRING)
    return by_oid


def value(parts: Structure, oid: bytes) -> bytes | None:
    """Return the value of an extension, None where it is not there or the list cannot be read."""
    try:
        return extensions(parts).get(oid, (False, None))[1]
    except BadEncoding:
        return None


def usable(parts: Structure) -> bool:
    """Return True where the extensions let the certificate be used."""
    return objection(parts) is None


class Objection(NamedTuple):
    """Why extensions forbid to use a certificate: the kind of reason, and what exactly."""

    kind: str
    """`critical_extension`, `malformed_names` or `malformed_extensions`."""
    detail: str


def objection(parts: Structure) -> Objection | None:
    """Return why the extensions forbid to use the certificate, None where they do not.

    They do where one is critical and not understood (RFC 5280, section 4.2), where one stands
    there twice, or where one that a path depends on or that names the certificate is malformed.
    """
    try:
        for oid, (critical, inside) in extensions(parts).items():
            if critical and oid not in DECISIVE and oid not in _UNCHECKED:
                return Objection("critical_extension", dotted(oid))
            if oid in DECISIVE:
                content(inside, DECISIVE[oid])
            if oid == SUBJECT_ALT_NAME and not all(
                map(_is_general_name, children(content(inside, SEQUENCE)))
            ):
                return Objection("malformed_names", "")
            if oid == INFORMATION_ACCESS:
                for description in children(content(inside, SEQUENCE)):
                    element(content(description, SEQUENCE), strict=True)
    except BadEncoding as problem:
        return Objection("malformed_extensions", str(problem))
    return None


def _is_general_name(name: bytes) -> bool:
    return 0x80 <= name[0] <= 0x88 or 0xA0 <= name[0] <= 0xA8


def key_ids(parts: Structure) -> tuple[bytes | None, bytes | None]:
    """Return the subject's and the authority's key identifier, None where they are not there."""
    try:
        own, authority = value(parts, SUBJECT_KEY_ID), value(parts, AUTHORITY_KEY_ID)
        fields = children(content(authority, SEQUENCE)) if authority else []
        return (
            content(own, OCTET_STRING) if own else None,
            next(
                (content(field, 0x80) for field in fields if field[0] == 0x80), None
            ),
        )
    except BadEncoding:
        return None, None
