"""Set the clock: every registration over H.323/TLS needs a valid time."""

from __future__ import annotations

import pandas as pd

from ..failures import Failures, Proposals
from ..fleet_copy import FleetCopy
from ..remedy import Remedy

_CLOCK = "time.clock"


def _proposed(failures: Failures) -> Proposals:
    concerned = failures.broken(_CLOCK) | failures.undecided(_CLOCK)
    return {_CLOCK: failures.proposals(concerned & failures.identified, "device")}


def _set(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """The registrations of the device have a valid time."""
    unset = copy.fleet.registrations["clock_unset"].mask(
        copy.registrations_of(actions), other=False
    )
    return copy.registering(clock_unset=unset)


REMEDIES = (
    Remedy(
        "set clock",
        cost=0,
        meets=(_CLOCK,),
        needs=("device",),
        propose=_proposed,
        carry_out=_set,
    ),
)
