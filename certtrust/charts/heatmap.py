"""Where causes cluster: the share of a PBX's, a model's or a site's attempts that each takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import pandas as pd

from ..errors import MissingColumnError
from ..evaluation.check import causes as count_causes
from ..schema import RESULTS, expect
from ..texts.labels import cause_label, percent, plural, series, thousands
from ..texts.sentences import number, say, sentences
from .drawing.record import Canvas, chart
from .drawing.sheet import SMALL, Sheet, sheet
from .drawing.stack import OTHER_CAUSES, stack_colours
from .drawing.text import plain, shorten, tell_apart, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = ["device", "cause", "evidence", "observed", "verdict"]
UNKNOWN = "not known"
"""The group of attempts whose column is missing."""

CELL, ROW, HEAD = 19.0, 41.0, 28.0
LEAST_COLUMN = 54.0
ENOUGH = 10
"""Attempts that a group needs for its share to stand in the headline."""
STRONGEST = 0.45
"""How much of a cause's colour a cell takes at most, so that numbers in it can be read."""


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
        Index: causes; columns: groups ("not known" where the column is missing); both by falling
        count.

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
    results = expect(results, RESULTS, COLUMNS)
    if not isinstance(by, str):
        raise MissingColumnError(say("errors.evaluation.no_column", columns=repr(by)))
    needed = [*COLUMNS, by]
    counts = count_causes(
        results[[name for name in needed if name in results]], by=by
    )
    group = counts[by].astype("str").fillna(UNKNOWN).rename("group")
    cause = counts["cause"].astype("str").rename("cause")
    table = (
        pd.crosstab(cause, group, values=counts["attempts"], aggfunc="sum")
        .fillna(0)
        .astype("int64")
    )
    causes, groups = (
        table.sum(axis=axis).sort_values(ascending=False, kind="stable").index
        for axis in (1, 0)
    )
    return table.loc[causes, groups]


def group_words(by: str) -> dict[str, str]:
    """Return what a column is called in a sentence (`word`), and before a value (`head`)."""
    return dict(sentences()["charts"]["heatmap"]["groups"].get(by, {}))


def _of_report(report: Any) -> dict[str, Any]:
    """Group by PBX where there are several, else by model."""
    several = len(report.results["pbx"].dropna().unique()) > 1
    by = "pbx" if several else "model"
    counts, attempts = _numbers_of(report.results, by)
    return {"counts": counts, "attempts": attempts, "by": by}


def _numbers_of(results: pd.DataFrame, by: str) -> tuple[pd.DataFrame, pd.Series]:
    """Return the failures per cause and group, and how many attempts each group made."""
    counts = causes_by_group(results, by)
    sizes = results[by].astype("str").fillna(UNKNOWN).value_counts()
    return counts, sizes.reindex(counts.columns)


