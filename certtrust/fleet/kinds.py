"""What a file is: what it holds decides; the names of its folder and its own only help.

A kind is the table that a file goes into. `RECOGNISERS` is tried in order, the strictest first;
another kind is one more line in it, and its reader one in `reading.py`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import NamedTuple

from .. import captures, column_names, heading_rows, schema, spreadsheets
from ..certificates import containers
from ..devices.formats import backups
from ..formats import as_text
from ..registrations import record_fields
from ..registrations.formats import (
    events,
    fault_lists,
    journal,
    octet_counts,
    phone_table,
    query_strings,
    syslog,
)
from ..table_files import open_parquet, written_parquet
from ..texts.sentences import say

CERTIFICATES, TRUST, DEVICES, REGISTRATIONS, HANDSHAKES = (
    "certificates",
    "trust",
    "devices",
    "registrations",
    "handshakes",
)

FOLDER_NAMES = {
    CERTIFICATES: "certificates certificate certs cert zertifikate zertifikat",
    TRUST: "trust trusted trustlist trustlists trust_list trust_lists trust-lists vertrauen",
    DEVICES: "devices device pbx objects users inventory geräte geraete benutzer",
    REGISTRATIONS: "registrations registration registrierungen logs log events alarms syslog",
    HANDSHAKES: "captures capture pcap pcaps traces mitschnitte",
}
"""What folders are called, in English and German; a misspelt name counts as well."""
_KIND_OF_FOLDER = {
    name: kind for kind, names in FOLDER_NAMES.items() for name in names.split()
}
_SIMILAR = 0.8
"""How alike a folder's name and one of these have to be, from 0 to 1."""

_TEXT_SUFFIXES = ("", ".log", ".txt", ".text", ".out", ".old", ".syslog")
_NUMBERED = re.compile(r"\.[0-9]+$")
_KEY = re.compile(r'"([A-Za-z_][\w ./-]{0,40})"\s*:')
_MESSAGE = re.compile(r'"(?:mt|api)"\s*:\s*"(\w+)"')
_ELEMENT = re.compile(r"<(?:\w+:)?(\w+)")
_LOOKED_AT = 1 << 14
"""Characters of a file that are searched for keys and elements."""

_OBJECTS = {
    *(
        "devices",
        "hw",
        "h323",
        "e164",
        "hwid",
        "guid",
        "tls",
        "longname",
        "hardwareid",
    ),
    *("columns", "pseudo", "email", "grps", "node"),
}
_CELLS_OF_CERTIFICATES = {
    *("der", "pem", "certificate", "cert", "certificate_pem", "pem_certificate"),
    *("x509", "chain"),
}
_NAMES = {
    CERTIFICATES: {*schema.TRUST.names, *_CELLS_OF_CERTIFICATES},
    DEVICES: {*schema.DEVICES.names, *_OBJECTS},
    REGISTRATIONS: {
        *(name.lower() for name in (*record_fields.FIELDS, *events.KEYS)),
        *(name.lower() for name in journal.KEYS),
    },
}
"""Names of columns and keys that each kind of table has."""
_DISTINCTIVE = {
    kind: names.difference(*(_NAMES[other] for other in _NAMES if other != kind))
    for kind, names in _NAMES.items()
}
_MESSAGES = {
    **dict.fromkeys(("AddEvent", "AddAlarm", "AddLog"), REGISTRATIONS),
    **dict.fromkeys(("PbxTableUsers", "PbxAdminApi"), DEVICES),
}
"""What the messages of the vendor's interfaces hold."""
_ELEMENTS = {
    "certificate": CERTIFICATES,
    **dict.fromkeys(("user", "devices"), DEVICES),
    **dict.fromkeys(("event", "alarm", "fault"), REGISTRATIONS),
}
"""What XML holds, by the names of its elements."""


class Recogniser(NamedTuple):
    """A kind, and the test of a file's beginning for it."""

    kind: str
    sniff: Callable[[bytes], bool]


_BASE64_OF_DER = re.compile(rb"\s*M[A-P][0-9A-Za-z+/]{30}")
_BINARY = tuple(
    containers.CONTAINERS[name]
    for name in ("DER", "PKCS#12", "PKCS#7", "Java key store", "EFI signature list")
)
_WITHIN_TEXT = tuple(
    containers.CONTAINERS[name] for name in ("PEM", "URL-escaped text", "hex digits")
)


def _holds_certificate(head: bytes) -> bool:
    """Return True for PEM within text, escaped PEM, and hex or base64 that is nothing else."""
    if _BASE64_OF_DER.match(head):
        return bool(containers.CONTAINERS["base64"].sniff(head))
    return any(container.sniff(head) for container in _WITHIN_TEXT)


RECOGNISERS: tuple[Recogniser, ...] = (
    Recogniser(REGISTRATIONS, phone_table.sniff),
    Recogniser(REGISTRATIONS, query_strings.sniff),
    Recogniser(REGISTRATIONS, octet_counts.sniff),
    Recogniser(DEVICES, backups.sniff),
    Recogniser(REGISTRATIONS, syslog.sniff),
    Recogniser(CERTIFICATES, _holds_certificate),
)
"""The tests of files that are neither tables, JSON, XML nor binary, in the order of strictness."""

