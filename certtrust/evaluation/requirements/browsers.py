"""An opinion: today's browsers accept the certificate for the URL."""

from __future__ import annotations

import pandas as pd

from ...trust import browser_verdict
from .rule import Rule, as_flags


def _browsers_accept(attempts: pd.DataFrame, moment: pd.Series) -> pd.Series:
    return as_flags(browser_verdict.browser_verdict(attempts, moment)["accepted"])


RULES = (
    Rule(
        code="hygiene.browser",
        needs=(
            *(
                "url",
                "dns_names",
                "ip_addresses",
                "not_before",
                "not_after",
                "fingerprint",
                "browser_paths",
            ),
        ),
        holds=_browsers_accept,
        shown={"browser": 10},
    ),
)
