"""Handshakes as a frame: table HANDSHAKES."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..schema import COUNT, FLAG, HANDSHAKES, LIST, MOMENT, NUMBER, WORD
from .handshake import CUT_OFF, ESTABLISHED, NOT_TLS, NOT_VISIBLE, Handshake

OUTCOMES = pd.CategoricalDtype(
    pd.Index(
        (
            ESTABLISHED,
            "refused by server",
            "refused by client",
            CUT_OFF,
            NOT_TLS,
            NOT_VISIBLE,
        ),
        dtype="str",
    )
)
SIDES = pd.CategoricalDtype(pd.Index(("client", "server"), dtype="str"))
_WORDS = {"outcome": OUTCOMES, "alert_by": SIDES}
_LAST_SECOND = 253_402_300_799
"""The end of the year 9999."""


def frame(rows: Sequence[Handshake]) -> pd.DataFrame:
    """Return table HANDSHAKES of connections, in their order."""
    return pd.DataFrame(
        {
            column.name: _series(
                [getattr(row, column.name) for row in rows], column.name, column.dtype
            )
            for column in HANDSHAKES
        }
    )


def _series(values: list[Any], name: str, dtype: str) -> pd.Series:
    if dtype == MOMENT:
        return pd.Series(moments(values))
    if dtype == LIST:
        cells = np.empty(len(values), dtype=object)
        cells[:] = values
        return pd.Series(cells, dtype="object")
    if dtype == WORD:
        return pd.Series(pd.Categorical(values, dtype=_WORDS[name]))
    if dtype == NUMBER:
        return pd.Series(values, dtype="float64")
    if dtype in (COUNT, FLAG):
        return pd.Series(pd.array(values, dtype=dtype))  # type: ignore[call-overload]
    return pd.Series(values, dtype="str")


def moments(values: Sequence[int | None]) -> pd.DatetimeIndex:
    """Return microseconds since 1970 as times; what no calendar holds is missing."""
    in_calendar = [
        value
        if value is not None and 0 <= value <= _LAST_SECOND * 1_000_000
        else None
        for value in values
    ]
    numbers = np.array([value or 0 for value in in_calendar], "datetime64[us]")
    numbers[[value is None for value in in_calendar]] = np.datetime64("NaT", "us")
    return pd.DatetimeIndex(numbers).tz_localize("UTC")
