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
    """Return the height in points at which the rows look best."""
    lines = max((row.lines for row in rows), default=1)
    return len(rows) * (PITCH + LINE * (lines - 1))


def capacity(sheet: Sheet, wanted: int) -> int:
    """Return how many rows the sheet has room for; any number where it sets its own height."""
    return wanted if sheet.wish is None else max(1, int(sheet.wish // LEAST_PITCH))


def with_unit(rows: Sequence[Row], value: str) -> list[Row]:
    """Return the rows, the first with a longer value, which names the unit where there is room."""
    first, *others = rows
    return [first._replace(value=value, short=first.value), *others]


def draw_rows(sheet: Sheet, rows: Sequence[Row]) -> None:
    """Draw the rows from the top.

    The coordinates are row numbers downwards and values to the right.
    """
    ax = sheet.ax
    wide, high = sheet.room
    pitch = high / max(len(rows), 1)
    lengths = [sum(part.value for part in row.parts) for row in rows]
    longest = max(lengths, default=0) or 1
    ax.set_xlim(0, longest)
    ax.set_ylim(max(len(rows), 1), 0)
    ax.set_yticks([])
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    thick = min(BAR / pitch, 0.45)
    for position, row in enumerate(rows):
        inset = min(row.indent * INDENT, wide * 0.4)
        line = position + 1 - thick - 3.5 / pitch - 0.12
        _draw_line(sheet, row, line, inset, wide)
        start = inset / wide * longest
        scale = 1 - inset / wide
        for part in row.parts:
            bar = ax.barh(
                position + 1 - 0.12 - thick / 2,
                part.value * scale,
                left=start,
                height=thick,
                color=part.colour,
                linewidth=0,
            )
            if part.hatched:
                bar[0].set(hatch="/////", edgecolor=sheet.ink.background)
            start += part.value * scale


def _draw_line(
    sheet: Sheet, row: Row, line: float, inset: float, wide: float
) -> None:
    """Write a label at the left, its value at the right, and the remark between if it fits."""
    label_width = text_width(plain(row.label), BODY)
    whole = inset + label_width + 10 + text_width(plain(row.value), SMALL)
    value = row.short if row.short and whole > wide else row.value
    value = shorten(plain(value), wide * 0.6, SMALL)
    taken = text_width(value, SMALL) + 10 if value else 0
    room = wide - inset - taken
    label, *further = wrap(plain(row.label), room, BODY, lines=row.lines) or [""]
    text = {"xycoords": ("axes fraction", "data"), "va": "baseline"}
    for number, words in enumerate([label, *further]):
        up = LINE * (len(further) - number)
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
