"""The one reader of times in logs: ISO 8601, Unix time, and what else collectors write.

A device whose clock was not set writes a time in 1970, or the zero time of what its log passed
through: local midnight of 1970 lies in 1969 east of Greenwich, and some count from the year 1,
1601, 1900 or 1904.
A stamp without a zone is in the time zone that the caller gave, else it is taken for UTC;
`time_by` says which.
"""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CerttrustError
from ..texts.sentences import say
from . import stamp_forms
from .field_values import MOMENT, Columns, Notes, encode, word_where
from .text.spans import Mask, Spans, as_mask, present

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
_ZEROS = tuple(
    int(np.datetime64(day, "us").astype("int64"))
    for day in ("0001-01-01", "1601-01-01", "1899-12-30", "1900-01-01", "1904-01-01")
)
"""The first days of others' calendars: Go and .NET, Windows, spreadsheets, NTP, macOS."""
_LATEST_NUMBER = int(np.datetime64("2200-01-01", "us").astype("int64"))
"""Where Unix time ends to be plausible."""
_ZONED = re.compile(r"(?:Z|[+-]\d\d(?::?\d\d)?)$")
_ZONED_ISO = r"[0-9][T ].*(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)\s*$"
_ZERO = r"^\s*0001-01-01(?:[T ][0-9:.]*)? ?(?:Z|[+-][0-9:]*)?\s*$"
"""The zero time of Go and .NET, wherever it was written."""
_NUMBER = r"^\s*[0-9]{1,19}(?:\.[0-9]{1,18})?\s*$"
_OF_SPREADSHEET = (36526, 73051)
"""The day numbers of the years 2000 to 2099 in a spreadsheet."""
_DAYS_TO_1970 = 25569
_ROUNDED = r"^\s*-?[0-9](?:[.,][0-9]+)?[eE][+-]?[0-9]+\s*$"

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

UNREAD = "the time cannot be read"
NO_YEAR = "the time has no year and the file has no date"

Numbers = npt.NDArray[np.int64]


class Clock(NamedTuple):
    """What is known beside the stamps of a file."""

    zone: tzinfo | None = None
    """The time zone of stamps that name none."""
    day_first: bool | None = None
    """Whether dates such as 03/04/2026 begin with the day, where the file shows it."""
    modified: pd.Timestamp | None = None
    """When the file was last changed."""
    counts_seconds: bool = False
    """Whether numbers are Unix time for certain, as in the formats that are documented so."""


ANY_CLOCK = Clock()


def zone(name: Any) -> tzinfo | None:
    """Return the time zone of a reader's option `timezone`.

    Raises
    ------
    CerttrustError
        If there is no such time zone.
    """
    if name is None or isinstance(name, tzinfo):
        return name
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (ValueError, LookupError, OSError, TypeError, AttributeError) as problem:
        raise CerttrustError(
            say("errors.reading.timezone", timezone=repr(name))
        ) from problem


def _by(source: str, clock: Clock) -> str:
    """Return the word of `time_by` for a stamp without a zone."""
    return f"{source} as {'UTC' if clock.zone is None else clock.zone}"


def read(stamps: Any, notes: Notes, clock: Clock = ANY_CLOCK) -> Columns:
    """Return time, clock_unset and time_by of the stamps of a log.

    Parameters
    ----------
    stamps : Arrow array
        Text in ISO 8601 or another form of `stamp_forms`, or Unix time: seconds since 1970, or
        milli-, micro- or nanoseconds. Or Arrow's own timestamps.
    notes : Notes
        What cannot be read is added here.
    clock : Clock
        The time zone of stamps without one, and how the file writes dates.
    """
    if pa.types.is_timestamp(stamps.type):
        since, is_local = (
            _in_range(_of_timestamps(stamps)),
            np.zeros(len(stamps), bool),
        )
        notes.unread(stamps, since, UNREAD)
    else:
        read_at_once = _of_one_form(stamps) or _of_one_form_or_zero(stamps)
        if read_at_once is None:
            since, is_local = _of_any_form(stamps, notes, clock)
        else:
            since, local = read_at_once
            is_local = np.full(len(stamps), local)
            notes.unread(stamps, since, UNREAD)
    return _columns(since, is_local, notes, clock)


