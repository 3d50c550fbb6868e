"""Zeek's `ssl.log` and `x509.log`, as TSV or as JSON lines.

Since Zeek 4.1 the lists of certificates hold their fingerprints; before, identifiers of files,
which lead to a line of `x509.log`. The certificate itself is there only where the policy
`log-certs-base64` was loaded. A certificate is logged once a day, so its line may stand in
another file, or be missing.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from ..formats import as_text
from ..json_values import loads, note_on_twins, object_of, twins
from .handshake import (
    CUT_OFF,
    ESTABLISHED,
    NOT_VISIBLE,
    Handshake,
    Seen,
    address,
    fingerprint,
    whole_lines,
)

SSL, X509 = "ssl", "x509"

_CERTIFICATE = {"certificate.subject", "certificate.serial"}
_ENDS = {"id.orig_h", "id.resp_h"}
_OF_TLS = {"cipher", "curve", "established", "ssl_history", "cert_chain_fps"}
_VERSIONS = {
    "SSLv2": "SSL 2",
    "SSLv3": "SSL 3",
    "TLSv10": "TLS 1.0",
    "TLSv11": "TLS 1.1",
    "TLSv12": "TLS 1.2",
    "TLSv13": "TLS 1.3",
    "DTLSv10": "DTLS 1.0",
    "DTLSv12": "DTLS 1.2",
    "DTLSv13": "DTLS 1.3",
}
_LETTERS = {
    "A": "ChangeCipherSpec (SSL 2)",
    "B": "Heartbeat",
    "C": "ClientHello",
    "D": "encrypted data",
    "E": "EndOfEarlyData",
    "F": "Finished",
    "G": "ClientKeyExchange",
    "H": "HelloRequest",
    "I": "ChangeCipherSpec",
    "J": "HelloRetryRequest",
    "K": "ServerKeyExchange",
    "L": "Alert",
    "M": "MessageHash",
    "N": "ServerHelloDone",
    "O": "EncryptedExtensions",
    "P": "KeyUpdate",
    "Q": "CompressedCertificate",
    "R": "CertificateRequest",
    "S": "ServerHello",
    "T": "NewSessionTicket",
    "U": "CertificateStatus",
    "V": "HelloVerifyRequest",
    "W": "SupplementalData",
    "X": "Certificate",
    "Y": "CertificateVerify",
    "Z": "CertificateURL",
}
_ESCAPED = re.compile(r"\\x([0-9A-Fa-f]{2})")
_HEX = re.compile(r"[0-9a-f]{64}")
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:?00)?"
)
_CERTIFICATE_LETTERS = {"client": "X", "server": "x"}
_HIDING = ("TLS 1.3", "DTLS 1.3")
_QUIET_ALERTS = ("close_notify", "user_canceled")


@dataclass
class Record:
    """A line of a log, of any kind: its values by name, or why they cannot be read."""

    line: int
    kind: str | None
    values: dict[str, Any] = field(default_factory=dict)
    error: str | None = None

    @property
    def note(self) -> str | None:
        """What is doubtful about the line: fields that have different values."""
        return note_on_twins(twins(self.values))


def kind_of(head: bytes) -> str | None:
    r"""Return `ssl` or `x509` where content begins as such a log of Zeek, else None.

    Examples
    --------
    >>> kind_of(b"#separator \x09\n#path\tssl\n"), kind_of(b"#path\tconn\n")
    ('ssl', None)
    """
    text = as_text(head)
    first = text.partition("\n")[0]
    if first.startswith("#"):
        path = re.search(r"^#path\W*(ssl|x509)\r?$", text, re.MULTILINE)
        return path[1] if path else None
    if first.startswith("{"):
        try:
            names = set(json.loads(first))
        except (ValueError, RecursionError, TypeError):
            return None
    else:
        names = set(first.rstrip("\r").split("\t"))
    return _kind_by_names(names)


def _kind_by_names(names: set[str]) -> str | None:
    if names >= _CERTIFICATE:
        return X509
    return SSL if names >= _ENDS and names & _OF_TLS else None


def records(stream: BinaryIO) -> Iterator[Record]:
    """Yield a record for each line that is no header and not blank."""
    header = _Header()
    for number, line in whole_lines(stream):
        if isinstance(line, Exception):
            yield Record(number, header.kind, error=str(line))
        elif line.startswith("#"):
            header.take(line)
        elif line.startswith("{"):
            yield _from_json(number, line)
        elif not line.strip():
            continue
        elif header.fields is None and (
            kind := _kind_by_names(set(line.split("\t")))
        ):
            header.fields, header.kind = line.split("\t"), kind
        else:
            yield header.record(number, line)


class _Header:
    """What the lines that begin with # say of those below."""

    def __init__(self) -> None:
        self.separator, self.set_separator = "\t", ","
        self.empty, self.unset = "(empty)", "-"
        self.kind: str | None = None
        self.fields: list[str] | None = None
        self.types: dict[str, str] = {}

    def take(self, line: str) -> None:
        """Take a line of the header."""
        if line.startswith("#separator "):
            self.separator = _plain(line[len("#separator ") :]) or "\t"
            return
        name, *values = line[1:].split(self.separator)
        if name == "fields":
            self.fields, self.types = values, {}
        elif name == "types" and self.fields is not None:
            self.types = dict(zip(self.fields, values, strict=False))
        elif name == "path":
            self.kind = values[0] if values else None
        elif values and name in ("set_separator", "empty_field", "unset_field"):
            value = _plain(values[0])
            if name == "set_separator":
                self.set_separator = value
            elif name == "empty_field":
                self.empty = value
            else:
                self.unset = value

    def record(self, number: int, line: str) -> Record:
        """Return the values of a line."""
        if self.fields is None:
            return Record(
                number, self.kind, error="no header says what its fields are"
            )
        cells = line.split(self.separator)
        if len(cells) != len(self.fields):
            count = f"{len(cells)} fields where the header has {len(self.fields)}"
            return Record(number, self.kind, error=count)
        values = object_of(
            [
                (name, self._value(cell, self.types.get(name, ""), name))
                for name, cell in zip(self.fields, cells, strict=True)
            ]
        )
        kind = self.kind or _kind_by_names(set(self.fields))
        return Record(number, kind, values)

    def _value(self, cell: str, kind: str, name: str) -> Any:
        if cell == self.unset:
            return None
        if kind.startswith(("vector", "set")) or (not kind and name in _LISTS):
            if cell == self.empty:
                return []
            return [_plain(part) for part in cell.split(self.set_separator)]
        if cell == self.empty:
            return ""
        if kind == "bool" or (not kind and name in _FLAGS):
            return {"T": True, "F": False}.get(cell)
        return _plain(cell)


