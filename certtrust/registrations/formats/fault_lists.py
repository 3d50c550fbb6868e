"""Alarms and faults as a device lists them in XML (`cmd=xml-alarms`, `cmd=xml-faults`).

Known of these lists is that an entry has a type, a severity and a time, and a text in an element
of its own; the names of the elements are not documented, so any element with two of these
attributes is an entry. What else it has by the names of the event interface (code, host, serial,
source, details) is read likewise. The registrations that a PBX shows (`<reg ../>`) have
attributes that are not documented: each is a row that says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from ...formats import About, as_text
from ...xml_elements import walk
from .. import to_frame
from ..field_values import TEXT, Columns, Notes, constant
from ..line_format import Log, log_of
from ..text import lines, private_keys
from . import events

NAME = "xml"
_ELEMENT = re.compile(r"\s*<(?:[A-Za-z/?!]|$)")
_BEGINS = re.compile(r"\ufeff?\s*<(?:\?xml|!|[A-Za-z])")
_DOCUMENT_TYPE = re.compile(r"<!DOCTYPE", re.IGNORECASE)
_OF_ENTRY = {"type", "severity", "time", "date", "code"}
_SAMPLE = 20
_UNDOCUMENTED = "the attributes of a registration that a PBX shows are not documented"
_NO_ENTRY = "XML without an alarm or a fault that is known here"


def sniff(head: bytes) -> bool:
    """Return True where most lines of a file's beginning are elements."""
    text = as_text(head)
    if _BEGINS.match(text) is None:
        return False
    rows = [line for line in text.split("\n")[:_SAMPLE] if line.strip()]
    return 2 * sum(_ELEMENT.match(line) is not None for line in rows) >= len(rows)


def read(stream: BinaryIO, about: About) -> Iterator[Any]:
    """Yield the entries as one table."""
    data = stream.read()
    whole = lines.Chunk(b"".join(lines.as_utf8(BytesIO(data))), None)
    text = b"".join(
        chunk.data for chunk in private_keys.hidden(iter([whole]))
    ).decode("utf-8", "replace")
    log = log_of(data[:1024], about)
    entries, error = _entries(text)
    if error or not entries:
        entries.append(({}, "", error or _NO_ENTRY, 1))
    yield _table(entries, log)


Entry = tuple[dict[str, str], str, str | None, int]
"""Attributes and text of an element, why it is not read, and its line."""


def _entries(xml: str) -> tuple[list[Entry], str | None]:
    """Return the entries of the lists in a text, and why it could not be read to its end."""
    if _DOCUMENT_TYPE.search(xml[:4096]):
        return [], "not XML that is read here: a document type can define entities"
    entries: list[list[Any]] = []
    # For each open element, its name and the number of the entry that it is in.
    path: list[tuple[str, int | None]] = []

    def start(name: str, attributes: dict[str, str], line: int) -> None:
        inside = path[-1][1] if path else None
        named = {key.lower(): value for key, value in attributes.items()}
        if name == "reg":
            entries.append([named, "", _UNDOCUMENTED, line])
        elif len(_OF_ENTRY & set(named)) >= 2 and inside is None:
            entries.append([named, "", None, line])
            inside = len(entries) - 1
        elif inside is not None and name != "text":
            entries[inside][0].setdefault("details", _shown(name, attributes))
        path.append((name, inside))

    def end() -> None:
        path.pop()

    def characters(text: str) -> None:
        name, inside = path[-1] if path else ("", None)
        if inside is not None and text.strip():
            entries[inside][1] += text.strip() if name == "text" else ""

    error = walk(xml, start, end, characters)
    return [(named, text, why, line) for named, text, why, line in entries], error


def _shown(name: str, attributes: dict[str, str]) -> str:
    inside = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{inside}/>"


def _table(entries: list[Entry], log: Log) -> Any:
    count = len(entries)
    notes = Notes(pa.array([why for _, _, why, _ in entries], TEXT))
    fields: Columns = {
        key: pa.array([attributes.get(key) for attributes, *_ in entries], TEXT)
        for key in events.KEYS
    }
    texts = [text or attributes.get("text") for attributes, text, _, _ in entries]
    fields["text"] = pa.array(texts, TEXT)
    is_entry = [why is None for _, _, why, _ in entries]
    kinds = [
        _message(attributes) if entry else None
        for (attributes, *_), entry in zip(entries, is_entry, strict=True)
    ]
    fields["mt"] = pa.array(kinds, TEXT)
    columns = events.parse(fields, notes, log)
    raw = [
        private_keys.without_keys(
            _shown("entry", attributes | ({"text": text} if text else {}))
        )
        for attributes, text, _, _ in entries
    ]
    origin = {
        "source": constant(log.name, count),
        "line": pa.array(np.array([line for *_, line in entries])),
        "raw": pa.array(raw, TEXT),
        "parse_error": notes.text,
    }
    return to_frame.table(columns | origin, count)


def _message(attributes: dict[str, str]) -> str:
    """Return the message of the event interface that an entry corresponds to."""
    return "AddAlarm" if attributes.get("type", "").lower() == "alarm" else "AddEvent"
