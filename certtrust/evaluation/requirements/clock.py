"""A device that registers over H.323/TLS has its clock set."""

from __future__ import annotations

import pandas as pd

from ...arrays.arrow import as_mask
from ..wire import seen_on_wire
from .rule import Rule, chosen, over_tls


def _clock_is_set(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    clock_unset = attempts["clock_unset"]
    is_set = (~clock_unset).mask(
        clock_unset.isna() & attempts["time"].notna() & ~seen_on_wire(attempts),
        other=True,
    )
    return is_set | ~over_tls(attempts)


def _missing(attempts: pd.DataFrame) -> pd.Series:
    return chosen(attempts.index, {"protocol": as_mask(attempts["clock_unset"])})


RULES = (
    Rule(
        code="time.clock",
        needs=("clock_unset", "time", "protocol", "authentication", "matched_by"),
        holds=_clock_is_set,
        required={"h323-password": 10, "h323-certificate": 10},
        stale="clock",
        unknown=_missing,
        missing_by=("clock_unset",),
    ),
)
