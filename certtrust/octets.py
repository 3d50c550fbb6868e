"""Many certificates as one array of bytes: elements, slices and shared values of all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Places = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

_SHORT, _FEW = 40, 6


class Elements(NamedTuple):
    """One element in every certificate: its tag, where its content starts and stops, and where it begins itself."""

    at: Places
    tag: Places
    start: Places
    stop: Places


class Octets:
    """The certificates as one array of bytes."""

    def __init__(self, ders: Sequence[bytes]) -> None:
        self.joined = b"".join((*ders, bytes(8)))
        self.bytes = np.frombuffer(self.joined, dtype=np.uint8)
        sizes = np.fromiter(map(len, ders), np.int64, len(ders))
        self.begins = np.cumsum(sizes) - sizes

    def at(self, places: Places) -> Places:
        """Return the octets at these places."""
        # What is no field may point anywhere; places beyond the end read the last octet.
        return self.bytes.take(places, mode="clip").astype(np.int64)

    def elements(self, places: Places) -> Elements:
        """Return the elements that begin at these places."""
        size = self.at(places + 1)
        start = places + 2
        long = np.flatnonzero(size > 0x7F)
        if len(long):
            octets, at = size[long] & 0x7F, start[long]
            length = self.at(at)
            for more in (1, 2):
                length = np.where(octets > more, length << 8 | self.at(at + more), length)
            size[long], start[long] = length, at + octets
        return Elements(places, self.at(places), start, start + size)

    def slices(self, starts: Places, stops: Places) -> list[bytes]:
        """Return the bytes between these places."""
        joined = self.joined
        return [joined[start:stop] for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)]

    def shared(self, starts: Places, stops: Places, decode: Callable[[bytes], Any]) -> Shared:
        """Decode the bytes between these places, the same bytes only once."""
        sizes = stops - starts
        code = np.full(len(starts), -1)
        distinct: list[bytes] = []
        waiting = np.flatnonzero(sizes <= _SHORT)
        while len(waiting) and len(distinct) < _FEW:
            # Take the first one, and with it all others that are the same octet by octet.
            start, size = int(starts[waiting[0]]), int(sizes[waiting[0]])
            as_long = waiting[sizes[waiting] == size]
            octets = self.bytes[starts[as_long, None] + np.arange(size)]
            code[as_long[(octets == octets[0]).all(axis=1)]] = len(distinct)
            distinct.append(self.joined[start : start + size])
            waiting = waiting[code[waiting] < 0]
        rest = np.flatnonzero(code < 0)
        slices = self.slices(starts[rest], stops[rest])
        others = {each: place for place, each in enumerate(dict.fromkeys(slices), len(distinct))}
        code[rest] = np.fromiter(map(others.__getitem__, slices), np.int64, len(slices))
        return Shared([_tried(decode, each) for each in (*distinct, *others)], code)


class Shared(NamedTuple):
    """Values that were decoded once for all certificates that have the same bytes there; None = not decoded."""

    values: list[Any]
    code: Places

    def column(self, field: str, rows: Rows, size: int, kind: pa.DataType) -> pa.Array:
        """Return a field of the values as a column of `size` rows, missing in all but `rows`."""
        values = [None if each is None else getattr(each, field) for each in self.values]
        code = np.full(size, -1)
        code[rows] = self.code
        return pa.array(values, kind).take(pa.array(code, mask=code < 0))

    def undecoded(self) -> Flags:
        """Return which rows have no value, or one with a problem."""
        bad = [each is None or getattr(each, "problem", None) is not None for each in self.values]
        return np.array(bad, bool)[self.code]


def _tried(decode: Callable[[bytes], Any], content: bytes) -> Any:
    try:
        return decode(content)
    except ValueError:
        return None
