"""What to do first: each action with what it adds to all before it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

from ..texts.labels import percent, plural
from .drawing.palette import GOOD, OTHER, colour
from .drawing.rows import Part, Row, capacity, draw_rows, natural_height
from .drawing.sheet import NARROW, WIDTH, Key, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def remedies(
    actions: pd.DataFrame,
    *,
    top: int = 10,
    ax: Axes | None = None,
    width: float = WIDTH,
    height: float | None = None,
    theme: str | None = None,
) -> Axes:
    """Draw how many devices the first actions repair together.

    Parameters
    ----------
    actions : DataFrame
        From `certtrust.remedies(fleet, results)`: step, devices_cumulative, in the order of the actions.
    top : int
        How many actions get a row; the rest fold into one that says how many they are.
    ax, width, height, theme
        As for `certtrust.charts.causes`.

    Returns
    -------
    Axes
        One row per action, whose bar grows by what it adds; an empty frame gives axes with a headline only.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(20, seed=1)
    >>> actions = ct.remedies(fleet, ct.check(ct.attempts(fleet)))
    >>> "repair" in ct.charts.remedies(actions).get_title()
    True
    """
    together = actions["devices_cumulative"].astype("int64").reset_index(drop=True)
    before = together.shift(fill_value=0)
    total = int(together.max()) if len(together) else 0
    with sheet(ax, width=width, height=height, theme=theme) as page:
        shown = min(capacity(page, top), top, len(actions))
        done, new = colour(OTHER, dark=page.dark), colour(GOOD, dark=page.dark)
        parts = [[Part(old, done), Part(now - old, new)] for old, now in zip(before, together, strict=True)]
        steps = [f"{place + 1}. {_short(step)}" for place, step in enumerate(actions["step"].head(shown))]
        lines = 2 if page.wish is None and page.width_inside < NARROW else 1
        rows = [
            Row(step, f"{now:,} \u00b7 {percent(now / max(total, 1))}", part, lines=lines)
            for step, now, part in zip(steps, together, parts, strict=False)
        ]
        if shown < len(actions):
            old = int(before[max(shown - 1, 0)])
            folded = Row(plural(len(actions) - shown + 1, "further action"), f"{total:,} \u00b7 100%",
                         [Part(old, done), Part(total - old, new)])  # fmt: skip
            rows[max(shown - 1, 0) :] = [folded]
        title = _headline(together, total)
        page.lay_out(
            title,
            subtitle="Devices repaired by each action and all before it" if rows else "",
            legend=[Key(new, "added by this action"), Key(done, "repaired by those before")] if rows else (),
            content=natural_height(rows),
            alt=f"Growing bars. {title}. "
            + " ".join(f"{step} ({now:,} together)" for step, now in zip(steps, together, strict=False)),
        )
        if rows:
            draw_rows(page, rows)
        else:
            page.say("There is nothing to repair that a change of certificates, names or settings would.")
        return page.ax


def _short(step: str) -> str:
    """Leave out what stands in brackets; the report has the whole sentence."""
    return re.sub(r" \([^()]*\)", "", step).rstrip(".")


def _headline(together: pd.Series, total: int) -> str:
    if not total:
        return "No action repairs a device"
    enough = int((together >= 0.5 * total).to_numpy().argmax()) + 1
    reached = int(together.iloc[enough - 1])
    whom = f"{reached:,} of the {total:,} devices that can be repaired ({percent(reached / total)})"
    if total == 1:
        return "One action repairs the one device that can be repaired"
    return (
        f"The first action repairs {whom}"
        if enough == 1
        else f"The first {enough} of {len(together)} actions repair {whom}"
    )
