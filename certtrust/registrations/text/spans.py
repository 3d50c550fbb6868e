"""Parts of many texts at once, as the positions where they begin and end in one run of bytes.

Nothing is copied until a part is asked for as Arrow text.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

POOL = (
    pa.jemalloc_memory_pool()
    if "jemalloc" in pa.supported_memory_backends()
    else pa.default_memory_pool()
)
"""Where text is copied to: jemalloc's small pages are touched for the first time sooner than the
large ones of the default pool.
"""

Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def present(array: Any) -> Mask:
    """Return True where a value of an Arrow array is not missing."""
    if not array.null_count:
        return np.ones(len(array), bool)
    return _bits(array.buffers()[0], array)


def as_mask(flags: Any) -> Mask:
    """Return True where an Arrow array of flags is true; missing counts as false."""
    values = _bits(flags.buffers()[1] or b"", flags)
    return values & present(flags) if flags.null_count else values


def _bits(buffer: Any, array: Any) -> Mask:
    """Return the bits of an Arrow array's buffer, one per value."""
    stop = array.offset + len(array)
    bits = np.unpackbits(
        np.frombuffer(buffer, np.uint8), count=stop, bitorder="little"
    )
    return bits[array.offset :].view(bool)


class Spans(NamedTuple):
    """A part of each of many texts in the same bytes.

    A part that begins before the first byte is missing.
    """

    data: Bytes
    start: Positions
    stop: Positions

    @classmethod
    def of(cls, text: Any) -> Spans:
        """Return the whole of each text of an Arrow array; a missing one is empty.

        So the parts always stand in the order of their bytes.
        """
        _, offsets, data = text.buffers()
        edges = np.frombuffer(
            offsets or bytes(8), np.int64, len(text) + 1, 8 * text.offset
        )
        spans = cls(np.frombuffer(data or b"\0", np.uint8), edges[:-1], edges[1:])
        if text.null_count and spans.sizes[~present(text)].any():
            return cls.of(pc.fill_null(text, ""))
        return spans

    @property
    def sizes(self) -> Positions:
        """How many bytes each part has."""
        return self.stop - self.start

    @property
    def present(self) -> Mask:
        """Which parts are not missing."""
        return self.start >= 0

    def text(self) -> Any:
        """Return the parts as Arrow text."""
        count, missing = len(self.start), self.start < 0
        # In an array with the parts at its even indices, the odd ones are what lies between.
        offsets = np.empty(2 * count + 1, np.int64)
        offsets[:-1:2] = self.start
        offsets[1::2] = self.stop
        offsets[-1] = self.data.size
        # Arrow checks the first offset only, whatever is taken.
        offsets[0] = max(offsets[0], 0)
        interleaved = pa.LargeStringArray.from_buffers(
            2 * count, pa.py_buffer(offsets), pa.py_buffer(self.data)
        )
        mask = missing if missing.any() else None
        even = pa.array(np.arange(0, 2 * count, 2), mask=mask)
        return pc.take(interleaved, even, boundscheck=False, memory_pool=POOL)

    def take(self, rows: Any) -> Spans:
        """Return the parts of some texts."""
        return Spans(self.data, self.start[rows], self.stop[rows])

    def where(self, mask: Mask) -> Spans:
        """Return the parts where the mask is true; all others are missing."""
        if mask.all():
            return self
        start, stop = (np.where(mask, edge, -1) for edge in (self.start, self.stop))
        return Spans(self.data, start, stop)

    def scatter(self, rows: Any, count: int) -> Spans:
        """Return the parts at these rows of `count` ones; those of all other rows are missing."""
        nothing = np.full(count, -1)
        return Spans(self.data, nothing, nothing).replaced(rows, self)

    def replaced(self, rows: Any, others: Spans) -> Spans:
        """Return the parts with those of some rows replaced by others in the same bytes."""
        start, stop = self.start.copy(), self.stop.copy()
        start[rows], stop[rows] = others.start, others.stop
        return Spans(self.data, start, stop)

    def byte_at(self, index: int) -> Bytes:
        """Return the byte at an index of each part; 0 where the part is too short.

        A negative index counts from the end.
        """
        base = self.start if index >= 0 else self.stop
        values = self.data.take(base + index, mode="clip")
        long_enough = self.sizes > index if index >= 0 else self.sizes >= -index
        return np.where(long_enough, values, np.uint8(0))

    def starts_with(self, prefix: bytes) -> Mask:
        """Return True where a part begins with these bytes."""
        matches = self.sizes >= len(prefix)
        for index in range(0, len(prefix), 8):
            piece = prefix[index : index + 8]
            mask = np.uint64(2 ** (8 * len(piece)) - 1)
            number = np.uint64(int.from_bytes(piece, "little"))
            matches &= (self.eight_bytes(self.start + index) & mask) == number
        return matches

    def eight_bytes(self, positions: Positions) -> npt.NDArray[np.uint64]:
        """Return the eight bytes from each position as a little-endian number.

        Beyond the last byte there are zeros.
        """
        data = self.data
        if data.size < 8:
            data = np.append(data, np.zeros(8, np.uint8))
        last = data.size - 8
        windows = np.ndarray(last + 1, "<u8", data, 0, (1,))
        values = windows[np.minimum(positions, last)]
        if len(positions) and (beyond := positions - last).max() > 0:
            shifted = values >> (8 * np.clip(beyond, 0, 7)).astype(np.uint64)
            values = np.where(beyond < 8, shifted, np.uint64(0))
        return values

    def skip(self, count: Any) -> Spans:
        """Return the parts without so many bytes at the beginning."""
        return self._replace(start=np.minimum(self.start + count, self.stop))

    def rstrip(self, characters: bytes) -> Spans:
        """Return the parts without any of these ASCII characters at the end."""
        last = self.byte_at(-1)
        rows = np.flatnonzero(
            np.logical_or.reduce([last == code for code in characters])
        )
        if not len(rows):
            return self
        taken = self.take(rows)
        stripped = pc.ascii_rtrim(taken.text(), characters.decode())
        stop = taken.start + pc.binary_length(stripped).to_numpy()
        return self.replaced(rows, taken._replace(stop=stop))

    def strip(self, first: str = "") -> Spans:
        """Return the parts without white space at both ends.

        Characters in `first`, all beyond ASCII, are taken off the beginning before it.
        """
        ends = (self.byte_at(0), self.byte_at(-1))
        # White space is below the printable characters of ASCII or beyond them.
        odd = [(end <= ord(" ")) | (end > ord("~")) for end in ends]
        rows = np.flatnonzero((odd[0] | odd[1]) & (self.sizes > 0))
        if not len(rows):
            return self
        taken = self.take(rows)
        text = taken.text()
        text = pc.utf8_ltrim_whitespace(pc.utf8_ltrim(text, first) if first else text)
        start = taken.stop - pc.binary_length(text).to_numpy()
        stop = start + pc.binary_length(pc.utf8_rtrim_whitespace(text)).to_numpy()
        return self.replaced(rows, Spans(self.data, start, stop))


