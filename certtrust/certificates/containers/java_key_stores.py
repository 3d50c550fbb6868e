"""Key stores of Java in its own formats, JKS and JCEKS: named, and not opened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from ...formats import About
from ..blocks import Block

NAME = "Java key store"

_MAGIC = (b"\xfe\xed\xfe\xed\0\0\0", b"\xce\xce\xce\xce\0\0\0")


def sniff(head: bytes) -> bool:
    """Return True where content begins with the number of such a store."""
    return head.startswith(_MAGIC)


def read(_stream: BinaryIO, _about: About) -> Iterator[Block]:
    """Yield the one block that says what it is."""
    yield Block(
        None,
        "a Java key store, not opened: export it with keytool -exportcert or as PKCS#12",
    )
