"""The journal's JSON export (`journalctl -o json`): an object a line, whose MESSAGE is a
device's log line.
"""

from __future__ import annotations

import pyarrow.compute as pc

from .. import field_values as typed
from .. import messages, record_fields, times
from ..field_values import Columns, Notes
from ..line_format import Log
from ..text.spans import Spans, present

KEYS = (
    "__REALTIME_TIMESTAMP",
    "_SOURCE_REALTIME_TIMESTAMP",
    "_HOSTNAME",
    "SYSLOG_IDENTIFIER",
    "MESSAGE",
)


def parse(fields: Columns, notes: Notes, log: Log) -> Columns:
    """Return the columns of records that have `MESSAGE`."""
    given = {key: typed.blank_to_null(fields[key]) for key in KEYS}
    stamp = pc.coalesce(
        given["_SOURCE_REALTIME_TIMESTAMP"], given["__REALTIME_TIMESTAMP"]
    )
    message = given["MESSAGE"]
    notes.add(~present(message) & ~present(notes.text), "no MESSAGE")
    made: Columns = {
        **times.read(stamp, notes),
        "module": given["SYSLOG_IDENTIFIER"],
        **record_fields.host(given["_HOSTNAME"]),
    }
    told = messages.read(Spans.of(message), log.patterns, notes)
    return messages.merged(made, told)