def _columns(
    since: Any, is_local: Mask, notes: Notes, clock: Clock, source: str = "line"
) -> Columns:
    """Return the columns of times in UTC, or on the wall where they are local."""
    count = since.cast(pa.int64())
    unset = pc.and_(
        pc.greater_equal(count, -_EASTERNMOST), pc.less(count, _END_OF_1970)
    )
    time = since
    if pc.any(unset).as_py():
        time = pc.if_else(unset, pa.scalar(None, MOMENT), time)
    shown = present(time)
    if clock.zone is not None and (is_local & shown).any():
        time = _in_zone(time, is_local & shown, notes, clock)
    if not is_local.any():
        by = word_where(shown, source)
    else:
        codes = np.where(shown, is_local.astype(np.int32), np.int32(-1))
        by = encode(codes, [source, _by(source, clock)])
    return {"time": time, "clock_unset": unset, "time_by": by}


def _in_zone(time: Any, is_local: Mask, notes: Notes, clock: Clock) -> Any:
    """Return the times in UTC of a clock on the wall.

    An hour that a change of the clocks repeats is taken as the first one, and one that it leaves
    out as the moment of the change; both are noted.
    """
    rows = np.flatnonzero(is_local)
    wall = time.take(pa.array(rows)).cast(pa.int64()).to_numpy().view("M8[us]")
    index = pd.DatetimeIndex(wall)
    first = index.tz_localize(
        clock.zone, ambiguous=np.ones(len(index), bool), nonexistent="shift_forward"
    )
    second = index.tz_localize(
        clock.zone, ambiguous=np.zeros(len(index), bool), nonexistent="shift_forward"
    )
    utc = np.array(first.tz_convert("UTC").tz_localize(None).astype("M8[us]"))
    doubtful = np.zeros(len(time), bool)
    doubtful[rows] = np.asarray(first != second)
    notes.add(
        doubtful, f"this hour is there twice in {clock.zone}: the first is taken"
    )
    left_out = np.zeros(len(time), bool)
    left_out[rows] = np.array(first.tz_localize(None).astype("M8[us]")) != wall
    notes.add(left_out, f"the clocks of {clock.zone} left this time out")
    numbers = time.cast(pa.int64()).to_numpy(zero_copy_only=False).copy()
    result = np.where(present(time), np.nan_to_num(numbers, nan=0), 0).astype(
        np.int64
    )
    result[rows] = utc.view("i8")
    return pa.array(result, mask=~present(time)).cast(MOMENT)


def _in_range(time: Any) -> Any:
    """Return times without those that nothing can show; the zero times of others are 1970's."""
    if can_be_shown(time):
        return time
    since = time.cast(pa.int64())
    for zero in _ZEROS:
        is_zero = pc.and_(
            pc.greater_equal(since, zero - _EASTERNMOST), pc.less(since, zero + _DAY)
        )
        since = pc.if_else(is_zero, pa.scalar(0, pa.int64()), since)
    in_range = pc.and_(pc.greater_equal(since, _FIRST), pc.less_equal(since, _LAST))
    return pc.if_else(in_range, since, pa.scalar(None, pa.int64())).cast(MOMENT)


def can_be_shown(time: Any) -> bool:
    """Return True where every time is one that can be shown and none is the zero time."""
    ends = pc.min_max(time.cast(pa.int64()))
    earliest, latest = ends["min"].as_py(), ends["max"].as_py()
    return earliest is None or (earliest >= _ZEROS[-1] + _DAY and latest <= _LAST)


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


def _of_one_form(text: Any) -> tuple[Any, bool] | None:
    """Return the times where all stamps have the plain form of the first one, and if it is local.

    None where they have not.
    """
    first = pc.index(pc.is_valid(text), True).as_py()
    if first < 0:
        return pa.nulls(len(text), MOMENT), False
    sample = text[first].as_py().strip()
    try:
        if sample.isdigit():
            numbers = _from_seconds(text.cast(pa.int64()))
            return None if numbers is None else (numbers, False)
        if _ZONED.search(sample):
            return _in_range(text.cast(MOMENT)), False
        return _in_range(
            text.cast(pa.timestamp("us")).cast(pa.int64()).cast(MOMENT)
        ), True
    except pa.ArrowInvalid:
        return None


def _of_one_form_or_zero(text: Any) -> tuple[Any, bool] | None:
    """Return the times where all stamps have one plain form but for the 0 of a clock not set."""
    is_zero = pc.fill_null(pc.equal(text, "0"), False)
    if not pc.any(is_zero).as_py():
        return None
    others = _of_one_form(pc.if_else(is_zero, pa.scalar(None, text.type), text))
    if others is None:
        return None
    since, is_local = others
    return pc.if_else(is_zero, pa.scalar(0, pa.int64()).cast(MOMENT), since), is_local


