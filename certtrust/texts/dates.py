"""Days, months and moments in the words of a language; all times are UTC."""

from __future__ import annotations

import pandas as pd

from .sentences import say, sentences


def fields(moment: pd.Timestamp) -> dict[str, str]:
    """Return the parts of a moment by the names of the placeholders in sentences.

    Returns
    -------
    dict
        day, month (its name), short_month, year, time (hours and minutes), and date (in figures).

    Examples
    --------
    >>> fields(pd.Timestamp("2026-03-02 10:11", tz="UTC"))["month"]
    'March'
    """
    words = sentences()["dates"]
    return {
        "day": str(moment.day),
        "month": str(words["months"][moment.month - 1]),
        "short_month": str(words["short_months"][moment.month - 1]),
        "year": str(moment.year),
        "time": f"{moment:%H:%M}",
        "date": moment.strftime(words["figures"]),
    }


def figures(moment: pd.Timestamp) -> str:
    """Return the day in figures.

    Examples
    --------
    >>> figures(pd.Timestamp("2026-03-02 10:11", tz="UTC"))
    '2026-03-02'
    """
    return fields(moment)["date"]


def days(moments: pd.Series) -> pd.Series:
    """Return the days of moments in figures; missing stays missing.

    Examples
    --------
    >>> days(pd.Series([pd.Timestamp("2026-03-02 10:11", tz="UTC")])).tolist()
    ['2026-03-02']
    """
    shown: pd.Series = moments.dt.strftime(sentences()["dates"]["figures"])
    return shown.astype("str")


def day(moment: pd.Timestamp) -> str:
    """Return the day in words.

    Examples
    --------
    >>> day(pd.Timestamp("2026-03-02 10:11", tz="UTC"))
    '2 March 2026'
    """
    return say("dates.day", **fields(moment))


def month(moment: pd.Timestamp) -> str:
    """Return the month in words.

    Examples
    --------
    >>> month(pd.Timestamp("2026-03-02 10:11", tz="UTC"))
    'March 2026'
    """
    return say("dates.month", **fields(moment))


def moment(moment: pd.Timestamp) -> str:
    """Return the moment to the minute, in figures.

    Examples
    --------
    >>> moment(pd.Timestamp("2026-03-02 10:11", tz="UTC"))
    '2026-03-02 10:11 UTC'
    """
    return say("dates.moment", **fields(moment))


def in_utc(moment: pd.Timestamp | str) -> pd.Timestamp:
    """Return the moment in UTC, which it is taken to be in where it names no zone.

    Examples
    --------
    >>> in_utc("2026-03-02 10:11+01:00")
    Timestamp('2026-03-02 09:11:00+0000', tz='UTC')
    """
    stamp = pd.Timestamp(moment)
    return (
        stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")
    )
