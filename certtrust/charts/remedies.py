"""What to do first: each action with what it adds to all before it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Unpack

import pandas as pd

from ..texts.labels import percent, plural, with_share
from ..texts.sentences import say
from .drawing.palette import GOOD, OTHER, colour
from .drawing.record import Canvas, chart
from .drawing.rows import Part, Row, capacity, draw_rows, natural_height
from .drawing.sheet import NARROW, Key, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@chart(section="first", feed=lambda report: {"actions": report.remedies})
def remedies(
    actions: pd.DataFrame, *, top: int = 10, **canvas: Unpack[Canvas]
) -> Axes:
    """Draw how many devices the first actions repair together.

    Parameters
    ----------
    actions : DataFrame
        From `certtrust.remedies(fleet, results)`: step, devices_cumulative, in the order of the
        actions.
    top : int
        How many actions get a row; the rest fold into one that says how many they are.
    **canvas
        Where and how to draw: ax, width, height, theme.

    Returns
    -------
    Axes
        One row per action, whose bar grows by what it adds; an empty frame gives axes with a
        headline only.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(20, seed=1)
    >>> actions = ct.remedies(fleet, ct.check(ct.attempts(fleet)))
    >>> "repair" in ct.charts.remedies(actions).get_title()
    True
    """
    together = actions["devices_cumulative"].astype("int64").tolist()
    total = max(together, default=0)
    with sheet(**canvas) as page:
        shown = max(min(capacity(page, top), top), 1)
        done, new = colour(OTHER, dark=page.dark), colour(GOOD, dark=page.dark)
        lines = 2 if page.wish is None and page.width_inside < NARROW else 1
        labels = [
            say("charts.remedies.step", number=rank, step=_short(step))
            for rank, step in enumerate(actions["step"].head(shown), start=1)
        ]
        ends = together[:shown]
        if len(together) > shown:
            labels[-1] = plural(len(together) - shown + 1, "further action")
            ends[-1] = total
        rows = [
            Row(
                label,
                with_share(end, end, total),
                [Part(begin, done), Part(end - begin, new)],
                lines=lines,
            )
            for label, begin, end in zip(labels, [0, *ends], ends, strict=False)
        ]
        if page.lay_out(
            "remedies",
            _title(together, total),
            subtitle=say("charts.remedies.subtitle") if rows else "",
            legend=[
                Key(new, say("charts.remedies.added")),
                Key(done, say("charts.remedies.before")),
            ],
            content=natural_height(rows),
            numbers=" ".join(
                say("charts.remedies.row", step=label, devices=end)
                for label, end in zip(labels, ends, strict=True)
            ),
        ):
            draw_rows(page, rows)
    return page.ax


def _short(step: str) -> str:
    """Leave out what stands in brackets; the report has the whole sentence."""
    return re.sub(r" \([^()]*\)", "", step).rstrip(".")


def _title(together: list[int], total: int) -> str:
    if not total:
        return say("charts.remedies.nothing")
    if total == 1:
        return say("charts.remedies.single")
    enough = next(
        index for index, devices in enumerate(together) if devices >= 0.5 * total
    )
    return say(
        "charts.remedies.title",
        count=enough + 1,
        actions=len(together),
        devices=together[enough],
        repairable=total,
        share=percent(together[enough] / total),
    )
