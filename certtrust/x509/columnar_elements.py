"""Many certificates as one array of bytes: elements, slices and shared values of all at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Positions = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

LONGEST = (1 << 24) - 1
"""Octets that a certificate may have at most, so that its lengths take three octets."""
_LONGEST_RUN, _FEW = 80, 6
_HEX = np.frombuffer(bytes(range(256)).hex().encode(), np.uint16)

TEXT = pa.large_string()


class Elements(NamedTuple):
    """Elements of DER: where they begin, their tags, and where their contents start and stop.

    Those that are not sound run beyond the given end or are no DER; nothing may rest on them.
    """

    at: Positions
    tag: npt.NDArray[np.uint8]
    start: Positions
    stop: Positions
    sound: Flags


class Children(NamedTuple):
    """The elements within many others: every first one, then every second one, and so on."""

    parent: Rows
    step: Positions
    elements: Elements
    complete: Flags
    """By parent: whether all of its elements are here and sound."""


class CertificateBytes:
    """Certificates as one array of bytes, read as strictly as `certtrust.x509.ber` reads DER."""

    def __init__(self, ders: Sequence[bytes]) -> None:
        self.joined = b"".join((*ders, bytes(_LONGEST_RUN)))
        self.bytes = np.frombuffer(self.joined, dtype=np.uint8)
        sizes = np.fromiter(map(len, ders), np.int64, len(ders))
        self.ends = np.cumsum(sizes)
        self.begins = self.ends - sizes

    def at(self, positions: Positions) -> Positions:
        """Return the octets at these positions."""
        # Positions computed from what is no field may lie beyond the end: clip them.
        return self.bytes.take(positions, mode="clip").astype(np.int64)

    def runs(self, positions: Positions, size: int) -> npt.NDArray[np.void]:
        """Return `size` octets from each position, as one value per position."""
        last = len(self.joined) - size
        every = np.ndarray((last + 1,), f"V{size}", self.joined, strides=(1,))
        return every[np.minimum(positions, last)]

    def columns(self, positions: Positions, size: int) -> Positions:
        """Return `size` octets from each position: a row of first ones, one of second ones, ..."""
        return (
            self.runs(positions, size)
            .view(np.uint8)
            .reshape(-1, size)
            .T.astype(np.int64)
        )

    def elements(self, positions: Positions, ends: Positions) -> Elements:
        """Return the elements that begin at these positions and must end before `ends`."""
        tag = self.bytes.take(positions, mode="clip")
        size, start = self.at(positions + 1), positions + 2
        sound = (start <= ends) & (tag & 0x1F != 0x1F)
        long = np.flatnonzero(size > 0x7F)
        if len(long):
            count, at = size[long] & 0x7F, start[long]
            first = length = self.at(at)
            for more in (1, 2):
                length = np.where(
                    count > more, length << 8 | self.at(at + more), length
                )
            sound[long] &= (
                (count >= 1) & (count <= 3) & (length > 0x7F) & (first != 0)
            )
            size[long], start[long] = length, at + count
        stop = start + size
        return Elements(positions, tag, start, stop, sound & (stop <= ends))

    def children(self, starts: Positions, stops: Positions, most: int) -> Children:
        """Return the consecutive elements between these positions, at most `most` per parent."""
        complete = np.ones(len(starts), bool)
        parent = np.flatnonzero(starts < stops)
        positions, ends = starts[parent], stops[parent]
        parents, steps = [], []
        for _ in range(most):
            step = self.elements(positions, ends)
            parents.append(parent)
            steps.append(step)
            complete[parent[~step.sound]] = False
            more = step.sound & (step.stop < ends)
            parent, positions, ends = parent[more], step.stop[more], ends[more]
            if not len(parent):
                break
        complete[parent] = False
        number = np.repeat(np.arange(len(steps)), [len(step.at) for step in steps])
        elements = Elements(*map(np.concatenate, zip(*steps, strict=True)))
        return Children(np.concatenate(parents), number, elements, complete)

    def joint(
        self, starts: Positions, stops: Positions
    ) -> tuple[npt.NDArray[np.uint8], Positions]:
        """Return the octets between these positions, joined, and the offsets that part them."""
        sizes = stops - starts
        offsets = np.concatenate(([0], np.cumsum(sizes)))
        return self.bytes[
            np.repeat(starts - offsets[:-1], sizes) + np.arange(offsets[-1])
        ], offsets

    def hex(self, starts: Positions, stops: Positions) -> pa.Array:
        """Return the octets between these positions in hex."""
        octets, offsets = self.joint(starts, stops)
        return pa.LargeStringArray.from_buffers(
            len(starts), pa.py_buffer(offsets * 2), pa.py_buffer(_HEX[octets])
        )

    def slices(self, starts: Positions, stops: Positions) -> list[bytes]:
        """Return the bytes between these positions."""
        joined = self.joined
        return [
            joined[start:stop]
            for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
        ]

    def texts(self, starts: Positions, stops: Positions) -> tuple[list[str], Flags]:
        """Return the octets between these positions as Latin-1 text, and which texts are ASCII."""
        octets, offsets = self.joint(starts, stops)
        text, edges = octets.tobytes().decode("latin-1"), offsets.tolist()
        is_ascii = np.ones(len(starts), bool)
        is_ascii[
            np.searchsorted(offsets, np.flatnonzero(octets > 0x7F), side="right") - 1
        ] = False
        return [text[start:stop] for start, stop in pairwise(edges)], is_ascii

    def shared(
        self, starts: Positions, stops: Positions, decode: Callable[[bytes], Any]
    ) -> Shared:
        """Decode the bytes between these positions, equal ones only once."""
        sizes = stops - starts
        code = np.full(len(starts), -1)
        distinct: list[bytes] = []
        waiting = np.flatnonzero(sizes <= _LONGEST_RUN)
        while len(waiting) and len(distinct) < _FEW:
            # Take the first one, and with it all others that are the same octet by octet.
            start, size = int(starts[waiting[0]]), int(sizes[waiting[0]])
            as_long = waiting[sizes[waiting] == size]
            contents = self.runs(starts[as_long], size)
            code[as_long[contents == contents[0]]] = len(distinct)
            distinct.append(self.joined[start : start + size])
            waiting = waiting[code[waiting] < 0]
        rest = np.flatnonzero(code < 0)
        slices = self.slices(starts[rest], stops[rest])
        others = {
            content: number
            for number, content in enumerate(dict.fromkeys(slices), len(distinct))
        }
        code[rest] = np.fromiter(
            map(others.__getitem__, slices), np.int64, len(slices)
        )
        return Shared(
            [_tried(decode, content) for content in (*distinct, *others)], code
        )


class Shared(NamedTuple):
    """Values decoded once for all certificates with the same bytes; None = not decoded."""

    values: list[Any]
    code: Positions

    def column(
        self, field: str, rows: Rows, size: int, kind: pa.DataType
    ) -> pa.Array:
        """Return a field of the values as a column of `size` rows, missing in all but `rows`."""
        values = [
            None if value is None else getattr(value, field) for value in self.values
        ]
        code = np.full(size, -1)
        code[rows] = self.code
        return pa.array(values, kind).take(pa.array(code, mask=code < 0))

    def undecoded(self) -> Flags:
        """Return which rows have no value or one with a problem."""
        bad = [
            value is None or getattr(value, "problem", None) is not None
            for value in self.values
        ]
        return np.array(bad, bool)[self.code]


def _tried(decode: Callable[[bytes], Any], content: bytes) -> Any:
    try:
        return decode(content)
    except ValueError:
        return None
