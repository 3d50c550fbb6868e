"""The one reader of times in logs: ISO 8601, Unix time, `20260302-101125`, and `Mar  2
10:11:25` without a year.

A device whose clock was not set writes a time in 1970, or the zero time of what its log passed
through: local midnight of 1970 lies in 1969 east of Greenwich, and some count from the year 1.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .field_values import MOMENT, Columns, Notes, word_where
from .text.spans import Mask, present

WIDTH = 15
"""Characters of a stamp of RFC 3164."""

_HOUR = 3600 * 10**6
_DAY = 24 * _HOUR
_END_OF_1970 = 365 * _DAY
_EASTERNMOST = 14 * _HOUR
"""By how much a local time is ahead of UTC at most."""
_FIRST = int(np.datetime64("0001-01-01", "us").astype("int64"))
_LAST = int(np.datetime64("9999-12-31T23:59:59.999999", "us").astype("int64"))
"""The times that Python and pandas can show."""
_ZONED = re.compile(r"(?:Z|[+-]\d\d(?::?\d\d)?)$")
_ZERO = r"0001-01-01(?:[T ][0-9:.]*)? ?(?:Z|[+-][0-9:]*)?"
"""The zero time of Go and .NET, wherever it was written."""

_NAMES = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
]
_MONTHS = np.array([int.from_bytes(name.encode(), "little") for name in _NAMES])
_ORDER = np.argsort(_MONTHS)
_AHEAD = np.timedelta64(1, "D")
"""How far a line may lie after the file's last change: clocks and zones differ."""


def read(stamps: Any, notes: Notes) -> Columns:
    """Return time, clock_unset and time_by of the stamps of a log.

    Parameters
    ----------
    stamps : Arrow array
        Text in ISO 8601 (without a zone it is UTC) or Unix time: seconds since 1970, or milli-,
        micro- or nanoseconds where they would lie beyond the year 5000. Or Arrow's own timestamps.
    notes : Notes
        What cannot be read is added here.
    """
    time, unset = moments(stamps, notes)
    by = word_where(present(time), "line")
    return {"time": time, "clock_unset": unset, "time_by": by}


def moments(stamps: Any, notes: Notes) -> tuple[Any, Any]:
    """Return the times in UTC and whether the clock was not set, as `read` does."""
    if pa.types.is_timestamp(stamps.type):
        time = _in_range(_of_timestamps(stamps))
    else:
        time = _of_one_form(stamps)
        if time is None:
            time = _of_any_form(stamps)
    notes.unread(stamps, time, "the time cannot be read")
    since = time.cast(pa.int64())
    unset = pc.and_(
        pc.greater_equal(since, -_EASTERNMOST), pc.less(since, _END_OF_1970)
    )
    if pc.any(unset).as_py():
        time = pc.if_else(unset, pa.scalar(None, MOMENT), time)
    return time, unset


def _in_range(time: Any) -> Any:
    """Return times without those that nothing can show; the zero time of the year 1 is 1970's."""
    if can_be_shown(time):
        return time
    since = time.cast(pa.int64())
    is_zero = pc.and_(
        pc.greater_equal(since, _FIRST - _EASTERNMOST), pc.less(since, _FIRST + _DAY)
    )
    since = pc.if_else(is_zero, pa.scalar(0, pa.int64()), since)
    in_range = pc.and_(pc.greater_equal(since, _FIRST), pc.less_equal(since, _LAST))
    return pc.if_else(in_range, since, pa.scalar(None, pa.int64())).cast(MOMENT)


def can_be_shown(time: Any) -> bool:
    """Return True where every time is one that can be shown and none is the zero time."""
    ends = pc.min_max(time.cast(pa.int64()))
    earliest, latest = ends["min"].as_py(), ends["max"].as_py()
    return earliest is None or (earliest >= _FIRST + _DAY and latest <= _LAST)


_PER_UNIT = {"s": 10**6, "ms": 10**3, "us": 1}


