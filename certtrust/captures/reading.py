"""From a file of any of these formats to handshakes, one at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import numpy as np

from ..formats import HEAD, begin
from ..sources import Source
from . import links, pcap, pcapng, suricata, zeek
from .batches import Batch
from .conversation import CLIENT, SERVER
from .handshake import Handshake, Seen, of_connection
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


def looks_like_monitor_log(head: bytes) -> bool:
    r"""Return True where content begins as Zeek's ssl.log or x509.log, or Suricata's eve.json.

    Examples
    --------
    >>> looks_like_monitor_log(b"#separator \x09\n#path\tssl\n")
    True
    """
    head = head[:HEAD]
    return zeek.kind_of(head) is not None or suricata.sniff(head)


class Wire:
    """What files show of connections; a line of Zeek's waits for the certificates that it names."""

    def __init__(self, ports: Iterable[int]) -> None:
        self.counts: dict[str, Counts] = {}
        self._ports = tuple(ports)
        self._rows: list[Handshake | tuple[zeek.Record, str]] = []
        self._certificates = zeek.Certificates()
        self.logged: list[tuple[str, int, Seen]] = []
        """The lines of Zeek's x509.log: file, line, certificate."""
        self._once: dict[Any, Any] = {}
        """What many connections have in common, kept once."""

    def add(self, file: Source) -> None:
        """Read a file; what cannot be read is a row with its reason."""
        name = file.name
        if file.error is not None:
            self._rows.append(Handshake(source=name, parse_error=file.error))
            return
        try:
            with file.open() as opened:
                self.add_stream(opened, name)
        except OSError as problem:
            reason = f"reading stopped: {problem}"
            self._rows.append(Handshake(source=name, parse_error=reason))

    def add_stream(self, opened: BinaryIO, name: str) -> None:
        """Read a file that is open."""
        head, stream = begin(opened)
        counts = self.counts.setdefault(name, Counts())
        if looks_like_capture(head):
            rows = []
            for row in packets(stream, head, name, self._ports, counts):
                self._share(row)
                rows.append(row)
            rows.sort(key=lambda row: (row.stream is None, row.stream or 0))
            self._rows += rows
        elif zeek.kind_of(head) is not None:
            for record in zeek.records(stream):
                counts["lines"] += 1
                if record.error is None and record.kind not in (zeek.SSL, zeek.X509):
                    counts["lines of other logs"] += 1
                elif record.kind == zeek.X509 and record.error is None:
                    seen = self._certificates.add(record.values)
                    self.logged.append((name, record.line, seen))
                    if record.note is not None:
                        note = f"line {record.line}: {record.note}"
                        self._rows.append(Handshake(source=name, parse_error=note))
                else:
                    self._rows.append((record, name))
        elif suricata.sniff(head):
            self._rows += suricata.read(stream, name, counts)
        else:
            reason = "neither a packet capture nor a log of Zeek or Suricata"
            self._rows.append(Handshake(source=name, parse_error=reason))

    def _share(self, row: Handshake) -> None:
        """Let equal certificates and equal lists of them be the same object."""
        once = self._once
        for side in (CLIENT, SERVER):
            sent = row.sent(side)
            sent[:] = [
                once.setdefault(one, one) if isinstance(one, bytes) else one
                for one in sent
            ]
            names = getattr(row, f"{side}_certificates")
            if names is not None:
                setattr(
                    row,
                    f"{side}_certificates",
                    once.setdefault(tuple(names), names),
                )

    def handshakes(self) -> list[Handshake]:
        """Return all connections, in the order of files and of connections in them."""
        return [
            row
            if isinstance(row, Handshake)
            else zeek.of_record(row[0], self._certificates, row[1])
            for row in self._rows
        ]


def packets(
    stream: BinaryIO, head: bytes, name: str, ports: Iterable[int], counts: Counts
) -> Iterator[Handshake]:
    """Yield the connections of a packet capture as they are done."""
    tracker = Tracker(ports)
    reader = pcap if pcap.sniff(head) else pcapng
    problem, has_rows = None, False
    unread: Counter[int] = Counter()
    try:
        for batch in reader.read(stream):
            for connection in tracker.follow(batch):
                has_rows = True
                yield of_connection(connection, name)
            _count_unread(batch, unread)
    except OSError as damage:
        problem = f"reading stopped: {damage}"
    for connection in tracker.finish():
        has_rows = True
        yield of_connection(connection, name)
    counts.update(tracker.counts)
    reasons = [problem] if problem else []
    reasons += [
        f"{count:,} packets of an interface that no block describes"
        if link == links.UNKNOWN
        else f"{count:,} packets of link type {link}, which is not read"
        for link, count in sorted(unread.items())
    ]
    if not (reasons or has_rows) and (counts["damaged"] or not counts["TCP"]):
        others = ", ".join(
            f"{counts[kind]:,} {kind}"
            for kind in ("not IP", "not TCP", "fragments", "damaged")
            if counts[kind]
        )
        reasons = [f"no connection can be read: {others}"] if others else []
    if reasons:
        yield Handshake(source=name, parse_error="; ".join(reasons))


def _count_unread(batch: Batch, unread: Counter[int]) -> None:
    if batch.interfaces is None:
        if batch.interface_table[0].link not in links.KNOWN:
            unread[batch.interface_table[0].link] += len(batch.starts)
        return
    for index in np.unique(batch.interfaces):
        link = batch.interface_table[index].link
        if link not in links.KNOWN:
            unread[link] += int((batch.interfaces == index).sum())
