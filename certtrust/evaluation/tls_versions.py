"""Which versions of TLS a device was seen to speak."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..arrays.arrow import as_mask
from ..arrays.grouping import first_positions
from .ownership import Ownership

VERSIONS = ("SSL 2", "SSL 3", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3")
"""The versions, the oldest first."""

OR_NEWER = " or newer"
"""Stands behind a version that a device speaks, where it may speak a newer one as well."""

_RANK = {name: rank for rank, name in enumerate(VERSIONS)}
_DRAFT = "TLS 1.3 draft"
_BEFORE_DRAFT = _RANK["TLS 1.2"]
_FIRST = np.iinfo(np.int64).min


def speaks(versions: pd.Series, least: str) -> pd.Series:
    """Return whether devices speak a version of TLS or a newer one, missing where not known.

    Parameters
    ----------
    versions : Series of str
        As in the column `tls_version` of ATTEMPTS.
    least : str
        One of `VERSIONS`.

    Examples
    --------
    >>> speaks(pd.Series(["TLS 1.0", "TLS 1.2 or newer", "TLS 1.0 or newer", None]), "TLS 1.2")
    0    False
    1     True
    2     <NA>
    3     <NA>
    dtype: boolean
    """
    # A fleet has a handful of different versions.
    code, distinct = versions.astype("str").factorize()
    texts = pd.Series(distinct, dtype="str")
    rank = texts.str.removesuffix(OR_NEWER).map(_RANK)
    is_open = as_mask(texts.str.endswith(OR_NEWER))
    holds = (rank >= _RANK[least]).astype("boolean")
    holds = holds.mask(rank.isna() | (is_open & ~as_mask(holds)))
    return pd.Series(holds.array.take(code, allow_fill=True), index=versions.index)


def highest_versions(handshakes: pd.DataFrame, ownership: Ownership) -> pd.Series:
    """Return the highest version of TLS that each device speaks, by device.

    Parameters
    ----------
    handshakes : DataFrame
        Table HANDSHAKES.
    ownership : Ownership
        Who presents which certificate.

    Returns
    -------
    Series of str
        The highest version, with `OR_NEWER` where no more was seen than that it speaks this one.

    Notes
    -----
    As a client a device offers its highest version. As a server it chooses the highest that both
    sides speak: where that is lower than what the client offers, it is the device's highest. That a
    device speaks the same versions in both roles is inferred. The latest connection that shows
    the highest version counts, since an update changes it. A device is known by the certificate
    that it presents, which TLS 1.3 hides.
    """
    seen = pd.concat(
        [_as_client(handshakes), _as_server(handshakes)], ignore_index=True
    )
    presenters = ownership.presenters
    position = first_positions(seen["fingerprint"], presenters.index.to_series())
    seen = seen.assign(
        device=presenters.array.take(position, allow_fill=True)
    ).dropna(subset=["device", "rank"])
    if seen.empty:
        return pd.Series(dtype="str")
    exact = seen[seen["is_highest"]]
    last = exact.groupby("device")["time"].max()
    at_last = exact[exact["time"] == exact["device"].map(last)]
    ranks = at_last.groupby("device")["rank"].agg(["min", "max"])
    since = seen[seen["time"] >= seen["device"].map(last).fillna(_FIRST)]
    spoken = since.groupby("device")["rank"].max()
    highest = ranks["max"].reindex(spoken.index)
    is_known = (ranks["min"] == ranks["max"]).reindex(spoken.index, fill_value=False)
    is_known &= spoken == highest
    names = spoken.map(dict(enumerate(VERSIONS)))
    return names.where(is_known, names + OR_NEWER).astype("str")


def _as_client(handshakes: pd.DataFrame) -> pd.DataFrame:
    """Return what connections show of their clients."""
    offered = _ranks(handshakes["offered_version"])
    chosen = _ranks(handshakes["tls_version"])
    is_draft = _is_draft(handshakes["offered_version"])
    return pd.DataFrame(
        {
            "fingerprint": handshakes["client_certificates"].str[0].astype("str"),
            "time": _times(handshakes),
            "rank": offered.fillna(chosen),
            "is_highest": offered.notna().to_numpy() & ~is_draft,
        }
    )


def _as_server(handshakes: pd.DataFrame) -> pd.DataFrame:
    """Return what connections show of their servers."""
    offered = _ranks(handshakes["offered_version"])
    chosen = _ranks(handshakes["tls_version"])
    return pd.DataFrame(
        {
            "fingerprint": handshakes["server_certificates"].str[0].astype("str"),
            "time": _times(handshakes),
            "rank": chosen,
            "is_highest": as_mask(chosen < offered)
            & ~_is_draft(handshakes["tls_version"]),
        }
    )


def _ranks(versions: pd.Series) -> pd.Series:
    """Return the place of each version; who speaks a draft of 1.3 speaks 1.2 at least."""
    rank = versions.map(_RANK).astype("float64")
    return rank.mask(_is_draft(versions), _BEFORE_DRAFT)


def _is_draft(versions: pd.Series) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return as_mask(versions.astype("str").str.startswith(_DRAFT))


def _times(handshakes: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    times = handshakes["time"].astype("datetime64[us, UTC]")
    numbers = np.asarray(times.astype("int64"), dtype=np.int64)
    return np.where(times.notna(), numbers, _FIRST)
