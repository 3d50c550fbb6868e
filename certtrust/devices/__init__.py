"""PBX objects and device inventories of every documented form as one table, a row per device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import pandas as pd

from .. import heading_rows, schema
from ..column_names import checked
from ..errors import CerttrustError, SourceError
from ..formats import About, as_text, begin, recognise
from ..names import damaged_serials, device_ids
from ..sources import Source, sources
from ..texts.sentences import say
from .formats import FORMATS
from .formats.entries import Entry, failed

__all__ = ["read_devices", "shared_hardware_ids"]


def read_devices(
    source: Any,
    *,
    format: str | None = None,  # noqa: A002 - the public name
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    r"""Read the devices of PBX objects, and device inventories, into one row per device.

    Parameters
    ----------
    source : path, glob, directory, bytes, str, open file, or an iterable of these
        PBX objects as JSON (PbxTableUsers, PbxAdminApi), SOAP XML, configuration backup or
        import list, or the inventory of the Devices App, or columns of DEVICES as CSV, Excel,
        JSON or Parquet, with the usual headings in English and German; a directory may mix
        formats.
    format : str, optional
        json, xml, backup, csv, excel or parquet; by default, what each file begins with.
    columns : dict, optional
        Which column of DEVICES a heading of one's own means, in CSV, Excel and JSON:
        `{"Gerät": "hardware_id"}`. `certtrust.headings` shows what a file's headings are taken
        for.

    Returns
    -------
    DataFrame
        Table DEVICES (see `certtrust.columns`), in input order. Flags are three-valued: a flag
        that is inherited from a template (-1) or that the format does not have is missing. A
        user without devices gives no row, what cannot be read gives one with `parse_error`. A
        file that holds the whole table is read as it was written. A serial that a spreadsheet
        has spoilt is mended where it can only have been one, and `parse_error` says so.

    Raises
    ------
    SourceError
        If a path names nothing, or there is no such format.
    CerttrustError
        If `columns` names no column.

    Notes
    -----
    The names of the fields are those of the vendor's documentation of the PBX interfaces. That
    an absent flag of a device is false is inferred from its samples, in which only true ones
    are sent.

    Examples
    --------
    >>> user = '''{"h323": "user0", "devices": [
    ...     {"hw": "0090332f688a", "tls": true}, {"hw": "IP222-2f-68-8b"}]}'''
    >>> read_devices(user)[["user", "serial", "model", "tls_only"]].values.tolist()
    [['user0', '0090332f688a', nan, True], ['user0', nan, 'IP222', False]]
    """
    if format is not None and (not isinstance(format, str) or format not in FORMATS):
        raise SourceError(
            say(
                "errors.reading.unknown_format",
                format=repr(format),
                formats=", ".join(FORMATS),
            )
        )
    own = checked(columns, "devices")
    items = (item for file in sources(source) for item in _items(file, format, own))
    # Tables stay as they are; the entries between two of them become one.
    tables: list[pd.DataFrame] = []
    for is_table, group in groupby(
        items, lambda item: isinstance(item, pd.DataFrame)
    ):
        run: list[Any] = list(group)
        tables += run if is_table else [_table(run)]
    return pd.concat([schema.empty(schema.DEVICES), *tables], ignore_index=True)[
        schema.DEVICES.names
    ]


def _items(
    file: Source, form: str | None, own: dict[str, str]
) -> Iterator[Entry | pd.DataFrame]:
    """Yield the tables and the entries of a file."""
    if file.error:
        yield {"source": file.name, **failed(file.error)}
        return
    try:
        for item in _content(file, form, own):
            is_table = isinstance(item, pd.DataFrame)
            yield item if is_table else {"source": file.name, **item}
    except OSError as problem:
        yield {"source": file.name, **failed(f"reading stopped: {problem}")}


def _content(file: Source, form: str | None, own: dict[str, str]) -> Iterator[Any]:
    with file.open() as opened:
        head, stream = begin(opened)
        chosen = FORMATS[form] if form else recognise(FORMATS.values(), head)
        if chosen is None and own and FORMATS["csv"].sniff(head, own):
            chosen = FORMATS["csv"]
        if chosen is not None:
            about = About(file.name, file.modified, {"columns": own})
            yield from chosen.read(stream, about)
        elif as_text(head).strip():
            reason = f"no format of PBX objects is recognised; the formats are {', '.join(FORMATS)}"
            unread = heading_rows.unread_headings(as_text(head), "devices")
            yield failed("; ".join(filter(None, (reason, unread))))


def _table(entries: list[Any]) -> pd.DataFrame:
    """Return entries as a table, with serial and model completed from the hardware ID."""
    given = dict.fromkeys(name for entry in entries for name in entry)
    if unknown := [name for name in given if name not in schema.DEVICES.names]:
        raise CerttrustError(
            f"a format of device lists gives the cells {', '.join(unknown)}; the columns of "
            f"DEVICES are {', '.join(schema.DEVICES.names)}"
        )
    frame = schema.conform(
        pd.DataFrame(entries, columns=schema.DEVICES.names), schema.DEVICES
    )
    hardware_id = frame["hardware_id"]
    from_id = device_ids.serials(hardware_id)
    stated = device_ids.serials(frame["serial"])
    model_of_id = device_ids.hardware_ids(hardware_id)["model"]
    # What spreadsheets and people make of a serial; free names stand as they are.
    odd_id = hardware_id.where(from_id.isna() & model_of_id.isna())
    odd = frame["serial"].where(stated.isna())
    mended_id, mended = map(damaged_serials.mended_series, (odd_id, odd))
    is_handset = damaged_serials.is_ipei(odd)
    unread = (
        odd.notna() & mended["serial"].isna() & mended["note"].isna() & ~is_handset
    )
    not_read = pd.Series(pd.NA, frame.index, "str").mask(
        unread, "the serial is not 12 hex digits"
    )
    return frame.assign(
        hardware_id=mended_id["serial"]
        .fillna(hardware_id)
        .fillna(odd.where(is_handset)),
        serial=from_id.fillna(stated)
        .fillna(mended_id["serial"])
        .fillna(mended["serial"]),
        model=frame["model"].fillna(model_of_id),
        parse_error=_joined(
            frame["parse_error"], mended_id["note"], mended["note"], not_read
        ),
    )


def _joined(*notes: pd.Series) -> pd.Series:
    """Return the notes of each row, several of them parted by a semicolon."""
    joined, *others = notes
    for other in others:
        both = joined + "; " + other
        joined = both.fillna(joined).fillna(other)
    return joined


def shared_hardware_ids(devices: pd.DataFrame) -> pd.DataFrame:
    """Return the devices whose hardware ID more than one user has: only one can be right.

    Parameters
    ----------
    devices : DataFrame
        Table DEVICES.

    Returns
    -------
    DataFrame
        The rows concerned, with their index, sorted by hardware ID, and in front the columns
        identity (the hardware ID in one spelling, the serial where it is one) and users (how
        many users have it).

    Examples
    --------
    >>> one = '{"h323": "a", "devices": [{"hw": "0090332f688a"}]}'
    >>> other = '{"h323": "b", "devices": [{"hw": "00-90-33-2F-68-8A"}]}'
    >>> shared = shared_hardware_ids(read_devices([one, other]))
    >>> shared[["identity", "users", "user"]].values.tolist()
    [['0090332f688a', 2, 'a'], ['0090332f688a', 2, 'b']]
    """
    devices = schema.expect(devices, schema.DEVICES)
    user = devices[["pbx", "user", "long_name"]].astype("str").fillna("")
    # An inventory entry belongs to no user.
    has_user = devices["user"].notna() | devices["number"].notna()
    identity = device_ids.same_spelling(devices["hardware_id"]).where(has_user)
    number = user.groupby([identity, *user.columns], sort=False).ngroup()
    users = identity.map(number.groupby(identity).nunique())
    shared = devices.assign(identity=identity, users=users)[users > 1]
    front = ["identity", "users"]
    columns = [*front, *(name for name in shared if name not in front)]
    return shared[columns].sort_values("identity", kind="stable")