class Delimiters(NamedTuple):
    """Where one character separates words in a run of bytes, and where another one marks them."""

    separators: Positions
    """Positions of the separators, and behind them the end of the bytes."""
    marks: Positions

    @classmethod
    def of(cls, data: Bytes, separator: str, mark: str = "") -> Delimiters:
        """Find both, each one ASCII character; without a mark there are only words."""
        separators = np.append(np.flatnonzero(data == ord(separator)), data.size)
        marks = np.flatnonzero(data == ord(mark)) if mark else separators[:0]
        return cls(separators, marks)


class Words:
    """The words of texts; two separators in a row have an empty word between them."""

    def __init__(self, spans: Spans, delimiters: Delimiters) -> None:
        self._spans = spans
        self._separators = delimiters.separators
        self._first = np.searchsorted(delimiters.separators, spans.start)

    def count(self) -> Positions:
        """Return how many words each text has."""
        return np.searchsorted(self._separators, self._spans.stop) - self._first + 1

    def at(self, index: int) -> Spans:
        """Return the word at an index, from 0; empty where a text has no such word."""
        stop = np.minimum(self._end(index), self._spans.stop)
        return Spans(self._spans.data, self._begin(index), stop)

    def from_index(self, index: int) -> Spans:
        """Return all from the word at an index on; empty where a text has no such word."""
        return Spans(self._spans.data, self._begin(index), self._spans.stop)

    def _begin(self, index: int) -> Positions:
        if index == 0:
            return self._spans.start
        return np.minimum(self._end(index - 1) + 1, self._spans.stop)

    def _end(self, index: int) -> Positions:
        """Return the separator behind the word at an index, or one beyond the text."""
        return self._separators.take(self._first + index, mode="clip")


def split_at_mark(
    spans: Spans, delimiters: Delimiters
) -> tuple[Positions, Spans, Spans]:
    """Split each word that holds a mark at its first one.

    Parameters
    ----------
    spans : Spans
        Texts in the order of their bytes, none missing, of which each is a row.
    delimiters : Delimiters
        Where separators and marks stand in these bytes.

    Returns
    -------
    tuple
        Of each such word, in order: its row, what stands before the mark, and what stands
        behind it.
    """
    stops = np.searchsorted(delimiters.marks, spans.stop)
    row = np.repeat(np.arange(len(stops)), np.diff(stops, prepend=0))
    marks = delimiters.marks[: len(row)]
    outside = marks < spans.start[row]
    if outside.any():
        row, marks = row[~outside], marks[~outside]
    index = np.searchsorted(delimiters.separators, marks)
    begin = np.where(index > 0, delimiters.separators[index - 1] + 1, 0)
    start = np.maximum(begin, spans.start[row])
    stop = np.minimum(delimiters.separators[index], spans.stop[row])
    before = Spans(spans.data, start, marks)
    behind = Spans(spans.data, marks + 1, stop)
    same_word = start[1:] == start[:-1]
    if not same_word.any():
        return row, before, behind
    first = np.flatnonzero(np.append(True, ~same_word))
    return row[first], before.take(first), behind.take(first)
