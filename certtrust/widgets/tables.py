"""Frames as tables for people: columns and causes in words, dates without noise, text escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from IPython.display import HTML

from ..texts.labels import cause_label, percent, plural
from ..texts.markup import NO_MATH, Markup, tag
from ..texts.sentences import say, sentences
from .styling import DASH, minute


def label(column: str) -> str:
    """Return what a column is called: by the file of sentences, else by its name in words.

    Examples
    --------
    >>> label("subject_cn"), label("true_cause")
    ('CN of the certificate', 'True cause')
    """
    in_words = str(column).replace("_", " ")
    return str(
        sentences()["widgets"]["columns"].get(
            column, in_words[:1].upper() + in_words[1:]
        )
    )


def cell(value: Any, column: str = "") -> str:
    """Return a value in words: dates as days, flags as yes and no, missing as a dash.

    Examples
    --------
    >>> [cell(value) for value in (True, 1234, pd.Timestamp("2030-01-01"), ["a", "b"])]
    ['yes', '1,234', '2030-01-01', 'a, b']
    >>> cell(0.125, "share"), cell("certificate.trust", "cause")
    ('12%', 'Certificate not trusted by the PBX')
    """
    if isinstance(value, (list, tuple, set)):
        return ", ".join(map(str, value)) or DASH
    if pd.isna(value):
        return DASH
    if column.startswith("cause"):
        return cause_label(str(value))
    if isinstance(value, str):
        return str(sentences()["widgets"]["values"].get(column, {}).get(value, value))
    if pd.api.types.is_bool(value):
        return say("widgets.shared.yes" if value else "widgets.shared.no")
    if isinstance(value, pd.Timestamp):
        return minute(value).removesuffix(" 00:00")
    if column.startswith("share"):
        return percent(float(value))
    if pd.api.types.is_float(value):
        return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"
    return f"{value:,}" if pd.api.types.is_integer(value) else str(value)


Columns = Sequence[str] | Mapping[str, str]
"""Which columns are shown, in this order; a mapping gives their headings."""


def table(
    frame: pd.DataFrame, columns: Columns | None = None, *, rows: int = 15
) -> HTML:
    """Return the first rows of a frame as a table with headings in words.

    Parameters
    ----------
    frame : DataFrame
        Any frame of the package; its index is not shown.
    columns : sequence of str, or mapping from column to heading, optional
        Which columns, in this order; by default all.
    rows : int
        How many rows; a line below says how many there are in all.

    Returns
    -------
    IPython.display.HTML
        Shown by a notebook; its text is escaped.

    Examples
    --------
    >>> "<th scope=" in table(pd.DataFrame({"pbx": ["hq"]})).data
    True
    """
    return HTML(str(markup(frame, columns, rows=rows)))  # type: ignore[no-untyped-call]


def markup(
    frame: pd.DataFrame, columns: Columns | None = None, *, rows: int = 15
) -> Markup:
    """Return what `table` shows, as markup."""
    names = list(frame.columns if columns is None else columns)
    titles = {name: label(name) for name in names}
    if isinstance(columns, Mapping):
        titles = dict(columns)
    looks = {name: _look(frame[name]) for name in names}
    head = [tag("th", titles[name], scope="col", style=looks[name]) for name in names]
    body = [
        tag(
            "tr",
            [tag("td", cell(row[name], name), style=looks[name]) for name in names],
        )
        for row in frame[names].head(rows).to_dict(orient="records")
    ]
    note = None
    if frame.empty:
        note = tag("p", say("widgets.shared.no_rows"))
    elif len(frame) > rows:
        counted = plural(len(frame), "row")
        note = tag("p", say("widgets.shared.first_rows", shown=rows, rows=counted))
    inner = tag("table", tag("thead", tag("tr", head)), tag("tbody", body))
    return tag("div", inner, note, class_=NO_MATH)


def _look(values: pd.Series) -> str:
    """Return the style of a column's cells: numbers to the right, dates in one line."""
    types = pd.api.types
    number = types.is_numeric_dtype(values) and not types.is_bool_dtype(values)
    is_date = types.is_datetime64_any_dtype(values)
    nowrap = ";white-space:nowrap" if is_date else ""
    return f"text-align:{'right' if number else 'left'};vertical-align:top{nowrap}"
