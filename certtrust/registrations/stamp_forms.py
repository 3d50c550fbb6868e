"""How logs write a time: forms of stamps as patterns, and their parts as numbers.

A form is a regular expression whose groups are the parts of a date. What the digits leave open
(which of two numbers is the month) is decided by the caller, never by a guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .text.spans import Mask, as_mask

Numbers = npt.NDArray[np.int64]

_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "mär": 3, "mrz": 3, "apr": 4, "may": 5, "mai": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "oct": 10, "okt": 10, "nov": 11, "dec": 12, "dez": 12,
}  # fmt: skip
_HOURS = {
    "z": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 1, "bst": 1, "cet": 1, "mez": 1, "cest": 2,
    "mesz": 2, "eet": 2, "eest": 3, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7,
    "mdt": -6, "pst": -8, "pdt": -7, "msk": 3, "trt": 3, "sast": 2, "jst": 9, "kst": 9,
    "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13, "akst": -9, "akdt": -8, "hst": -10,
}  # fmt: skip
"""Hours east of UTC by the words for zones: those of RFC 822, and of Europe."""
ZONE_WORDS = "|".join(sorted(map(str.upper, _HOURS), key=len, reverse=True))

_AHEAD = "(?:UTC|GMT)[+-][0-9]{1,2}(?::?[0-9]{2})?"
_ZONES = rf"{_AHEAD}|[+-][0-9]{{2}}:?[0-9]{{2}}|[+-][0-9]{{2}}|{ZONE_WORDS}"
_ZONE = rf"(?: ?(?P<zone>{_ZONES}))?"
_FRACTION = r"(?:[.,:](?P<fraction>[0-9]{1,9}))?"
_CLOCK = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{1,2})"
    rf"(?::(?P<second>[0-9]{{1,2}}){_FRACTION})?"
)
_TIME = rf"(?P<hour>[0-9]{{1,2}}):(?P<minute>[0-9]{{1,2}}):(?P<second>[0-9]{{1,2}}){_FRACTION}"
_HALF = r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
_NAME = r"(?P<name>(?i:jan|feb|mar|mär|mrz|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez))"
_WEEKDAY = (
    r"(?:(?i:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so)[a-z]{0,6}[,.]?[ -]+)?"
)
_LONG_YEAR = r"(?P<year>(?:19|20)[0-9]{2})"
_SHORT_YEAR = r"(?P<short_year>[0-9]{2})"
_TWO = "[0-9]{2}"


class Form(NamedTuple):
    """A way to write a time: how it is shown to people, and its pattern."""

    name: str
    pattern: str


NAMED = Form(
    "Mon dd hh:mm:ss",
    rf"{_WEEKDAY}{_NAME}[a-z]*\.? +(?P<day>[0-9]{{1,2}})(?:,? +{_LONG_YEAR})?"
    rf"(?:,| @)? +{_TIME}{_HALF}"
    rf"(?: (?P<zone>{_AHEAD}|{ZONE_WORDS}|[+-][0-9]{{2}}:?[0-9]{{2}}))?"
    r"(?: (?P<late_year>(?:19|20)[0-9]{2}))?",
)
ISO = Form(
    "yyyy-mm-dd hh:mm:ss",
    rf"{_LONG_YEAR}[-/.](?P<month>[0-9]{{1,2}})[-/.](?P<day>[0-9]{{1,2}})[T \t,_]+{_CLOCK}{_ZONE}",
)
DAY_NAMED = Form(
    "dd Mon yyyy hh:mm:ss",
    rf"{_WEEKDAY}(?P<day>[0-9]{{1,2}})[ ./-]+{_NAME}[a-z]*[ ./-]+{_LONG_YEAR}[ :T,]+{_CLOCK}"
    rf"{_HALF}{_ZONE}",
)
YEAR_NAMED = Form(
    "yyyy Mon dd hh:mm:ss",
    rf"{_LONG_YEAR}[ -]{_NAME}[a-z]*[ -]+(?P<day>[0-9]{{1,2}})[ ,]+{_TIME}{_ZONE}",
)
GERMAN = Form(
    "dd.mm.yyyy hh:mm:ss",
    rf"(?P<day>[0-9]{{1,2}})\. ?(?P<month>[0-9]{{1,2}})\. ?(?:{_LONG_YEAR}|{_SHORT_YEAR})[ \t,T-]+"
    rf"{_CLOCK}(?: Uhr)?{_ZONE}",
)
SLASHED = Form(
    "dd/mm/yyyy or mm/dd/yyyy hh:mm:ss",
    rf"(?P<first>[0-9]{{1,2}})[/-](?P<other>[0-9]{{1,2}})[/-]{_LONG_YEAR}[ \t,T-]+{_CLOCK}{_HALF}"
    rf"{_ZONE}",
)
COMPACT = Form(
    "yyyymmdd hh:mm:ss",
    rf"{_LONG_YEAR}(?P<month>{_TWO})(?P<day>{_TWO})[-_T ]{_TIME}{_ZONE}",
)
DIGITS = Form(
    "yyyymmdd hhmmss",
    rf"{_LONG_YEAR}(?P<month>{_TWO})(?P<day>{_TWO})[-_T ]?(?P<hour>{_TWO})(?P<minute>{_TWO})"
    rf"(?P<second>{_TWO}){_FRACTION}{_ZONE}",
)
DOTTED = Form(
    "yyyy-mm-dd-hh.mm.ss",
    rf"{_LONG_YEAR}-(?P<month>{_TWO})-(?P<day>{_TWO})[- ](?P<hour>{_TWO})\.(?P<minute>{_TWO})\."
    rf"(?P<second>{_TWO}){_FRACTION}",
)
DATE = Form(
    "yyyy-mm-dd",
    rf"{_LONG_YEAR}[-/.](?P<month>[0-9]{{1,2}})[-/.](?P<day>[0-9]{{1,2}})",
)
GERMAN_DATE = Form(
    "dd.mm.yyyy",
    rf"(?P<day>[0-9]{{1,2}})\. ?(?P<month>[0-9]{{1,2}})\. ?(?:{_LONG_YEAR}|{_SHORT_YEAR})",
)
SLASHED_DATE = Form(
    "dd/mm/yyyy or mm/dd/yyyy",
    rf"(?P<first>[0-9]{{1,2}})[/-](?P<other>[0-9]{{1,2}})[/-]{_LONG_YEAR}",
)
SHORT_YEAR = Form(
    "yy/mm/dd hh:mm:ss",
    rf"{_SHORT_YEAR}[/-](?P<month>{_TWO})[/-](?P<day>{_TWO})[ T]{_TIME}",
)
SHORT_DIGITS = Form(
    "yymmdd hhmmss",
    rf"{_SHORT_YEAR}(?P<month>{_TWO})(?P<day>{_TWO})[ -](?P<hour>{_TWO})(?P<minute>{_TWO})"
    rf"(?P<second>{_TWO}){_FRACTION}",
)
MONTH_DAY = Form("mm-dd hh:mm:ss", rf"(?P<month>{_TWO})-(?P<day>{_TWO}) {_TIME}")
DOTTED_DAY = Form(
    "dd.mm or mm.dd hh:mm:ss",
    rf"(?P<first>{_TWO})\.(?P<other>{_TWO})\.? {_TIME}",
)
UNIX = Form(
    "seconds since 1970",
    r"(?P<unix>(?:[0-9]{10}(?:\.[0-9]{1,9})?|[0-9]{13}|[0-9]{16}|[0-9]{19}))",
)

STATED = (NAMED, ISO, DAY_NAMED, YEAR_NAMED, GERMAN, COMPACT, DOTTED, DIGITS, SLASHED)
"""Forms that mean a time wherever they begin a line."""
BY_SAMPLE = (*STATED, SHORT_YEAR, SHORT_DIGITS, MONTH_DAY, DOTTED_DAY, UNIX)
"""Forms that a sample of a file may show; the last of them could be any numbers elsewhere."""
OF_CELLS = (
    *STATED,
    DATE,
    GERMAN_DATE,
    SLASHED_DATE,
    SHORT_YEAR,
    SHORT_DIGITS,
    DOTTED_DAY,
)
"""Forms of a cell that is a time."""

_SAMPLE = 1 << 14
"""Characters that are looked at for the order of day and month."""
_AMBIGUOUS = re.compile(
    r"(?<![0-9/.])([0-9]{1,2})/([0-9]{1,2})/(?:19|20)[0-9]{2}(?![0-9])( [0-9:]+ ?[AaPp][Mm])?"
    r"|(?<![0-9.])([0-9]{2})\.([0-9]{2})\.? [0-9]{1,2}:[0-9]{2}"
)


def is_day_first(sample: str) -> bool | None:
    """Return whether dates such as 03/04/2026 begin with the day, as far as a sample shows it.

    Examples
    --------
    >>> is_day_first("25/11/2026"), is_day_first("11/25/2026"), is_day_first("03/04/2026")
    (True, False, None)
    """
    firsts, others, halves = 0, 0, 0
    for match in _AMBIGUOUS.finditer(sample, 0, _SAMPLE):
        first, other = (int(match[1] or match[4]), int(match[2] or match[5]))
        firsts, others = max(firsts, first), max(others, other)
        halves += match[3] is not None
    if (firsts > 12) == (others > 12):
        return False if halves and firsts <= 12 else None
    return firsts > 12


MAY_BEGIN = (
    r"(?:[0-9]|(?i:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|jan|feb|mar|mär|mrz|apr|may"
    r"|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez))"
)
"""What stamps begin with."""


class Stamps(NamedTuple):
    """Times that were taken apart."""

    local: Numbers
    """Microseconds since 1970 by the clock on the wall; of a stamp without a year since 1972."""
    is_valid: Mask
    has_year: Mask
    is_zoned: Mask
    offset: Numbers
    """Microseconds that this clock is ahead of UTC, where it says so."""
    matches: Mask
    """Which texts have the form, be it with a date that does not exist."""
    is_ambiguous: Mask
    """Which are no times only because day and month cannot be told apart."""


_STATED_OFFSET = re.compile("(?:UTC|GMT)?([+-])([0-9]{1,2}):?([0-9]{2})?")


@cache
def _offset(zone: str) -> int | None:
    """Return the microseconds that a zone is ahead of UTC."""
    if not zone:
        return None
    if match := _STATED_OFFSET.fullmatch(zone):
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        return (-minutes if match[1] == "-" else minutes) * 60_000_000
    hours = _HOURS.get(zone.lower())
    return None if hours is None else hours * 3_600_000_000


class _Groups(NamedTuple):
    """What the groups of a form matched in each text."""

    parts: Any
    names: frozenset[str]
    size: int

    def number(self, name: str) -> Numbers:
        """Return a group as numbers, 0 where it matched nothing."""
        if name not in self.names:
            return np.zeros(self.size, np.int64)
        part = pc.struct_field(self.parts, name)
        part = pc.if_else(pc.equal(part, ""), "0", part)
        return np.asarray(pc.fill_null(pc.cast(part, pa.int64()), 0))

    def mapped(
        self, name: str, meaning: Callable[[str], int | None]
    ) -> tuple[Numbers, Mask]:
        """Return what the distinct words of a group mean, and where they mean something."""
        if name not in self.names:
            return np.zeros(self.size, np.int64), np.zeros(self.size, bool)
        words = pc.fill_null(
            pc.struct_field(self.parts, name), ""
        ).dictionary_encode()
        means = [meaning(word) for word in words.dictionary.to_pylist()]
        code = words.indices.to_numpy()
        numbers = np.array([value or 0 for value in means], np.int64)
        is_known = np.array([value is not None for value in means], bool)
        return numbers[code], is_known[code]

    def fraction(self) -> Numbers:
        """Return the fractions of a second in microseconds."""
        if "fraction" not in self.names:
            return np.zeros(self.size, np.int64)
        digits = pc.struct_field(self.parts, "fraction")
        six = pc.utf8_slice_codeunits(pc.utf8_rpad(digits, 6, "0"), 0, 6)
        return np.asarray(pc.fill_null(six.cast(pa.int64()), 0))


def take_apart(text: Any, pattern: str, *, day_first: bool | None) -> Stamps:
    """Return the stamps that a pattern with the groups of a form finds in texts."""
    parts = pc.extract_regex(text, pattern)
    matches = as_mask(pc.is_valid(parts))
    count = len(text)
    if not matches.any():
        nothing, none = np.zeros(count, np.int64), np.zeros(count, bool)
        return Stamps(nothing, none, none, none, nothing, none, none)
    groups = _Groups(parts, frozenset(field.name for field in parts.type), count)
    year = _year(groups)
    month, day, is_ambiguous = _month_and_day(groups, day_first)
    is_ambiguous &= matches
    hour = groups.number("hour")
    half, has_half = groups.mapped("half", {"a": 0, "A": 0, "p": 12, "P": 12}.get)
    right_half = ~has_half | ((hour >= 1) & (hour <= 12))
    hour = np.where(has_half, hour % 12 + half, hour)
    minute, second = groups.number("minute"), groups.number("second")
    # A leap year where there is none, so that 29 February is a day in it.
    months = (np.where(year > 0, year, 1972) - 1970) * 12 + np.clip(month, 1, 12) - 1
    begin = months.astype("M8[M]")
    days = (
        (begin + np.timedelta64(1, "M")).astype("M8[D]") - begin.astype("M8[D]")
    ).astype(np.int64)
    is_date = (month >= 1) & (month <= 12) & (day >= 1) & (day <= days)
    is_time = right_half & (hour < 24) & (minute < 60) & (second < 61)
    seconds = (begin.astype("M8[D]").astype(np.int64) + day - 1) * 86400
    seconds += hour * 3600 + minute * 60 + second
    offset, is_zoned = groups.mapped("zone", _offset)
    return Stamps(
        seconds * 10**6 + groups.fraction(),
        matches & ~is_ambiguous & is_date & is_time,
        year > 0,
        is_zoned,
        offset,
        matches,
        is_ambiguous,
    )


def _year(groups: _Groups) -> Numbers:
    """Return the years, 0 where a stamp has none."""
    year = groups.number("year") + groups.number("late_year")
    if "short_year" not in groups.names:
        return year
    short = groups.number("short_year")
    is_short = as_mask(pc.not_equal(pc.struct_field(groups.parts, "short_year"), ""))
    return np.where(is_short, short + np.where(short < 70, 2000, 1900), year)


def _month_and_day(
    groups: _Groups, day_first: bool | None
) -> tuple[Numbers, Numbers, Mask]:
    """Return months and days, and where these cannot be told apart."""
    day = groups.number("day")
    if "name" in groups.names:
        month, _ = groups.mapped("name", lambda word: _MONTHS.get(word.lower()))
        return month, day, np.zeros(groups.size, bool)
    if "first" not in groups.names:
        return groups.number("month"), day, np.zeros(groups.size, bool)
    first, other = groups.number("first"), groups.number("other")
    is_open = (first <= 12) & (other <= 12) & (first != other)
    by_day = np.where(is_open, bool(day_first), first > 12)
    month, day = np.where(by_day, other, first), np.where(by_day, first, other)
    return month, day, is_open & (day_first is None)
