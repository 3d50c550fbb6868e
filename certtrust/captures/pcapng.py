"""Files of pcapng (draft-ietf-opsawg-pcapng): sections, each of its own byte order.

Blocks that hold no packets are passed over unseen; one kind of them may hold keys of TLS.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import BinaryIO

import numpy as np

from .. import limits
from . import links
from .batches import PIECE, Batch, Clock, Interface

_SECTION = b"\x0a\x0d\x0d\x0a"
_FIRST_OF_SECTION = 0x0A
_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _PACKET = 1, 2, 3, 6
_RESOLUTION, _OFFSET, _CHECK_BYTES = 9, 14, 13
_UNKNOWN = Interface(links.UNKNOWN, None)
"""Stands for an interface that no block describes."""


def sniff(head: bytes) -> bool:
    """Return True where content begins as a file of pcapng."""
    return head[:4] == _SECTION and head[8:12] in _ORDERS


def read(stream: BinaryIO) -> Iterator[Batch]:
    """Yield the packets; damage ends the reading with an OSError that says where."""
    reader = _Reader()
    offset, rest = 0, b""
    while piece := stream.read(PIECE):
        data = rest + piece if rest else piece
        end, damage = reader.walk(data)
        if reader.starts:
            yield reader.batch(data)
        if damage:
            raise OSError(f"{damage} at byte {offset + end:,}: the rest is not read")
        rest, offset = data[end:], offset + end
    if rest:
        raise OSError(f"the capture ends within the block at byte {offset:,}")


class _Reader:
    """The walk over blocks: the section's byte order and interfaces, and a piece's packets."""

    def __init__(self) -> None:
        self.interface_table: list[Interface] = [_UNKNOWN]
        self._snap_lengths: list[int] = [0]
        self._first = 1
        self._order = "<"
        self._clear()

    def _clear(self) -> None:
        self.starts: list[int] = []
        self._sizes: list[int] = []
        self._ticks: list[int] = []
        self._interfaces: list[int] = []

    def batch(self, data: bytes) -> Batch:
        """Return the packets of the piece that was walked over."""
        starts = np.array(self.starts, np.int64)
        stops = starts + np.array(self._sizes, np.int64)
        interfaces = np.array(self._interfaces, np.int64)
        ticks = list(self._ticks)
        self._clear()
        return Batch(data, starts, stops, ticks, interfaces, self.interface_table)

    def walk(self, data: bytes) -> tuple[int, str | None]:
        """Note the packets of whole blocks; return where these end and what is wrong there."""
        at, size = 0, len(data)
        structs = _Structs(self._order)
        longest = limits.CAPTURE_BLOCK_BYTES
        while at + 12 <= size:
            if data[at] == _FIRST_OF_SECTION and data[at : at + 4] == _SECTION:
                order = _ORDERS.get(data[at + 8 : at + 12])
                if order is None:
                    return at, "a section of no known byte order"
                self._order, structs = order, _Structs(order)
                self._first = len(self.interface_table)
            kind, length = structs.two(data, at)
            if length < 12 or length % 4 or length > longest:
                return at, f"a block of {length:,} bytes"
            if at + length > size:
                break
            if structs.one(data, at + length - 4)[0] != length:
                return at, "a block whose two lengths differ"
            if kind == _PACKET and length >= 32:
                problem = self._packet(data, at, length, structs)
            elif kind == _INTERFACE and length >= 20:
                problem = self._interface(data, at, length, structs)
            elif kind == _SIMPLE_PACKET and length >= 16:
                problem = self._simple_packet(data, at, length, structs)
            elif kind == _OLD_PACKET and length >= 32:
                problem = self._old_packet(data, at, length, structs)
            else:
                problem = None
            if problem:
                return at, problem
            at += length
        return at, None

    def _add(self, start: int, size: int, ticks: int, interface: int) -> None:
        index = self._first + interface
        self.starts.append(start)
        self._sizes.append(size)
        self._ticks.append(ticks)
        self._interfaces.append(index if index < len(self.interface_table) else 0)

    def _packet(
        self, data: bytes, at: int, length: int, structs: _Structs
    ) -> str | None:
        interface, high, low, size = structs.four(data, at + 8)
        if size > length - 32:
            return "a packet that is longer than its block"
        # As `_add` does, of which there are millions.
        index = self._first + interface
        self.starts.append(at + 28)
        self._sizes.append(size)
        self._ticks.append(high << 32 | low)
        self._interfaces.append(index if index < len(self.interface_table) else 0)
        return None

    def _old_packet(
        self, data: bytes, at: int, length: int, structs: _Structs
    ) -> str | None:
        (interface,) = structs.short(data, at + 8)
        _, high, low, size = structs.four(data, at + 8)
        if size > length - 32:
            return "a packet that is longer than its block"
        self._add(at + 28, size, high << 32 | low, interface)
        return None

    def _simple_packet(
        self, data: bytes, at: int, length: int, structs: _Structs
    ) -> str | None:
        (original,) = structs.one(data, at + 8)
        snap = (
            self._snap_lengths[self._first]
            if self._first < len(self.interface_table)
            else 0
        )
        size = min(original, length - 16, snap or original)
        self._add(at + 12, size, -1, 0)
        return None

    def _interface(
        self, data: bytes, at: int, length: int, structs: _Structs
    ) -> str | None:
        if len(self.interface_table) > limits.CAPTURE_INTERFACES:
            return f"more than {limits.CAPTURE_INTERFACES:,} interfaces"
        (link,) = structs.short(data, at + 8)
        (snap,) = structs.one(data, at + 12)
        power, is_binary, offset, check_bytes = 6, False, 0, 0
        option, end = at + 16, at + length - 4
        while option + 4 <= end:
            code, size = structs.shorts(data, option)
            value = data[option + 4 : min(option + 4 + size, end)]
            if code == _RESOLUTION and size == 1:
                power, is_binary = value[0] & 0x7F, bool(value[0] & 0x80)
            elif code == _OFFSET and size == 8 and len(value) == 8:
                (offset,) = structs.signed(value)
            elif code == _CHECK_BYTES and size == 1:
                check_bytes = value[0] & 0xF
            elif code == 0:
                break
            option += 4 + (size + 3) // 4 * 4
        clock = Clock(power, is_binary, offset)
        self.interface_table.append(Interface(link, clock, check_bytes))
        self._snap_lengths.append(snap)
        return None


class _Structs:
    """Readers of numbers in one byte order."""

    def __init__(self, order: str) -> None:
        self.one = Struct(f"{order}I").unpack_from
        self.two = Struct(f"{order}II").unpack_from
        self.four = Struct(f"{order}IIII").unpack_from
        self.short = Struct(f"{order}H").unpack_from
        self.shorts = Struct(f"{order}HH").unpack_from
        self.signed = Struct(f"{order}q").unpack
