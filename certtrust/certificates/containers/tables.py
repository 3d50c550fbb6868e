"""Tables that carry certificates in a column: Parquet, CSV, JSON and JSON lines.

A row is what arrived together, so each row is a bundle of its own. A column that names the device
counts like the name of a file.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa

from ...formats import About
from ...table_files import TooMuchError, open_parquet
from ..blocks import Block
from ..parquet_rows import cells
from . import contents

NAME = "table"

CONTENT = (
    "der",
    "pem",
    "certificate",
    "cert",
    "certificate_pem",
    "pem_certificate",
    "x509",
    "chain",
)
"""Names of the column that holds certificates, the likeliest first."""
DEVICE = ("device", "serial", "hardware_id", "mac", "host")
"""Names of the column of who presented them, the likeliest first."""

_SEPARATORS = ",;\t|"
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


def sniff(head: bytes) -> bool:
    """Return True for Parquet, JSON, or a header that names a column of certificates."""
    return (
        head.startswith(b"PAR1")
        or _BEGINS_JSON.match(head) is not None
        or _separator(head) is not None
    )


def read(stream: BinaryIO, about: About) -> Iterator[Block]:
    """Yield what the cells hold, and a block with a reason for each row without certificates."""
    for cell in _cells(stream.read()):
        part = f"#{cell.row}"
        if cell.content is None:
            yield Block(None, cell.problem, part=part, device=cell.device)
            continue
        for item in contents(cell.content, about):
            if isinstance(item, Block):
                yield item._replace(part=part, device=cell.device)
            else:
                yield Block(item, part=part, device=cell.device)


def _cells(data: bytes) -> Iterator[_Cell]:
    if data.startswith(b"PAR1"):
        return _parquet(data)
    if data.lstrip()[:1] in (b"{", b"["):
        return _json(data)
    return _csv(data.decode("utf-8", "replace"), _separator(data) or ",")


def _first(names: tuple[str, ...], columns: Any) -> str | None:
    by_name = {str(column).strip().lower(): column for column in columns}
    return next((by_name[name] for name in names if name in by_name), None)


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and str(value) else None


def _bytes(value: Any) -> bytes | None:
    data = value.encode("utf-8", "replace") if isinstance(value, str) else value
    return data if isinstance(data, bytes) and data.strip() else None


# Parquet


def _parquet(data: bytes) -> Iterator[_Cell]:
    row = 0
    try:
        names = open_parquet(data).schema_arrow.names
        content, device = _first(CONTENT, names), _first(DEVICE, names)
        if content is None:
            reason = (
                f"a table without a column of certificates ({', '.join(CONTENT)})"
            )
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


def _separator(data: bytes) -> str | None:
    """Return the separator of a header that names a column of certificates."""
    header = _HEADER.match(data)
    if header is None or b"-----" in header[0]:
        return None
    text = header[0].decode("utf-8", "replace")
    if not _ONE_COLUMN.match(data) and not any(
        separator in text for separator in _SEPARATORS
    ):
        return None
    for separator in _SEPARATORS:
        names = [name.strip(' "').lower() for name in text.split(separator)]
        if set(CONTENT).intersection(names):
            return separator
    return None


def _csv(text: str, separator: str) -> Iterator[_Cell]:
    rows = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True
    )
    content, device = (
        _first(CONTENT, rows.fieldnames or ()),
        _first(DEVICE, rows.fieldnames or ()),
    )
    number = 0
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as problem:
            yield _Cell(None, f"a row that cannot be read: {problem}", number, None)
            row = {}
        else:
            cell = _bytes(row.get(content)) if content else None
            name = _text(row.get(device)) if device else None
            yield _Cell(
                cell, None if cell else "no certificate in this row", number, name
            )
        number += 1


# JSON


def _json(data: bytes) -> Iterator[_Cell]:
    text = data.decode("utf-8", "replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        lines = [line for line in text.splitlines() if line.strip()]
        if not all(line.lstrip().startswith(("{", "[")) for line in lines):
            return iter(())
        return _json_lines(lines)
    if isinstance(document, dict) and isinstance(document.get("items"), list):
        document = document["items"]
    return _records(document if isinstance(document, list) else [document])


def _json_lines(lines: list[str]) -> Iterator[_Cell]:
    for row, line in enumerate(lines):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as problem:
            yield _Cell(None, f"a line that is no JSON: {problem}", row, None)
            continue
        yield from _records([record], row)


def _records(records: list[Any], first: int = 0) -> Iterator[_Cell]:
    for row, record in enumerate(records, first):
        by_name = record if isinstance(record, dict) else {}
        device = _first(DEVICE, by_name)
        name = _text(by_name[device]) if device else None
        texts = [text for text in _strings(record) if _HOLDS.search(text)]
        yield from (_Cell(_bytes(text), None, row, name) for text in texts)
        if not texts:
            yield _Cell(None, "no certificate in this row", row, name)


def _strings(record: Any) -> Iterator[str]:
    """Yield the texts anywhere in a record, in order."""
    waiting = [record]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting.extend(reversed(value.values()))
        elif isinstance(value, list):
            waiting.extend(reversed(value))
