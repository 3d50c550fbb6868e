"""What the rules predict against what the log shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

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
    """Draw predicted outcomes against observed ones, with what each combination means.

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
    wide, high = page.in_points()
    total = int(counts.to_numpy().sum())
    pitch = (high - HEAD) / len(counts)
    column = wide / len(counts.columns)
    bold: Any = {"va": "top", "fontweight": "bold", "color": page.ink.text}
    for position, observed in enumerate(counts.columns):
        words = say(f"charts.compared.observed.{observed}")
        head = shorten(words, column - 4, SMALL, bold=True)
        page.note(head, (position * column, 1), **bold)
    for line, predicted in enumerate(counts.index):
        top = HEAD + line * pitch
        label = shorten(say(f"charts.compared.predicted.{predicted}"), wide, SMALL)
        page.note(label, (0, top + LABEL - 4), va="baseline")
        for position, observed in enumerate(counts.columns):
            attempts = int(counts.loc[predicted, observed])
            corner = (position * column, top + LABEL)
            share = attempts / max(total, 1)
            tone = _tone(str(predicted), str(observed), page.dark)
            tile = page.tile(
                corner,
                (column - 4, pitch - LABEL - 4),
                colour=tone,
                alpha=0.14 + 0.31 * share if attempts else 0.06,
            )
            meaning = say(f"charts.compared.meaning.{predicted}.{observed}")
            _fill(page, tile, attempts, meaning)


def _fill(page: Sheet, tile: Rectangle, attempts: int, meaning: str) -> None:
    """Write the number and, as far as there is room, what it means."""
    x, top = tile.get_x() + 8, tile.get_y()
    wide, high = tile.get_width() - 16, tile.get_height()
    fits = text_width(number(attempts), TITLE, bold=True) <= wide
    words = number(attempts) if fits else thousands(attempts)
    style: Any = {"va": "top", "color": page.ink.text}
    page.note(words, (x, top + 4), fontsize=TITLE, fontweight="bold", **style)
    if high >= 33:
        lines = wrap(meaning, wide, SMALL, lines=int((high - 22) // 11))
        for number_of_line, line in enumerate(lines):
            page.note(line, (x, top + 22 + number_of_line * 11), **style)


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
