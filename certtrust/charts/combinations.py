"""Which rules are broken together: an UpSet plot, the most frequent combination first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from ..evaluation.check import counted
from ..evaluation.rules import RULES
from ..schema import RESULTS, expect
from ..texts.labels import cause_label, listed, percent, plural, series, thousands
from ..texts.sentences import number, say
from .drawing.palette import cause_colours
from .drawing.record import Canvas, chart
from .drawing.sheet import SMALL, Sheet, sheet
from .drawing.text import plain, shorten, text_width, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BARS, ROW, COLUMN = 96.0, 27.0, 26.0
COLUMNS = ["device", "observed", "verdict"]
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
    results = expect(results, RESULTS, COLUMNS)
    codes = [code for code in DECIDING if code in results]
    results = expect(results, RESULTS, codes)
    failed = counted(results[[*COLUMNS, *codes]])
    is_broken = failed[codes].eq(other=False).fillna(value=False).to_numpy(dtype=bool)
    combination = is_broken @ (1 << np.arange(len(codes)))
    grouped = failed["device"].groupby(combination)
    counts = pd.DataFrame({"attempts": grouped.size(), "devices": grouped.nunique()})
    rules = [
        tuple(code for bit, code in enumerate(codes) if bits >> bit & 1)
        for bits in counts.index
    ]
    counts.insert(0, "rules", pd.Series(rules, index=counts.index, dtype="object"))
    counts = counts.sort_values("attempts", ascending=False, kind="stable")
    return counts.reset_index(drop=True)


def _drawn(counts: pd.DataFrame, *, top: int = 12, **canvas: Unpack[Canvas]) -> Axes:
    broken = counts[counts["rules"].map(len) > 0]
    with sheet(**canvas) as page:
        label_room = min(235.0, page.width_inside * 0.44)
        columns = max(1, min(top, int((page.width_inside - label_room) // COLUMN)))
        shown, codes = _fitting(broken.head(columns), page.wish)
        if page.lay_out(
            "combinations",
            _title(broken),
            subtitle=_subtitle(counts, broken, shown),
            content=BARS + ROW * len(codes) if len(broken) else 0,
            numbers=_numbers(broken),
        ):
            _draw(page, shown, codes, label_room)
    return page.ax


@chart(
    section="where",
    feed=lambda report: {"counts": report.combinations},
    draw_numbers=_drawn,
)
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
    return _drawn(broken_together(results), top=top, **canvas)


def _fitting(
    shown: pd.DataFrame, height: float | None
) -> tuple[pd.DataFrame, list[str]]:
    """Return the combinations whose rules all get a line in this height, and these rules."""
    codes = _ranked(shown)
    if height is None:
        return shown, codes
    codes = codes[: max(1, int((height - BARS * 0.6) // 17))]
    fits = [set(rules) <= set(codes) for rules in shown["rules"]]
    if any(fits):
        return shown[fits], codes
    return shown.head(1), _ranked(shown.head(1))


def _ranked(shown: pd.DataFrame) -> list[str]:
    sizes: dict[str, int] = {}
    for rules, attempts in zip(shown["rules"], shown["attempts"], strict=True):
        for code in rules:
            sizes[code] = sizes.get(code, 0) + int(attempts)
    return sorted(sizes, key=lambda code: -sizes[code])


def _draw(
    page: Sheet, shown: pd.DataFrame, codes: list[str], label_room: float
) -> None:
    """Draw a line of dots per rule, and a bar above them per combination."""
    wide, high = page.in_points()
    row = min(ROW, (high - BARS * 0.6) / len(codes))
    floor = high - row * len(codes)
    column = min((wide - label_room) / len(shown), 60.0)
    tones = cause_colours(codes, dark=page.dark)
    heights = {code: floor + (line + 0.5) * row for line, code in enumerate(codes)}
    rule_line: Any = {
        "xmin": label_room / wide,
        "color": page.ink.grid,
        "linewidth": 0.8,
    }
    for code, height in heights.items():
        _label(page, cause_label(code), height, label_room - 10, row)
        page.ax.axhline(height, zorder=0, **rule_line)
    scale = (floor - 22) / int(shown["attempts"].max())
    pairs = zip(shown["rules"], shown["attempts"], strict=True)
    for position, (rules, attempts) in enumerate(pairs):
        x = label_room + (position + 0.5) * column
        bar = attempts * scale
        look: Any = {"width": min(column * 0.62, 22), "color": page.ink.muted}
        page.ax.bar(x, -bar, bottom=floor - 8, linewidth=0, **look)
        top = (x, floor - 10 - bar)
        words = _number(int(attempts), column)
        page.note(words, top, ha="center", va="bottom", color=page.ink.text)
        _dots(page, x, {heights[code]: tones[code] for code in rules})


def _dots(page: Sheet, x: float, tones: dict[float, str]) -> None:
    """Draw a dot at each height, and a line that joins them."""
    ends = [min(tones), max(tones)]
    page.ax.plot([x, x], ends, color=page.ink.muted, linewidth=2, zorder=2)
    colours = list(tones.values())
    page.ax.scatter(
        [x] * len(tones), list(tones), s=52, c=colours, zorder=3, linewidths=0
    )


def _label(page: Sheet, text: str, middle: float, room: float, row: float) -> None:
    lines = wrap(plain(text), room, SMALL, lines=2 if row >= 23 else 1)
    for number_of_line, line in enumerate(lines):
        offset = (number_of_line - (len(lines) - 1) / 2) * 11
        page.note(line, (0, middle + offset), va="center", color=page.ink.text)


def _number(size: int, room: float) -> str:
    whole = number(size)
    if text_width(whole, SMALL) <= room - 3:
        return whole
    return shorten(thousands(size), room - 3, SMALL)


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
        parts.append(
            say("charts.combinations.hidden", rarer=rarer, attempts=attempts)
        )
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
