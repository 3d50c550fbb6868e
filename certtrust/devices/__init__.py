"""PBX objects and device inventories of every documented form as one table, a row per device."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pandas as pd

from .. import schema
from ..errors import SourceError
from ..names import device_ids
from ..sources import Source, sources
from .formats import backups, csv_lines, json_objects, xml_objects
from .formats.entries import Entry, failed

__all__ = ["read_devices", "shared_hardware_ids"]

FORMATS: dict[str, ModuleType] = {each.NAME: each for each in (json_objects, xml_objects, backups, csv_lines)}
"""The formats, in the order in which a file is tried for them."""


def read_devices(source: Any, *, format: str | None = None) -> pd.DataFrame:  # noqa: A002 - the public name
    r"""Read the devices of PBX objects, and device inventories, into one row per device.

    Parameters
    ----------
    source : path, glob, directory, bytes, str, open file, or an iterable of these
        PBX objects as JSON (PbxTableUsers, PbxAdminApi), SOAP XML, configuration backup or import list, or the
        inventory of the Devices App; a directory may mix formats.
    format : str, optional
        json, xml, backup or csv; by default each file's beginning tells.

    Returns
    -------
    DataFrame
        Table DEVICES (see `certtrust.columns`), in input order. Flags are three-valued: a flag that is inherited
        from a template (-1) or that the format does not tell is missing. A user without devices gives no row, what
        cannot be read gives one with `parse_error`.

    Raises
    ------
    SourceError
        If a path names nothing, or there is no such format.

    Notes
    -----
    The names of the fields are those of the vendor's documentation of the PBX interfaces. That an absent flag of a
    device is false is inferred from its samples, in which only true ones are sent.

    Examples
    --------
    >>> user = '{"h323": "user0", "devices": [{"hw": "0090332f688a", "tls": true}, {"hw": "IP222-2f-68-8b"}]}'
    >>> read_devices(user)[["user", "serial", "model", "tls_only"]].values.tolist()
    [['user0', '0090332f688a', nan, True], ['user0', nan, 'IP222', False]]
    """
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
    model = frame["model"].astype("str").fillna(device_ids.hardware_ids(hardware_id)["model"])
    return frame.assign(serial=device_ids.serials(hardware_id), model=model)


def shared_hardware_ids(devices: pd.DataFrame) -> pd.DataFrame:
    """Return the devices whose hardware ID stands at more than one user: only one of them can be meant.

    Parameters
    ----------
    devices : DataFrame
        Table DEVICES.

    Returns
    -------
    DataFrame
        The rows concerned, with their index, sorted by hardware ID, and in front the columns identity (the
        hardware ID in one spelling, the serial where it is one) and users (how many users have it).

    Examples
    --------
    >>> one = '{"h323": "a", "devices": [{"hw": "0090332f688a"}]}'
    >>> other = '{"h323": "b", "devices": [{"hw": "00-90-33-2F-68-8A"}]}'
    >>> shared_hardware_ids(read_devices([one, other]))[["identity", "users", "user"]].values.tolist()
    [['0090332f688a', 2, 'a'], ['0090332f688a', 2, 'b']]
    """
    owner = devices[["pbx", "user", "long_name"]].astype("str").fillna("")
    # An inventory entry belongs to no user.
    named = devices["user"].notna() | devices["number"].notna()
    identity_of = device_ids.same_spelling(devices["hardware_id"]).where(named)
    users = owner.groupby([identity_of, "pbx", "user", "long_name"], sort=False).ngroup().groupby(identity_of).nunique()
    count = identity_of.map(users)
    found = devices.assign(identity=identity_of, users=count)[count > 1]
    front = ["identity", "users"]
    return found[[*front, *(name for name in found if name not in front)]].sort_values("identity", kind="stable")
