"""States from what there is: a fleet, files of one, or the JSON of a report."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import CerttrustError
from ..fleet import Fleet, read_fleet
from ..json_values import loads, twins
from ..schema import MOMENT, Table, conform
from ..texts.sentences import say
from .state import TABLES, State, state_of

FORMAT = "certtrust report"
"""What the JSON of a report calls itself."""
VERSION = 1
"""Raised when a column of the tables of a state is renamed or removed."""

_HEAD = 64
_DATE = re.compile(r"(?<!\d)(\d{4})[-_.]?(\d{2})[-_.]?(\d{2})(?!\d{3})")
Source = Any


def state_tables(state: State) -> dict[str, Any]:
    """Return a state as the JSON of a report holds it: its version, and each table."""
    tables = {
        name: json.loads(
            getattr(state, name).to_json(
                orient="records", date_format="iso", date_unit="us"
            )
        )
        for name in TABLES
    }
    about = {"version": VERSION, "made": state.made.isoformat()}
    return {**about, "nameless": state.nameless, **tables}


def state_of_json(content: str | bytes, *, name: str) -> State:
    """Return the state that the JSON of a report holds.

    Parameters
    ----------
    content : str or bytes
        What `certtrust report --json` wrote.
    name : str
        What the source is called in an error.

    Raises
    ------
    CerttrustError
        If it is not such a file, if it is damaged, or if an older version wrote it, which did not
        keep what a comparison needs.
    """
    damaged = say("errors.history.damaged", source=name)
    try:
        report = loads(content)
    except (ValueError, RecursionError) as error:
        raise CerttrustError(damaged) from error
    if twins(report):
        raise CerttrustError(damaged)
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        raise CerttrustError(say("errors.history.no_report", source=name))
    state = report.get("state")
    if state is None:
        raise CerttrustError(say("errors.history.no_state", source=name))
    if not isinstance(state, dict) or not isinstance(report.get("name"), str):
        raise CerttrustError(damaged)
    if state.get("version") != VERSION:
        version = str(state.get("version"))
        raise CerttrustError(
            say("errors.history.version", source=name, version=version)
        )
    try:
        made = pd.Timestamp(state["made"]).as_unit("us")
        tables = {key: _table(state[key], table) for key, table in TABLES.items()}
        nameless = state["nameless"]
        if made.tzinfo is None or type(nameless) is not int:
            raise CerttrustError(damaged)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CerttrustError(damaged) from error
    made = made.tz_convert("UTC")
    return State(name=report["name"], made=made, nameless=nameless, **tables)


def _table(rows: Any, table: Table) -> pd.DataFrame:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TypeError(table.name)
    columns = {}
    for column in table:
        cells = pd.Series([row.get(column.name) for row in rows], dtype="object")
        is_text = column.dtype in ("str", "category")
        if is_text and not all(
            cell is None or isinstance(cell, str) for cell in cells
        ):
            raise TypeError(column.name)
        columns[column.name] = (
            pd.to_datetime(cells, utc=True, format="ISO8601").dt.as_unit("us")
            if column.dtype == MOMENT
            else cells
        )
    return conform(pd.DataFrame(columns), table)[table.names]


def read_state(
    source: Source,
    *,
    at: pd.Timestamp | str | None = None,
    months: int | None = 24,
    options: Mapping[str, Any] | None = None,
) -> State:
    """Return the state of a fleet, wherever it is kept.

    Parameters
    ----------
    source : State, Fleet, path, or anything that `read_fleet` reads
        The JSON of a report (`certtrust report --json`), a fleet that `Fleet.save` wrote, or a
        folder of files. A date in the name of a file or folder, such as 2026-11-30, says when it
        was made.
    at : Timestamp or str, optional
        The moment, if its name does not say it.
    months : int, optional
        How far ahead certificates are listed that end.
    options : mapping, optional
        Further arguments of `read_fleet`, such as passwords.

    Raises
    ------
    CerttrustError
        If the JSON of a report is damaged or too old.
    SourceError
        If there is no such file or folder.
    """
    if isinstance(source, State):
        return source
    if isinstance(source, Fleet):
        return state_of(source, at=at, months=months)
    name = None
    if isinstance(source, (str, os.PathLike)) and _is_path(source):
        path = Path(source)
        if path.is_file() and is_report(path):
            return state_of_json(path.read_bytes(), name=str(path))
        name = path.resolve().name
        at = date_in(name) if at is None else at
    fleet = read_fleet(source, **(options or {}))
    return state_of(fleet, name=name or "fleet", at=at, months=months)


def _is_path(source: str | os.PathLike[str]) -> bool:
    try:
        return Path(source).exists()
    except (OSError, ValueError):
        return False


def is_report(path: Path) -> bool:
    """Return True where a file begins like the JSON of a report."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    beginning = (
        head.removeprefix(b"\xef\xbb\xbf").replace(b" ", b"").replace(b"\n", b"")
    )
    beginning = beginning.replace(b"\r", b"").replace(b"\t", b"")
    wanted = json.dumps({"format": FORMAT}).replace(" ", "").encode()[:-1]
    return beginning.startswith(wanted)


def date_in(name: str) -> pd.Timestamp | None:
    """Return the date in the name of a file or folder, in UTC; None where there is none.

    Examples
    --------
    >>> date_in("fleet-2026-11-30"), date_in("20261130_fleet.json") == date_in("2026_11_30")
    (Timestamp('2026-11-30 00:00:00+0000', tz='UTC'), True)
    >>> date_in("009033112233") is None
    True
    """
    for parts in _DATE.findall(name):
        try:
            day = date(*map(int, parts))
        except ValueError:
            continue
        if 1990 <= day.year < 2200:
            return pd.Timestamp(day, tz="UTC").as_unit("us")
    return None
