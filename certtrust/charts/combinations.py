"""Which rules are broken together: an UpSet plot, the most frequent combination first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import numpy as np
import pandas as pd

from ..evaluation.check import counted
from ..evaluation.rules import RULES
from ..texts.labels import cause_label, listed, percent, plural, series, thousands
from ..texts.sentences import number, say
from .drawing.palette import cause_colours
from .drawing.record import Canvas, chart
from .drawing.sheet import SMALL, Sheet, sheet
from .drawing.text import plain, shorten, text_width, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BARS, ROW, COLUMN = 96.0, 27.0, 26.0
DECIDING = [rule.code for rule in RULES if not rule.code.startswith("hygiene.")]


def broken_together(results: pd.DataFrame) -> pd.DataFrame:
    """Count failed attempts per combination of broken rules.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS.

    Returns
    -------
    DataFrame
        One row per combination, the most frequent first: rules (tuple of codes in the order of the
        rules; empty where the log shows a failure and no rule is broken), attempts, devices.

    Examples
    --------
    >>> import certtrust as ct
    >>> results = ct.check(ct.attempts(ct.simulate(20, seed=1)))
    >>> broken_together(results).columns.tolist()
    ['rules', 'attempts', 'devices']
    """
    codes = [code for code in DECIDING if code in results]
    failed = counted(results[["device", "observed", "verdict", *codes]])
    broken = np.column_stack(
        [
            failed[code].eq(other=False).fillna(value=False).to_numpy(dtype=bool)
            for code in codes
        ]
    )
    key = broken @ (1 << np.arange(len(codes)))
    grouped = failed["device"].groupby(key)
    counts = pd.DataFrame({"attempts": grouped.size(), "devices": grouped.nunique()})
    names = [
        tuple(code for place, code in enumerate(codes) if bits >> place & 1)
        for bits in counts.index
    ]
    counts.insert(0, "rules", pd.Series(names, index=counts.index, dtype="object"))
    return counts.sort_values("attempts", ascending=False, kind="stable").reset_index(
        drop=True
    )


@chart(section="where", feed=lambda report: {"results": report.results})
def combinations(
    results: pd.DataFrame, *, top: int = 12, **canvas: Unpack[Canvas]
) -> Axes:
    """Draw how many failed attempts break which rules together.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS. The numbers are those of `broken_together`.
    top : int
        How many combinations are drawn, as far as there is room; the subtitle says what is left
        out.
    **canvas
        Where and how to draw: ax, width, height, theme.

    Returns
    -------
    Axes
        Bars above a grid of dots; an empty frame gives axes with a headline only.

    Examples
    --------
    >>> import certtrust as ct
    >>> results = ct.check(ct.attempts(ct.simulate(20, seed=1)))
    >>> "more than one rule" in " ".join(ct.charts.combinations(results).get_title().split())
    True
    """
    counts = broken_together(results)
    broken = counts[counts["rules"].map(len) > 0]
    with sheet(**canvas) as page:
        label_room = min(235.0, page.width_inside * 0.44)
        columns = max(1, min(top, int((page.width_inside - label_room) // COLUMN)))
        shown = broken.head(columns)
        codes = _ranked(shown)
        if page.wish is not None:
            codes = codes[: max(1, int((page.wish - BARS * 0.6) // 17))]
            fits = [set(rules) <= set(codes) for rules in shown["rules"]]
            shown, codes = (
                (shown[fits], codes)
                if any(fits)
                else (shown.head(1), _ranked(shown.head(1)))
            )
        if page.lay_out(
            "combinations",
            _title(broken),
            subtitle=_subtitle(counts, broken, shown),
            content=BARS + ROW * len(codes) if len(broken) else 0,
            numbers=_numbers(broken),
        ):
            _draw(page, shown, codes, label_room)
    return page.ax


def _ranked(shown: pd.DataFrame) -> list[str]:
    sizes: dict[str, int] = {}
    for rules, attempts in zip(shown["rules"], shown["attempts"], strict=True):
        for code in rules:
            sizes[code] = sizes.get(code, 0) + int(attempts)
    return sorted(sizes, key=lambda code: -sizes[code])


def _draw(
    page: Sheet, shown: pd.DataFrame, codes: list[str], label_room: float
) -> None:
    ax = page.ax
    wide, high = page.in_points()
    row = min(ROW, (high - BARS * 0.6) / len(codes))
    bars = high - row * len(codes)
    column = min((wide - label_room) / len(shown), 60.0)
    tones = cause_colours(codes, dark=page.dark)
    for line, code in enumerate(codes):
        middle = bars + (line + 0.5) * row
        _label(page, cause_label(code), middle, label_room - 10, row)
        ax.axhline(
            middle, xmin=label_room / wide, color=page.ink.grid, linewidth=0.8, zorder=0
        )
    longest = int(shown["attempts"].max())
    for place, (rules, attempts) in enumerate(
        zip(shown["rules"], shown["attempts"], strict=True)
    ):
        x = label_room + (place + 0.5) * column
        tall = (bars - 22) * attempts / longest
        ax.bar(
            x,
            -tall,
            width=min(column * 0.62, 22),
            bottom=bars - 8,
            color=page.ink.muted,
            linewidth=0,
        )
        page.note(
            _number(int(attempts), column),
            (x, bars - 10 - tall),
            ha="center",
            va="bottom",
            color=page.ink.text,
        )
        lines = [codes.index(code) for code in rules]
        heights = [bars + (line + 0.5) * row for line in lines]
        ax.plot(
            [x, x],
            [min(heights), max(heights)],
            color=page.ink.muted,
            linewidth=2,
            zorder=2,
        )
        ax.scatter(
            [x] * len(heights),
            heights,
            s=52,
            c=[tones[code] for code in rules],
            zorder=3,
            linewidths=0,
        )


def _label(page: Sheet, text: str, middle: float, room: float, row: float) -> None:
    lines = wrap(plain(text), room, SMALL, lines=2 if row >= 23 else 1)
    for place, line in enumerate(lines):
        offset = (place - (len(lines) - 1) / 2) * 11
        page.note(line, (0, middle + offset), va="center", color=page.ink.text)


def _number(size: int, room: float) -> str:
    whole = number(size)
    return (
        whole
        if text_width(whole, SMALL) <= room - 3
        else shorten(thousands(size), room - 3, SMALL)
    )


def _title(broken: pd.DataFrame) -> str:
    total = int(broken["attempts"].sum())
    several = int(broken.loc[broken["rules"].map(len) > 1, "attempts"].sum())
    if not several:
        return say("charts.combinations.nothing")
    failures = plural(total, "failed attempt")
    return say(
        "charts.combinations.title",
        count=several,
        failures=failures,
        share=percent(several / total),
    )


def _subtitle(counts: pd.DataFrame, broken: pd.DataFrame, shown: pd.DataFrame) -> str:
    parts = [say("charts.combinations.subtitle")] if len(broken) else []
    hidden = broken.drop(shown.index)
    if len(hidden):
        rarer = plural(len(hidden), "rarer combination")
        attempts = plural(int(hidden["attempts"].sum()), "attempt")
        parts.append(say("charts.combinations.hidden", rarer=rarer, attempts=attempts))
    others = int(counts["attempts"].sum() - broken["attempts"].sum())
    if others:
        parts.append(
            say("charts.combinations.others", failures=plural(others, "failure"))
        )
    return series(parts)


def _numbers(broken: pd.DataFrame) -> str:
    first = broken.head(20)
    return series(
        say(
            "charts.combinations.row",
            rules=listed([cause_label(code) for code in rules]),
            attempts=attempts,
        )
        for rules, attempts in zip(first["rules"], first["attempts"], strict=True)
    )
