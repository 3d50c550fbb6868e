"""Serials that a spreadsheet or a person has spelled otherwise: what each can only have been.

A spreadsheet takes a serial of decimal digits for a number, drops the zeros in front, and may
show it rounded, as `9.03328E+09`; `0090332e0177` it takes for 90332 with 177 zeros. Known
beginnings of serials are 00-90-33, 80-90-33 and 00-01-3E.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pandas as pd

BEGINNINGS = ("009033", "809033", "00013e")
"""What the serials of innovaphone devices begin with, as its own tools take them."""
IPEI = r"(?:00077|05003)[0-9]{7}[0-9*]"
"""Pattern of the identity of a DECT handset: maker, number, check character."""

MAY_BE = r"""^\s*(?:=\s*)?["']?\s*[0-9][0-9A-Fa-f .,:_+-]*["']?\s*$"""
"""Pattern of the texts that may be a damaged serial."""
_QUOTES = re.compile(r"^\s*(?:=\s*\"([^\"]*)\"|'(.*)|\"(.*)\")\s*$", re.DOTALL)
_OCTETS = re.compile(r"([0-9A-Fa-f]{2})(?:[ ._-]([0-9A-Fa-f]{2})){5}")
_GROUPS = re.compile(r"[0-9A-Fa-f]{4}([ ._:-])[0-9A-Fa-f]{4}\1[0-9A-Fa-f]{4}")
_HALVES = re.compile(r"[0-9A-Fa-f]{6}[ ._:-][0-9A-Fa-f]{6}")
_SHORT_OCTETS = re.compile(
    r"[0-9A-Fa-f]{1,2}(?:([:.-])[0-9A-Fa-f]{1,2})(?:\1[0-9A-Fa-f]{1,2}){4}"
)
_WITHOUT_ZEROS = re.compile(r"(?:0[xX])?(?=[0-9]*[A-DFa-df])([0-9A-Fa-f]{8,12})")
_DIGITS = re.compile(r"([0-9]{1,11})(?:[.,]0+)?")
_ROUNDED = re.compile(r"([0-9])(?:[.,]([0-9]{1,15}))?[eE]\+?([0-9]{1,4})")
_WIDTH = 12
_SHOWN = 6
"""Digits that a spreadsheet shows of a long number; more are rounded away."""


class Mended(NamedTuple):
    """A serial, or None, and what is to be said of it."""

    serial: str | None
    note: str | None = None


def mended(text: str) -> Mended:
    """Return the one serial that a text can have been.

    Examples
    --------
    >>> mended("9033280177")
    Mended(serial='009033280177', note='a spreadsheet has dropped the zeros of the serial')
    >>> mended("00 90 33 28 01 77").serial, mended("Reception")
    ('009033280177', Mended(serial=None, note=None))
    >>> mended("9.03328E+09").note
    'a spreadsheet has rounded the serial 9.03328E+09: its digits are lost'
    """
    if match := _QUOTES.match(text):
        text = match[1] or match[2] or match[3] or ""
    text = text.strip()
    if any(form.fullmatch(text) for form in (_OCTETS, _GROUPS, _HALVES)):
        return Mended(re.sub("[^0-9A-Fa-f]", "", text).lower())
    if re.fullmatch("[0-9A-Fa-f]{12}", text):
        return Mended(text.lower())
    if _SHORT_OCTETS.fullmatch(text):
        octets = (octet.zfill(2) for octet in re.split("[:.-]", text))
        serial = "".join(octets).lower()
        if serial.startswith(BEGINNINGS):
            return Mended(serial)
    if match := _WITHOUT_ZEROS.fullmatch(text):
        serial = match[1].zfill(_WIDTH).lower()
        if serial.startswith(BEGINNINGS):
            note = "the serial lacks the zeros at its beginning"
            return Mended(serial, note if len(match[1]) < _WIDTH else None)
    if match := _DIGITS.fullmatch(text):
        serial = match[1].zfill(_WIDTH)
        if serial.startswith(BEGINNINGS):
            return Mended(serial, "a spreadsheet has dropped the zeros of the serial")
        return Mended(None)
    if match := _ROUNDED.fullmatch(text):
        readings = _readings(match[1] + (match[2] or ""), int(match[3]))
        if len(readings) == 1:
            note = f"a spreadsheet has shown the serial as the number {text}"
            return Mended(readings.pop(), note)
        lost = f"a spreadsheet has rounded the serial {text}: its digits are lost"
        return Mended(None, lost if readings or int(match[3]) == 9 else None)
    return Mended(None)


def _readings(digits: str, exponent: int) -> set[str]:
    """Return serials that are the number with these leading digits and exponent.

    More than one stands for a serial whose digits are lost.
    """
    readings: set[str] = set()
    for significant in range(1, _WIDTH + 1):
        # The number is so many digits, followed by zeros that an E in the serial stands for.
        zeros = exponent - (significant - 1)
        if zeros < 0 or len(digits.rstrip("0")) > significant:
            continue
        is_exact = significant <= max(len(digits), _SHOWN)
        whole = digits[:significant].ljust(significant, "0")
        spellings = [whole.zfill(_WIDTH)] if not zeros else []
        for width in range(1, _WIDTH - significant):
            if len(str(zeros)) <= width:
                power = f"e{str(zeros).zfill(width)}"
                spellings.append(whole.zfill(_WIDTH - len(power)) + power)
        for spelling in spellings:
            if len(spelling) == _WIDTH and spelling.startswith(BEGINNINGS):
                readings |= {spelling} if is_exact else {spelling, f"{spelling}?"}
    return readings


def mended_series(texts: pd.Series) -> pd.DataFrame:
    """Return `serial` and `note` of each text, as `mended` does, each distinct text once."""
    distinct = {text: mended(text) for text in texts.dropna().unique()}
    nothing = Mended(None)
    rows: Iterable[Sequence[str | None]] = [
        distinct.get(text, nothing) if isinstance(text, str) else nothing
        for text in texts
    ]
    frame = pd.DataFrame(rows, columns=["serial", "note"], index=texts.index)
    return frame.astype("str")


def is_ipei(texts: pd.Series) -> pd.Series:
    """Return True where a text is the identity of a DECT handset.

    Examples
    --------
    >>> is_ipei(pd.Series(["000771234567*", "0090332f688a"])).tolist()
    [True, False]
    """
    return texts.str.fullmatch(IPEI).fillna(False).astype(bool)
