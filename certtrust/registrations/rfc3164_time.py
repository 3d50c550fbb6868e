"""Time stamps of RFC 3164: `Mar  2 10:11:25`, without a year and without a zone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .field_values import MOMENT

WIDTH = 15
_NAMES = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_MONTHS = np.array([int.from_bytes(name.encode(), "little") for name in _NAMES])
_ORDER = np.argsort(_MONTHS)
_AHEAD = np.timedelta64(1, "D")
"""How far a line may lie after the file's last change: clocks and zones differ."""


def moments(text: Any, modified: pd.Timestamp | None) -> Any:
    """Return the times of stamps of exactly this width, in the latest year that is not after the file's date.

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
    hour, minute, second = (digits[:, at] * 10 + digits[:, at + 1] for at in (7, 10, 13))
    numbers = np.column_stack([tens, digits[:, [5, 7, 8, 10, 11, 13, 14]]])
    marks = (letters[:, [3, 6]] == 32).all(axis=1) & (letters[:, [9, 12]] == 58).all(axis=1)
    within = (hour < 24) & (minute < 60) & (second < 61) & (day > 0) & (day < 32) & (month >= 0)
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
    return pa.array(time, pa.timestamp("us"), from_pandas=True).cast(pa.int64()).cast(MOMENT)


def _letters(text: Any) -> Any:
    """Return the characters of each text as a row of numbers; a text of another width gives zeros."""
    sized = pc.fill_null(pc.equal(pc.binary_length(text), WIDTH), False)
    text = pa.concat_arrays([pc.if_else(sized, text, pa.scalar("\x00" * WIDTH, text.type))])
    return np.frombuffer(text.buffers()[2], np.uint8)[: len(text) * WIDTH].reshape(-1, WIDTH).astype("int32")


def _month(letters: Any) -> Any:
    """Return the months, from 0; what is none gives -1."""
    packed = letters[:, 0] + (letters[:, 1] << 8) + (letters[:, 2] << 16)
    place = np.minimum(np.searchsorted(_MONTHS[_ORDER], packed), 11)
    month = _ORDER[place]
    return np.where(_MONTHS[month] == packed, month, -1)