_SECONDS = (10**9, 7 * 10**9)
"""Numbers that are Unix time in seconds, of the years 2001 to 2191, and nothing else."""


def _from_seconds(number: Any) -> Any:
    """Return the times where all numbers are Unix time in seconds beyond doubt, else None."""
    ends = pc.min_max(number)
    smallest, largest = ends["min"].as_py(), ends["max"].as_py()
    if smallest is None:
        return pa.nulls(len(number), MOMENT)
    if smallest < _SECONDS[0] or largest >= _SECONDS[1]:
        return None
    return pc.multiply(number, 10**6).cast(MOMENT)


def _of_any_form(text: Any, notes: Notes, clock: Clock) -> tuple[Any, Mask]:
    """Return the times of stamps of mixed forms, in UTC or on the wall, and which are local."""
    count = len(text)
    since = np.zeros(count, np.int64)
    is_read, is_local = np.zeros(count, bool), np.zeros(count, bool)
    reasons = np.full(count, -1, np.int64)

    def put(rows: Any, values: Numbers | int, local: Any) -> None:
        since[rows], is_read[rows], is_local[rows] = values, True, local

    spans = Spans.of(text)
    # What has a hyphen behind four digits is a date, and most often ends with the zone of UTC.
    is_dated = spans.byte_at(4) == ord("-")
    ends_with_z = spans.byte_at(-1) == ord("Z")
    rows = np.flatnonzero(~is_dated & present(text))
    if len(rows):
        is_number = pc.match_substring_regex(text.take(pa.array(rows)), _NUMBER)
        rows = rows[as_mask(is_number)]
    if len(rows):
        values, read_rows, why = of_numbers(text.take(pa.array(rows)), clock)
        put(rows[read_rows], values[read_rows], why[read_rows] == _DAY_NUMBER)
        unread = ~read_rows
        reasons[rows[unread]] = why[unread]
        is_read[rows] = True  # no other form is tried
    unread_numbers = reasons >= 0
    rows = np.flatnonzero((spans.byte_at(0) <= ord("0")) & present(text) & ~is_read)
    if len(rows):
        is_zero = pc.match_substring_regex(text.take(pa.array(rows)), _ZERO)
        put(rows[as_mask(is_zero)], 0, False)
    for local in (False, True):
        rows = np.flatnonzero(~is_read & present(text))
        if not len(rows):
            break
        rest = text.take(pa.array(rows))
        zoned = is_dated[rows] & ends_with_z[rows]
        if not zoned.all():
            zoned = as_mask(pc.match_substring_regex(rest, _ZONED_ISO))
        rows = rows[zoned != local]
        if len(rows) and (
            at_once := _cast(rest.filter(pa.array(zoned != local)), local)
        ):
            values = at_once[0].cast(pa.int64())
            put(rows, np.asarray(pc.fill_null(values, 0)), local)
            is_read[rows[~present(values)]] = False
            reasons[rows[~present(values)]] = _NO_TIME
    rows = np.flatnonzero(~is_read & present(text) & (reasons < 0))
    if len(rows):
        # What is left is rare or repeats itself, so each distinct stamp is read once.
        encoded = text.take(pa.array(rows)).dictionary_encode()
        code = encoded.indices.to_numpy()
        distinct = _distinct(encoded.dictionary, clock)
        put(rows, distinct.since[code], distinct.is_local[code])
        is_read[rows] = distinct.is_read[code]
        reasons[rows] = np.where(distinct.is_read[code], -1, distinct.reason[code])
    is_read[unread_numbers] = False
    for reason, note in enumerate(_REASONS):
        notes.add((reasons == reason) & ~is_read & present(text), note)
    time = _in_range(pa.array(since, mask=~is_read).cast(MOMENT))
    notes.add(is_read & ~present(time), UNREAD)
    return time, is_local


_NO_TIME, _NO_NUMBER, _LOST_DIGITS, _EITHER, _DAY_OR_MONTH, _NO_YEAR = range(6)
_REASONS = (
    UNREAD,
    "the number is neither a date nor a plausible Unix time",
    "a spreadsheet has rounded the time, so it is lost",
    "the number may be a day of a spreadsheet or the seconds of a clock that was not set",
    "day and month of the time cannot be told apart",
    NO_YEAR,
)
_DAY_NUMBER = 99


