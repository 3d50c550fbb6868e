"""Registrations as lines of each format, for samples and round trips.

Each line has the documented envelope of its format, but the messages in it are certtrust's own
`key=value` words: no line is one that a device would write.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

import pandas as pd

from certtrust.registrations.record_fields import FIELDS
from certtrust.registrations.vocabulary import REGISTRATION_DOWN, SEVERITIES

_KEYS = {
    "state": "state",
    "registration_name": "name",
    "serial": "serial",
    "hardware_id": "hw",
    "interface": "if",
    "protocol": "prot",
    "remote_address": "addr",
    "authentication": "auth",
    "reason": "reason",
    "fingerprint": "fingerprint",
    "pbx": "pbx",
    "via_reverse_proxy": "rp",
}
FORMATS = ("csv", "json", "events", "log", "query", "rfc3164", "rfc5424", "journal")
_PRI = "<134>"


def lines(registrations: pd.DataFrame, form: str) -> Iterator[str]:
    """Yield registrations as lines, with the columns that the format can express.

    Events have only state, device, name, protocol, reason and the columns of the event itself;
    messages have no event.
    """
    rows = _rows(registrations)
    if form == "csv":
        yield ",".join(FIELDS)
    for row in rows:
        yield _WRITERS[form](row)


def _rows(registrations: pd.DataFrame) -> Iterator[dict[str, Any]]:
    plain = pd.DataFrame(
        {name: registrations[name].astype(object) for name in FIELDS}
    )
    for cells in plain.itertuples(index=False, name=None):
        yield {
            name: cell
            for name, cell in zip(FIELDS, cells, strict=True)
            if not pd.isna(cell)
        }


def _seconds(row: dict[str, Any]) -> str:
    time = row.get("time")
    if time is None:
        return "0" if row.get("clock_unset") else ""
    return f"{time.timestamp():.6f}".rstrip("0").rstrip(".")


def _iso(row: dict[str, Any]) -> str:
    time = row.get("time")
    return "-" if time is None else time.tz_convert(None).isoformat() + "Z"


def _flag(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _columns(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _flag(value)
        for name, value in row.items()
        if name not in ("time", "clock_unset")
    }


def _csv(row: dict[str, Any]) -> str:
    text = io.StringIO()
    cells = {**_columns(row), "time": _seconds(row)}
    csv.writer(text, lineterminator="").writerow(
        [cells.get(name, "") for name in FIELDS]
    )
    return text.getvalue()


def _json(row: dict[str, Any]) -> str:
    return json.dumps({"time": _seconds(row), **_columns(row)})


def _message(row: dict[str, Any]) -> str:
    words = (
        (key, str(_flag(row[name]))) for name, key in _KEYS.items() if name in row
    )
    return " ".join(
        f'{key}="{value}"' if " " in value else f"{key}={value}"
        for key, value in words
    )


def _host(row: dict[str, Any]) -> str:
    return str(row.get("hardware_id") or row.get("serial") or "-")


def _event(row: dict[str, Any]) -> str:
    state = row.get("state")
    failed, cleared = state not in (None, "up"), state == "up"
    # The names of these attributes are inferred from the fields shown for an event.
    parts = {"prot": row.get("protocol"), "aor": row.get("registration_name")}
    parts["comment"] = row.get("reason") or (
        "Timeout" if state == "timeout" else None
    )
    attributes = "".join(
        f" {key}={_quoted(str(value))}" for key, value in parts.items() if value
    )
    severity = row.get("severity")
    record = {
        "mt": "AddAlarm" if failed or cleared else "AddEvent",
        "type": "clear" if cleared else "alarm" if failed else "error",
        "severity": SEVERITIES.index(severity) if severity in SEVERITIES else 1,
        **({"active": failed} if failed or cleared else {}),
        "code": row.get("code")
        or (REGISTRATION_DOWN if failed or cleared else "0x00000000"),
        "date": _seconds(row),
        "host": row.get("hardware_id"),
        "serial": row.get("serial"),
        "source": row.get("module") or "RELAY/RECH",
        "details": f"<relay{attributes}/>",
    }
    return json.dumps(
        {key: value for key, value in record.items() if value is not None}
    )


def _quoted(text: str) -> str:
    for letter, entity in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ('"', "&quot;"),
    ):
        text = text.replace(letter, entity)
    return f'"{text}"'


def _log(row: dict[str, Any]) -> str:
    return json.dumps(
        {
            "mt": "AddLog",
            "time": _seconds(row),
            "from": _host(row),
            "msg": _message(row),
        }
    )


def _query(row: dict[str, Any]) -> str:
    return (
        f"event=syslog&time={_seconds(row)}&"
        f"from={quote_plus(_host(row))}&msg={quote_plus(_message(row))}"
    )


def _rfc3164(row: dict[str, Any]) -> str:
    time = row.get("time")
    stamp = (
        ""
        if time is None
        else f"{time:%b} {time.day:2d} {time:%H:%M:%S} {_host(row)} "
    )
    return f"{_PRI}{stamp}{_message(row)}"


def _rfc5424(row: dict[str, Any]) -> str:
    return f"{_PRI}1 {_iso(row)} {_host(row)} certtrust - - - {_message(row)}"


def _journal(row: dict[str, Any]) -> str:
    time = row.get("time")
    stamp = {} if time is None else {"__REALTIME_TIMESTAMP": str(time.value // 1000)}
    return json.dumps(
        {
            **stamp,
            "_HOSTNAME": _host(row),
            "SYSLOG_IDENTIFIER": "certtrust",
            "MESSAGE": _message(row),
        }
    )


_WRITERS = {
    "csv": _csv,
    "json": _json,
    "events": _event,
    "log": _log,
    "query": _query,
    "rfc3164": _rfc3164,
    "rfc5424": _rfc5424,
    "journal": _journal,
}
