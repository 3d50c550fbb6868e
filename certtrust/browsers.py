"""Would today's browsers accept this certificate for that URL, and if not, why not."""

from __future__ import annotations

import pandas as pd


def browser_paths(attempts: pd.DataFrame, certificates: pd.DataFrame, trust: pd.DataFrame) -> pd.Series:  # noqa: ARG001
    """Return those of the trust paths that a browser would take, for each attempt."""
    return attempts["trust_paths"]


def browser_verdict(attempts: pd.DataFrame, moment: pd.Series) -> pd.DataFrame:  # noqa: ARG001
    """Return for each attempt whether browsers accept the certificate, and why not."""
    return pd.DataFrame(
        {"accepted": pd.Series(pd.NA, attempts.index, "boolean"), "why": pd.Series(pd.NA, attempts.index, "str")}
    )