def _of_timestamps(stamps: Any) -> Any:
    """Return Arrow's timestamps of any unit in microseconds; what overflows is missing."""
    factor = _PER_UNIT.get(stamps.type.unit)
    since = stamps.cast(pa.int64())
    if factor is None:
        return pc.divide(since, 1000).cast(MOMENT)
    fits = pc.and_(
        pc.greater_equal(since, (_FIRST - _DAY) // factor),
        pc.less_equal(since, _LAST // factor),
    )
    since = pc.if_else(fits, since, pa.scalar(None, pa.int64()))
    return pc.multiply(since, factor).cast(MOMENT)


def _of_one_form(text: Any) -> Any:
    """Return the times where all stamps have the plain form of the first one, else None."""
    first = pc.index(pc.is_valid(text), True).as_py()
    if first < 0:
        return pa.nulls(len(text), MOMENT)
    sample = text[first].as_py().strip()
    try:
        if sample.isdigit():
            return _from_numbers(text.cast(pa.int64()))
        if _ZONED.search(sample):
            return _in_range(text.cast(MOMENT))
        return _in_range(text.cast(pa.timestamp("us")).cast(pa.int64()).cast(MOMENT))
    except pa.ArrowInvalid:
        return None


def _from_numbers(number: Any) -> Any:
    ends = pc.min_max(number)
    smallest, largest = ends["min"].as_py(), ends["max"].as_py()
    if smallest is None:
        return pa.nulls(len(number), MOMENT)
    if smallest < 0:
        return None
    if largest < 10**11:
        return pc.multiply(number, 10**6).cast(MOMENT)
    counts = pc.fill_null(number, 0).to_numpy()
    microseconds = np.select(
        [counts < 10**11, counts < 10**14, counts < 10**17],
        [counts * 10**6, counts * 10**3, counts],
        counts // 1000,
    )
    return pa.array(microseconds, mask=~present(number)).cast(MOMENT)


def _of_any_form(text: Any) -> Any:
    """Return the times of stamps of mixed forms, each distinct stamp read once."""
    encoded = text.dictionary_encode()
    stamps = pd.Series(encoded.dictionary.to_pylist(), dtype="str").str.strip()
    is_zero = _fullmatch(stamps, _ZERO)
    is_number = _fullmatch(stamps, r"[0-9]{1,19}(?:\.[0-9]{1,9})?") | is_zero
    stamps = stamps.mask(is_zero, "0")
    microseconds = [
        _microseconds(stamp) if plain else 0
        for stamp, plain in zip(stamps, is_number, strict=True)
    ]
    numbers = pd.to_datetime(np.array(microseconds, "int64"), unit="us", utc=True)
    times = _as_microseconds(pd.Series(numbers).where(is_number))
    words = stamps.where(~is_number)
    for form in ("%Y%m%d-%H%M%S", "ISO8601"):
        parsed = pd.to_datetime(words, format=form, utc=True, errors="coerce")
        times = times.fillna(_as_microseconds(parsed))
    # pandas reads -5 as a year, and cannot show it.
    return _in_range(pa.array(times, MOMENT, from_pandas=True)).take(encoded.indices)


def _fullmatch(stamps: pd.Series, pattern: str) -> pd.Series:
    return stamps.str.fullmatch(pattern).fillna(False).astype(bool)


def _as_microseconds(times: pd.Series) -> pd.Series:
    return times.astype("datetime64[us, UTC]")


def _microseconds(number: str) -> int:
    """Return Unix time in microseconds, from what its size says it is counted in."""
    whole, _, fraction = number.partition(".")
    count = int(whole)
    digits = 6 if count < 10**11 else 3 if count < 10**14 else 0
    if digits:
        return count * int(10**digits) + int(fraction.ljust(digits, "0")[:digits])
    return count if count < 10**17 else count // 1000


def without_year(text: Any, modified: pd.Timestamp | None) -> Any:
    """Return the times of RFC 3164 stamps, in the latest year that is not after the file's date.

    What is no such stamp, and every stamp where the file has no date, is missing.
    """
    count = len(text)
    if modified is None or not count:
        return pa.nulls(count, MOMENT)
    latest = modified.tz_convert(None).to_datetime64().astype("M8[us]") + _AHEAD
    month, day, clock, is_stamp = _stamp_parts(_characters(text))
    time = np.full(count, "NaT", "M8[us]")
    newest = latest.astype("M8[Y]").astype("int64")
    # Nine years hold a 29 February even around a century without one.
    for year in range(newest, newest - 9, -1):
        begin = np.datetime64(year, "Y").astype("M8[M]") + month.astype("m8[M]")
        days = ((begin + 1).astype("M8[D]") - begin.astype("M8[D]")).astype("int64")
        candidates = begin.astype("M8[us]") + clock
        fits = is_stamp & np.isnat(time) & (day <= days) & (candidates <= latest)
        time[fits] = candidates[fits]
        if not (is_stamp & np.isnat(time)).any():
            break
    naive = pa.array(time, pa.timestamp("us"), from_pandas=True)
    return naive.cast(pa.int64()).cast(MOMENT)


def _stamp_parts(characters: Any) -> tuple[Any, Any, Any, Mask]:
    """Return month (from 0), day, time since the month began, and where they are a stamp."""
    digits = characters - ord("0")
    tens = np.where(characters[:, 4] == ord(" "), 0, digits[:, 4])
    day = tens * 10 + digits[:, 5]
    hour, minute, second = (
        digits[:, at] * 10 + digits[:, at + 1] for at in (7, 10, 13)
    )
    month = _month(characters)
    numbers = np.column_stack([tens, digits[:, [5, 7, 8, 10, 11, 13, 14]]])
    is_stamp = (
        ((numbers >= 0) & (numbers < 10)).all(axis=1)
        & (characters[:, [3, 6]] == ord(" ")).all(axis=1)
        & (characters[:, [9, 12]] == ord(":")).all(axis=1)
        & (hour < 24)
        & (minute < 60)
        & (second < 61)
        & (day > 0)
        & (day < 32)
        & (month >= 0)
    )
    seconds = (((day - 1) * 24 + hour) * 60 + minute) * 60 + second
    return month, day, seconds.astype("m8[s]"), is_stamp


def _characters(text: Any) -> Any:
    """Return the bytes of each text as a row of numbers; a text of another width gives zeros."""
    is_wide = pc.fill_null(pc.equal(pc.binary_length(text), WIDTH), False)
    blank = pa.scalar("\x00" * WIDTH, text.type)
    text = pa.concat_arrays([pc.if_else(is_wide, text, blank)])
    data = np.frombuffer(text.buffers()[2], np.uint8)[: len(text) * WIDTH]
    return data.reshape(-1, WIDTH).astype("int32")


def _month(characters: Any) -> Any:
    """Return the months, from 0; what is none gives -1."""
    packed = characters[:, 0] + (characters[:, 1] << 8) + (characters[:, 2] << 16)
    rank = np.minimum(np.searchsorted(_MONTHS[_ORDER], packed), 11)
    month = _ORDER[rank]
    return np.where(_MONTHS[month] == packed, month, -1)
