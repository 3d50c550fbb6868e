"""Which versions of TLS a PBX takes by its TLS profile, and what is good practice without one."""

from __future__ import annotations

import pandas as pd

from ...arrays.arrow import as_mask
from ..tls_versions import speaks
from .rule import Rule, chosen, over_tls

PROFILES = {"normal": "TLS 1.2", "strict": "TLS 1.3"}
"""The TLS profiles of 16r1 that refuse old versions, with the oldest one that each takes."""


def _version_is_taken(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    taken = pd.Series(True, index=attempts.index, dtype="boolean")
    profile = attempts["tls_profile"].astype("str")
    # Behind a reverse proxy it is the proxy that talks to the PBX, and whose profile counts.
    by_proxy = as_mask(attempts["via_reverse_proxy"])
    for name, least in PROFILES.items():
        spoken = speaks(attempts["tls_version"], least)
        spoken = spoken.mask(by_proxy & ~as_mask(spoken))
        taken = taken.mask(as_mask(profile == name), ~over_tls(attempts) | spoken)
    return taken


def _is_current(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    return speaks(attempts["tls_version"], PROFILES["normal"])


def _missing(attempts: pd.DataFrame) -> pd.Series:
    kinds = {"protocol": over_tls(attempts).isna()}
    return chosen(attempts.index, kinds)


RULES = (
    Rule(
        code="transport.tls_version",
        needs=(
            "tls_profile",
            "tls_version",
            "protocol",
            "authentication",
            "via_reverse_proxy",
        ),
        holds=_version_is_taken,
        required={"h323-password": 25, "h323-certificate": 42},
        stale="TLS version",
        unknown=_missing,
        missing_by=("protocol", "authentication"),
        only_where="tls_profile",
    ),
    Rule(
        code="hygiene.tls_version",
        needs=("tls_version",),
        holds=_is_current,
        shown={"h323-password": 45, "h323-certificate": 45},
        only_where="tls_version",
    ),
)
