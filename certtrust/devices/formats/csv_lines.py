"""PBX objects as CSV: the import list with two header lines, or columns of DEVICES.

The import list is separated by semicolons; its second header line names the fields, and only a
user with a MAC address is a device. certtrust's own CSV has one header line of DEVICES column
names. In both an absent flag is unknown. A file with all columns of DEVICES may be a table that
was written, and then is read as it was.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

import pandas as pd

from ... import schema
from ...errors import SourceError
from ...formats import About, as_text
from ...table_files import read_csv, written_csv
from .entries import OWN, Entry, content, failed, of_table, own_entry, without_twins

NAME = "csv"
_SEPARATORS = ";,\t"
_COLUMNS = {
    "longname": "long_name",
    "name": "user",
    "number": "number",
    "node": "location",
    "pbx": "pbx",
    "hardwareid": "hardware_id",
}


def sniff(head: bytes) -> bool:
    """Return True where one of the first two lines is a header."""
    return _header(as_text(head).split("\n")[:2]) is not None


def read(stream: BinaryIO, _: About) -> Iterator[Entry | pd.DataFrame]:
    """Yield an entry for each line below the header that names a device."""
    whole = content(stream)
    lines = whole.replace("\r\n", "\n").split("\n")
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
    header = _header(lines[:2])
    if header is None:
        yield failed(
            "no header: the fields of an import list or columns of DEVICES are expected in the "
            "first two lines"
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


def _cells(line: str, separator: str) -> tuple[list[str], str | None]:
    """Return the cells of a line, and what is wrong with it."""
    try:
        return next(csv.reader([line], delimiter=separator, strict=True), []), None
    except csv.Error as error:
        return [], str(error)


def _header(lines: list[str]) -> tuple[int, str, list[str | None]] | None:
    """Return how many lines the header has, the separator, and the column of each field."""
    for skip, line in enumerate(lines, start=1):
        for separator in _SEPARATORS:
            cells = [cell.strip(' "\r').lower() for cell in line.split(separator)]
            for columns, required in (
                (_COLUMNS, {"hardwareid"}),
                (OWN, {"hardware_id", "serial"}),
            ):
                if len(cells) > 1 and required & set(cells):
                    return skip, separator, [columns.get(cell) for cell in cells]
    return None
