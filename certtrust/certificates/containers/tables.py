"""Tables that carry certificates in a column: Parquet, CSV, Excel, JSON and JSON lines.

Which column that is, its name says (`certtrust.column_names`), or the option `columns`. A row is
what arrived together, so each row is a bundle of its own. A column that names the device counts
like the name of a file.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa

from ...column_names import Columns, not_understood, understood
from ...formats import About
from ...heading_rows import find, names_certificates
from ...json_values import all_values, loads, shown_keys, twins
from ...spreadsheets import is_workbook, sheets
from ...table_files import TooMuchError, open_parquet
from ..blocks import Block
from ..parquet_rows import cells
from . import contents

NAME = "table"

_SEPARATORS = ",;\t|"
_OF_PEM = re.compile(
    r"-----|(?=[^A-Z]{0,23}[A-Z])(?=[^a-z]{0,23}[a-z])[0-9A-Za-z+/=]{24}"
)
_HEAD = 1 << 16
_HEADER = re.compile(rb"[^\r\n]{1,4096}")
_ONE_COLUMN = re.compile(rb'[^\r\n]+\r?\n\s*("|MI)')
_HOLDS = re.compile(r"-----BEGIN |LS0tLS1CRUdJTi|^\s*MI[A-Za-z0-9+/]{60}")
_BEGINS_JSON = re.compile(rb'\s*[{\[]\s*(?:["{\[\]}]|$)')


class _Cell(NamedTuple):
    """A cell of certificates or why there is none, its row number, and the row's device."""

    content: bytes | None
    problem: str | None
    row: int
    device: str | None


def sniff(head: bytes, own: Columns = MappingProxyType({})) -> bool:
    """Return True for Parquet, Excel, JSON, or a header that names a column of certificates."""
    return (
        head.startswith(b"PAR1")
        or is_workbook(head)
        or _BEGINS_JSON.match(head) is not None
        or _heading(head, own) is not None
    )


def read(stream: BinaryIO, about: About) -> Iterator[Block]:
    """Yield what the cells hold, and a block with a reason for each row without certificates."""
    for cell in _cells(stream.read(), about.options.get("columns") or {}):
        part = f"#{cell.row}"
        if cell.content is None:
            yield Block(None, cell.problem, part=part, device=cell.device)
            continue
        for item in contents(cell.content, about):
            if isinstance(item, Block):
                yield item._replace(part=part, device=cell.device)
            else:
                yield Block(item, part=part, device=cell.device)


def _cells(data: bytes, own: Columns) -> Iterator[_Cell]:
    if data.startswith(b"PAR1"):
        return _parquet(data, own)
    if is_workbook(data):
        return _excel(data, own)
    if data.lstrip()[:1] in (b"{", b"["):
        return _json(data, own)
    return _csv(data, own)


def _first(columns: Iterable[Any], own: Columns, kind: str) -> str | None:
    """Return the first of the names that mean a column, the likeliest one."""
    names = [str(column) for column in columns]
    meanings = understood(names, "certificates", own)
    return next(
        (
            name
            for name, meaning in zip(names, meanings, strict=True)
            if meaning == kind
        ),
        None,
    )


def _text(value: Any) -> str | None:
    """Return the name of a device; None for PEM, which a lost quote puts into its column."""
    text = str(value) if isinstance(value, str | int) else ""
    return text if text and not _OF_PEM.search(text) else None


def _bytes(value: Any) -> bytes | None:
    data = value.encode("utf-8", "replace") if isinstance(value, str) else value
    return data if isinstance(data, bytes) and data.strip() else None


# Parquet


def _parquet(data: bytes, own: Columns) -> Iterator[_Cell]:
    row = 0
    try:
        names = open_parquet(data).schema_arrow.names
        content, device = (_first(names, own, kind) for kind in ("content", "device"))
        if content is None:
            unread = not_understood(
                names, understood(names, "certificates", own), "certificates"
            )
            reason = f"a table without a column of certificates; {unread}"
            yield _Cell(None, reason, 0, None)
            return
        if names.count(content) > 1 or names.count(device) > 1:
            yield _Cell(None, "a Parquet file with a column twice", 0, None)
            return
        for columns in cells(
            data, [content] if device is None else [content, device]
        ):
            for value, *name in zip(*columns, strict=True):
                cell = _bytes(value)
                problem = None if cell else "no certificate in this row"
                yield _Cell(cell, problem, row, _text(name[0]) if name else None)
                row += 1
    except (pa.ArrowException, OSError, TooMuchError) as problem:
        yield _Cell(None, f"a Parquet file that cannot be read: {problem}", row, None)


# CSV


