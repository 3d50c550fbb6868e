"""Times of certificates: one reader for the columns that show them and the rule that uses them.

RFC 5280, section 4.1.2.5, allows one form of each type: YYMMDDhhmmssZ and YYYYMMDDhhmmssZ.
Other forms that ASN.1 allows are read too, and the deviation is named.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .ber import (
    GENERALIZED_TIME,
    SEQUENCE,
    UTC_TIME,
    BadEncoding,
    children,
    content,
    element,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Time(NamedTuple):
    """A Time in microseconds since 1970, and how its form deviates from RFC 5280."""

    moment: int
    problem: str | None


def time(tag: int, content: bytes) -> Time:
    """Return the time that an element with this tag and content stands for.

    Raises
    ------
    BadEncoding
        If it is no time.

    Examples
    --------
    >>> time(UTC_TIME, b"7001010000Z")
    Time(moment=0, problem='a time without seconds')
    """
    if tag not in (UTC_TIME, GENERALIZED_TIME):
        raise BadEncoding(f"tag {tag:#04x} where a time belongs")
    text = content.decode("latin-1")
    try:
        return _time(tag, text)
    except (ValueError, OverflowError):
        raise BadEncoding(f"no time: {text[:40]!r}") from None


def _time(tag: int, text: str) -> Time:
    problems: list[str] = []
    digits, offset = _without_zone(text, problems)
    digits, point, fraction = digits.replace(",", ".").partition(".")
    if (
        not (digits + fraction).isascii()
        or not (digits + (fraction or "0")).isdigit()
    ):
        raise ValueError("not digits")
    if point:
        problems.append("a time with a fraction of a second")
    if tag == UTC_TIME:
        # RFC 5280: two digits from 50 are of the 20th century.
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    if len(digits) not in (10, 12, 14):
        raise ValueError("not a time")
    if len(digits) < 14:
        problems.append("a time without seconds")
    if digits.startswith("0000"):
        # Python and pandas begin with the year 1, and a year 0 means "always".
        digits = f"0001{digits[4:]}"
        problems.append("the year 0, shown as the year 1")
    month, day, hour, minute, second = (
        int(digits[at : at + 2] or 0) for at in range(4, 14, 2)
    )
    when = datetime(int(digits[:4]), month, day, hour, minute, second, tzinfo=UTC)
    when += timedelta(microseconds=int(fraction[:6].ljust(6, "0")))
    moment = (when - offset - _EPOCH) // timedelta(microseconds=1)
    return Time(moment, ", ".join(problems) or None)


def _without_zone(text: str, problems: list[str]) -> tuple[str, timedelta]:
    if text.endswith("Z"):
        return text[:-1], timedelta(0)
    digits, sign, zone = text[:-5], text[-5:-4], text[-4:]
    if sign not in ("+", "-") or not zone.isdigit():
        problems.append("a time without a zone, taken as UTC")
        return text, timedelta(0)
    problems.append("a time with an offset")
    offset = timedelta(hours=int(zone[:2]), minutes=int(zone[2:]))
    return digits, offset if sign == "+" else -offset


def span(validity: bytes) -> tuple[int, int]:
    """Return the first and the last microsecond of a Validity in DER: its last second counts to
    its end.

    Raises
    ------
    BadEncoding
        If it does not consist of two times.
    """
    times = children(content(validity, SEQUENCE))
    if len(times) != 2:
        raise BadEncoding("a validity of other than two times")
    first, last = (
        time(encoded[0], encoded[element(encoded)[1] :]).moment for encoded in times
    )
    return first, last + 999_999


def regular_times(
    long_form: npt.NDArray[np.bool_], digits: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return times of the two regular forms, in microseconds since 1970.

    Parameters
    ----------
    long_form : boolean array
        Where a time has its century.
    digits : array
        Fourteen lines of digits as ASCII, from the century to the second.

    Returns
    -------
    moments, sound : arrays
        What is not sound is left to `time`.
    """
    digits = digits - 0x30
    century, of_century, month, day, hour, minute, second = (
        digits[::2] * 10 + digits[1::2]
    )
    century = np.where(long_form, century, np.where(of_century >= 50, 19, 20))
    year = century * 100 + of_century
    sound = (year >= 1) & (year <= 9999) & (month >= 1) & (month <= 12)
    months = np.clip((year - 1970) * 12 + month - 1, -(12 * 1969), 12 * 8030)
    days = (
        months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        + day
        - 1
    )
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
    return seconds * 1_000_000, sound
