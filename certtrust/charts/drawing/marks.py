"""Moments marked on an axis of time: a dashed line with a letter, and a line of words below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from .sheet import SMALL, Sheet
from .stack import MARGINS, in_days
from .text import plain, shorten

LINE = 11.5


class Mark(NamedTuple):
    """A moment, and what happened or will happen then."""

    time: pd.Timestamp
    words: str


def marks_height(marks: Sequence[Mark]) -> float:
    """Return the room below the dates that the words take, in points."""
    return LINE * len(marks)


def draw_marks(sheet: Sheet, marks: Sequence[Mark]) -> None:
    """Mark each moment; only a sheet that sets its own margins has room for the words."""
    if not sheet.free or not marks:
        return
    wide, (inside, _) = sheet.width_inside, sheet.room
    xs = in_days(pd.DatetimeIndex([mark.time for mark in marks]))
    begin, end = sheet.ax.get_xlim()
    dashed: Any = {"linewidth": 1, "linestyle": (0, (3, 2))}
    rights: list[float] = []
    for number, (x, mark) in enumerate(zip(xs, marks, strict=True)):
        letter = chr(ord("A") + number)
        sheet.ax.axvline(x, color=sheet.ink.text, **dashed)
        # Letters of moments that are close to each other stand one below another.
        at = (x - begin) / (end - begin) * inside
        level = next(
            (row for row, right in enumerate(rights) if right <= at), len(rights)
        )
        rights[level : level + 1] = [at + 16]
        sheet.note(
            letter,
            (x, 1),
            xycoords=("data", "axes fraction"),
            xytext=(3, -3 - 14 * level),
            va="top",
            fontweight="bold",
            color=sheet.ink.text,
            bbox={"boxstyle": "round,pad=0.15", "fc": sheet.ink.background, "lw": 0},
        )
        words = shorten(f"{letter}: {plain(mark.words)}", wide, SMALL)
        corner = (-MARGINS["left"], -MARGINS["bottom"] - LINE * (number + 0.9))
        look = {"xytext": corner, "color": sheet.ink.text}
        sheet.note(words, (0, 0), xycoords="axes fraction", **look)
