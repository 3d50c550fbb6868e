"""Frames as tables for people: columns and causes in words, dates without noise, text escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from IPython.display import HTML

from ..texts.labels import cause_label, percent, plural
from ..texts.markup import NO_MATH, Markup, tag
from ..texts.sentences import decimal, number, say, sentences
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
        return decimal(float(value), 0 if float(value).is_integer() else 2)
    return number(int(value)) if pd.api.types.is_integer(value) else str(value)


MOST = 500
"""How many rows a table holds at most, so that a notebook stays small."""

_TURN = Markup(
    "const p=this.parentElement,t=p.parentElement.querySelectorAll('tbody tr'),"
    "n=+p.dataset.rows,f=+p.dataset.first+n*this.dataset.move;"
    "p.dataset.first=f;"
    "t.forEach((r,i)=>{r.style.display=i>=f&&i<f+n?'':'none'});"
    "const [b,a]=p.querySelectorAll('button'),s=p.querySelector('[role=status]');"
    "b.disabled=f<=0;a.disabled=f+n>=t.length;"
    "s.textContent=s.dataset.words.replace('{first}',f+1)"
    ".replace('{last}',Math.min(f+n,t.length))"
)
"""Shows another page of a table; it needs no kernel."""

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
        How many rows a page has. A notebook that runs turns the pages of the first 500 rows; one
        that is only read shows the first page, and says how many rows there are.

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
    records = frame[names].head(max(rows, MOST)).to_dict(orient="records")
    body = [
        tag(
            "tr",
            [tag("td", cell(row[name], name), style=looks[name]) for name in names],
            style="display:none" if position >= rows else None,
        )
        for position, row in enumerate(records)
    ]
    note = None
    if frame.empty:
        note = tag("p", say("widgets.shared.no_rows"))
    elif len(frame) > rows:
        note = _pager(len(frame), len(records), rows)
    inner = tag("table", tag("thead", tag("tr", head)), tag("tbody", body))
    return tag("div", inner, note, class_=f"{NO_MATH} ct-paged")


def _pager(total: int, held: int, rows: int) -> Markup:
    """Return buttons that turn the pages, and a line that says which rows are shown."""
    counted = plural(total, "row")
    words = say("widgets.shared.rows", first="{first}", last="{last}", rows=counted)
    buttons = [
        tag(
            "button",
            say(f"widgets.shared.{name}"),
            type="button",
            onclick=_TURN,
            data_move=move,
            disabled=move < 0,
        )
        for name, move in (("back", -1), ("next", 1))
    ]
    status = tag(
        "span",
        say("widgets.shared.first_rows", shown=rows, rows=counted),
        role="status",
        data_words=words,
    )
    rest = say("widgets.shared.held", held=held) if held < total else None
    return tag(
        "p",
        [*buttons, " ", status, " ", rest],
        class_="ct-pager",
        data_rows=rows,
        data_first="0",
        data_lm_suppress_shortcuts="true",
    )


def _look(values: pd.Series) -> str:
    """Return the style of a column's cells: numbers to the right, dates in one line."""
    types = pd.api.types
    number = types.is_numeric_dtype(values) and not types.is_bool_dtype(values)
    is_date = types.is_datetime64_any_dtype(values)
    nowrap = ";white-space:nowrap" if is_date else ""
    return f"text-align:{'right' if number else 'left'};vertical-align:top{nowrap}"
