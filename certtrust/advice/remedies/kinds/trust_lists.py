"""Entries of a trust list: the certificate or a CA above it, a CA that is renewed, a CA that
has to be found.
"""

from __future__ import annotations

import hashlib

import pandas as pd

from ....schema import TRUST, conform
from ....x509.structure import structure
from ..fleet_copy import FOREVER, FleetCopy
from ..remedy import Remedy
from ..trusting import Untrusted, lapsed, unobtainable

_LATEST = {13: b"491231235959Z", 15: b"99991231235959Z"}
"""The latest end that each form of writing dates can say, by its length."""


def _listed(untrusted: Untrusted) -> pd.DataFrame:
    """Return the CAs above each certificate that would do, then the certificate itself."""
    row, way = untrusted.ways_at_their_time()
    ways = untrusted.ways.iloc[way]
    by_ca = {
        "row": row,
        "fingerprint": ways["fingerprint"].array,
        "steps": ways["steps"].array,
    }
    itself = {
        "row": untrusted.row,
        "fingerprint": untrusted.rows["fingerprint"].array,
        "steps": 0,
    }
    return pd.concat([pd.DataFrame(by_ca), pd.DataFrame(itself)], ignore_index=True)


def _renewed(untrusted: Untrusted) -> pd.DataFrame:
    """Return the CAs that ended, and by whose renewal alone a certificate would be trusted."""
    ended = lapsed(untrusted.rows, untrusted.known, untrusted.moments)
    return ended.assign(row=untrusted.row[ended["row"]])


def _found(untrusted: Untrusted) -> pd.DataFrame:
    """Return the CAs, by name and key identifier, that no file holds."""
    missing = unobtainable(untrusted.leaves, untrusted.authorities).to_numpy()[
        untrusted.leaf
    ]
    absent = untrusted.leaves.iloc[untrusted.leaf[missing]]
    names = {"name": absent["issuer"].array, "value": absent["authority_key_id"].array}
    return pd.DataFrame({"row": untrusted.row[missing], **names})


def _trust(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """The certificate enters the list of the PBX, every list where the PBX is missing."""
    return copy.listing(copy.entries_for(actions))


def _renew_ca(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """A CA certificate of the same name and key, without an end, enters the list."""
    entries = copy.entries_for(actions)
    entries["der"] = [_without_end(der) for der in entries["der"]]
    entries["fingerprint"] = [hashlib.sha256(der).hexdigest() for der in entries["der"]]
    return copy.listing(entries.assign(not_after=FOREVER))


def _without_end(der: bytes) -> bytes:
    """Return the certificate with the latest end that its form of writing dates can say; its
    signature is not true.
    """
    parts = structure(der)
    if parts is None:
        return der
    long_form = parts.validity[-16:-15] == b"\x0f"
    text = parts.validity[-15:] if long_form else parts.validity[-13:]
    return der.replace(
        parts.validity, parts.validity[: -len(text)] + _LATEST[len(text)], 1
    )


def _find_ca(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """A CA that is not at hand enters the list, stood in for by the known certificates that it
    signed.
    """
    certificates = copy.fleet.certificates.drop_duplicates("fingerprint")
    wanted = actions[["pbx", "name", "value"]].rename(
        columns={"name": "issuer", "value": "authority_key_id"}
    )
    signed = certificates.merge(wanted, on=["issuer", "authority_key_id"])
    return copy.listing(conform(signed, TRUST))


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
        entries=_found,
        carry_out=_find_ca,
    ),
)
