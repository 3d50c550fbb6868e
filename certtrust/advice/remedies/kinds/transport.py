"""Use TLS: a device entry with "TLS only" accepts registrations over H.323/TLS."""

from __future__ import annotations

import pandas as pd

from ....arrays.arrow import as_mask
from ..failures import Failures, Proposals
from ..fleet_copy import FleetCopy
from ..remedy import Remedy

_TRANSPORT = "transport.tls_only"


def _propose(failures: Failures) -> Proposals:
    has_protocol = failures.rows["protocol"].notna().to_numpy()
    may_be_plain = failures.undecided(_TRANSPORT) & has_protocol
    chosen = (failures.broken(_TRANSPORT) | may_be_plain) & failures.identified
    return {_TRANSPORT: failures.proposals(chosen, "device")}


def _use_tls(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """Return the copy where the device registers over TLS, where it uses H.323 at all."""
    protocol = copy.fleet.registrations["protocol"].astype("str")
    chosen = copy.registrations_of(actions) & as_mask(
        protocol.str.startswith("H.323")
    )
    return copy.with_registrations(
        protocol=protocol.mask(chosen, "H.323/TLS").astype("category")
    )


REMEDIES = (
    Remedy(
        "use TLS",
        cost=6000,
        meets=(_TRANSPORT,),
        needs=("device",),
        propose=_propose,
        carry_out=_use_tls,
    ),
)
