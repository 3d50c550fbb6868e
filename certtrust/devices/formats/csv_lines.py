"""PBX objects as CSV: the import list with two header lines, or a table of devices.

The import list is separated by semicolons; its second header line names the fields, and only a
user with a MAC address is a device. A table has one header line, with the names of columns of
DEVICES or what people call them (`certtrust.column_names`); above it there may be a title, a
comment, blank lines or `sep=;`. In both an absent flag is unknown. A file with all columns of
DEVICES may be a table that was written, and then is read as it was.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import BinaryIO

import pandas as pd

from ... import heading_rows, schema
from ...errors import SourceError
from ...formats import About, as_text
from ...table_files import read_csv, written_csv
from .entries import Entry, content, failed, of_table, own_entry, without_twins

NAME = "csv"
_SEPARATORS = ";,\t"
_HEAD = 1 << 16
_IS_IMPORT_LIST = {"longname", "displayname", "configtemplate"}
"""Fields that only the import list has."""
_COLUMNS = {
    "longname": "long_name",
    "name": "user",
    "number": "number",
    "node": "location",
    "pbx": "pbx",
    "hardwareid": "hardware_id",
}


def sniff(head: bytes, own: Mapping[str, str] = MappingProxyType({})) -> bool:
    """Return True where one of the first lines is a header."""
    return _header(as_text(head), own) is not None


def read(stream: BinaryIO, about: About) -> Iterator[Entry | pd.DataFrame]:
    """Yield an entry for each line below the header that names a device."""
    whole = content(stream)
    lines = _lines(whole)
    first = _cells(lines[0], ",")[0]
    if set(schema.DEVICES.names) <= set(first) and len(set(first)) == len(first):
        # Where that fails, reading line by line gives each bad line its reason.
        with suppress(SourceError):
            data = whole.encode("utf-8", "replace")
            table = read_csv(data, schema.DEVICES)
            if written_csv(data, schema.DEVICES):
                yield table
            else:
                frame = table.astype("object").where(table.notna(), None)
                rows = frame.itertuples(index=False, name=None)
                yield from of_table(first, rows)
            return
    header = _header(whole, about.options.get("columns") or {})
    if header is None:
        yield failed(
            "no header: the fields of an import list or columns of DEVICES are expected in one "
            "of the first lines"
        )
        return
    skip, separator, names = header
    for number, line in enumerate(lines[skip:], start=skip + 1):
        if not line.strip():
            continue
        cells, error = _cells(line, separator)
        if error:
            yield failed(f"line {number} is not CSV: {error}")
        elif len(cells) != len(names):
            yield failed(
                f"line {number} has {len(cells)} fields where the header has {len(names)}"
            )
        else:
            named = [
                (name, cell) for name, cell in zip(names, cells, strict=True) if name
            ]
            entry = without_twins(named)
            if entry.get("hardware_id") or entry.get("serial"):
                yield own_entry(entry)


def _lines(text: str) -> list[str]:
    """Return the lines of a file, which end with CR alone in one that has no LF."""
    text = text.replace("\r\n", "\n")
    return (text if "\n" in text else text.replace("\r", "\n")).split("\n")


def _cells(line: str, separator: str) -> tuple[list[str], str | None]:
    """Return the cells of a line, and what is wrong with it."""
    is_plain = '"' not in line and "\r" not in line
    if is_plain and 0 < len(line) < csv.field_size_limit():
        return line.split(separator), None
    try:
        return next(csv.reader([line], delimiter=separator, strict=True), []), None
    except csv.Error as error:
        return [], str(error)


def _header(
    head: str, own: Mapping[str, str]
) -> tuple[int, str, list[str | None]] | None:
    """Return how many lines the header has, the separator, and the column of each field."""
    for skip, line in enumerate(_lines(head[:_HEAD])[:2], start=1):
        for separator in _SEPARATORS:
            cells = [cell.strip(' "\r').lower() for cell in line.split(separator)]
            if (
                len(cells) > 1
                and "hardwareid" in cells
                and _IS_IMPORT_LIST & set(cells)
            ):
                return skip, separator, [_COLUMNS.get(cell) for cell in cells]
    row = heading_rows.find(head, "devices", own, heading_rows.names_devices)
    if row is None:
        return None
    return row.number, row.separator, row.columns
