"""Use TLS: a device entry with "TLS only" takes registrations over H.323/TLS."""

from __future__ import annotations

import pandas as pd

from ....arrays.arrow import true
from ..failures import Failures, Proposals
from ..fleet_copy import FleetCopy
from ..remedy import Remedy

_TRANSPORT = "transport.tls_only"


def _proposed(failures: Failures) -> Proposals:
    may_be = (
        failures.undecided(_TRANSPORT) & failures.rows["protocol"].notna().to_numpy()
    )
    chosen = (failures.broken(_TRANSPORT) | may_be) & failures.identified
    return {_TRANSPORT: failures.proposals(chosen, "device")}


def _use_tls(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """The device registers over H.323/TLS, as far as it uses H.323 at all."""
    protocol = copy.fleet.registrations["protocol"].astype("str")
    chosen = copy.registrations_of(actions) & true(protocol.str.startswith("H.323"))
    return copy.registering(
        protocol=protocol.mask(chosen, "H.323/TLS").astype("category")
    )


REMEDIES = (
    Remedy(
        "use TLS",
        cost=6000,
        meets=(_TRANSPORT,),
        needs=("device",),
        propose=_proposed,
        carry_out=_use_tls,
    ),
)
