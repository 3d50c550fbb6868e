"""What a file is: what it holds decides; the names of its folder and its own only help.

A kind is the table that a file goes into. `RECOGNISERS` is tried in order, the strictest first;
another kind is one more line in it, and its reader one in `reading.py`.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import NamedTuple

from .. import schema
from ..certificates import containers
from ..devices.formats import backups
from ..devices.formats import csv_lines as device_lines
from ..formats import as_text
from ..registrations import record_fields
from ..registrations.formats import csv_lines as registration_lines
from ..registrations.formats import (
    events,
    journal,
    phone_table,
    query_strings,
    syslog,
)
from ..table_files import open_parquet, written_parquet

CERTIFICATES, TRUST, DEVICES, REGISTRATIONS = (
    "certificates",
    "trust",
    "devices",
    "registrations",
)

FOLDER_NAMES = {
    CERTIFICATES: "certificates certificate certs cert zertifikate zertifikat",
    TRUST: "trust trusted trustlist trustlists trust_list trust_lists trust-lists vertrauen",
    DEVICES: "devices device pbx objects users inventory geräte geraete benutzer",
    REGISTRATIONS: "registrations registration registrierungen logs log events alarms syslog",
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
    for name in ("DER", "PKCS#12", "PKCS#7", "Java key store")
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
    Recogniser(REGISTRATIONS, query_strings.sniff),
    Recogniser(DEVICES, backups.sniff),
    Recogniser(REGISTRATIONS, phone_table.sniff),
    Recogniser(REGISTRATIONS, syslog.sniff),
    Recogniser(CERTIFICATES, _holds_certificate),
)
"""The tests of files that are neither tables, JSON, XML nor binary, in the order of strictness."""


def kind_of(head: bytes) -> str | None:
    """Return the kind of a file by its beginning; None where that does not tell.

    Examples
    --------
    >>> kind_of(b"-----BEGIN CERTIFICATE-----"), kind_of(b"time,state,serial")
    ('certificates', 'registrations')
    >>> kind_of(b'{"h323": "mara", "devices": [{"hw": "0090332f688a"}]}')
    'devices'
    """
    if head.startswith(b"-----BEGIN ") or any(form.sniff(head) for form in _BINARY):
        return CERTIFICATES
    text = as_text(head)
    beginning = text[:_LOOKED_AT].lstrip()
    if beginning.startswith(("{", "[")):
        return _kind_of_json(beginning)
    if beginning.startswith("<") and not syslog.sniff(head):
        return _kind_of_xml(beginning)
    if kind := _kind_of_table(head, text):
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
    counts = {kind: len(names & known) for kind, known in _DISTINCTIVE.items()}
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


def _kind_of_table(head: bytes, text: str) -> str | None:
    names = set(headings(text))
    if set(schema.TRUST.names) <= names:
        return TRUST
    if kind := _kind_of_columns(names):
        return kind
    is_log, is_list = registration_lines.sniff(head), device_lines.sniff(head)
    return None if is_log == is_list else REGISTRATIONS if is_log else DEVICES


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


def headings(text: str) -> list[str]:
    """Return the cells of the first line in lower case, where it is the heading of a table.

    Examples
    --------
    >>> headings("Time;State")
    ['time', 'state']
    >>> headings("no table")
    []
    """
    line = text.lstrip("\ufeff").partition("\n")[0].rstrip("\r")
    separator = max(",;\t|", key=line.count)
    if separator not in line:
        return []
    try:
        cells = next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []
    return [cell.strip().lower() for cell in cells]


def kind_of_folder(name: str) -> str | None:
    """Return the kind that a file's nearest telling folder is named after, misspelt or not.

    Examples
    --------
    >>> kind_of_folder("site 1/Zertifkate/a.pem"), kind_of_folder("a.pem")
    ('certificates', None)
    """
    for folder in reversed(PurePosixPath(name).parts[:-1]):
        words = difflib.get_close_matches(
            folder.lower(), _KIND_OF_FOLDER, n=1, cutoff=_SIMILAR
        )
        if words:
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
