"""TCP segments of a batch as arrays: addresses, ports, sequence numbers, where the data lies.

What is no TCP, a fragment, or cut off within its headers is counted, and not read.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import links
from .batches import Batch, Fields, Ints, Mask

FIN, SYN, RST, ACK = 1, 2, 4, 16
_TCP = 6
_EXTENSIONS = (0, 43, 44, 51, 60, 135, 139, 140)
_FRAGMENT, _AUTHENTICATION = 44, 51
_MOST_EXTENSIONS = 8

Hashes = npt.NDArray[np.uint64]
_ODD = tuple(
    np.uint64(number)
    for number in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
)


@dataclass(frozen=True)
class Segments:
    """TCP segments, in the order of the capture.

    `flow` is a number that both directions of a connection share; two connections may share one
    by chance, so that it selects and never decides. `size` is the length of the data on the
    wire, of which the capture may have kept less: `stops` - `starts`.
    """

    packets: Ints
    flow: Hashes
    addresses: Ints
    address_bytes: Ints
    ports: Ints
    sequence: Ints
    flags: Ints
    starts: Ints
    stops: Ints
    size: Ints

    def where(self, mask: Mask | Ints) -> Segments:
        """Return some of the segments."""
        return Segments(
            *(getattr(self, name)[mask] for name in self.__dataclass_fields__)
        )


def segments(batch: Batch, fields: Fields, counts: Counter[str]) -> Segments:
    """Return the TCP segments of a batch; what else there is adds to the counts."""
    counts["packets"] += len(batch.starts)
    at, stops = _ip(batch, fields)
    is_ip = at >= 0
    version = np.where(is_ip, fields.byte(at) >> 4, 0)
    is_ip &= (version == 4) | (version == 6)
    counts["not IP"] += int(len(at) - is_ip.sum())
    is_four = is_ip & (version == 4)
    parts = []
    if is_four.any():
        parts.append(_ipv4(fields, np.flatnonzero(is_four), at, stops, counts))
    if (rows := np.flatnonzero(is_ip & (version == 6))).size:
        parts.append(_ipv6(fields, rows, at, stops, counts))
    if not parts:
        parts = [_ipv4(fields, np.array([], np.int64), at, stops, counts)]
    if len(parts) == 1:
        columns = parts[0]
    else:
        columns = tuple(map(np.concatenate, zip(*parts, strict=True)))
        order = np.argsort(columns[0], kind="stable")
        columns = tuple(column[order] for column in columns)
    return _tcp(fields, columns, counts)


def _ip(batch: Batch, fields: Fields) -> tuple[Ints, Ints]:
    if batch.interfaces is None:
        one = batch.interface_table[0]
        stops = batch.stops - one.check_bytes
        return links.ip_positions(fields, batch.starts, stops, one.link), stops
    at = np.full(len(batch.starts), -1, np.int64)
    stops = batch.stops.copy()
    for index in np.unique(batch.interfaces):
        one = batch.interface_table[index]
        rows = np.flatnonzero(batch.interfaces == index)
        stops[rows] -= one.check_bytes
        at[rows] = links.ip_positions(
            fields, batch.starts[rows], stops[rows], one.link
        )
    return at, stops


Columns = tuple[Ints, ...]


def _ipv4(
    fields: Fields, rows: Ints, at: Ints, stops: Ints, counts: Counter[str]
) -> Columns:
    """Return packet, addresses, their bytes, TCP header, end in the file, end on the wire."""
    at, stops = at[rows], stops[rows]
    first = fields.word(at)
    length = first & 0xFFFF
    fragment = fields.short(at + 6) & 0x3FFF
    protocol = fields.byte(at + 9)
    tcp = at + ((first >> 24) & 0xF) * 4
    # A length of 0 stands in what the network card was to cut into packets.
    end = np.where(length > 0, at + length, stops)
    is_fragment = fragment > 0
    counts["fragments"] += int(is_fragment.sum())
    is_tcp = (protocol == _TCP) & ~is_fragment
    counts["not TCP"] += int((~is_tcp & ~is_fragment).sum())
    kept = np.flatnonzero(is_tcp & (tcp >= at + 20))
    counts["damaged"] += int(is_tcp.sum()) - len(kept)
    return (
        rows[kept],
        (at + 12)[kept],
        np.full(len(kept), 4, np.int64),
        tcp[kept],
        np.minimum(stops, end)[kept],
        end[kept],
    )


def _ipv6(
    fields: Fields, rows: Ints, at: Ints, stops: Ints, counts: Counter[str]
) -> Columns:
    """Return the same of IPv6, behind its extension headers."""
    at, stops = at[rows], stops[rows]
    length = fields.short(at + 4)
    end = np.where(length > 0, at + 40 + length, stops)
    following = fields.byte(at + 6)
    tcp = at + 40
    is_fragment = np.zeros(len(at), bool)
    for _ in range(_MOST_EXTENSIONS):
        is_extension = np.isin(following, _EXTENSIONS) & (tcp + 8 <= stops)
        if not is_extension.any():
            break
        is_part = is_extension & (following == _FRAGMENT)
        # A fragment that is the whole packet says so: no offset, and none to come.
        is_fragment |= is_part & ((fields.short(tcp + 2) & 0xFFF9) > 0)
        units = fields.byte(tcp + 1)
        size = np.where(
            following == _AUTHENTICATION, (units + 2) * 4, (units + 1) * 8
        )
        size = np.where(is_part, 8, size)
        following = np.where(is_extension, fields.byte(tcp), following)
        tcp = np.where(is_extension, tcp + size, tcp)
    counts["fragments"] += int(is_fragment.sum())
    is_tcp = (following == _TCP) & ~is_fragment
    counts["not TCP"] += int((~is_tcp & ~is_fragment).sum())
    kept = np.flatnonzero(is_tcp)
    return (
        rows[kept],
        (at + 8)[kept],
        np.full(len(kept), 16, np.int64),
        tcp[kept],
        np.minimum(stops, end)[kept],
        end[kept],
    )


def _tcp(fields: Fields, columns: Columns, counts: Counter[str]) -> Segments:
    packets, addresses, address_bytes, tcp, stops, ends = columns
    offset = fields.short(tcp + 12)
    header = (offset >> 12) * 4
    starts = tcp + header
    is_whole = (tcp + 20 <= stops) & (header >= 20) & (starts <= stops)
    counts["damaged"] += int((~is_whole).sum())
    counts["TCP"] += int(is_whole.sum())
    counts["cut short"] += int((is_whole & (stops < ends)).sum())
    size = ends - starts
    carried = Segments(
        packets,
        _flows(fields, addresses, address_bytes, tcp),
        addresses,
        address_bytes,
        tcp,
        fields.word(tcp + 4),
        offset & 0x3F,
        starts,
        stops,
        size,
    )
    return carried if is_whole.all() else carried.where(is_whole)


def _flows(fields: Fields, addresses: Ints, address_bytes: Ints, tcp: Ints) -> Hashes:
    """Return a number for each connection, whichever side a segment comes from."""
    four = address_bytes == 4
    ports = fields.word(tcp)
    if four.all():
        both = fields.long(addresses)
        source, target = both >> np.uint64(32), both & np.uint64(0xFFFFFFFF)
    else:
        source, target = (
            np.where(
                four,
                fields.word(addresses + step * 4).astype(np.uint64),
                _mixed(fields.long(addresses + step * 16))
                ^ fields.long(addresses + step * 16 + 8),
            )
            for step in (0, 1)
        )
    one = _mixed(source * _ODD[1] + (ports >> 16).astype(np.uint64))
    other = _mixed(target * _ODD[1] + (ports & 0xFFFF).astype(np.uint64))
    return one + other


def _mixed(values: Hashes) -> Hashes:
    values = (values ^ (values >> np.uint64(29))) * _ODD[0]
    values = (values ^ (values >> np.uint64(32))) * _ODD[2]
    return values ^ (values >> np.uint64(30))
