"""JSON lines: events, alarms and log records of devices, the journal's export, and the package's own records.

Which of them a line is, its keys tell: `mt` (AddEvent, AddAlarm, AddLog), `MESSAGE` (journald), else the names of
REGISTRATIONS columns, which is certtrust's own format. Lines of all kinds may stand in one file.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

from . import events, journal, records
from .columns import NOTHING, TEXT, Columns, Notes, constant, scattered, word
from .formats import About, Reader
from .lines import Block

NAME = "json"
KEYS = tuple(dict.fromkeys((*events.KEYS, *journal.KEYS, *records.FIELDS)))

_PIECE = 2000
"""Lines that are parsed one by one where one of them is bad."""
_JAVASCRIPT = re.compile(r"^\s*\{\s*[A-Za-z_$][\w$]*\s*:")


def sniff(head: str) -> bool:
    """Tell whether the first line that is not blank begins an object."""
    return head.lstrip()[:1] == "{"


def reader(_: str, about: About) -> Reader:
    """Return the reader of all lines."""
    return Reader(skip=0, parse=lambda block: _parse(block, about))


def _parse(block: Block, about: About) -> Columns:
    notes = Notes(block.problems)
    fields, reasons = objects(block.lines)
    notes.add(pc.is_valid(reasons), reasons)
    kind = np.select(
        [_given(fields["mt"]), _given(fields["MESSAGE"]) | _given(fields["__REALTIME_TIMESTAMP"])], [0, 1], 2
    )
    parsers = (events.parse, journal.parse, _own)
    parts = []
    for number in np.unique(kind):
        rows = np.flatnonzero(kind == number)
        whole = len(rows) == len(block)
        part = fields if whole else {name: field.take(pa.array(rows)) for name, field in fields.items()}
        partial_notes = Notes(notes.text if whole else notes.text.take(pa.array(rows)))
        parts.append((rows, parsers[number](part, partial_notes, about) | {"parse_error": partial_notes.text}))
    return scattered(parts, len(block))


def _given(field: Any) -> Any:
    return pc.is_valid(field).to_numpy(zero_copy_only=False)


def _own(fields: Columns, notes: Notes, _: About) -> Columns:
    known = {name: fields[name] for name in records.FIELDS}
    empty = ~np.logical_or.reduce([_given(field) for field in known.values()])
    notes.add(pc.and_(pc.is_null(notes.text), pa.array(empty)), "an object without a key that is known here")
    made = records.from_fields(known, notes)
    return made | {"matched_by": pc.if_else(pa.array(empty), NOTHING, word("record"))}


def objects(lines: Any) -> tuple[Columns, Any]:
    """Return the known keys of every line as text columns, and why a line is no object."""
    whole = pc.match_substring_regex(lines, r"^\s*\{.*\}\s*$")
    if pc.all(whole).as_py():
        fields = _at_once(lines)
        if fields is not None:
            return fields, constant(None, len(lines))
    if len(lines) <= _PIECE:
        return _one_by_one(lines)
    step = max(_PIECE, -(-len(lines) // 16))
    pieces = [objects(lines.slice(start, step)) for start in range(0, len(lines), step)]
    fields = {key: pa.concat_arrays([piece[key] for piece, _ in pieces]) for key in KEYS}
    return fields, pa.concat_arrays([reasons for _, reasons in pieces])


def _at_once(lines: Any) -> Columns | None:
    """Parse lines that all begin and end like an object; None where one of them is no plain object.

    A line that begins with a brace and ends with one can neither be continued on the next line nor hold less
    than one object, so equal numbers mean one object a line.
    """
    kinds = _kinds(lines[0].as_py())
    if kinds is None:
        return None
    text = pc.binary_join(pa.LargeListArray.from_arrays(pa.array([0, len(lines)], pa.int64()), lines), word("\n"))[0]
    buffer = text.as_buffer()
    try:
        table = pa_json.read_json(
            pa.BufferReader(buffer),
            pa_json.ReadOptions(use_threads=False, block_size=buffer.size + 1),
            pa_json.ParseOptions(explicit_schema=pa.schema(kinds), unexpected_field_behavior="ignore"),
        )
    except pa.ArrowInvalid:
        return None
    if len(table) != len(lines):
        return None
    return {key: table.column(key).combine_chunks().cast(TEXT) for key in KEYS}


def _kinds(line: str) -> dict[str, Any] | None:
    """Return the Arrow type to expect of each key, from one line."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    types = {bool: pa.bool_(), int: pa.int64()}
    return {key: types.get(type(record.get(key)), pa.string()) for key in KEYS}


def _one_by_one(lines: Any) -> tuple[Columns, Any]:
    rows: list[dict[str, Any]] = []
    reasons: list[str | None] = []
    for line in lines.to_pylist():
        record, reason = _object(line)
        rows.append(record)
        reasons.append(reason)
    fields = {key: pa.array([_text(row.get(key)) for row in rows], TEXT) for key in KEYS}
    return fields, pa.array(reasons, TEXT)


def _object(line: str) -> tuple[dict[str, Any], str | None]:
    if not line.strip():
        return {}, "blank line"
    try:
        record = json.loads(line)
    except RecursionError:
        return {}, "not JSON that can be read: nested too deep"
    except ValueError as error:
        if _JAVASCRIPT.match(line):
            return {}, "not JSON: its keys are not quoted, as in a JavaScript object; quote them"
        return {}, f"not JSON: {getattr(error, 'msg', error)} at character {getattr(error, 'pos', 0) + 1}"
    if not isinstance(record, dict):
        return {}, f"not a JSON object but a {type(record).__name__}"
    return record, None


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode()
