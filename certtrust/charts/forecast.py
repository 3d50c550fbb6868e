"""What will fail: predicted failing devices at each future date, stacked by cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ..texts.labels import cause_label, plural
from .drawing.sheet import WIDTH, sheet
from .drawing.stack import BOTTOM, HEIGHT, LEFT, OTHER_CAUSES, RIGHT, draw_stack, stack_colours, stack_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SUBTITLE = "Devices predicted to fail at each date, under each of their causes, if nothing is done"


def forecast(
    predictions: pd.DataFrame,
    *,
    top: int = 7,
    ax: Axes | None = None,
    width: float = WIDTH,
    height: float | None = None,
    theme: str | None = None,
) -> Axes:
    """Draw how many devices will fail at each future date, and for which cause, if nothing is done.

    Parameters
    ----------
    predictions : DataFrame
        From `certtrust.forecast(fleet)`: date, cause, devices.
    top : int
        How many causes get a colour of their own; the rest fold into one.
    ax, width, height, theme
        As for `certtrust.charts.causes`.

    Returns
    -------
    Axes
        One stack of steps; an empty frame gives axes with a headline only. A device that fails for two causes
        at a time, by two of its registrations, stands in both.

    Examples
    --------
    >>> import certtrust as ct
    >>> ct.charts.forecast(ct.forecast(ct.simulate(20, seed=1), periods=6)).get_title() != ""
    True
    """
    table = _table(predictions)
    with sheet(ax, width=width, height=height, theme=theme) as page:
        if page.wish is not None:
            top = max(1, min(top, int(page.wish // 30)))
        hidden = max(len(table.columns) - top, 0)
        if hidden:
            table = table.iloc[:, :top].assign(**{OTHER_CAUSES: table.iloc[:, top:].sum(axis=1)})
        colours = stack_colours([str(name) for name in table], dark=page.dark)
        title = _headline(table)
        page.lay_out(
            title,
            subtitle="Devices predicted to fail at each date, under each of their causes, if nothing is done"
            if colours
            else "",
            legend=stack_legend(colours, plural(hidden, "other cause")),
            content=HEIGHT if colours else 30.0,
            alt=_alternative(title, table),
            left=LEFT if colours else 0.0,
            right=RIGHT if colours else 0.0,
            bottom=BOTTOM if colours else 0.0,
        )
        if colours:
            dates = table.index
            gap = dates[-1] - dates[-2] if len(dates) > 1 else pd.Timedelta(days=31)
            draw_stack(page, table, colours, dates[-1] + gap)
        else:
            page.say("No failure is predicted within the time of the forecast.")
        return page.ax


def _table(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the devices per date (rows) and cause (columns), the most frequent cause first."""
    cause = predictions["cause"].astype("str")
    table = (
        pd.crosstab(predictions["date"], cause, values=predictions["devices"], aggfunc="sum").fillna(0).astype("int64")
    )
    sizes = table.sum()
    return table[sizes[sizes > 0].sort_values(ascending=False, kind="stable").index]


def _headline(table: pd.DataFrame) -> str:
    if table.empty or not len(table.columns):
        return "No device is predicted to fail"
    sums = table.sum(axis=1)
    first, last = int(sums.iloc[0]), int(sums.iloc[-1])
    start, end = _when(pd.DatetimeIndex(table.index))
    grown = cause_label(str((table.iloc[-1] - table.iloc[0]).idxmax()))
    if last <= first:
        return f"{plural(last, 'device')} will fail {end}, {first:,} {start}"
    return (
        f"{plural(last, 'device')} will fail {end}, {last - first:,} more than {start}; \u201c{grown}\u201d grows most"
    )


def _when(dates: pd.DatetimeIndex) -> tuple[str, str]:
    """Return the first and the last date in words, by the month where that tells them apart."""
    by_month = len(dates) == 1 or (dates[0].year, dates[0].month) != (dates[-1].year, dates[-1].month)
    first, last = (f"in {date:%B %Y}" if by_month else f"on {date.day} {date:%B %Y}" for date in (dates[0], dates[-1]))
    return first, last


def _alternative(title: str, table: pd.DataFrame) -> str:
    sums = table.sum(axis=1) if len(table.columns) else pd.Series(dtype="int64")
    listed = ", ".join(f"{date:%Y-%m-%d}: {int(size):,}" for date, size in sums.items())
    return f"Stacked steps over future dates. {title}. {listed}."
