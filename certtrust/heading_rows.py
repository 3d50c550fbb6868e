"""The row of headings in a table as text: which line it is, and what its headings mean.

Spreadsheets and collectors put a title, a comment, a blank line or `sep=;` above it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from .column_names import Columns, not_understood, presentable, understood

SEPARATORS = ",;\t|"
_LINES = 20
"""Lines among which the headings stand."""
_SHOWN = 12
"""Headings that a note lists."""
_LINE_END = re.compile("\r\n|\n|\r")
_DECLARED = re.compile(r'^\ufeff?"?sep=(.)"?\s*$', re.IGNORECASE)
NO_HEADING = re.compile(
    r"\s*(?:[{\[<]|[A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:)"
)
"""How records of other formats begin: no row of headings stands below them."""

Meaning = list[str | None]
IsHeading = Callable[[Sequence[str | None]], bool]


def names_devices(columns: Sequence[str | None]) -> bool:
    """Return True where headings that mean these columns are those of devices."""
    return not {"hardware_id", "serial"}.isdisjoint(columns)


def names_registrations(columns: Sequence[str | None]) -> bool:
    """Return True where headings that mean these columns are those of registrations."""
    names = set(columns) - {None}
    of_messages = "message" in names and len(names & {"time", "date", "host"}) > 0
    return of_messages or (len(names) >= 2 and bool(names & _OF_REGISTRATIONS))


def names_certificates(columns: Sequence[str | None]) -> bool:
    """Return True where headings that mean these columns are those of certificates."""
    return "content" in columns


_OF_REGISTRATIONS = {"time", "state", "registration_name", "serial", "hardware_id"}
IS_HEADING: dict[str, IsHeading] = {
    "registrations": names_registrations,
    "devices": names_devices,
    "certificates": names_certificates,
}
"""By table, whether headings that mean some columns are those of the table."""


def likeliest(meanings: Mapping[str, Meaning]) -> str | None:
    """Return the kind of table in which most headings mean something.

    Where there are as many, what has times or states is a log, and anything else a list of
    devices; a column of certificates counts more than all others.
    """

    def rank(kind: str) -> tuple[bool, int, bool, bool]:
        columns = set(meanings[kind]) - {None}
        is_log = kind == "registrations" and bool(columns & {"time", "state"})
        return kind == "certificates", len(columns), is_log, kind == "devices"

    return max(meanings, key=rank, default=None)


class HeadingRow(NamedTuple):
    """A row of headings."""

    number: int
    """The number of its line, from 1."""
    line: str
    separator: str
    headings: list[str]
    columns: Meaning
    """What each of them means, None for what is not understood."""


def cells(line: str, separator: str) -> list[str]:
    """Return the cells of a line, without white space around them; none where it is no CSV."""
    try:
        row = next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []
    return [cell.strip() for cell in row]


def split(line: str, table: str, own: Columns) -> tuple[str, list[str], Meaning]:
    """Return the separator of headings by which most of them are understood, and both."""
    ways = []
    present = [separator for separator in SEPARATORS if separator in line]
    for separator in present or SEPARATORS[:1]:
        headings = cells(line, separator)
        columns = understood(headings, table, own)
        score = (sum(column is not None for column in columns), len(headings))
        ways.append((score, separator, headings, columns))
    _, separator, headings, columns = max(ways, key=lambda way: way[0])
    return separator, headings, columns


def find(
    head: str,
    table: str,
    own: Columns,
    is_heading: IsHeading,
    *,
    strict: bool = True,
) -> HeadingRow | None:
    """Return the row of headings among the first lines of a file, None where there is none.

    Parameters
    ----------
    head : str
        The beginning of the file.
    table : str
        The table of `column_names` that it may be.
    own : dict
        Columns by headings, as the caller named them.
    is_heading : function
        Whether headings that mean these columns are those of the table.
    strict : bool
        Whether the next line below a title and headings has to have as many cells.
    """
    lines = _LINE_END.split(head)[:_LINES]
    for number, line in enumerate(lines, start=1):
        if NO_HEADING.match(line):
            return None
        if not any(separator in line for separator in SEPARATORS):
            continue
        separator, headings, columns = split(line, table, own)
        if not is_heading(columns) or len(headings) < 2:
            continue
        is_below_others = number > 1
        if is_below_others and not _mostly_understood(headings, columns):
            continue
        if (
            strict
            and is_below_others
            and not _goes_on(lines[number:], separator, len(headings))
        ):
            continue
        return HeadingRow(number, line, separator, headings, columns)
    return None


def unread_headings(head: str, table: str) -> str | None:
    """Return a note on the first line that may be headings, of which none is understood enough."""
    headings = likely_headings(head)[:_SHOWN]
    return not_understood(headings, understood(headings, table), table)


def likely_headings(head: str) -> list[str]:
    """Return the cells of the first line that is parted as a table is; none where there is none."""
    for line in _LINE_END.split(head)[:_LINES]:
        if not line.strip() or _DECLARED.match(line):
            continue
        separator = max(SEPARATORS, key=line.count)
        if NO_HEADING.match(line) or separator not in line:
            return []
        headings = cells(line, separator)
        return headings if all(map(presentable, headings)) else []
    return []


def _mostly_understood(headings: list[str], columns: Meaning) -> bool:
    """Return True where half of the headings mean a column; a value may by chance."""
    count = sum(column is not None for column in columns)
    return 2 * count >= sum(map(bool, headings))


def _goes_on(below: list[str], separator: str, count: int) -> bool:
    """Return True where the next line that is not blank has as many cells, or there is none."""
    following = next((line for line in below if line.strip()), None)
    return following is None or len(cells(following, separator)) == count
