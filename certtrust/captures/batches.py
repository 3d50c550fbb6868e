"""Packets of a capture in batches: one piece of the file, and arrays of where packets lie in it.

A batch names packets by positions in its bytes, so that what they hold is read for all of them at
once. Its fields may start at any byte, aligned or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

PIECE = 4 << 20
"""Bytes of a file that are read at once."""


class Fields:
    """Unsigned numbers of big-endian byte order at any positions of some bytes.

    A position beyond the end reads as the last bytes, of which there are at least eight: whoever
    asks knows how far a packet goes.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data

    def _at(self, positions: Ints, kind: str) -> Any:
        last = len(self._data) - np.dtype(kind).itemsize
        view: Any = np.ndarray(last + 1, kind, self._data, 0, (1,))
        return view[np.minimum(positions, last)]

    def byte(self, positions: Ints) -> Ints:
        """Return the bytes at these positions."""
        values: Ints = self._at(positions, "u1").astype(np.int64)
        return values

    def short(self, positions: Ints) -> Ints:
        """Return numbers of two bytes."""
        values: Ints = self._at(positions, ">u2").astype(np.int64)
        return values

    def word(self, positions: Ints) -> Ints:
        """Return numbers of four bytes."""
        values: Ints = self._at(positions, ">u4").astype(np.int64)
        return values

    def long(self, positions: Ints) -> npt.NDArray[np.uint64]:
        """Return numbers of eight bytes."""
        values: npt.NDArray[np.uint64] = self._at(positions, ">u8").astype(np.uint64)
        return values


@dataclass(frozen=True)
class Clock:
    """How an interface counts time: ticks since 1970, and what is added to them."""

    power: int = 6
    is_binary: bool = False
    offset: int = 0

    def microseconds(self, ticks: int) -> int:
        """Return a time as microseconds since 1970."""
        per_second = 2**self.power if self.is_binary else 10**self.power
        return int(ticks * 1_000_000 // per_second) + self.offset * 1_000_000


@dataclass(frozen=True)
class Interface:
    """What a packet of one network interface begins with, and how its time is counted."""

    link: int
    clock: Clock | None = Clock()
    check_bytes: int = 0
    """Bytes of a frame check sequence behind each packet."""


@dataclass(frozen=True)
class Batch:
    """Packets of one interface that lie in one piece of a file.

    Attributes
    ----------
    data : bytes
        The piece.
    starts, stops : array of int
        Where each packet begins and ends in it.
    ticks : array of int
        Time of each, counted by the interface's clock; -1 where a packet has none.
    interfaces : array of int
        Which of `interface_table` each came through.
    interface_table : list of Interface
        The interfaces of the capture so far.
    """

    data: bytes
    starts: Ints
    stops: Ints
    ticks: Any
    interfaces: Ints | None
    interface_table: list[Interface]

    def times(self, packets: Ints) -> list[int | None]:
        """Return the times of packets, in microseconds since 1970."""
        clock = self.interface_table[0].clock
        if self.interfaces is None and clock is not None and clock.power in (6, 9):
            times: list[int | None] = (
                self.ticks[packets] // 10 ** (clock.power - 6)
            ).tolist()
            return times
        return [self._microseconds(packet) for packet in packets.tolist()]

    def _microseconds(self, packet: int) -> int | None:
        """Return the time of a packet, or None where it has none, or its interface no clock."""
        number = 0 if self.interfaces is None else int(self.interfaces[packet])
        clock = self.interface_table[number].clock
        ticks = int(self.ticks[packet])
        return None if clock is None or ticks < 0 else clock.microseconds(ticks)