def _drawn(
    counts: pd.DataFrame,
    attempts: pd.Series,
    by: str,
    *,
    top: int = 8,
    **canvas: Unpack[Canvas],
) -> Axes:
    named = {"word": by, "head": by, **group_words(by)}
    with sheet(**canvas) as page:
        columns = max(2, int(page.width_inside // LEAST_COLUMN))
        rows = top
        if page.wish is not None:
            rows = min(top, max(1, int((page.wish - HEAD) // (ROW - 6))))
        shown, of = _folded(counts, attempts, rows, columns)
        if page.lay_out(
            "heatmap",
            _title(counts, attempts, named),
            subtitle=say("charts.heatmap.subtitle", **named) if len(shown) else "",
            content=HEAD + ROW * len(shown) if len(shown) else 0,
            numbers=_numbers(counts),
        ):
            folded = plural(len(counts) - len(shown) + 1, "other cause")
            _draw(page, shown, of, folded)
    return page.ax


@chart(section="where", feed=_of_report, draw_numbers=_drawn)
def heatmap(
    results: pd.DataFrame, by: str = "pbx", *, top: int = 8, **canvas: Unpack[Canvas]
) -> Axes:
    """Draw the causes of failure against the groups of a column.

    The shade of a cell is the share of all attempts of its group, failed or not, so that groups of
    different sizes compare; the number of failures stands in it.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS. The numbers are those of `causes_by_group`; shares are of the attempts.
    by : str
        Column to group by: "pbx", "model", "firmware", "location" or another.
    top : int
        How many causes get a row; groups get as many columns as there is room for. The rest is
        folded.
    **canvas
        Where and how to draw: ax, width, height, theme.

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
    counts, attempts = _numbers_of(results, by)
    return _drawn(counts, attempts, by, top=top, **canvas)


def _folded(
    counts: pd.DataFrame, attempts: pd.Series, rows: int, columns: int
) -> tuple[pd.DataFrame, list[int]]:
    """Return what is drawn, and of how many attempts each of its columns is."""
    of = [int(size) for size in attempts]
    if counts.empty:
        return counts, of
    if len(counts.columns) > columns:
        rest = counts.columns[columns - 1 :]
        more = {say("charts.heatmap.more", count=len(rest)): counts[rest].sum(axis=1)}
        counts = counts[counts.columns[: columns - 1]].assign(**more)
        of = [*of[: columns - 1], sum(of[columns - 1 :])]
    if len(counts) > rows:
        tail = counts.iloc[rows - 1 :]
        last = pd.DataFrame([tail.sum()], index=[OTHER_CAUSES])
        counts = pd.concat([counts.iloc[: rows - 1], last])
    return counts, of


def _draw(page: Sheet, counts: pd.DataFrame, of: list[int], folded: str) -> None:
    wide, high = page.in_points()
    rows, columns = counts.shape
    pitch = (high - HEAD) / rows
    cell, column = min(CELL, pitch - 13), wide / columns
    text: Any = {"color": page.ink.text, "ha": "center"}
    groups = [plain(_group_label(group)) for group in counts.columns]
    heads = tell_apart(groups, column - 6, SMALL, bold=True)
    failures = [int(size) for size in counts.sum()]
    for position, (head, failed) in enumerate(zip(heads, failures, strict=True)):
        x = (position + 0.5) * column
        page.note(head, (x, 2.0), va="top", fontweight="bold", **text)
        words = _fraction(failed, of[position], column)
        page.note(words, (x, 14.0), va="top", ha="center")
    shares = counts / of
    highest = float(shares.to_numpy().max()) or 1.0
    shades = stack_colours([str(cause) for cause in counts.index], dark=page.dark)
    for line, cause in enumerate(counts.index):
        bottom = HEAD + (line + 1) * pitch - 3
        words = folded if cause == OTHER_CAUSES else cause_label(str(cause))
        label = shorten(plain(words), wide, SMALL)
        page.note(label, (0, bottom - cell - 3), va="baseline", color=page.ink.text)
        for position, group in enumerate(counts.columns):
            size, share = (
                int(counts.loc[cause, group]),
                float(shares.loc[cause, group]),
            )
            left, top = position * column, bottom - cell
            page.tile(
                (left, top),
                (column - 2, cell),
                colour=shades[str(cause)] if size else page.ink.line,
                alpha=0.06 + (STRONGEST - 0.06) * share / highest if size else 0.05,
            )
            if size:
                middle = (left + column / 2 - 1, bottom - cell / 2)
                page.note(_short(size, share, column), middle, va="center", **text)


def _short(size: int, share: float, room: float) -> str:
    with_share = say("charts.shared.value", amount=size, share=percent(share))
    forms = (with_share, number(size))
    fitting = [form for form in forms if text_width(form, SMALL) <= room - 8]
    return fitting[0] if fitting else thousands(size)


def _fraction(part: int, whole: int, room: float) -> str:
    """Return how many of how many, in the longest words that fit."""
    forms = [
        say("charts.heatmap.of", failed=part, attempts=whole),
        say("charts.heatmap.slash", failed=number(part), attempts=number(whole)),
        say(
            "charts.heatmap.slash", failed=thousands(part), attempts=thousands(whole)
        ),
    ]
    fitting = [form for form in forms if text_width(form, SMALL) <= room - 4]
    return fitting[0] if fitting else ""


def _group_label(group: object) -> str:
    return say("charts.heatmap.unknown") if group == UNKNOWN else str(group)


def _title(counts: pd.DataFrame, attempts: pd.Series, named: dict[str, str]) -> str:
    if counts.empty:
        return say("charts.heatmap.nothing", **named)
    shares = counts.sum() / attempts
    enough = attempts >= min(ENOUGH, int(attempts.max()))
    group: Any = shares[enough].idxmax()
    sizes = counts[group]
    key = "where_unknown" if group == UNKNOWN else "where"
    where = say(f"charts.heatmap.{key}", group=group, **named)
    return say(
        "charts.heatmap.title",
        where=where,
        failures=int(sizes.sum()),
        total=plural(int(attempts[group]), "attempt"),
        cause=cause_label(str(sizes.idxmax())),
    )


def _numbers(counts: pd.DataFrame) -> str:
    return series(
        say(
            "charts.heatmap.row",
            group=_group_label(group),
            causes=", ".join(
                say(
                    "charts.heatmap.cell",
                    cause=cause_label(str(cause)),
                    attempts=int(size),
                )
                for cause, size in sizes[sizes > 0].items()
            ),
        )
        for group, sizes in list(counts.items())[:30]
    )
