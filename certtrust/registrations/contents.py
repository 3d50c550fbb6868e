"""What a message holds: text for the patterns, or a record or line of its own within an envelope.

Collectors put a device's line into theirs: a syslog line whose message is an event as JSON, a
JSON record of Docker whose text is a syslog line. Such a message is read as it would be by
itself, and what it says counts more than its envelope.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import layouts, messages
from .field_values import NULL, TEXT, Columns, Notes, join_parts
from .line_format import Log
from .text.spans import Delimiters, Mask, Spans, as_mask
from .times import NO_YEAR

_DEEPEST = 4
"""Envelopes around a message that are opened."""
_ESCAPED = r"#(?:0[0-3][0-7]|177)"
"""A control character as rsyslog writes it: three octal digits."""
_FEW = 200
_QUERY = re.compile(r"\??event=syslog&")
_CEE = b"@cee:"
_LINE_ENDS = (b"#000", b"#012", b"#015")
"""What rsyslog leaves of line ends behind a record of JSON."""
_MODULES = {"json": "json_lines", "query": "query_strings", "line": "syslog"}


def read(
    message: Spans,
    log: Log,
    notes: Notes,
    blanks: Delimiters | None = None,
    timed: Mask | None = None,
) -> Columns:
    """Return the columns of messages, each read by what it is, as `messages.read` does.

    Where a message is in an envelope that has a time (`timed`), its own may lack the year.
    """
    count = len(message.start)
    message = _bared(message)
    kinds: dict[str, Mask] = {}
    if log.depth < _DEEPEST:
        kinds = {
            kind: mask for kind, mask in _kinds(message, log).items() if mask.any()
        }
    escaped = _is_escaped(message)
    if not kinds and not escaped.any():
        return messages.read(message, log.patterns, notes, blanks)
    plain = np.ones(count, bool)
    parts: list[tuple[Any, Columns]] = []
    for kind, mask in kinds.items():
        rows = np.flatnonzero(mask & plain)
        plain[rows] = False
        text = _unescaped(message.take(rows).text(), escaped[rows])
        is_timed = None if timed is None else timed[rows]
        parts.append((rows, of_kind(kind, text, log.inside, notes, rows, is_timed)))
    rows = np.flatnonzero(plain & escaped)
    if len(rows):
        plain[rows] = False
        text = _unescaped(message.take(rows).text(), escaped[rows])
        part_notes = Notes(pa.nulls(len(rows), TEXT))
        columns = messages.read(Spans.of(text).strip(), log.patterns, part_notes)
        notes.add_text(rows, part_notes.text)
        parts.append((rows, columns))
    rows = np.flatnonzero(plain)
    if len(rows):
        part_notes = Notes(pa.nulls(len(rows), TEXT))
        columns = messages.read(message.take(rows), log.patterns, part_notes, blanks)
        notes.add_text(rows, part_notes.text)
        parts.append((rows, columns))
    return join_parts(parts, count)


def _bared(message: Spans) -> Spans:
    """Return messages without the mark of CEE before a record, and line ends spelled out behind."""
    if (message.byte_at(0) == ord("@")).any():
        marked = message.starts_with(_CEE)
        message = message.skip(np.where(marked, len(_CEE), 0)).strip()
    if not (message.data == ord("#")).any():
        return message
    for line_end in _LINE_ENDS:
        has_end = message.byte_at(-1) == line_end[-1]
        if not has_end.any():
            continue
        size = len(line_end)
        ends = message._replace(start=np.maximum(message.start, message.stop - size))
        has_end &= ends.starts_with(line_end) & (
            message.byte_at(-size - 1) == ord("}")
        )
        message = message._replace(stop=message.stop - np.where(has_end, size, 0))
    return message


def of_kind(
    kind: str, text: Any, log: Log, notes: Notes, rows: Any, timed: Mask | None = None
) -> Columns:
    """Return the columns of texts of one kind; what was wrong with them is noted at their rows."""
    module = import_module(f"{__package__}.formats.{_MODULES[kind]}")
    part_notes = Notes(pa.nulls(len(text), TEXT))
    columns: Columns = module.columns(text, part_notes, log)
    problems = part_notes.text
    if timed is not None:
        needless = pc.and_(pa.array(timed), pc.equal(problems, NO_YEAR))
        problems = pc.if_else(pc.fill_null(needless, False), NULL, problems)
    notes.add_text(rows, problems)
    columns.pop("parse_error", None)
    return columns


def _kinds(message: Spans, log: Log) -> dict[str, Mask]:
    """Return which messages are records or lines of which kind."""
    first = message.byte_at(0)
    is_json = first == ord("{")
    if is_json.any():
        is_json &= message.byte_at(-1) == ord("}")
    is_query = np.zeros(len(first), bool)
    for letter, beginning in (("e", b"event=syslog&"), ("?", b"?event=syslog&")):
        if (first == ord(letter)).any():
            is_query |= message.starts_with(beginning)
    is_line = (first == ord("<")) & (message.byte_at(1) - np.uint8(ord("0")) < 10)
    if log.depth:
        likely = np.flatnonzero(~is_line & ~is_json & ~is_query & (message.sizes > 0))
        if len(likely):
            text = message.take(likely).text()
            for layout in layouts.LAYOUTS:
                is_line[likely] |= as_mask(pc.match_substring_regex(text, layout))
    return {"json": is_json, "query": is_query, "line": is_line}


def _is_escaped(message: Spans) -> Mask:
    """Return which messages have control characters in rsyslog's spelling."""
    count = len(message.start)
    if not (message.data == ord("#")).any():
        return np.zeros(count, bool)
    text = message.where(message.sizes > 0).text()
    return as_mask(pc.match_substring_regex(text, _ESCAPED))


