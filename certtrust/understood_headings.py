"""What the headings of files were taken for: a table for people who bring their own lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from . import column_names, heading_rows
from .errors import CerttrustError
from .formats import as_text, begin
from .json_values import values
from .sources import Source, sources
from .spreadsheets import is_workbook, sheets
from .table_files import open_parquet
from .texts.sentences import say

COLUMNS = ["source", "heading", "column", "nearest"]
_RECORDS = 100
"""Records of JSON whose keys are looked at."""


def headings(
    source: Any,
    table: str = "registrations",
    *,
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    r"""Return what each heading of tables, and each key of JSON records, was understood as.

    Parameters
    ----------
    source : path, glob, directory, bytes, str, open file, or an iterable of these
        CSV, Excel, JSON or Parquet; a file of another kind has no headings.
    table : str
        What they are read as: registrations, devices or certificates.
    columns : dict, optional
        Columns by headings of one's own, as `read_registrations` and `read_devices` take them.

    Returns
    -------
    DataFrame
        One row per heading, in order: source, heading, column (what it means, missing where it
        is not understood) and nearest (the column with the most similar name, for those).

    Raises
    ------
    CerttrustError
        If there is no such table, or `columns` names no column of it.
    SourceError
        If a path names nothing.

    Examples
    --------
    >>> headings("Seriennumer;Status;Zeit;Raum\n").fillna("-").values.tolist()[:2]
    [['<text>', 'Seriennumer', '-', 'serial'], ['<text>', 'Status', 'state', '-']]
    """
    if table not in heading_rows.IS_HEADING:
        tables = ", ".join(heading_rows.IS_HEADING)
        raise CerttrustError(
            say("errors.reading.no_headings", table=repr(table), tables=tables)
        )
    own = column_names.checked(columns, table)
    rows = [
        (file.name, heading, column, _nearest(heading, column, table))
        for file in sources(source)
        for heading, column in _of_file(file, table, own)
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype("str")


def _nearest(heading: str, column: str | None, table: str) -> str | None:
    return None if column else column_names.nearest(heading, table)


def _of_file(
    file: Source, table: str, own: Mapping[str, str]
) -> Iterator[tuple[str, str | None]]:
    """Yield the headings of a file and what they mean."""
    if file.error:
        return
    is_heading = heading_rows.IS_HEADING[table]
    try:
        with file.open() as opened:
            head, stream = begin(opened)
            if is_workbook(head):
                for sheet in sheets(stream.read(), table, own, is_heading):
                    pairs = zip(sheet.headings, sheet.columns, strict=True)
                    yield from (pair for pair in pairs if pair[0])
                return
            names: list[str] = []
            if head.startswith(b"PAR1"):
                names = open_parquet(stream.read()).schema_arrow.names
            elif as_text(head).lstrip("\ufeff \r\n\t").startswith(("{", "[")):
                names = list(filter(column_names.presentable, _keys(as_text(head))))
            else:
                row = heading_rows.find(as_text(head), table, own, is_heading)
                names = (
                    row.headings
                    if row
                    else heading_rows.likely_headings(as_text(head))
                )
    except (OSError, ValueError):
        return
    meanings = column_names.understood(names, table, own)
    yield from (
        (name, meaning) for name, meaning in zip(names, meanings, strict=True) if name
    )


def _keys(head: str) -> list[str]:
    """Return the keys of the first records of JSON, those of inner objects with dots."""
    keys: dict[str, None] = {}
    records = (
        value for value, error, _ in values(head, open_lists=True) if not error
    )
    for record, _ in zip(records, range(_RECORDS), strict=False):
        if isinstance(record, dict):
            keys |= dict.fromkeys(_dotted(record))
    return list(keys)


def _dotted(record: dict[str, Any]) -> Iterator[str]:
    for key, value in record.items():
        if isinstance(value, dict):
            yield from (f"{key}.{inner}" for inner in value)
        else:
            yield key
