"""The documented HTTP log message: `event=syslog&time=..&date=..&from=..&msg=..`.

It is read as a query string or a request body of its own, a line each, or out of the request
lines in a web server's access log. The sender's `time` counts, not the server's; time 0 says
that the clock was not set.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...formats import as_text
from ...json_values import note_on_twins
from .. import contents, field_values, messages, record_fields, times
from ..field_values import NULL, TEXT, Columns, Notes, join_parts, scatter
from ..line_format import Log, line_reader
from ..pairs import pairs
from ..text.lines import Block
from ..text.spans import Delimiters, Spans, as_mask, present

NAME = "query"
_KEYS = {key: key for key in ("event", "time", "date", "from", "msg")}
_SAMPLE = 40
_SNIFF = re.compile(r"(?:^|[?&\s\"])event=syslog(?:[&\s\"]|$)")
_BARE = r"^\s*\??[A-Za-z-]+="
_INSIDE = r"[?\s\"](?P<query>(?:[A-Za-z-]+=[^&\s\"]*&)*event=syslog[^\s\"]*)"


def sniff(head: bytes) -> bool:
    """Return True where most of the first lines hold such a query string."""
    lines = [line for line in as_text(head).split("\n")[:_SAMPLE] if line.strip()]
    return 2 * sum(_SNIFF.search(line) is not None for line in lines) >= max(
        1, len(lines)
    )


def _parse(block: Block, log: Log) -> Columns:
    notes = Notes(block.problems)
    is_query = as_mask(pc.match_substring(block.lines, "event=syslog"))
    if is_query.all():
        return columns(block.lines, notes, log) | {"parse_error": notes.text}
    rows = np.flatnonzero(~is_query)
    others, is_foreign = contents.with_foreign(
        block.lines, rows, {}, notes, log, own=NAME
    )
    rows = np.flatnonzero(~is_foreign)
    part_notes = Notes(pa.nulls(len(rows), TEXT))
    own = columns(block.lines.take(pa.array(rows)), part_notes, log)
    notes.add_text(rows, part_notes.text)
    joined = join_parts([(None, others), (rows, own)], len(block.lines))
    return joined | {"parse_error": notes.text}


def columns(lines: Any, notes: Notes, log: Log) -> Columns:
    """Return the columns of lines; what could not be read is noted."""
    query = Spans.of(_query(lines))
    values, twins = pairs(query, Delimiters.of(query.data, "&", "="), _KEYS)
    nothing = pa.nulls(len(lines), TEXT)
    fields = {
        key: field_values.blank_to_null(_decoded(values[key].text()))
        if key in values
        else nothing
        for key in _KEYS
    }
    for key, rows in twins.items():
        differ = np.zeros(len(lines), bool)
        differ[rows] = True
        notes.add(differ, note_on_twins([key]))
    is_log = pc.fill_null(pc.equal(fields["event"], "syslog"), False)
    notes.add(~as_mask(is_log), "not a log message: event=syslog is missing")
    fields = {key: pc.if_else(is_log, text, NULL) for key, text in fields.items()}
    envelope: Columns = {
        **times.read(
            pc.coalesce(fields["time"], fields["date"]),
            notes,
            log.clock._replace(counts_seconds=True),
        ),
        **record_fields.host(fields["from"]),
    }
    message = contents.read(
        Spans.of(fields["msg"]), log.inside, notes, timed=present(envelope["time"])
    )
    return messages.merge(envelope, message)


def _query(lines: Any) -> Any:
    """Return the query string: a line without its question mark, or a part of a log of requests."""
    is_bare = pc.match_substring_regex(lines, _BARE)
    bare = pc.utf8_ltrim(pc.utf8_trim_whitespace(lines), "?")
    if pc.all(is_bare).as_py():
        return bare
    inside = pc.struct_field(pc.extract_regex(lines, _INSIDE), "query").cast(TEXT)
    return pc.if_else(is_bare, bare, pc.fill_null(inside, ""))


def _decoded(text: Any) -> Any:
    """Undo percent-encoding; a plus sign is a blank in encoded text, which holds no blanks."""
    is_plain = pc.match_substring_regex(text, " ")
    blanks = pc.replace_substring(pc.replace_substring(text, "+", " "), "%20", " ")
    text = pc.if_else(is_plain, text, blanks)
    rows = np.flatnonzero(as_mask(pc.match_substring(text, "%")))
    if not len(rows):
        return text
    encoded = text.take(pa.array(rows)).to_pylist()
    decoded = pa.array([unquote(cell) for cell in encoded], TEXT)
    return pc.coalesce(scatter(decoded, rows, len(text)), text)


read = line_reader(_parse)
