"""The certificate is already valid, and has not expired."""

from __future__ import annotations

import pandas as pd

from .rule import Rule, as_flags, chosen, without_certificate


def _is_valid(attempts: pd.DataFrame, moment: pd.Series) -> pd.Series:
    moment = moment.dt.floor(
        "s"
    )  # validity counts in whole seconds, the last one included
    begun = as_flags(attempts["not_before"] <= moment).where(
        attempts["not_before"].notna()
    )
    not_ended = as_flags(attempts["not_after"] >= moment).where(
        attempts["not_after"].notna()
    )
    return begun & not_ended


def _expired_or_early(attempts: pd.DataFrame) -> pd.Series:
    moment = attempts["judged_at"]
    early, late = attempts["not_before"] > moment, attempts["not_after"] < moment
    return chosen(attempts.index, {"not yet valid": early, "expired": late})


def _missing(attempts: pd.DataFrame) -> pd.Series:
    return chosen(attempts.index, without_certificate(attempts))


RULES = (
    Rule(
        code="time.validity",
        needs=("not_before", "not_after"),
        holds=_is_valid,
        required={"h323-certificate": 40, "browser": 20},
        stale="certificate",
        variant=_expired_or_early,
        varying=("not_before", "not_after", "judged_at"),
        unknown=_missing,
        missing_by=("subject", "subject_cn", "certificate_error"),
    ),
)
