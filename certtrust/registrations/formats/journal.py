"""The journal's JSON export (`journalctl -o json`): an object a line, whose MESSAGE is a device's log line."""

from __future__ import annotations

import pyarrow.compute as pc

from .. import field_values as typed
from .. import messages, record_fields
from ..field_values import Columns, Notes
from ..text.spans import Spans, present
from . import About

KEYS = ("__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP", "_HOSTNAME", "SYSLOG_IDENTIFIER", "MESSAGE")


def parse(fields: Columns, notes: Notes, about: About) -> Columns:
    """Return the columns of records that have `MESSAGE`."""
    given = {key: typed.blank_to_null(fields[key]) for key in KEYS}
    stamp = pc.coalesce(given["_SOURCE_REALTIME_TIMESTAMP"], given["__REALTIME_TIMESTAMP"])
    time, unset = typed.moments(stamp, notes)
    message = given["MESSAGE"]
    notes.add(~present(message) & ~present(notes.text), "no MESSAGE")
    made: Columns = {
        "time": time,
        "clock_unset": unset,
        "time_by": typed.stamped(time),
        "module": given["SYSLOG_IDENTIFIER"],
        **record_fields.host(given["_HOSTNAME"]),
    }
    told = messages.read(Spans.of(message), about.patterns, notes)
    return messages.merged(made, told)
