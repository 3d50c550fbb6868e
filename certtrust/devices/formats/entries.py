"""Entries, the result of every format: one per device, with flags true, false or unknown."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from ... import schema
from ...formats import DECISIVE, FALSE, TRUE, twice

Entry = dict[str, Any]
"""Cells of DEVICES by column name; what is absent is missing."""

OWN = {
    name: name
    for name in schema.DEVICES.names
    if name not in ("source", "parse_error")
}
"""Columns that the package's own CSV and Parquet may have; others are ignored."""

FLAGS = {"tls_only": "tls", "reverse_proxy": "trusted"}
"""What a device calls the columns of flags."""


def content(stream: BinaryIO) -> str:
    """Return a whole file as text: UTF-8 or UTF-16, and Latin-1 where it is neither.

    Lone surrogates, which no text can hold, become question marks.
    """
    data = stream.read()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    for codec, errors in (("utf-8-sig", "strict"), ("utf-8", "surrogatepass")):
        with suppress(UnicodeDecodeError):
            return data.decode(codec, errors).encode("utf-8", "replace").decode()
    return data.decode("latin-1")


def text(value: Any) -> str | None:
    """Return a cell as trimmed text; what is empty or no plain value is missing."""
    if isinstance(value, str) and value.isascii():  # almost every cell
        return value.strip() or None
    if value is None or isinstance(value, dict | list | bool) or value != value:
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return str(value).encode("utf-8", "replace").decode().strip() or None


def flag(value: Any) -> bool | None:
    """Return true or false; -1 (inherited from a template) and all other values are unknown."""
    if isinstance(value, bool):
        return value
    word = text(value)
    if word is None:
        return None
    word = word.lower()
    return True if word in TRUE else False if word in FALSE else None


def own_entry(cells: Entry) -> Entry:
    """Return the entry of cells that are named like columns of DEVICES."""
    entry: Entry = {name: text(cell) for name, cell in cells.items()}
    flags = {name: flag(cells[name]) for name in FLAGS if name in cells}
    unread = [
        name
        for name, value in flags.items()
        if value is None and not _is_plain(entry[name])
    ]
    if unread:
        notes = "; ".join(f"{name} is neither true nor false" for name in unread)
        return noted(entry | flags, notes)
    return entry | flags


def without_twins(cells: Iterable[tuple[str, Any]]) -> Entry:
    """Return cells by name; of a name that is there twice the first cell that is not empty counts.

    Where cells of one name differ, `parse_error` says so, and what a verdict rests on is missing.
    """
    entry: Entry = {}
    twins: list[str] = []
    for name, cell in cells:
        value = text(cell) if isinstance(cell, str) else cell
        if value is None:
            continue
        kept = entry.setdefault(name, value)
        if kept is not value and not _is_same(name, kept, value):
            twins.append(name)
    if not twins:
        return entry
    entry |= dict.fromkeys(DECISIVE.intersection(twins))
    return noted(entry, "; ".join(map(twice, dict.fromkeys(twins))))


def _is_same(name: str, value: Any, other: Any) -> bool:
    return flag(value) == flag(other) if name in FLAGS else bool(value == other)


def of_table(names: list[str], rows: Iterable[tuple[Any, ...]]) -> Iterator[Entry]:
    """Yield the entries of the rows of a table with any columns of DEVICES.

    A table that has them all keeps its rows without a device, and what it says of its rows.
    """
    is_whole = set(schema.DEVICES.names) <= set(names)
    kept = schema.DEVICES.names if is_whole else list(OWN)
    for row in rows:
        cells = zip(names, row, strict=True)
        entry = without_twins((name, cell) for name, cell in cells if name in kept)
        if is_whole or entry.get("hardware_id") or entry.get("serial"):
            yield own_entry(entry)


def noted(entry: Entry, note: str | None) -> Entry:
    """Return an entry with one more note."""
    notes = filter(None, (text(entry.get("parse_error")), note))
    return {**entry, **failed("; ".join(notes))} if note else entry


def failed(error: str) -> Entry:
    """Return the entry of something that could not be read."""
    return {"parse_error": text(error)}


def entries(
    user: dict[str, Any], devices: list[Any], *, absent: dict[str, bool | None]
) -> Iterator[Entry]:
    """Yield the entries of a user's devices; `absent` has the value of a flag that is not there."""
    user_cells = {
        "pbx": text(user.get("loc")),
        "user": text(user.get("h323")),
        "long_name": text(user.get("cn")),
        "number": text(user.get("e164")),
        "location": text(user.get("node")),
    }
    for device in devices:
        if isinstance(device, dict):
            yield user_cells | _device(device, absent)
        else:
            error = f"a device that is no object but a {type(device).__name__}"
            yield user_cells | failed(error)


def _device(device: dict[str, Any], absent: dict[str, bool | None]) -> Entry:
    ambiguous = {key for key, _ in getattr(device, "others", ())}
    flags = {
        name: flag(device[key]) if key in device else absent.get(key)
        for name, key in FLAGS.items()
        if key not in ambiguous
    }
    hardware_id = text(device.get("hw"))
    problems = [] if hardware_id else ["a device without a hardware ID (hw)"]
    problems += [
        f"{key} is neither true nor false"
        for key in FLAGS.values()
        if not _is_plain(device.get(key))
    ]
    notes = failed("; ".join(problems)) if problems else {}
    return {**flags, "hardware_id": hardware_id, **notes}


def _is_plain(value: Any) -> bool:
    """Return True where a flag is true, false, inherited or empty."""
    return value in (None, "", -1, "-1") or flag(value) is not None
