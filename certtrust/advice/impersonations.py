"""Impersonations: certificates that would let their holder register as another device."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ..arrays.grouping import (
    Codes,
    distinct,
    equal_pairs,
    first_positions,
    repeat_ranges,
)
from ..errors import CerttrustError
from ..evaluation.check import moment_of
from ..evaluation.rules import TRUSTED
from ..fleet import Fleet, expect_fleet, link
from ..names.certificate_names import common_names
from ..names.prefixes import beginnings
from ..texts.sentences import say
from ..trust import trust_state
from .holders import Holdings, holdings

LIMIT = 1_000_000
"""Pairs that are listed at most, unless the caller says otherwise."""

_BLOCK = 1_000_000
"""Pairs of a certificate and a PBX that are judged at a time."""


def impersonations(
    fleet: Fleet, *, at: pd.Timestamp | str | None = None, limit: int = LIMIT
) -> pd.DataFrame:
    """List the trusted certificates with the other devices that their holders may register as.

    Parameters
    ----------
    fleet : Fleet
        The fleet.
    at : Timestamp or str, optional
        The moment at which the certificate has to be trusted and valid; by default now.
    limit : int
        Pairs that are listed at most, so that a CN of one letter in every certificate does not
        fill the memory. Where there are more, the certificates that fit most devices are listed
        with fewer of them, all cut at the same number; `opens` still counts them all.

    Returns
    -------
    DataFrame
        One row per pair and PBX, the certificate that fits most devices first: fingerprint,
        subject_cn, device (its holder; missing where that is not known), pbx (which trusts it,
        and where the victim registers), trust_state, opens (number of devices that it can
        register as there), victim (the other device), name (its name that begins with the CN).

    Raises
    ------
    CerttrustError
        If `limit` is below 1, or `at` is no moment.

    Notes
    -----
    By the article, a device is let in if its registration name, or hardware ID, begins with the
    CN of its trusted certificate. A short CN therefore fits many devices: every serial begins
    with `0090`. Names are those of the PBX objects (user, hardware ID, serial), those seen in
    the log, and the default registration names; they are sorted once, and each CN finds its
    range in them by bisection. Names are compared as in `certtrust.names.begins_with_cn`.

    A certificate is held by the devices that its file, its CN or the log names; where there are
    none, by those of which its CN is a whole name. A device is no victim of a certificate that
    it alone holds; where several devices hold one, each may register as the others. CAs count
    where a device presents one as its own.

    What `check` leaves unknown is not listed: a PBX without a trust list, a certificate that
    cannot be verified. Whether the entry of the other device also asks for a password is not
    checked.

    Examples
    --------
    >>> import certtrust as ct
    >>> pairs = impersonations(ct.simulate(60, seed=5), at=ct.simulation.NOW)
    >>> pairs["opens"].is_monotonic_decreasing
    True
    """
    fleet = expect_fleet(fleet)
    if limit < 1:
        raise CerttrustError(say("errors.advice.limit", limit=repr(limit)))
    fleet = fleet if fleet.links is not None else link(fleet)
    held = holdings(fleet)
    moment = moment_of(pd.Timestamp.now("UTC") if at is None else at)
    carriers = _carriers(held.certificates, moment)
    beginning, pair, text = beginnings(held.texts, carriers.cns)
    reach = _reach(pair, text, held)
    grants = _worst_grants(fleet, held, carriers, beginning, reach, moment, limit)
    return _pairs(grants, reach, held, carriers.cns, limit)


class _Carriers(NamedTuple):
    """The CNs of certificates that are valid at the moment."""

    certificate: Codes
    cn: Codes
    """The position in `cns` of each certificate's CN."""
    cns: pd.Series