def _unescaped(text: Any, escaped: Mask) -> Any:
    """Return texts with blanks for escaped control characters, most of which are line ends."""
    if not escaped.any():
        return text
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(text, _ESCAPED, " "))


def foreign_kinds(lines: Any, *, own: str) -> Any:
    """Return of each line of a file in one format which other one it clearly has; "" for none."""
    if len(lines) <= _FEW:
        # Arrow prepares a pattern each time, which takes longer than to look at few lines.
        of_lines = [_foreign_kind(line, own) for line in lines.to_pylist()]
        return np.array(of_lines, dtype="<U5")
    kinds = np.full(len(lines), "", dtype="<U5")
    trimmed = Spans.of(lines).strip()
    likely = {
        "line": as_mask(pc.match_substring_regex(lines, "|".join(layouts.LAYOUTS))),
        "query": as_mask(pc.match_substring_regex(lines, r"^\s*\??event=syslog&")),
        "json": (trimmed.byte_at(0) == ord("{")) & (trimmed.byte_at(-1) == ord("}")),
    }
    pri = as_mask(pc.match_substring_regex(lines, f"^{layouts.PRI}"))
    likely["line"] |= pri
    for kind, mask in likely.items():
        if kind != own:
            kinds[mask] = kind
    return kinds


def _foreign_kind(line: str, own: str) -> str:
    """Return what `foreign_kinds` does, for one line."""
    kind = ""
    trimmed = line.strip()
    if layouts.ANY_LAYOUT.match(line):
        kind = "line"
    elif _QUERY.match(trimmed):
        kind = "query"
    elif trimmed.startswith("{") and trimmed.endswith("}"):
        kind = "json"
    return "" if kind == own else kind


def with_foreign(
    lines: Any, rows: Any, columns: Columns, notes: Notes, log: Log, *, own: str
) -> tuple[Columns, Mask]:
    """Return columns completed by those of lines in another format, and which lines these are.

    Parameters
    ----------
    lines : Arrow text
        All lines of a block.
    rows : array of int
        The lines that the file's own format cannot read.
    columns : dict of Arrow arrays
        What the own format read; all missing at the lines that are foreign.
    notes : Notes
        What could not be read is added here.
    log : Log
        What is known of the log.
    own : str
        The kind of the file's own format, which is not foreign.
    """
    is_foreign = np.zeros(len(lines), bool)
    if not len(rows) or log.depth or not log.is_mixed:
        return columns, is_foreign
    kinds = foreign_kinds(lines.take(pa.array(rows)), own=own)
    parts: list[tuple[Any, Columns]] = [(None, columns)]
    for kind in filter(None, np.unique(kinds)):
        of_this = rows[kinds == kind]
        is_foreign[of_this] = True
        text = lines.take(pa.array(of_this))
        parts.append((of_this, of_kind(str(kind), text, log.inside, notes, of_this)))
    return (join_parts(parts, len(lines)) if len(parts) > 1 else columns), is_foreign
