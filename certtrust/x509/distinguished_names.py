"""Distinguished names as they compare: spelling, spaces, case and string type do not matter
(RFC 5280, section 7.1).
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from .ber import (
    ASCII_STRINGS,
    BMP_STRING,
    SEQUENCE,
    SET,
    UNIVERSAL_STRING,
    UTF8_STRING,
    BadEncoding,
    children,
    content,
)

Name = tuple[tuple[tuple[bytes, object], ...], ...]
"""Relative distinguished names in order, each its sorted (attribute type, value) pairs."""

EMAIL_ADDRESS = bytes.fromhex("06092a864886f70d010901")
COMMON_NAME = bytes.fromhex("0603550403")
_ENCODINGS = {
    **dict.fromkeys(
        ASCII_STRINGS, "latin-1"
    ),  # what issuers put there is Latin-1, and OpenSSL reads it so
    UTF8_STRING: "utf-8",
    UNIVERSAL_STRING: "utf-32-be",
    BMP_STRING: "utf-16-be",
}


@lru_cache(maxsize=65536)
def comparable(name: bytes) -> Name | None:
    """Return a Name (DER) in the form in which equal names are equal, or None where it is none.

    Examples
    --------
    >>> comparable(bytes.fromhex("300d310b3009060355040313024341")) == comparable(
    ...     bytes.fromhex("300f310d300b06035504030c0463612020")
    ... )
    True
    """
    try:
        return tuple(
            tuple(
                sorted(
                    (_attribute(pair) for pair in children(content(group, SET))),
                    key=repr,
                )
            )
            for group in children(content(name, SEQUENCE))
        )
    except BadEncoding:
        return None


def texts(name: bytes, kind: bytes) -> list[str]:
    """Return the values of one attribute type (an OBJECT IDENTIFIER as DER), as they stand."""
    values = []
    for group in children(content(name, SEQUENCE)):
        for pair in children(content(group, SET)):
            parts = children(content(pair, SEQUENCE))
            if len(parts) == 2 and parts[0] == kind:
                values.append(_text(parts[1]) or "")
    return values


def _attribute(pair: bytes) -> tuple[bytes, object]:
    kind, value = children(content(pair, SEQUENCE))
    text = _text(value)
    if text is None:
        return kind, value
    return kind, " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _text(value: bytes) -> str | None:
    encoding = _ENCODINGS.get(value[0])
    if encoding is None:
        return None
    try:
        return content(value, value[0]).decode(encoding)
    except UnicodeDecodeError:
        return None
