"""Named text fields to columns of REGISTRATIONS: the last step of every format."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CerttrustError
from ..formats import DECISIVE, twice
from . import field_values, times
from .field_values import NULL, TEXT, Columns, Notes, constant, scatter, word
from .text.spans import as_mask, present

FIELDS = (
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
    "fingerprint",
    "code",
    "severity",
    "module",
    "details",
)
"""Columns that the package's own CSV, JSON lines and Parquet may have; others are ignored."""

PLAIN_TEXT = (
    "pbx",
    "registration_name",
    "interface",
    "remote_address",
    "code",
    "module",
    "details",
)
"""Fields that are taken as they stand."""

ORIGIN = ("source", "line", "raw", "parse_error", "matched_by", "time_by")
"""Columns beside the fields: where rows come from and what was wrong with them."""


def from_fields(
    fields: Columns,
    notes: Notes,
    clock: times.Clock = times.ANY_CLOCK,
    *,
    of_table: bool = False,
) -> Columns:
    """Return the typed columns of text fields that are named like them; empty ones are missing.

    The time may also be Arrow's own timestamps. In the column of a table more words say a state
    than in a message.
    """
    if unknown := [name for name in fields if name not in FIELDS]:
        raise CerttrustError(
            f"a format of logs gives the fields {', '.join(unknown)}; the fields of a record "
            f"are {', '.join(FIELDS)}"
        )
    fields = {
        name: field_values.blank_to_null(field) if field.type == TEXT else field
        for name, field in fields.items()
    }
    fields = {
        name: field for name, field in fields.items() if field.null_count < len(field)
    }
    columns: Columns = {name: fields[name] for name in PLAIN_TEXT if name in fields}
    if "time" in fields:
        columns |= times.read(fields["time"], notes, clock)
    if "clock_unset" in fields:
        stated = field_values.flags(fields["clock_unset"], "clock_unset", notes)
        columns["clock_unset"] = _either(stated, columns.get("clock_unset"))
    columns |= _device(fields, notes)
    if "protocol" in fields:
        columns["protocol"] = field_values.protocols(fields["protocol"])
    if "authentication" in fields:
        columns["authentication"] = field_values.authentications(
            fields["authentication"], notes
        )
    if "via_reverse_proxy" in fields:
        columns["via_reverse_proxy"] = field_values.flags(
            fields["via_reverse_proxy"], "via_reverse_proxy", notes
        )
    if "state" in fields:
        columns["state"] = field_values.states(
            fields["state"], notes, of_table=of_table
        )
    if "reason" in fields:
        columns["reason"] = field_values.reasons(fields["reason"])
    if "severity" in fields:
        columns["severity"] = field_values.severities(fields["severity"])
    if "fingerprint" in fields:
        columns["fingerprint"] = field_values.fingerprints(fields["fingerprint"])
    return field_values.complete_from_name(columns)


def without_twins(fields: Iterable[tuple[str, Any]], notes: Notes) -> Columns:
    """Return text fields by name; of a name that is there twice the first value counts.

    Where the fields of one name differ, that is noted, and what a verdict rests on is missing.
    """
    columns: Columns = {}
    for name, field in fields:
        if name not in columns:
            columns[name] = field
            continue
        twin, column = (
            field_values.blank_to_null(array)
            if array.type == TEXT
            else array.cast(TEXT)
            for array in (field, columns[name])
        )
        if name in DECISIVE:
            # As words: "Up" and "up" are no contradiction.
            differ = as_mask(pc.not_equal(pc.utf8_lower(column), pc.utf8_lower(twin)))
        else:
            differ = as_mask(pc.not_equal(column, twin))
        notes.add(differ, twice(name))
        column = field_values.coalesce(column, twin)
        if name in DECISIVE and differ.any():
            column = pc.if_else(pa.array(differ), field_values.NULL, column)
        columns[name] = column
    return columns


def from_table(
    table: list[tuple[str, Any]],
    first: int,
    name: str,
    clock: times.Clock = times.ANY_CLOCK,
) -> Columns:
    """Return the columns of a table whose first row here is row `first`, from 1, of a file.

    A table that this package wrote keeps where its rows came from and what was wrong with them; the
    rows of another one are numbered.
    """
    count = len(table[0][1]) if table else 0
    notes = Notes(pa.nulls(count, TEXT))
    fields = without_twins(
        [(key, _as_field(key, column, notes)) for key, column in table], notes
    )
    columns = from_fields(
        {key: fields[key] for key in FIELDS if key in fields}, notes, clock
    )
    columns |= {key: fields[key] for key in ORIGIN if key in fields}
    columns.setdefault("source", constant(name, count))
    columns.setdefault("matched_by", constant("record", count))
    columns["line"] = _line_numbers(fields.get("line"), first, count, notes)
    problems = fields.get("parse_error", pa.nulls(count, TEXT))
    if notes.text.null_count < count:
        problems = Notes(problems, notes.text).text
    return columns | {"parse_error": problems}


def origin(fields: Columns, notes: Notes) -> Columns:
    """Return where rows come from and what was wrong with them, as another file of ours says."""
    columns = dict(fields)
    if "line" in columns:
        count = len(columns["line"])
        columns["line"] = _line_numbers(columns["line"], None, count, notes)
    for name, field in columns.items():
        if field.type == TEXT:
            columns[name] = (
                field_values.blank_to_null(field) if name != "raw" else field
            )
    return columns


