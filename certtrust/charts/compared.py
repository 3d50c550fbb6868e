"""What the rules predict against what the log shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import pandas as pd

from ..evaluation.check import compare
from ..texts.labels import percent, plural, series, thousands
from ..texts.sentences import number, say
from .drawing.palette import BAD, GOOD, OTHER, colour
from .drawing.record import Canvas, chart
from .drawing.sheet import SMALL, TITLE, Sheet, sheet
from .drawing.text import shorten, text_width, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle

PREDICTED, OBSERVED = ("fail", "pass", "unknown"), ("failed", "up", "not observed")
"""The verdicts and what the log shows, in the order of the tiles."""

TILE, LABEL, HEAD = 62.0, 18.0, 16.0


@chart(section="sure", feed=lambda report: {"results": report.results})
def compared(results: pd.DataFrame, **canvas: Unpack[Canvas]) -> Axes:
    """Draw predicted outcomes against observed ones, each meeting with what it means.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS. The numbers are those of `certtrust.compare(results)`.
    **canvas
        Where and how to draw: ax, width, height, theme.

    Returns
    -------
    Axes
        Tiles; a column that has no attempt is left out. An empty frame gives axes with a headline
        only.

    Examples
    --------
    >>> import certtrust as ct
    >>> results = ct.check(ct.attempts(ct.simulate(20, seed=1)))
    >>> "explain" in ct.charts.compared(results).get_title()
    True
    """
    counts = compare(results).loc[list(PREDICTED), list(OBSERVED)]
    counts = counts.loc[:, counts.sum() > 0]
    attempts = plural(int(counts.to_numpy().sum()), "attempt")
    with sheet(**canvas) as page:
        if page.lay_out(
            "compared",
            _title(counts),
            subtitle=say("charts.compared.subtitle", attempts=attempts)
            if counts.size
            else "",
            content=HEAD + len(PREDICTED) * (TILE + LABEL) if counts.size else 0,
            numbers=_numbers(counts),
        ):
            _draw(page, counts)
    return page.ax


def _draw(page: Sheet, counts: pd.DataFrame) -> None:
    from matplotlib.patches import Rectangle

    wide, high = page.in_points()
    total = int(counts.to_numpy().sum())
    pitch = (high - HEAD) / len(counts)
    column = wide / len(counts.columns)
    for place, observed in enumerate(counts.columns):
        head = shorten(
            say(f"charts.compared.observed.{observed}"), column - 4, SMALL, bold=True
        )
        page.note(
            head, (place * column, 1), va="top", fontweight="bold", color=page.ink.text
        )
    for line, predicted in enumerate(counts.index):
        top = HEAD + line * pitch
        label = shorten(say(f"charts.compared.predicted.{predicted}"), wide, SMALL)
        page.note(label, (0, top + LABEL - 4), va="baseline")
        for place, observed in enumerate(counts.columns):
            attempts = int(counts.loc[predicted, observed])
            tile = Rectangle(
                (place * column, top + LABEL),
                column - 4,
                pitch - LABEL - 4,
                linewidth=0,
            )
            depth = 0.14 + 0.31 * attempts / max(total, 1) if attempts else 0.06
            tile.set(
                facecolor=_tone(str(predicted), str(observed), page.dark), alpha=depth
            )
            page.ax.add_patch(tile)
            meaning = say(f"charts.compared.meaning.{predicted}.{observed}")
            _fill(page, tile, attempts, meaning)


def _fill(page: Sheet, tile: Rectangle, attempts: int, meaning: str) -> None:
    """Write the number and, as far as there is room, what it means."""
    x, top, wide, high = (
        tile.get_x() + 8,
        tile.get_y(),
        tile.get_width() - 16,
        tile.get_height(),
    )
    whole = number(attempts)
    fits = text_width(whole, TITLE, bold=True) <= wide
    style = {"va": "top", "color": page.ink.text}
    page.note(
        whole if fits else thousands(attempts),
        (x, top + 4),
        fontsize=TITLE,
        fontweight="bold",
        **style,
    )
    lines = (
        wrap(meaning, wide, SMALL, lines=int((high - 22) // 11)) if high >= 33 else []
    )
    for place, line in enumerate(lines):
        page.note(line, (x, top + 22 + place * 11), **style)


def _tone(predicted: str, observed: str, dark: bool) -> str:
    if (predicted, observed) == ("fail", "up"):
        return colour(BAD, dark=dark)
    agrees = {("fail", "failed"), ("pass", "up")}
    return colour(GOOD if (predicted, observed) in agrees else OTHER, dark=dark)


def _title(counts: pd.DataFrame) -> str:
    if not counts.size:
        return say("charts.compared.nothing")
    if "failed" not in counts:
        return say(
            "charts.compared.unobserved",
            attempts=int(counts.loc["fail"].to_numpy().sum()),
        )
    failed, explained = int(counts["failed"].sum()), int(counts["failed"]["fail"])
    failures = plural(failed, "observed failure")
    return say(
        "charts.compared.title",
        explained=explained,
        failures=failures,
        share=percent(explained / failed),
    )


def _numbers(counts: pd.DataFrame) -> str:
    return series(
        say(
            "charts.compared.row",
            predicted=say(f"charts.compared.predicted.{predicted}"),
            observed=say(f"charts.compared.observed.{observed}"),
            attempts=int(counts.loc[predicted, observed]),
        )
        for predicted in counts.index
        for observed in counts.columns
    )
