"""The one reader of times in logs: ISO 8601, Unix time, `20260302-101125`, and `Mar  2
10:11:25` without a year.

A device whose clock was not set writes a time in 1970, or the zero time of what its log went
through: local midnight of 1970 lies in 1969 east of Greenwich, and some begin with the year 1.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .field_values import MOMENT, Columns, Notes, marked
from .text.spans import present

WIDTH = 15
"""Letters of a stamp of RFC 3164."""

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
    """Return time, clock_unset and time_by of what logs give as the time.

    Parameters
    ----------
    stamps : Arrow array
        Text in ISO 8601 (without a zone it is UTC) or Unix time: seconds since 1970, or milli-,
        micro- or nanoseconds where they would lie beyond the year 5000. Or Arrow's own timestamps.
    notes : Notes
        What cannot be read is added here.
    """
    time, unset = moments(stamps, notes)
    return {
        "time": time,
        "clock_unset": unset,
        "time_by": marked(present(time), "line"),
    }


def moments(stamps: Any, notes: Notes) -> tuple[Any, Any]:
    """Return the times in UTC and whether the clock was not set, as `read` does."""
    is_text = not pa.types.is_timestamp(stamps.type)
    time = _at_once(stamps) if is_text else _shown(stamps.cast(MOMENT, safe=False))
    if time is None:
        time = _by_value(stamps)
    notes.unread(stamps, time, "the time cannot be read")
    since = time.cast(pa.int64())
    unset = pc.and_(
        pc.greater_equal(since, -_EASTERNMOST), pc.less(since, _END_OF_1970)
    )
    return pc.if_else(unset, pa.scalar(None, MOMENT), time) if pc.any(
        unset
    ).as_py() else time, unset


def _shown(time: Any) -> Any:
    """Return times without those that nothing can show; the year 1 is the zero time, so not set."""
    since = time.cast(pa.int64())
    ends = pc.min_max(since)
    if ends["min"].as_py() is None or (
        ends["min"].as_py() >= _FIRST + _DAY and ends["max"].as_py() <= _LAST
    ):
        return time
    is_zero = pc.and_(
        pc.greater_equal(since, _FIRST - _EASTERNMOST), pc.less(since, _FIRST + _DAY)
    )
    since = pc.if_else(is_zero, pa.scalar(0, pa.int64()), since)
    shown = pc.and_(pc.greater_equal(since, _FIRST), pc.less_equal(since, _LAST))
    return pc.if_else(shown, since, pa.scalar(None, pa.int64())).cast(MOMENT)


def _at_once(text: Any) -> Any:
    """Return the times where all of them have the plain form of the first one, else None."""
    first = pc.index(pc.is_valid(text), True).as_py()
    if first < 0:
        return pa.nulls(len(text), MOMENT)
    sample = text[first].as_py().strip()
    form = (
        pa.int64()
        if sample.isdigit()
        else MOMENT
        if _ZONED.search(sample)
        else pa.timestamp("us")
    )
    try:
        parsed = text.cast(form)
    except pa.ArrowInvalid:
        return None
    if form == pa.int64():
        return _from_numbers(parsed)
    return _shown(parsed if form == MOMENT else parsed.cast(pa.int64()).cast(MOMENT))


def _from_numbers(number: Any) -> Any:
    smallest, largest = (pc.min_max(number)[key].as_py() for key in ("min", "max"))
    if smallest is None:
        return pa.nulls(len(number), MOMENT)
    if smallest < 0:
        return None
    if largest < 10**11:
        return pc.multiply(number, 10**6).cast(MOMENT)
    cells = pc.fill_null(number, 0).to_numpy()
    scaled = np.select(
        [cells < 10**11, cells < 10**14, cells < 10**17],
        [cells * 10**6, cells * 10**3, cells],
        cells // 1000,
    )
    return pa.array(
        scaled, mask=pc.is_null(number).to_numpy(zero_copy_only=False)
    ).cast(MOMENT)


def _by_value(text: Any) -> Any:
    encoded = text.dictionary_encode()
    values = pd.Series(encoded.dictionary.to_pylist(), dtype="str").str.strip()
    number = (
        values.str.fullmatch(r"[0-9]{1,19}(?:\.[0-9]{1,9})?").fillna(False).astype(bool)
    )
    number |= (is_zero := values.str.fullmatch(_ZERO).fillna(False).astype(bool))
    values = values.mask(is_zero, "0")
    microseconds = [
        _microseconds(value) if plain else 0
        for value, plain in zip(values, number, strict=True)
    ]
    numbers = pd.Series(
        pd.to_datetime(np.array(microseconds, "int64"), unit="us", utc=True)
    ).where(number)
    words = values.where(~number)
    iso = pd.to_datetime(words, format="ISO8601", utc=True, errors="coerce").astype(
        "datetime64[us, UTC]"
    )
    compact = pd.to_datetime(
        words, format="%Y%m%d-%H%M%S", utc=True, errors="coerce"
    ).astype("datetime64[us, UTC]")
    found = numbers.astype("datetime64[us, UTC]").fillna(compact).fillna(iso)
    # pandas reads -5 as a year, and cannot show it.
    return _shown(pa.array(found, MOMENT, from_pandas=True)).take(encoded.indices)


def _microseconds(number: str) -> int:
    """Return Unix time in microseconds, from what its size says it is counted in."""
    whole, _, fraction = number.partition(".")
    count = int(whole)
    digits = 6 if count < 10**11 else 3 if count < 10**14 else 0
    if digits:
        return count * int(10**digits) + int(fraction.ljust(digits, "0")[:digits])
    return count if count < 10**17 else count // 1000


def without_year(text: Any, modified: pd.Timestamp | None) -> Any:
    """Return the times of stamps of exactly this width, in the latest year that is not after
    the file's date.

    What is no such stamp, and every stamp where the file has no date, is missing.
    """
    count = len(text)
    if modified is None or not count:
        return pa.nulls(count, MOMENT)
    latest = modified.tz_convert(None).to_datetime64().astype("M8[us]") + _AHEAD
    letters = _letters(text)
    month = _month(letters)
    digits = letters - 48
    tens = np.where(letters[:, 4] == 32, 0, digits[:, 4])
    day = tens * 10 + digits[:, 5]
    hour, minute, second = (
        digits[:, at] * 10 + digits[:, at + 1] for at in (7, 10, 13)
    )
    numbers = np.column_stack([tens, digits[:, [5, 7, 8, 10, 11, 13, 14]]])
    marks = (letters[:, [3, 6]] == 32).all(axis=1) & (letters[:, [9, 12]] == 58).all(
        axis=1
    )
    within = (
        (hour < 24)
        & (minute < 60)
        & (second < 61)
        & (day > 0)
        & (day < 32)
        & (month >= 0)
    )
    plain = ((numbers >= 0) & (numbers < 10)).all(axis=1) & marks & within
    clock = ((((day - 1) * 24 + hour) * 60 + minute) * 60 + second).astype("m8[s]")
    time = np.full(count, "NaT", "M8[us]")
    newest = latest.astype("M8[Y]").astype("int64")
    # Nine years hold a 29 February even around a century without one.
    for year in range(newest, newest - 9, -1):
        begin = np.datetime64(year, "Y").astype("M8[M]") + month.astype("m8[M]")
        days = ((begin + 1).astype("M8[D]") - begin.astype("M8[D]")).astype("int64")
        tried = begin.astype("M8[us]") + clock
        fits = plain & np.isnat(time) & (day <= days) & (tried <= latest)
        time[fits] = tried[fits]
        if not (plain & np.isnat(time)).any():
            break
    return (
        pa.array(time, pa.timestamp("us"), from_pandas=True)
        .cast(pa.int64())
        .cast(MOMENT)
    )


def _letters(text: Any) -> Any:
    """Return the characters of each text as a row of numbers; a text of another width gives
    zeros.
    """
    sized = pc.fill_null(pc.equal(pc.binary_length(text), WIDTH), False)
    text = pa.concat_arrays(
        [pc.if_else(sized, text, pa.scalar("\x00" * WIDTH, text.type))]
    )
    return (
        np.frombuffer(text.buffers()[2], np.uint8)[: len(text) * WIDTH]
        .reshape(-1, WIDTH)
        .astype("int32")
    )


def _month(letters: Any) -> Any:
    """Return the months, from 0; what is none gives -1."""
    packed = letters[:, 0] + (letters[:, 1] << 8) + (letters[:, 2] << 16)
    place = np.minimum(np.searchsorted(_MONTHS[_ORDER], packed), 11)
    month = _ORDER[place]
    return np.where(_MONTHS[month] == packed, month, -1)
