"""Frames as tables for people: columns in words, causes by their titles, dates without noise, all text escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from IPython.display import HTML

from ..texts.labels import cause_label, percent, plural
from ..texts.markup import Markup, tag
from .styling import DASH

LABELS = {
    "device": "Device",
    "pbx": "PBX",
    "model": "Model",
    "user": "User",
    "location": "Location",
    "firmware": "Firmware",
    "registration_name": "Registers as",
    "hardware_id": "Hardware ID",
    "serial": "Serial",
    "tls_only": "TLS only",
    "reverse_proxy": "Reverse proxy allowed",
    "subject_cn": "CN of the certificate",
    "issuer_cn": "Issued by",
    "organisation": "Organisation",
    "not_before": "Valid from",
    "not_after": "Valid until",
    "key_type": "Key",
    "key_size": "Bits",
    "signature_hash": "Signature",
    "is_ca": "CA",
    "trust_state": "Trust",
    "cause": "Cause",
    "evidence": "Known from",
    "verdict": "The rules say",
    "predicted": "The rules say",
    "observed": "The log shows",
    "attempts": "Attempts",
    "devices": "Devices",
    "share": "Share",
    "devices_cumulative": "Devices so far",
    "rank": "Order",
    "step": "What to do",
    "price": "What it costs",
    "code": "Rule",
    "scenario": "Asked for",
    "citation": "Source",
    "change": "What changes",
    "cause_before": "Failed before, because",
    "cause_after": "Fails then, because",
    "verdict_before": "Before",
    "verdict_after": "Then",
    "why": "Why",
    "remedy": "What to do",
    "action": "What to do",
    "requirement": "What the page requires",
    "time": "Time (UTC)",
    "first": "First seen",
    "last": "Last seen",
    "source": "File",
    "line": "Line",
    "parse_error": "What could not be read",
}
"""What the columns of the package's tables are called; others are shown by their name in words."""

_WORDS = {"log": "the log itself", "rule": "a rule of the page"}


def label(column: str) -> str:
    """Return what a column is called.

    Examples
    --------
    >>> label("subject_cn"), label("true_cause")
    ('CN of the certificate', 'True cause')
    """
    text = str(column)
    return LABELS.get(text, text[:1].upper() + text[1:].replace("_", " "))


def cell(value: Any, column: str = "") -> str:
    """Return a value in words: dates as days, flags as yes and no, shares in per cent, missing as a dash.

    Examples
    --------
    >>> [cell(value) for value in (True, 1234, pd.Timestamp("2030-01-01"), ["a", "b"])]
    ['yes', '1,234', '2030-01-01', 'a, b']
    >>> cell(0.125, "share"), cell("certificate.trust", "cause")
    ('12%', 'Certificate not trusted by the PBX')
    """
    if isinstance(value, (list, tuple, set)):
        return ", ".join(str(each) for each in value) or DASH
    if pd.isna(value):
        return DASH
    if column.startswith("cause"):
        return cause_label(str(value))
    if column == "evidence":
        return _WORDS.get(str(value), str(value))
    return _plain(value, column)


def _plain(value: Any, column: str) -> str:
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "yes" if value else "no"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}" if value.normalize() == value else f"{value:%Y-%m-%d %H:%M}"
    if column.startswith("share"):
        return percent(float(value))
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() else f"{value:,.2f}"
    return f"{value:,}" if hasattr(value, "__index__") else str(value)


def table(frame: pd.DataFrame, columns: Sequence[str] | Mapping[str, str] | None = None, *, rows: int = 15) -> HTML:
    """Return the first rows of a frame as a table with headings in words.

    Parameters
    ----------
    frame : DataFrame
        Any frame of the package; its index is not shown.
    columns : sequence of str, or mapping from column to heading, optional
        Which columns, in this order; by default all.
    rows : int
        How many rows; a line below tells how many there are in all.

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


def markup(frame: pd.DataFrame, columns: Sequence[str] | Mapping[str, str] | None = None, *, rows: int = 15) -> Markup:
    """Return what `table` shows, as markup."""
    chosen = list(frame.columns if columns is None else columns)
    named = dict(columns) if isinstance(columns, Mapping) else {name: label(name) for name in chosen}
    shown = frame[chosen].head(rows)
    looks = [_look(frame[name]) for name in chosen]
    head = tag("tr", [tag("th", named[name], scope="col", style=how) for name, how in zip(chosen, looks, strict=True)])
    body = [
        tag("tr", [tag("td", cell(*each), style=how) for *each, how in zip(row, chosen, looks, strict=True)])
        for row in shown.itertuples(index=False, name=None)
    ]
    rest = f"The first {rows:,} of {plural(len(frame), 'row')}." if len(frame) > rows else ""
    empty = "There is none." if frame.empty else ""
    note = tag("p", rest or empty) if rest or empty else None
    return tag("div", tag("table", tag("thead", head), tag("tbody", body)), note)


def _look(values: pd.Series) -> str:
    """Return the style of a column's cells: numbers to the right, dates in one line."""
    number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    nowrap = ";white-space:nowrap" if pd.api.types.is_datetime64_any_dtype(values) else ""
    return f"text-align:{'right' if number else 'left'};vertical-align:top{nowrap}"
