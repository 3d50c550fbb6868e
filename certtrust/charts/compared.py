"""What the rules predict against what the log shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ..evaluation.check import compare
from ..texts.labels import percent, plural
from .drawing.palette import BAD, GOOD, OTHER, colour
from .drawing.sheet import SMALL, TITLE, WIDTH, Sheet, sheet
from .drawing.text import shorten, text_width, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEANING: dict[tuple[str, str], str] = {
    ("fail", "failed"): "explained",
    ("fail", "up"): "contradicted: some data are probably stale",
    ("fail", "not observed"): "would fail",
    ("pass", "failed"): "no rule is broken: see what the log states",
    ("pass", "up"): "works, as predicted",
    ("pass", "not observed"): "would work",
    ("unknown", "failed"): "failed, data missing to decide",
    ("unknown", "up"): "works, data missing to decide",
    ("unknown", "not observed"): "data missing to decide",
}
PREDICTED = {
    "fail": "The rules predict a failure",
    "pass": "The rules predict success",
    "unknown": "The rules cannot tell",
}
OBSERVED = {"failed": "Log: failed", "up": "Log: up", "not observed": "Log: nothing"}
TILE, LABEL, HEAD = 62.0, 18.0, 16.0


def compared(
    results: pd.DataFrame,
    *,
    ax: Axes | None = None,
    width: float = WIDTH,
    height: float | None = None,
    theme: str | None = None,
) -> Axes:
    """Draw predicted outcomes against observed ones, each meeting with what it means.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS. The numbers are those of `certtrust.compare(results)`.
    ax, width, height, theme
        As for `certtrust.charts.causes`.

    Returns
    -------
    Axes
        Tiles; a column that has no attempt is left out. An empty frame gives axes with a headline only.

    Examples
    --------
    >>> import certtrust as ct
    >>> results = ct.check(ct.attempts(ct.simulate(20, seed=1)))
    >>> "explain" in ct.charts.compared(results).get_title()
    True
    """
    counts = compare(results).loc[list(PREDICTED), list(OBSERVED)]
    counts = counts.loc[:, counts.sum() > 0]
    with sheet(ax, width=width, height=height, theme=theme) as page:
        title = _headline(counts)
        page.lay_out(
            title,
            subtitle=f"{plural(int(counts.to_numpy().sum()), 'attempt')}, by prediction and by what the log shows"
            if counts.size
            else "",
            content=HEAD + len(PREDICTED) * (TILE + LABEL) if counts.size else 30,
            alt=_alternative(title, counts),
        )
        if counts.size:
            _draw(page, counts)
        else:
            page.say("There is no attempt to compare.")
        return page.ax


def _draw(page: Sheet, counts: pd.DataFrame) -> None:
    from matplotlib.patches import Rectangle

    ax = page.ax
    wide, high = page.room
    total = int(counts.to_numpy().sum())
    pitch = (high - HEAD) / len(counts)
    column = wide / len(counts.columns)
    ax.set_xlim(0, wide)
    ax.set_ylim(high, 0)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines["bottom"].set_visible(False)
    for place, observed in enumerate(counts.columns):
        head = shorten(OBSERVED[str(observed)], column - 4, SMALL, bold=True)
        page.note(head, (place * column, 1), va="top", fontweight="bold", color=page.ink.text)
    for line, predicted in enumerate(counts.index):
        top = HEAD + line * pitch
        page.note(shorten(PREDICTED[str(predicted)], wide, SMALL), (0, top + LABEL - 4), va="baseline")
        for place, observed in enumerate(counts.columns):
            size = int(counts.loc[predicted, observed])
            tone, depth = _tone(str(predicted), str(observed), page.dark), 0.14 + 0.31 * size / max(total, 1)
            tile = Rectangle((place * column, top + LABEL), column - 4, pitch - LABEL - 4, linewidth=0)
            tile.set(facecolor=tone, alpha=depth if size else 0.06)
            ax.add_patch(tile)
            _fill(
                page,
                (place * column + 8, top + LABEL),
                size,
                str(predicted),
                str(observed),
                column - 20,
                pitch - LABEL - 4,
            )


def _fill(
    page: Sheet, corner: tuple[float, float], size: int, predicted: str, observed: str, wide: float, high: float
) -> None:
    """Write the number and, as far as there is room, what it means."""
    x, top = corner
    number = f"{size:,}" if text_width(f"{size:,}", TITLE, bold=True) <= wide else f"{size / 1000:,.0f}k"
    page.note(number, (x, top + 4), va="top", fontsize=TITLE, fontweight="bold", color=page.ink.text)
    lines = wrap(MEANING[predicted, observed], wide, SMALL, lines=max(int((high - 22) // 11), 0) or 1)
    for place, line in enumerate(lines if high >= 33 else []):
        page.note(line, (x, top + 22 + place * 11), va="top", color=page.ink.text)


def _tone(predicted: str, observed: str, dark: bool) -> str:
    if (predicted, observed) == ("fail", "up"):
        return colour(BAD, dark=dark)
    agrees = {("fail", "failed"), ("pass", "up")}
    return colour(GOOD if (predicted, observed) in agrees else OTHER, dark=dark)


def _headline(counts: pd.DataFrame) -> str:
    failed = int(counts["failed"].to_numpy().sum()) if "failed" in counts else 0
    if not counts.size:
        return "No attempts to explain"
    if not failed:
        would = int(counts.loc["fail"].to_numpy().sum())
        return f"The rules explain no failure, since the log shows none; they predict {would:,}"
    explained = int(counts["failed"]["fail"])
    return f"The rules explain {explained:,} of {plural(failed, 'observed failure')} ({percent(explained / failed)})"


def _alternative(title: str, counts: pd.DataFrame) -> str:
    listed = [
        f"{PREDICTED[str(predicted)]}, {OBSERVED[str(observed)].lower()}: {int(counts.loc[predicted, observed]):,}"
        for predicted in counts.index
        for observed in counts.columns
    ]
    return f"Tiles of predicted against observed. {title}. {'; '.join(listed)}."
