"""Containers of certificates, one module each: content decides, not the name of a file.

Each module has a NAME, `sniff(head)` and `read(stream, about)`, as `certtrust.formats`
describes; it yields `certtrust.certificates.blocks.Block`s, or bytes for a plain certificate. A
container may hold others: `contents` reads what is inside. `about.options` holds the password.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from ... import limits
from ...captures import looks_like_capture
from ...formats import HEAD, About, listed, recognise, rejoined
from ..blocks import NO_CERTIFICATE, NOTHING, Block, Item, Rows

_BLANK = re.compile(rb"(?:\s++|#[^\r\n]*+)*+")
_BEGIN, _FIRST_LINE = b"-----BEGIN ", b"-----BEGIN CERTIFICATE-----"
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b")


def read(opened: Callable[[], BinaryIO], about: About) -> Iterator[Item | Rows]:
    """Yield the blocks of a file in order; one with the reason where there are none.

    Those of a table come as `Rows`, many at once.

    Parameters
    ----------
    opened : callable
        Returns a fresh stream of the file's content.
    about : About
        The file's name, and the `password` in its options.
    """
    with opened() as stream:
        head = stream.read(HEAD)
        if _is_long_pem(head):
            yield from CONTAINERS["PEM"].read(rejoined(head, stream), about)
        elif looks_like_capture(head):
            # It may be larger than the memory.
            yield from CONTAINERS["capture of TLS"].read(
                rejoined(head, stream), about
            )
        else:
            yield from contents(head + stream.read(), about)


def _is_long_pem(head: bytes) -> bool:
    """Return True for the head of a long PEM file, which need not be in memory as a whole."""
    return (
        len(head) == HEAD
        and _BEGIN in head
        and recognise(CONTAINERS.values(), head) is CONTAINERS["PEM"]
    )


def contents(data: bytes, about: About) -> Iterator[Any]:
    """Yield the blocks of content in any container; one with the reason if there are none."""
    depth = about.options.get("depth", 0)
    if depth == limits.CONTAINER_DEPTH:
        yield Block(None, f"more than {depth} containers within one another")
        return
    about = about._replace(options={**about.options, "depth": depth + 1})
    if data.startswith(_FIRST_LINE) and (
        ders := CONTAINERS["PEM"].certificates(data)
    ):
        yield from ders
        return
    blocks = _recognised(data, about)
    yield next(blocks, None) or _unrecognised(data)
    yield from blocks


def _recognised(data: bytes, about: About) -> Iterator[Any]:
    """Yield the blocks of the first container that recognises the content and holds any."""
    own = about.options.get("columns")
    table = CONTAINERS["table"]
    is_own_table = bool(own) and not table.sniff(data) and table.sniff(data, own)
    for container in ([table] if is_own_table else []) + [*CONTAINERS.values()]:
        if is_own_table or container.sniff(data):
            blocks = container.read(io.BytesIO(data), about)
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
    "wire",
    "java_key_stores",
    "efi_lists",
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
