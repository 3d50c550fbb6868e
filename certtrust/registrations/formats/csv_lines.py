"""Registrations as CSV: a header that names columns, then one registration a line.

The header may have the names of REGISTRATIONS, which is certtrust's own format, or what people
and collectors call them (`certtrust.column_names`); columns may stand in any order and be absent,
and columns of other names are passed over. Above it there may be a title, a comment, blank lines
or `sep=;`; the separator is a comma, semicolon, tab or bar. A column with the messages of a
collector is read as lines of a log, each with the time and the host of its row. A field may be
quoted, but holds no line break: a line is a record, so a torn line spoils no other. A file with
all columns of REGISTRATIONS that was written as a table is read as it was.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from ... import heading_rows, schema
from ...errors import SourceError
from ...formats import About, as_text, begin
from ...table_files import read_csv, to_arrow, written_csv
from .. import contents, field_values, messages, record_fields, to_frame
from ..field_values import TEXT, Columns, Notes, constant, join_parts, scatter, word
from ..line_format import Log, line_reader
from ..text.lines import Block
from ..text.spans import Delimiters, Mask, Spans, Words, as_mask, present

NAME = "csv"
_OF_ENVELOPE = {"time", "date", "host", "message", "module"}
_DEVICE = {"hardware_id", "registration_name"}
_TAG_END = r"(?:\[[0-9]+\])?:\s*$"
"""What rsyslog leaves behind the program in a tag."""
_TIME_ALONE = r"^\s*[0-9]{1,2}:[0-9]{2}"


def _find(head: str, own: Mapping[str, str]) -> tuple[int, str] | None:
    row = heading_rows.find(
        head, "registrations", own, heading_rows.names_registrations
    )
    return None if row is None else (row.number, row.line)


def sniff(head: bytes, own: Mapping[str, str] = MappingProxyType({})) -> bool:
    """Return True where one of the first lines is a header of registrations."""
    return _find(as_text(head), own) is not None


def read(stream: BinaryIO, about: About) -> Iterator[Any]:
    """Yield the lines as tables of bounded size, or the table that was written."""
    head, stream = begin(stream)
    head = head.removeprefix(codecs.BOM_UTF8)
    if is_table_of_ours(head):
        data = stream.read()
        # Where that fails, reading line by line gives each bad line its reason.
        with suppress(SourceError):
            yield _whole_table(data, about)
            return
        stream = BytesIO(data)
    yield from _read_lines(stream, about)


def is_table_of_ours(head: bytes) -> bool:
    """Return True where a file begins as one of ours, whose cells may have line ends in them."""
    return written_csv(head, schema.REGISTRATIONS) or _has_breaks_in_cells(head)


def _has_breaks_in_cells(head: bytes) -> bool:
    """Return True where a table of ours that another program wrote has line ends in cells."""
    first, *lines = head.split(b"\n")
    names = heading_rows.cells(as_text(first), ",")
    return set(schema.REGISTRATIONS.names) <= set(names) and any(
        line.count(b'"') % 2 for line in lines[:-1]
    )


def _whole_table(data: bytes, about: About) -> Any:
    frame = read_csv(data, schema.REGISTRATIONS)
    columns = {
        column.name: to_arrow(frame[column.name], column.name, column.dtype)
        for column in schema.REGISTRATIONS
    }
    if not written_csv(data, schema.REGISTRATIONS):
        columns = record_fields.from_table(list(columns.items()), 1, about.name)
    return to_frame.table(columns, len(frame))


def parse(block: Block, log: Log) -> Columns:
    """Return the columns of lines below a header."""
    separator, headings, meanings = heading_rows.split(
        log.header, "registrations", log.columns
    )
    names = list(meanings)
    if set(schema.REGISTRATIONS.names) <= set(headings):
        # A table of ours as another program wrote it: where its rows came from stays.
        own = set(record_fields.ORIGIN)
        pairs = zip(headings, names, strict=True)
        names = [heading if heading in own else name for heading, name in pairs]
    else:
        names = without_senders(names, headings, log.columns)
    notes = Notes(block.problems)
    indices = {
        str(index): index for index, name in enumerate(names) if name is not None
    }
    cells, reasons = _fields(block.lines, separator, len(headings), indices)
    problems = present(reasons)
    others: Columns = {}
    if problems.any():
        others, is_foreign = contents.with_foreign(
            block.lines, np.flatnonzero(problems), {}, notes, log, own=NAME
        )
        problems &= ~is_foreign
    if log.header:
        notes.add(problems, reasons)
    if not indices:
        problem = (
            "names no column that is known here" if log.header else "is not read"
        )
        notes.add(~present(notes.text), f"the header {problem}")
    fields = record_fields.without_twins(
        [(_name(names, indices[key]), column) for key, column in cells.items()], notes
    )
    columns = of_record(fields, notes, log)
    before = columns.pop("parse_error", None)
    problems_of_rows = notes.text
    by = field_values.word_where(~present(problems_of_rows), "record")
    columns.setdefault("matched_by", by)
    if others:
        columns = join_parts([(None, columns), (None, others)], len(block.lines))
    if before is not None:
        problems_of_rows = Notes(before, problems_of_rows).text
    return columns | {"parse_error": problems_of_rows}


def without_senders(
    meanings: Sequence[str | None], headings: Sequence[str], own: Mapping[str, str]
) -> list[str | None]:
    """Return what headings mean, without what a collector says of itself beside a message.

    Its status, user or address are not those of a registration, unless they stand beside the
    serial of a device, or a device and a state: then the table is one of registrations.
    """
    names = set(meanings)
    is_of_devices = "serial" in names or ("state" in names and names & _DEVICE)
    if "message" not in names or is_of_devices:
        return list(meanings)
    return [
        meaning
        if (meaning in _OF_ENVELOPE and heading != "raw")
        or meaning == heading
        or heading in own
        else None
        for meaning, heading in zip(meanings, headings, strict=True)
    ]


def _name(names: list[str | None], index: int) -> str:
    return names[index] or ""


def of_record(fields: Columns, notes: Notes, log: Log) -> Columns:
    """Return the columns of text fields by the meaning of their headings, messages read in them."""
    fields = dict(fields)
    origin = {key: fields.pop(key) for key in record_fields.ORIGIN if key in fields}
    message, host, date = (
        fields.pop(key, None) for key in ("message", "host", "date")
    )
    if date is not None:
        fields["time"] = _dated(date, fields.get("time"))
    if "module" in fields and message is not None:
        fields["module"] = pc.replace_substring_regex(fields["module"], _TAG_END, "")
    columns = record_fields.from_fields(fields, notes, log.clock, of_table=True)
    if host is not None:
        sender = record_fields.host(field_values.blank_to_null(host))
        columns = messages.merge(
            sender, columns | {"matched_by": constant(None, len(host))}
        )
        columns.pop("matched_by")
    if message is not None:
        text = Spans.of(field_values.blank_to_null(message))
        inside = contents.read(
            text, log.inside, notes, timed=timed(columns, len(message))
        )
        envelope = {name: columns[name] for name in columns if name not in _STATED}
        stated = {name: columns[name] for name in _STATED if name in columns}
        columns = messages.merge(envelope, inside)
        for name, column in stated.items():
            columns[name] = field_values.coalesce(column, columns.get(name))
    columns = record_fields.complete_from_address(columns, notes)
    return columns | record_fields.origin(origin, notes)


def timed(columns: Columns, count: int) -> Mask:
    """Return which rows have a time."""
    return present(columns["time"]) if "time" in columns else np.zeros(count, bool)


_STATED = ("state", "reason", "registration_name", "protocol", "authentication")
"""Columns of a row that count more than what its message says."""


def _dated(date: Any, time: Any) -> Any:
    """Return dates with the time of day of another column, where that has no date itself."""
    if time is None:
        return date
    alone = pc.fill_null(pc.match_substring_regex(time, _TIME_ALONE), False)
    joined = pc.binary_join_element_wise(date, time, word(" "))
    return pc.if_else(alone, joined, field_values.coalesce(time, date))


_read_lines = line_reader(parse, heading=_find)


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
    parted = re.escape(separator)
    field = rf'(?:"(?:[^"\r]|"")*"|[^"\r{parted}]*)'
    pattern = f"^{field}(?:{parted}{field}){{{count - 1}}}$"
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
