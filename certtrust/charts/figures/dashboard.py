"""One figure for a slide: why, where and when registrations fail, and what to do first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ...evaluation.check import counted, expect_results
from ...texts.dates import day
from ...texts.labels import plural
from ...texts.sentences import say
from ..causes import causes
from ..compared import compared
from ..drawing.sheet import MARGIN, SMALL, sheet
from ..drawing.text import plain, shorten
from ..heatmap import heatmap
from ..remedies import remedies
from ..timeline import main_period, timeline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEADLINE = 18.0


def dashboard(
    results: pd.DataFrame,
    *,
    actions: pd.DataFrame | None = None,
    by: str | None = None,
    title: str | None = None,
    width: float = 13.33,
    height: float = 7.5,
    theme: str | None = None,
) -> Figure:
    """Draw why, where and when registrations fail, and what to do first, as one figure.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS.
    actions : DataFrame, optional
        From `certtrust.remedies(fleet, results)`; without it, what the rules explain stands in
        their place.
    by : str, optional
        The column that tells where; by default "pbx", or "model" where there is one PBX only.
    title : str, optional
        The headline; by default how many devices fail.
    width, height : float
        Size in inches; by default that of a slide of 16:9.
    theme : {"light", "dark"}, optional
        Colours; by default as for the charts.

    Returns
    -------
    Figure
        A notebook shows it where it ends a cell; `savefig` keeps it.

    Examples
    --------
    >>> import certtrust as ct
    >>> results = ct.check(ct.attempts(ct.simulate(20, seed=1)))
    >>> len(ct.charts.dashboard(results).subfigs)
    4
    """
    import matplotlib.pyplot as plt

    results = expect_results(results)
    if by is None:
        by = "pbx" if len(results["pbx"].dropna().unique()) > 1 else "model"
    with sheet(width=width, height=height, theme=theme) as page:
        figure: Any = page.frame
        page.ax.set_axis_off()
        high = figure.get_figheight() * 72
        head = MARGIN + HEADLINE * 1.5 + SMALL * 1.6
        look = {"xycoords": "figure points", "va": "baseline", "color": page.ink.text}
        room = page.width_inside
        for words, up, options in (
            (title or _title(results), high - MARGIN - HEADLINE, {"bold": True}),
            (_subtitle(results), high - head + 2, {}),
        ):
            size = HEADLINE if options else SMALL + 1.5
            text = shorten(plain(words), room, size, **options)
            weight = {"fontweight": "bold"} if options else {}
            page.note(text, (MARGIN, up), fontsize=size, **look, **weight)
        half = (high - head) / 2
        grid = figure.add_gridspec(3, 2, height_ratios=[head, half, half])
        axes = []
        for cell in (grid[1, 0], grid[1, 1], grid[2, 0], grid[2, 1]):
            part = figure.add_subfigure(cell)
            part.set_facecolor("none")
            axes.append(part.add_axes((0.0, 0.0, 1.0, 1.0)))
        chosen = {"theme": "dark" if page.dark else "light"}
        causes(results, ax=axes[0], **chosen)
        heatmap(results, by, ax=axes[1], **chosen)
        timeline(results, ax=axes[2], **chosen)
        if actions is None:
            compared(results, ax=axes[3], **chosen)
        else:
            remedies(actions, ax=axes[3], **chosen)
        page.ax.set_label(" ".join(str(ax.get_label()) for ax in axes))
    plt.close(figure)
    return figure


def _title(results: pd.DataFrame) -> str:
    failed = counted(results)
    down = failed.loc[(failed["observed"] != "up").fillna(value=True), "device"]
    return say(
        "charts.dashboard.title",
        failing=down.nunique(),
        devices=plural(results["device"].nunique(), "device"),
        failed=len(failed),
        attempts=plural(len(results), "attempt"),
    )


def _subtitle(results: pd.DataFrame) -> str:
    pbxs = plural(results["pbx"].nunique(), "PBX")
    begin, end = main_period(results["time"])
    if pd.isna(begin):
        return say("charts.dashboard.undated", pbxs=pbxs)
    return say("charts.dashboard.subtitle", begin=day(begin), end=day(end), pbxs=pbxs)
