"""Named text fields to columns of REGISTRATIONS: what every format ends in."""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc

from . import field_values as typed
from .field_values import NOTHING, Columns, Notes, constant
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
"""Columns that the package's own CSV, JSON lines and Parquet may carry, in any order; others are passed over."""

AS_THEY_STAND = ("pbx", "registration_name", "interface", "remote_address", "code", "module", "details")


def from_fields(fields: Columns, notes: Notes) -> Columns:
    """Return the typed columns of text fields that are named like the columns; empty fields are missing."""
    trimmed = {name: typed.blank_to_null(text) for name, text in fields.items()}
    given = {name: text for name, text in trimmed.items() if text.null_count < len(text)}
    made: Columns = {name: given[name] for name in AS_THEY_STAND if name in given}
    if "time" in given:
        made["time"], made["clock_unset"] = typed.moments(given["time"], notes)
        made["time_by"] = typed.stamped(made["time"])
    if "clock_unset" in given:
        made["clock_unset"] = _either(typed.flags(given["clock_unset"], "clock_unset", notes), made.get("clock_unset"))
    made.update(_device(given, notes))
    if "protocol" in given:
        made["protocol"] = typed.protocols(given["protocol"])
    if "authentication" in given:
        made["authentication"] = typed.authentications(given["authentication"], notes)
    if "via_reverse_proxy" in given:
        made["via_reverse_proxy"] = typed.flags(given["via_reverse_proxy"], "via_reverse_proxy", notes)
    if "state" in given:
        made["state"] = typed.states(given["state"], notes)
    if "reason" in given:
        made["reason"] = typed.words(given["reason"], reasons).dictionary_decode()
    if "severity" in given:
        made["severity"] = typed.severities(given["severity"])
    if "fingerprint" in given:
        made["fingerprint"] = typed.fingerprints(given["fingerprint"])
    return typed.named(made)


def _either(one: Any, other: Any) -> Any:
    return one if other is None else pc.coalesce(pc.or_kleene(one, other), one, other)


def _device(given: Columns, notes: Notes) -> Columns:
    """Return serial and hardware ID; a serial in the place of a hardware ID is taken as what it is."""
    made: Columns = {}
    name = given.get("hardware_id")
    if name is not None:
        spelled = typed.hardware_ids(name)
        as_serial = typed.serials(name)
        # Soft clients' hardware IDs are free names, so any other text stands as it is.
        made["hardware_id"] = pc.if_else(pc.is_null(as_serial), pc.coalesce(spelled, name), NOTHING)
        made["serial"] = as_serial
    if "serial" in given:
        serial = typed.serials(given["serial"])
        notes.unread(given["serial"], serial, "the serial is not 12 hex digits")
        made["serial"] = pc.coalesce(serial, made["serial"]) if "serial" in made else serial
    return made


def host(text: Any) -> Columns:
    """Return the serial or hardware ID that a host names itself by; other host names give neither."""
    hardware_id = typed.hardware_ids(text)
    alone = hardware_id.null_count == text.null_count
    return {"hardware_id": hardware_id, "serial": constant(None, len(text)) if alone else typed.serials(text)}
