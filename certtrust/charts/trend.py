"""The trend: failing devices at each run, stacked by cause, and those without a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import pandas as pd

from ..answer_tables import TREND
from ..schema import expect
from ..texts.dates import fields
from ..texts.labels import plural, series
from ..texts.sentences import say
from .drawing.palette import OTHER, colour
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

COLUMNS = [
    *("date", "source", "cause", "devices"),
    *("failing", "undecided", "all_devices"),
]


@chart()
def trend(runs: pd.DataFrame, *, top: int = 7, **canvas: Unpack[Canvas]) -> Axes:
    """Draw how many devices failed at each run of a history, and for which cause.

    Parameters
    ----------
    runs : DataFrame
        From `certtrust.trend(folder)`: date, source, cause, devices, failing, undecided,
        all_devices.
    top : int
        How many causes get a colour of their own; the rest fold into one.
    **canvas
        Where and how to draw: ax, width, height, theme.

    Returns
    -------
    Axes
        One stack of steps, each from a run to the next; an empty frame gives axes with a headline
        only. A device that fails for two causes, by two of its registrations, stands in both.
        Devices that lack data for a verdict are drawn as well, so that missing data do not look
        like a repair.

    Examples
    --------
    >>> import certtrust as ct
    >>> ct.charts.trend(ct.trend([ct.simulate(20, seed=1)])).get_title() != ""
    True
    """
    totals, table = _tables(runs)
    with sheet(**canvas) as page:
        top = kinds_that_fit(page, top)
        hidden = max(len(table.columns) - top, 0)
        if hidden:
            table = table.iloc[:, :top].assign(
                **{OTHER_CAUSES: table.iloc[:, top:].sum(axis=1)}
            )
        colours = stack_colours([str(name) for name in table], dark=page.dark)
        if totals["undecided"].any():
            name = say("charts.trend.undecided")
            table = table.assign(**{name: totals["undecided"]})
            colours[name] = page.ink.grid if hidden else colour(OTHER, dark=page.dark)
        if page.lay_out(
            "trend",
            _title(totals),
            subtitle=say("charts.trend.subtitle") if len(totals) else "",
            legend=stack_legend(colours, plural(hidden, "other cause")),
            numbers=_numbers(totals),
            content=HEIGHT if len(totals) else 0,
            **MARGINS,
        ):
            dates = pd.DatetimeIndex(table.index)
            span = dates[-1] - dates[0]
            gap = span / 12 if len(dates) > 1 else pd.Timedelta(days=7)
            draw_stack(page, table, colours, dates[-1] + gap)
    return page.ax


def _tables(runs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the numbers of each run, and its devices per cause, the most frequent one first."""
    runs = expect(runs, TREND, COLUMNS)
    runs = runs[runs["date"].notna()]
    # Of several runs at one moment one is drawn: their devices do not add up.
    last = runs.groupby("date")["source"].transform("last")
    runs = runs[(runs["source"] == last) | last.isna()]
    totals = runs.drop_duplicates("date").set_index("date")
    totals = totals[["failing", "undecided", "all_devices"]].astype("int64")
    causes = runs.assign(cause=runs["cause"].astype("str")).dropna(subset=["cause"])
    table = (
        pd.crosstab(
            causes["date"], causes["cause"], values=causes["devices"], aggfunc="sum"
        )
        .reindex(totals.index)
        .fillna(0)
        .astype("int64")
    )
    sizes = table.sum()
    order = sizes[sizes > 0].sort_values(ascending=False, kind="stable").index
    return totals, table[order]


def _title(totals: pd.DataFrame) -> str:
    if totals.empty:
        return say("charts.trend.nothing")
    last = totals.iloc[-1]
    start, end = (
        say("charts.trend.on_day", **fields(totals.index[row])) for row in (0, -1)
    )
    values = {
        "failing": int(last["failing"]),
        "devices": plural(int(last["all_devices"]), "device"),
        "end": end,
    }
    if len(totals) == 1:
        return say("charts.trend.single", **values)
    first = int(totals["failing"].iloc[0])
    return say("charts.trend.title", first=first, start=start, **values)


def _numbers(totals: pd.DataFrame) -> str:
    failing = zip(pd.DatetimeIndex(totals.index), totals["failing"], strict=True)
    return series(
        say(
            "charts.trend.row", devices=plural(int(devices), "device"), **fields(date)
        )
        for date, devices in failing
    )
