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
from functools import lru_cache
from itertools import chain, islice, repeat
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa

from ... import limits
from ...column_names import Columns, not_understood, understood
from ...formats import About
from ...heading_rows import find, names_certificates
from ...json_values import Ambiguous, all_values, loads, shown_keys, twins
from ...spreadsheets import is_workbook, sheets
from ...table_files import TooMuchError, open_parquet
from .. import parquet_rows
from ..blocks import Block, Item, Rows
from ..plain_cells import certificates_of_each
from ..regular_csv import regular
from . import contents

NAME = "table"

_AT_ONCE = 1024
"""Cells whose certificates are taken out together."""
_SEPARATORS = ",;\t|"
_OF_PEM = re.compile(
    r"-----|(?=[^A-Z]{0,23}[A-Z])(?=[^a-z]{0,23}[a-z])[0-9A-Za-z+/=]{24}"
)
_SHORTEST_OF_PEM = 24
"""Letters of base64 that are PEM to `_OF_PEM`, where no dashes are."""
_HEAD = 1 << 16
_HEADER = re.compile(rb"[^\r\n]{1,4096}")
_ONE_COLUMN = re.compile(rb'[^\r\n]+\r?\n\s*("|MI)')
_HOLDS = re.compile(r"-----BEGIN |LS0tLS1CRUdJTi|^\s*MI[A-Za-z0-9+/]{60}")
_NESTED = {dict, list, Ambiguous}
_BEGINS_JSON = re.compile(rb'\s*[{\[]\s*(?:["{\[\]}]|$)')
_NOTHING = "no certificate in this row"


class _Cell(NamedTuple):
    """A cell of certificates or why there is none, its row number, and the row's device."""

    content: bytes | None
    problem: str | None
    row: int
    device: str | None


class _Cells(NamedTuple):
    """Some of these one below the other, column by column."""

    contents: Sequence[bytes | None]
    problems: Sequence[str | None]
    rows: Sequence[int]
    devices: Sequence[str | None]


def sniff(head: bytes, own: Columns = MappingProxyType({})) -> bool:
    """Return True for Parquet, Excel, JSON, or a header that names a column of certificates."""
    return (
        head.startswith(b"PAR1")
        or is_workbook(head)
        or _BEGINS_JSON.match(head) is not None
        or _heading(head, own) is not None
    )


def read(stream: BinaryIO, about: About) -> Iterator[Block | Rows]:
    """Yield what the cells hold, and a block with a reason for each row without certificates.

    A file yields `Rows` of thousands of cells; a table within another container, its blocks.
    """
    is_file = about.options.get("depth") == 1
    for cells in _cells(stream.read(), about.options.get("columns") or {}):
        rows = _rows(cells, about)
        if is_file:
            yield rows
        else:
            yield from map(_block, *rows)


def _rows(cells: _Cells, about: About) -> Rows:
    is_within = about.options.get("depth", 0) < limits.CONTAINER_DEPTH
    plain = [content if content and is_within else b"" for content in cells.contents]
    chains = certificates_of_each(plain)
    items_by_cell: list[Sequence[Item]] = [
        ders or _items(content, problem, about)
        for ders, content, problem in zip(
            chains, cells.contents, cells.problems, strict=True
        )
    ]
    sizes = list(map(len, items_by_cell))
    return Rows(
        list(chain.from_iterable(items_by_cell)),
        list(_repeated([f"#{row}" for row in cells.rows], sizes)),
        list(_repeated(cells.devices, sizes)),
    )


def _items(content: bytes | None, problem: str | None, about: About) -> list[Item]:
    if content is None:
        return [Block(None, problem)]
    return list(contents(content, about))


def _repeated(values: Sequence[Any], sizes: Sequence[int]) -> Iterator[Any]:
    """Yield each value as often as its size says."""
    return chain.from_iterable(map(repeat, values, sizes))


def _block(item: Item, part: str, device: str | None) -> Block:
    block = item if isinstance(item, Block) else Block(item)
    return block._replace(part=part, device=device)


def _cells(data: bytes, own: Columns) -> Iterator[_Cells]:
    if data.startswith(b"PAR1"):
        return _parquet(data, own)
    if is_workbook(data):
        return _gathered(_excel(data, own))
    if data.lstrip()[:1] in (b"{", b"["):
        return _gathered(_json(data, own))
    return _csv(data, own)


def _gathered(cells: Iterator[_Cell]) -> Iterator[_Cells]:
    while some := list(islice(cells, _AT_ONCE)):
        yield _Cells(*zip(*some, strict=True))


def _of_columns(
    first: int, contents: Sequence[Any], devices: Sequence[Any] | None = None
) -> _Cells:
    """Return the cells of columns, whose rows are numbered from `first`."""
    cells = list(map(_bytes, contents))
    return _Cells(
        cells,
        [None if cell else _NOTHING for cell in cells],
        range(first, first + len(cells)),
        [None] * len(cells) if devices is None else _texts(devices),
    )


def _first(columns: Iterable[Any], own: Columns, kind: str) -> str | None:
    """Return the first of the names that mean a column, the likeliest one."""
    return _first_of(tuple(map(str, columns)), tuple(own.items()), kind)


@lru_cache(maxsize=256)
def _first_of(
    names: tuple[str, ...], own: tuple[tuple[str, str], ...], kind: str
) -> str | None:
    """Return the same; the records of a file mostly have the same names."""
    meanings = understood(list(names), "certificates", dict(own))
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
    if len(text) < _SHORTEST_OF_PEM:
        return None if not text or "-----" in text else text
    return None if _OF_PEM.search(text) else text


