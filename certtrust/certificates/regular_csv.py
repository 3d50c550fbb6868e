"""Cells of CSV in which every quote begins or ends a field, found without reading each character.

Where this holds, and line ends, blanks and sizes are ordinary, `csv` reads the same fields; any
other file is left to it.
"""

from __future__ import annotations

import csv

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.int64]
_AT_ONCE = 1 << 18
_QUOTE, _LINE_FEED, _RETURN, _BLANK = b'"\n\r '


class RegularCsv:
    """The fields of regular CSV by their positions.

    `records` are where the fields of each record begin and end, in `starts` and `stops`, and how
    many it has, in `counts`. Records without anything are passed over, as `csv` does.
    """

    def __init__(
        self, data: bytes, starts: Positions, stops: Positions, counts: Positions
    ) -> None:
        self.data = data
        self._starts, self._stops, self._counts = starts, stops, counts
        self._first = np.cumsum(counts) - counts

    def header(self) -> list[str]:
        """Return the fields of the first record."""
        count = int(self._counts[0]) if len(self._counts) else 0
        pairs = zip(
            self._starts[:count].tolist(), self._stops[:count].tolist(), strict=True
        )
        return [self.data[start:stop].decode() for start, stop in pairs]

    @property
    def size(self) -> int:
        """The number of records below the header."""
        return max(len(self._counts) - 1, 0)

    def cells(self, column: int, begin: int, end: int) -> list[bytes | None]:
        """Return a column of some records below the header, None where one is too short."""
        records = slice(1 + begin, 1 + end)
        has = self._counts[records] > column
        at = np.where(has, self._first[records] + column, 0)
        starts, stops = self._starts[at].tolist(), self._stops[at].tolist()
        cells: list[bytes | None] = [
            self.data[start:stop] for start, stop in zip(starts, stops, strict=True)
        ]
        for row in np.flatnonzero(~has).tolist():
            cells[row] = None
        return cells


def regular(data: bytes, separator: str) -> RegularCsv | None:
    r"""Return the fields of regular CSV in UTF-8, None for any other.

    Examples
    --------
    >>> table = regular(b'a,"b"\n1,"2,\n3"\n', ",")
    >>> table.header(), table.cells(1, 0, table.size)
    (['a', 'b'], [b'2,\n3'])
    >>> regular(b'a,b\n1,2"3"\n', ",") is None
    True
    """
    try:
        if b"\0" in data or not (data.isascii() or data.decode()):
            return None
    except UnicodeDecodeError:
        return None
    if not data.endswith(b"\n"):
        data += b"\n"
    octets = np.frombuffer(data, np.uint8)
    quotes = _positions_of(octets, _QUOTE)
    ends_of_fields = np.array([ord(separator), _LINE_FEED], np.uint8)
    if not _are_paired(octets, quotes, ends_of_fields):
        return None
    ends = _outside(_positions_of(octets, *ends_of_fields), quotes)
    returns = _outside(_positions_of(octets, _RETURN), quotes)
    starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
    sizes = ends - starts
    is_odd = (octets[returns + 1] != _LINE_FEED).any() if len(returns) else False
    if (
        is_odd
        or (octets[starts] == _BLANK).any()
        or (sizes >= csv.field_size_limit()).any()
    ):
        return None
    is_last = octets[ends] == _LINE_FEED
    stops = ends - (is_last & (octets[ends - 1] == _RETURN) & (sizes > 0))
    counts = np.diff(np.flatnonzero(is_last), prepend=-1)
    is_blank = np.repeat(counts, counts) == 1
    is_blank &= starts == stops
    kept = ~is_blank
    counts = counts[~is_blank[np.cumsum(counts) - 1]]
    starts, stops = starts[kept], stops[kept]
    is_quoted = (octets[starts] == _QUOTE) & (stops > starts)
    return RegularCsv(data, starts + is_quoted, stops - is_quoted, counts)


def _positions_of(octets: npt.NDArray[np.uint8], *values: int) -> Positions:
    """Return where any of these octets stand; some at a time, so that they stay in the cache."""
    parts = [np.zeros(0, np.int64)]
    for at in range(0, len(octets), _AT_ONCE):
        part = octets[at : at + _AT_ONCE]
        is_one = part == values[0]
        for value in values[1:]:
            is_one |= part == value
        parts.append(np.flatnonzero(is_one) + at)
    return np.concatenate(parts)


def _are_paired(
    octets: npt.NDArray[np.uint8], quotes: Positions, ends: npt.NDArray[np.uint8]
) -> bool:
    """Return True where quotes by turns begin and end a field."""
    if len(quotes) % 2:
        return False
    begin, end = quotes[::2], quotes[1::2]
    before, after = octets[begin - 1], octets[end + 1]
    begins = np.isin(before, ends) | (begin == 0)
    is_end = np.isin(after, ends) | (after == _RETURN)
    return bool(begins.all() and is_end.all())


def _outside(positions: Positions, quotes: Positions) -> Positions:
    """Return the positions that are not within quotes."""
    if not len(quotes):
        return positions
    # Quotes are fewer than line ends within PEM, so they are searched for, and not these.
    bounds = np.searchsorted(positions, quotes)
    is_outside = np.arange(len(quotes) + 1) % 2 == 0
    sizes = np.diff(bounds, prepend=0, append=len(positions))
    outside: Positions = positions[np.repeat(is_outside, sizes)]
    return outside
