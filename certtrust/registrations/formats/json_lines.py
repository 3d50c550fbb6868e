"""JSON lines: events, alarms and log records of devices, the journal's export, and the
package's own records.

Which of them a line is, its keys tell: `mt` (AddEvent, AddAlarm, AddLog), `MESSAGE` (journald),
else the names of REGISTRATIONS columns, which is certtrust's own format. Lines of all kinds may
stand in one file.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

from ...formats import as_text
from .. import field_values as typed
from .. import record_fields
from ..field_values import TEXT, Columns, Notes, constant, scattered, spread, word
from ..line_format import Log, line_reader
from ..text.lines import Block
from ..text.spans import present
from . import events, journal

NAME = "json"
_TELLING = ("mt", "MESSAGE", "__REALTIME_TIMESTAMP")
_KEYS_OF_KIND = tuple(
    tuple(dict.fromkeys((*_TELLING, *keys)))
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
    lines = block.lines
    # In a list of objects that stand a line each, the list's own marks stand before and behind
    # the object.
    if pc.any(pc.or_(pc.ends_with(lines, "},"), pc.ends_with(lines, "}]"))).as_py():
        lines = pc.replace_substring_regex(lines, r"\}[,\]]$", "}")
    if pc.any(pc.starts_with(lines, "[{")).as_py():
        lines = pc.replace_substring_regex(lines, r"^\[\{", "{")
    fields, reasons = objects(lines)
    notes.add(present(reasons), reasons)
    kinds = _kinds(fields)
    # What is no record belongs to any kind; the most frequent one saves taking the block apart.
    kinds[present(reasons)] = np.bincount(
        kinds[~present(reasons)], minlength=1
    ).argmax()
    parsers = (events.parse, journal.parse, _own)
    parts = []
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        whole = len(rows) == len(block.lines)
        part = (
            fields
            if whole
            else {name: field.take(pa.array(rows)) for name, field in fields.items()}
        )
        partial_notes = Notes(notes.text if whole else notes.text.take(pa.array(rows)))
        parts.append(
            (
                rows,
                parsers[kind](part, partial_notes, log)
                | {"parse_error": partial_notes.text},
            )
        )
    return scattered(parts, len(block.lines))


def _kinds(fields: Columns) -> Any:
    """Return the number of the kind of each record, by its place in `_KEYS_OF_KIND`."""
    is_journal = present(fields["MESSAGE"]) | present(fields["__REALTIME_TIMESTAMP"])
    return np.select([present(fields["mt"]), is_journal], [0, 1], 2)


def _own(fields: Columns, notes: Notes, _: Log) -> Columns:
    known = {name: fields[name] for name in record_fields.FIELDS}
    empty = ~np.logical_or.reduce([present(field) for field in known.values()])
    notes.add(
        empty & ~present(notes.text), "an object without a key that is known here"
    )
    made = record_fields.from_fields(known, notes)
    return made | {"matched_by": typed.marked(~empty, "record")}


def objects(lines: Any) -> tuple[Columns, Any]:
    """Return the known keys of every line as text columns, and why a line is no object."""
    whole = _looks_whole(lines)
    found = _at_once(lines, whole) if whole.any() else None
    if found is not None and whole.all():
        return found, constant(None, len(lines))
    if found is not None:
        bad = np.flatnonzero(~whole)
        return found, spread(_one_by_one(lines.take(pa.array(bad)))[1], bad, len(lines))
    if len(lines) <= _PIECE:
        return _one_by_one(lines)
    step = max(_PIECE, -(-len(lines) // 16))
    pieces = [objects(lines.slice(start, step)) for start in range(0, len(lines), step)]
    fields = {
        key: pa.concat_arrays([piece[key] for piece, _ in pieces]) for key in KEYS
    }
    return fields, pa.concat_arrays([reasons for _, reasons in pieces])


def _looks_whole(lines: Any) -> Any:
    """Return True where a line begins and ends with a brace."""
    looks = pc.and_(pc.starts_with(lines, "{"), pc.ends_with(lines, "}"))
    if not pc.all(looks).as_py():
        trimmed = pc.utf8_trim_whitespace(lines)
        looks = pc.and_(pc.starts_with(trimmed, "{"), pc.ends_with(trimmed, "}"))
    return looks.to_numpy(zero_copy_only=False)


def _at_once(lines: Any, whole: Any) -> Columns | None:
    """Parse lines, those that look whole, at once; None where one of them is no plain object
    after all.

    A line that begins with a brace and ends with one can neither be continued on the next line
    nor hold less than one object, so equal numbers mean one object a line. A line of another
    look can be no object.
    """
    record, _ = _object(lines[int(whole.argmax())].as_py())
    lines = lines if whole.all() else pc.if_else(pa.array(whole), lines, word("{}"))
    text = pc.binary_join(
        pa.LargeListArray.from_arrays(pa.array([0, len(lines)], pa.int64()), lines),
        word("\n"),
    )[0]
    # Every key that is looked for costs time in every line, so at first only those of the first
    # line's kind are.
    kind = (
        0
        if record.get("mt") is not None
        else 1
        if record.get("MESSAGE") is not None
        else 2
    )
    for keys in (_KEYS_OF_KIND[kind], KEYS):
        fields = _columns(text.as_buffer(), len(lines), record, keys)
        if fields is None or keys is KEYS or (_kinds(fields)[whole] == kind).all():
            return fields
    return None


def _columns(
    text: Any, count: int, record: dict[str, Any], keys: tuple[str, ...]
) -> Columns | None:
    """Return the values of some keys in so many objects; the types are expected as in one
    record.
    """
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


def _one_by_one(lines: Any) -> tuple[Columns, Any]:
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
        return {}, "not JSON that can be read: nested too deep"
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
    return record, None


def _text(value: Any) -> str | None:
    # The journal writes a message that is no text as a list of its bytes.
    if isinstance(value, list) and all(
        type(each) is int and 0 <= each < 256 for each in value
    ):
        value = bytes(value).decode("utf-8", "replace") or None
    if (
        isinstance(value, list)
        and value
        and all(isinstance(each, str) for each in value)
    ):
        # And a field that a program gave several times as a list of its texts.
        value = " ".join(value)
    if value is None or value == {}:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode()


read = line_reader(_parse)
