"""CNs that more than one key carries, and keys that more than one device holds."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pyarrow as pa

from ..arrays.arrow import as_mask
from ..fleet import Fleet, expect_fleet
from ..names.certificate_names import common_names
from ..names.prefixes import usable
from ..x509.columnar_structure import Structures
from .holders import Holdings, holdings
from .remedies.fleet_copy import certificates_by_fingerprint


def shared_names(fleet: Fleet) -> pd.DataFrame:
    """List the CNs that more than one key carries among the certificates of devices.

    Parameters
    ----------
    fleet : Fleet
        The fleet.

    Returns
    -------
    DataFrame
        One row per CN, the most keys first: subject_cn, keys, certificates, devices (known
        holders). The CN of a device whose certificate was replaced has two keys as well.

    Examples
    --------
    >>> import certtrust as ct
    >>> shared_names(ct.simulate(30, seed=1)).columns.tolist()
    ['subject_cn', 'keys', 'certificates', 'devices']
    """
    fleet = expect_fleet(fleet)
    held = holdings(fleet)
    row, cns = common_names(held.certificates)
    is_usable = as_mask(usable(cns))
    names = pd.array(cns.filter(pa.array(is_usable)), dtype="str")
    named = pd.DataFrame({"certificate": row[is_usable], "subject_cn": names})
    held_keys = _keys(fleet, held).merge(held.holders, on="certificate", how="left")
    counts = (
        named.merge(held_keys, on="certificate")
        .groupby("subject_cn", sort=False)[["key", "certificate", "device"]]
        .nunique()
        .set_axis(["keys", "certificates", "devices"], axis="columns")
        .reset_index()
    )
    return counts[counts["keys"] > 1].sort_values(
        ["keys", "subject_cn"], ascending=[False, True], ignore_index=True
    )


def shared_keys(fleet: Fleet) -> pd.DataFrame:
    """List the keys that more than one device holds: each can pass itself off as the others.

    Parameters
    ----------
    fleet : Fleet
        The fleet.

    Returns
    -------
    DataFrame
        One row per key and device, the key with most devices first: key (SHA-256 of its
        SubjectPublicKeyInfo in hex), devices (number of its holders), device, fingerprint,
        subject_cn.

    Examples
    --------
    >>> import certtrust as ct
    >>> shared_keys(ct.simulate(30, seed=1)).columns.tolist()
    ['key', 'devices', 'device', 'fingerprint', 'subject_cn']
    """
    fleet = expect_fleet(fleet)
    held = holdings(fleet)
    table = _keys(fleet, held).merge(held.holders, on="certificate")
    table["devices"] = table.groupby("key")["device"].transform("nunique")
    table = table[table["devices"] > 1]
    names = held.certificates[["fingerprint", "subject_cn"]]
    table = table.join(names, on="certificate").assign(
        device=held.devices.reindex(table["device"]).array
    )
    order = ["devices", "key", "device", "fingerprint"]
    table = table.sort_values(
        order, ascending=[False, True, True, True], ignore_index=True
    )
    return table[["key", "devices", "device", "fingerprint", "subject_cn"]]


def _keys(fleet: Fleet, held: Holdings) -> pd.DataFrame:
    """Return the key of each certificate whose DER can be parsed: certificate, key."""
    ders = certificates_by_fingerprint(fleet)["der"]
    structures = Structures(
        [
            der if isinstance(der, bytes) else b""
            for der in ders.reindex(held.certificates["fingerprint"])
        ]
    )
    readable = np.flatnonzero(structures.readable)
    keys = structures.column("public_key", readable)
    hashes = [hashlib.sha256(key).hexdigest() for key in keys]
    return pd.DataFrame(
        {"certificate": readable, "key": pd.array(hashes, dtype="str")}
    )
