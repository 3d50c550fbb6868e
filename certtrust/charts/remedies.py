"""What to do first: each action with what it adds to all before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import pandas as pd

from ..answer_tables import REMEDIES
from ..schema import expect
from ..texts.labels import percent, plural, with_share
from ..texts.sentences import say
from .drawing.palette import GOOD, OTHER, colour
from .drawing.record import Canvas, chart
from .drawing.rows import Part, Row, draw_rows, fitting, natural_height
from .drawing.sheet import Key, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES = 8
"""How many lines a label may take, so that whom an action is for is never cut."""


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
    actions = expect(actions, REMEDIES, ["step", "devices_cumulative"])
    together = actions["devices_cumulative"].astype("int64").tolist()
    total = max(together, default=0)
    with sheet(**canvas) as page:
        tones = (colour(OTHER, dark=page.dark), colour(GOOD, dark=page.dark))
        done, new = tones
        rows = _rows(actions["step"], together, top, tones)
        fit = fitting(page, rows)
        if fit < len(rows):
            rows = _rows(actions["step"], together, fit, tones)
        if page.lay_out(
            "remedies",
            _title(together, total),
            subtitle=say("charts.remedies.subtitle") if rows else "",
            legend=[
                Key(new, say("charts.remedies.added")),
                Key(done, say("charts.remedies.before")),
            ],
            content=natural_height(rows, page),
            numbers=" ".join(
                say(
                    "charts.remedies.row",
                    step=row.label,
                    devices=int(sum(part.value for part in row.parts)),
                )
                for row in rows
            ),
        ):
            draw_rows(page, rows)
    return page.ax


def _rows(
    steps: pd.Series, together: list[int], shown: int, tones: tuple[str, str]
) -> list[Row]:
    """Return a row for each of the first actions, the last for what is folded."""
    total = max(together, default=0)
    ends = together[: max(shown, 1)]
    labels = [
        say("charts.remedies.step", number=rank, step=step.rstrip("."))
        for rank, step in enumerate(steps.head(len(ends)), start=1)
    ]
    if len(together) > len(ends):
        labels[-1] = plural(len(together) - len(ends) + 1, "further action")
        ends[-1] = total
    return [
        Row(
            label,
            with_share(end, end, total),
            [Part(begin, tones[0]), Part(end - begin, tones[1])],
            lines=LINES,
        )
        for label, begin, end in zip(labels, [0, *ends], ends, strict=False)
    ]


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
