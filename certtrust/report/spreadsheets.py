"""The tables of a report for spreadsheets: CSV beside the page, one workbook, PEM as files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ..handover.file_names import file_names
from ..monitoring import renewals
from ..tables_for_people import Dialect, guarded_csv, workbook
from ..texts.sentences import current_language, say, sentences
from ..texts.translation import translated
from ..whole_files import write_whole
from .content import Report

_COLUMNS = {
    "failing": (
        *("device", "long_name", "number", "pbx", "model", "registration_name"),
        *("subject_cn", "title", "evidence", "attempts", "first", "last", "why"),
        *("remedy", "actions"),
    ),
    "actions": (
        *("rank", "action", "pbx", "device", "step", "price", "instead", "attempts"),
        *("devices", "attempts_cumulative", "devices_cumulative", "pem_file"),
    ),
    "renewals": (
        *(
            "role",
            "device",
            "subject_cn",
            "issuer_cn",
            "ends",
            "days_left",
            "devices",
        ),
        "source",
    ),
    "unread": ("kind", "source", "place", "parse_error"),
}
"""The sheets of the workbook, and the columns of each."""

_NOT_SOON = ("later", "not known")


class PemFile(NamedTuple):
    """A certificate to upload, as a file beside the tables."""

    name: str
    content: str


def write_csv_files(
    report: Report, page: Path, dialect: Dialect | None = None
) -> list[Path]:
    """Write the tables as CSV beside the page, and the certificates to upload as PEM files.

    Parameters
    ----------
    report : Report
        From `explain_fleet`.
    page : path
        The page, after which the files are named.
    dialect : Dialect, optional
        How cells are separated and fractions written; by default that of the language.

    Returns
    -------
    list of Path
        The files: NAME.csv, NAME-actions.csv, NAME-impersonations.csv and NAME-unread.csv, where
        there is anything, and those of the folder NAME-certificates.
    """
    actions, pem_files = _actions(report, folder=f"{page.stem}-certificates")
    tables = {
        "": report.failing,
        "-actions": actions,
        "-impersonations": report.impersonations,
        "-unread": _unread(report),
    }
    written = []
    for ending, frame in tables.items():
        if len(frame):
            written.append(page.with_name(f"{page.stem}{ending}.csv"))
            write_whole(written[-1], guarded_csv(_headed(frame), dialect))
    for file in pem_files:
        written.append(page.parent / file.name)
        written[-1].parent.mkdir(exist_ok=True)
        write_whole(written[-1], file.content.encode())
    return written


def write_workbook(report: Report, path: Path, *, page: Path) -> Path:
    """Write what fails, what to do, what to renew and what was not read, a sheet for each."""
    write_whole(path, workbook(sheets(report, folder=f"{page.stem}-certificates")))
    return path


def sheets(report: Report, folder: str) -> dict[str, pd.DataFrame]:
    """Return the tables by the names of their sheets, columns and values in words."""
    tables = {
        "failing": report.failing,
        "actions": _actions(report, folder)[0],
        "renewals": _renewals(report),
        "unread": _unread(report),
    }
    return {
        say(f"report.sheets.names.{name}"): _in_words(frame[list(_COLUMNS[name])])
        for name, frame in tables.items()
    }


def _actions(report: Report, folder: str) -> tuple[pd.DataFrame, list[PemFile]]:
    """Return the actions with the name of a file instead of a certificate, and the files."""
    actions = report.remedies
    has_pem = actions["pem"].notna()
    shown = actions.loc[has_pem, "fingerprint"].map(_names(report))
    ranks = actions.loc[has_pem, "rank"].astype("str").str.zfill(3)
    labels = ranks + "-" + shown.astype("str").fillna("CA")
    stems = file_names(labels)
    names = labels.map(lambda label: f"{folder}/{stems[label]}.pem").astype("str")
    files = [
        PemFile(name, pem)
        for name, pem in zip(names, actions.loc[has_pem, "pem"], strict=True)
    ]
    with_names = actions.drop(columns="pem").assign(
        pem_file=names.reindex(actions.index)
    )
    return with_names, files


def _names(report: Report) -> dict[str, str]:
    """Return the CNs of all certificates by their fingerprints."""
    rows = [
        table[["fingerprint", "subject_cn"]].dropna()
        for table in (report.fleet.certificates, report.fleet.trust)
    ]
    return dict(pd.concat(rows).itertuples(index=False, name=None))


def _renewals(report: Report) -> pd.DataFrame:
    """Return the certificates that ended, or end within the bounds of `renewals`."""
    coming = renewals(report.fleet, at=report.at)
    coming = coming[~coming["bucket"].isin(_NOT_SOON)]
    return coming.assign(days_left=coming["days_left"].round().astype("Int64"))


def _unread(report: Report) -> pd.DataFrame:
    """Return what could not be read, with the remarks in the current language."""
    remarks = translated(report.problems["parse_error"])
    return report.problems.assign(parse_error=remarks)


def _headed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose columns are named in words; English ones keep the frames' names."""
    if current_language() == "en":
        return frame
    return frame.rename(columns=sentences()["report"]["sheets"]["columns"])


def _in_words(frame: pd.DataFrame) -> pd.DataFrame:
    words = sentences()["report"]["sheets"]
    return frame.assign(**dict(_worded(frame))).rename(columns=words["columns"])


def _worded(frame: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    """Yield the columns whose values are words for programs, in words for people."""
    texts = sentences()
    words = {
        "evidence": texts["widgets"]["values"]["evidence"],
        "action": {kind: one["title"] for kind, one in texts["actions"].items()},
        "role": texts["monitoring"]["roles"],
        "kind": texts["report"]["kinds"],
    }
    for name, words_by_value in words.items():
        if name in frame:
            column = frame[name].astype("str")
            yield name, column.map(words_by_value).fillna(column)