_FLAGS = frozenset({"resumed", "established", "host_cert", "client_cert"})
_LISTS = frozenset(
    {
        "cert_chain_fps",
        "client_cert_chain_fps",
        "cert_chain_fuids",
        "client_cert_chain_fuids",
        "requested_client_certificate_authorities",
        "san.dns",
        "san.ip",
    }
)
"""Fields whose kind is known without a line of types."""


def _plain(text: str) -> str:
    """Return a value with its escaped bytes as what they stand for."""
    if "\\x" not in text:
        return text
    plain = _ESCAPED.sub(lambda one: chr(int(one[1], 16)), text)
    try:
        # Bytes that are escaped one by one may be one character of UTF-8.
        return plain.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return plain


def _from_json(number: int, line: str) -> Record:
    try:
        values = loads(line)
    except (ValueError, RecursionError) as problem:
        return Record(number, None, error=f"no JSON: {problem}"[:200])
    if not isinstance(values, dict):
        return Record(number, None, error="no JSON object")
    path = values.get("_path")
    kind = path if isinstance(path, str) else _kind_by_names(set(values))
    return Record(number, kind, values)


# Certificates


@dataclass
class Certificates:
    """The certificates of `x509.log`, by fingerprint and by the identifiers of files."""

    by_name: dict[str, Seen] = field(default_factory=dict)

    def add(self, values: dict[str, Any]) -> Seen:
        """Take a line of the log; return its certificate."""
        seen = certificate(values)
        for key in ("fingerprint", "id"):
            name = values.get(key)
            if isinstance(name, str) and (
                isinstance(seen, bytes) or name not in self.by_name
            ):
                self.by_name[name] = seen
        return seen


