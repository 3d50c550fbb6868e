"""Ranked rows: a line of text with its bar beneath, so that long labels need no margin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .sheet import BODY, SMALL, Sheet
from .text import SLACK, plain, shorten, tell_apart, text_width, wrap

PITCH = 31.0
LEAST_PITCH = 25.0
BAR = 9.0
LINE = 12.0
INDENT = 14.0
LEAST_REMARK = 60.0
"""Room in points below which a remark is left out instead of cut."""


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
    lines: int = 2
    """How many lines the label may take where the sheet sets its own height."""


def natural_height(rows: Sequence[Row], sheet: Sheet) -> float:
    """Return the height in points at which the rows look best on the sheet."""
    texts = _texts(sheet, rows, sheet.width_inside)
    return PITCH * sum(text.height for text in texts)


def capacity(sheet: Sheet, wanted: int) -> int:
    """Return how many rows the sheet has room for; any number where it sets its own height."""
    return wanted if sheet.wish is None else max(1, int(sheet.wish // LEAST_PITCH))


def with_unit(rows: Sequence[Row], value: str) -> list[Row]:
    """Return the rows, the first with a longer value, which names the unit where there is room."""
    first, *others = rows
    return [first._replace(value=value, short=first.value), *others]


class _Text(NamedTuple):
    """What is written of a row: the lines of its label, its value, and the indent of both."""

    label: Sequence[str]
    value: str
    inset: float

    @property
    def height(self) -> float:
        """How many rows of one line it is as high as."""
        return 1 + (len(self.label) - 1) * LINE / PITCH


def _texts(sheet: Sheet, rows: Sequence[Row], wide: float) -> list[_Text]:
    """Fit the labels and values of rows into their width; labels that differ stay different."""
    cells = [_cell(row, wide) for row in rows]
    labels = _wrapped(rows, [room for _, _, room in cells])
    if sheet.wish is not None and _least_height(labels) > sheet.wish:
        single = [row._replace(lines=1) for row in rows]
        labels = _wrapped(single, [room for _, _, room in cells])
    originals: dict[tuple[str, ...], list[int]] = {}
    for at, lines in enumerate(labels):
        originals.setdefault(tuple(lines), []).append(at)
    for alike in originals.values():
        words = [plain(rows[at].label) for at in alike]
        if len(set(words)) > 1:
            room = min(cells[at][2] for at in alike)
            apart = tell_apart(words, room, BODY)
            for at, label in zip(alike, apart, strict=True):
                labels[at] = [label]
    return [
        _Text(label, value, inset)
        for label, (inset, value, _) in zip(labels, cells, strict=True)
    ]


def _wrapped(rows: Sequence[Row], rooms: Sequence[float]) -> list[list[str]]:
    return [
        wrap(plain(row.label), room, BODY, lines=row.lines) or [""]
        for row, room in zip(rows, rooms, strict=True)
    ]


def _least_height(labels: Sequence[Sequence[str]]) -> float:
    return sum(LEAST_PITCH + (len(label) - 1) * LINE for label in labels)


def fitting(sheet: Sheet, rows: Sequence[Row]) -> int:
    """Return how many of the rows the sheet has room for with their labels whole."""
    if sheet.wish is None:
        return len(rows)
    wide = sheet.width_inside
    labels = _wrapped(rows, [_cell(row, wide)[2] for row in rows])
    counts = range(len(rows), 0, -1)
    return next(
        (count for count in counts if _least_height(labels[:count]) <= sheet.wish), 1
    )


def _cell(row: Row, wide: float) -> tuple[float, str, float]:
    """Return the indent of a row, its value, and the room that both leave to its label."""
    inset = min(row.indent * INDENT, wide * 0.4)
    label_width = text_width(plain(row.label), BODY)
    whole = inset + label_width + 10 + text_width(plain(row.value), SMALL)
    value = row.short if row.short and whole > wide else row.value
    value = shorten(plain(value), wide * 0.6, SMALL)
    taken = text_width(value, SMALL) + 10 if value else 0
    return inset, value, wide - inset - taken


def draw_rows(sheet: Sheet, rows: Sequence[Row]) -> None:
    """Draw the rows from the top.

    The coordinates are rows of one line downwards and values to the right.
    """
    ax = sheet.ax
    wide, high = sheet.room
    texts = _texts(sheet, rows, wide)
    total = sum(text.height for text in texts) or 1
    pitch = high / total
    lengths = [sum(part.value for part in row.parts) for row in rows]
    longest = max(lengths, default=0) or 1
    ax.set_xlim(0, longest)
    ax.set_ylim(total, 0)
    ax.set_yticks([])
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    thick = min(BAR / pitch, 0.45)
    end = 0.0
    for row, text in zip(rows, texts, strict=True):
        end += text.height
        _draw_line(sheet, row, text, end - thick - 3.5 / pitch - 0.12)
        start = text.inset / wide * longest
        scale = 1 - text.inset / wide
        for part in row.parts:
            bar = ax.barh(
                end - 0.12 - thick / 2,
                part.value * scale,
                left=start,
                height=thick,
                color=part.colour,
                linewidth=0,
            )
            if part.hatched:
                bar[0].set(hatch="/////", edgecolor=sheet.ink.background)
            start += part.value * scale


def _draw_line(sheet: Sheet, row: Row, fitted: _Text, line: float) -> None:
    """Write a label at the left, its value at the right, and the remark between if it fits."""
    text = {"xycoords": ("axes fraction", "data"), "va": "baseline"}
    for number, words in enumerate(fitted.label):
        up = LINE * (len(fitted.label) - 1 - number)
        label = sheet.note(
            words,
            (0, line),
            xytext=(fitted.inset, up),
            fontsize=BODY,
            color=sheet.ink.text,
            **text,
        )
    sheet.note(fitted.value, (1, line), ha="right", **text)
    wide = sheet.room[0]
    taken = text_width(fitted.value, SMALL) + 10 if fitted.value else 0
    start = fitted.inset + text_width(fitted.label[-1], BODY) / SLACK + 8
    room = wide - taken - start
    if room >= LEAST_REMARK:
        remark = shorten(plain(row.remark), room, SMALL)
        # A renderer may draw the label wider than it was measured; the remark follows its end.
        behind = {**text, "xycoords": (label, "data")}
        sheet.note(remark, (1, line), xytext=(8, 0), **behind)
