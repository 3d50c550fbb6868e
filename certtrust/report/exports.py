"""The report's content as files: the page with its CSV, JSON for programs, PNG for slides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from ..evaluation.rules import rules as all_rules
from ..history import FORMAT, state_of, state_tables
from ..schema import SOURCES, empty
from ..tables_for_people import Dialect
from ..whole_files import write_whole
from .content import Report
from .figures import write_pictures
from .head import head
from .page import page
from .spreadsheets import write_csv_files, write_workbook
from .summary_text import summarise

MONTHS = 24
"""How far ahead the JSON lists certificates that end."""

FORMAT_VERSION = 1
"""Raised when a key of the JSON is renamed or removed; keys may be added without it."""


def as_json(report: Report) -> str:
    """Return the whole content as JSON.

    Parameters
    ----------
    report : Report
        From `explain_fleet`.

    Returns
    -------
    str
        One object with fixed keys in a fixed order: format, version (raised when a key is renamed
        or removed), name, made, of (log or devices), summary (the numbers of the first lines),
        grounds (how much was understood), sentences (of the first screen), comparison (predicted,
        then observed), and the tables causes, failing, undecided, missing, remedies, forecast,
        impersonations, rules, inputs, problems and sources as lists of objects; where captures
        were read, also wire_outcomes, wire_proven, wire_contradicted, wire_authorities and
        wire_lengths; at the end state, which `certtrust.diff` compares: its version, when it was
        made, and its tables. Moments are ISO 8601 in UTC, what is missing is null.

    Examples
    --------
    >>> import certtrust as ct
    >>> from certtrust.report import explain_fleet
    >>> json.loads(as_json(explain_fleet(ct.simulate(20, seed=1), periods=1)))["version"]
    1
    """
    summary = summarise(report)._asdict()
    moments = {
        name: None if summary[name] is None else summary[name].isoformat()
        for name in ("first", "last")
    }
    comparison = {
        str(name): dict(row)
        for name, row in report.comparison.astype("object").iterrows()
    }
    tables = {
        "causes": report.causes,
        "failing": report.failing,
        "undecided": report.undecided,
        "missing": report.missing,
        "remedies": report.remedies,
        "forecast": report.forecast,
        "impersonations": report.impersonations,
        "rules": all_rules(),
        "inputs": report.inputs,
        "problems": report.problems,
        "sources": empty(SOURCES)
        if report.fleet.sources is None
        else report.fleet.sources,
    }
    if report.wire is not None:
        tables |= {f"wire_{name}": table for name, table in vars(report.wire).items()}
    about: dict[str, Any] = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "name": report.name,
        "made": report.made.isoformat(),
        "of": report.of,
        "summary": {**summary, **moments},
        "grounds": report.grounds._asdict(),
        "sentences": head(report).sentences,
        "comparison": comparison,
    }
    parts = [
        f"{json.dumps(name)}: {json.dumps(value, default=int)}"
        for name, value in about.items()
    ]
    parts += [
        f"{json.dumps(name)}: {records(table)}" for name, table in tables.items()
    ]
    parts.append(f'"state": {json.dumps(_state(report))}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _state(report: Report) -> dict[str, Any]:
    """Return what `certtrust.diff` compares of the report."""
    is_same = report.at == report.made and report.periods == MONTHS
    state = state_of(
        report.fleet,
        report.state,
        name=report.name,
        at=report.at,
        months=MONTHS,
        coming=report.endings if is_same else None,
    )
    return state_tables(state)


def records(table: pd.DataFrame) -> str:
    """Return the rows as a JSON list, one per line; line breaks in texts are escaped."""
    rows = str(
        table.to_json(orient="records", date_format="iso", date_unit="s", lines=True)
    ).splitlines()
    return "[\n" + ",\n".join(rows) + "\n]" if rows else "[]"


def write_report(
    report: Report,
    path: str | Path,
    *,
    json_path: str | Path | None = None,
    pictures: str | Path | None = None,
    dialect: Dialect | None = None,
    xlsx_path: str | Path | None = None,
) -> list[Path]:
    """Write the page with its tables beside it, and JSON, PNG and a workbook where asked for.

    Parameters
    ----------
    report : Report
        From `explain_fleet`.
    path : path
        The HTML file. Beside it, `NAME.csv` has all failing devices, `NAME-actions.csv` all
        actions, `NAME-impersonations.csv` who may register as whom, and `NAME-unread.csv` all that
        could not be read in full, where there are any; the folder `NAME-certificates` has the
        certificates that actions upload, as PEM.
    json_path : path, optional
        The JSON file.
    pictures : path, optional
        A folder for the charts as PNG, light and dark; made where it is absent.
    dialect : Dialect, optional
        How CSV is written for spreadsheets; by default that of the language.
    xlsx_path : path, optional
        An Excel workbook: a sheet each for failing devices, actions, certificates to renew, and
        what could not be read.

    Returns
    -------
    list of Path
        The files, the page first.
    """
    target = Path(path)
    write_whole(target, page(report, stem=target.stem).encode())
    written = [target]
    written += write_csv_files(report, target, dialect)
    if xlsx_path is not None:
        written.append(write_workbook(report, Path(xlsx_path), page=target))
    if json_path is not None:
        write_whole(json_path, as_json(report).encode())
        written.append(Path(json_path))
    if pictures is not None:
        written += write_pictures(report, Path(pictures))
    return written
