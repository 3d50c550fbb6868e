"""PBX objects as delimited text: the import list with two header lines, or DEVICES columns of certtrust's own.

The import list is parted by semicolons; its second header line names the fields, and only a user with a MAC address
is a device. certtrust's own CSV has one header line of DEVICES column names. Neither has what the other one lacks:
an absent flag is unknown.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

from ... import schema
from .entries import Entry, failed, flag, text

NAME = "csv"
_SEPARATORS = ";,\t"
_TAKEN_FOR = {
    "longname": "long_name",
    "name": "user",
    "number": "number",
    "node": "location",
    "pbx": "pbx",
    "hardwareid": "hardware_id",
}
_OWN = {name: name for name in schema.DEVICES.names if name not in ("source", "parse_error")}
_FLAGS = ("tls_only", "reverse_proxy")


def sniff(head: str) -> bool:
    """Tell whether one of the first two lines names fields that are known here."""
    return _header(head.split("\n")[:2]) is not None


def read(content: str) -> Iterator[Entry]:
    """Yield an entry for each line below the header that names a device."""
    lines = content.replace("\r\n", "\n").split("\n")
    header = _header(lines[:2])
    if header is None:
        yield failed(
            "no header: the fields of an import list or columns of DEVICES are expected in the first two lines"
        )
        return
    skip, separator, names = header
    for number, line in enumerate(lines[skip:], start=skip + 1):
        if not line.strip():
            continue
        try:
            cells = next(csv.reader([line], delimiter=separator, strict=True))
        except csv.Error as error:
            yield failed(f"line {number} is not CSV: {error}")
            continue
        if len(cells) != len(names):
            yield failed(f"line {number} has {len(cells)} fields where the header has {len(names)}")
            continue
        entry: Entry = {name: text(cell) for name, cell in zip(names, cells, strict=True) if name}
        flags = {name: flag(entry[name]) for name in _FLAGS if name in entry}
        if entry.get("hardware_id") or entry.get("serial"):
            yield entry | flags


def _header(lines: list[str]) -> tuple[int, str, list[str | None]] | None:
    """Return how many lines the header has, the separator, and what each field is taken for."""
    for skip, line in enumerate(lines, start=1):
        for separator in _SEPARATORS:
            cells = [cell.strip(' "\r').lower() for cell in line.split(separator)]
            for known, required in ((_TAKEN_FOR, {"hardwareid"}), (_OWN, {"hardware_id", "serial"})):
                if len(cells) > 1 and required & set(cells):
                    return skip, separator, [known.get(cell) for cell in cells]
    return None
