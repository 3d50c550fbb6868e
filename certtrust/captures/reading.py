"""From a file of any of these formats to handshakes, one at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from ..formats import begin
from ..sources import Source
from . import links, pcap, pcapng
from .handshake import Handshake, of_connection
from .tracker import Tracker

REGISTRATION_PORT = 1300
"""The TCP port of H.323/TLS."""

Counts = Counter[str]


def looks_like_capture(head: bytes) -> bool:
    """Return True where content begins as a packet capture.

    Examples
    --------
    >>> looks_like_capture(bytes.fromhex("d4c3b2a1020004")), looks_like_capture(b"-----BEGIN")
    (True, False)
    """
    return pcap.sniff(head) or pcapng.sniff(head)


def handshakes_of(
    source: Source, ports: Iterable[int], counts: Counts
) -> Iterator[Handshake]:
    """Yield the connections of a file as they are done; what cannot be read has its reason."""
    if source.error is not None:
        yield Handshake(source=source.name, parse_error=source.error)
        return
    try:
        with source.open() as opened:
            head, stream = begin(opened)
            if looks_like_capture(head):
                yield from packets(stream, head, source.name, ports, counts)
            else:
                reason = "neither a packet capture nor a log of Zeek or Suricata"
                yield Handshake(source=source.name, parse_error=reason)
    except OSError as problem:
        yield Handshake(source=source.name, parse_error=f"reading stopped: {problem}")


def packets(
    stream: BinaryIO, head: bytes, name: str, ports: Iterable[int], counts: Counts
) -> Iterator[Handshake]:
    """Yield the connections of a packet capture as they are done."""
    tracker = Tracker(ports)
    reader = pcap if pcap.sniff(head) else pcapng
    problem = None
    unread: Counter[int] = Counter()
    try:
        for batch in reader.read(stream):
            for connection in tracker.follow(batch):
                yield of_connection(connection, name)
            _count_unread(batch, unread)
    except OSError as damage:
        problem = f"reading stopped: {damage}"
    for connection in tracker.finish():
        yield of_connection(connection, name)
    counts.update(tracker.counts)
    reasons = [problem] if problem else []
    reasons += [
        f"{count:,} packets of link type {link}, which is not read"
        for link, count in sorted(unread.items())
    ]
    if reasons:
        yield Handshake(source=name, parse_error="; ".join(reasons))


def _count_unread(batch: pcap.Batch, unread: Counter[int]) -> None:
    if batch.interfaces is None:
        if batch.known[0].link not in links.KNOWN:
            unread[batch.known[0].link] += len(batch.starts)
        return
    for index, interface in enumerate(batch.known):
        if interface.link not in links.KNOWN:
            if count := int((batch.interfaces == index).sum()):
                unread[interface.link] += count
