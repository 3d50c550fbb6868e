"""The package's own CSV: a header of REGISTRATIONS column names, then one registration a line.

This is certtrust's format for those who export from elsewhere, not one of a device. Columns may
stand in any order and be absent, columns of other names are passed over; the separator is a
comma, semicolon or tab. A field may be quoted, but holds no line break: a line is a record, so
a torn line spoils no other. A file with all columns of REGISTRATIONS may be a table that was
written, and then is read as it was.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from ... import schema
from ...errors import SourceError
from ...formats import About, as_text, begin
from ...table_files import read_csv, to_arrow, written_csv
from .. import field_values, record_fields, to_frame
from ..field_values import TEXT, Columns, Notes, constant, join_parts, scatter, word
from ..line_format import Log, line_reader
from ..text.lines import Block
from ..text.spans import Delimiters, Mask, Spans, Words, as_mask, present

NAME = "csv"
_SEPARATORS = ",;\t"
_DISTINCTIVE = {"time", "state", "registration_name", "serial", "hardware_id"}


def _heading(line: str) -> tuple[str, list[str]]:
    """Return the separator and the column names of a first line."""
    separator = max(_SEPARATORS, key=line.count)
    try:
        names = next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        names = []
    return separator, [name.strip().lower() for name in names]


def sniff(head: bytes) -> bool:
    """Return True where the first line names columns of REGISTRATIONS."""
    names = set(_names(head)) & set(record_fields.FIELDS)
    return len(names) >= 2 and bool(names & _DISTINCTIVE)


def _names(head: bytes) -> list[str]:
    return _heading(as_text(head).partition("\n")[0].rstrip("\r"))[1]


def read(stream: BinaryIO, about: About) -> Iterator[Any]:
    """Yield the lines as tables of bounded size, or the table that was written."""
    head, stream = begin(stream)
    names = _names(head)
    if set(schema.REGISTRATIONS.names) <= set(names) and len(set(names)) == len(
        names
    ):
        data = stream.read()
        # Where that fails, reading line by line gives each bad line its reason.
        with suppress(SourceError):
            yield _whole_table(data, about.name)
            return
        stream = BytesIO(data)
    yield from _read_lines(stream, about)


def _whole_table(data: bytes, name: str) -> Any:
    frame = read_csv(data, schema.REGISTRATIONS)
    columns = {
        column.name: to_arrow(frame[column.name], column.name, column.dtype)
        for column in schema.REGISTRATIONS
    }
    if not written_csv(data, schema.REGISTRATIONS):
        columns = record_fields.from_table(list(columns.items()), 1, name)
    return to_frame.table(columns, len(frame))


def _parse(block: Block, log: Log) -> Columns:
    separator, names = _heading(log.header)
    notes = Notes(block.problems)
    indices = {
        str(index): index
        for index, name in enumerate(names)
        if name in record_fields.FIELDS
    }
    cells, reasons = _fields(block.lines, separator, len(names), indices)
    if log.header:
        notes.add(present(reasons), reasons)
    if not indices:
        problem = (
            "names no column that is known here" if log.header else "is not read"
        )
        notes.add(~present(notes.text), f"the header {problem}")
    fields = record_fields.without_twins(
        [(names[indices[key]], column) for key, column in cells.items()], notes
    )
    columns = record_fields.from_fields(fields, notes)
    problems = notes.text
    return columns | {
        "matched_by": field_values.word_where(~present(problems), "record"),
        "parse_error": problems,
    }


_read_lines = line_reader(_parse, header=True)


def _fields(
    lines: Any, separator: str, count: int, indices: dict[str, int]
) -> tuple[Columns, Any]:
    """Return the named fields of each of `count`, and what is wrong with a line."""
    spans = Spans.of(lines)
    words = Words(spans, Delimiters.of(spans.data, separator))
    plain = _plain(lines, spans, words.count() == count)
    fields = {
        name: words.at(index).where(plain).text() for name, index in indices.items()
    }
    if plain.all():
        return fields, constant(None, len(lines))
    rows = np.flatnonzero(~plain)
    rest = lines.take(pa.array(rows))
    parts: list[tuple[Any, Columns]] = [(None, fields)]
    quoted = _well_quoted(rest, separator, count)
    if quoted.any():
        at_once = _split_at_once(
            rest.filter(pa.array(quoted)), separator, count, indices
        )
        parts.append((rows[quoted], at_once))
        rows, rest = rows[~quoted], rest.filter(pa.array(~quoted))
    one_by_one, reasons = _split_one_by_one(rest, separator, count, indices)
    parts.append((rows, one_by_one))
    return join_parts(parts, len(lines)), scatter(reasons, rows, len(lines))


def _plain(lines: Any, spans: Spans, right_count: Mask) -> Mask:
    """Return True where a line of the right number of fields has no quotes or carriage returns."""
    plain = right_count & ~field_values.blank(lines)
    if any((spans.data == ord(character)).any() for character in '"\r'):
        plain &= ~as_mask(pc.match_substring_regex(lines, '["\r]'))
    return plain


def _well_quoted(lines: Any, separator: str, count: int) -> Mask:
    """Return True where a line is `count` fields, each without a quote or wholly in quotes."""
    field = rf'(?:"(?:[^"\r]|"")*"|[^"\r{separator}]*)'
    pattern = f"^{field}(?:{separator}{field}){{{count - 1}}}$"
    try:
        fits = as_mask(pc.match_substring_regex(lines, pattern))
    except pa.ArrowInvalid:
        # RE2 takes no pattern of very many fields.
        return np.zeros(len(lines), bool)
    return fits & ~field_values.blank(lines)


def _split_at_once(
    lines: Any, separator: str, count: int, indices: dict[str, int]
) -> Columns:
    """Split lines whose quotes are known to be in order."""
    whole = pa.LargeListArray.from_arrays(
        pa.array([0, len(lines)], pa.int64()), lines
    )
    text = pc.binary_join(whole, word("\n"))[0].as_buffer()
    names = [str(index) for index in range(count)]
    table = pa_csv.read_csv(
        pa.BufferReader(text),
        pa_csv.ReadOptions(
            use_threads=False, block_size=text.size + 1, column_names=names
        ),
        pa_csv.ParseOptions(delimiter=separator, ignore_empty_lines=False),
        pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, TEXT),
            include_columns=[str(index) for index in set(indices.values())],
            strings_can_be_null=False,
            check_utf8=False,
        ),
    )
    return {
        name: table.column(str(index)).combine_chunks()
        for name, index in indices.items()
    }


def _split_one_by_one(
    lines: Any, separator: str, count: int, indices: dict[str, int]
) -> tuple[Columns, Any]:
    """Split lines with quotes or a wrong number of fields; return what is wrong with each too."""
    rows: list[list[Any]] = []
    reasons: list[str | None] = []
    for line in lines.to_pylist():
        cells, reason = _cells(line, separator)
        if reason is None and len(cells) != count:
            reason = f"{len(cells)} fields where the header has {count}"
        rows.append([None] * count if reason else cells)
        reasons.append(reason)
    fields = {
        name: pa.array([row[index] for row in rows], TEXT)
        for name, index in indices.items()
    }
    return fields, pa.array(reasons, TEXT)


def _cells(line: str, separator: str) -> tuple[list[str], str | None]:
    if not line.strip():
        return [], "blank line"
    try:
        return next(csv.reader([line], delimiter=separator, strict=True)), None
    except csv.Error as error:
        return [], f"not CSV: {error}"
