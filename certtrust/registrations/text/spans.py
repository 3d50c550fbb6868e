"""Parts of many texts at once, as the places where they begin and end; only what is asked for
is copied.
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
"""Where text is copied to; written once, its small pages are sooner there than the large ones
of the default pool.
"""

Octets = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def present(array: Any) -> Flags:
    """Return True where a value of an Arrow array is not missing."""
    if not array.null_count:
        return np.ones(len(array), bool)
    bits = np.frombuffer(array.buffers()[0], np.uint8)
    return np.unpackbits(bits, count=array.offset + len(array), bitorder="little")[
        array.offset :
    ].view(bool)


def holds(flags: Any) -> Flags:
    """Return True where an Arrow array of flags is true; missing counts as false."""
    bits = np.frombuffer(flags.buffers()[1] or b"", np.uint8)
    values = np.unpackbits(bits, count=flags.offset + len(flags), bitorder="little")[
        flags.offset :
    ].view(bool)
    return values & present(flags) if flags.null_count else values


class Spans(NamedTuple):
    """A part of each of many texts in the same bytes; a part that begins before the first byte
    is missing.
    """

    octets: Octets
    start: Places
    stop: Places

    @classmethod
    def of(cls, text: Any) -> Spans:
        """Return all of each text of an Arrow array; a missing one is empty, so that all stand
        in order.
        """
        edges = np.frombuffer(
            text.buffers()[1] or bytes(8), np.int64, len(text) + 1, 8 * text.offset
        )
        spans = cls(
            np.frombuffer(text.buffers()[2] or b"\0", np.uint8), edges[:-1], edges[1:]
        )
        if text.null_count and spans.sizes[~present(text)].any():
            return cls.of(pc.fill_null(text, ""))
        return spans

    @property
    def sizes(self) -> Places:
        """How many bytes each part has."""
        return self.stop - self.start

    @property
    def present(self) -> Flags:
        """Which parts are not missing."""
        return self.start >= 0

    def text(self) -> Any:
        """Return the parts as Arrow text."""
        count, missing = len(self.start), self.start < 0
        # An array in which every other value is one of the parts, and the rest what stands
        # between them.
        offsets = np.empty(2 * count + 1, np.int64)
        offsets[:-1:2], offsets[1::2], offsets[-1] = (
            self.start,
            self.stop,
            self.octets.size,
        )
        # Of the values that are not taken, Arrow looks at where the first one begins only.
        offsets[0] = max(offsets[0], 0)
        every = pa.LargeStringArray.from_buffers(
            2 * count, pa.py_buffer(offsets), pa.py_buffer(self.octets)
        )
        wanted = pa.array(
            np.arange(0, 2 * count, 2), mask=missing if missing.any() else None
        )
        return pc.take(every, wanted, boundscheck=False, memory_pool=POOL)

    def only(self, rows: Any) -> Spans:
        """Return the parts of some texts."""
        return Spans(self.octets, self.start[rows], self.stop[rows])

    def where(self, has: Flags) -> Spans:
        """Return the parts where a mask holds; all others are missing."""
        return (
            self
            if has.all()
            else Spans(
                self.octets, np.where(has, self.start, -1), np.where(has, self.stop, -1)
            )
        )

    def spread(self, rows: Any, count: int) -> Spans:
        """Return parts of some of so many texts; those of all others are missing."""
        nothing = np.full(count, -1)
        return Spans(self.octets, nothing, nothing).replaced(rows, self)

    def replaced(self, rows: Any, others: Spans) -> Spans:
        """Return the parts with those of some texts replaced by other ones in the same bytes."""
        start, stop = self.start.copy(), self.stop.copy()
        start[rows], stop[rows] = others.start, others.stop
        return Spans(self.octets, start, stop)

    def letter(self, place: int) -> Octets:
        """Return the byte in a place of each part, from its end where negative; 0 where the
        part is too short.
        """
        start = self.start if place >= 0 else self.stop
        found = self.octets.take(start + place, mode="clip")
        return np.where(
            self.sizes > place if place >= 0 else self.sizes >= -place,
            found,
            np.uint8(0),
        )

    def begins(self, letters: bytes) -> Flags:
        """Return True where a part begins with these letters."""
        has = self.sizes >= len(letters)
        for place in range(0, len(letters), 8):
            some = letters[place : place + 8]
            mask = np.uint64(2 ** (8 * len(some)) - 1)
            has &= (self.eight(self.start + place) & mask) == np.uint64(
                int.from_bytes(some, "little")
            )
        return has

    def eight(self, places: Places) -> npt.NDArray[np.uint64]:
        """Return eight bytes from each of these places on as a number, the first one lowest; 0
        beyond the last byte.
        """
        octets = (
            self.octets
            if self.octets.size >= 8
            else np.append(self.octets, np.zeros(8, np.uint8))
        )
        last = octets.size - 8
        found = np.ndarray(last + 1, "<u8", octets, 0, (1,))[np.minimum(places, last)]
        if len(places) and (beyond := places - last).max() > 0:
            found = np.where(
                beyond < 8,
                found >> (8 * np.clip(beyond, 0, 7)).astype(np.uint64),
                np.uint64(0),
            )
        return found

    def later(self, by: Any) -> Spans:
        """Return the parts without so many bytes at the beginning."""
        return self._replace(start=np.minimum(self.start + by, self.stop))

    def without_last(self, letters: bytes) -> Spans:
        """Return the parts without any of these letters at the end."""
        last = self.letter(-1)
        rows = np.flatnonzero(
            np.logical_or.reduce([last == letter for letter in letters])
        )
        if not len(rows):
            return self
        some = self.only(rows)
        kept = pc.binary_length(
            pc.ascii_rtrim(some.text(), letters.decode())
        ).to_numpy()
        return self.replaced(rows, some._replace(stop=some.start + kept))

    def stripped(self, also: str = "") -> Spans:
        """Return the parts without white space at both ends, nor, before it, some more letters
        beyond ASCII.
        """
        first, last = self.letter(0), self.letter(-1)
        # White space is below the printable letters of ASCII or beyond them.
        odd = (
            (first <= ord(" "))
            | (first > ord("~"))
            | (last <= ord(" "))
            | (last > ord("~"))
        )
        rows = np.flatnonzero(odd & (self.sizes > 0))
        if not len(rows):
            return self
        some = self.only(rows)
        text = pc.utf8_ltrim_whitespace(
            pc.utf8_ltrim(some.text(), also) if also else some.text()
        )
        start = some.stop - pc.binary_length(text).to_numpy()
        stop = start + pc.binary_length(pc.utf8_rtrim_whitespace(text)).to_numpy()
        return self.replaced(rows, Spans(self.octets, start, stop))


class Cuts(NamedTuple):
    """Where one letter parts bytes into words, and where another one stands in them."""

    separators: Places
    """Their places, and behind them the end of the bytes."""
    marks: Places

    @classmethod
    def of(cls, octets: Octets, separator: str, mark: str = "") -> Cuts:
        """Find both, each one ASCII letter; without a mark there are only words."""
        found = np.append(np.flatnonzero(octets == ord(separator)), octets.size)
        return cls(found, np.flatnonzero(octets == ord(mark)) if mark else found[:0])


class Words:
    """The words of texts; two separators in a row have an empty word between them."""

    def __init__(self, spans: Spans, cuts: Cuts) -> None:
        self._spans = spans
        self._separators = cuts.separators
        self._first = np.searchsorted(cuts.separators, spans.start)

    def count(self) -> Places:
        """Return how many words each text has."""
        return np.searchsorted(self._separators, self._spans.stop) - self._first + 1

    def at(self, place: int) -> Spans:
        """Return the words in a place, from 0; empty where a text has no such word."""
        return Spans(
            self._spans.octets,
            self._begin(place),
            np.minimum(self._cut(place), self._spans.stop),
        )

    def after(self, place: int) -> Spans:
        """Return all that begins with the word in a place; empty where a text has no such word."""
        return Spans(self._spans.octets, self._begin(place), self._spans.stop)

    def _begin(self, place: int) -> Places:
        return (
            self._spans.start
            if place == 0
            else np.minimum(self._cut(place - 1) + 1, self._spans.stop)
        )

    def _cut(self, place: int) -> Places:
        """Return the separator behind the words in a place, or one beyond the text."""
        return self._separators.take(self._first + place, mode="clip")


def parted(spans: Spans, cuts: Cuts) -> tuple[Places, Spans, Spans]:
    """Part each word that holds a mark where it first does.

    Parameters
    ----------
    spans : Spans
        Texts in the order of their bytes, none missing, of which each is a row.
    cuts : Cuts
        Where separators and marks stand in these bytes.

    Returns
    -------
    tuple
        Of each such word, in order: its row, what stands before the mark, and what stands
        behind it.
    """
    last = np.searchsorted(cuts.marks, spans.stop)
    row = np.repeat(np.arange(len(last)), np.diff(last, prepend=0))
    marks = cuts.marks[: len(row)]
    between = marks < spans.start[row]
    if between.any():
        row, marks = row[~between], marks[~between]
    number = np.searchsorted(cuts.separators, marks)
    begin = np.where(number > 0, cuts.separators[number - 1] + 1, 0)
    start = np.maximum(begin, spans.start[row])
    stop = np.minimum(cuts.separators[number], spans.stop[row])
    before, behind = (
        Spans(spans.octets, start, marks),
        Spans(spans.octets, marks + 1, stop),
    )
    again = start[1:] == start[:-1]
    if not again.any():
        return row, before, behind
    first = np.flatnonzero(np.append(True, ~again))
    return row[first], before.only(first), behind.only(first)
