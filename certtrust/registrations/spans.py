"""Parts of many texts at once, as the places where they begin and end; only what is asked for is copied."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Octets = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Spans(NamedTuple):
    """A part of each of many texts, in the order of the bytes that all of them stand in."""

    octets: Octets
    start: Places
    stop: Places

    @classmethod
    def of(cls, text: Any) -> Spans:
        """Return all of each text; a missing one is empty."""
        edges = np.frombuffer(text.buffers()[1] or bytes(8), np.int64)[text.offset : text.offset + len(text) + 1]
        spans = cls(np.frombuffer(text.buffers()[2] or b"\0", np.uint8), edges[:-1], edges[1:])
        if text.null_count and spans.sizes[text.is_null().to_numpy(zero_copy_only=False)].any():
            return cls.of(pc.fill_null(text, ""))
        return spans

    @property
    def sizes(self) -> Places:
        """How many bytes each part has."""
        return self.stop - self.start

    def text(self, has: Flags | None = None) -> Any:
        """Return the parts as Arrow text, missing where a mask does not hold."""
        count = len(self.start)
        # An array in which every other value is one of the parts, and the rest what stands between them.
        offsets = np.empty(2 * count + 1, np.int64)
        offsets[:-1:2], offsets[1::2], offsets[-1] = self.start, self.stop, self.octets.size
        every = pa.LargeStringArray.from_buffers(2 * count, pa.py_buffer(offsets), pa.py_buffer(self.octets))
        return every.take(pa.array(np.arange(0, 2 * count, 2), mask=None if has is None else ~has))

    def extent(self) -> tuple[int, int]:
        """Return where the first part begins and the last one ends."""
        return (int(self.start[0]), int(self.stop[-1])) if len(self.start) else (0, 0)

    def only(self, rows: Any) -> Spans:
        """Return the parts of some texts."""
        return Spans(self.octets, self.start[rows], self.stop[rows])

    def letter(self, place: int) -> Octets:
        """Return the byte in a place of each part, from its end where negative; 0 where the part is too short."""
        start = self.start if place >= 0 else self.stop
        found = self.octets.take(start + place, mode="clip")
        return np.where(self.sizes > place if place >= 0 else self.sizes >= -place, found, np.uint8(0))

    def letters(self, places: Any) -> Any:
        """Return the bytes in some places of each part as a row of a matrix."""
        return np.column_stack([self.letter(place) for place in places])

    def later(self, by: Any) -> Spans:
        """Return the parts without so many bytes at the beginning."""
        return self._replace(start=np.minimum(self.start + by, self.stop))

    def without_last(self, letters: bytes) -> Spans:
        """Return the parts without any of these letters at the end."""
        spans = self
        while (ends := np.isin(spans.letter(-1), list(letters))).any():
            spans = spans._replace(stop=spans.stop - ends)
        return spans


class Words:
    """The words of texts that one ASCII letter parts; two letters in a row have an empty word between them."""

    def __init__(self, spans: Spans, separator: str) -> None:
        self._spans = spans
        begin, end = spans.extent()
        found = np.flatnonzero(spans.octets[begin:end] == ord(separator)) + begin
        self._first = np.searchsorted(found, spans.start)
        # Beyond the last separator there is one place more, so that what is asked for beyond the last word is empty.
        self._cuts = np.append(found, end)

    def count(self) -> Places:
        """Return how many words each text has."""
        return np.searchsorted(self._cuts, self._spans.stop) - self._first + 1

    def at(self, place: int) -> Spans:
        """Return the words in a place, from 0; empty where a text has no such word."""
        return Spans(self._spans.octets, self._begin(place), np.minimum(self._cut(place), self._spans.stop))

    def after(self, place: int) -> Spans:
        """Return all that begins with the word in a place; empty where a text has no such word."""
        return Spans(self._spans.octets, self._begin(place), self._spans.stop)

    def _begin(self, place: int) -> Places:
        return self._spans.start if place == 0 else np.minimum(self._cut(place - 1) + 1, self._spans.stop)

    def _cut(self, place: int) -> Places:
        """Return the separator behind the words in a place, or one beyond the text."""
        return self._cuts.take(self._first + place, mode="clip")


def parted(text: Any, separator: str, mark: str) -> tuple[Places, Spans, Spans]:
    """Part each word that holds a mark where it first does.

    Parameters
    ----------
    text : Arrow array of text
        Texts, of which each is a row.
    separator, mark : str
        One ASCII letter each: what stands between words, and within them.

    Returns
    -------
    tuple
        Of each such word, in order: its row, what stands before the mark, and what stands behind it.
    """
    spans = Spans.of(text)
    begin, end = spans.extent()
    octets = spans.octets[begin:end]
    found = np.flatnonzero((octets == ord(separator)) | (octets == ord(mark)))
    is_cut = octets.take(found) == ord(separator)
    found += begin
    cuts = np.concatenate(([begin - 1], found[is_cut], [end]))
    at = np.flatnonzero(~is_cut)
    marks, cut = found[at], np.cumsum(is_cut)[at]
    row = np.repeat(np.arange(len(text)), np.diff(np.searchsorted(marks, spans.stop), prepend=0))
    start = np.maximum(cuts[cut] + 1, spans.start[row])
    stop = np.minimum(cuts[cut + 1], spans.stop[row])
    before, behind = Spans(spans.octets, start, marks), Spans(spans.octets, marks + 1, stop)
    again = start[1:] == start[:-1]
    if not again.any():
        return row, before, behind
    first = np.flatnonzero(np.append(True, ~again))
    return row[first], before.only(first), behind.only(first)
