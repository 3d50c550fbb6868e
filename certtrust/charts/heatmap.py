"""Where causes cluster: each cause against models, PBXs, firmware versions or sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ..evaluation.check import causes as count_causes
from ..texts.labels import cause_label, percent, plural
from .drawing.sheet import SMALL, WIDTH, Sheet, sheet
from .drawing.stack import OTHER_CAUSES, stack_colours
from .drawing.text import plain, shorten, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GROUP_WORDS = {"pbx": "PBX", "model": "model", "firmware": "firmware", "location": "site", "scenario": "scenario"}
CELL, ROW, HEAD = 19.0, 41.0, 16.0
LEAST_COLUMN = 54.0
STRONGEST = 0.45
"""How much of a cause's colour a cell takes at most, so that numbers in it can be read on either background."""


def causes_by_group(results: pd.DataFrame, by: str) -> pd.DataFrame:
    """Count failed attempts per cause and group.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS.
    by : str
        A column of it, such as "pbx", "model", "firmware" or "location".

    Returns
    -------
    DataFrame
        Index: causes; columns: groups ("not known" where the column is missing); both by falling count.

    Raises
    ------
    MissingColumnError
        If `results` has no such column.

    Examples
    --------
    >>> import certtrust as ct
    >>> results = ct.check(ct.attempts(ct.simulate(20, seed=1)))
    >>> causes_by_group(results, "pbx").index.name
    'cause'
    """
    needed = ["device", "cause", "evidence", "observed", "verdict", by]
    counts = count_causes(results[[name for name in needed if name in results]], by=by)
    group = counts[by].astype("str").fillna("not known").rename("group")
    cause = counts["cause"].astype("str").rename("cause")
    table = pd.crosstab(cause, group, values=counts["attempts"], aggfunc="sum").fillna(0).astype("int64")
    table = table.loc[table.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    return table[table.sum().sort_values(ascending=False, kind="stable").index]


def heatmap(
    results: pd.DataFrame,
    by: str = "pbx",
    *,
    top: int = 8,
    ax: Axes | None = None,
    width: float = WIDTH,
    height: float | None = None,
    theme: str | None = None,
) -> Axes:
    """Draw the causes of failure against the groups of a column, the darker the more.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS. The numbers are those of `causes_by_group`.
    by : str
        Column to group by: "pbx", "model", "firmware", "location" or another.
    top : int
        How many causes get a row; groups get as many columns as there is room for. The rest is folded.
    ax, width, height, theme
        As for `certtrust.charts.causes`.

    Returns
    -------
    Axes
        A strip of cells per cause; an empty frame gives axes with a headline only.

    Examples
    --------
    >>> import certtrust as ct
    >>> results = ct.check(ct.attempts(ct.simulate(20, seed=1)))
    >>> len(ct.charts.heatmap(results, by="model").get_title()) > 20
    True
    """
    counts = causes_by_group(results, by)
    with sheet(ax, width=width, height=height, theme=theme) as page:
        wide = page.width_inside
        columns = max(2, int(wide // LEAST_COLUMN))
        rows = top if page.wish is None else max(1, int((page.wish - HEAD) // (ROW - 6)))
        shown = _folded(counts, min(top, rows), columns)
        title = _headline(counts, by)
        word = GROUP_WORDS.get(by, by)
        page.lay_out(
            title,
            subtitle=f"Failed attempts by {word}, and their share of all failures of that {word}"
            if len(counts)
            else "",
            content=HEAD + ROW * max(len(shown), 1),
            alt=_alternative(title, counts, word),
        )
        if len(shown):
            _draw(page, shown, plural(len(counts) - len(shown) + 1, "other cause"))
        else:
            page.say("There is no failed attempt to group.")
        return page.ax


def _folded(counts: pd.DataFrame, rows: int, columns: int) -> pd.DataFrame:
    if counts.empty:
        return counts
    if len(counts.columns) > columns:
        rest = counts.columns[columns - 1 :]
        counts = counts[counts.columns[: columns - 1]].assign(**{f"{len(rest):,} more": counts[rest].sum(axis=1)})
    if len(counts) > rows:
        tail = counts.iloc[rows - 1 :]
        last = pd.DataFrame([tail.sum()], index=[OTHER_CAUSES])
        counts = pd.concat([counts.iloc[: rows - 1], last])
    return counts


def _draw(page: Sheet, counts: pd.DataFrame, folded: str) -> None:
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Rectangle

    ax = page.ax
    wide, high = page.room
    rows, columns = counts.shape
    pitch = (high - HEAD) / rows
    cell, column = min(CELL, pitch - 13), wide / columns
    ax.set_xlim(0, wide)
    ax.set_ylim(high, 0)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines["bottom"].set_visible(False)
    totals = counts.sum()
    shades = stack_colours([str(cause) for cause in counts.index], dark=page.dark)
    highest = float((counts / totals.where(totals > 0, 1)).max().max()) or 1.0
    for place, name in enumerate(counts.columns):
        head = shorten(plain(name), column - 6, SMALL, bold=True)
        page.note(head, ((place + 0.5) * column, 2), ha="center", va="top", fontweight="bold", color=page.ink.text)
    for line, cause in enumerate(counts.index):
        base = HEAD + line * pitch
        label = shorten(plain(folded if cause == OTHER_CAUSES else cause_label(str(cause))), wide, SMALL)
        page.note(label, (0, base + pitch - cell - 6), va="baseline", color=page.ink.text)
        for place, name in enumerate(counts.columns):
            size = int(counts.loc[cause, name])
            share = size / totals[name] if totals[name] else 0.0
            alpha = 0.06 + (STRONGEST - 0.06) * share / highest if size else 0.05
            tone = to_rgb(shades[str(cause)]) if size else to_rgb(page.ink.line)
            box = Rectangle(
                (place * column, base + pitch - cell - 3), column - 2, cell, facecolor=tone, alpha=alpha, linewidth=0
            )
            ax.add_patch(box)
            if size:
                page.note(
                    _short(size, share, column),
                    ((place + 0.5) * column - 1, base + pitch - cell / 2 - 3),
                    ha="center",
                    va="center",
                    color=page.ink.text,
                )


def _short(size: int, share: float, room: float) -> str:
    whole = f"{size:,} \u00b7 {percent(share)}"
    if text_width(whole, SMALL) <= room - 8:
        return whole
    return f"{size:,}" if text_width(f"{size:,}", SMALL) <= room - 8 else f"{size / 1000:,.0f}k"


def _headline(counts: pd.DataFrame, by: str) -> str:
    if counts.empty:
        return f"No failed attempts by {GROUP_WORDS.get(by, by)}"
    totals = counts.sum()
    group, size = str(totals.index[0]), int(totals.iloc[0])
    word = GROUP_WORDS.get(by, by)
    sizes = counts.iloc[:, 0].to_numpy()
    first = int(sizes.argmax())
    opening = f"{word[0].upper()}{word[1:]} {group}" if group != "not known" else f"Where the {word} is not known"
    failed, share = plural(int(totals.sum()), "failed attempt"), percent(int(sizes[first]) / size)
    rest = f"{size:,} of {failed}, {share} of them"
    return f"{opening}: {rest} \u201c{cause_label(str(counts.index[first]))}\u201d"


def _alternative(title: str, counts: pd.DataFrame, word: str) -> str:
    listed = [
        f"{group}: " + ", ".join(f"{cause_label(str(cause))} {size:,}" for cause, size in sizes[sizes > 0].items())
        for group, sizes in counts.items()
    ]
    return f"Cells of causes by {word}. {title}. {'; '.join(listed[:30])}."
