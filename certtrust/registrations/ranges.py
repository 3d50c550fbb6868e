"""Long logs in ranges of whole lines, each read as if the file had been read down to it.

What a reader learns from the beginning of a file (format, header, form of stamps) holds for all
of it, so that each range is read behind that beginning, and the rows of the beginning are dropped.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, BinaryIO, NamedTuple, cast

import pandas as pd

from ..formats import HEAD, as_text
from ..sources import Source
from . import to_frame
from .formats import FORMATS, csv_lines, json_lines
from .reading import Options, format_of, tables

_PIECE = 1 << 20
_GZIP = b"\x1f\x8b"
_LONGEST_BEGINNING = 4 * HEAD
_KEY = b"PRIVATE KEY"
"""What the lines of a private key begin with; these have to be read in one go to be hidden."""
_BY_LINES = ("csv", "json", "query", "syslog")

Opener = Callable[[], BinaryIO]


class Count(NamedTuple):
    """What a range holds."""

    lines: int
    has_key: bool
    """Whether a private key may begin or end there."""


def beginning(opener: Opener, chosen: Options) -> int | None:
    r"""Return the bytes of whole lines that begin a log, None where it cannot be divided.

    Examples
    --------
    >>> import io
    >>> from certtrust.registrations.reading import options
    >>> log = b"time,state,serial\n" + b"1700000000,up,0090332f688a\n" * 5000
    >>> beginning(lambda: io.BytesIO(log), options(None, None, 1))
    65547
    """
    with opener() as stream:
        head = stream.read(HEAD)
        if len(head) < HEAD or not _is_by_lines(head, chosen):
            return None
        return _line_start(stream, HEAD, HEAD + _LONGEST_BEGINNING)


def _is_by_lines(head: bytes, chosen: Options) -> bool:
    """Return True where a line of a log is a record, whatever the lines before it are."""
    is_utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if is_utf16 or head.startswith(_GZIP) or b"\n" not in head:
        return False
    form = format_of(head, chosen)
    if form not in [FORMATS[name] for name in _BY_LINES]:
        return False
    if form is csv_lines:
        return not csv_lines.is_table_of_ours(head.removeprefix(codecs.BOM_UTF8))
    if form is json_lines:
        return json_lines.is_lines(as_text(head), is_whole=False)
    return True


def _line_start(
    stream: BinaryIO, position: int, limit: int | None = None
) -> int | None:
    """Return where the first line begins at or behind a position; None beyond a limit."""
    if position == 0:
        return 0
    stream.seek(position - 1)
    at = position - 1
    while piece := stream.read(HEAD):
        end = piece.find(b"\n")
        if end >= 0:
            return at + end + 1
        at += len(piece)
        if limit is not None and at > limit:
            return None
    return at


def count(opener: Opener, start: int, stop: int) -> Count:
    r"""Count the lines that begin in a range of bytes.

    Examples
    --------
    >>> import io
    >>> count(lambda: io.BytesIO(b"one\ntwo\nthree\n"), 1, 8)
    Count(lines=1, has_key=False)
    """
    lines, has_key, kept = 0, False, b""
    with opener() as stream:
        for piece in _pieces(stream, start, stop):
            lines += piece.count(b"\n")
            has_key = has_key or _KEY in kept + piece
            kept = piece[-len(_KEY) :]
    return Count(lines, has_key)


def _pieces(stream: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    """Yield the lines that begin in a range of bytes, in pieces."""
    first = _line_start(stream, start)
    last = _line_start(stream, stop)
    left = (last or 0) - (first or 0)
    stream.seek(first or 0)
    while left > 0 and (piece := stream.read(min(_PIECE, left))):
        left -= len(piece)
        yield piece


class _Joined(io.RawIOBase):
    """A stream of pieces of bytes, one behind the other."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or next(self._pieces, b"")
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def read_range(
    source: Source,
    start: int,
    stop: int,
    begins: int,
    before: Sequence[Count],
    chosen: Options,
) -> pd.DataFrame:
    """Read the lines of a log that begin in a range of its bytes.

    Parameters
    ----------
    source : Source
        The log, whose stream can be read at any position.
    start, stop : int
        The range; the ranges of a file follow each other from 0 on.
    begins : int
        Bytes of its `beginning`, at most the `stop` of the first range.
    before : sequence of Count
        What the ranges before this one hold.
    chosen : Options
        How it is read.

    Returns
    -------
    DataFrame
        Table REGISTRATIONS, the same rows as of the whole file.
    """
    opener = cast(Opener, source.opener)
    if not start:
        return to_frame.frame_of(_tables(source, [(start, stop)], chosen))
    above = count(opener, 0, begins).lines
    first_line = sum(part.lines for part in before) - above + 1
    chosen = chosen._replace(first_line=first_line)
    dropped = sum(map(len, _tables(source, [(0, begins)], chosen)))
    table = to_frame.frame_of(_tables(source, [(0, begins), (start, stop)], chosen))
    return table.iloc[dropped:].reset_index(drop=True)


def _tables(
    source: Source, ranges: Sequence[tuple[int, int]], chosen: Options
) -> Iterator[Any]:
    """Yield the rows of ranges of a log as tables, as if these were all of it."""
    opener = cast(Opener, source.opener)

    def pieces() -> Iterator[bytes]:
        with opener() as stream:
            for start, stop in ranges:
                yield from _pieces(stream, start, stop)

    def opened() -> BinaryIO:
        return io.BufferedReader(cast(Any, _Joined(pieces())), _PIECE)

    yield from tables([replace(source, opener=opened)], chosen, progress=False)
