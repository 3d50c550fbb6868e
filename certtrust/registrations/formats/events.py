"""Records of the documented event interface: AddEvent, AddAlarm and AddLog.

Documented: the keys, the severities, the types error (event), alarm (set) and clear,
`0x00010002` as the code of a failing registration, and the fields Protocol, AOR and Comment of
its display. Inferred: that `prot`, `aor` and `comment` are the names of these fields in
`details`, that `SH323` is H.323/TLS, and that a clear says "up".
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .. import contents, field_values, messages, record_fields, times
from ..field_values import NULL, TEXT, Columns, Notes, constant, word
from ..line_format import Log
from ..text.spans import Spans, as_mask, present
from ..vocabulary import REGISTRATION_DOWN

KEYS = (
    "mt", "type", "severity", "active", "code", "date", "time", "host", "from", "serial",
    "source", "text", "msg", "details",
)  # fmt: skip
_RECORDS = ("AddEvent", "AddAlarm", "AddLog")


def parse(fields: Columns, notes: Notes, log: Log) -> Columns:
    """Return the columns of records that have `mt`."""
    fields = {key: field_values.blank_to_null(fields[key]) for key in KEYS}
    is_log = pc.equal(fields["mt"], "AddLog")
    is_record = pc.is_in(fields["mt"], pa.array(_RECORDS, TEXT))
    notes.add(
        present(fields["mt"]) & ~as_mask(is_record),
        f"mt is none of {', '.join(_RECORDS)}",
    )
    kind = _kind(fields, pc.and_not(pc.fill_null(is_record, False), is_log))
    columns = _envelope(fields, is_log, notes, log) | _registration(fields, kind)
    if not pc.any(is_log).as_py():
        return field_values.complete_from_name(columns | {"matched_by": kind})
    message = contents.read(
        Spans.of(pc.if_else(is_log, fields["msg"], NULL)), log.inside, notes
    )
    matched_by = field_values.coalesce(kind, message["matched_by"])
    columns = messages.merge(columns, message) | {"matched_by": matched_by}
    return field_values.complete_from_name(columns)


def _envelope(fields: Columns, is_log: Any, notes: Notes, log: Log) -> Columns:
    """Return what all records have: time, code, sender, text."""
    # A log record has seconds in `time` and a readable `date`; an event has its seconds in `date`.
    stamp = pc.coalesce(
        pc.if_else(is_log, fields["time"], fields["date"]),
        fields["date"],
        fields["time"],
    )
    columns = times.read(stamp, notes, log.clock._replace(counts_seconds=True))
    host = record_fields.host(pc.coalesce(fields["host"], fields["from"]))
    serial = field_values.serials(fields["serial"])
    notes.unread(fields["serial"], serial, "the serial is not 12 hex digits")
    return columns | {
        "code": fields["code"],
        "severity": field_values.severities(fields["severity"]),
        "module": fields["source"],
        "details": pc.coalesce(fields["details"], fields["msg"], fields["text"]),
        "serial": pc.coalesce(serial, host["serial"]),
        "hardware_id": host["hardware_id"],
    }


def _kind(fields: Columns, has_kind: Any) -> Any:
    """Return clear, alarm or event."""
    is_alarm = pc.equal(fields["mt"], "AddAlarm")
    is_inactive = pc.and_(is_alarm, _equals(fields["active"], "false"))
    is_clear = pc.or_(_equals(fields["type"], "clear"), is_inactive)
    alarm_or_event = pc.if_else(is_alarm, word("alarm"), word("event"))
    kind = pc.if_else(is_clear, word("clear"), alarm_or_event)
    return pc.if_else(has_kind, kind, NULL)


def _equals(text: Any, value: str) -> Any:
    return pc.fill_null(pc.equal(text, value), False)


def _registration(fields: Columns, kind: Any) -> Columns:
    """Return state, protocol, name and reason of the records about a registration."""
    is_registration = _equals(pc.utf8_lower(fields["code"]), REGISTRATION_DOWN)
    if not pc.any(is_registration).as_py():
        return {"state": constant(None, len(kind))}
    details = fields["details"].dictionary_encode()
    # The text of a clear still says what was wrong, so only a set alarm or an event states a
    # failure.
    timed_out = pc.or_(
        _mentions_timeout(details),
        _mentions_timeout(fields["text"].dictionary_encode()),
    )
    failure = pc.if_else(timed_out, word("timeout"), word("down"))
    state = pc.if_else(pc.equal(kind, "clear"), word("up"), failure)
    protocol = field_values.protocols(_attribute(details, "prot")).dictionary_decode()
    address = pc.extract_regex(
        _attribute(details, "aor"), r"^<?(?:[a-z0-9.]+:)?(?P<user>[^@>;]+)"
    )
    columns = {
        "state": pc.if_else(pc.is_valid(kind), state, NULL),
        "protocol": protocol,
        "registration_name": pc.struct_field(address, "user"),
        "reason": field_values.reasons(_attribute(details, "comment")),
    }
    return {
        name: pc.if_else(is_registration, column, NULL)
        for name, column in columns.items()
    }


def _mentions_timeout(encoded: Any) -> Any:
    mentions = pc.match_substring_regex(encoded.dictionary, r"(?i)\btime-?out\b")
    return pc.fill_null(mentions.take(encoded.indices), False)


def _attribute(encoded: Any, name: str) -> Any:
    """Return the value of an attribute of the details' XML, without parsing the XML."""
    pattern = rf"(?i)\s{name}\s*=\s*(?:\"(?P<double>[^\"<]*)\"|'(?P<single>[^'<]*)')"
    groups = pc.extract_regex(encoded.dictionary, pattern)
    value = pc.coalesce(
        *(
            field_values.blank_to_null(pc.struct_field(groups, quote))
            for quote in ("double", "single")
        )
    )
    for entity, character in (
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", '"'),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ):
        value = pc.replace_substring(value, entity, character)
    return value.take(encoded.indices)