def _texts(values: Sequence[Any]) -> list[str | None]:
    """Return what `_text` makes of each value."""
    if (
        set(map(type, values)) == {str}
        and max(map(len, values)) < _SHORTEST_OF_PEM
        and "-----" not in "\n".join(values)
    ):
        return [value or None for value in values]
    return list(map(_text, values))


def _bytes(value: Any) -> bytes | None:
    data = value.encode("utf-8", "replace") if isinstance(value, str) else value
    is_filled = isinstance(data, bytes) and data and not data.isspace()
    return data if is_filled else None


# Parquet


def _parquet(data: bytes, own: Columns) -> Iterator[_Cells]:
    row = 0
    try:
        names = open_parquet(data).schema_arrow.names
        content, device = (_first(names, own, kind) for kind in ("content", "device"))
        if content is None:
            unread = not_understood(
                names, understood(names, "certificates", own), "certificates"
            )
            reason = f"a table without a column of certificates; {unread}"
            yield _problem(reason, 0)
            return
        if names.count(content) > 1 or names.count(device) > 1:
            yield _problem("a Parquet file with a column twice", 0)
            return
        for values, *devices in parquet_rows.cells(
            data, [content] if device is None else [content, device]
        ):
            yield _of_columns(row, values, *devices)
            row += len(values)
    except (pa.ArrowException, OSError, TooMuchError) as problem:
        yield _problem(f"a Parquet file that cannot be read: {problem}", row)


def _problem(reason: str, row: int) -> _Cells:
    return _Cells([None], [reason], [row], [None])


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


def _csv(data: bytes, own: Columns) -> Iterator[_Cells]:
    above, separator = _heading(data, own) or (0, ",")
    if not above and (table := regular(data, separator)) is not None:
        names = table.header()
        content, device = (
            _positions(names, _first(names, own, kind))
            for kind in ("content", "device")
        )
        if len(content) == 1 and len(device) < 2:
            for first in range(0, table.size, _AT_ONCE):
                values, *owners = (
                    table.cells(column, first, first + _AT_ONCE)
                    for column in (*content, *device)
                )
                names_of_rows = [
                    [owner.decode() if owner else "" for owner in column]
                    for column in owners
                ]
                yield _of_columns(first, values, *names_of_rows)
            return
    yield from _gathered(_careful_csv(data, own, above, separator))


def _careful_csv(
    data: bytes, own: Columns, above: int, separator: str
) -> Iterator[_Cell]:
    text = data.decode("utf-8", "replace")
    if above:
        text = "".join(text.splitlines(keepends=True)[above:])
    records = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True
    )
    columns: tuple[list[int], list[int]] | None = None
    number = 0
    while True:
        try:
            record = next(records)
        except StopIteration:
            return
        except csv.Error as problem:
            columns = columns or ([], [])
            yield _Cell(None, f"a row that cannot be read: {problem}", number, None)
            number += 1
            continue
        if columns is None:
            columns = (
                _positions(record, _first(record, own, "content")),
                _positions(record, _first(record, own, "device")),
            )
        elif record:
            yield from _of_row(record, *columns, number)
            number += 1


def _positions(names: Sequence[str], name: str | None) -> list[int]:
    """Return where a name stands, which may be there twice."""
    return [position for position, other in enumerate(names) if other == name]


def _of_row(
    record: Sequence[Any], content: list[int], device: list[int], number: int
) -> Iterator[_Cell]:
    """Yield the certificates of a row, and what is wrong with it."""
    owners = _at(record, device)
    owner = _text(owners[0]) if len(owners) == 1 else None
    cells = [cell for cell in map(_bytes, _at(record, content)) if cell]
    for cell in cells:
        yield _Cell(cell, None, number, owner)
    if len(owners) > 1:
        yield _Cell(None, "a row that names several devices", number, None)
    elif not cells:
        yield _Cell(None, _NOTHING, number, owner)


def _at(record: Sequence[Any], positions: list[int]) -> list[Any]:
    """Return the distinct values at some positions, as far as there are any."""
    values = [record[position] for position in positions if position < len(record)]
    return list(dict.fromkeys(value for value in values if value not in (None, "")))


# Excel


def _excel(data: bytes, own: Columns) -> Iterator[_Cell]:
    for sheet in sheets(data, "certificates", own, names_certificates):
        if sheet.error is not None:
            yield _Cell(None, sheet.error, 0, None)
            continue
        content, device = (
            _positions(sheet.headings, sheet.headings[sheet.columns.index(kind)])
            if kind in sheet.columns
            else []
            for kind in ("content", "device")
        )
        for number, row in enumerate(sheet.rows, start=sheet.first):
            if any(row):
                yield from _of_row(row, content, device, number)


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
        is_flat = type(record) is dict and _NESTED.isdisjoint(
            map(type, record.values())
        )
        values = record.values() if is_flat else _strings(record)
        texts = [
            text for text in values if isinstance(text, str) and _HOLDS.search(text)
        ]
        for text in texts:
            yield _Cell(text.encode("utf-8", "replace"), None, row, name)
        if not is_flat and (keys := twins(record)):
            note = f"given twice with different values: {shown_keys(keys)}"
            yield _Cell(None, note, row, name)
        elif not texts:
            yield _Cell(None, _NOTHING, row, name)


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
