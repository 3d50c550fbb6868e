"""Devices in an Excel workbook: each sheet with a header that means columns, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from ...formats import About
from ...heading_rows import names_devices
from ...spreadsheets import is_workbook, sheets
from .entries import Entry, failed, own_entry, without_twins

NAME = "excel"


def sniff(head: bytes) -> bool:
    """Return True where the file begins as a workbook does."""
    return is_workbook(head)


def read(stream: BinaryIO, about: About) -> Iterator[Entry]:
    """Yield an entry for each row that names a device, and why a sheet has none."""
    own = about.options.get("columns") or {}
    for sheet in sheets(stream.read(), "devices", own, names_devices):
        if sheet.error is not None:
            yield failed(sheet.error)
            continue
        for row in sheet.rows:
            pairs = zip(sheet.columns, row, strict=False)
            entry = without_twins((name, cell) for name, cell in pairs if name)
            if entry.get("hardware_id") or entry.get("serial"):
                yield own_entry(entry)
