"""PBX objects and device inventories as JSON: messages, results, bare objects, lists of these.

A user object has `devices` with `hw` (PbxTableUsers, PbxAdminApi), an inventory entry of the
Devices App has `hwId`. In the documented samples only true flags are sent, so an absent flag of
a device is read as false [inferred].

Both interfaces also send what changes: the last message of a file about an object holds all of it,
and an object that was taken away gives no row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from ...column_names import understood
from ...formats import DECISIVE, About, as_text
from ...json_values import all_values, note_on_twins, twins, values
from ...names.device_ids import SERIAL
from .entries import (
    FLAGS,
    Entry,
    content,
    entries,
    failed,
    noted,
    own_entry,
    text,
    without_twins,
)

NAME = "json"
_USER_KEYS = {"cn", "h323", "e164", "guid", "dn"}
_WRAPPERS = (
    "columns",
    "object",
    "user",
    "result",
    "objects",
    "users",
    "rows",
    "device",
    "devices",
)
_CHANGES = {
    "ReplicateNextResult",
    "ReplicateAdd",
    "ReplicateUpdate",
    "GetDevicesResult",
} | {
    *(
        "DeviceAdded",
        "DeviceUpdate",
        "DeviceProvisioned",
        "GetProvisionedDeviceResult",
    )
}
"""Messages that hold all of an object as it is from then on."""
_REMOVALS = {"ReplicateDel", "DeviceRemoved"}
_WITHOUT_OBJECTS = {
    "ReplicateStart",
    "ReplicateStartResult",
    "ReplicateNext",
    "GetDevices",
}
_SHOWN = 40
"""Characters of a key that a reason quotes."""
_WRAPPED = 5
"""Levels of wrappers around an object."""


_OWN_RECORD = "a record with columns of DEVICES"


class Item(NamedTuple):
    """An object, or why there is none, and the message that it came in."""

    value: Any
    error: str | None = None
    message: str = ""


def sniff(head: bytes) -> bool:
    """Return True where the text begins an object or a list."""
    return as_text(head).lstrip().startswith(("{", "["))


def read(stream: BinaryIO, about: About) -> Iterator[Entry]:
    """Yield the entries of all objects in the text, one after the other or in lists."""
    own = about.options.get("columns") or {}
    items = [
        item
        for value, error, _ in values(content(stream))
        for item in ([Item(None, error)] if error else _objects(value, own))
    ]
    for item in _latest(items):
        if item.error:
            yield failed(item.error)
        elif item.message == _OWN_RECORD:
            yield own_entry(without_twins(item.value))
        elif "hwId" in item.value or _is_sysclient(item.value):
            yield _inventory_entry(item.value)
        else:
            yield from _user_entries(item.value)


def _latest(items: list[Item]) -> list[Item]:
    """Return the last message about each object, and none where that takes the object away."""
    kept: list[Item] = []
    later: set[tuple[str, str]] = set()
    for item in reversed(items):
        if item.error or item.message not in _CHANGES | _REMOVALS:
            kept.append(item)
            continue
        names = ("guid",) if item.message.startswith("Replicate") else ("hwId", "id")
        keys = {
            (name, str(item.value[name])) for name in names if item.value.get(name)
        }
        if item.message not in _REMOVALS:
            kept += [] if keys & later else [item]
        elif not keys:
            error = f"a message {item.message} that does not say what was taken away"
            kept.append(Item(None, error))
        later |= keys
    return kept[::-1]


def _objects(
    value: Any, own: Mapping[str, str], message: str = "", depth: int = 0
) -> Iterator[Item]:
    """Yield the user objects and inventory entries in a value, and what is neither."""
    if isinstance(value, list):
        for item in value:
            yield from _objects(item, own, message, depth)
        return
    if not isinstance(value, dict):
        yield Item(None, f"not a PBX object but a {type(value).__name__}")
        return
    kind = str(value.get("mt", ""))
    message = kind or message
    if message in _WITHOUT_OBJECTS:
        return
    inner = [
        item
        for key in _WRAPPERS
        for item in all_values(value, key)
        if isinstance(item, dict | list)
    ]
    if "hwId" in value or _is_sysclient(value):
        yield Item(value, message=message)
    elif any(map(_is_inventory, _devices(value))):
        yield from _objects(_devices(value), own, message, depth + 1)
    elif _is_object(value, message):
        yield Item(value, message=message)
    elif not kind and (cells := _own_cells(value, own)):
        yield Item(cells, message=_OWN_RECORD)
    elif inner and depth < _WRAPPED:
        for item in inner:
            yield from _objects(item, own, message, depth + 1)
    elif kind:
        yield Item(
            None, f"a message {kind[:_SHOWN]} without a PBX object or a device"
        )
    else:
        keys = ", ".join(key[:_SHOWN] for key in list(value)[:5]) or "none"
        yield Item(None, f"not a PBX object: its keys are {keys}")


def _own_cells(
    value: dict[str, Any], own: Mapping[str, str]
) -> list[tuple[str, Any]]:
    """Return the cells of a record whose keys mean columns; none where it names no device."""
    ambiguous = {key for key, _ in getattr(value, "others", ())}
    columns = understood(list(value), "devices", own)
    cells = [
        (column, value[key])
        for key, column in zip(value, columns, strict=True)
        if column is not None
        and not isinstance(value[key], dict | list)
        and not (column in DECISIVE and key in ambiguous)
    ]
    if not any(cell for column, cell in cells if column in _NAMES_OF_DEVICE):
        return []
    return [*cells, ("parse_error", note)] if (note := _note(value)) else cells


_NAMES_OF_DEVICE = {"hardware_id", "serial"}


def _note(value: dict[str, Any], *, but: str = "") -> str | None:
    """Return the note on keys of an object that have different values."""
    keys = [key for key in twins(value) if key.partition(".")[0] != but]
    if not keys:
        return None
    meanings = understood(keys, "devices")
    return note_on_twins(
        keys,
        [
            key
            for key, meaning in zip(keys, meanings, strict=True)
            if meaning in DECISIVE or key in FLAGS.values()
        ],
    )


def _devices(value: dict[str, Any]) -> list[Any]:
    """Return the devices of an object, of all lists where it has several."""
    lists = all_values(value, "devices")
    return [device for one in lists if isinstance(one, list) for device in one]


def _is_object(value: dict[str, Any], message: str) -> bool:
    """Return True for a user object, and for what names one, or a device, that was taken away."""
    if message in _REMOVALS and "id" in value:
        return True
    return "devices" in value or not _USER_KEYS.isdisjoint(value)


def _is_inventory(device: Any) -> bool:
    return isinstance(device, dict) and "hwId" in device


def _is_sysclient(value: dict[str, Any]) -> bool:
    """Return True for what a device says of itself to the Devices App, by its serial as `id`."""
    return (
        "product" in value and re.fullmatch(SERIAL, str(value.get("id"))) is not None
    )


def _user_entries(user: dict[str, Any]) -> Iterator[Entry]:
    note = _note(user, but="devices")
    for unread in all_values(user, "devices"):
        if unread is not None and not isinstance(unread, list):
            reason = f"devices is no list but a {type(unread).__name__}"
            of_user = next(entries(user, [{}], absent={}))
            yield noted({**of_user, **failed(reason)}, note)
    devices = _devices(user)
    absent: dict[str, bool | None] = dict.fromkeys(FLAGS.values(), False)
    for device, entry in zip(
        devices, entries(user, devices, absent=absent), strict=True
    ):
        of_device = _note(device) if isinstance(device, dict) else None
        yield noted(noted(entry, note), of_device)


def _inventory_entry(device: dict[str, Any]) -> Entry:
    entry = {
        "hardware_id": text(device.get("hwId", device.get("id"))),
        "long_name": text(device.get("name")),
        "model": text(device.get("product")),
        "firmware": text(device.get("version")),
    }
    return noted(entry, _note(device))
