"""Ranked rows: a line of text with its bar beneath, so that long labels need no margin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .sheet import BODY, SMALL, Sheet
from .text import SLACK, plain, shorten, text_width, wrap

PITCH = 31.0
LEAST_PITCH = 25.0
BAR = 9.0
LINE = 12.0
INDENT = 14.0


class Part(NamedTuple):
    """A stretch of a bar."""

    value: float
    colour: str
    hatched: bool = False


class Row(NamedTuple):
    """A row: its label, what stands at its right, and its bar."""

    label: str
    value: str
    parts: Sequence[Part]
    remark: str = ""
    indent: int = 0
    short: str = ""
    """Stands for `value` where label and value do not fit side by side."""
    lines: int = 1
    """How many lines the label may take."""


def natural_height(rows: Sequence[Row]) -> float:
    """Return the height in points that the rows like to have."""
    return len(rows) * (
        PITCH + LINE * (max((row.lines for row in rows), default=1) - 1)
    )


def capacity(sheet: Sheet, wished: int) -> int:
    """Return how many rows the sheet has room for; any number where it sets its own height."""
    return wished if sheet.wish is None else max(1, int(sheet.wish // LEAST_PITCH))


def draw_rows(sheet: Sheet, rows: Sequence[Row]) -> None:
    """Draw the rows from the top; the coordinates are row numbers downwards, values to the
    right.
    """
    ax = sheet.ax
    wide, high = sheet.room
    pitch = high / max(len(rows), 1)
    longest = (
        max((sum(part.value for part in row.parts) for row in rows), default=0) or 1
    )
    ax.set_xlim(0, longest)
    ax.set_ylim(max(len(rows), 1), 0)
    ax.set_yticks([])
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    thick = min(BAR / pitch, 0.45)
    for place, row in enumerate(rows):
        inset = min(row.indent * INDENT, wide * 0.4)
        line = place + 1 - thick - 3.5 / pitch - 0.12
        _draw_line(sheet, row, line, inset, wide)
        start = inset / wide * longest
        scale = 1 - inset / wide
        for part in row.parts:
            bar = ax.barh(
                place + 1 - 0.12 - thick / 2,
                part.value * scale,
                left=start,
                height=thick,
                color=part.colour,
                linewidth=0,
            )
            if part.hatched:
                bar[0].set(hatch="/////", edgecolor=sheet.ink.background)
            start += part.value * scale


def _draw_line(sheet: Sheet, row: Row, line: float, inset: float, wide: float) -> None:
    """Write a label at the left, its value at the right, and the remark between if it fits."""
    whole = (
        inset
        + text_width(plain(row.label), BODY)
        + 10
        + text_width(plain(row.value), SMALL)
    )
    value = shorten(
        plain(row.short if row.short and whole > wide else row.value), wide * 0.6, SMALL
    )
    taken = text_width(value, SMALL) + 10 if value else 0
    room = wide - inset - taken
    label, *further = wrap(plain(row.label), room, BODY, lines=row.lines) or [""]
    text = {"xycoords": ("axes fraction", "data"), "va": "baseline"}
    for place, words in enumerate([label, *further]):
        up = LINE * (len(further) - place)
        sheet.note(
            words,
            (0, line),
            xytext=(inset, up),
            fontsize=BODY,
            color=sheet.ink.text,
            **text,
        )
    sheet.note(value, (1, line), ha="right", **text)
    start = inset + text_width(label, BODY) / SLACK + 8
    remark = plain(row.remark)
    if remark and start + text_width(remark, SMALL) <= wide - taken:
        sheet.note(remark, (0, line), xytext=(start, 0), **text)
