"""What a certificate says of its right to issue: the parts of it that a path is judged by."""

from __future__ import annotations

import datetime
from typing import NamedTuple

from .constraints import Constraints, constraints
from .distinguished import comparable
from .outline import SEQUENCE, BadEncoding, Outline, children, content, element

_SUBJECT_KEY_ID, _KEY_USAGE, _SUBJECT_ALT_NAME = "551d0e", "551d0f", "551d11"
_BASIC_CONSTRAINTS, _NAME_CONSTRAINTS, _AUTHORITY_KEY_ID = "551d13", "551d1e", "551d23"
# Critical extensions that do not stand in the way: those judged here, and those that concern policies, purposes
# and revocation, which the page does not ask for.
UNDERSTOOD = frozenset(
    bytes.fromhex(oid)
    for oid in (
        _SUBJECT_KEY_ID,
        _KEY_USAGE,
        _SUBJECT_ALT_NAME,
        _BASIC_CONSTRAINTS,
        _NAME_CONSTRAINTS,
        _AUTHORITY_KEY_ID,
        "551d12",  # issuer alternative name
        "551d1f",  # CRL distribution points
        "551d20",  # certificate policies
        "551d21",  # policy mappings
        "551d24",  # policy constraints
        "551d25",  # extended key usage
        "551d36",  # inhibit anyPolicy
        "551d10",  # private key usage period
        "6086480186f8420101",  # Netscape certificate type
    )
)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
ALWAYS = (-(2**63) + 1, 2**63 - 1)
"""A span that every moment lies in, in microseconds since the epoch."""


class Issuer(NamedTuple):
    """A certificate as a link of a path."""

    may_issue: bool  # key usage and critical extensions do not forbid it, and it is not said to be no CA
    is_ca: bool  # basicConstraints says so
    path_length: int | None
    self_issued: bool
    not_before: int
    not_after: int
    constraints: Constraints | None


def extensions(parts: Outline) -> dict[bytes, tuple[bool, bytes]] | None:
    """Return criticality and content by the content of the OID, or None where the list is malformed."""
    found: dict[bytes, tuple[bool, bytes]] = {}
    try:
        for entry in children(parts.extensions):
            fields = children(content(entry, SEQUENCE))
            oid = content(fields[0], 0x06)
            critical = len(fields) == 3 and content(fields[1], 0x01) != b"\0"
            if oid in found or len(fields) not in (2, 3):
                return None
            found[oid] = critical, content(fields[-1], 0x04)
    except (BadEncoding, IndexError):
        return None
    return found


def processable(parts: Outline) -> bool:
    """Tell whether nothing in a certificate forbids to use it: an unknown critical extension, or a malformed list."""
    found = extensions(parts)
    return found is not None and all(oid in UNDERSTOOD for oid, (critical, _) in found.items() if critical)


def key_ids(parts: Outline) -> tuple[bytes | None, bytes | None]:
    """Return the subject's and the authority's key identifier."""
    found = extensions(parts) or {}
    subject = found.get(bytes.fromhex(_SUBJECT_KEY_ID))
    authority = found.get(bytes.fromhex(_AUTHORITY_KEY_ID))
    try:
        own = content(subject[1], 0x04) if subject else None
        fields = children(content(authority[1], SEQUENCE)) if authority else []
    except BadEncoding:
        return None, None
    return own, next((content(field, 0x80) for field in fields if field[0] == 0x80), None)


def issuer(parts: Outline) -> Issuer | None:
    """Return what a path needs to know of a certificate above the leaf, or None where it cannot be read."""
    found = extensions(parts)
    name = comparable(parts.subject)
    if found is None or name is None:
        return None
    content_of = {oid.hex(): value for oid, (_, value) in found.items()}
    try:
        is_ca, path_length = _basic_constraints(content_of.get(_BASIC_CONSTRAINTS))
        signs = _signs_certificates(content_of.get(_KEY_USAGE))
        limits = constraints(content_of.get(_NAME_CONSTRAINTS))
        not_before, not_after = validity(parts.validity)
    except (BadEncoding, ValueError, IndexError):
        return None
    return Issuer(
        is_ca is not False and signs and processable(parts),
        is_ca is True,
        path_length,
        name == comparable(parts.issuer),
        not_before,
        not_after,
        limits,
    )


def _basic_constraints(value: bytes | None) -> tuple[bool | None, int | None]:
    if value is None:
        return None, None
    fields = children(content(value, SEQUENCE))
    is_ca, path_length = False, None
    for field in fields:
        if field[0] == 0x01:
            is_ca = content(field, 0x01) != b"\0"
        else:
            path_length = int.from_bytes(content(field, 0x02), "big", signed=True)
    return is_ca, path_length


def _signs_certificates(value: bytes | None) -> bool:
    bits = b"\0\xff" if value is None else content(value, 0x03)
    return len(bits) > 1 and bool(bits[1] & 0x04)


def validity(value: bytes) -> tuple[int, int]:
    """Return the first and last moment of a Validity, in microseconds since the epoch.

    Raises
    ------
    ValueError
        If one of them is no time.
    """
    first, last = children(content(value, SEQUENCE))
    return _moment(first), _moment(last)


def _moment(value: bytes) -> int:
    tag, start, _ = element(value, 0)
    text = value[start:].decode("ascii")
    if tag == 0x17:
        text = ("19" if text[:2] >= "50" else "20") + text
    for form in ("%Y%m%d%H%M%SZ", "%Y%m%d%H%MZ", "%Y%m%d%H%M%S%z", "%Y%m%d%H%M%z"):
        try:
            moment = datetime.datetime.strptime(text, form)
        except ValueError:
            continue
        moment = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
        return (moment - _EPOCH) // datetime.timedelta(microseconds=1)
    raise ValueError(f"{text!r} is no time")
