"""JSON lines: events, alarms and log records of devices, the journal's export, and the
package's own records.

The keys of a line say which of them it is: `mt` (AddEvent, AddAlarm, AddLog), `MESSAGE`
(journald), else the names of REGISTRATIONS columns, which is certtrust's own format. One file may
hold lines of all kinds.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

from ...formats import as_text, is_too_deep, too_deep
from .. import field_values, record_fields
from ..field_values import TEXT, Columns, Notes, constant, join_parts, scatter, word
from ..line_format import Log, line_reader
from ..text.lines import Block
from ..text.spans import Mask, as_mask, present
from . import events, journal

NAME = "json"
_DISTINCTIVE = ("mt", "MESSAGE", "__REALTIME_TIMESTAMP")
_KEYS_OF_KIND = tuple(
    tuple(dict.fromkeys((*_DISTINCTIVE, *keys)))
    for keys in (events.KEYS, journal.KEYS, record_fields.FIELDS)
)
KEYS = tuple(dict.fromkeys(key for keys in _KEYS_OF_KIND for key in keys))

_PIECE = 128
"""Lines that are parsed one by one where one of them is bad."""
_JAVASCRIPT = re.compile(r"^\s*\{\s*[A-Za-z_$][\w$]*\s*:")


def sniff(head: bytes) -> bool:
    """Return True where the first line that is not blank begins an object, or a list of them."""
    return as_text(head).lstrip().startswith(("{", "["))


def _parse(block: Block, log: Log) -> Columns:
    notes = Notes(block.problems)
    fields, reasons = objects(_without_list_marks(block.lines))
    notes.add(present(reasons), reasons)
    kinds = _kinds(fields)
    # What is no record belongs to any kind; the commonest one saves splitting the block.
    records = kinds[~present(reasons)]
    kinds[present(reasons)] = np.bincount(records, minlength=1).argmax()
    parsers = (events.parse, journal.parse, _own)
    parts = []
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        part, problems = fields, notes.text
        if len(rows) < len(block.lines):
            indices = pa.array(rows)
            part = {name: field.take(indices) for name, field in fields.items()}
            problems = problems.take(indices)
        part_notes = Notes(problems)
        columns = parsers[kind](part, part_notes, log)
        parts.append((rows, columns | {"parse_error": part_notes.text}))
    return join_parts(parts, len(block.lines))


def _without_list_marks(lines: Any) -> Any:
    """Return lines without what a list of objects, one a line, has before and behind them."""
    if pc.any(pc.or_(pc.ends_with(lines, "},"), pc.ends_with(lines, "}]"))).as_py():
        lines = pc.replace_substring_regex(lines, r"\}[,\]]$", "}")
    if pc.any(pc.starts_with(lines, "[{")).as_py():
        lines = pc.replace_substring_regex(lines, r"^\[\{", "{")
    return lines


def _kinds(fields: Columns) -> Any:
    """Return the index in `_KEYS_OF_KIND` of the kind of each record."""
    is_journal = present(fields["MESSAGE"]) | present(fields["__REALTIME_TIMESTAMP"])
    return np.select([present(fields["mt"]), is_journal], [0, 1], 2)


def _own(fields: Columns, notes: Notes, _: Log) -> Columns:
    fields = {name: fields[name] for name in record_fields.FIELDS}
    empty = ~np.logical_or.reduce([present(field) for field in fields.values()])
    notes.add(
        empty & ~present(notes.text), "an object without a key that is known here"
    )
    columns = record_fields.from_fields(fields, notes)
    return columns | {"matched_by": field_values.word_where(~empty, "record")}


def objects(lines: Any) -> tuple[Columns, Any]:
    """Return the values of KEYS in every line as text columns, and why a line is no object."""
    braced = _in_braces(lines)
    fields = _parse_at_once(lines, braced) if braced.any() else None
    if fields is not None:
        bad = np.flatnonzero(~braced)
        if not len(bad):
            return fields, constant(None, len(lines))
        _, reasons = _parse_one_by_one(lines.take(pa.array(bad)))
        return fields, scatter(reasons, bad, len(lines))
    if len(lines) <= _PIECE:
        return _parse_one_by_one(lines)
    step = max(_PIECE, -(-len(lines) // 16))
    pieces = [
        objects(lines.slice(start, step)) for start in range(0, len(lines), step)
    ]
    fields = {
        key: pa.concat_arrays([piece[key] for piece, _ in pieces]) for key in KEYS
    }
    return fields, pa.concat_arrays([reasons for _, reasons in pieces])


def _in_braces(lines: Any) -> Mask:
    """Return True where a line begins and ends with a brace."""

    def braces(text: Any) -> Mask:
        return as_mask(pc.and_(pc.starts_with(text, "{"), pc.ends_with(text, "}")))

    braced = braces(lines)
    return braced if braced.all() else braces(pc.utf8_trim_whitespace(lines))


def _parse_at_once(lines: Any, braced: Mask) -> Columns | None:
    """Parse the lines in braces at once; None where one of them is no plain object after all.

    A line that begins with a brace and ends with one can neither be continued on the next line
    nor hold less than one object, so equal numbers mean one object a line. Any other line can be
    no object.
    """
    record, _ = _object(lines[int(braced.argmax())].as_py())
    lines = lines if braced.all() else pc.if_else(pa.array(braced), lines, word("{}"))
    whole = pa.LargeListArray.from_arrays(
        pa.array([0, len(lines)], pa.int64()), lines
    )
    text = pc.binary_join(whole, word("\n"))[0].as_buffer()
    # Every key that is looked for costs time in every line, so the first try is with those of
    # the first line's kind.
    kind = 2
    if record.get("mt") is not None:
        kind = 0
    elif record.get("MESSAGE") is not None:
        kind = 1
    for keys in (_KEYS_OF_KIND[kind], KEYS):
        fields = _columns(text, len(lines), record, keys)
        if fields is None or keys is KEYS or (_kinds(fields)[braced] == kind).all():
            return fields
    return None


def _columns(
    text: Any, count: int, record: dict[str, Any], keys: tuple[str, ...]
) -> Columns | None:
    """Return the values of some keys in `count` objects; the types are those of one record."""
    types = {bool: pa.bool_(), int: pa.int64()}
    expected = pa.schema(
        [(key, types.get(type(record.get(key)), pa.string())) for key in keys]
    )
    try:
        table = pa_json.read_json(
            pa.BufferReader(text),
            pa_json.ReadOptions(use_threads=False, block_size=text.size + 1),
            pa_json.ParseOptions(
                explicit_schema=expected, unexpected_field_behavior="ignore"
            ),
        )
    except pa.ArrowInvalid:
        return None
    if len(table) != count:
        return None
    nothing = constant(None, count)
    return {
        key: table.column(key).combine_chunks().cast(TEXT) if key in keys else nothing
        for key in KEYS
    }


def _parse_one_by_one(lines: Any) -> tuple[Columns, Any]:
    rows: list[dict[str, Any]] = []
    reasons: list[str | None] = []
    for line in lines.to_pylist():
        record, reason = _object(line)
        rows.append(record)
        reasons.append(reason)
    fields = {
        key: pa.array([_text(row.get(key)) for row in rows], TEXT) for key in KEYS
    }
    return fields, pa.array(reasons, TEXT)


def _object(line: str) -> tuple[dict[str, Any], str | None]:
    if not line.strip():
        return {}, "blank line"
    try:
        record = json.loads(line)
    except RecursionError:
        return {}, f"not JSON that can be read: {too_deep()}"
    except ValueError as error:
        if _JAVASCRIPT.match(line):
            return (
                {},
                "not JSON: its keys are not quoted, as in a JavaScript object; quote them",
            )
        return (
            {},
            f"not JSON: {getattr(error, 'msg', error)} at character {getattr(error, 'pos', 0) + 1}",
        )
    if not isinstance(record, dict):
        return {}, f"not a JSON object but a {type(record).__name__}"
    if is_too_deep(record):
        return {}, f"not JSON that can be read: {too_deep()}"
    return record, None


def _text(value: Any) -> str | None:
    if isinstance(value, list):
        value = _text_of_list(value)
    if value is None or value == {}:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode()


def _text_of_list(value: list[Any]) -> Any:
    """Return a list of the journal as text, and any other list as it is.

    The journal writes a message that is no text as a list of its bytes, and a field that a program
    gave several times as a list of its texts.
    """
    if all(type(item) is int and 0 <= item < 256 for item in value):
        return bytes(value).decode("utf-8", "replace") or None
    if all(isinstance(item, str) for item in value):
        return " ".join(value)
    return value


read = line_reader(_parse)
