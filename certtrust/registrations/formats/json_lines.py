"""JSON: events, alarms and log records of devices, the journal's export, collectors' records
around a message, and the package's own records.

The keys of a record say which of them it is: `mt` (AddEvent, AddAlarm, AddLog), those of
journald, else what `certtrust.column_names` knows: names of REGISTRATIONS, which is certtrust's
own format, or a message with its time and host, as GELF, Elastic, rsyslog, fluentd, Docker, Loki
and others write it. One file may hold records of all kinds. They stand one a line, or in lists,
over several lines or several in one: then the whole file is read at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

from ... import column_names
from ...formats import DECISIVE, HEAD, About, as_text, begin, is_too_deep, too_deep
from ...json_values import (
    Ambiguous,
    all_values,
    dumps,
    loads,
    note_on_twins,
    share,
    twins,
    values,
)
from .. import contents, field_values, record_fields
from ..field_values import (
    NULL,
    TEXT,
    Columns,
    Notes,
    constant,
    join_parts,
    scatter,
    word,
)
from ..line_format import Log, line_reader, log_of, read_blocks
from ..text import lines, private_keys
from ..text.lines import Block, Chunk
from ..text.spans import Mask, Spans, as_mask, present
from . import csv_lines, events, journal

NAME = "json"
_OF_JOURNAL = ("__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP", "_HOSTNAME")
_DISTINCTIVE = ("mt", "MESSAGE", *_OF_JOURNAL)
_KEYS_OF_KIND = tuple(
    tuple(dict.fromkeys((*_DISTINCTIVE, *keys)))
    for keys in (events.KEYS, journal.KEYS, record_fields.FIELDS)
)
KEYS = tuple(dict.fromkeys(key for keys in _KEYS_OF_KIND for key in keys))

_PIECE = 128
"""Lines that are parsed one by one where one of them is bad."""
_SAMPLE = 50
_JAVASCRIPT = re.compile(r"^\s*\{\s*[A-Za-z_$][\w$]*\s*:")
_MOST = 0.5
"""What part of a file's beginning has to be JSON for the file to be."""
_LISTS = (
    "streams", "hits", "events", "logEvents", "messages", "records", "entries", "results",
    "result", "rows", "data", "value", "items", "logs",
)  # fmt: skip
"""Keys of lists of records, in answers of collectors."""
_WRAPPERS = (
    "_source",
    "result",
    "message",
    "log",
    "fields",
    "resource",
    "labels",
    "stream",
    "content",
    "attributes",
)
"""Keys of the object in which a collector keeps the record itself."""
_EVENTS = ("event", "payload", "data")
"""Keys of an object that is the record itself where it names a device, else the collector's."""
_DEEPEST = 5
_OF_SENDER = {"time", "date", "host", "module", "severity"}
"""Columns that say nothing of a registration by themselves."""
_DOCUMENT_BLOCK = 20_000
"""Records of a document that are read at a time."""
_COLON, _QUOTE, _BLANK, _BRACE = b':" {'


def sniff(head: bytes) -> bool:
    """Return True where most of a file's beginning is JSON, or would be with quoted keys."""
    text = as_text(head).lstrip("\ufeff").lstrip()
    if not text.startswith(("{", "[")):
        return False
    if share(text, is_whole=len(head) < HEAD) >= _MOST:
        return True
    lines = [line for line in text.split("\n")[:_SAMPLE] if line.strip()]
    braced = [line for line in lines if line.lstrip().startswith("{")]
    return 2 * len(braced) >= len(lines) and (
        _JAVASCRIPT.match(braced[0]) is not None or _looks_torn(lines)
    )


def _looks_torn(lines: list[str]) -> bool:
    """Return True where lines begin as objects with quoted keys, whatever follows."""
    return all(re.match(r'\s*\{\s*("|$|\})', line) for line in lines)


def read(stream: BinaryIO, about: About) -> Iterator[Any]:
    """Yield the records as tables of bounded size, in order."""
    head, stream = begin(stream)
    if is_lines(as_text(head), is_whole=len(head) < HEAD):
        yield from _read_lines(stream, about)
        return
    text = b"".join(lines.as_utf8(stream)).decode("utf-8", "replace")
    log = log_of(head, about)
    yield from read_blocks(_parse, _document_blocks(text), log, about)


