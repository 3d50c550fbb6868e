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
    fields, reasons = _fields(block.lines, separator, names)
    if reasons is not None:
        notes.add(pc.is_valid(reasons), reasons)
    known = {name: fields[name] for name in records.FIELDS if name in fields}
    if not known:
        notes.add(pc.is_null(notes.text), "the header names no column that is known here")
    made = records.from_fields(known, notes)
    return made | {"matched_by": pc.if_else(pc.is_null(notes.text), word("record"), NOTHING), "parse_error": notes.text}


def _fields(lines: Any, separator: str, names: list[str]) -> tuple[Columns, Any]:
    """Return the fields of each line, and what is wrong with lines, None where all are right."""
    plain = _plain(lines, separator, len(names))
    if plain.all():
        return _split(lines, separator, names), None
    unclear, clear = np.flatnonzero(~plain), np.flatnonzero(plain)
    by_hand, reasons = _one_by_one(lines.take(pa.array(unclear)), separator, names)
    if reasons.null_count == 0 and len(clear):
        # Bad lines have no fields, so that an empty record in their place saves taking the block apart.
        place = np.full(len(lines), -1)
        place[unclear] = np.arange(len(unclear))
        others = pc.if_else(pa.array(plain), lines, word(separator * (len(names) - 1)))
        return _split(others, separator, names), reasons.take(pa.array(place, mask=plain))
    parts = [(unclear, {**by_hand, "": reasons})]
    if len(clear):
        parts.append((clear, {**_split(lines.take(pa.array(clear)), separator, names), "": constant(None, len(clear))}))
    fields = scattered(parts, len(lines))
    return fields, fields.pop("")


def _plain(lines: Any, separator: str, columns: int) -> Any:
    """Tell which lines have the right number of separators, and neither quotes nor carriage returns."""
    right = pc.equal(pc.count_substring(lines, separator), columns - 1)
    if columns == 1:
        right = pc.and_(right, pc.greater(pc.binary_length(lines), 0))
    letters = np.frombuffer(lines.buffers()[2] or b"\0", np.uint8)
    if ((letters == ord('"')) | (letters == ord("\r"))).any():
        right = pc.and_not(right, pc.match_substring_regex(lines, '["\r]'))
    return right.to_numpy(zero_copy_only=False)


def _split(lines: Any, separator: str, names: list[str]) -> Columns:
    """Split lines that all have the right number of separators and no quotes."""
    unique = [f"{place}" for place in range(len(names))]
    whole = pa.LargeListArray.from_arrays(pa.array([0, len(lines)], pa.int64()), lines)
    # The last line needs its end as well, since it may be empty.
    text = pc.binary_join_element_wise(pc.binary_join(whole, word("\n"))[0], word(""), word("\n"))
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
