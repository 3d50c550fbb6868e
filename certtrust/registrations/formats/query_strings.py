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
from .. import field_values as typed
from .. import messages, record_fields, times
from ..field_values import NOTHING, TEXT, Columns, Notes, spread
from ..line_format import Log, line_reader
from ..pairs import pairs
from ..text.lines import Block
from ..text.spans import Cuts, Spans, holds

NAME = "query"
_KEYS = {key: key for key in ("event", "time", "date", "from", "msg")}
_SNIFF = re.compile(r"(?:^|[?&\s\"])event=syslog(?:[&\s\"]|$)")
_BARE = r"^\s*\??[A-Za-z-]+="
_INSIDE = r"[?\s\"](?P<query>(?:[A-Za-z-]+=[^&\s\"]*&)*event=syslog[^\s\"]*)"


def sniff(head: bytes) -> bool:
    """Return True where one of the first lines holds such a query string."""
    return _SNIFF.search(as_text(head)) is not None


def _parse(block: Block, log: Log) -> Columns:
    notes = Notes(block.problems)
    query = Spans.of(_query(block.lines))
    fields = {
        key: values.text()
        for key, values in pairs(query, Cuts.of(query.octets, "&", "="), _KEYS).items()
    }
    nothing = pa.nulls(len(block.lines), TEXT)
    given = {
        key: typed.blank_to_null(_decoded(fields[key])) if key in fields else nothing
        for key in _KEYS
    }
    ours = pc.fill_null(pc.equal(given["event"], "syslog"), False)
    notes.add(~holds(ours), "not a log message: event=syslog is missing")
    given = {key: pc.if_else(ours, text, NOTHING) for key, text in given.items()}
    made: Columns = {
        **times.read(pc.coalesce(given["time"], given["date"]), notes),
        **record_fields.host(given["from"]),
    }
    told = messages.read(Spans.of(given["msg"]), log.patterns, notes)
    return messages.merged(made, told) | {"parse_error": notes.text}


def _query(lines: Any) -> Any:
    """Return the query string: the line without a leading question mark, or what a log of
    requests holds of it.
    """
    bare = pc.match_substring_regex(lines, _BARE)
    whole = pc.utf8_ltrim(pc.utf8_trim_whitespace(lines), "?")
    if pc.all(bare).as_py():
        return whole
    inside = pc.struct_field(pc.extract_regex(lines, _INSIDE), "query").cast(TEXT)
    return pc.if_else(bare, whole, pc.fill_null(inside, ""))


def _decoded(text: Any) -> Any:
    """Undo percent-encoding; a plus sign is a blank where the text is encoded, so holds no
    blanks.
    """
    plain = pc.match_substring_regex(text, " ")
    text = pc.if_else(
        plain,
        text,
        pc.replace_substring(pc.replace_substring(text, "+", " "), "%20", " "),
    )
    rows = np.flatnonzero(
        pc.fill_null(pc.match_substring_regex(text, "%"), False).to_numpy(
            zero_copy_only=False
        )
    )
    if not len(rows):
        return text
    decoded = pa.array(
        [unquote(each) for each in text.take(pa.array(rows)).to_pylist()], TEXT
    )
    return pc.coalesce(spread(decoded, rows, len(text)), text)


read = line_reader(_parse)
