"""One TLS connection as a ladder: who sent what, and which message ended it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import pandas as pd

from ..errors import CerttrustError
from ..schema import HANDSHAKES, expect
from ..texts.labels import series
from ..texts.sentences import decimal, say
from .drawing.palette import BAD, GOOD, OTHER, colour
from .drawing.record import Canvas, chart
from .drawing.sheet import SMALL, Sheet, sheet
from .drawing.text import shorten, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RUNG, HEAD, FOOT = 34.0, 40.0, 8.0
_COLUMNS = (
    "client",
    "server",
    "server_port",
    "outcome",
    "alert",
    "alert_by",
    "messages",
)
_TIME = 58.0
"""Points at the left for the seconds."""


class Rung(NamedTuple):
    """What one side sent at one moment."""

    by: str
    seconds: str
    words: str


def of_interest(handshakes: pd.DataFrame) -> pd.DataFrame:
    """Return the connection to show of many: the first that was refused, else the first."""
    drawable = handshakes[
        handshakes["messages"].map(bool) & handshakes["outcome"].notna()
    ]
    refused = drawable["outcome"].astype("str").str.startswith("refused")
    return (drawable[refused] if refused.any() else drawable).head(1)


def rungs(messages: list[str]) -> list[Rung]:
    """Return messages that a side sent at the same moment together."""
    steps: list[Rung] = []
    for message in messages:
        by, seconds, what = message.split(" ", 2)
        if steps and steps[-1][:2] == (by, seconds) and seconds != "-":
            steps[-1] = steps[-1]._replace(words=f"{steps[-1].words}, {what}")
        else:
            steps.append(Rung(by, seconds, what))
    return steps


@chart(
    section="wire",
    feed=lambda report: {
        "handshakes": pd.DataFrame(columns=list(_COLUMNS))
        if report.fleet.handshakes is None
        else report.fleet.handshakes
    },
)
def ladder(
    handshakes: pd.DataFrame, connection: Any = None, **canvas: Unpack[Canvas]
) -> Axes:
    """Draw who sent what in one TLS connection, from its beginning to the message that ended it.

    Parameters
    ----------
    handshakes : DataFrame
        Table HANDSHAKES.
    connection : label, optional
        Which row of it to draw; by default the first that was refused, else the first.
    **canvas
        Where and how to draw: ax, width, height, theme.

    Returns
    -------
    Axes
        The client at the left and the server at the right, an arrow for what was sent at one
        moment, seconds at the left. An empty frame gives axes with a headline only.

    Raises
    ------
    CerttrustError
        If there is no such row.

    Examples
    --------
    >>> import certtrust as ct
    >>> ct.charts.ladder(ct.handshakes(b"no capture")).get_title()
    'No connection to draw'
    """
    handshakes = expect(handshakes, HANDSHAKES, _COLUMNS)
    if connection is None:
        row = of_interest(handshakes)
    elif connection in handshakes.index:
        row = handshakes.loc[[connection]].head(1)
    else:
        raise CerttrustError(
            say("errors.charts.no_connection", connection=repr(connection))
        )
    steps = rungs(row["messages"].iloc[0] or []) if len(row) else []
    with sheet(**canvas) as page:
        if page.lay_out(
            "ladder",
            _title(row) if steps else say("charts.ladder.nothing"),
            subtitle=_subtitle(row) if steps else "",
            content=HEAD + RUNG * len(steps) + FOOT if steps else 0,
            numbers=series(f"{step.by} {step.words}" for step in steps),
        ):
            _draw(page, row, steps)
    return page.ax


def _draw(page: Sheet, row: pd.DataFrame, steps: list[Rung]) -> None:
    wide, high = page.in_points()
    ends = {"client": _TIME + 0.02 * wide, "server": 0.98 * wide}
    pitch = (high - HEAD - FOOT) / max(len(steps), 1)
    for side, x in ends.items():
        page.ax.plot([x, x], [HEAD - 12, high], color=page.ink.line, linewidth=1.0)
        name = say(f"charts.ladder.{side}")
        address = str(row[side].iloc[0])
        style: Any = {"ha": "left" if side == "client" else "right", "va": "top"}
        edge = 0.0 if side == "client" else wide
        page.note(name, (edge, 0), color=page.ink.text, fontweight="bold", **style)
        page.note(shorten(address, wide / 2 - 8, SMALL), (edge, 12), **style)
    ending = _ending(row, steps)
    for number, step in enumerate(steps):
        y = HEAD + (number + 0.7) * pitch
        tone = ending[1] if number == ending[0] else OTHER
        _rung(page, step, ends, y, colour(tone, dark=page.dark), number == ending[0])


def _rung(
    page: Sheet,
    step: Rung,
    ends: dict[str, float],
    y: float,
    tone: str,
    decides: bool,
) -> None:
    other = "server" if step.by == "client" else "client"
    begin, end = ends[step.by], ends[other]
    arrow = {
        "arrowstyle": "-|>",
        "color": tone,
        "linewidth": 1.8 if decides else 1.0,
        "shrinkA": 0,
        "shrinkB": 0,
    }
    page.ax.annotate("", (end, y), (begin, y), arrowprops=arrow)
    room = abs(end - begin) - 12
    look: dict[str, Any] = {"ha": "center", "va": "bottom", "color": page.ink.text}
    if decides:
        look["fontweight"] = "bold"
    lines = wrap(step.words, room, SMALL, lines=2)
    for number, line in enumerate(reversed(lines)):
        page.note(line, ((begin + end) / 2, y - 3 - 11 * number), **look)
    if step.seconds != "-":
        page.note(f"{decimal(float(step.seconds), 3)} s", (0, y), va="center")


def _ending(row: pd.DataFrame, steps: list[Rung]) -> tuple[int, tuple[str, str]]:
    """Return the step that decided how the connection ended, and its colour."""
    outcome = str(row["outcome"].iloc[0])
    if outcome.startswith("refused"):
        by = outcome.rpartition(" ")[2]
        named = f"Alert {row['alert'].iloc[0]}"
        positions = [
            number
            for number, step in enumerate(steps)
            if step.by == by and named in step.words
        ]
        return (positions[-1] if positions else len(steps) - 1), BAD
    if outcome == "established":
        positions = [
            number for number, step in enumerate(steps) if "Finished" in step.words
        ]
        return (positions[-1] if positions else len(steps) - 1), GOOD
    return len(steps) - 1, BAD if outcome == "cut off" else OTHER


def _title(row: pd.DataFrame) -> str:
    outcome = str(row["outcome"].iloc[0])
    alert = row["alert"].iloc[0]
    return say(
        f"charts.ladder.outcomes.{outcome}",
        alert=alert if isinstance(alert, str) else "",
    )


def _subtitle(row: pd.DataFrame) -> str:
    client, server, port = (
        row[name].iloc[0] for name in ("client", "server", "server_port")
    )
    return say("charts.ladder.subtitle", client=client, server=server, port=str(port))
