"""PBX objects and device inventories of every documented form as one table, a row per device."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pandas as pd

from .. import identity, schema
from ..errors import SourceError
from ..sources import Source, sources
from . import json_objects
from .entries import Entry, failed

__all__ = ["read_devices"]

FORMATS: dict[str, ModuleType] = {each.NAME: each for each in (json_objects,)}


def read_devices(source: Any, *, format: str | None = None) -> pd.DataFrame:  # noqa: A002 - the public name
    """Read the devices of PBX objects into one row per device."""
    if format is not None and format not in FORMATS:
        raise SourceError(f"there is no format {format!r}; the formats are {', '.join(FORMATS)}")
    rows = [{**entry, "source": each.name} for each in sources(source) for entry in _entries(each, format)]
    frame = pd.DataFrame(rows, columns=schema.DEVICES.names)
    return schema.conform(_identified(frame), schema.DEVICES)


def _entries(source: Source, form: str | None) -> Iterator[Entry]:
    if source.error:
        yield failed(source.error)
        return
    try:
        with source.open() as stream:
            content = _decoded(stream.read())
    except OSError as problem:
        yield failed(f"reading stopped: {problem}")
        return
    chosen = FORMATS[form] if form else next((each for each in FORMATS.values() if each.sniff(content[:65536])), None)
    if chosen is not None:
        yield from chosen.read(content)
    elif content.strip():
        yield failed(f"no format of PBX objects is recognised; the formats are {', '.join(FORMATS)}")


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _identified(frame: pd.DataFrame) -> pd.DataFrame:
    """Complete serial and model from the hardware ID, where nothing else tells them."""
    hardware_id = frame["hardware_id"].astype("str")
    model = frame["model"].astype("str").fillna(identity.hardware_ids(hardware_id)["model"])
    return frame.assign(serial=identity.serials(hardware_id), model=model)
