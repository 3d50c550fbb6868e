"""The report's content as files: the page with its CSV, JSON for programs, PNG for slides."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.compute as pc

from ..arrays import arrow
from ..evaluation.rules import rules as all_rules
from ..history import FORMAT, state_of, state_tables
from ..schema import SOURCES, empty
from ..texts.visible import each_on_one_line
from ..whole_files import write_whole
from .content import Report
from .figures import write_pictures
from .head import head
from .page import page
from .summary_text import summarise

MONTHS = 24
"""How far ahead the JSON lists certificates that end."""

FORMAT_VERSION = 1
"""Raised when a key of the JSON is renamed or removed; keys may be added without it."""

_SIGNS = "=+@|%\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212-"
"""Signs that begin a formula, also as wide, small and mathematical letters."""

_UNSEEN = '\\s\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\ufffd"'
"""What a spreadsheet may pass over before the sign: blanks, replaced letters, quotes."""

_FORMULA = f"^[{_UNSEEN}]*[{_SIGNS}]"
_FORMULA_AFTER_SEMICOLON = f";([{_UNSEEN}]*[{_SIGNS}])"
# Patterns without escapes of `re` beyond \s: Arrow's engine reads them in every version.

CELL = 32_000
"""Letters of a cell; what is longer than 32,767 goes on in the next cell of some spreadsheets."""


def guarded(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with texts of one line each, and an apostrophe where one would be run.

    The apostrophe also stands behind a semicolon, which separates cells in spreadsheets of many
    countries, whatever quotes are around the text.

    Examples
    --------
    >>> guarded(pd.DataFrame({"cn": ["=cmd()", "a;=1"], "n": [-1, 2]})).values.tolist()
    [["'=cmd()", -1], ["a;'=1", 2]]
    """
    texts = {}
    for name, column in frame.items():
        types = pd.api.types
        if not (
            types.is_numeric_dtype(column) or types.is_datetime64_any_dtype(column)
        ):
            texts[str(name)] = _guarded(column)
    return frame.assign(**texts)


def _guarded(column: pd.Series) -> pd.Series:
    lines = each_on_one_line(arrow.text(column.astype("str")))
    lines = pc.utf8_slice_codeunits(lines, 0, CELL)
    lines = pc.replace_substring_regex(lines, _FORMULA_AFTER_SEMICOLON, ";'\\1")
    lines = pc.replace_substring_regex(lines, f"({_FORMULA})", "'\\1")
    return pd.Series(pd.array(lines, dtype="str"), index=column.index)


def guarded_csv(frame: pd.DataFrame) -> bytes:
    """Return the frame as UTF-8 CSV that a spreadsheet opens without running anything in it."""
    text = guarded(frame).to_csv(
        index=False,
        date_format="%Y-%m-%d %H:%M:%S",
        quoting=csv.QUOTE_ALL,
        lineterminator="\r\n",
    )
    return text.encode("utf-8-sig", "replace")


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
    state = state_of(
        report.fleet,
        report.results,
        name=report.name,
        at=report.at,
        months=MONTHS,
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
) -> list[Path]:
    """Write the page with its tables as CSV beside it, and JSON and PNG pictures where asked for.

    Parameters
    ----------
    report : Report
        From `explain_fleet`.
    path : path
        The HTML file. Beside it, `NAME.csv` has all failing devices, `NAME-actions.csv` all
        actions, `NAME-impersonations.csv` who may register as whom, and `NAME-unread.csv` all that
        could not be read in full, where there are any.
    json_path : path, optional
        The JSON file.
    pictures : path, optional
        A folder for the charts as PNG, light and dark; made where it is absent.

    Returns
    -------
    list of Path
        The files, the page first.
    """
    target = Path(path)
    write_whole(target, page(report, stem=target.stem).encode())
    written = [target]
    tables = {
        "": report.failing,
        "-actions": report.remedies,
        "-impersonations": report.impersonations,
        "-unread": report.problems,
    }
    for ending, frame in tables.items():
        if len(frame):
            written.append(target.with_name(f"{target.stem}{ending}.csv"))
            write_whole(written[-1], guarded_csv(frame))
    if json_path is not None:
        write_whole(json_path, as_json(report).encode())
        written.append(Path(json_path))
    if pictures is not None:
        written += write_pictures(report, Path(pictures))
    return written
