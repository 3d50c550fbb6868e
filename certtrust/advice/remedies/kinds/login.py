"""Use the certificate: a device with a password holds a certificate that would be let in."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ....arrays.arrow import as_mask
from ....evaluation.check import check
from ..failures import Failures, Flags, Proposals
from ..fleet_copy import FleetCopy
from ..remedy import Remedy

_PASSWORD = "password.tls_only"  # noqa: S105 - the code of a rule
_TRANSPORT = "transport.tls_only"
_OF_CERTIFICATE = ("certificate.trust", "time.validity", "certificate.name")


def _propose(failures: Failures) -> Proposals:
    """Return proposals that mend the login and, where it is unknown, settle the transport."""
    chosen = failures.broken(_PASSWORD) & failures.identified
    chosen[chosen] = _would_be_let_in(failures.rows[chosen])
    return {
        _PASSWORD: failures.at_entry(chosen),
        _TRANSPORT: failures.at_entry(chosen & failures.becomes_tls),
    }


def _would_be_let_in(rows: pd.DataFrame) -> Flags:
    """Return which rows have a certificate that the rules would let in."""
    by_certificate = rows.assign(
        scenario="h323-certificate", authentication="certificate"
    )
    results = check(by_certificate, at=by_certificate["judged_at"])
    let_in: Flags = np.all(
        [as_mask(results[rule]) for rule in _OF_CERTIFICATE], axis=0
    )
    return let_in


def use_certificate(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """Return the copy where the device registers by its certificate, not by a password."""
    authentication = copy.fleet.registrations["authentication"].astype("str")
    chosen = copy.actions_of_registrations(actions) >= 0
    changed = authentication.mask(chosen, "certificate").astype("category")
    return copy.with_registrations(authentication=changed)


REMEDIES = (
    Remedy(
        "use certificate",
        cost=5000,
        meets=(_PASSWORD, _TRANSPORT),
        needs=("device",),
        propose=_propose,
        carry_out=use_certificate,
    ),
)
