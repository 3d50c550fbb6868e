"""Entries of a trust list: the certificate or a CA above it, a renewed CA, a CA to be found."""

from __future__ import annotations

import hashlib

import pandas as pd

from ....x509.structure import structure
from ..fleet_copy import FOREVER, FleetCopy
from ..remedy import Remedy
from ..trusting import Untrusted, ended_cas, lacks_signer

_LATEST = {13: b"491231235959Z", 15: b"99991231235959Z"}
"""The latest date that UTCTime and GeneralizedTime can hold, by their length."""


def _listed(untrusted: Untrusted) -> pd.DataFrame:
    """Return the CAs above each certificate that would do, then the certificate itself."""
    by_ca = untrusted.ways_at_their_time()[["row", "fingerprint", "steps"]]
    itself = untrusted.rows[["fingerprint"]].assign(row=untrusted.row, steps=0)
    return pd.concat([by_ca, itself], ignore_index=True)


def _renewed(untrusted: Untrusted) -> pd.DataFrame:
    """Return the ended CAs whose renewal alone would make a certificate trusted."""
    cas = ended_cas(untrusted.rows, untrusted.certificates, untrusted.moments)
    return cas.assign(row=untrusted.row[cas["row"]])


def _absent(untrusted: Untrusted) -> pd.DataFrame:
    """Return the CAs, by name and key identifier, that no file holds."""
    lacks_ca = lacks_signer(untrusted.leaves, untrusted.authorities)[untrusted.leaf]
    absent = untrusted.leaves.iloc[untrusted.leaf[lacks_ca]]
    names = absent[["issuer", "authority_key_id"]].set_axis(["name", "value"], axis=1)
    return names.assign(row=untrusted.row[lacks_ca])


def _trust(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """Return the copy with the certificate in the PBX's list, in every list without a PBX."""
    return copy.with_trust_entries(copy.entries_for(actions))


def _renew_ca(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """Return the copy with a CA certificate of the same name and key, but no end, in the list."""
    entries = copy.entries_for(actions)
    entries["der"] = [_without_end(der) for der in entries["der"]]
    entries["fingerprint"] = [
        hashlib.sha256(der).hexdigest() for der in entries["der"]
    ]
    return copy.with_trust_entries(entries.assign(not_after=FOREVER))


def _without_end(der: bytes) -> bytes:
    """Return the certificate with the latest end that its date type can hold.

    Its signature does not verify.
    """
    parts = structure(der)
    if parts is None:
        return der
    is_generalized_time = parts.validity[-16:-15] == b"\x0f"
    length = 15 if is_generalized_time else 13
    return der.replace(parts.validity, parts.validity[:-length] + _LATEST[length], 1)


def _find_ca(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """Return the copy with an absent CA in the list, represented by what it signed."""
    certificates = copy.fleet.certificates.drop_duplicates("fingerprint")
    wanted = actions[["pbx", "name", "value"]].set_axis(
        ["pbx", "issuer", "authority_key_id"], axis="columns"
    )
    signed = certificates.merge(wanted, on=["issuer", "authority_key_id"])
    return copy.with_trust_entries(signed)


REMEDIES = (
    Remedy(
        "trust",
        cost=1000,
        meets=("certificate.trust",),
        needs=("fingerprint",),
        uploads=True,
        variant=("is_ca", "trust CA"),
        entries=_listed,
        carry_out=_trust,
    ),
    Remedy(
        "renew CA",
        cost=8000,
        meets=("certificate.trust",),
        needs=("fingerprint",),
        entries=_renewed,
        carry_out=_renew_ca,
    ),
    Remedy(
        "find CA",
        cost=9000,
        meets=("certificate.trust",),
        needs=("name",),
        entries=_absent,
        carry_out=_find_ca,
    ),
)
