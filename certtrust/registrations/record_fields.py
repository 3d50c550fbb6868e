"""Named text fields to columns of REGISTRATIONS: what every format ends in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import field_values as typed
from . import times
from .field_values import NOTHING, TEXT, Columns, Notes, constant
from .vocabulary import reasons

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
"""Columns that the package's own CSV, JSON lines and Parquet may carry, in any order; others
are passed over.
"""

AS_THEY_STAND = (
    "pbx",
    "registration_name",
    "interface",
    "remote_address",
    "code",
    "module",
    "details",
)


def from_fields(fields: Columns, notes: Notes) -> Columns:
    """Return the typed columns of text fields that are named like the columns; empty fields are
    missing.

    The time may also be Arrow's own timestamps.
    """
    trimmed = {
        name: typed.blank_to_null(field) if field.type == TEXT else field
        for name, field in fields.items()
    }
    given = {
        name: text for name, text in trimmed.items() if text.null_count < len(text)
    }
    made: Columns = {name: given[name] for name in AS_THEY_STAND if name in given}
    if "time" in given:
        made |= times.read(given["time"], notes)
    if "clock_unset" in given:
        made["clock_unset"] = _either(
            typed.flags(given["clock_unset"], "clock_unset", notes),
            made.get("clock_unset"),
        )
    made.update(_device(given, notes))
    if "protocol" in given:
        made["protocol"] = typed.protocols(given["protocol"])
    if "authentication" in given:
        made["authentication"] = typed.authentications(given["authentication"], notes)
    if "via_reverse_proxy" in given:
        made["via_reverse_proxy"] = typed.flags(
            given["via_reverse_proxy"], "via_reverse_proxy", notes
        )
    if "state" in given:
        made["state"] = typed.states(given["state"], notes)
    if "reason" in given:
        made["reason"] = typed.words(given["reason"], reasons).dictionary_decode()
    if "severity" in given:
        made["severity"] = typed.severities(given["severity"])
    if "fingerprint" in given:
        made["fingerprint"] = typed.fingerprints(given["fingerprint"])
    return typed.named(made)


KEPT = ("source", "line", "raw", "parse_error", "matched_by", "time_by")
"""Columns beside them in which a table says where its rows come from and what was wrong with
them.
"""


def from_table(columns: Columns, first: int, name: str) -> Columns:
    """Return the columns of a table of which the row `first` (from 1) of a file is the first
    one here.

    A table that this package wrote keeps where its rows came from and what was wrong with them; the
    rows of another one are numbered.
    """
    given = {key: _as_field(key, column) for key, column in columns.items()}
    count = len(next(iter(given.values()), ()))
    notes = Notes(pa.nulls(count, TEXT))
    made = from_fields({key: given[key] for key in FIELDS if key in given}, notes)
    made |= {key: given[key] for key in KEPT if key in given}
    made.setdefault("source", constant(name, count))
    made.setdefault("matched_by", constant("record", count))
    line = (
        given["line"].cast(pa.int64())
        if "line" in given
        else pa.array(np.arange(first, first + count))
    )
    problems = given.get("parse_error", pa.nulls(count, TEXT))
    return made | {"line": line, "parse_error": typed.first(problems, notes.text)}


def _as_field(name: str, column: Any) -> Any:
    """Return a column of any table as text, or as timestamps where it holds them."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if name == "time" and pa.types.is_timestamp(column.type):
        return column
    if pa.types.is_nested(column.type) or pa.types.is_null(column.type):
        return pa.nulls(len(column), TEXT)
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        cells = [
            cell and cell.decode("utf-8", "replace") for cell in column.to_pylist()
        ]
        return pa.array(cells, TEXT)
    return column.cast(TEXT)


def _either(one: Any, other: Any) -> Any:
    return one if other is None else pc.coalesce(pc.or_kleene(one, other), one, other)


def _device(given: Columns, notes: Notes) -> Columns:
    """Return serial and hardware ID; a serial in the place of a hardware ID is taken as what it
    is.
    """
    made: Columns = {}
    name = given.get("hardware_id")
    if name is not None:
        spelled = typed.hardware_ids(name)
        as_serial = typed.serials(name)
        # Soft clients' hardware IDs are free names, so any other text stands as it is.
        made["hardware_id"] = pc.if_else(
            pc.is_null(as_serial), pc.coalesce(spelled, name), NOTHING
        )
        made["serial"] = as_serial
    if "serial" in given:
        serial = typed.serials(given["serial"])
        notes.unread(given["serial"], serial, "the serial is not 12 hex digits")
        made["serial"] = (
            pc.coalesce(serial, made["serial"]) if "serial" in made else serial
        )
    return made


def host(text: Any) -> Columns:
    """Return the serial or hardware ID that a host names itself by; other host names give
    neither.
    """
    hardware_id = typed.hardware_ids(text)
    alone = hardware_id.null_count == text.null_count
    return {
        "hardware_id": hardware_id,
        "serial": constant(None, len(text)) if alone else typed.serials(text),
    }
