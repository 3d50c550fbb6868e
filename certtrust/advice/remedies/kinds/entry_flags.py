"""Flags of a device entry: clear "TLS only", or allow the reverse proxy."""

from __future__ import annotations

import pandas as pd

from ....arrays.arrow import as_mask
from ..failures import Failures, Flags, Proposals
from ..fleet_copy import FleetCopy
from ..remedy import Remedy

_LOCKING = ("transport.tls_only", "password.tls_only")


def _locked(failures: Failures, rule: str) -> Flags:
    """Return which cases the flag "TLS only" locks out, or may lock out."""
    may_be_locked = failures.undecided(rule) & as_mask(failures.rows["tls_only"])
    locked: Flags = (failures.broken(rule) | may_be_locked) & failures.identified
    return locked


def _propose_clearing(failures: Failures) -> Proposals:
    return {rule: failures.at_entry(_locked(failures, rule)) for rule in _LOCKING}


def _propose_allowing(failures: Failures) -> Proposals:
    through_proxy = as_mask(failures.rows["via_reverse_proxy"])
    return {
        rule: failures.at_entry(_locked(failures, rule) & through_proxy)
        for rule in _LOCKING
    }


def _clear_tls_only(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """Return the copy with the flag cleared at the entry, or at all where the PBX is missing."""
    return copy.with_flag(actions, "tls_only", value=False)


def _allow_reverse_proxy(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """Return the copy with the flag set at the entry, or at all where the PBX is missing."""
    return copy.with_flag(actions, "reverse_proxy", value=True)


REMEDIES = (
    Remedy(
        "clear TLS only",
        cost=11000,
        meets=_LOCKING,
        needs=("device",),
        propose=_propose_clearing,
        carry_out=_clear_tls_only,
    ),
    Remedy(
        "allow reverse proxy",
        cost=7000,
        meets=_LOCKING,
        needs=("device",),
        propose=_propose_allowing,
        carry_out=_allow_reverse_proxy,
    ),
)