class _Reach(NamedTuple):
    """Devices with a name that begins with a CN.

    They come in groups: one per PBX and set of CNs that begin the same names.
    """

    key: Codes
    """group and device as one number, ascending."""
    device: Codes
    text: Codes
    """The name that begins with the CN."""
    start: Codes
    """First position of each group, and the end of the last."""
    beginning: Codes
    """The code of each group's CNs."""
    pbx: Codes
    devices: int

    @property
    def size(self) -> Codes:
        """The number of devices in each group."""
        return np.diff(self.start)

    def position(self, group: Codes, device: Codes) -> Codes:
        """Return the position of a device in its group, -1 where it is not there."""
        key = group * self.devices + device
        position = np.searchsorted(self.key, key)
        is_there = (device >= 0) & (
            self.key[np.minimum(position, len(self.key) - 1)] == key
        )
        return np.where(is_there, position - self.start[group], -1)


def _carriers(certificates: pd.DataFrame, moment: pd.Timestamp) -> _Carriers:
    # Validity counts in whole seconds, the last one included.
    second = moment.floor("s")
    valid = (
        (certificates["not_before"] <= second)
        & (second <= certificates["not_after"])
        & ~certificates["refused"]
    )
    certificate = np.flatnonzero(valid.to_numpy(dtype=bool))
    row, texts = common_names(certificates.iloc[certificate])
    cn = pd.Series(pd.array(texts, dtype="str"))
    cns = distinct(cn)
    return _Carriers(certificate[row], first_positions(cn, cns), cns)


def _reach(beginning: Codes, text: Codes, held: Holdings) -> _Reach:
    """Return the devices that have the names of the pairs of a beginning and a name.

    Each device stands in a group once, with the first of its names.
    """
    pair, row = equal_pairs(text, held.names["text"].to_numpy())
    pbx, device, text = (
        held.names[name].to_numpy()[row] for name in ("pbx", "device", "text")
    )
    pbxs, devices = len(held.pbxs) + 1, max(len(held.devices), 1)
    group_key = beginning[pair] * pbxs + pbx + 1
    key, first = np.unique(group_key * devices + device, return_index=True)
    groups, start, group = np.unique(
        key // devices, return_index=True, return_inverse=True
    )
    return _Reach(
        key=group * devices + device[first],
        device=device[first],
        text=text[first],
        start=np.append(start, len(key)),
        beginning=groups // pbxs,
        pbx=groups % pbxs - 1,
        devices=devices,
    )


