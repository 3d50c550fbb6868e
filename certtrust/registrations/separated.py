"""The package's own CSV: a header of REGISTRATIONS column names, then one registration a line.

This is certtrust's format for those who export from elsewhere, not one of a device. Columns may stand in any
order and be absent, columns of other names are passed over; the separator is a comma, semicolon or tab.
A field may be quoted, but holds no line break: a line is a record, so a torn line spoils no other.
"""

from __future__ import annotations

import csv
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from . import records
from .columns import NOTHING, TEXT, Columns, Notes, constant, scattered, word
from .formats import About, Reader
from .lines import Block

NAME = "csv"
_SEPARATORS = ",;\t"
_TELLING = {"time", "state", "registration_name", "serial", "hardware_id"}


def header(head: str) -> tuple[str, list[str]]:
    """Return the separator and the column names in the first line."""
    first = head.partition("\n")[0].rstrip("\r")
    separator = max(_SEPARATORS, key=first.count)
    try:
        names = next(csv.reader([first], delimiter=separator), [])
    except csv.Error:
        names = []
    return separator, [name.strip().lower() for name in names]


def sniff(head: str) -> bool:
    """Tell whether the first line names columns of REGISTRATIONS."""
    known = set(header(head)[1]) & set(records.FIELDS)
    return len(known) >= 2 and bool(known & _TELLING)


def reader(head: str, _: About) -> Reader:
    """Return the reader of the lines below this header."""
    separator, names = header(head)
    return Reader(skip=1, parse=partial(_parse, separator=separator, names=names))


def _parse(block: Block, *, separator: str, names: list[str]) -> Columns:
    notes = Notes(block.problems)
    count = len(block.lines)
    separators = pc.count_substring(block.lines, separator)
    quoted = pc.match_substring_regex(block.lines, '"')
    filled = pc.greater(pc.binary_length(block.lines), 0)
    plain = pc.and_(filled, pc.and_not(pc.equal(separators, len(names) - 1), quoted)).to_numpy(zero_copy_only=False)
    if plain.all():
        fields = _split(block.lines, separator, names)
    else:
        unclear = np.flatnonzero(~plain)
        clear = np.flatnonzero(plain)
        by_hand, reasons = _one_by_one(block.lines.take(unclear), separator, names)
        parts = [(unclear, {**by_hand, "": reasons})]
        if len(clear):
            parts.append((clear, {**_split(block.lines.take(clear), separator, names), "": constant(None, len(clear))}))
        fields = scattered(parts, count)
        reasons = fields.pop("")
        notes.add(pc.is_valid(reasons), reasons)
    known = {name: fields[name] for name in records.FIELDS if name in fields}
    if not known:
        notes.add(pc.is_null(notes.text), "the header names no column that is known here")
    made = records.from_fields(known, notes)
    return made | {"matched_by": pc.if_else(pc.is_null(notes.text), word("record"), NOTHING), "parse_error": notes.text}


def _split(lines: Any, separator: str, names: list[str]) -> Columns:
    """Split lines that all have the right number of separators and no quotes."""
    unique = [f"{place}" for place in range(len(names))]
    text = pc.binary_join(pa.LargeListArray.from_arrays(pa.array([0, len(lines)], pa.int64()), lines), word("\n"))[0]
    buffer = text.as_buffer()
    table = pa_csv.read_csv(
        pa.BufferReader(buffer),
        pa_csv.ReadOptions(column_names=unique, use_threads=False, block_size=buffer.size + 1),
        pa_csv.ParseOptions(delimiter=separator, quote_char=False, ignore_empty_lines=False),
        pa_csv.ConvertOptions(
            column_types=dict.fromkeys(unique, TEXT), strings_can_be_null=True, null_values=[""], check_utf8=False
        ),
    )
    return {name: table.column(place).combine_chunks() for place, name in enumerate(names)}


def _one_by_one(lines: Any, separator: str, names: list[str]) -> tuple[Columns, Any]:
    """Split lines with quotes or a wrong number of separators, and say what is wrong with each."""
    rows: list[list[str]] = []
    reasons: list[str | None] = []
    missing = [""] * len(names)
    for line in lines.to_pylist():
        cells, reason = _cells(line, separator)
        if reason is None and len(cells) != len(names):
            reason = f"{len(cells)} fields where the header has {len(names)}"
        rows.append(missing if reason else cells)
        reasons.append(reason)
    fields = {name: pa.array([row[place] for row in rows], TEXT) for place, name in enumerate(names)}
    return fields, pa.array(reasons, TEXT)


def _cells(line: str, separator: str) -> tuple[list[str], str | None]:
    if not line.strip():
        return [], "blank line"
    try:
        return next(csv.reader([line], delimiter=separator, strict=True)), None
    except csv.Error as error:
        return [], f"not CSV: {error}"
