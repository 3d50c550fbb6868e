"""Text that may come from anywhere, made safe to draw, and fitted into the room there is."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

FAMILY = "DejaVu Sans"
"""The font that comes with matplotlib, so that measured widths hold on every machine."""

SLACK = 1.03
"""A renderer's hinting may widen a line by this much against the measured outline."""


@cache
def _font(bold: bool) -> FT2Font:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return get_font(
        findfont(FontProperties(family=FAMILY, weight="bold" if bold else "normal"))
    )


@cache
def _drawable() -> frozenset[int]:
    return frozenset(_font(False).get_charmap())


@cache
def _advance(letter: str, bold: bool) -> float:
    """Return how far a letter moves the pen, in parts of the font's size."""
    from matplotlib.ft2font import LoadFlags

    font = _font(bold)
    font.set_size(100, 72)
    return (
        font.load_char(ord(letter), flags=LoadFlags.NO_HINTING).linearHoriAdvance
        / 65536
        / 100
    )


def plain(text: object) -> str:
    r"""Return the text on one line, with what cannot be drawn, or would act, replaced.

    Examples
    --------
    >>> plain("a\nb\x00c")
    'a b\ufffdc'
    """
    drawable = _drawable()
    words = " ".join(str(text).split())
    shown = [letter if ord(letter) in drawable else "\u25a1" for letter in words]
    return "".join(
        new if old.isprintable() else "\ufffd"
        for old, new in zip(words, shown, strict=True)
    )


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line in points, without kerning.

    Examples
    --------
    >>> 20 < text_width("certtrust", 5) < text_width("certtrust", 5, bold=True) < 30
    True
    """
    return sum(_advance(letter, bold) for letter in text) * size * SLACK


def shorten(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """Return the text, cut with an ellipsis where it is wider than `room` points.

    Examples
    --------
    >>> shorten("innovaphone Device Certification Authority", 80, 9)
    'innovaphone D\u2026'
    """
    if text_width(text, size, bold=bold) <= room:
        return text
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if text_width(text[:middle].rstrip() + "\u2026", size, bold=bold) <= room:
            fits = middle
        else:
            too_long = middle
    return text[:fits].rstrip() + "\u2026" if fits else ""


def wrap(
    text: str, room: float, size: float, *, bold: bool = False, lines: int = 4
) -> list[str]:
    """Return the text broken at blanks into `lines` lines of `room` points; the last is cut."""
    broken: list[str] = []
    for word in text.split():
        if broken and text_width(f"{broken[-1]} {word}", size, bold=bold) <= room:
            broken[-1] = f"{broken[-1]} {word}"
        else:
            broken.append(word)
    if len(broken) > lines:
        broken = [*broken[: lines - 1], " ".join(broken[lines - 1 :])]
    return [shorten(line, room, size, bold=bold) for line in broken]


def balanced(
    text: str, room: float, size: float, *, bold: bool = False, lines: int = 4
) -> list[str]:
    """Return the text broken into as few lines as `wrap` needs, and these about equally long."""
    least = wrap(text, room, size, bold=bold, lines=lines)
    narrower = room
    while len(least) > 1:
        narrower -= max(room / 40, 4)
        tighter = wrap(text, narrower, size, bold=bold, lines=lines + 1)
        if (
            len(tighter) != len(least)
            or "\u2026" in "".join(tighter)
            or narrower < room / 3
        ):
            break
        least = tighter
    return least
