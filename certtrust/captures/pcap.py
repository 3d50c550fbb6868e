"""Files of libpcap (draft-ietf-opsawg-pcap): of either byte order, in micro- or nanoseconds."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import BinaryIO

import numpy as np

from .. import limits
from .batches import PIECE, Batch, Clock, Interface

_MAGIC = {
    b"\xd4\xc3\xb2\xa1": ("<", 6, 16),
    b"\xa1\xb2\xc3\xd4": (">", 6, 16),
    b"\x4d\x3c\xb2\xa1": ("<", 9, 16),
    b"\xa1\xb2\x3c\x4d": (">", 9, 16),
    # With additions by Kuznetzov, which libpcap reads as well.
    b"\x34\xcd\xb2\xa1": ("<", 6, 24),
    b"\xa1\xb2\xcd\x34": (">", 6, 24),
}
_HEADER = 24
_HAS_CHECK_BYTES = 0x0400_0000


def sniff(head: bytes) -> bool:
    """Return True where content begins as a file of libpcap."""
    return head[:4] in _MAGIC


def read(stream: BinaryIO) -> Iterator[Batch]:
    """Yield the packets; damage ends the reading with an OSError that says where."""
    header = stream.read(_HEADER)
    order, power, record = _MAGIC[header[:4]]
    if len(header) < _HEADER:
        raise OSError("the capture ends within its first 24 bytes")
    major, minor = Struct(f"{order}HH").unpack_from(header, 4)
    if major != 2:
        raise OSError(f"a capture of version {major}.{minor}, which is not known")
    (link,) = Struct(f"{order}I").unpack_from(header, 20)
    check_bytes = 2 * (link >> 28) if link & _HAS_CHECK_BYTES else 0
    interface_table = [Interface(link & 0xFFFF, Clock(power), check_bytes)]
    # Until version 2.3, the two lengths stood the other way round.
    lengths_at = 12 if minor < 3 else 8
    offset = _HEADER
    rest = b""
    while piece := stream.read(PIECE):
        data = rest + piece if rest else piece
        starts, end, damage = _records(data, order, record, lengths_at, minor == 3)
        if starts:
            yield _batch(
                data, starts, order, record, power, interface_table, lengths_at, minor
            )
        if damage:
            raise OSError(f"{damage} at byte {offset + end:,}: the rest is not read")
        rest, offset = data[end:], offset + end
    if rest:
        raise OSError(f"the capture ends within the packet at byte {offset:,}")


def _records(
    data: bytes, order: str, record: int, lengths_at: int, either: bool
) -> tuple[list[int], int, str | None]:
    """Return where the whole records begin, where they end, and what is wrong there."""
    length_at = Struct(f"{order}I").unpack_from
    lengths = Struct(f"{order}II").unpack_from
    starts: list[int] = []
    add = starts.append
    at, last, longest = 0, len(data) - record, limits.PACKET_BYTES
    while at <= last:
        size = (
            min(lengths(data, at + 8))
            if either
            else length_at(data, at + lengths_at)[0]
        )
        if size > longest:
            return starts, at, f"a packet of {size:,} bytes"
        following = at + record + size
        if following > last + record:
            break
        add(at)
        at = following
    return starts, at, None


def _batch(
    data: bytes,
    starts: list[int],
    order: str,
    record: int,
    power: int,
    interface_table: list[Interface],
    lengths_at: int,
    minor: int,
) -> Batch:
    heads = np.array(starts, np.int64)
    numbers: np.ndarray = np.ndarray(len(data) - 3, f"{order}u4", data, 0, (1,))
    sizes = numbers[heads + lengths_at].astype(np.int64)
    if minor == 3:
        sizes = np.minimum(sizes, numbers[heads + 12])
    ticks = numbers[heads].astype(np.int64) * 10**power + numbers[heads + 4]
    return Batch(
        data, heads + record, heads + record + sizes, ticks, None, interface_table
    )
