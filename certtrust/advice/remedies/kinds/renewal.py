"""Renew a certificate: the same names, and dates that fit."""

from __future__ import annotations

import pandas as pd

from ....arrays.grouping import first_positions
from ...joins import values_at
from ..failures import Failures, Proposals
from ..fleet_copy import FOREVER, FleetCopy
from ..remedy import Remedy

_VALIDITY = "time.validity"


def _propose(failures: Failures) -> Proposals:
    chosen = failures.broken(_VALIDITY) & failures.in_fleet
    return {_VALIDITY: failures.proposals(chosen, "fingerprint")}


def renew(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """Return the copy where the certificate begins by `since` and has no end."""
    rows = copy.fleet.certificates
    first = actions.sort_values("since").drop_duplicates("fingerprint")
    position = first_positions(rows["fingerprint"], first["fingerprint"])
    since = values_at(first["since"], position, rows.index)
    begin = rows["not_before"].mask(since < rows["not_before"], since)
    end = rows["not_after"].mask(position >= 0, FOREVER)
    return copy.with_frames(certificates=rows.assign(not_before=begin, not_after=end))


REMEDIES = (
    Remedy(
        "renew",
        cost=2000,
        meets=(_VALIDITY,),
        needs=("fingerprint",),
        dated=True,
        variant=("self_signed", "renew self-signed"),
        propose=_propose,
        carry_out=renew,
    ),
)
