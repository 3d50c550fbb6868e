"""Excel workbooks (.xlsx) as rows of text, read with python-calamine where it is installed.

A workbook is packed XML that a stranger made, so what it unpacks to, and how many cells it spans,
is bounded before it is opened.
"""

from __future__ import annotations

import datetime
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from . import limits
from .column_names import Columns, presentable, understood
from .heading_rows import IS_HEADING, IsHeading, Meaning, likeliest
from .texts.sentences import say

_LINES = 20
"""Rows among which the headings stand."""
_REFERENCE = re.compile(rb"""\br=["']([A-Za-z]{0,3})([0-9]{1,9})["']""")
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError,
            ValueError, KeyError, OSError)  # fmt: skip


class Sheet(NamedTuple):
    """A sheet with its headings, or why there are none."""

    name: str
    headings: list[str]
    columns: Meaning
    """What each heading means."""
    first: int
    """The number of the row below the headings, from 1."""
    rows: list[list[str]]
    """The rows below them."""
    above: list[list[str]]
    error: str | None = None


def is_workbook(head: bytes) -> bool:
    """Return True where a file begins as a workbook of Excel does."""
    return head.startswith(b"PK\x03\x04") and (
        b"[Content_Types].xml" in head or b"xl/" in head or b"_rels/.rels" in head
    )


def sheets(
    data: bytes, table: str, own: Columns, is_heading: IsHeading
) -> Iterator[Sheet]:
    """Yield the sheets of a workbook that hold anything, with what their headings mean.

    Beside a sheet of this table, one of another table is an error, as are headings of neither.

    Parameters
    ----------
    data : bytes
        The file.
    table : str
        The table of `column_names` that it may be.
    own : dict
        Columns by headings, as the caller named them.
    is_heading : function
        Whether headings that mean these columns are those of the table.
    """
    opened = _opened(data)
    if isinstance(opened, str):
        yield Sheet("", [], [], 1, [], [], opened)
        return
    read = list(_sheets(opened, table, own, is_heading))
    kinds = [_likeliest(sheet, table) for sheet in read]
    for sheet, kind in zip(read, kinds, strict=True):
        if kind is None or kind == table or table not in kinds:
            yield sheet
        else:
            error = f"the sheet {sheet.name!r} is a table of {kind}"
            yield sheet._replace(first=1, rows=[], above=[], error=error)


def texts_of_workbook(data: bytes) -> list[list[list[str]]] | str:
    """Return the cells of each sheet as text, or why the workbook cannot be read."""
    opened = _opened(data)
    if isinstance(opened, str):
        return opened
    texts = []
    for name in opened.sheet_names:
        rows = _guarded(partial(_rows, opened, name))
        if isinstance(rows, str):
            return rows
        texts.append([[_text(cell) for cell in row] for row in rows])
    return texts


def _sheets(
    opened: Any, table: str, own: Columns, is_heading: IsHeading
) -> Iterator[Sheet]:
    for name in opened.sheet_names:
        rows = _guarded(partial(_rows, opened, name))
        if isinstance(rows, str):
            yield Sheet(name, [], [], 1, [], [], rows)
            continue
        texts = [[_text(cell) for cell in row] for row in rows]
        if any(any(row) for row in texts):
            yield _sheet(name, texts, table, own, is_heading)


def _likeliest(sheet: Sheet, table: str) -> str | None:
    """Return the kind of table that a sheet is, devices or registrations, if it is not certain."""
    if sheet.error is not None:
        return None
    meanings = {
        kind: understood(sheet.headings, kind)
        for kind in ("devices", "registrations")
    }
    others = {kind: row for kind, row in meanings.items() if IS_HEADING[kind](row)}
    return likeliest({**others, table: sheet.columns})


def _sheet(
    name: str, rows: list[list[str]], table: str, own: Columns, is_heading: IsHeading
) -> Sheet:
    for index, row in enumerate(rows[:_LINES]):
        columns = understood(row, table, own)
        if is_heading(columns):
            return Sheet(
                name, row, columns, index + 2, rows[index + 1 :], rows[:index]
            )
    first = next((row for row in rows if any(row)), [])
    first = first if all(map(presentable, first)) else []
    shown = ", ".join(repr(cell) for cell in first[:8] if cell)
    error = f"the sheet {name!r} has no row of headings that are known here"
    error += f": {shown}" if shown else ""
    return Sheet(name, first, understood(first, table, own), 1, [], rows, error)


def _opened(data: bytes) -> Any:
    """Return the workbook, or why it cannot be opened."""
    try:
        from python_calamine import CalamineWorkbook
    except ImportError:
        return say("errors.reading.no_excel")
    if reason := _too_much(data):
        return reason
    return _guarded(lambda: CalamineWorkbook.from_filelike(io.BytesIO(data)))


def _rows(workbook: Any, name: str) -> Any:
    return workbook.get_sheet_by_name(name).to_python()


def _guarded(work: Callable[[], Any]) -> Any:
    """Return the result of the library, or why there is none; it may panic on a damaged file."""
    try:
        return work()
    except BaseException as problem:
        is_panic = type(problem).__name__ == "PanicException"
        if not is_panic and not isinstance(problem, Exception):
            raise
        return f"not an Excel workbook that can be read: {problem}"


def _too_much(data: bytes) -> str | None:
    """Return what a workbook claims beyond its bounds."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > limits.unpacked(
                len(data)
            ):
                return f"unpacks to more than {limits.UNPACKED_RATIO} times its size"
            for member in members:
                if not _SHEET.fullmatch(member.filename):
                    continue
                cells = _spanned(archive.read(member))
                if cells > limits.SHEET_CELLS:
                    return (
                        f"a sheet spans {cells:,} cells; {limits.SHEET_CELLS:,} are the most "
                        "that is read"
                    )
    except _DAMAGED as problem:
        return f"not an Excel workbook that can be read: {problem}"
    return None


def _spanned(xml: bytes) -> int:
    """Return how many cells the rectangle around all cells of a sheet has."""
    width = height = 1
    for letters, digits in set(_REFERENCE.findall(xml)):
        column = 0
        for letter in letters.upper():
            column = column * 26 + letter - ord("A") + 1
        width, height = max(width, column), max(height, int(digits))
    # Cells without a reference stand one after the other.
    if width == 1:
        width = max(1, xml.count(b"<c ") + xml.count(b"<c>"))
    return width * height


def _text(cell: Any) -> str:
    """Return a cell as text: whole numbers without a fraction, times in ISO form."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime.datetime | datetime.date | datetime.time):
        return cell.isoformat()
    text = str(cell).strip()
    return text.encode("utf-8", "replace").decode().replace("\x00", "")
