"""What changed, and the trend, as pages in the look of the report, and as JSON for programs."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from .. import charts
from ..history import Difference
from ..history.words import Section, heading, remarks, sections
from ..texts.dates import day, days, fields
from ..texts.labels import plural
from ..texts.markup import Column, Content, Markup, table, tag
from ..texts.sentences import say
from .document import document
from .exports import records
from .figures import figure_of

DIFF_FORMAT, TREND_FORMAT = "certtrust diff", "certtrust trend"
VERSION = 1
"""Raised when a key of the JSON is renamed or removed."""
SHORT = {"device", "pbx", "source"}
LONG = {"parse_error"}
NUMBERS = {"failing", "undecided", "all_devices"}


def difference_page(difference: Difference) -> str:
    """Return what changed as an HTML document that needs no network.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(20, seed=1)
    >>> "Nothing changed." in difference_page(ct.diff(fleet, fleet))
    True
    """
    name = difference.new.name
    shown = sections(difference)
    headings = [
        tag("li", tag("a", section.heading, href=f"#{section.name}"))
        for section in shown
    ]
    notes = [tag("p", remark) for remark in remarks(difference)]
    if difference.is_nothing:
        notes.append(tag("p", say("history.nothing")))
    body = [
        tag(
            "header",
            tag("h1", say("history.page.heading", name=name)),
            tag("p", tag("bdi", heading(difference)), class_="lead"),
            notes,
            tag(
                "nav", tag("ul", headings), aria_label=say("history.page.navigation")
            ),
        ),
        tag("main", [_section(section) for section in shown]),
        _footer(),
    ]
    return document(say("history.page.title", name=name), body)


def _section(section: Section) -> Markup:
    heading = tag("h2", section.heading, id=section.name)
    return tag("section", heading, _table(section.rows))


def _table(rows: pd.DataFrame) -> Markup:
    columns = [
        Column(
            say(f"history.columns.{name}"),
            number=name in NUMBERS,
            long=name in LONG,
            short=name in SHORT,
        )
        for name in rows
    ]
    cells = zip(*(rows[name].astype("object") for name in rows), strict=True)
    return table(say("history.page.label"), columns, cells)


def _footer() -> Markup:
    now = pd.Timestamp.now("UTC").floor("s")
    made = {"on": day(now), "at": fields(now)["time"]}
    return tag("footer", tag("p", say("history.page.made", **made)))


def difference_json(difference: Difference) -> str:
    """Return what changed as JSON.

    One object with fixed keys: format, version, old and new (name and made), lost and gained
    (kinds of data that only the old, or only the new state has), and the tables newly_failing,
    registrations, certificates, trust, devices and expiring as lists of objects. Moments are ISO
    8601 in UTC, what is missing is null.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(20, seed=1)
    >>> json.loads(difference_json(ct.diff(fleet, fleet)))["registrations"]
    []
    """
    about: dict[str, Any] = {
        "format": DIFF_FORMAT,
        "version": VERSION,
        **{
            side: {"name": state.name, "made": state.made.isoformat()}
            for side, state in (("old", difference.old), ("new", difference.new))
        },
        "lost": difference.lost,
        "gained": difference.gained,
    }
    tables = {
        "newly_failing": difference.newly_failing,
        "registrations": difference.registrations,
        "certificates": difference.certificates,
        "trust": difference.trust,
        "devices": difference.devices,
        "expiring": difference.expiring,
    }
    return _object(about, tables)


def trend_page(runs: pd.DataFrame, name: str) -> str:
    """Return the trend as an HTML document: the chart, and the runs in a table.

    Parameters
    ----------
    runs : DataFrame
        From `certtrust.trend`.
    name : str
        What the folder is called.
    """
    body: list[Content] = [
        tag("header", tag("h1", say("history.page.trend_heading", name=name))),
        tag(
            "main",
            figure_of("trend", lambda ax: charts.trend(runs, ax=ax)),
            tag("h2", say("history.page.runs")),
            _table(_totals(runs)),
        ),
        _footer(),
    ]
    return document(say("history.page.trend_title", name=name), body)


def _totals(runs: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run, the latest first, without the columns of causes."""
    totals = runs.drop_duplicates(["date", "source"]).iloc[::-1]
    dates = days(totals["date"]) + totals["date"].dt.strftime(" %H:%M")
    columns = ["date", "source", "failing", "undecided", "all_devices", "parse_error"]
    return totals.assign(date=dates)[columns]


def trend_json(runs: pd.DataFrame) -> str:
    """Return the trend as JSON: format, version, and the rows of `certtrust.trend` as runs."""
    return _object({"format": TREND_FORMAT, "version": VERSION}, {"runs": runs})


def trend_lines(runs: pd.DataFrame) -> list[str]:
    """Return the trend as lines of text, the earliest run first."""
    totals = runs.drop_duplicates(["date", "source"])
    lines = []
    for row in totals.to_dict("records"):
        if isinstance(row["parse_error"], str):
            values = {"source": row["source"], "reason": row["parse_error"]}
            lines.append(say("history.trend.unread", **values))
            continue
        values = {
            "count": int(row["failing"]),
            "failing": int(row["failing"]),
            "devices": plural(int(row["all_devices"]), "device"),
            "undecided": int(row["undecided"]),
            "source": row["source"],
        }
        lines.append(say("history.trend.run", **values, **fields(row["date"])))
    return lines


def _object(about: dict[str, Any], tables: dict[str, pd.DataFrame]) -> str:
    parts = [
        f"{json.dumps(name)}: {json.dumps(value)}" for name, value in about.items()
    ]
    parts += [f"{json.dumps(name)}: {records(rows)}" for name, rows in tables.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"
