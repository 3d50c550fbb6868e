"""Use the certificate: a device that logs in with a password has a certificate that the rules
would let in.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ....arrays.arrow import true
from ....evaluation.check import check
from ..failures import Failures, Flags, Proposals
from ..fleet_copy import FleetCopy
from ..remedy import Remedy

_PASSWORD = "password.tls_only"  # noqa: S105 - the code of a rule
_TRANSPORT = "transport.tls_only"
_OF_CERTIFICATE = ("certificate.trust", "time.validity", "certificate.name")


def _proposed(failures: Failures) -> Proposals:
    """Mend the login and, where the transport is not known, settle that as well."""
    chosen = failures.broken(_PASSWORD) & failures.identified
    chosen &= _is_let_in(failures.rows, failures.broken(_PASSWORD))
    return {
        _PASSWORD: failures.at_entry(chosen),
        _TRANSPORT: failures.at_entry(chosen & failures.becomes_tls),
    }


def _is_let_in(rows: pd.DataFrame, asked: Flags) -> Flags:
    """Return which of the rows asked for have a certificate that the rules would let in."""
    let_in = np.zeros(len(rows), dtype=bool)
    if asked.any():
        by_certificate = rows[asked].assign(
            scenario="h323-certificate", authentication="certificate"
        )
        judged = check(by_certificate, at=by_certificate["judged_at"])
        let_in[asked] = np.all([true(judged[rule]) for rule in _OF_CERTIFICATE], axis=0)
    return let_in


def use_certificate(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """The device registers by its certificate instead of a password."""
    authentication = copy.fleet.registrations["authentication"].astype("str")
    chosen = copy.actions_of_registrations(actions) >= 0
    return copy.registering(
        authentication=authentication.mask(chosen, "certificate").astype("category")
    )


REMEDIES = (
    Remedy(
        "use certificate",
        cost=5000,
        meets=(_PASSWORD, _TRANSPORT),
        needs=("device",),
        propose=_proposed,
        carry_out=use_certificate,
    ),
)
