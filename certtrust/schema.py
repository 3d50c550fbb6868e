"""The tables: every column with its dtype, its meaning and an example, declared once.

Readers conform to these tables, `certtrust.columns` prints them, and tests hold the readers
to them. Missing is `<NA>`, `NaN` or `NaT`, never an invented value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from .errors import CerttrustError, MissingColumnError
from .texts.sentences import say

TEXT = "str"
FLAG = "boolean"
COUNT = "Int64"
NUMBER = "float64"
MOMENT = "datetime64[us, UTC]"
WORD = "category"
LIST = "list"
BYTES = "bytes"
OBJECT = "object"


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    dtype: str
    meaning: str
    example: str = ""


@dataclass(frozen=True)
class Table:
    """A table: its name, what one row is, and its columns in order."""

    name: str
    row: str
    columns: tuple[Column, ...]

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return [column.name for column in self.columns]

    def only(self, *names: str) -> tuple[Column, ...]:
        """Return the columns called `names`, in that order."""
        by_name = {column.name: column for column in self.columns}
        return tuple(by_name[name] for name in names)


CERTIFICATES = Table(
    "CERTIFICATES",
    "one certificate that was found, in input order",
    (
        Column(
            "fingerprint",
            TEXT,
            "SHA-256 of the DER in hex: the identity everywhere",
            "9c1f...e07b",
        ),
        Column(
            "source",
            TEXT,
            "file, archive member or host that it came from",
            "phones/0090332f688a.pem",
        ),
        Column(
            "position", COUNT, "place among the blocks of its source, from 0", "0"
        ),
        Column(
            "bundle",
            TEXT,
            "what arrived together: one file, archive member or TLS handshake",
            "phones/0090332f688a.pem",
        ),
        Column(
            "device",
            TEXT,
            "who presented it: serial or hardware ID in the name of the file, else the host, "
            "else the CN",
            "0090332f688a",
        ),
        Column(
            "subject", TEXT, "subject as RFC 4514 text", "CN=0090332f688a,O=Example"
        ),
        Column(
            "subject_cn",
            TEXT,
            "the last common name of the subject, as it stands",
            "0090332f688a",
        ),
        Column(
            "organisation",
            TEXT,
            "the last organization name of the subject",
            "Example",
        ),
        Column("country", TEXT, "the last country name of the subject", "DE"),
        Column(
            "issuer",
            TEXT,
            "issuer as RFC 4514 text",
            "CN=innovaphone Device Certification Authority 2",
        ),
        Column(
            "issuer_cn",
            TEXT,
            "the last common name of the issuer",
            "innovaphone Device Certification Authority 2",
        ),
        Column(
            "serial_number",
            TEXT,
            "the certificate's serial number in hex, with a minus sign where it is negative",
            "1f00a3",
        ),
        Column("version", COUNT, "X.509 version: 1, 2 or 3", "3"),
        Column("not_before", MOMENT, "valid from", "2019-05-01 00:00:00+00:00"),
        Column(
            "not_after", MOMENT, "valid until, inclusive", "2039-05-01 00:00:00+00:00"
        ),
        Column(
            "dns_names",
            LIST,
            "dNSName entries of the subject alternative name",
            "[phone.example.com]",
        ),
        Column(
            "ip_addresses",
            LIST,
            "iPAddress entries of the subject alternative name",
            "[192.0.2.7]",
        ),
        Column(
            "other_names",
            COUNT,
            "number of subject alternative names of other kinds",
            "0",
        ),
        Column(
            "is_ca",
            FLAG,
            "cA of basicConstraints; <NA> where the extension is absent",
            "False",
        ),
        Column("path_length", COUNT, "pathLenConstraint of basicConstraints", "0"),
        Column(
            "key_usage",
            TEXT,
            "keyUsage bits by their RFC 5280 names, joined by a comma",
            "digitalSignature,keyEncipherment",
        ),
        Column(
            "extended_key_usage",
            TEXT,
            "extended key usages by name, else by OID, joined by a comma",
            "serverAuth,clientAuth",
        ),
        Column(
            "key_type",
            WORD,
            "RSA, EC, Ed25519, Ed448, DSA, or the OID of another kind",
            "RSA",
        ),
        Column("key_size", COUNT, "size of the public key in bits", "2048"),
        Column(
            "curve", TEXT, "the curve of an EC key by name, else by OID", "secp256r1"
        ),
        Column(
            "signature_hash",
            WORD,
            "hash of the signature in lower case; <NA> where the scheme has none of its own",
            "sha256",
        ),
        Column(
            "signature_algorithm",
            TEXT,
            "signature algorithm by name, else by OID",
            "sha256WithRSAEncryption",
        ),
        Column("subject_key_id", TEXT, "subject key identifier in hex", "5a10..."),
        Column(
            "authority_key_id", TEXT, "authority key identifier in hex", "77fe..."
        ),
        Column("self_issued", FLAG, "subject and issuer are the same name", "False"),
        Column(
            "is_self_signed",
            FLAG,
            "the signature verifies under the certificate's own key",
            "False",
        ),
        Column("model", TEXT, "product, where the CN is a hardware ID", "IP222"),
        Column(
            "serial",
            TEXT,
            "device serial (MAC, 12 hex digits), where the CN is one",
            "0090332f688a",
        ),
        Column(
            "der",
            BYTES,
            "the certificate itself; missing where only a listing was given",
            "b'0\\x82...'",
        ),
        Column(
            "parse_error",
            TEXT,
            "what could not be read, and why; missing where all could",
            "extension 2.5.29.17: invalid",
        ),
    ),
)

TRUST = Table(
    "TRUST",
    "one entry of a trust list",
    (
        *CERTIFICATES.columns,
        Column(
            "pbx",
            TEXT,
            "whose list the entry stands in; missing = in every PBX's",
            "hq",
        ),
    ),
)

LINKS = Table(
    "LINKS",
    "one signature check that was made",
    (
        Column(
            "child",
            TEXT,
            "fingerprint of the certificate that is signed",
            "9c1f...e07b",
        ),
        Column(
            "issuer",
            TEXT,
            "fingerprint of the certificate whose key was tried",
            "77ab...10c2",
        ),
        Column(
            "verified",
            FLAG,
            "the signature verifies; <NA> = the algorithm or a key cannot be handled, or "
            "the issuer's name has more keys than are tried",
            "True",
        ),
    ),
)

DEVICES = Table(
    "DEVICES",
    "one device entry of a PBX object",
    (
        Column("pbx", TEXT, "PBX that the object belongs to", "hq"),
        Column(
            "user",
            TEXT,
            "the object's registration name (H.323 id, SIP user part)",
            "user0",
        ),
        Column("long_name", TEXT, "the object's long name (cn)", "User Zero"),
        Column("number", TEXT, "extension (e164)", "201"),
        Column(
            "hardware_id",
            TEXT,
            "hardware ID of the device as configured",
            "IP222-2f-68-8a",
        ),
        Column(
            "serial",
            TEXT,
            "serial (MAC, 12 lower-case hex digits), where the hardware ID is one or the "
            "inventory tells it",
            "0090332f688a",
        ),
        Column(
            "model", TEXT, "product, from the hardware ID or the inventory", "IP222"
        ),
        Column("firmware", TEXT, "firmware version", "13r2 dvl"),
        Column(
            "tls_only",
            FLAG,
            "only registrations with a verified certificate, or from a trusted reverse proxy",
            "True",
        ),
        Column(
            "reverse_proxy",
            FLAG,
            "registration through a trusted reverse proxy is allowed",
            "False",
        ),
        Column("location", TEXT, "node or site", "root"),
        Column("source", TEXT, "file that the entry came from", "devices/hq.json"),
        Column("parse_error", TEXT, "what could not be read, and why", ""),
    ),
)

REGISTRATIONS = Table(
    "REGISTRATIONS",
    "one line or record of a registration log",
    (
        Column(
            "time",
            MOMENT,
            "when, in UTC; missing where the clock was not set",
            "2026-03-02 10:11:25+00:00",
        ),
        Column(
            "clock_unset",
            FLAG,
            "the record shows time 0 or the year 1970: the device's clock was not set",
            "False",
        ),
        Column("pbx", TEXT, "PBX that was registered at", "hq"),
        Column(
            "serial",
            TEXT,
            "the device's serial (MAC, 12 lower-case hex digits)",
            "0090332f688a",
        ),
        Column(
            "hardware_id",
            TEXT,
            "hardware ID that the device names itself by",
            "IP222-2f-68-8a",
        ),
        Column(
            "registration_name", TEXT, "the name that was registered", "0090332f688a"
        ),
        Column("interface", TEXT, "interface of a gateway", "TEL1"),
        Column(
            "protocol",
            WORD,
            "H.323/TLS, H.323/TCP, H.323/UDP, H.323, SIP, SIP/TCP or SIPS",
            "H.323/TLS",
        ),
        Column(
            "authentication", WORD, "certificate, password or none", "certificate"
        ),
        Column("remote_address", TEXT, "address of the other side", "192.0.2.7"),
        Column(
            "via_reverse_proxy",
            FLAG,
            "the registration came through a reverse proxy",
            "False",
        ),
        Column(
            "state",
            WORD,
            "up, timeout, rejected, unauthorized; down = an alarm says that it failed, but not how",
            "rejected",
        ),
        Column(
            "reason",
            TEXT,
            "reason by its standard name, else as it stands",
            "securityDenial",
        ),
        Column(
            "fingerprint",
            TEXT,
            "SHA-256 of the certificate that was presented",
            "9c1f...e07b",
        ),
        Column("code", TEXT, "event code", "0x00010002"),
        Column(
            "severity",
            WORD,
            "severity of an event or alarm: minor, indeterminate, major",
            "indeterminate",
        ),
        Column("module", TEXT, "software module that sent it", "RELAY/RECH"),
        Column("details", TEXT, "details as they stand", '<relay prot="SH323"/>'),
        Column(
            "source",
            TEXT,
            "file that the line came from",
            "registrations/events.jsonl",
        ),
        Column("line", COUNT, "line in the file, from 1", "17"),
        Column(
            "matched_by",
            WORD,
            "what recognised the record: event, alarm, clear (JSON records), record (own "
            "formats, tables), wire (a connection that was seen), "
            "or the name of the message pattern; missing where nothing did",
            "alarm",
        ),
        Column(
            "time_by",
            WORD,
            "where the time comes from: line, file (the line has no year, the file's date "
            "tells it), or sample (most lines of a sample have such a stamp there, whose form "
            "is named); and as what a stamp without a zone was taken, as in `line as UTC`",
            "line",
        ),
        Column("raw", TEXT, "the line itself, shortened where it is very long", ""),
        Column(
            "parse_error",
            TEXT,
            "why the line could not be read in full",
            "not JSON: ...",
        ),
    ),
)

SOURCES = Table(
    "SOURCES",
    "one file or archive member, and what it was taken for; a workbook has a row for each kind of "
    "table on its sheets",
    (
        Column(
            "source",
            TEXT,
            "the file or archive member, as in the column source of the table it went into",
            "trust-hq.pem",
        ),
        Column(
            "taken_for",
            WORD,
            "the table it went into: certificates, trust, devices, registrations, handshakes; "
            "missing where it went into none",
            "trust",
        ),
        Column(
            "decided_by",
            WORD,
            "what decided that: its content, the name of its folder, its own name, that it holds "
            "CAs only, that it is text (read as a log), or the caller's trust=",
            "name",
        ),
        Column(
            "is_guess",
            FLAG,
            "it may be something else as well; trust= decides about trust lists",
            "True",
        ),
        Column("pbx", TEXT, "whose trust list it is; missing = every PBX's", "hq"),
        Column("rows", COUNT, "rows that it gave: blocks, devices or lines", "12"),
        Column(
            "understood",
            COUNT,
            "rows that hold a certificate or a device, or a line that a format or pattern matched",
            "11",
        ),
        Column(
            "not_understood",
            TEXT,
            "the first thing that was not understood: a reason, a line, or headings",
            "line 3 has 4 fields where the header has 5",
        ),
        Column(
            "unread_headings",
            TEXT,
            "headings of a table that mean no column, with the nearest names; columns= says "
            "what they mean",
            "headings that are not understood: 'Seriennumer' (nearest: serial)",
        ),
        Column(
            "kept_since",
            MOMENT,
            "when it was read, where keep= found it unchanged since; missing where it was read now",
            "2026-03-02 10:11:00+00:00",
        ),
    ),
)

HANDSHAKES = Table(
    "HANDSHAKES",
    "one TLS connection that was seen on the wire, or one file that could not be read in full",
    (
        Column(
            "time",
            MOMENT,
            "when the first data were sent, in UTC",
            "2026-03-02 10:11:25+00:00",
        ),
        Column("client", TEXT, "address of the client", "192.0.2.7"),
        Column("client_port", COUNT, "its TCP port", "49160"),
        Column("server", TEXT, "address of the server", "192.0.2.2"),
        Column(
            "server_port", COUNT, "its TCP port; H.323/TLS registers at 1300", "1300"
        ),
        Column(
            "server_name", TEXT, "name that the client asks for", "pbx.example.com"
        ),
        Column(
            "offered_version",
            TEXT,
            "the highest version that the client offers",
            "TLS 1.3",
        ),
        Column(
            "tls_version",
            TEXT,
            "the version that the server chose: SSL 2, SSL 3, TLS 1.0 to TLS 1.3",
            "TLS 1.2",
        ),
        Column(
            "cipher",
            TEXT,
            "the cipher suite that the server chose, by its IANA name",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        ),
        Column(
            "client_certificates",
            LIST,
            "fingerprints of what the client presented, leaf first; an empty list = it "
            "presented none; missing = that was not seen",
            "['9c1f...e07b']",
        ),
        Column(
            "server_certificates",
            LIST,
            "fingerprints of what the server presented, leaf first; missing = that was not seen",
            "['77ab...10c2']",
        ),
        Column(
            "accepted_authorities",
            LIST,
            "names of the CAs that the server accepts (RFC 4514); an empty list = it asked for "
            "a certificate and named none; missing = no such request was seen",
            "['CN=Example CA']",
        ),
        Column("alert", TEXT, "name of the alert that was sent (IANA)", "unknown_ca"),
        Column("alert_by", WORD, "who sent it: client or server", "server"),
        Column(
            "duration",
            NUMBER,
            "seconds from the first packet to the last that carried data or ended it",
            "0.35",
        ),
        Column(
            "client_bytes",
            COUNT,
            "bytes of encrypted application data by the client; in TLS 1.3 of all that is "
            "encrypted",
            "512",
        ),
        Column("server_bytes", COUNT, "the same by the server", "2048"),
        Column(
            "outcome",
            WORD,
            "established, refused by server, refused by client, cut off, not TLS, or not visible",
            "refused by server",
        ),
        Column(
            "resumed",
            FLAG,
            "an earlier session was resumed, so that no certificates were sent",
            "False",
        ),
        Column("source", TEXT, "file that it came from", "trace.pcap"),
        Column(
            "stream",
            COUNT,
            "number of the TCP connection in the file, as Wireshark counts (tcp.stream)",
            "17",
        ),
        Column(
            "messages",
            LIST,
            "who sent what, and how many seconds after the first packet",
            "['client 0.000120 ClientHello']",
        ),
        Column("parse_error", TEXT, "why not everything could be read", ""),
    ),
)

PROFILES = Table(
    "PROFILES",
    "the TLS profile of one PBX",
    (
        Column("pbx", TEXT, "the PBX; missing = every one that has no row", "hq"),
        Column(
            "tls_profile",
            TEXT,
            "normal (TLS 1.2 and 1.3) or strict (1.3 alone), as 16r1 calls them",
            "normal",
        ),
    ),
)

ENDPOINTS = Table(
    "ENDPOINTS",
    "one host and port that was asked for its certificates, or an entry that names no host",
    (
        Column(
            "host",
            TEXT,
            "name or address that was asked, in the spelling of URLs",
            "phone.example",
        ),
        Column(
            "address",
            TEXT,
            "the address that answered, else the one that was tried last",
            "192.0.2.7",
        ),
        Column("port", COUNT, "TCP port", "1300"),
        Column(
            "server_name",
            TEXT,
            "name that was asked for (SNI); missing where none was sent",
            "phone.example",
        ),
        Column(
            "outcome",
            WORD,
            "open (the handshake was completed), refused (nothing listens there), timeout (no "
            "answer, or no end of it), unreachable (no way there, or a name that is not known), "
            "not TLS, alert (the handshake was refused), reset (the connection was closed "
            "within it), or no certificate; missing = it was not asked, and error says why",
            "open",
        ),
        Column("alert", TEXT, "name of the alert that was sent (IANA)", "unknown_ca"),
        Column(
            "alert_by", WORD, "who sent it: server, or client for certtrust", "server"
        ),
        Column(
            "tls_version",
            TEXT,
            "the version that the server chose, of TLS 1.0 to TLS 1.3",
            "TLS 1.2",
        ),
        Column(
            "cipher",
            TEXT,
            "the cipher suite that the server chose, by its IANA name",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        ),
        Column(
            "weaknesses",
            LIST,
            "what clients of today refuse, and was accepted for this connection alone: an old "
            "version, short keys, signatures with old hashes; missing where no TLS was seen",
            "['TLS 1.0', 'RSA 1024', 'SHA-1']",
        ),
        Column(
            "latency",
            NUMBER,
            "seconds until the connection was there, or refused",
            "0.012",
        ),
        Column(
            "certificates",
            LIST,
            "fingerprints of what came, leaf first, whatever became of the handshake; an empty "
            "list = the server presents none; missing = that was not seen",
            "['77ab...10c2']",
        ),
        Column(
            "asked_at",
            MOMENT,
            "when it was asked, in UTC",
            "2026-03-02 10:11:25+00:00",
        ),
        Column(
            "error",
            TEXT,
            "why the handshake was not completed, in words",
            "nothing listens at phone.example:1300: the connection was refused",
        ),
    ),
)

TRUST_STATES = (
    "listed",
    "chain",
    "self-signed",
    "unknown CA",
    "untrusted CA",
    "broken signature",
    "issuer is no CA",
    "expired CA",
    "no certificate",
    "no trust list",
    "unreadable",
    "incomplete trust list",
    "incomplete chain",
    "chain too long",
    "too many names",
)
"""Values of `trust_state`: the rule holds in TRUSTED_STATES, is undecided in UNDECIDED_STATES
and else broken.