def _heading(data: bytes, own: Columns) -> tuple[int, str] | None:
    """Return how many lines stand above a header that names certificates, and its separator."""
    header = _HEADER.match(data)
    if header is None or b"-----" in header[0]:
        return None
    text = header[0].decode("utf-8", "replace")
    if _ONE_COLUMN.match(data) or any(separator in text for separator in _SEPARATORS):
        for separator in _SEPARATORS:
            names = [name.strip(' "') for name in text.split(separator)]
            if names_certificates(understood(names, "certificates", own)):
                return 0, separator
    head = data[:_HEAD].decode("utf-8", "replace").removeprefix("\ufeff")
    row = find(head, "certificates", own, names_certificates, strict=False)
    return None if row is None else (row.number - 1, row.separator)


def _csv(data: bytes, own: Columns) -> Iterator[_Cell]:
    above, separator = _heading(data, own) or (0, ",")
    lines = data.decode("utf-8", "replace").splitlines(keepends=True)
    rows = csv.reader(
        io.StringIO("".join(lines[above:]), newline=""),
        delimiter=separator,
        skipinitialspace=True,
    )
    names: list[str] | None = None
    content, device = None, None
    number = 0
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as problem:
            yield _Cell(None, f"a row that cannot be read: {problem}", number, None)
            number += 1
            continue
        if names is None:
            names = row
            content, device = (
                _first(names, own, kind) for kind in ("content", "device")
            )
        elif row:
            cells, owners = (
                _of_column(names, row, column) for column in (content, device)
            )
            yield from _of_row(cells, owners, number)
            number += 1


def _of_column(
    names: Sequence[str], row: Sequence[Any], column: str | None
) -> list[Any]:
    """Return the distinct cells of a row in the columns of a name, which may be there twice."""
    cells = [cell for name, cell in zip(names, row, strict=False) if name == column]
    return list(dict.fromkeys(cell for cell in cells if cell not in (None, "")))


def _of_row(cells: list[Any], owners: list[Any], number: int) -> Iterator[_Cell]:
    """Yield the certificates of a row, and what is wrong with it."""
    owner = _text(owners[0]) if len(owners) == 1 else None
    contents = [content for content in map(_bytes, cells) if content]
    yield from (_Cell(content, None, number, owner) for content in contents)
    if len(owners) > 1:
        reason = "a row that names several devices"
        yield _Cell(None, reason, number, None)
    elif not contents:
        yield _Cell(None, "no certificate in this row", number, owner)


# Excel


def _excel(data: bytes, own: Columns) -> Iterator[_Cell]:
    for sheet in sheets(data, "certificates", own, names_certificates):
        if sheet.error is not None:
            yield _Cell(None, sheet.error, 0, None)
            continue
        columns = [
            sheet.headings[sheet.columns.index(kind)]
            if kind in sheet.columns
            else None
            for kind in ("content", "device")
        ]
        for number, row in enumerate(sheet.rows, start=sheet.first):
            if any(row):
                cells, owners = (
                    _of_column(sheet.headings, row, column) for column in columns
                )
                yield from _of_row(cells, owners, number)


# JSON


def _json(data: bytes, own: Columns) -> Iterator[_Cell]:
    text = data.decode("utf-8", "replace")
    try:
        document = loads(text)
    except (ValueError, RecursionError):
        lines = [line for line in text.splitlines() if line.strip()]
        if not all(line.lstrip().startswith(("{", "[")) for line in lines):
            return iter(())
        return _json_lines(lines, own)
    if isinstance(document, dict) and isinstance(document.get("items"), list):
        lists = all_values(document, "items")
        document = [item for one in lists if isinstance(one, list) for item in one]
    return _records(document if isinstance(document, list) else [document], own)


def _json_lines(lines: list[str], own: Columns) -> Iterator[_Cell]:
    for row, line in enumerate(lines):
        try:
            record = loads(line)
        except (ValueError, RecursionError) as problem:
            yield _Cell(None, f"a line that is no JSON: {problem}", row, None)
            continue
        yield from _records([record], own, row)


def _records(records: list[Any], own: Columns, first: int = 0) -> Iterator[_Cell]:
    for row, record in enumerate(records, first):
        by_name = record if isinstance(record, dict) else {}
        device = _first(by_name, own, "device")
        names = all_values(by_name, device) if device else []
        name = _text(names[0]) if len(names) == 1 else None
        texts = [text for text in _strings(record) if _HOLDS.search(text)]
        yield from (_Cell(_bytes(text), None, row, name) for text in texts)
        if keys := twins(record):
            note = f"given twice with different values: {shown_keys(keys)}"
            yield _Cell(None, note, row, name)
        elif not texts:
            yield _Cell(None, "no certificate in this row", row, name)


def _strings(record: Any) -> Iterator[str]:
    """Yield the texts anywhere in a record, in order."""
    waiting = [record]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            others = [item for _, item in getattr(value, "others", ())]
            waiting.extend(reversed([*value.values(), *others]))
        elif isinstance(value, list):
            waiting.extend(reversed(value))
