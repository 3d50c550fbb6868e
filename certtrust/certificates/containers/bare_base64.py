"""Base64 without armour: one certificate per line, per paragraph, or over all lines."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from ...formats import About
from ..blocks import Item, is_nothing
from . import contents
from .pem import from_base64

NAME = "base64"

_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]+")
_INDEFINITE = 0x80


def sniff(head: bytes) -> bool:
    """Return True where there is nothing but the letters of base64."""
    return _BASE64.fullmatch(head) is not None


def read(stream: BinaryIO, about: About) -> Iterator[Item]:
    """Yield what each line, paragraph or all lines hold."""
    chunks: list[list[bytes]] = []
    missing: float = 0
    for line in stream.read().split():
        if missing <= 0:
            # Only a line after a whole certificate starts the next one.
            missing = _length(line)
            chunks.append([])
        chunks[-1].append(line)
        missing -= len(line)
    for lines in chunks:
        with suppress(binascii.Error):
            items = contents(from_base64(b"".join(lines)), about)
            yield from (item for item in items if not is_nothing(item))


def _length(line: bytes) -> float:
    """Return the length in base64 of the DER that begins here; infinite for indefinite BER."""
    head = b""
    with suppress(binascii.Error):
        head = from_base64(line[:8].replace(b"=", b"A").ljust(8, b"A"))
    head = head.ljust(6, b"\0")
    if head[:2] == bytes((0x30, _INDEFINITE)):
        return float("inf")
    long_form = head[1] & 0x7F if head[1] > 0x7F else 0
    size = (
        2
        + long_form
        + (
            int.from_bytes(head[2 : 2 + min(long_form, 4)], "big")
            if long_form
            else head[1]
        )
    )
    return (size + 2) // 3 * 4
