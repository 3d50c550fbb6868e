"""Renew a certificate: the same names, and dates that fit."""

from __future__ import annotations

import pandas as pd

from ....arrays.grouping import places
from ..failures import Failures, Proposals
from ..fleet_copy import FOREVER, FleetCopy, taken
from ..remedy import Remedy

_VALIDITY = "time.validity"


def _proposed(failures: Failures) -> Proposals:
    chosen = failures.broken(_VALIDITY) & failures.in_fleet
    return {_VALIDITY: failures.proposals(chosen, "fingerprint")}


def renew(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """The certificate is valid from `since` on at the latest, without an end."""
    rows = copy.fleet.certificates
    first = actions.sort_values("since").drop_duplicates("fingerprint")
    position = places(rows["fingerprint"], first["fingerprint"])
    since, chosen = taken(first["since"], position, rows.index), position >= 0
    begun = rows["not_before"].mask(chosen & (since < rows["not_before"]), since)
    ended = rows["not_after"].mask(chosen, FOREVER)
    return copy.having(certificates=rows.assign(not_before=begun, not_after=ended))


REMEDIES = (
    Remedy(
        "renew",
        cost=2000,
        meets=(_VALIDITY,),
        needs=("fingerprint",),
        dated=True,
        variant=("self_signed", "renew self-signed"),
        propose=_proposed,
        carry_out=renew,
    ),
)
