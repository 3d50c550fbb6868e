"""Containers of certificates, one module each: what a file is decides, not what it is called.

Each module has a NAME, `sniff(head)` and `read(stream, about)`, as `certtrust.formats`
describes; it yields `certtrust.certificates.blocks.Block`s, or bytes where a block is nothing
but the DER of a certificate. A container may hold others: `contents` reads what is inside.
`about.options` holds the password.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, BinaryIO

from ...formats import HEAD, About, listed
from ..blocks import NO_CERTIFICATE, NOTHING, Block, Item

_BLANK = re.compile(rb"(?:\s++|#[^\r\n]*+)*+")
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b")


def read(opened: Callable[[], BinaryIO], about: About) -> Iterator[Item]:
    """Yield the blocks of a file in order; one that says so where there are none.

    Parameters
    ----------
    opened : callable
        Returns a fresh stream of the file's content.
    about : About
        The file's name, and the `password` in its options.
    """
    with opened() as stream:
        head = stream.read(HEAD)
        rest_is_empty = len(head) < HEAD
    if rest_is_empty:
        yield from contents(head, about)
        return
    blocks = _recognised(head, opened, about)
    first = next(blocks, None)
    if first is None:
        with opened() as stream:
            yield from contents(stream.read(), about)
        return
    yield first
    yield from blocks


def contents(data: bytes, about: About) -> Iterator[Item]:
    """Yield the blocks of content, whatever container it is; one that says so where there are
    none.
    """
    blocks = _recognised(data, partial(io.BytesIO, data), about)
    yield next(blocks, None) or _unrecognised(data)
    yield from blocks


def _recognised(
    head: bytes, opened: Callable[[], BinaryIO], about: About
) -> Iterator[Item]:
    """Yield the blocks of the first container that knows the head and finds any."""
    for container in CONTAINERS.values():
        if container.sniff(head):
            with opened() as stream:
                blocks = container.read(stream, about)
                first = next(blocks, None)
                if first is not None:
                    yield first
                    yield from blocks
                    return


def _unrecognised(data: bytes) -> Block:
    if _BLANK.fullmatch(data):
        return Block(None, NOTHING)
    if data.startswith(_ARCHIVES):
        return Block(None, "an archive within an archive, which is not opened")
    return Block(None, NO_CERTIFICATE)


ORDER = (
    "encoded_text",
    "java_key_stores",
    "pkcs12",
    "pkcs7",
    "der",
    "own_tables",
    "tables",
    "pem",
    "listings",
    "url_escaped",
    "hex_digits",
    "bare_base64",
)
"""The modules, in the order in which a file is tried for them."""
CONTAINERS: dict[str, Any] = listed(__name__, ORDER)
"""The containers by their names, in that order."""
