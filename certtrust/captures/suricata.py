"""Suricata's `eve.json`: its events of type `tls`, one per line.

The log names no alert, and does not say whether a handshake succeeded. The certificates
themselves are there only where `custom` asks for them; else there is their SHA-1, which is not
the fingerprint of certtrust.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO

from ..formats import as_text
from ..json_values import loads, note_on_twins, twins
from ..x509.fields import escaped
from .handshake import NOT_VISIBLE, Handshake, Seen, address, fingerprint, whole_lines

_VERSIONS = {"SSLv2": "SSL 2", "SSLv3": "SSL 3", "TLSv1": "TLS 1.0"}
_PART = re.compile(r", (?=[A-Za-z][A-Za-z0-9.-]*=)")


def sniff(head: bytes) -> bool:
    """Return True where content begins as such a log.

    Examples
    --------
    >>> sniff(b'{"timestamp":"2026-11-30T09:00:00.000001+0100","event_type":"tls"}')
    True
    """
    # A log that was rotated may begin in the middle of a line.
    return any(map(_is_event, as_text(head).split("\n", 2)[:2]))


def _is_event(line: str) -> bool:
    if not line.startswith("{"):
        return False
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(event, dict) and {"event_type", "timestamp"} <= event.keys()


def read(stream: BinaryIO, source: str, counts: Counter[str]) -> Iterator[Handshake]:
    """Yield the connections of the log; events of other types are counted."""
    for number, line in whole_lines(stream):
        if isinstance(line, Exception):
            yield _failed(source, number, str(line))
            continue
        if not line.strip():
            continue
        try:
            event = loads(line)
        except (ValueError, RecursionError) as problem:
            yield _failed(source, number, f"no JSON: {problem}"[:200])
            continue
        if not isinstance(event, dict):
            yield _failed(source, number, "no JSON object")
        elif event.get("event_type") != "tls":
            counts["events of other types"] += 1
        elif not isinstance(event.get("tls"), dict):
            yield _failed(source, number, "an event of TLS without its object")
        else:
            yield _of_event(event, event["tls"], source)


def _failed(source: str, number: int, reason: str) -> Handshake:
    return Handshake(source=source, parse_error=f"line {number}: {reason}")


def _of_event(event: dict[str, Any], tls: dict[str, Any], source: str) -> Handshake:
    row = Handshake(
        time=_microseconds(event.get("timestamp")),
        client=address(event.get("src_ip")),
        client_port=_port(event.get("src_port")),
        server=address(event.get("dest_ip")),
        server_port=_port(event.get("dest_port")),
        server_name=_text(tls.get("sni")),
        tls_version=_version(_text(tls.get("version"))),
        resumed=True if tls.get("session_resumed") is True else None,
        outcome=NOT_VISIBLE,
        source=source,
    )
    client = tls.get("client")
    note = note_on_twins(twins(event))
    problems = [note] if note else []
    for side, object_ in (("client", client), ("server", tls)):
        if not isinstance(object_, dict):
            continue
        sent = list(_certificates(object_))
        row.sent(side).extend(sent)
        if sent and all(isinstance(one, bytes) for one in sent):
            named = [fingerprint(one) for one in sent if isinstance(one, bytes)]
            setattr(row, f"{side}_certificates", named)
        elif sent:
            problems.append(f"no certificate of the {side}, only what is in it")
    row.parse_error = "; ".join(problems) or None
    return row


def _certificates(tls: dict[str, Any]) -> Iterator[Seen]:
    """Yield a side's certificates, or what the log says of its first one."""
    chain = tls.get("chain")
    encoded = chain if isinstance(chain, list) and chain else [tls.get("certificate")]
    ders = [_decoded(one) for one in encoded]
    if all(der is not None for der in ders):
        yield from (der for der in ders if der is not None)
        return
    columns = {
        "subject": _name(tls.get("subject")),
        "issuer": _name(tls.get("issuerdn") or tls.get("issuer")),
        "not_before": _microseconds(tls.get("notbefore") or tls.get("not_before")),
        "not_after": _microseconds(tls.get("notafter") or tls.get("not_after")),
        "serial_number": _serial(tls.get("serial")),
    }
    if any(value is not None for value in columns.values()):
        subject, issuer = (
            _common_name(tls.get(key)) for key in ("subject", "issuerdn")
        )
        yield columns | {"subject_cn": subject, "issuer_cn": issuer}


def _decoded(value: Any) -> bytes | None:
    if not isinstance(value, str) or not value:
        return None
    try:
        return b64decode(value, validate=True)
    except ValueError:
        return None


def _attributes(value: Any) -> list[tuple[str, str]]:
    """Return the attributes of a name as the log writes it: `C=DE, O=x, CN=y`."""
    if not isinstance(value, str):
        return []
    pairs = [part.partition("=") for part in _PART.split(value)]
    return [(kind, text) for kind, sign, text in pairs if sign]


def _name(value: Any) -> str | None:
    """Return a name in the order and the spelling of RFC 4514."""
    attributes = _attributes(value)
    written = ",".join(
        f"{kind}={escaped(text)}" for kind, text in reversed(attributes)
    )
    return written or None


def _common_name(value: Any) -> str | None:
    names = [text for kind, text in _attributes(value) if kind == "CN"]
    return names[-1] if names else None


def _serial(value: Any) -> str | None:
    digits = value.replace(":", "").lower() if isinstance(value, str) else ""
    return (digits.lstrip("0") or "0") if digits else None


def _text(value: Any) -> str | None:
    return value.replace("\x00", "�") if isinstance(value, str) and value else None


def _port(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 1 << 16 else None


def _version(name: str | None) -> str | None:
    if name is None or name == "UNDETERMINED":
        return None
    return _VERSIONS.get(name, name.replace("draft-", "draft "))


def _microseconds(value: Any) -> int | None:
    """Return a time as microseconds since 1970; those of certificates have no zone and are UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = datetime.fromisoformat(f"{value}+00:00")
    try:
        return round(moment.timestamp() * 1_000_000)
    except (OverflowError, ValueError):
        return None
