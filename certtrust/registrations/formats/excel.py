"""Registrations in an Excel workbook: each sheet with a header that means columns, row by row.

A row is read as its line of CSV would be, with the number that it has in the sheet.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from ...formats import About
from ...heading_rows import names_registrations
from ...spreadsheets import is_workbook, sheets
from .. import to_frame
from ..field_values import TEXT, constant
from ..line_format import ABOVE, Log, log_of, read_blocks
from ..text import lines, private_keys
from . import csv_lines

NAME = "excel"
_BLOCK = 20_000
"""Rows that are read at a time."""
_BREAK = re.compile(r"[\r\n]+")


def sniff(head: bytes) -> bool:
    """Return True where the file begins as a workbook does."""
    return is_workbook(head)


def read(stream: BinaryIO, about: About) -> Iterator[Any]:
    """Yield the rows of all sheets as tables of bounded size."""
    log = log_of(b"", about)
    for sheet in sheets(
        stream.read(), "registrations", log.columns, names_registrations
    ):
        if sheet.error is not None:
            yield _noted([sheet.headings], [1], sheet.error, log)
            continue
        above = [row for row in sheet.above if any(row)]
        if above:
            numbers = [n for n, row in enumerate(sheet.above, start=1) if any(row)]
            yield _noted(above, numbers, ABOVE, log)
        of_sheet = log._replace(header=_line(sheet.headings))
        blocks = _blocks(sheet.rows, sheet.first)
        yield from read_blocks(csv_lines.parse, blocks, of_sheet, about)


def _blocks(rows: list[list[str]], first: int) -> Iterator[Any]:
    filled = [(number, row) for number, row in enumerate(rows, first) if any(row)]
    for start in range(0, len(filled), _BLOCK):
        part = filled[start : start + _BLOCK]
        text = "\n".join(_line(row) for _, row in part).encode("utf-8", "replace")
        yield partial(_block, text, np.array([number for number, _ in part]))


def _block(text: bytes, numbers: Any) -> lines.Block:
    (hidden,) = private_keys.hidden(iter([lines.Chunk(text, None)]))
    block = lines.block(hidden)
    return lines.Block(block.lines, block.problems, numbers - 1, 0)


def _line(row: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(
        _BREAK.sub(" ", cell) for cell in row
    )
    return text.getvalue()


def _noted(rows: list[list[str]], numbers: list[int], note: str, log: Log) -> Any:
    raw = [private_keys.without_keys(_line(row)) for row in rows]
    columns = {
        "source": constant(log.name, len(rows)),
        "line": pa.array(numbers, pa.int64()),
        "raw": pa.array(raw, TEXT),
        "parse_error": constant(note, len(rows)),
    }
    return to_frame.table(columns, len(rows))
