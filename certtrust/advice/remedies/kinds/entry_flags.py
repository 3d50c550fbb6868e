"""Flags of a device entry: clear "TLS only", or allow the reverse proxy that the registration
came through.
"""

from __future__ import annotations

import pandas as pd

from ....arrays.arrow import true
from ..failures import Failures, Flags, Proposals
from ..fleet_copy import FleetCopy
from ..remedy import Remedy

_LOCKING = ("transport.tls_only", "password.tls_only")


def _locked(failures: Failures, rule: str) -> Flags:
    """Return which cases the flag "TLS only" locks out, or may lock out."""
    may_be = failures.undecided(rule) & true(failures.rows["tls_only"])
    locked: Flags = (failures.broken(rule) | may_be) & failures.identified
    return locked


def _unlocked(failures: Failures) -> Proposals:
    return {rule: failures.at_entry(_locked(failures, rule)) for rule in _LOCKING}


def _let_through(failures: Failures) -> Proposals:
    through_proxy = true(failures.rows["via_reverse_proxy"])
    return {
        rule: failures.at_entry(_locked(failures, rule) & through_proxy)
        for rule in _LOCKING
    }


def _clear_tls_only(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """The flag of the device entry is cleared, that of each entry where the PBX is missing."""
    return copy.flagging(actions, "tls_only", value=False)


def _allow_reverse_proxy(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """The flag of the device entry is set, that of each entry where the PBX is missing."""
    return copy.flagging(actions, "reverse_proxy", value=True)


REMEDIES = (
    Remedy(
        "clear TLS only",
        cost=11000,
        meets=_LOCKING,
        needs=("device",),
        propose=_unlocked,
        carry_out=_clear_tls_only,
    ),
    Remedy(
        "allow reverse proxy",
        cost=7000,
        meets=_LOCKING,
        needs=("device",),
        propose=_let_through,
        carry_out=_allow_reverse_proxy,
    ),
)