def _cast(text: Any, local: bool) -> tuple[Any] | None:
    """Return the times of ISO stamps that Arrow reads, if it reads all of them."""
    text = pc.utf8_trim_whitespace(text)
    try:
        if local:
            return (
                _in_range(
                    text.cast(pa.timestamp("us")).cast(pa.int64()).cast(MOMENT)
                ),
            )
        return (_in_range(text.cast(MOMENT)),)
    except pa.ArrowInvalid:
        return None


def of_numbers(text: Any, clock: Clock) -> tuple[Numbers, Mask, Numbers]:
    """Return numbers as microseconds since 1970, where they are a time, and else the reason."""
    parts = pc.extract_regex(
        text, r"^\s*(?P<whole>[0-9]+)(?:\.(?P<fraction>[0-9]+))?\s*$"
    )
    whole = pc.struct_field(parts, "whole")
    fraction = pc.struct_field(parts, "fraction")
    width = pc.binary_length(whole).to_numpy()
    # 19 digits may be beyond 64 bits with a sign, but never a time then.
    fits = as_mask(pc.or_(pc.less(pc.binary_length(whole), 19), pc.less(whole, "9")))
    count = pc.if_else(pa.array(fits), whole, "0").cast(pa.int64()).to_numpy()
    six = pc.utf8_slice_codeunits(pc.utf8_rpad(fraction, 6, "0"), 0, 6)
    micro = six.cast(pa.int64()).to_numpy()
    has_fraction = as_mask(pc.not_equal(fraction, ""))
    values = np.select(
        [count < 10**11, count < 10**14, count < 10**17],
        [count * 10**6 + micro, count * 10**3 + micro // 1000, count],
        count // 1000,
    )
    is_time = fits & (values < _LATEST_NUMBER)
    why = np.full(len(text), _NO_NUMBER)
    for digits in (8, 14):
        rows = np.flatnonzero(
            (width == digits) & ~has_fraction & (not clock.counts_seconds)
        )
        if len(rows):
            form = (
                r"^\s*(?P<year>(?:19|20)[0-9]{2})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
            )
            if digits == 14:
                form += r"(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})"
            dates = stamp_forms.take_apart(
                text.take(pa.array(rows)), form + r"\s*$", day_first=None
            )
            dated = rows[dates.is_valid]
            values[dated] = dates.local[dates.is_valid]
            is_time[dated], why[dated] = True, _DAY_NUMBER
    is_day = (count >= _OF_SPREADSHEET[0]) & (count < _OF_SPREADSHEET[1])
    is_day &= not clock.counts_seconds
    # Whole days alone may as well be the seconds since a device was switched on.
    days = np.flatnonzero(is_day & has_fraction)
    if len(days):
        exact = pc.struct_field(parts, "fraction").take(pa.array(days)).to_pylist()
        part = np.array([float(f"0.{digits}") for digits in exact]) * 86400
        values[days] = (count[days] - _DAYS_TO_1970) * _DAY + np.rint(part).astype(
            np.int64
        ) * 10**6
        is_time[days], why[days] = True, _DAY_NUMBER
    either = is_day & ~has_fraction
    is_time[either], why[either] = False, _EITHER
    return values, is_time, why


class _Distinct(NamedTuple):
    since: Numbers
    is_local: Mask
    is_read: Mask
    reason: Numbers


def _distinct(stamps: Any, clock: Clock) -> _Distinct:
    """Return the times of stamps that are neither numbers nor plain ISO."""
    count = len(stamps)
    result = _Distinct(
        np.zeros(count, np.int64),
        np.ones(count, bool),
        np.zeros(count, bool),
        np.full(count, _NO_TIME),
    )
    rounded = as_mask(pc.match_substring_regex(stamps, _ROUNDED))
    result.reason[rounded] = _LOST_DIGITS
    series = pd.Series(stamps.to_pylist(), dtype="str").str.strip()
    # pandas reads -5 as a year, and cannot show it.
    words = series.where(~rounded & ~series.str.startswith("-"))
    for spelling in ("%Y%m%d-%H%M%S", "ISO8601"):
        parsed = pd.to_datetime(words, format=spelling, utc=True, errors="coerce")
        fresh = (parsed.notna() & ~result.is_read).to_numpy()
        micro = parsed.astype("datetime64[us, UTC]").to_numpy("M8[us]").view("i8")
        result.since[fresh] = micro[fresh]
        result.is_read[fresh] = True
    zoned = as_mask(pc.match_substring_regex(stamps, _ZONED_ISO))
    result.is_local[zoned] = False
    for form in stamp_forms.OF_CELLS:
        rows = np.flatnonzero(~result.is_read)
        if not len(rows):
            break
        pattern = rf"^\s*[\[(*]?{form.pattern}[\])]?\s*$"
        of_rows = stamp_forms.take_apart(
            stamps.take(pa.array(rows)), pattern, day_first=clock.day_first
        )
        since, why = resolved(of_rows, clock)
        good = why < 0
        result.since[rows[good]] = since[good]
        result.is_local[rows[good]] = ~of_rows.is_zoned[good]
        result.is_read[rows[good]] = True
        result.reason[rows[~good & (why != _NO_TIME)]] = why[
            ~good & (why != _NO_TIME)
        ]
    return result


def resolved(stamps: stamp_forms.Stamps, clock: Clock) -> tuple[Numbers, Numbers]:
    """Return the microseconds of stamps, in UTC or on the wall, and the number of a reason or -1.

    A stamp without a year gets the latest one that is not after the file's date.
    """
    since = stamps.local - stamps.offset
    why = np.where(stamps.is_valid, -1, _NO_TIME)
    why[stamps.is_ambiguous] = _DAY_OR_MONTH
    yearless = stamps.is_valid & ~stamps.has_year
    if yearless.any():
        if clock.modified is None:
            why[yearless] = _NO_YEAR
        else:
            rows = np.flatnonzero(yearless)
            since[rows] = _with_year(since[rows].view("M8[us]"), clock.modified)
    return since, why


def _with_year(stamps: Any, modified: pd.Timestamp) -> Numbers:
    """Return stamps of a leap year in the latest year that is not after a moment."""
    months = stamps.astype("M8[M]").astype(np.int64) % 12
    begin = stamps.astype("M8[M]").astype("M8[us]")
    day = (stamps.astype("M8[D]") - begin.astype("M8[D]")).astype(np.int64) + 1
    time = _in_latest_year(
        months, day, stamps - begin, np.ones(len(stamps), bool), modified
    )
    return np.asarray(time.view("i8"))


def reason(number: int) -> str:
    """Return the words of a reason that `resolved` gives."""
    return _REASONS[number]


def local_columns(
    since: Numbers,
    is_read: Mask,
    is_local: Mask,
    notes: Notes,
    clock: Clock,
    source: str,
) -> Columns:
    """Return the columns of times that `resolved` gave, with their source in `time_by`."""
    time = _in_range(pa.array(since, mask=~is_read).cast(MOMENT))
    notes.add(is_read & ~present(time), UNREAD)
    return _columns(time, is_local, notes, clock, source)


def without_year(text: Any, modified: pd.Timestamp | None) -> Any:
    """Return the times of RFC 3164 stamps, in the latest year that is not after the file's date.

    What is no such stamp, and every stamp where the file has no date, is missing.
    """
    count = len(text)
    if modified is None or not count:
        return pa.nulls(count, MOMENT)
    month, day, clock, is_stamp = _stamp_parts(_characters(text))
    time = _in_latest_year(month, day, clock, is_stamp, modified)
    naive = pa.array(time, pa.timestamp("us"), from_pandas=True)
    return naive.cast(pa.int64()).cast(MOMENT)


def _in_latest_year(
    month: Any, day: Any, clock: Any, is_stamp: Mask, modified: pd.Timestamp
) -> Any:
    """Return times from month (from 0), day and time since the month began, in the latest year."""
    latest = modified.tz_convert(None).to_datetime64().astype("M8[us]") + _AHEAD
    time = np.full(len(month), "NaT", "M8[us]")
    newest = latest.astype("M8[Y]").astype("int64")
    # Nine years hold a 29 February even around a century without one.
    for year in range(newest, newest - 9, -1):
        begin = np.datetime64(year, "Y").astype("M8[M]") + month.astype("m8[M]")
        days = (
            (begin + np.timedelta64(1, "M")).astype("M8[D]") - begin.astype("M8[D]")
        ).astype("int64")
        candidates = begin.astype("M8[us]") + clock
        fits = is_stamp & np.isnat(time) & (day <= days) & (candidates <= latest)
        time[fits] = candidates[fits]
        if not (is_stamp & np.isnat(time)).any():
            break
    return time


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
