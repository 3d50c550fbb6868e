"""Stacked steps over time, one colour per cause; for the past and for the future."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .labels import cause_label
from .palette import OTHER, cause_colours, colour
from .sheet import SMALL, Key, Sheet

OTHER_CAUSES = "other"
_EPOCH = pd.Timestamp("1970-01-01", tz="UTC")
HEIGHT, LEFT, RIGHT, BOTTOM = 190.0, 30.0, 12.0, 30.0


def stack_colours(causes: list[str], *, dark: bool) -> dict[str, str]:
    """Return the colour of each cause, and of what is folded together."""
    known = cause_colours([cause for cause in causes if cause != OTHER_CAUSES], dark=dark)
    return known | ({OTHER_CAUSES: colour(OTHER, dark=dark)} if OTHER_CAUSES in causes else {})


def stack_legend(colours: dict[str, str], folded: str) -> list[Key]:
    """Return a legend entry per cause; `folded` is said of what was folded together."""
    return [Key(tone, folded if cause == OTHER_CAUSES else cause_label(cause)) for cause, tone in colours.items()]


def draw_stack(sheet: Sheet, counts: pd.DataFrame, colours: dict[str, str], end: pd.Timestamp) -> np.ndarray[Any, Any]:
    """Draw a step per row of `counts` and return the edges of the steps in matplotlib's days; the last one is `end`."""
    from matplotlib.ticker import MaxNLocator

    ax = sheet.ax
    begins = pd.DatetimeIndex([*counts.index, end]).tz_convert("UTC")
    edges = np.asarray((begins - _EPOCH) / pd.Timedelta(days=1), dtype=float)
    floor = np.zeros(len(counts))
    for cause, tone in colours.items():
        ceiling = floor + counts[cause].to_numpy()
        ax.stairs(ceiling, edges, baseline=floor, fill=True, color=tone, linewidth=0, label=cause_label(cause))
        floor = ceiling
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0, max(floor.max() * 1.04, 1))
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.yaxis.set_major_formatter(lambda value, _place: f"{int(value):,}" if value < 10_000 else f"{value / 1000:,.0f}k")
    ax.grid(axis="y", color=sheet.ink.grid, linewidth=0.8)
    _mark_dates(sheet)
    return edges


def _mark_dates(sheet: Sheet) -> None:
    from matplotlib import dates

    wide, _ = sheet.room
    locator = dates.AutoDateLocator(minticks=2, maxticks=max(3, int(wide / 62)))  # type: ignore[no-untyped-call]
    axis = sheet.ax.xaxis
    axis.set_major_locator(locator)
    axis.set_major_formatter(dates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axis.get_offset_text().set(color=sheet.ink.muted, fontsize=SMALL, fontfamily="DejaVu Sans")
