"""Issuers: what a certificate says of its right to issue others, and when it is valid."""

from __future__ import annotations

from typing import NamedTuple

from ..texts.sentences import say
from ..x509.ber import (
    BIT_STRING,
    BOOLEAN,
    INTEGER,
    SEQUENCE,
    BadEncoding,
    children,
    content,
)
from ..x509.distinguished_names import comparable
from ..x509.extensions import extensions, objection
from ..x509.oids import BASIC_CONSTRAINTS, KEY_USAGE, KEY_USAGES, NAME_CONSTRAINTS
from ..x509.structure import Structure
from ..x509.times import span
from .name_constraints import Constraints, constraints

ALWAYS = (-(2**63) + 1, 2**63 - 1)
"""A span that every moment lies in, in microseconds since the epoch."""

_KEY_CERT_SIGN = "keyCertSign"


class Issuer(NamedTuple):
    """A certificate as it may stand above another one in a path."""

    objection: str | None
    """What in it forbids to issue: basicConstraints, keyUsage, extensions."""
    is_ca: bool
    """Whether basicConstraints says so."""
    path_length: int | None
    self_issued: bool
    not_before: int
    not_after: int
    constraints: Constraints | None


def extensions_objection(parts: Structure) -> str | None:
    """Return in words why the extensions forbid to use the certificate, None where they do not."""
    reason = objection(parts)
    return reason and say(f"trust.reasons.{reason.kind}", detail=reason.detail)


def issuer(parts: Structure) -> Issuer | None:
    """Return what a path depends on in a certificate above the leaf, None if unreadable."""
    name = comparable(parts.subject)
    try:
        values = {oid: value for oid, (_, value) in extensions(parts).items()}
        is_ca, path_length = _basic_constraints(values.get(BASIC_CONSTRAINTS))
        usages = _key_usages(values.get(KEY_USAGE))
        limits = constraints(values.get(NAME_CONSTRAINTS))
        not_before, not_after = span(parts.validity)
    except (BadEncoding, ValueError, IndexError):
        return None
    reason = extensions_objection(parts)
    if not name:
        reason = say("trust.reasons.no_subject")
    elif is_ca is False:
        reason = say("trust.reasons.says_no_ca")
    elif usages is not None and _KEY_CERT_SIGN not in usages:
        words = ", ".join(usages) or say("trust.reasons.no_usages")
        reason = say("trust.reasons.no_key_usage", usage=_KEY_CERT_SIGN, usages=words)
    self_issued = name == comparable(parts.issuer)
    return Issuer(
        reason, is_ca is True, path_length, self_issued, not_before, not_after, limits
    )


def _basic_constraints(value: bytes | None) -> tuple[bool | None, int | None]:
    if value is None:
        return None, None
    is_ca, path_length = False, None
    for field in children(content(value, SEQUENCE)):
        if field[0] == BOOLEAN:
            is_ca = content(field, BOOLEAN) != b"\0"
        else:
            path_length = int.from_bytes(content(field, INTEGER), "big", signed=True)
    return is_ca, path_length


def _key_usages(value: bytes | None) -> list[str] | None:
    if value is None:
        return None
    octets = content(value, BIT_STRING)[1:]
    bits = "".join(f"{octet:08b}" for octet in octets)
    return [name for name, bit in zip(KEY_USAGES, bits, strict=False) if bit == "1"]