Own = Mapping[str, Mapping[str, str]]
"""What a caller's headings mean, by the kind of table."""


def kind_of(head: bytes, own: Own | None = None) -> str | None:
    r"""Return the kind of a file by its beginning; None where that does not tell.

    Examples
    --------
    >>> kind_of(b"-----BEGIN CERTIFICATE-----"), kind_of(b"time,state,serial")
    ('certificates', 'registrations')
    >>> kind_of(b'{"h323": "mara", "devices": [{"hw": "0090332f688a"}]}')
    'devices'
    >>> kind_of("Gerät;Name\n".encode(), {"devices": {"Gerät": "serial"}})
    'devices'
    """
    if begins_as_pem(head):
        return CERTIFICATES
    if captures.looks_like_capture(head) or captures.looks_like_monitor_log(head):
        return HANDSHAKES
    if any(form.sniff(head) for form in _BINARY):
        return CERTIFICATES
    text = as_text(head)
    beginning = text[:_LOOKED_AT].lstrip()
    if beginning.startswith(("{", "[")):
        return _kind_of_json(beginning)
    if beginning.startswith("<") and not syslog.sniff(head):
        is_list = fault_lists.sniff(head)
        return _kind_of_xml(beginning) or (REGISTRATIONS if is_list else None)
    if phone_table.sniff(head):
        return REGISTRATIONS
    if kind := _kind_of_table(text, own or {}):
        return kind
    # What begins with a byte-order mark, or is UTF-16, is tested as the text that it is.
    plain = text.encode("utf-8", "replace")
    return next((kind for kind, sniff in RECOGNISERS if sniff(plain)), None)


def kind_of_names(names: set[str]) -> str | None:
    """Return the kind of table that has such columns; None where two kinds have as many.

    Examples
    --------
    >>> kind_of_names({"hardware_id", "tls_only"}), kind_of_names({"serial"})
    ('devices', None)
    """
    counts = {
        kind: len(names & vocabulary) for kind, vocabulary in _DISTINCTIVE.items()
    }
    most = max(counts.values())
    kinds = [kind for kind, count in counts.items() if count == most]
    return kinds[0] if most and len(kinds) == 1 else None


def _kind_of_json(text: str) -> str | None:
    kinds = {_MESSAGES[word] for word in _MESSAGE.findall(text) if word in _MESSAGES}
    if len(kinds) == 1:
        return kinds.pop()
    return kind_of_names({name.lower() for name in _KEY.findall(text)})


def _kind_of_xml(text: str) -> str | None:
    names = (name.lower() for name in _ELEMENT.findall(text))
    return next((_ELEMENTS[name] for name in names if name in _ELEMENTS), None)


def _kind_of_table(text: str, own: Own) -> str | None:
    if set(schema.TRUST.names) <= headings(text):
        return TRUST
    rows = {
        kind: heading_rows.find(text, kind, own.get(kind, {}), is_heading)
        for kind, is_heading in heading_rows.IS_HEADING.items()
    }
    # Below the headings of another kind stand its values, not headings.
    first = min((row.number for row in rows.values() if row), default=0)
    meanings = {
        kind: row.columns for kind, row in rows.items() if row and row.number == first
    }
    return heading_rows.likeliest(meanings)


def kinds_of_workbook(data: bytes, own: Own) -> list[str]:
    """Return the kinds of the sheets of an Excel workbook, that of the first one first."""
    kinds: dict[str, dict[str, list[str | None]]] = {}
    for kind, is_heading in heading_rows.IS_HEADING.items():
        sheets = spreadsheets.sheets(data, kind, own.get(kind, {}), is_heading)
        for sheet in sheets:
            if sheet.error is None:
                kinds.setdefault(sheet.name, {})[kind] = sheet.columns
    likeliest = map(heading_rows.likeliest, kinds.values())
    return list(dict.fromkeys(kind for kind in likeliest if kind is not None))


def problem_of_workbook(data: bytes) -> str:
    """Return why an Excel workbook is no table that is known here."""
    sheets = spreadsheets.sheets(data, DEVICES, {}, heading_rows.names_devices)
    errors = (sheet.error for sheet in sheets if sheet.error is not None)
    return next(errors, say("reading.sources.unrecognised"))


def unread_headings(head: bytes, packed: bytes, kind: str, own: Own) -> str | None:
    """Return a note on the headings of a CSV file or a workbook that mean no column."""
    if kind not in heading_rows.IS_HEADING:
        return None
    own_columns, is_heading = own.get(kind, {}), heading_rows.IS_HEADING[kind]
    if spreadsheets.is_workbook(head):
        sheets = spreadsheets.sheets(packed, kind, own_columns, is_heading)
        rows = [
            (sheet.headings, sheet.columns) for sheet in sheets if not sheet.error
        ]
    else:
        row = heading_rows.find(as_text(head), kind, own_columns, is_heading)
        rows = [(row.headings, row.columns)] if row else []
    notes = (column_names.not_understood(*row, kind) for row in rows)
    return next(filter(None, notes), None)


