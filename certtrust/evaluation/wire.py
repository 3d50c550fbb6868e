"""What the wire proves of a failure: the alert with which a PBX ended a TLS handshake.

An alert says no more than its name holds. Which cause it is of the rules' causes is decided here,
with the dates of the certificate where the name leaves it open.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..arrays.arrow import as_mask
from ..captures import WIRE
from ..captures.alerts import NONE_PRESENTED, UNTOLD, VERSIONS

Mask = npt.NDArray[np.bool_]

REFUSED, NONE, VERSION = "certificate_refused", "no_certificate", "tls_version"
WIRE_CAUSES = (REFUSED, NONE, VERSION)
"""Causes that an alert proves, and that are no rule of the article."""

_TRUST, _VALIDITY = "certificate.trust", "time.validity"
OF_TLS = (_TRUST, _VALIDITY)
"""The rules that a PBX can apply within the handshake, where it knows no name yet."""

STALE_BY_PROOF = {_TRUST: "trust list", _VALIDITY: "clock", REFUSED: "trust list"}
"""What is probably stale where an alert proves this, and the data at hand say otherwise."""


def seen_on_wire(attempts: pd.DataFrame) -> Mask:
    """Return which attempts were seen as connections, and not told by a log."""
    return as_mask(attempts["matched_by"] == WIRE)


def proven(
    attempts: pd.DataFrame, failed: Mask, outcome: Mapping[str, pd.Series]
) -> pd.Series:
    """Return the cause that an alert proves, missing where none does.

    Parameters
    ----------
    attempts : DataFrame
        Table ATTEMPTS, with `trust_failure`.
    failed : array of bool
        The attempts that failed.
    outcome : mapping of code to Series
        The outcome of each rule.

    Notes
    -----
    45 certificate_expired speaks of a validity, the device's or that of a CA: the dates decide.
    Of the alerts that do not tell their reason, the cause is a rule of trust or validity that
    is broken; that is then predicted, and the refusal alone is proven. An alert that came before
    the client's certificate proves nothing of it, whatever its name.
    """
    alert = attempts["reason"].where(failed & seen_on_wire(attempts)).astype("str")
    presented = attempts["fingerprint"].notna() | attempts["subject"].notna()
    by_certificate = as_mask(attempts["authentication"] == "certificate")
    of_certificate = alert.where(by_certificate)
    none_presented = of_certificate.isin(NONE_PRESENTED) & ~presented
    broken = {rule: as_mask(~outcome[rule]) for rule in OF_TLS}
    ca_expired = broken[_TRUST] & as_mask(attempts["trust_failure"] == "expired CA")
    of_ca = ca_expired & ~broken[_VALIDITY]
    causes = pd.Series(None, index=attempts.index, dtype="str")
    for cause, mask in (
        (_TRUST, of_certificate == "unknown_ca"),
        (_VALIDITY, (of_certificate == "certificate_expired") & ~of_ca),
        (_TRUST, (of_certificate == "certificate_expired") & of_ca),
        (NONE, none_presented | (of_certificate == "certificate_required")),
        (REFUSED, of_certificate.isin(UNTOLD) & ~none_presented),
        (REFUSED, of_certificate == "certificate_revoked"),
        (VERSION, alert.isin(VERSIONS)),
    ):
        causes = causes.mask(as_mask(mask), cause)
    return causes


def doubted(results: pd.DataFrame) -> pd.Series:
    """Return the rule that an alert says is broken, where the rule holds by the data at hand.

    Missing where nothing contradicts. Which entries are stale is not known: a list that was
    exported before a change, a certificate that was replaced, or a clock.
    """
    stated = results["cause"].astype("str").where(results["evidence"] == "wire")
    columns = np.column_stack(
        [as_mask(results[rule]) & as_mask(stated == rule) for rule in OF_TLS]
    )
    code = pd.Series(None, index=results.index, dtype="str")
    for number, rule in enumerate(OF_TLS):
        code = code.mask(columns[:, number], rule)
    # Refused for a reason that is not told, though all that TLS can judge holds.
    all_hold = np.logical_and.reduce([as_mask(results[rule]) for rule in OF_TLS])
    return code.mask(as_mask(stated == REFUSED) & all_hold, REFUSED)
