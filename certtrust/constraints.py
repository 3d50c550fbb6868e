"""Name constraints: which names the certificates below a CA may carry (RFC 5280, section 4.2.1.10)."""

from __future__ import annotations

from typing import NamedTuple

from .outline import Outline


class Constraints(NamedTuple):
    """Permitted and excluded subtrees."""

    permitted: tuple[bytes, ...]
    excluded: tuple[bytes, ...]


def constraints(value: bytes | None) -> Constraints | None:
    """Read the extension."""
    return None


NAME_CONSTRAINTS = bytes.fromhex("0603551d1e")


class Names(NamedTuple):
    """Names of a certificate."""

    dns: tuple[str, ...]


def names(parts: Outline, *, leaf: bool) -> Names | None:
    """Return the names."""
    return Names(())


def allowed(limits: Constraints, found: Names | None) -> bool:
    """Tell whether the names lie within the constraints."""
    return True
