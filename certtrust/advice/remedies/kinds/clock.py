"""Set the clock: every registration over H.323/TLS needs a valid time."""

from __future__ import annotations

import pandas as pd

from ..failures import Failures, Proposals
from ..fleet_copy import FleetCopy
from ..remedy import Remedy

_CLOCK = "time.clock"


def _propose(failures: Failures) -> Proposals:
    may_be_unset = failures.broken(_CLOCK) | failures.undecided(_CLOCK)
    return {_CLOCK: failures.proposals(may_be_unset & failures.identified, "device")}


def _set_clock(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """Return the copy where the registrations of the device have a valid time."""
    chosen = copy.registrations_of(actions)
    unset = copy.fleet.registrations["clock_unset"].mask(chosen, other=False)
    return copy.with_registrations(clock_unset=unset)


REMEDIES = (
    Remedy(
        "set clock",
        cost=0,
        meets=(_CLOCK,),
        needs=("device",),
        propose=_propose,
        carry_out=_set_clock,
    ),
)
