"""EFI signature lists (UEFI specification, 32.4.1), as p11-kit writes them for firmware."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator
from typing import BinaryIO

from ...formats import About
from ..blocks import Block, Item
from . import contents

NAME = "EFI signature list"

_OF_CERTIFICATES = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072").bytes_le
_HEADER = struct.Struct("<16sIII")
_OWNER = 16
"""Bytes of the GUID before each certificate."""


def sniff(head: bytes) -> bool:
    """Return True where content begins with a list of X.509 certificates."""
    return head.startswith(_OF_CERTIFICATES)


def read(stream: BinaryIO, about: About) -> Iterator[Item]:
    """Yield what each list holds, list by list."""
    data = stream.read()
    start = 0
    while start < len(data):
        if len(data) - start < _HEADER.size:
            yield Block(
                None, f"EFI signature list: {len(data) - start} bytes too many"
            )
            return
        kind, size, header_size, signature_size = _HEADER.unpack_from(data, start)
        first, stop = start + _HEADER.size + header_size, start + size
        if not first <= stop <= len(data):
            yield Block(None, "EFI signature list: cut off, or its size is wrong")
            return
        if kind != _OF_CERTIFICATES:
            yield Block(None, "EFI signature list: no certificates, but another kind")
        elif signature_size <= _OWNER or (stop - first) % signature_size:
            yield Block(None, "EFI signature list: its sizes contradict each other")
        else:
            for position in range(first, stop, signature_size):
                signature = data[position + _OWNER : position + signature_size]
                yield from contents(signature, about)
        start = stop
