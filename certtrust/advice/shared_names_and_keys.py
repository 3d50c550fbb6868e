"""What several hold: CNs that more than one key carries, and keys that more than one device
holds.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pyarrow as pa

from ..arrays.arrow import bits
from ..fleet import Fleet, expect_fleet
from ..names.certificate_names import common_names
from ..names.prefixes import usable
from ..x509.columnar_structure import Structures
from .holders import Holdings, holdings
from .remedies.fleet_copy import known_certificates


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
        holders). A device whose certificate was replaced has its CN with two keys as well.

    Examples
    --------
    >>> import certtrust as ct
    >>> shared_names(ct.simulate(30, seed=1)).columns.tolist()
    ['subject_cn', 'keys', 'certificates', 'devices']
    """
    fleet = expect_fleet(fleet)
    found = holdings(fleet)
    row, cns = common_names(found.certificates)
    fits = bits(usable(cns))
    table = pd.DataFrame(
        {
            "certificate": row[fits],
            "name": pd.array(cns.filter(pa.array(fits)), dtype="str"),
        }
    )
    table = table.merge(_keys(fleet, found), on="certificate").merge(
        found.holders, on="certificate", how="left"
    )
    grouped = table.groupby("name", sort=False)
    counts = grouped.agg(
        keys=("key", "nunique"),
        certificates=("certificate", "nunique"),
        devices=("device", "nunique"),
    )
    counts = counts[counts["keys"] > 1].rename_axis("subject_cn").reset_index()
    return counts.sort_values(
        ["keys", "subject_cn"], ascending=[False, True], ignore_index=True
    )


def shared_keys(fleet: Fleet) -> pd.DataFrame:
    """List the keys that more than one device holds: what one of them can prove, the others can
    prove as well.

    Parameters
    ----------
    fleet : Fleet
        The fleet.

    Returns
    -------
    DataFrame
        One row per key and device, the key with most devices first: key (SHA-256 of its
        SubjectPublicKeyInfo in hex), devices (how many hold it), device, fingerprint,
        subject_cn.

    Examples
    --------
    >>> import certtrust as ct
    >>> shared_keys(ct.simulate(30, seed=1)).columns.tolist()
    ['key', 'devices', 'device', 'fingerprint', 'subject_cn']
    """
    fleet = expect_fleet(fleet)
    found = holdings(fleet)
    table = _keys(fleet, found).merge(found.holders, on="certificate")
    table["devices"] = table.groupby("key")["device"].transform("nunique")
    table = table[table["devices"] > 1]
    table = table.assign(
        device=found.devices.reindex(table["device"]).array,
        **{
            name: found.certificates[name].reindex(table["certificate"]).array
            for name in ("fingerprint", "subject_cn")
        },
    )
    order = ["devices", "key", "device", "fingerprint"]
    table = table.sort_values(
        order, ascending=[False, True, True, True], ignore_index=True
    )
    return table[["key", "devices", "device", "fingerprint", "subject_cn"]]


def _keys(fleet: Fleet, found: Holdings) -> pd.DataFrame:
    """Return the key of each certificate whose DER can be taken apart: certificate, key."""
    ders = (
        known_certificates(fleet)["der"]
        .reindex(found.certificates["fingerprint"])
        .to_numpy()
    )
    there = np.flatnonzero([isinstance(der, bytes) for der in ders])
    structures = Structures(ders[there].tolist())
    parsed = np.flatnonzero(structures.readable)
    keys = [
        hashlib.sha256(key).hexdigest()
        for key in structures.column("public_key", parsed)
    ]
    return pd.DataFrame(
        {"certificate": there[parsed], "key": pd.array(keys, dtype="str")}
    )
