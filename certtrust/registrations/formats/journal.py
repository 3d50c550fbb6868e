"""The journal's JSON export (`journalctl -o json`): MESSAGE is a device's log line."""

from __future__ import annotations

import pyarrow.compute as pc

from .. import contents, field_values, messages, record_fields, times
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
    fields = {key: field_values.blank_to_null(fields[key]) for key in KEYS}
    notes.add(~present(fields["MESSAGE"]) & ~present(notes.text), "no MESSAGE")
    stamp = pc.coalesce(
        fields["_SOURCE_REALTIME_TIMESTAMP"], fields["__REALTIME_TIMESTAMP"]
    )
    envelope: Columns = {
        **times.read(stamp, notes, log.clock),
        "module": fields["SYSLOG_IDENTIFIER"],
        **record_fields.host(fields["_HOSTNAME"]),
    }
    message = contents.read(
        Spans.of(fields["MESSAGE"]),
        log.inside,
        notes,
        timed=present(envelope["time"]),
    )
    return messages.merge(envelope, message)
