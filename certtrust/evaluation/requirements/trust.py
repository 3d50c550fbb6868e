"""The certificate itself, or a CA of its chain, is in the list of the PBX or the browser."""

from __future__ import annotations

import pandas as pd

from ...schema import TRUSTED_STATES, UNDECIDED_STATES
from ...trust import trust_state
from .rule import Rule, as_flags


def _is_trusted(attempts: pd.DataFrame, moment: pd.Series) -> pd.Series:
    state = (
        attempts["trust_state"]
        if "trust_state" in attempts
        else _state_at(attempts, moment)
    )
    decided = state.notna() & ~state.isin(UNDECIDED_STATES)
    return as_flags(state.isin(TRUSTED_STATES)).where(decided)


def _state_at(attempts: pd.DataFrame, moment: pd.Series) -> pd.Series:
    return trust_state.trust_at(attempts, moment)["trust_state"]


def _state(attempts: pd.DataFrame) -> pd.Series:
    return attempts["trust_state"].astype("str")


_NEEDS = ("trust_paths", "trust_failure")

RULES = (
    Rule(
        code="certificate.trust",
        needs=_NEEDS,
        holds=_is_trusted,
        required={"h323-certificate": 30},
        stale="certificate",
        stale_if_seen="trust list",
        variant=_state,
        varying=("trust_state",),
        unknown=_state,
        missing_by=("trust_state",),
    ),
    Rule(
        code="browser.trust",
        needs=_NEEDS,
        holds=_is_trusted,
        required={"browser": 10},
        stale="certificate",
        stale_if_seen="trust list",
        variant=_state,
        varying=("trust_state",),
        unknown=_state,
        missing_by=("trust_state",),
    ),
)
