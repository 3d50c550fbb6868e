"""What every format of PBX objects ends in: one entry per device, and flags that are true, false or unknown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Entry = dict[str, Any]
"""Cells of DEVICES by column name; what is absent is missing."""

FLAGS = {"tls_only": "tls", "reverse_proxy": "trusted"}
"""Columns of flags by what a device calls them."""

_TRUE = {"true", "1", "on", "yes"}
_FALSE = {"false", "0", "off", "no"}


def text(value: Any) -> str | None:
    """Return a cell as trimmed text; what is empty or no plain value is missing."""
    if value is None or isinstance(value, dict | list | bool):
        return None
    return str(value).encode("utf-8", "replace").decode().strip() or None


def flag(value: Any) -> bool | None:
    """Return true or false; -1 (inherited from the config template) and every other value is unknown."""
    if isinstance(value, bool):
        return value
    word = (text(value) or "").lower()
    return True if word in _TRUE else False if word in _FALSE else None


def failed(error: str) -> Entry:
    """Return the entry of something that could not be read."""
    return {"parse_error": error}


def entries(user: dict[str, Any], devices: list[Any], *, absent: dict[str, bool | None]) -> Iterator[Entry]:
    """Yield the entries of a user object's devices; `absent` is what a flag is that a device does not have."""
    about = {
        "pbx": text(user.get("loc")),
        "user": text(user.get("h323")),
        "long_name": text(user.get("cn")),
        "number": text(user.get("e164")),
        "location": text(user.get("node")),
    }
    for device in devices:
        if not isinstance(device, dict):
            yield {**about, **failed(f"a device that is no object but a {type(device).__name__}")}
            continue
        flags = {name: flag(device[key]) if key in device else absent.get(key) for name, key in FLAGS.items()}
        hardware_id = text(device.get("hw"))
        problems = [] if hardware_id else ["a device without a hardware ID (hw)"]
        problems += [f"{key} is neither true nor false" for key in FLAGS.values() if not _is_plain(device.get(key))]
        noted = failed("; ".join(problems)) if problems else {}
        yield {**about, **flags, "hardware_id": hardware_id, **noted}


def _is_plain(value: Any) -> bool:
    """Tell whether a flag is true, false, inherited or empty."""
    return value in (None, "", -1, "-1") or flag(value) is not None