def columns_of(columns: Mapping[str, str] | None) -> dict[str, dict[str, str]]:
    """Return the meanings that a caller gave headings, by the tables that have such a column.

    Raises
    ------
    CerttrustError
        If it is no mapping of text, or names a column that no table has.
    """
    if columns is None:
        return {}
    tables = {kind: set(column_names.names(kind)) for kind in heading_rows.IS_HEADING}
    every = set().union(*tables.values())
    if not isinstance(columns, Mapping) or not every.issuperset(columns.values()):
        column_names.checked(columns, REGISTRATIONS)
    return {
        kind: {heading: name for heading, name in columns.items() if name in names}
        for kind, names in tables.items()
    }


def kind_of_parquet(data: bytes) -> str | None:
    """Return the kind of a Parquet file; None where it is damaged or another table."""
    try:
        stored = open_parquet(data).schema_arrow
    except (ValueError, OSError):
        return None
    for name, table in schema.TABLES.items():
        if written_parquet(stored.metadata, table):
            return name.lower() if name.lower() in (*_NAMES, TRUST) else None
    return _kind_of_columns({name.lower() for name in stored.names})


def names_sources(data: bytes) -> bool:
    """Return True for a Parquet file whose rows may say which files they came from."""
    try:
        return "source" in open_parquet(data).schema_arrow.names
    except (ValueError, OSError):
        return False


def is_endpoints(data: bytes) -> bool:
    """Return True for the Parquet file of table ENDPOINTS, which lies beside certificates."""
    try:
        return bool(data) and written_parquet(
            open_parquet(data).schema_arrow.metadata, schema.ENDPOINTS
        )
    except (ValueError, OSError):
        return False


def _kind_of_columns(names: set[str]) -> str | None:
    """Return the kind of table that has such columns; one alone may be a coincidence."""
    kind = kind_of_names(names)
    is_sure = kind is not None and len(names & _NAMES[kind]) > 1
    return kind if is_sure or names & _CELLS_OF_CERTIFICATES else None


def is_report(names: set[str]) -> bool:
    """Return True for the headings of a CSV file that certtrust wrote about a fleet.

    Examples
    --------
    >>> is_report({"device", "cause", "why", "remedy"}), is_report({"device"})
    (True, False)
    """
    return any(marks <= names for marks in _REPORTS)


_REPORTS = (
    {"cause", "why", "remedy"},
    {"rank", "step", "devices_cumulative"},
    {"kind", "source", "place", "parse_error"},
    {"opens", "victim"},
    {"true_cause", "decidable"},
)
"""Headings of the files of a report, and of the truth about a simulated fleet."""


def headings(text: str) -> set[str]:
    """Return the cells of the first line in lower case, where it may be the heading of a table.

    Examples
    --------
    >>> sorted(headings("Time;State")), headings("no table")
    (['state', 'time'], set())
    """
    return {cell.lower() for cell in heading_rows.likely_headings(text)}


def begins_as_pem(head: bytes) -> bool:
    """Return True for the commonest files by far, which need no further look."""
    return head.startswith(b"-----BEGIN ")


def kind_of_folder(name: str) -> str | None:
    """Return the kind that a file's nearest telling folder is named after, misspelt or not.

    Examples
    --------
    >>> kind_of_folder("site 1/Zertifkate/a.pem"), kind_of_folder("a.pem")
    ('certificates', None)
    """
    return _kind_of_folders(name.rpartition("/")[0])


_NO_TRUST = re.compile(
    r"(?:un|dis|mis|non|not|no|nicht|kein) ?trust|\b(?:revoked|removed|rejected|blocked"
    r"|blacklist|gesperrt|entfernt|widerrufen|abgelehnt)\b"
)


def denies_trust(name: str) -> bool:
    """Return True for the names of files and folders of what is expressly not trusted.

    Examples
    --------
    >>> denies_trust("untrusted"), denies_trust("roots-removed.pem"), denies_trust("trust.pem")
    (True, True, False)
    """
    return _NO_TRUST.search(re.sub("[_-]", " ", name.lower())) is not None


@lru_cache(maxsize=1024)
def _kind_of_folders(folders: str) -> str | None:
    for folder in reversed(PurePosixPath(folders).parts):
        words = difflib.get_close_matches(
            folder.lower(), _KIND_OF_FOLDER, n=1, cutoff=_SIMILAR
        )
        if words and not denies_trust(folder):
            return _KIND_OF_FOLDER[words[0]]
    return None


def is_text(head: bytes, name: str) -> bool:
    """Return True for lines of text that may be a log, by their bytes and the file's name.

    Examples
    --------
    >>> is_text(b"link up", "phone.log"), is_text(b"link up", "notes.html")
    (True, False)
    """
    suffix = PurePosixPath(_NUMBERED.sub("", name)).suffix.lower()
    control = sum(head.count(byte) for byte in (b"\x00", b"\x01", b"\x02", b"\x7f"))
    return suffix in _TEXT_SUFFIXES and bool(head.strip()) and not control