def certificate(values: dict[str, Any]) -> Seen:
    """Return the DER of a certificate where the log has it, else the columns that it has."""
    encoded = values.get("cert")
    if isinstance(encoded, str) and encoded:
        try:
            return b64decode(encoded, validate=True)
        except ValueError:
            pass
    subject, issuer = (
        _text(values.get(f"certificate.{party}")) for party in ("subject", "issuer")
    )
    named = values.get("fingerprint")
    columns = {
        "subject": subject,
        "subject_cn": common_name(subject),
        "issuer": issuer,
        "issuer_cn": common_name(issuer),
        "not_before": microseconds(values.get("certificate.not_valid_before")),
        "not_after": microseconds(values.get("certificate.not_valid_after")),
        "serial_number": _serial(values.get("certificate.serial")),
    }
    if isinstance(named, str) and _HEX.fullmatch(named):
        columns["fingerprint"] = named
    return columns


def _text(value: Any) -> str | None:
    return value.replace("\x00", "�") if isinstance(value, str) and value else None


def _serial(value: Any) -> str | None:
    return (
        value.lower().lstrip("0") or "0" if isinstance(value, str) and value else None
    )


def common_name(name: str | None) -> str | None:
    """Return the last CN of a distinguished name as RFC 4514 writes it: its first one."""
    if name is None:
        return None
    match = re.search(r"(?:^|[,+])\s*CN=((?:\\.|[^,+\\])*)", name)
    return re.sub(r"\\(.)", r"\1", match[1]) if match else None


def microseconds(value: Any) -> int | None:
    """Return a time of the log as microseconds since 1970: seconds, milliseconds or ISO 8601."""
    if isinstance(value, bool) or value is None:
        return None
    text = str(value)
    if match := _ISO.fullmatch(text):
        return _of_iso(match)
    try:
        number = float(text)
    except ValueError:
        return None
    if not abs(number) < 1e15:
        return None
    if abs(number) >= 1e11:
        return int(number) * 1000
    whole, _, rest = text.partition(".")
    if whole.lstrip("-").isdecimal() and rest.isdecimal():
        return int(whole) * 1_000_000 + int(f"{rest[:6]:0<6}")
    return round(number * 1_000_000)


def _of_iso(match: re.Match[str]) -> int | None:
    from datetime import UTC, datetime

    *parts, fraction = match.groups()
    try:
        moment = datetime(*map(int, parts), tzinfo=UTC)  # type: ignore[arg-type,misc]
    except ValueError:
        return None
    return int(moment.timestamp()) * 1_000_000 + int(f"{(fraction or '')[:6]:0<6}")


# Connections


def of_record(record: Record, certificates: Certificates, source: str) -> Handshake:
    """Return the connection of a line of `ssl.log`."""
    if record.error is not None:
        error = f"line {record.line}: {record.error}"
        return Handshake(source=source, parse_error=error)
    values = record.values
    history = _text(values.get("ssl_history")) or ""
    row = Handshake(
        time=microseconds(values.get("ts")),
        client=address(values.get("id.orig_h")),
        client_port=_port(values.get("id.orig_p")),
        server=address(values.get("id.resp_h")),
        server_port=_port(values.get("id.resp_p")),
        server_name=_text(values.get("server_name")),
        tls_version=_version(_text(values.get("version"))),
        cipher=_text(values.get("cipher")),
        alert=_alert(values.get("last_alert")),
        resumed=_flag(values.get("resumed")),
        source=source,
        messages=_messages(history, values) if history else None,
    )
    problems = [record.note] if record.note else []
    for side, prefix in (("client", "client_"), ("server", "")):
        named = _named(values, prefix)
        if not named and not _presented_none(row, side, history, named):
            continue
        _add_certificates(row, side, named or [], certificates, problems)
    row.accepted_authorities = _authorities(values, history)
    row.alert_by = _alert_by(row.alert, history)
    row.outcome = _outcome(row, values, history)
    row.certificate_was_due = _was_due(row, history)
    if _hides_an_alert(row, history):
        problems.append("several alerts, of which the log names the last")
    row.parse_error = "; ".join(problems) or None
    return row


def _presented_none(
    row: Handshake, side: str, history: str, named: list[str] | None
) -> bool:
    """Return True where a side is known to have presented no certificate."""
    if _CERTIFICATE_LETTERS[side] in history:
        # Its list may have been left out of the log.
        return named is not None
    # A client that goes on to the exchange of keys would have presented it before.
    return side == "client" and {"C", "G"} <= set(history) and not row.resumed


