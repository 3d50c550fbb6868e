"""Bytes to numbered lines: bounded memory for any input, and no line is ever lost.

Lines end with LF or CRLF, or with CR in a file that has no LF. Input in UTF-16 is recognised by
its byte-order mark; a line that is no UTF-8 is read as Latin-1 and says so. Nothing here depends
on where a block of input happens to end.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ... import limits
from ...formats import begin
from .spans import Spans, as_mask

BLOCK = 4 << 20
"""Bytes that are read and parsed at a time."""
SHOWN = 1000
"""Characters that remain of a line which is too long."""

_TEXT = pa.large_string()


class Chunk(NamedTuple):
    """Whole lines as bytes, without the last line end."""

    data: bytes
    length: int | None
    """The true length of the first line, where it was cut."""


class Block(NamedTuple):
    """Lines as text, and per line what is wrong with it as text."""

    lines: pa.LargeStringArray
    problems: pa.LargeStringArray
    offsets: Any = None
    """How many lines of the file lie between the block's first and each of its lines."""
    size: int | None = None
    """How many lines of the file it has taken, where that is not how many lines it has."""

    def __len__(self) -> int:
        return len(self.lines)


def as_utf8(stream: BinaryIO, size: int = BLOCK) -> Iterator[bytes]:
    """Yield a stream's bytes in pieces, without byte-order mark, UTF-16 turned into UTF-8."""
    head, stream = begin(stream)
    ends_with_cr = b"\r" in head and b"\n" not in head
    piece = stream.read(max(size, len(codecs.BOM_UTF8)))
    if piece.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
        while piece:
            yield decoder.decode(piece).encode("utf-8", "replace")
            piece = stream.read(size)
        yield decoder.decode(b"", final=True).encode("utf-8", "replace")
        return
    piece = piece.removeprefix(codecs.BOM_UTF8)
    while piece:
        yield piece.replace(b"\r", b"\n") if ends_with_cr else piece
        piece = stream.read(size)


def chunks(stream: BinaryIO, size: int = BLOCK) -> Iterator[Chunk]:
    """Yield a stream as chunks of whole lines; keep only the beginning of an overlong line."""
    kept, tail, dropped = 2 * limits.LINE_BYTES, b"", 0
    for piece in as_utf8(stream, size):
        stop = piece.rfind(b"\n")
        if stop < 0:
            tail += piece
            if len(tail) > kept:
                dropped += len(tail) - kept
                tail = tail[:kept]
            continue
        length, start = None, 0
        if dropped:
            start = piece.find(b"\n")
            length = len(tail) + dropped + start
        yield Chunk(b"".join((tail, memoryview(piece)[start:stop])), length)
        tail, dropped = piece[stop + 1 :], 0
    if tail:
        yield Chunk(tail, len(tail) + dropped if dropped else None)


def block(chunk: Chunk) -> Block:
    """Split a chunk into lines of text and note what is wrong with them."""
    data = np.frombuffer(chunk.data, np.uint8)
    stops = np.append(np.flatnonzero(data == ord("\n")), len(data))
    too_long = _too_long(np.diff(stops, prepend=-1) - 1, chunk.length)
    spans = Spans(data, np.append(0, stops[:-1] + 1), stops)
    if b"\r" in chunk.data:
        spans = spans._replace(stop=stops - (spans.byte_at(-1) == ord("\r")))
    lines = spans.text().cast(pa.large_binary())
    notes: dict[int, str] = {}
    if too_long:
        lines = _shortened(lines, too_long, notes)
    try:
        text = lines.cast(_TEXT)
    except pa.ArrowInvalid:
        text = _decoded(lines, notes)
    if b"\x00" in chunk.data:
        for row in np.flatnonzero(as_mask(pc.match_substring(lines, b"\x00"))):
            notes.setdefault(int(row), "contains NUL characters")
    return Block(text, _as_array(notes, len(text)))


def _too_long(sizes: Any, length: int | None) -> dict[int, int]:
    """Return the sizes of the overlong lines by their rows."""
    longest = limits.LINE_BYTES
    sizes_by_row = {
        int(row): int(sizes[row]) for row in np.flatnonzero(sizes > longest)
    }
    return sizes_by_row if length is None else {**sizes_by_row, 0: length}


def _shortened(
    lines: pa.Array, sizes: dict[int, int], notes: dict[int, str]
) -> pa.Array:
    cells = lines.to_pylist()
    for row, size in sizes.items():
        shown = cells[row][: 4 * SHOWN].decode("utf-8", "replace")[:SHOWN]
        cells[row] = f"{shown}...".encode()
        notes[row] = (
            f"a line of {size} bytes is not read; the longest that is has "
            f"{limits.LINE_BYTES}"
        )
    return pa.array(cells, pa.large_binary())


def _decoded(lines: pa.Array, notes: dict[int, str]) -> pa.LargeStringArray:
    cells: list[str] = []
    for row, cell in enumerate(lines.to_pylist()):
        try:
            cells.append(cell.decode())
        except UnicodeDecodeError as error:
            notes.setdefault(row, f"not UTF-8 at byte {error.start}: read as Latin-1")
            cells.append(cell.decode("latin-1"))
    return pa.array(cells, _TEXT)


def _as_array(notes: dict[int, str], count: int) -> pa.LargeStringArray:
    if not notes:
        return pa.nulls(count, _TEXT)
    return pa.array([notes.get(row) for row in range(count)], _TEXT)
