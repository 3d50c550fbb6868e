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

from .. import field_values as typed
from .. import messages, record_fields, times
from ..field_values import NOTHING, TEXT, Columns, Notes, constant, word
from ..line_format import Log
from ..text.spans import Spans, holds, present
from ..vocabulary import REGISTRATION_DOWN, reasons

KEYS = (
    "mt", "type", "severity", "active", "code", "date", "time", "host", "from", "serial",
    "source", "text", "msg", "details",
)  # fmt: skip


def parse(fields: Columns, notes: Notes, log: Log) -> Columns:
    """Return the columns of records that have `mt`."""
    given = {key: typed.blank_to_null(fields[key]) for key in KEYS}
    is_log = pc.equal(given["mt"], "AddLog")
    known = pc.is_in(given["mt"], pa.array(["AddEvent", "AddAlarm", "AddLog"], TEXT))
    notes.add(
        present(given["mt"]) & ~holds(known), "mt is none of AddEvent, AddAlarm, AddLog"
    )
    # A log record has seconds in `time` and a readable `date`; an event has its seconds in `date`.
    stamp = pc.coalesce(
        pc.if_else(is_log, given["time"], given["date"]), given["date"], given["time"]
    )
    made: Columns = {
        **times.read(stamp, notes),
        "code": given["code"],
        "severity": typed.severities(given["severity"]),
        "module": given["source"],
        "details": pc.coalesce(given["details"], given["msg"], given["text"]),
    }
    who = record_fields.host(pc.coalesce(given["host"], given["from"]))
    serial = typed.serials(given["serial"])
    notes.unread(given["serial"], serial, "the serial is not 12 hex digits")
    made |= {
        "serial": pc.coalesce(serial, who["serial"]),
        "hardware_id": who["hardware_id"],
    }
    matched = _kind(given, known, is_log)
    made |= _registration(given, matched)
    if pc.any(is_log).as_py():
        said = messages.read(
            Spans.of(pc.if_else(is_log, given["msg"], NOTHING)), log.patterns, notes
        )
        made = messages.merged(made, said) | {
            "matched_by": typed.first(matched, said["matched_by"])
        }
        return typed.named(made)
    return typed.named(made | {"matched_by": matched})


def _kind(given: Columns, known: Any, is_log: Any) -> Any:
    is_clear = pc.or_(
        pc.fill_null(pc.equal(given["type"], "clear"), False),
        pc.and_(
            pc.equal(given["mt"], "AddAlarm"),
            pc.fill_null(pc.equal(given["active"], "false"), False),
        ),
    )
    is_alarm = pc.equal(given["mt"], "AddAlarm")
    kind = pc.if_else(
        is_clear, word("clear"), pc.if_else(is_alarm, word("alarm"), word("event"))
    )
    return pc.if_else(pc.and_not(pc.fill_null(known, False), is_log), kind, NOTHING)


def _registration(given: Columns, kind: Any) -> Columns:
    """Return state, protocol, name and reason of the records about a registration."""
    count = len(kind)
    about_it = pc.fill_null(
        pc.equal(pc.utf8_lower(given["code"]), REGISTRATION_DOWN), False
    )
    if not pc.any(about_it).as_py():
        return {"state": constant(None, count)}
    details = given["details"].dictionary_encode()
    comment = _attribute(details, "comment")
    # The text of a clear still says what was wrong, so only a set alarm or an event states a
    # failure.
    timed_out = pc.or_(
        _speaks_of_timeout(details),
        _speaks_of_timeout(given["text"].dictionary_encode()),
    )
    state = pc.if_else(
        pc.equal(kind, "clear"),
        word("up"),
        pc.if_else(timed_out, word("timeout"), word("down")),
    )
    state = pc.if_else(pc.and_(about_it, pc.is_valid(kind)), state, NOTHING)
    protocol = pc.if_else(
        about_it,
        typed.protocols(_attribute(details, "prot")).dictionary_decode(),
        NOTHING,
    )
    user = pc.struct_field(
        pc.extract_regex(
            _attribute(details, "aor"), r"^<?(?:[a-z0-9.]+:)?(?P<user>[^@>;]+)"
        ),
        "user",
    )
    return {
        "state": state,
        "protocol": protocol,
        "registration_name": pc.if_else(about_it, user, NOTHING),
        "reason": pc.if_else(
            about_it, typed.words(comment, reasons).dictionary_decode(), NOTHING
        ),
    }


def _speaks_of_timeout(encoded: Any) -> Any:
    found = pc.match_substring_regex(encoded.dictionary, r"(?i)\btime-?out\b")
    return pc.fill_null(found.take(encoded.indices), False)


def _attribute(encoded: Any, name: str) -> Any:
    """Return the value of an attribute of the details' XML, without interpreting the XML any
    further.
    """
    pattern = rf"(?i)\s{name}\s*=\s*(?:\"(?P<double>[^\"<]*)\"|'(?P<single>[^'<]*)')"
    found = pc.extract_regex(encoded.dictionary, pattern)
    value = pc.coalesce(
        *(
            typed.blank_to_null(pc.struct_field(found, quote))
            for quote in ("double", "single")
        )
    )
    for entity, letter in (
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", '"'),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ):
        value = pc.replace_substring(value, entity, letter)
    return value.take(encoded.indices)