def _line_numbers(stored: Any, first: int | None, count: int, notes: Notes) -> Any:
    """Return the numbers of lines as stored, and those of the rows where there is none."""
    rows = pa.nulls(count, pa.int64())
    if first is not None:
        rows = pa.array(np.arange(first, first + count))
    if stored is None:
        return rows
    is_number = pc.match_substring_regex(stored, "^-?[0-9]{1,18}$")
    numbers = pc.if_else(is_number, stored, NULL).cast(pa.int64())
    notes.unread(stored, numbers, "the line is no number: the row's is given")
    return pc.if_else(pc.is_valid(stored), pc.coalesce(numbers, rows), numbers)


def _as_field(name: str, column: Any, notes: Notes) -> Any:
    """Return a column of any table as text, or as timestamps where it holds them."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if name == "time" and pa.types.is_timestamp(column.type):
        return column
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        cells = [
            None if cell is None else cell.decode("utf-8", "replace")
            for cell in column.to_pylist()
        ]
        return pa.array(cells, TEXT)
    try:
        return column.cast(TEXT)
    except pa.ArrowException:
        text = pa.nulls(len(column), TEXT)
        notes.unread(column, text, f"the column {name} holds {column.type}, not text")
        return text


def _either(stated: Any, seen: Any) -> Any:
    """Return the flags ORed, where one may be missing."""
    if seen is None:
        return stated
    return pc.coalesce(pc.or_kleene(stated, seen), stated, seen)


def _device(fields: Columns, notes: Notes) -> Columns:
    """Return serial and hardware ID; a serial in the field of the hardware ID is a serial."""
    columns: Columns = {}
    hardware_id = fields.get("hardware_id")
    if hardware_id is not None:
        spelled = field_values.hardware_ids(hardware_id)
        serial = constant(None, len(hardware_id))
        if spelled.null_count > hardware_id.null_count:
            rest = pc.if_else(pa.array(present(spelled)), NULL, hardware_id)
            serial = field_values.serials(rest)
            if serial.null_count > rest.null_count:
                serial = field_values.mended_serials(rest, serial, notes)
        # Soft clients' hardware IDs are free names, so any other text stands as it is.
        spelled = field_values.coalesce(spelled, hardware_id)
        columns["hardware_id"] = pc.if_else(pc.is_null(serial), spelled, NULL)
        columns["serial"] = serial
    if "serial" in fields:
        stated = fields["serial"]
        serial = field_values.serials(stated)
        if serial.null_count > stated.null_count:
            serial = field_values.mended_serials(
                stated, serial, notes, "the serial is not 12 hex digits"
            )
            handset = field_values.ipeis(stated)
            columns["hardware_id"] = field_values.coalesce(
                columns.get("hardware_id"), handset
            )
        if "serial" in columns:
            serial = pc.coalesce(serial, columns["serial"])
        columns["serial"] = serial
    return columns


_OF_ADDRESS = (
    r"(?i):(?P<first>0?290:33|8290:33|0?201:3e)ff:fe"
    r"(?P<fourth>[0-9a-f]{2}):(?P<rest>[0-9a-f]{1,4})(?:$|[\]%/])"
)


def complete_from_address(columns: Columns, notes: Notes) -> Columns:
    """Fill in the serial that an IPv6 address is made of, where a row names no device at all.

    That addresses of devices are made so (EUI-64) is seen in the vendor's samples, and the rule
    is inferred from them, so the row says where its serial comes from.
    """
    address = columns.get("remote_address")
    if address is None or address.null_count == len(address):
        return columns
    names_device = np.logical_or.reduce(
        [
            present(columns[name])
            for name in ("serial", "hardware_id", "registration_name")
            if name in columns
        ]
        or [np.zeros(len(address), bool)]
    )
    rows = np.flatnonzero(~names_device & present(address))
    if not len(rows):
        return columns
    serial = scatter(_serial_in(address.take(pa.array(rows))), rows, len(address))
    proxied = columns.get("via_reverse_proxy")
    if proxied is not None:
        serial = pc.if_else(pc.fill_null(proxied, False), NULL, serial)
    notes.add(present(serial), "the serial is taken from the IPv6 address")
    return columns | {"serial": field_values.coalesce(columns.get("serial"), serial)}


def _serial_in(address: Any) -> Any:
    """Return the serial of an EUI-64 address of an innovaphone device."""
    parts = pc.extract_regex(address, _OF_ADDRESS)
    first = pc.struct_field(parts, "first")
    beginning = pc.if_else(
        pc.match_substring_regex(first, "(?i)3e"), word("00013e"),
        pc.if_else(pc.starts_with(first, "8"), word("809033"), word("009033")),
    )  # fmt: skip
    rest = pc.utf8_lpad(pc.struct_field(parts, "rest"), 4, "0").cast(TEXT)
    fourth = pc.struct_field(parts, "fourth").cast(TEXT)
    return pc.utf8_lower(
        pc.binary_join_element_wise(beginning, fourth, rest, word(""))
    )


def host(text: Any) -> Columns:
    """Return the serial or hardware ID that a host is called by; other host names give neither."""
    hardware_id = field_values.hardware_ids(text)
    if hardware_id.null_count == text.null_count:
        serial = constant(None, len(text))
    else:
        serial = field_values.serials(text)
    return {"hardware_id": hardware_id, "serial": serial}