What each means stands in the file of sentences, in `trust_states`.
"""

TRUSTED_STATES = ("listed", "chain")
UNDECIDED_STATES = (
    "no certificate",
    "no trust list",
    "unreadable",
    "incomplete trust list",
    "incomplete chain",
    "chain too long",
    "too many names",
)

ATTEMPTS = Table(
    "ATTEMPTS",
    "one registration, or one browser access, joined with its certificate, its device and the "
    "trust outcome",
    (
        *REGISTRATIONS.only(
            "time",
            "clock_unset",
            "pbx",
            "serial",
            "hardware_id",
            "registration_name",
            "interface",
            "protocol",
            "authentication",
            "remote_address",
            "via_reverse_proxy",
            "state",
            "reason",
            "code",
            "source",
            "line",
            "matched_by",
        ),
        Column("url", TEXT, "URL that a browser opened", "https://192.0.2.7/"),
        Column(
            "scenario",
            WORD,
            "browser, h323-password or h323-certificate; missing where the data do not tell",
            "h323-certificate",
        ),
        Column(
            "name_by",
            WORD,
            "where the registration name comes from: log, or default (the article's default name)",
            "log",
        ),
        Column(
            "device",
            TEXT,
            "the device's identity: serial, else hardware ID, else registration name",
            "0090332f688a",
        ),
        *DEVICES.only(
            "user",
            "long_name",
            "number",
            "model",
            "firmware",
            "location",
            "tls_only",
            "reverse_proxy",
        ),
        Column(
            "tls_version",
            TEXT,
            "the highest version of TLS that the device was seen to speak; with `or newer` where "
            "it may speak a newer one",
            "TLS 1.2",
        ),
        Column(
            "tls_profile",
            TEXT,
            "the TLS profile of the PBX, in a what-if: normal (TLS 1.2 and 1.3) or strict (1.3)",
            "normal",
        ),
        *CERTIFICATES.only("fingerprint", "bundle"),
        Column(
            "certificate_by",
            WORD,
            "how the certificate was found: fingerprint (named by the log), device, or url",
            "fingerprint",
        ),
        *CERTIFICATES.only(
            "subject",
            "subject_cn",
            "issuer",
            "issuer_cn",
            "dns_names",
            "ip_addresses",
            "not_before",
            "not_after",
            "self_issued",
            "key_type",
            "key_size",
            "signature_hash",
            "signature_algorithm",
            "key_usage",
            "extended_key_usage",
        ),
        Column("certificate_error", TEXT, "parse_error of the certificate", ""),
        Column(
            "trust_state",
            WORD,
            "how it is trusted, or why not; see certtrust.schema.TRUST_STATES",
            "chain",
        ),
        Column(
            "trusted_by", TEXT, "fingerprint of the trust list's entry", "77ab...10c2"
        ),
        Column(
            "trust_paths",
            OBJECT,
            "every way to an entry of the list: dicts of certificates (fingerprints above the "
            "leaf, the entry last), "
            "not_before and not_after (microseconds since 1970 between which all of these are "
            "valid)",
            "",
        ),
        Column(
            "trust_detail",
            TEXT,
            "what exactly stands in the way of trust: what could not be read, or a limit of a CA",
            "the CA Example CA: its path length is 0, but 1 CA is below it",
        ),
        Column(
            "trust_failure",
            WORD,
            "why it is not trusted at that moment; missing where it is",
            "untrusted CA",
        ),
        Column(
            "browser_paths",
            OBJECT,
            "what today's browsers make of the certificate and its chain; for URLs only",
            "",
        ),
    ),
)

RESULTS = Table(
    "RESULTS",
    "an attempt with its verdict; between these columns stands one boolean column per rule",
    (
        *ATTEMPTS.columns,
        Column(
            "judged_at",
            MOMENT,
            "the moment that the rules were judged at",
            "2026-03-02 10:11:25+00:00",
        ),
        Column(
            "verdict", WORD, "what the rules predict: pass, fail or unknown", "fail"
        ),
        Column(
            "cause",
            WORD,
            "the first failed rule in the scenario's order, else what the log states",
            "certificate.trust",
        ),
        Column(
            "evidence",
            WORD,
            "what the cause rests on: log (stated there), wire (an alert of TLS) or rule "
            "(predicted from configuration)",
            "rule",
        ),
        Column(
            "observed", WORD, "what the log or the wire shows: up or failed", "failed"
        ),
        Column(
            "explained",
            FLAG,
            "the log or the wire shows a failure and the rules predict one",
            "True",
        ),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        CERTIFICATES,
        TRUST,
        LINKS,
        DEVICES,
        REGISTRATIONS,
        SOURCES,
        HANDSHAKES,
        PROFILES,
        ENDPOINTS,
        ATTEMPTS,
        RESULTS,
    )
}

_SERIES_DTYPE: dict[str, Any] = {LIST: "object", BYTES: "object"}


def _as(series: pd.Series, dtype: Any) -> pd.Series:
    if dtype == MOMENT:
        return pd.to_datetime(series, utc=True).dt.as_unit("us")
    return series.astype(dtype)


@cache
def _dtypes(table: Table) -> dict[str, Any]:
    """Return the pandas dtype of each column by its name."""
    return {
        column.name: _SERIES_DTYPE.get(column.dtype, column.dtype) for column in table
    }


@cache
def _absent_cell(dtype: str) -> Any:
    """Return an array of one cell that says that nothing is there."""
    return pd.Series([None], dtype=_SERIES_DTYPE.get(dtype, dtype)).array


def _absent_cells(dtype: str, rows: int) -> Any:
    """Return as many such cells, all of them with the dtype of the column."""
    if dtype == LIST:
        return np.fromiter(([] for _ in range(rows)), dtype="object", count=rows)
    if dtype in (BYTES, OBJECT):
        return np.full(rows, None, dtype="object")
    return _absent_cell(dtype).take(np.full(rows, -1), allow_fill=True)


def conform(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return the frame with the table's columns first, in order and dtype; further columns follow.

    Columns that are absent are added as missing; `frame` is not changed.
    """
    dtypes = _dtypes(table)
    given = dict(zip(frame.columns, frame.dtypes, strict=True))
    converted = {
        name: _as(frame[name], dtype)
        for name, dtype in dtypes.items()
        if name in given and given[name] != dtype
    }
    if converted:
        frame = frame.assign(**converted)
    absent = {
        column.name: _absent_cells(column.dtype, len(frame))
        for column in table
        if column.name not in given
    }
    if absent:
        added = pd.DataFrame(absent, index=frame.index, copy=False)
        frame = pd.concat([frame, added], axis=1)
    further = [name for name in given if name not in dtypes]
    ordered = frame.reindex(columns=[*dtypes, *further])
    return ordered.set_axis([*dtypes, *map(str, further)], axis="columns")


