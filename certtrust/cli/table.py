"""A frame as lines of a terminal, its columns below each other."""

from __future__ import annotations

import pandas as pd

from ..texts.sentences import say
from ..texts.visible import one_line

WIDEST = 44
"""Characters of a cell that are shown."""


def as_text(frame: pd.DataFrame, *, widest: int = WIDEST) -> list[str]:
    """Return the heading and the rows of a frame, cells cut at `widest` characters.

    Examples
    --------
    >>> as_text(pd.DataFrame({"cause": ["timeout"], "devices": [3]}))
    ['cause    devices', 'timeout  3']
    """
    cells = [[str(name) for name in frame]]
    cells += [
        [_cell(value, widest) for value in row]
        for row in frame.itertuples(index=False, name=None)
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in cells
    ]


def _cell(value: object, widest: int) -> str:
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    elif pd.isna(value):  # type: ignore[call-overload]
        return ""
    elif isinstance(value, bool):
        value = say(f"values.{str(value).lower()}")
    text = one_line(value)
    return text if len(text) <= widest else f"{text[: widest - 1]}\u2026"