def _worst_grants(
    fleet: Fleet,
    held: Holdings,
    carriers: _Carriers,
    beginning: Codes,
    reach: _Reach,
    moment: pd.Timestamp,
    limit: int,
) -> pd.DataFrame:
    """Return the trusted certificates with a group that their holders may register in.

    There is one row per CN and PBX. The largest groups come first, and no more certificates
    are judged than can be listed.
    """
    beginning_of_carrier = beginning[carriers.cn]
    carriers_of_beginning = np.bincount(
        beginning_of_carrier[beginning_of_carrier >= 0],
        minlength=int(reach.beginning.max(initial=-1)) + 1,
    )
    largest_first = np.argsort(-reach.size, kind="stable")
    carriers_so_far = np.cumsum(carriers_of_beginning[reach.beginning[largest_first]])
    blocks = np.split(
        largest_first, np.flatnonzero(np.diff(carriers_so_far // _BLOCK)) + 1
    )
    worst: list[pd.DataFrame] = []
    for groups in blocks:
        opens = worst[0]["opens"] if worst else pd.Series(dtype="int64")
        if len(opens) == limit and opens.iloc[-1] >= reach.size[groups].max():
            break
        group, carrier = equal_pairs(reach.beginning[groups], beginning_of_carrier)
        grants = _grants(carriers, reach, held, groups[group], carrier)
        grants = pd.concat([*worst, _trusted(fleet, grants, held, moment)])
        worst = [_worst_first(grants, carriers.cns, held).head(limit)]
    return worst[0]


def _grants(
    carriers: _Carriers, reach: _Reach, held: Holdings, group: Codes, carrier: Codes
) -> pd.DataFrame:
    """Return the pairs of a carrier and a group in which it can register as another device."""
    certificate = carriers.certificate[carrier]
    own = reach.position(group, held.sole[certificate])
    grants = pd.DataFrame(
        {
            "certificate": certificate,
            "cn": carriers.cn[carrier],
            "group": group,
            "pbx": reach.pbx[group],
            "own": own,
            "opens": reach.size[group] - (own >= 0),
        }
    )
    return grants[grants["opens"] > 0].reset_index(drop=True)


def _trusted(
    fleet: Fleet, grants: pd.DataFrame, held: Holdings, moment: pd.Timestamp
) -> pd.DataFrame:
    """Keep the certificates that the PBX trusts by any of the chains that they come with."""
    grant, bundle = equal_pairs(
        grants["certificate"].to_numpy(), held.bundles["certificate"].to_numpy()
    )
    certificate, pbx = (
        grants[name].to_numpy()[grant] for name in ("certificate", "pbx")
    )
    chains = pd.DataFrame(
        {
            "fingerprint": held.certificates["fingerprint"].array[certificate],
            "bundle": held.bundles["bundle"].array[bundle],
            "pbx": held.pbxs.reindex(pbx).array,
        }
    )
    paths = trust_state.trust_paths(
        chains, fleet.certificates, fleet.trust, fleet.links
    )
    chains = chains.assign(trust_paths=paths, trust_failure=None)
    moments = pd.Series(moment, index=chains.index)
    state = trust_state.trust_at(chains, moments)["trust_state"]
    trusted = np.flatnonzero(state.isin(TRUSTED))
    kept, first = np.unique(grant[trusted], return_index=True)
    return grants.iloc[kept].assign(trust_state=state.array[trusted[first]])


def _worst_first(
    grants: pd.DataFrame, cns: pd.Series, held: Holdings
) -> pd.DataFrame:
    labels = {
        "certificate": held.certificates["fingerprint"],
        "pbx": held.pbxs,
        "cn": cns,
    }
    ranks = [
        texts.rank(method="first").reindex(grants[name]).to_numpy()
        for name, texts in labels.items()
    ]
    return grants.iloc[np.lexsort((*ranks, -grants["opens"].to_numpy()))]


def _pairs(
    grants: pd.DataFrame, reach: _Reach, held: Holdings, cns: pd.Series, limit: int
) -> pd.DataFrame:
    """Return the pairs, as many of each certificate as the limit leaves room for."""
    opens = grants["opens"].to_numpy()
    grant, number = repeat_ranges(np.minimum(opens, _room(opens, limit)))
    grant, number = grant[:limit], number[:limit]
    grants = grants.iloc[grant]
    own = grants["own"].to_numpy()
    position = reach.start[grants["group"].to_numpy()] + number
    position += (own >= 0) & (number >= own)
    certificate, victim = grants["certificate"].to_numpy(), reach.device[position]
    holder = _holder(certificate, victim, held)
    return pd.DataFrame(
        {
            "fingerprint": held.certificates["fingerprint"].array[certificate],
            "subject_cn": cns.array[grants["cn"].to_numpy()],
            "device": held.devices.reindex(holder).array,
            "pbx": held.pbxs.reindex(grants["pbx"]).array,
            "trust_state": grants["trust_state"].array,
            "opens": grants["opens"].array,
            "victim": held.devices.array[victim],
            "name": held.texts.array[reach.text[position]],
        }
    )


def _holder(certificate: Codes, victim: Codes, held: Holdings) -> Codes:
    """Return the first holder of each certificate other than the victim, -1 if unknown."""
    device = np.append(held.holders["device"].to_numpy(), -1)
    counts = np.bincount(
        held.holders["certificate"], minlength=len(held.certificates)
    )
    first = np.where(counts > 0, np.cumsum(counts) - counts, -1)[certificate]
    holder: Codes = device[first + ((first >= 0) & (device[first] == victim))]
    return holder


def _room(counts: Codes, limit: int) -> int:
    """Return the highest number to cut each count at so that their sum is within the limit.

    It is at least 1.
    """
    low, high = 1, int(counts.max(initial=1))
    while low < high:
        middle = (low + high + 1) // 2
        if np.minimum(counts, middle).sum() <= limit:
            low = middle
        else:
            high = middle - 1
    return low