def expect(
    frame: pd.DataFrame, table: Table, columns: Iterable[str] | None = None
) -> pd.DataFrame:
    """Return a frame that a caller made, with the dtypes of its table.

    Parameters
    ----------
    frame : DataFrame
        What was passed where a table is needed.
    table : Table
        The table that it should be.
    columns : iterable of str, optional
        The columns that are needed, by default all of the table; they may be further ones.

    Raises
    ------
    CerttrustError
        If it is no DataFrame, has one of the columns twice, or one that holds something else
        than the table's values.
    MissingColumnError
        If it lacks a column.
    """
    if not isinstance(frame, pd.DataFrame):
        kind = type(frame).__name__
        raise CerttrustError(_misuse("no_frame", table, kind=kind))
    needed = list(table.names if columns is None else columns)
    missing = [name for name in needed if name not in frame]
    if missing:
        names = ", ".join(missing)
        raise MissingColumnError(_misuse("missing_column", table, columns=names))
    dtypes = {column.name: column.dtype for column in table}
    given = frame.dtypes
    if not frame.columns.is_unique and not given[needed].index.is_unique:
        twice = given[needed].index
        name = str(twice[twice.duplicated()][0])
        raise CerttrustError(_misuse("column_twice", table, column=name))
    converted = {}
    for name in needed:
        dtype: Any = dtypes.get(name, FLAG)
        dtype = _SERIES_DTYPE.get(dtype, dtype)
        if given[name] == dtype or dtype == "object":
            continue
        try:
            converted[name] = _converted(frame[name], dtype)
        except (ValueError, TypeError, OverflowError) as error:
            key = "wrong_flags" if dtype == FLAG else "wrong_kind"
            words = {"column": name, "dtype": dtype, "held": str(given[name])}
            raise CerttrustError(_misuse(key, table, **words)) from error
    return frame.assign(**converted) if converted else frame


def _converted(series: pd.Series, dtype: Any) -> pd.Series:
    if dtype == MOMENT and series.dtype in ("str", "object"):
        moments = pd.to_datetime(series, utc=True, format="ISO8601")
        return moments.dt.as_unit("us")
    return _as(_utf8(series), dtype)


def _utf8(series: pd.Series) -> pd.Series:
    """Return text with what UTF-8 cannot hold, such as half a surrogate pair, replaced."""
    if series.dtype != "object":
        return series
    return series.map(
        lambda cell: (
            cell.encode(errors="replace").decode() if isinstance(cell, str) else cell
        )
    )


def _misuse(key: str, table: Table, **words: str) -> str:
    remedy = say(f"errors.frames.remedies.{table.name}")
    return say(f"errors.frames.{key}", table=table.name, remedy=remedy, **words)


def empty(table: Table) -> pd.DataFrame:
    """Return a frame of the table with no rows."""
    return _empty(table).copy()


@cache
def _empty(table: Table) -> pd.DataFrame:
    return conform(pd.DataFrame(), table)
