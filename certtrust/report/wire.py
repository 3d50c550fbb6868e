"""What a report says of the connections that were seen: counts, proofs, and their limits."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ..advice import accepted_authorities, connection_lengths, contradictions
from ..evaluation.check import compare
from ..fleet import Fleet
from ..texts.labels import cause_label

LASTING = 60.0
"""Seconds from which on a connection may hold a registration."""


@dataclass(frozen=True)
class WireContent:
    """What the wire shows.

    Parameters
    ----------
    outcomes : DataFrame
        One row per outcome, alert and who sent it: outcome, alert, alert_by, tls_version,
        connections.
    proven : DataFrame
        `certtrust.compare(results, of="wire")` with the title of each cause: title, fail,
        unknown, pass.
    contradicted : DataFrame
        The rows of `certtrust.contradictions` that the wire proves, one per sentence: sentence,
        attempts.
    authorities : DataFrame
        `certtrust.accepted_authorities(handshakes, trust)`.
    lengths : DataFrame
        The names of `certtrust.connection_lengths` under which connections were short
        several times.
    """

    outcomes: pd.DataFrame
    proven: pd.DataFrame
    contradicted: pd.DataFrame
    authorities: pd.DataFrame
    lengths: pd.DataFrame


def wire_content(fleet: Fleet, results: pd.DataFrame) -> WireContent | None:
    """Return what the wire shows of a fleet, or None where nothing was captured."""
    handshakes = fleet.handshakes
    if handshakes is None or not handshakes["outcome"].notna().any():
        return None
    proven = compare(results, of="wire").reset_index()
    titles = proven["proven"].astype("str").map(cause_label)
    sentences = contradictions(results[results["evidence"] == "wire"])
    contradicted = sentences.groupby("sentence", sort=False).size()
    lengths = connection_lengths(handshakes, fleet.certificates)
    several = lengths["connections"] > 1
    return WireContent(
        outcomes=_outcomes(handshakes),
        proven=proven.assign(title=titles)[["title", "fail", "unknown", "pass"]],
        contradicted=contradicted.rename("attempts").reset_index(),
        authorities=accepted_authorities(
            handshakes, fleet.trust, pbx=_names_of_servers(fleet, handshakes)
        ),
        lengths=lengths[several & (lengths["shortest"] < LASTING)].reset_index(
            drop=True
        ),
    )


def _names_of_servers(fleet: Fleet, handshakes: pd.DataFrame) -> dict[str, str]:
    """Return what the registrations of captures call the PBX at each address."""
    rows = fleet.registrations[["source", "details", "pbx"]].dropna()
    details = "tcp.stream " + handshakes["stream"].astype("str")
    ends = handshakes[["source", "server"]].assign(details=details).dropna()
    named = rows.merge(ends, on=["source", "details"])[["server", "pbx"]]
    named = named.drop_duplicates()
    named = named[~named["server"].duplicated(keep=False)]
    return dict(zip(named["server"], named["pbx"], strict=True))


def _outcomes(handshakes: pd.DataFrame) -> pd.DataFrame:
    keys = ["outcome", "alert", "alert_by", "tls_version"]
    rows = handshakes[handshakes["outcome"].notna()][keys].astype("str")
    counts = rows.groupby(keys, dropna=False, sort=False).size().rename("connections")
    return counts.reset_index().sort_values(
        "connections", ascending=False, kind="stable", ignore_index=True
    )
