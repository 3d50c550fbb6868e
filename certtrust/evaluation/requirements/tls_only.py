"""What "TLS only" at a device's entry forbids: other transports, and passwords."""

from __future__ import annotations

import pandas as pd

from ...arrays.arrow import as_mask
from .rule import Rule, chosen, over_tls, through_allowed_proxy


def _transport_fits(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    return (
        ~attempts["tls_only"] | over_tls(attempts) | through_allowed_proxy(attempts)
    )


def _password_is_possible(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    return ~attempts["tls_only"] | through_allowed_proxy(attempts)


def _proxy_is_not_allowed(attempts: pd.DataFrame) -> pd.Series:
    return chosen(
        attempts.index, {"reverse proxy": as_mask(attempts["via_reverse_proxy"])}
    )


def _missing(attempts: pd.DataFrame) -> pd.Series:
    kinds = {
        "TLS only flag": attempts["tls_only"].isna(),
        "protocol": over_tls(attempts).isna(),
    }
    return chosen(attempts.index, kinds).fillna("reverse proxy")


def _missing_for_password(attempts: pd.DataFrame) -> pd.Series:
    return chosen(
        attempts.index, {"TLS only flag": attempts["tls_only"].isna()}
    ).fillna("reverse proxy")


RULES = (
    Rule(
        code="transport.tls_only",
        needs=(
            "tls_only",
            "protocol",
            "authentication",
            "via_reverse_proxy",
            "reverse_proxy",
        ),
        holds=_transport_fits,
        required={"h323-password": 20, "h323-certificate": 20},
        stale="device entry",
        unknown=_missing,
        missing_by=("tls_only", "protocol", "authentication"),
    ),
    Rule(
        code="password.tls_only",
        needs=("tls_only", "via_reverse_proxy", "reverse_proxy"),
        holds=_password_is_possible,
        required={"h323-password": 30},
        stale="device entry",
        variant=_proxy_is_not_allowed,
        varying=("via_reverse_proxy",),
        unknown=_missing_for_password,
        missing_by=("tls_only",),
    ),
)
