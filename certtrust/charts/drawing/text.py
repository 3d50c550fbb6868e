"""Text that may come from anywhere, made safe to draw, and fitted into the room there is."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

FAMILIES = (
    "DejaVu Sans",
    "Noto Sans CJK SC", "Noto Sans CJK TC", "Noto Sans CJK JP", "Noto Sans CJK KR",
    "Noto Sans SC", "Noto Sans TC", "Noto Sans JP", "Noto Sans KR", "Noto Sans",
    "Noto Sans Hebrew", "Noto Sans Arabic", "Noto Sans Devanagari", "Noto Sans Thai",
    "Source Han Sans SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback",
    "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei", "Malgun Gothic",
    "Arial Unicode MS", "Noto Sans Symbols", "Noto Sans Symbols 2",
)  # fmt: skip
"""Fonts that are looked through for a letter, in this order. The first comes with matplotlib, so
that measured widths of Latin, Greek and Cyrillic hold on every machine; the others are used where
they are installed."""

MISSING = "\u25a1"
"""Stands for a letter that none of the fonts has."""

NO_BREAK = "\u00a0"
"""The blank at which no line is broken."""

SLACK = 1.03
"""A renderer's hinting may widen a line by this much against the measured outline."""


def families() -> list[str]:
    """Return those of `FAMILIES` that are installed."""
    return list(_families())


def _families() -> tuple[str, ...]:
    from matplotlib.font_manager import fontManager

    return _installed(len(fontManager.ttflist))


@cache
def _installed(_fonts: int) -> tuple[str, ...]:
    """Return what is installed; a font that is added later gives another number of them."""
    from matplotlib.font_manager import fontManager

    names = {entry.name for entry in fontManager.ttflist}
    return tuple(family for family in FAMILIES if family in names)


@cache
def _font(family: str, bold: bool) -> FT2Font:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return get_font(
        findfont(FontProperties(family=family, weight="bold" if bold else "normal"))
    )


@cache
def _letters(family: str, bold: bool) -> frozenset[int]:
    return frozenset(_font(family, bold).get_charmap())


def _family_of(letter: str, bold: bool) -> str | None:
    """Return the first font that has the letter."""
    return _first_with(letter, bold, _families())


@cache
def _first_with(letter: str, bold: bool, among: tuple[str, ...]) -> str | None:
    for family in among:
        if ord(letter) in _letters(family, bold):
            return family
    return None


@cache
def _advance(letter: str, bold: bool, family: str) -> float:
    """Return how far a letter moves the pen, in parts of the font's size."""
    from matplotlib.ft2font import LoadFlags

    font = _font(family, bold)
    font.set_size(100, 72)
    return (
        font.load_char(ord(letter), flags=LoadFlags.NO_HINTING).linearHoriAdvance
        / 65536
        / 100
    )


def _words(text: str) -> list[str]:
    """Return what stands between blanks; a blank that does not break joins, as before "%"."""
    return [word for word in re.split(rf"[^\S{NO_BREAK}]+", text) if word.strip()]


def plain(text: object) -> str:
    r"""Return the text on one line, with what cannot be drawn, or would act, replaced.

    Examples
    --------
    >>> plain("a\nb\x00c")
    'a b\ufffdc'
    """
    words = " ".join(_words(str(text)))
    shown = [
        letter if letter.isascii() or _is_drawable(letter) else MISSING
        for letter in words
    ]
    return "".join(
        new if old.isprintable() or old == NO_BREAK else "\ufffd"
        for old, new in zip(words, shown, strict=True)
    )


def _is_drawable(letter: str) -> bool:
    """Return True where the letter is in some font, in bold as well as in normal weight."""
    if _is_in_some_font(letter):
        return True
    _list_new_fonts()
    return _is_in_some_font(letter)


def _is_in_some_font(letter: str) -> bool:
    return all(_family_of(letter, bold) is not None for bold in (False, True))


@cache
def _list_new_fonts() -> None:
    """Add fonts that were installed after matplotlib listed all of them, which it does once."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    listed = {entry.fname for entry in fontManager.ttflist}
    for path in sorted(set(findSystemFonts()) - listed):
        # A file that FreeType cannot read, or that is no font at all, is as good as none.
        with contextlib.suppress(OSError, RuntimeError, ValueError, TypeError):
            fontManager.addfont(path)


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line in points, without kerning.

    Examples
    --------
    >>> 20 < text_width("certtrust", 5) < text_width("certtrust", 5, bold=True) < 30
    True
    """
    widths = (
        _advance(letter, bold, _family_of(letter, bold) or FAMILIES[0])
        for letter in text
    )
    return sum(widths) * size * SLACK


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


def tell_apart(
    labels: Sequence[str], room: float, size: float, *, bold: bool = False
) -> list[str]:
    """Return the labels, cut to `room` points so that different ones stay different.

    Those that would look alike are cut in their middle, or where that does not help, at their
    common beginning.

    Examples
    --------
    >>> tell_apart(["branch-office-north-01", "branch-office-north-02"], 80, 9)
    ['branch-\u2026orth-01', 'branch-\u2026orth-02']
    """
    look = {"bold": bold}
    cut = [shorten(label, room, size, **look) for label in labels]
    for position in _alike(labels, cut):
        cut[position] = _without_middle(labels[position], room, size, **look)
    alike = _alike(labels, cut)
    begin = _common_length([labels[position] for position in alike])
    for position in alike:
        rest = "\u2026" + labels[position][begin:]
        cut[position] = shorten(rest, room, size, **look)
    return cut


def _common_length(texts: Sequence[str]) -> int:
    """Return how many letters all the texts begin with."""
    letters = enumerate(zip(*texts, strict=False))
    return next(
        (at for at, column in letters if len(set(column)) > 1),
        min(map(len, texts), default=0),
    )


def _alike(labels: Sequence[str], cut: Sequence[str]) -> list[int]:
    """Return the positions of labels that differ, but not in what is left of them."""
    originals = {(short, label) for short, label in zip(cut, labels, strict=True)}
    count = Counter(short for short, _ in originals)
    return [position for position, short in enumerate(cut) if count[short] > 1]


def _without_middle(text: str, room: float, size: float, *, bold: bool) -> str:
    """Return the text with an ellipsis in its middle."""
    kept = len(text)
    while kept > 2:
        kept -= 1
        begin, end = text[: (kept + 1) // 2], text[-(kept // 2) :]
        short = f"{begin.rstrip()}\u2026{end.lstrip()}"
        if text_width(short, size, bold=bold) <= room:
            return short
    return shorten(text, room, size, bold=bold)


def wrap(
    text: str, room: float, size: float, *, bold: bool = False, lines: int = 4
) -> list[str]:
    """Return the text broken at blanks into `lines` lines of `room` points; the last is cut."""
    broken: list[str] = []
    for word in _words(text):
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
