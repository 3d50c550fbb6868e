"""From packets to connections: which packets matter, and when a connection is done.

Most packets of a capture carry no handshake. Arrays of a batch tell which connections open in it,
carry what looks like a handshake, or are followed already; only the packets of these are looked
at one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from .. import limits
from .batches import Batch, Fields, Ints, Mask
from .connection import Connection
from .segments import ACK, FIN, RST, SYN, Hashes, Segments, segments

_HANDSHAKE_MESSAGES = np.zeros(256, bool)
_HANDSHAKE_MESSAGES[[1, 2, 11, 12, 13, 14, 16]] = True
_LETTING_GO = "let go, since more connections were open than are followed at once"


class Tracker:
    """The connections that are followed, and what was counted."""

    def __init__(self, ports: Iterable[int]) -> None:
        self.counts: Counter[str] = Counter()
        self._ports = np.array(sorted(set(ports)), np.int64)
        self._port_bytes = {int(port).to_bytes(2) for port in self._ports}
        self._ways: dict[bytes, tuple[Connection, int]] = {}
        """The connection and the end that sends, by source and target."""
        self._streams = _Streams()
        self._batch = 0
        self._closing: list[Connection] = []
        self._held = 0
        """Bytes that all connections hold."""

    def follow(self, batch: Batch) -> Iterator[Connection]:
        """Take a batch of packets; yield the connections that are done."""
        fields = Fields(batch.data)
        tcp = segments(batch, fields, self.counts)
        touched: set[Connection] = set()
        if len(tcp.packets):
            groups = np.unique(tcp.flow, return_index=True, return_inverse=True)
            numbers, were_opened = self._streams.number(tcp, *groups)
            opens = self._opens(tcp, fields, groups[2])
            rows = np.flatnonzero(self._matters(tcp, opens))
            yield from self._take(
                batch,
                tcp.where(rows),
                opens[rows],
                numbers[rows],
                were_opened[rows],
                touched,
            )
        yield from self._let_go(touched)
        self._batch += 1

    def finish(self) -> Iterator[Connection]:
        """Yield the connections that were still open when the capture ended."""
        for connection in self._open():
            yield from self._done(connection)

    # Which packets matter

    def _opens(self, tcp: Segments, fields: Fields, codes: Ints) -> Mask:
        """Return the segments that may be the first of a connection of interest."""
        looks = self._looks_like_handshake(tcp, fields)
        if self._ports.size:
            ports = fields.word(tcp.ports)
            is_ours = np.isin(ports >> 16, self._ports)
            is_ours |= np.isin(ports & 0xFFFF, self._ports)
            looks |= is_ours & ((tcp.size > 0) | (tcp.flags & SYN > 0))
        is_syn = tcp.flags & SYN > 0
        # Of a connection that opens here and whose first data are no TLS, nothing is followed.
        with_data = np.flatnonzero(tcp.size > 0)
        speaking, first = np.unique(codes[with_data], return_index=True)
        others = speaking[~self._may_be_tls(tcp, fields, with_data[first])]
        is_other = np.zeros(codes.max(initial=0) + 1, bool)
        is_other[others] = True
        is_other[codes[looks]] = False
        self.counts["connections without TLS"] += int(
            (is_syn & is_other[codes] & (tcp.flags & ACK == 0)).sum()
        )
        mask: Mask = looks | (is_syn & ~is_other[codes])
        return mask

    @staticmethod
    def _may_be_tls(tcp: Segments, fields: Fields, rows: Ints) -> Mask:
        """Return which segments can be the first of TLS, or of SSL 2."""
        head = fields.short(tcp.starts[rows])
        kind, size = head >> 8, tcp.size[rows]
        is_record = (kind >= 20) & (kind <= 24) & ((head & 0xFF == 3) | (size == 1))
        mask: Mask = is_record | (kind >= 0x80)
        return mask

    def _matters(self, tcp: Segments, opens: Mask) -> Mask:
        """Return the segments with data, or of an open or a close, of connections of interest."""
        carries = (tcp.size > 0) | (tcp.flags & (SYN | FIN | RST) > 0)
        flows = np.unique(tcp.flow[opens])
        followed = np.fromiter(
            {connection.flow for connection in self._open()}, np.uint64
        )
        wanted = np.union1d(flows, followed)
        if not wanted.size:
            return np.zeros(len(carries), bool)
        at = np.searchsorted(wanted, tcp.flow)
        at[at == len(wanted)] = 0
        matters: Mask = carries & (wanted[at] == tcp.flow)
        return matters

    @staticmethod
    def _looks_like_handshake(tcp: Segments, fields: Fields) -> Mask:
        """Return the segments that begin with a record whose first message is of a handshake."""
        rows = np.flatnonzero(tcp.stops - tcp.starts > 5)
        looks = np.zeros(len(tcp.packets), bool)
        if rows.size:
            starts = tcp.starts[rows]
            is_record = fields.short(starts) == 0x1603
            rows, starts = rows[is_record], starts[is_record]
            size = fields.short(starts + 3)
            looks[rows] = (
                (size > 3)
                & (size <= 1 << 14)
                & _HANDSHAKE_MESSAGES[fields.byte(starts + 5)]
            )
        return looks

    # One by one

    def _take(
        self,
        batch: Batch,
        tcp: Segments,
        opens: Mask,
        numbers: Ints,
        were_opened: Mask,
        touched: set[Connection],
    ) -> Iterator[Connection]:
        data = batch.data
        ways = self._ways
        arrays = (
            tcp.addresses,
            tcp.address_bytes,
            tcp.ports,
            tcp.sequence,
            tcp.flags,
            tcp.starts,
            tcp.stops,
            tcp.size,
        )
        columns = zip(
            batch.times(tcp.packets),
            *(array.tolist() for array in arrays),
            strict=True,
        )
        # fmt: off
        for row, (
            time, address, length, ports, sequence, flags, start, stop, size,
        ) in enumerate(columns):
            # fmt: on
            key = data[address : address + 2 * length] + data[ports : ports + 4]
            way = ways.get(key)
            if (
                way is not None
                and flags & SYN
                and way[0].begins_anew(sequence, flags, way[1])
            ):
                yield from self._done(way[0])
                way = None
            if way is None:
                if not opens[row]:
                    continue
                way = self._open_way(key, length, int(tcp.flow[row]))
                number = int(numbers[row])
                way[0].stream = number if number >= 0 else None
                if not flags & SYN:
                    seen = int.from_bytes(data[ports + 8 : ports + 12])
                    way[0].begins_late(seen, follows=bool(were_opened[row]))
            connection, sender = way
            acknowledged = None
            if flags & (SYN | FIN | RST) and flags & ACK:
                acknowledged = int.from_bytes(data[ports + 8 : ports + 12])
            connection.take(
                sender, flags, sequence, data[start:stop], size, time, acknowledged
            )
            touched.add(connection)
            self._look_at(connection, flags)

    def _look_at(self, connection: Connection, flags: int) -> None:
        """Forget a connection that is of no interest, and mark one that was closed."""
        if connection.is_of_no_interest:
            self.counts["connections without TLS"] += 1
            self._forget(connection)
        elif (
            flags & (FIN | RST)
            and connection.closed_in is None
            and connection.is_over
        ):
            connection.closed_in = self._batch
            self._closing.append(connection)

    def _open_way(self, key: bytes, length: int, flow: int) -> tuple[Connection, int]:
        ends = (
            key[:length] + key[2 * length : 2 * length + 2],
            key[length : 2 * length] + key[2 * length + 2 :],
        )
        is_registration = not self._port_bytes.isdisjoint(
            (ends[0][-2:], ends[1][-2:])
        )
        connection = Connection(ends, flow, is_registration)
        # In this order: the two are the same where an end speaks to itself.
        self._ways[_reverse(key, length)] = (connection, 1)
        self._ways[key] = (connection, 0)
        return connection, 0

    # Letting go

    def _open(self) -> list[Connection]:
        return [
            connection for connection, sender in self._ways.values() if not sender
        ]

    def _forget(self, connection: Connection) -> None:
        connection.is_followed = False
        self._held -= connection.held
        connection.held = 0
        one, other = connection.ends
        for key in (
            one[:-2] + other[:-2] + one[-2:] + other[-2:],
            other[:-2] + one[:-2] + other[-2:] + one[-2:],
        ):
            self._ways.pop(key, None)

    def _done(self, connection: Connection) -> Iterator[Connection]:
        self._forget(connection)
        connection.finish()
        has_spoken = connection.conversation.is_tls is not None
        if (
            connection.is_registration or has_spoken
        ) and not connection.is_of_no_interest:
            yield connection

    def _let_go(self, touched: set[Connection]) -> Iterator[Connection]:
        """Yield what was closed before this batch, and what is too much to hold."""
        for connection in touched:
            if not connection.is_followed:
                continue
            held = connection.held_bytes
            self._held += held - connection.held
            connection.held = held
        # What was closed in this batch may still have stragglers in the next.
        closed = [one for one in self._closing if one.closed_in != self._batch]
        self._closing = [one for one in self._closing if one.closed_in == self._batch]
        for connection in closed:
            if connection.is_followed:
                yield from self._done(connection)
        excess = len(self._ways) // 2 - limits.CAPTURE_CONNECTIONS
        if excess > 0:
            quiet = sorted(self._open(), key=lambda connection: connection.last or 0)
            for connection in quiet[:excess]:
                connection.conversation.note(_LETTING_GO)
                yield from self._done(connection)
        if self._held > limits.CAPTURE_BYTES_HELD:
            for connection in sorted(self._open(), key=lambda one: -one.held):
                if self._held <= limits.CAPTURE_BYTES_HELD // 2:
                    break
                connection.conversation.note(_LETTING_GO)
                yield from self._done(connection)


def _reverse(key: bytes, length: int) -> bytes:
    ports = 2 * length
    return (
        key[length:ports] + key[:length] + key[ports + 2 :] + key[ports : ports + 2]
    )


class _Streams:
    """Numbers of connections in the order in which they begin, as Wireshark counts them."""

    def __init__(self) -> None:
        self._flows: Hashes = np.array([], np.uint64)
        self._numbers: Ints = np.array([], np.int64)
        self._opened: Ints = np.array([], np.int64)
        """The sequence number of the SYN that opened each, or -1."""
        self._following = 0

    def number(
        self, tcp: Segments, flows: Hashes, first: Ints, codes: Ints
    ) -> tuple[Ints, Mask]:
        """Return the number of each segment's connection, and where its SYN was seen.

        The number is -1 where connections are too many to count.
        """
        if len(self._flows) > limits.CAPTURE_STREAMS:
            size = len(tcp.flow)
            return np.full(size, -1, np.int64), np.zeros(size, bool)
        at = np.searchsorted(self._flows, flows)
        at[at == len(self._flows)] = 0
        if len(self._flows):
            is_known = self._flows[at] == flows
        else:
            is_known = np.zeros(len(flows), bool)
        numbers = np.full(len(flows), -1, np.int64)
        opened = np.full(len(flows), -1, np.int64)
        numbers[is_known] = self._numbers[at[is_known]]
        opened[is_known] = self._opened[at[is_known]]
        is_syn = tcp.flags & (SYN | ACK) == SYN
        events = np.union1d(first[~is_known], np.flatnonzero(is_syn))
        at_events = []
        for code, syn, sequence in zip(
            codes[events].tolist(),
            is_syn[events].tolist(),
            tcp.sequence[events].tolist(),
            strict=True,
        ):
            if numbers[code] < 0 or (syn and opened[code] != sequence):
                numbers[code] = self._following
                opened[code] = sequence if syn else -1
                self._following += 1
            at_events.append(numbers[code])
        # A connection asks for the number of its first segment only.
        result: Ints = numbers[codes]
        result[events] = at_events
        self._numbers[at[is_known]] = numbers[is_known]
        self._opened[at[is_known]] = opened[is_known]
        before = np.searchsorted(self._flows, flows[~is_known])
        self._flows = np.insert(self._flows, before, flows[~is_known])
        self._numbers = np.insert(self._numbers, before, numbers[~is_known])
        self._opened = np.insert(self._opened, before, opened[~is_known])
        return result, opened[codes] >= 0