def _named(values: dict[str, Any], prefix: str) -> list[str] | None:
    """Return the names of a side's certificates."""
    for key in (f"{prefix}cert_chain_fps", f"{prefix}cert_chain_fuids"):
        names = values.get(key)
        if isinstance(names, list):
            return [name for name in names if isinstance(name, str)]
    return None


def _add_certificates(
    row: Handshake,
    side: str,
    names: Iterable[str],
    certificates: Certificates,
    problems: list[str],
) -> None:
    fingerprints: list[str] | None = []
    for name in names:
        seen = certificates.by_name.get(name)
        if seen is not None:
            row.sent(side).append(seen)
        if isinstance(seen, bytes):
            own = fingerprint(seen)
        elif _HEX.fullmatch(name):
            own = name
        else:
            # An identifier of a file, or a fingerprint by another hash.
            fingerprints = None
            problems.append(
                f"a certificate of the {side} has no SHA-256 in these logs"
            )
            break
        if fingerprints is not None:
            fingerprints.append(own)
    setattr(row, f"{side}_certificates", fingerprints)


def _port(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isdecimal() and int(text) < 1 << 16 else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _version(name: str | None) -> str | None:
    if name is None:
        return None
    if match := re.fullmatch(r"unknown-(\d{1,5})", name):
        return f"0x{int(match[1]):04x}"
    if match := re.fullmatch(r"TLSv13-draft(\d{1,2})", name):
        return f"TLS 1.3 draft {match[1]}"
    return _VERSIONS.get(name, name)


def _alert(value: Any) -> str | None:
    text = _text(value)
    if text == "unknown-116":
        # The number has its name in Zeek since 7.0 only.
        return "certificate_required"
    return text.replace("unknown-", "unknown_") if text else None


def _alert_by(alert: str | None, history: str) -> str | None:
    if alert is None:
        return None
    letter = next((one for one in reversed(history) if one in "Ll"), None)
    return None if letter is None else "client" if letter == "L" else "server"


def _authorities(values: dict[str, Any], history: str) -> list[str] | None:
    names = values.get("requested_client_certificate_authorities")
    if isinstance(names, list):
        return [str(name) for name in names]
    is_written = "requested_client_certificate_authorities" in values
    return [] if is_written and "r" in history else None


def _outcome(row: Handshake, values: dict[str, Any], history: str) -> str:
    """Return how the handshake ended; Zeek does not say whether the connection was closed."""
    is_hidden = (row.tls_version or "").startswith(_HIDING)
    if values.get("established") is True:
        return NOT_VISIBLE if is_hidden else ESTABLISHED
    if _hides_an_alert(row, history):
        return NOT_VISIBLE
    if row.alert is None or row.alert in _QUIET_ALERTS or row.alert_by is None:
        return CUT_OFF if row.alert in _QUIET_ALERTS else NOT_VISIBLE
    # A later letter than the alert's means that the handshake went on.
    letter = "L" if row.alert_by == "client" else "l"
    went_on = set(history[history.rindex(letter) + 1 :]) - set("LlDd")
    return NOT_VISIBLE if went_on else f"refused by {row.alert_by}"


def _hides_an_alert(row: Handshake, history: str) -> bool:
    """Return True where another alert than the last may have ended the handshake."""
    alerts = [letter for letter in history if letter in "Ll"]
    return len(alerts) > 1 and (
        len(set(alerts)) > 1 or row.alert is None or row.alert in _QUIET_ALERTS
    )


def _was_due(row: Handshake, history: str) -> bool | None:
    """Return whether it had come to the client's certificate, missing where that is not told."""
    if "X" in history or row.client_sent or row.client_certificates:
        return True
    if "C" not in history or (row.tls_version or "").startswith(_HIDING):
        return None
    return "G" in history and "r" in history


def _messages(history: str, values: dict[str, Any]) -> list[str]:
    alert = _alert(values.get("last_alert"))
    last = max(history.rfind("L"), history.rfind("l"))
    named = []
    for position, letter in enumerate(history):
        what = _LETTERS.get(letter.upper())
        if what is None:
            continue
        if position == last and alert:
            what = f"Alert {alert}"
        named.append(f"{'client' if letter.isupper() else 'server'} - {what}")
    return named
