"""PBX objects and device inventories as JSON: replication messages, object results, bare objects, lists of these.

A user object has `devices` with `hw` (PbxTableUsers, PbxAdminApi), an inventory entry of the Devices App has `hwId`.
In the documented samples only true flags are sent, so an absent flag of a device is read as false [inferred].
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from ...formats import About, as_text
from .entries import FLAGS, Entry, content, entries, failed, text

NAME = "json"
_DECODER = json.JSONDecoder()
_USER_KEYS = {"cn", "h323", "e164", "guid", "dn"}
_WRAPPERS = ("columns", "object", "user", "result", "objects", "users", "rows")


def sniff(head: bytes) -> bool:
    """Return True where the text begins an object or a list."""
    return as_text(head).lstrip().startswith(("{", "["))


def read(stream: BinaryIO, _: About) -> Iterator[Entry]:
    """Yield the entries of all objects in the text, one after the other or in lists."""
    for value, error in values(content(stream)):
        yield from [failed(error)] if error else _entries(value, 0)


def values(text: str) -> Iterator[tuple[Any, str | None]]:
    """Yield the JSON values that stand one after the other in a text, and why a line is none."""
    position = seen = 0
    line = 1
    while True:
        while position < len(text) and text[position] in " \t\r\n,\ufeff":
            position += 1
        if position >= len(text):
            return
        try:
            value, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            line += text.count("\n", seen, position)
            seen = position
            why = "nested too deep" if isinstance(error, RecursionError) else getattr(error, "msg", str(error))
            yield None, f"line {line} is not JSON: {why}"
            position = text.find("\n", position) + 1 or len(text)
        else:
            yield value, None


def _entries(value: Any, depth: int) -> Iterator[Entry]:
    if isinstance(value, list):
        for each in value:
            yield from _entries(each, depth)
    elif not isinstance(value, dict):
        yield failed(f"not a PBX object but a {type(value).__name__}")
    elif "hwId" in value:
        yield _inventoried(value)
    elif "devices" in value and isinstance(value["devices"], list) and any(_is_inventory(d) for d in value["devices"]):
        yield from _entries(value["devices"], depth + 1)
    elif "devices" in value or _USER_KEYS & value.keys():
        yield from _user(value)
    else:
        inner = [value[key] for key in _WRAPPERS if isinstance(value.get(key), dict | list)] if depth < 5 else []
        for each in inner:
            yield from _entries(each, depth + 1)
        if not inner and "mt" not in value:
            yield failed(f"not a PBX object: its keys are {', '.join(list(map(str, value))[:5]) or 'none'}")


def _is_inventory(device: Any) -> bool:
    return isinstance(device, dict) and "hwId" in device


def _user(user: dict[str, Any]) -> Iterator[Entry]:
    devices = user.get("devices")
    if devices is None:
        return
    if not isinstance(devices, list):
        yield {**next(entries(user, [{}], absent={})), **failed(f"devices is no list but a {type(devices).__name__}")}
        return
    yield from entries(user, devices, absent=dict.fromkeys(FLAGS.values(), False))


def _inventoried(device: dict[str, Any]) -> Entry:
    return {
        "hardware_id": text(device["hwId"]),
        "long_name": text(device.get("name")),
        "model": text(device.get("product")),
        "firmware": text(device.get("version")),
    }
