"""Stacked steps over time, one colour per cause; for the past and for the future."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...texts.dates import fields
from ...texts.labels import cause_label, thousands
from ...texts.sentences import number, say
from .palette import OTHER, cause_colours, colour
from .sheet import Key, Sheet

OTHER_CAUSES = "other"
_EPOCH = pd.Timestamp("1970-01-01", tz="UTC")
HEIGHT = 190.0
MARGINS = {"left": 34.0, "right": 28.0, "bottom": 18.0}
_MARKS = {
    "min": 1 / 1440,
    "5min": 5 / 1440,
    "15min": 15 / 1440,
    "h": 1 / 24,
    "3h": 3 / 24,
    "6h": 6 / 24,
    "12h": 12 / 24,
    "D": 1,
    "2D": 2,
    "W-MON": 7,
    "2W-MON": 14,
    "MS": 30,
    "QS": 90,
    "2QS": 181,
    "YS": 365,
    "2YS": 730,
    "5YS": 1826,
    "10YS": 3652,
    "50YS": 18262,
    "500YS": 182621,
    "5000YS": 1826211,
}
"""Distances of marks on an axis of time, with their length in days."""


def kinds_that_fit(sheet: Sheet, top: int) -> int:
    """Return how many causes get a colour of their own in the height that there is."""
    return top if sheet.wish is None else max(1, min(top, int(sheet.wish // 30)))


def stack_colours(causes: list[str], *, dark: bool) -> dict[str, str]:
    """Return the colour of each cause, and of what is folded together."""
    other = {OTHER_CAUSES: colour(OTHER, dark=dark)}
    return {
        cause: other.get(cause) or tone
        for cause, tone in cause_colours(causes, dark=dark).items()
    }


def stack_legend(colours: dict[str, str], folded: str) -> list[Key]:
    """Return a legend entry per cause; `folded` names what was folded together."""
    return [
        Key(tone, folded if cause == OTHER_CAUSES else cause_label(cause))
        for cause, tone in colours.items()
    ]


def in_days(moments: pd.DatetimeIndex) -> np.ndarray[Any, Any]:
    """Return moments as matplotlib's days, the horizontal coordinates of a stack."""
    return np.asarray((moments - _EPOCH) / pd.Timedelta(days=1), dtype=float)


def draw_stack(
    sheet: Sheet, counts: pd.DataFrame, colours: dict[str, str], end: pd.Timestamp
) -> np.ndarray[Any, Any]:
    """Draw a step per row of `counts`, up to `end`; return the edges in matplotlib's days."""
    from matplotlib.ticker import MaxNLocator

    ax = sheet.ax
    begins = pd.DatetimeIndex([*counts.index, end]).tz_convert("UTC")
    edges = in_days(begins)
    floor = np.zeros(len(counts))
    for cause, tone in colours.items():
        ceiling = floor + counts[cause].to_numpy()
        ax.stairs(
            ceiling,
            edges,
            baseline=floor,
            fill=True,
            color=tone,
            linewidth=0,
            label=cause_label(cause),
        )
        floor = ceiling
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0, max(floor.max() * 1.04, 1))
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.yaxis.set_major_formatter(
        lambda value, _place: (
            number(int(value)) if value < 10_000 else thousands(int(value))
        )
    )
    ax.grid(axis="y", color=sheet.ink.grid, linewidth=0.8)
    _mark_dates(sheet, begins[0], begins[-1])
    return edges


def _mark_dates(sheet: Sheet, begin: pd.Timestamp, end: pd.Timestamp) -> None:
    """Mark round moments, as many as there is room for; the year stands where it is new."""
    wide, _ = sheet.room
    most = max(2, int(wide / 64))
    days = (end - begin) / pd.Timedelta(days=1)
    for freq in (
        freq for freq, length in _MARKS.items() if days / length <= 2 * most
    ):
        marks = pd.date_range(begin.floor("D"), end, freq=freq)
        marks = marks[(marks >= begin) & (marks <= end)]
        if len(marks) <= most:
            break
    if marks.empty:
        # A short log may lie between two round moments.
        marks = pd.DatetimeIndex([begin])
    ticks = in_days(marks)
    sheet.ax.set_xticks(ticks, _date_labels(marks, freq))


def _date_labels(marks: pd.DatetimeIndex, freq: str) -> list[str]:
    """Return the labels of the marks.

    Examples
    --------
    >>> _date_labels(pd.DatetimeIndex(["2026-12-28", "2027-01-04", "2027-01-11"]), "W-MON")
    ['28 Dec 2026', '4 Jan 2027', '11 Jan']
    """
    if freq.endswith("YS"):
        return [str(mark.year) for mark in marks]
    if freq.endswith(("MS", "QS")):
        return [say("dates.short_month", **fields(mark)) for mark in marks]
    by_day = freq.endswith(("D", "W-MON"))
    first, further = (
        ("short_day", "day_of_year") if by_day else ("day_and_time", "time")
    )
    turns = marks.year if by_day else marks.day
    new = [True, *(turns[1:] != turns[:-1])]
    return [
        say(f"dates.{first if is_new else further}", **fields(mark))
        for mark, is_new in zip(marks, new, strict=True)
    ]