def is_lines(head: str, *, is_whole: bool) -> bool:
    """Return True where most lines of a file's beginning are one record each."""
    if "{" not in head:
        return True
    first = head.lstrip("\ufeff").lstrip().split("\n")[: _SAMPLE + 1]
    if len(first) > 1 and (not is_whole or len(first) > _SAMPLE):
        first.pop()
    stripped = [_in_list(line.strip()) for line in first]
    candidates = [line for line in stripped if line.strip("[], ")]
    records = [_record_or_none(line) for line in candidates]
    whole = [record for record in records if record is not None]
    if 2 * len(whole) >= len(candidates):
        return all(_records(record) == [record] for record in whole)
    # Lines that are torn, or no JSON at all, have a row each; a document is more than its lines.
    by_line = sum(
        len(line)
        for line, record in zip(candidates, records, strict=True)
        if record is not None
    )
    return share(head, is_whole=is_whole) - by_line / max(1, len(head)) < _MOST


def _in_list(line: str) -> str:
    return (
        line.removeprefix("[").rstrip("],")
        if line.startswith("[{")
        else (
            line.removesuffix(",")
            if line.endswith("},")
            else line.removesuffix("]")
            if line.endswith("}]")
            else line
        )
    )


def _record_or_none(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    record, reason = _object(line)
    return None if reason else record


def _document_blocks(text: str) -> Iterator[Callable[[], Block]]:
    """Yield blocks of the records of a whole file, each of which becomes a line."""
    numbers: list[int] = []
    texts: list[str] = []
    of_file = text.split("\n")

    def chunk() -> Chunk:
        return Chunk("\n".join(texts).encode("utf-8", "replace"), None)

    for value, error, line in values(text, open_lists=True):
        if error is not None:
            records = [of_file[line - 1].rstrip("\r")]
        else:
            records = list(map(dumps, _records(value)))
        texts += records
        numbers += [line] * len(records)
        if len(texts) >= _DOCUMENT_BLOCK:
            yield partial(_numbered, chunk(), np.array(numbers))
            numbers, texts = [], []
    if texts:
        yield partial(_numbered, chunk(), np.array(numbers))


def _numbered(chunk: Chunk, numbers: Any) -> Block:
    (hidden,) = private_keys.hidden(iter([chunk]))
    block = lines.block(hidden)
    return Block(block.lines, block.problems, numbers - 1, 0)


def _records(value: Any, depth: int = 0) -> list[Any]:
    """Return the records in a value: itself, or those of the lists in an answer of a collector."""
    if isinstance(value, list):
        return [record for item in value for record in _records(item, depth + 1)]
    if not isinstance(value, dict) or depth > _DEEPEST or "mt" in value:
        return [value]
    if isinstance(value.get("stream"), dict) and isinstance(
        value.get("values"), list
    ):
        others = getattr(value["stream"], "others", [])
        return [
            Ambiguous(
                {**value["stream"], "time": str(item[0]), "message": item[1]}, others
            )
            for item in value["values"]
            if isinstance(item, list) and len(item) >= 2
        ]
    if any(
        isinstance(value.get(key), str)
        for key in ("message", "msg", "log", "MESSAGE")
    ):
        return [value]
    for key in _LISTS:
        lists = list(filter(_holds_records, all_values(value, key)))
        if lists:
            return [record for one in lists for record in _records(one, depth + 1)]
    return [value]


def _holds_records(inside: Any) -> bool:
    """Return True for a list of objects, and for an object with a list of them."""
    if isinstance(inside, dict):
        return any(name in inside for name in _LISTS)
    return isinstance(inside, list) and any(isinstance(item, dict) for item in inside)


def _parse(block: Block, log: Log) -> Columns:
    notes = Notes(block.problems)
    return columns(block.lines, notes, log) | {"parse_error": notes.text}


def columns(lines: Any, notes: Notes, log: Log) -> Columns:
    """Return the columns of records, one a line; what could not be read is noted."""
    stripped = _without_list_marks(lines)
    fields, reasons, ambiguities = objects(stripped, log.columns)
    notes.add(present(ambiguities), ambiguities)
    bad = np.flatnonzero(present(reasons))
    others, is_foreign = contents.with_foreign(lines, bad, {}, notes, log, own=NAME)
    if is_foreign.any():
        reasons = pc.if_else(pa.array(is_foreign), NULL, reasons)
    notes.add(present(reasons), reasons)
    kinds = _kinds(fields)
    # What is no record belongs to any kind; the commonest one saves splitting the block.
    unread = present(reasons) | is_foreign
    kinds[unread] = np.bincount(kinds[~unread], minlength=1).argmax()
    parsers = (events.parse, journal.parse, _own)
    parts: list[tuple[Any, Columns]] = []
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        part = fields
        if len(rows) < len(lines):
            indices = pa.array(rows)
            part = {name: field.take(indices) for name, field in fields.items()}
        part_notes = Notes(pa.nulls(len(rows), TEXT))
        parts.append((rows, parsers[kind](part, part_notes, log)))
        # Where there is a reason already, it is the only one.
        texts = pc.if_else(pa.array(unread[rows]), NULL, part_notes.text)
        notes.add_text(rows, texts)
    if others:
        parts.append((None, others))
    return join_parts(parts, len(lines))


def _without_list_marks(lines: Any) -> Any:
    """Return lines without what a list of objects, one a line, has before and behind them."""
    if pc.any(pc.or_(pc.ends_with(lines, "},"), pc.ends_with(lines, "}]"))).as_py():
        lines = pc.replace_substring_regex(lines, r"\}[,\]]$", "}")
    if pc.any(pc.starts_with(lines, "[{")).as_py():
        lines = pc.replace_substring_regex(lines, r"^\[\{", "{")
    return lines


def _kinds(fields: Columns) -> Any:
    """Return the index in `_KEYS_OF_KIND` of the kind of each record."""
    is_journal = np.logical_or.reduce([present(fields[key]) for key in _OF_JOURNAL])
    is_journal |= present(fields["MESSAGE"]) & ~_has_own_keys(fields)
    return np.select([present(fields["mt"]), is_journal], [0, 1], 2)


def _has_own_keys(fields: Columns) -> Mask:
    """Return which records name a host or a time as no journal does."""
    has_any = np.zeros(len(fields["mt"]), bool)
    for key in ("HOST", "DATE", "ISODATE", "PROGRAM"):
        if key in fields:
            has_any |= present(fields[key])
    return has_any


def _own(fields: Columns, notes: Notes, log: Log) -> Columns:
    """Return the columns of records by what their keys mean."""
    names = [name for name, field in fields.items() if field.null_count < len(field)]
    meanings = column_names.understood(names, "registrations", log.columns)
    meanings = csv_lines.without_senders(meanings, names, log.columns)
    pairs = [
        (name, column) for name, column in zip(names, meanings, strict=True) if column
    ]
    cells = record_fields.without_twins(
        ((column, fields[name]) for name, column in pairs), notes
    )
    count = len(fields["mt"])
    empty = ~np.logical_or.reduce(
        [np.zeros(count, bool), *(present(field) for field in cells.values())]
    )
    notes.add(empty, "an object without a key that is known here")
    says = [present(field) for key, field in cells.items() if key not in _OF_SENDER]
    silent = ~np.logical_or.reduce([empty, *says])
    notes.add(silent, "an object that has nothing but time and sender known here")
    columns = csv_lines.of_record(cells, notes, log)
    by = field_values.word_where(~empty, "record")
    if "message" in cells:
        by = columns.get("matched_by", by)
    return columns | {"matched_by": by}


class Objects(NamedTuple):
    """The values of keys in each line as text columns, why a line is no object, and which keys
    have different values in it.
    """

    fields: Columns
    reasons: Any
    ambiguities: Any


def objects(lines: Any, own: Mapping[str, str] = MappingProxyType({})) -> Objects:
    """Return what stands in the objects of lines, one a line."""
    braced = _in_braces(lines)
    fields = _parse_at_once(lines, braced, own) if braced.any() else None
    nothing = constant(None, len(lines))
    if fields is not None:
        bad = np.flatnonzero(~braced)
        if not len(bad):
            return Objects(fields, nothing, nothing)
        reasons = _parse_one_by_one(lines.take(pa.array(bad)), own).reasons
        return Objects(fields, scatter(reasons, bad, len(lines)), nothing)
    if len(lines) <= _PIECE:
        return _parse_one_by_one(lines, own)
    step = max(_PIECE, -(-len(lines) // 16))
    pieces = [
        objects(lines.slice(start, step), own) for start in range(0, len(lines), step)
    ]
    keys = dict.fromkeys(key for piece in pieces for key in piece.fields)
    fields = {
        key: pa.concat_arrays(
            [
                piece.fields[key]
                if key in piece.fields
                else pa.nulls(len(piece.reasons), TEXT)
                for piece in pieces
            ]
        )
        for key in keys
    }
    return Objects(
        fields,
        pa.concat_arrays([piece.reasons for piece in pieces]),
        pa.concat_arrays([piece.ambiguities for piece in pieces]),
    )


def _in_braces(lines: Any) -> Mask:
    """Return True where a line begins and ends with a brace."""

    def braces(text: Any) -> Mask:
        return as_mask(pc.and_(pc.starts_with(text, "{"), pc.ends_with(text, "}")))

    braced = braces(lines)
    return braced if braced.all() else braces(pc.utf8_trim_whitespace(lines))


def _parse_at_once(
    lines: Any, braced: Mask, own: Mapping[str, str] = MappingProxyType({})
) -> Columns | None:
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
    tries = []
    if record.get("mt") is not None:
        tries.append((0, _KEYS_OF_KIND[0]))
    elif any(record.get(key) is not None for key in _OF_JOURNAL):
        tries.append((1, _KEYS_OF_KIND[1]))
    for kind, keys in tries:
        fields = _columns(text, len(lines), record, keys)
        if fields is None:
            return None
        if (_kinds(fields)[braced] == kind).all():
            return fields
    names, of_objects = _keys(text, own)
    if of_objects or not _is_text("".join(names)):
        return None
    keys = tuple(dict.fromkeys((*KEYS, *sorted(names))))
    return _columns(text, len(lines), record, keys)


def _keys(text: Any, own: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """Return the keys that mean a column, and those of objects that are a record or hold one."""
    data = np.frombuffer(text, np.uint8)
    colons = np.flatnonzero(data == _COLON)
    closing = colons - 1
    closing = np.where(data[closing] == _BLANK, closing - 1, closing)
    is_closing = (closing > 0) & (data[closing] == _QUOTE)
    colons, closing = colons[is_closing], closing[is_closing]
    quotes = np.flatnonzero(data == _QUOTE)
    before = np.searchsorted(quotes, closing) - 1
    opening = quotes[np.maximum(before, 0)]
    sizes = closing - opening - 1
    likely = (before >= 0) & (sizes > 0) & (sizes <= _LONGEST_KEY)
    keys = Spans(data, opening[likely] + 1, closing[likely])
    value = data.take(colons[likely] + 1, mode="clip")
    value = np.where(
        value == _BLANK, data.take(colons[likely] + 2, mode="clip"), value
    )
    names, of_objects = (
        _meaningful(part, own) for part in (keys, keys.take(value == _BRACE))
    )
    return names, of_objects


def _meaningful(keys: Spans, own: Mapping[str, str]) -> set[str]:
    """Return the distinct keys that mean a column, or are those of a collector's wrapper."""
    names = keys.text().unique().to_pylist() if len(keys.start) else []
    names = [_unescaped(name) if "\\" in name else name for name in names]
    meanings = column_names.understood(names, "registrations", own)
    return {
        name
        for name, column in zip(names, meanings, strict=True)
        if column is not None or name in _WRAPPERS or name in _EVENTS
    }


def _is_text(name: str) -> bool:
    """Return True where a key has no half of a pair of surrogates, which Arrow cannot hold."""
    return name.isascii() or name == name.encode("utf-8", "ignore").decode()


def _unescaped(key: str) -> str:
    try:
        return str(json.loads(f'"{key}"'))
    except ValueError:
        return key


_LONGEST_KEY = 64


def _columns(
    text: Any, count: int, record: dict[str, Any], keys: tuple[str, ...]
) -> Columns | None:
    """Return the values of some keys in `count` objects; the types are those of one record."""
    types = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
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
        for key in dict.fromkeys((*KEYS, *keys))
    }


def _parse_one_by_one(
    lines: Any, own: Mapping[str, str] = MappingProxyType({})
) -> Objects:
    records, reasons = zip(*map(_object, lines.to_pylist()), strict=True)
    rows = [_flat(record) for record in records]
    fields = _fields(rows)
    notes: list[str | None] = [None] * len(rows)
    ambiguous = {
        number: keys
        for number, record in enumerate(records)
        if (keys := twins(record))
    }
    if ambiguous:
        kinds = _kinds(fields)
        for number, keys in ambiguous.items():
            columns = _columns_of_keys(keys, int(kinds[number]), own)
            unread = [key for key, column in columns.items() if column in DECISIVE]
            notes[number] = note_on_twins(columns, unread)
            names = {*unread, *map(_last, unread)}
            rows[number] |= dict.fromkeys(names & rows[number].keys())
        fields = _fields(rows)
    return Objects(fields, pa.array(reasons, TEXT), pa.array(notes, TEXT))


def _fields(rows: list[dict[str, Any]]) -> Columns:
    keys = dict.fromkeys((*KEYS, *(key for row in rows for key in row)))
    return {
        key: pa.array([_text(row.get(key)) for row in rows], TEXT) for key in keys
    }


def _columns_of_keys(
    keys: list[str], kind: int, own: Mapping[str, str]
) -> dict[str, str | None]:
    """Return those keys of a record of a kind that are read, and the columns they mean.

    Other keys are not looked at where all lines are read at once either.
    """
    if kind < len(_KEYS_OF_KIND) - 1:
        read = set(_KEYS_OF_KIND[kind])
        return {
            key: None for key in keys if read & {key.partition(".")[0], _last(key)}
        }
    meanings = column_names.understood(keys, "registrations", own)
    of_last = column_names.understood(list(map(_last, keys)), "registrations", own)
    return {
        key: meaning or inner
        for key, meaning, inner in zip(keys, meanings, of_last, strict=True)
        if meaning or inner or key in _WRAPPERS or key in _EVENTS
    }


def _last(key: str) -> str:
    return key.rpartition(".")[2]


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with the keys of what a collector put around it, and dotted inner keys."""
    if "mt" in record or "devices" in record:
        return record
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if not isinstance(value, dict):
            flat.setdefault(key, value)
            continue
        is_wrapper = key in _WRAPPERS or (key in _EVENTS and _names_device(value))
        for inner, leaf in _flat(value).items() if is_wrapper else _dotted(value):
            flat.setdefault(inner if is_wrapper else f"{key}.{inner}", leaf)
        flat.setdefault(key, value if key == "details" else None)
    return flat


def _names_device(record: dict[str, Any]) -> bool:
    """Return True where the keys of an object are those of a registration's device."""
    meanings = column_names.understood(list(record), "registrations")
    return not {"serial", "hardware_id", "registration_name"}.isdisjoint(meanings)


def _dotted(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the values inside an object by their dotted keys."""
    for key, inner in value.items():
        if isinstance(inner, dict):
            for rest, leaf in _dotted(inner):
                yield f"{key}.{rest}", leaf
        else:
            yield key, inner


def _object(line: str) -> tuple[dict[str, Any], str | None]:
    if not line.strip():
        return {}, "blank line"
    if not line.strip("[], \t\r"):
        return {}, "a bracket of a list, no record"
    try:
        record = loads(line)
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
    if isinstance(value, float):
        return str(
            pa.scalar(value).cast(pa.string())
        )  # as where all are read at once
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


_read_lines = line_reader(_parse)
