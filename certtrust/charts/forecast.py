"""What will fail: predicted failing devices at each future date, stacked by cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import pandas as pd

from ..answer_tables import FORECAST
from ..schema import expect
from ..texts.dates import fields
from ..texts.labels import cause_label, plural, series
from ..texts.sentences import say
from .drawing.marks import Mark, draw_marks, marks_height
from .drawing.record import Canvas, chart
from .drawing.sheet import sheet
from .drawing.stack import (
    HEIGHT,
    MARGINS,
    OTHER_CAUSES,
    draw_stack,
    kinds_that_fit,
    stack_colours,
    stack_legend,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


MARKS = 5
"""How many ends of certificates are marked and named, those that take most devices down."""


def _of_report(report: Any) -> dict[str, Any]:
    """Mark what ends within the time of the forecast, where something is predicted to fail."""
    ends = report.endings if len(report.forecast) else None
    return {"predictions": report.forecast, "ends": ends}


@chart(section="certificates", feed=_of_report)
def forecast(
    predictions: pd.DataFrame,
    ends: pd.DataFrame | None = None,
    *,
    top: int = 7,
    **canvas: Unpack[Canvas],
) -> Axes:
    """Draw how many devices will fail at each future date, and for which cause, if nothing is done.

    Parameters
    ----------
    predictions : DataFrame
        From `certtrust.forecast(fleet)`: date, cause, devices.
    ends : DataFrame, optional
        From `certtrust.endings(fleet)`: the CAs among them, and the certificates that take most
        devices down, are marked at their end and named below.
    top : int
        How many causes get a colour of their own; the rest fold into one.
    **canvas
        Where and how to draw: ax, width, height, theme.

    Returns
    -------
    Axes
        One stack of steps; an empty frame gives axes with a headline only. A device that fails for
        two causes at a time, by two of its registrations, stands in both.

    Examples
    --------
    >>> import certtrust as ct
    >>> ct.charts.forecast(ct.forecast(ct.simulate(20, seed=1), periods=6)).get_title() != ""
    True
    """
    table = _table(predictions)
    marked = _ends(_marked(ends, table))
    with sheet(**canvas) as page:
        top = kinds_that_fit(page, top)
        hidden = max(len(table.columns) - top, 0)
        if hidden:
            table = table.iloc[:, :top].assign(
                **{OTHER_CAUSES: table.iloc[:, top:].sum(axis=1)}
            )
        colours = stack_colours([str(name) for name in table], dark=page.dark)
        if page.lay_out(
            "forecast",
            _title(table),
            subtitle=say("charts.forecast.subtitle") if colours else "",
            legend=stack_legend(colours, plural(hidden, "other cause")),
            numbers=_numbers(table, marked),
            content=HEIGHT if colours else 0,
            left=MARGINS["left"],
            right=MARGINS["right"],
            bottom=MARGINS["bottom"] + marks_height(marked),
        ):
            dates = table.index
            gap = dates[-1] - dates[-2] if len(dates) > 1 else pd.Timedelta(days=31)
            draw_stack(page, table, colours, dates[-1] + gap)
            draw_marks(page, marked)
    return page.ax


def _marked(ends: pd.DataFrame | None, table: pd.DataFrame) -> pd.DataFrame:
    """Return the ends that are marked, in their order: of CAs first, and of many devices."""
    if ends is None or table.empty:
        return pd.DataFrame(columns=["ends", "role", "subject_cn", "devices"])
    within = ends[ends["ends"] >= table.index[0]].assign(is_ca=ends["role"] == "CA")
    within = within[within["is_ca"] | (within["devices"] > 1)]
    first = within.sort_values(["is_ca", "devices"], ascending=False, kind="stable")
    marked: pd.DataFrame = first.head(MARKS).sort_values("ends", kind="stable")
    return marked


def _ends(marked: pd.DataFrame) -> list[Mark]:
    """Return the ends as marks, which say how many devices each takes down."""
    columns = (marked[name] for name in ("ends", "role", "subject_cn", "devices"))
    return [
        Mark(
            end,
            say(
                "charts.forecast.end",
                certificate=say(
                    f"charts.forecast.{'ca' if role == 'CA' else 'device'}",
                    name=name
                    if isinstance(name, str)
                    else say("charts.expiry.unnamed"),
                ),
                devices=plural(int(devices), "device"),
                **fields(end),
            ),
        )
        for end, role, name, devices in zip(*columns, strict=True)
    ]


def _table(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the devices per date (rows) and cause (columns), the most frequent cause first."""
    predictions = expect(predictions, FORECAST, ["date", "cause", "devices"])
    cause = predictions["cause"].astype("str")
    table = (
        pd.crosstab(
            predictions["date"], cause, values=predictions["devices"], aggfunc="sum"
        )
        .fillna(0)
        .astype("int64")
    )
    sizes = table.sum()
    return table[sizes[sizes > 0].sort_values(ascending=False, kind="stable").index]


def _title(table: pd.DataFrame) -> str:
    if table.empty:
        return say("charts.forecast.nothing")
    sums = table.sum(axis=1)
    first, last = int(sums.iloc[0]), int(sums.iloc[-1])
    when = _when(pd.DatetimeIndex(table.index))
    devices = plural(last, "device")
    if last <= first:
        return say("charts.forecast.falling", first=first, devices=devices, **when)
    cause = cause_label(str((table.iloc[-1] - table.iloc[0]).idxmax()))
    more = {"more": last - first, "cause": cause}
    return say("charts.forecast.title", devices=devices, **more, **when)


def _when(dates: pd.DatetimeIndex) -> dict[str, str]:
    """Return start and end in words: the month, or the day where both are of one month."""
    first, last = dates[0], dates[-1]
    by_month = len(dates) == 1 or (first.year, first.month) != (last.year, last.month)
    key = "charts.forecast.in_month" if by_month else "charts.forecast.on_day"
    return {"start": say(key, **fields(first)), "end": say(key, **fields(last))}


def _numbers(table: pd.DataFrame, marked: list[Mark]) -> str:
    sums = zip(pd.DatetimeIndex(table.index), table.sum(axis=1), strict=True)
    devices_by_date = [
        say("charts.forecast.row", devices=devices, **fields(date))
        for date, devices in sums
    ]
    return series([*devices_by_date, *(mark.words for mark in marked)])
