"""Packet captures and the logs of Zeek and Suricata: the certificates that were seen in TLS.

What a side of a connection presented is a bundle of its own. A log may hold only the names and
dates of a certificate; such a row cannot be verified.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from ...captures import Seen, Wire, looks_like_capture, looks_like_monitor_log
from ...formats import HEAD, About
from ..blocks import Block

NAME = "capture of TLS"

_NO_DER = (
    "only the names and dates of a certificate, as a log of connections has them"
)


def sniff(head: bytes) -> bool:
    """Return True where content is a capture, or a log of connections."""
    head = head[:HEAD]
    return looks_like_capture(head) or looks_like_monitor_log(head)


def read(stream: BinaryIO, about: About) -> Iterator[Block]:
    """Yield the certificates of each side of each connection, leaf first."""
    wire = Wire(())
    wire.add_stream(stream, about.name)
    yield from (block for _, block in blocks(wire))


def blocks(wire: Wire) -> Iterator[tuple[str, Block]]:
    """Yield the certificates that files show, each with the name of its file."""
    seen = set()
    sources = dict.fromkeys(wire.counts)
    for number, row in enumerate(wire.handshakes()):
        source = row.source or ""
        if row.outcome is None and row.parse_error:
            sources.pop(source, None)
            yield source, Block(None, row.parse_error)
            continue
        for side in ("client", "server"):
            stream = number if row.stream is None else row.stream
            for one in row.sent(side):
                sources.pop(source, None)
                seen.add(id(one))
                yield source, _block(one, f"#{stream} {side}")
    for source, number, one in wire.logged:
        if id(one) not in seen:
            sources.pop(source, None)
            yield source, _block(one, f"#{number}")
    for source in sources:
        yield source, Block(None, "no certificate is seen in this capture or log")


def _block(seen: Seen, part: str) -> Block:
    if isinstance(seen, bytes):
        return Block(seen, part=part)
    return Block(None, _NO_DER, columns=seen, part=part)
