"""Impersonations: certificates that would let their holder register as somebody else."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ..arrays.grouping import Codes, distinct, places, spread
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
"""Pairs that are listed at most."""

_BLOCK = 1_000_000
"""Certificates and PBXs that are judged at a time."""


def impersonations(
    fleet: Fleet, *, at: pd.Timestamp | str | None = None, limit: int = LIMIT
) -> pd.DataFrame:
    """List the pairs of a trusted certificate and another device that its holder may register as.

    Parameters
    ----------
    fleet : Fleet
        The fleet.
    at : Timestamp or str, optional
        The moment at which the certificate has to be trusted and valid; by default now.
    limit : int
        Pairs that are listed at most, so that a CN of one letter in every certificate does not
        fill the memory. Where there are more, those of the certificates that fit most devices
        are cut short, all at the same number; `opens` still counts them all.

    Returns
    -------
    DataFrame
        One row per pair and PBX, the certificate that fits most devices first: fingerprint,
        subject_cn, device (who holds it; missing where that is not known), pbx (which trusts
        it, and where the other one registers), trust_state, opens (as how many devices it can
        register there), victim (the other device), name (its name that begins with the CN).

    Raises
    ------
    CerttrustError
        If `limit` is below 1, or `at` is no moment.

    Notes
    -----
    The article lets a device in whose registration name, or hardware ID, begins with the CN of
    its trusted certificate, and a prefix is soon short: a CN of `0090` begins the serial of
    every device. Names are those of the PBX objects (user, hardware ID, serial), those seen in
    the log, and the default registration names; they are sorted once, and each CN finds its
    range in them by bisection. Names are compared as in `certtrust.names.begins_with_cn`.

    A certificate is held by the devices that its file, its CN or the log tells; where none of
    them does, by those of which its CN is a whole name. A device is no victim of a certificate
    that it alone holds; where several devices hold one, each may register as the others. CAs
    count where a device presents one as its own.

    Not listed is what `check` leaves unknown: a PBX without trust list, a certificate that
    cannot be verified. Not checked: whether the other device's entry asks for a password
    besides.

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
    grants, reach = _grants(fleet, held, carriers, moment, limit)
    return _pairs(grants, reach, held, carriers.cns, limit)


class _Carriers(NamedTuple):
    """The CNs of certificates that are valid at the moment."""

    certificate: Codes
    cn: Codes
    """Which of `cns` each certificate has."""
    cns: pd.Series


class _Reach(NamedTuple):
    """Devices with a name that begins with a CN, in groups: one for the CNs that begin the same
    names, and a PBX.
    """

    key: Codes
    """group and device as one number, ascending."""
    device: Codes
    text: Codes
    """The name that begins with the CN."""
    start: Codes
    """First position of each group, and the end of the last."""
    beginning: Codes
    """Which CNs each group is of, by number."""
    pbx: Codes
    devices: int

    @property
    def size(self) -> Codes:
        """How many devices each group has."""
        return np.diff(self.start)

    def position(self, group: Codes, device: Codes) -> Codes:
        """Return the position of a device in a group, counted from the group's first, and -1
        where it is not there.
        """
        wanted = group * self.devices + device
        position = np.searchsorted(self.key, wanted)
        is_there = (device >= 0) & (
            self.key[np.minimum(position, len(self.key) - 1)] == wanted
        )
        return np.where(is_there, position - self.start[group], -1)


def _carriers(certificates: pd.DataFrame, moment: pd.Timestamp) -> _Carriers:
    second = moment.floor(
        "s"
    )  # validity counts in whole seconds, the last one included
    valid = (
        (certificates["not_before"] <= second)
        & (second <= certificates["not_after"])
        & ~certificates["refused"]
    )
    certificate = np.flatnonzero(valid.to_numpy(dtype=bool))
    row, texts = common_names(certificates.iloc[certificate])
    cn = pd.Series(pd.array(texts, dtype="str"))
    cns = distinct(cn)
    return _Carriers(certificate[row], places(cn, cns), cns)


def _reach(beginning: Codes, text: Codes, held: Holdings) -> _Reach:
    """Return the devices that have the names of the pairs of a beginning and a name, once per
    PBX.
    """
    names = held.names.sort_values("text", kind="stable")
    counts = np.bincount(names["text"], minlength=len(held.texts))
    first = (np.cumsum(counts) - counts)[text]
    pair, number = spread(counts[text])
    pbx, device, text = (
        names[name].to_numpy()[first[pair] + number]
        for name in ("pbx", "device", "text")
    )
    pbxs, devices = len(held.pbxs) + 1, max(len(held.devices), 1)
    key, once = np.unique(
        (beginning[pair] * pbxs + pbx + 1) * devices + device, return_index=True
    )
    group, start = np.unique(key // devices, return_index=True)
    number = np.repeat(np.arange(len(group)), np.diff(start, append=len(key)))
    return _Reach(
        key=number * devices + device[once],
        device=device[once],
        text=text[once],
        start=np.append(start, len(key)),
        beginning=group // pbxs,
        pbx=group % pbxs - 1,
        devices=devices,
    )


def _grants(
    fleet: Fleet, held: Holdings, carriers: _Carriers, moment: pd.Timestamp, limit: int
) -> tuple[pd.DataFrame, _Reach]:
    """Return the trusted certificates that let register as others, once per CN and PBX, and as
    whom.

    The largest groups come first, and no more certificates are judged than can be listed.
    """
    beginning, pair, text = beginnings(held.texts, carriers.cns)
    reach = _reach(pair, text, held)
    by_beginning = np.argsort(beginning[carriers.cn], kind="stable")
    sorted_beginnings = beginning[carriers.cn][by_beginning]
    first, last = (
        np.searchsorted(sorted_beginnings, reach.beginning, side=side)
        for side in ("left", "right")
    )
    sole = held.sole

    def of_groups(groups: Codes) -> pd.DataFrame:
        """Return who carries a CN of these groups and is trusted there."""
        which, number = spread((last - first)[groups])
        group = groups[which]
        carrier = by_beginning[first[group] + number]
        own = reach.position(group, sole[carriers.certificate[carrier]])
        grants = pd.DataFrame(
            {
                "certificate": carriers.certificate[carrier],
                "cn": carriers.cn[carrier],
                "group": group,
                "pbx": reach.pbx[group],
                "own": own,
                "opens": reach.size[group] - (own >= 0),
            }
        )
        return _trusted(
            fleet, grants[grants["opens"] > 0].reset_index(drop=True), held, moment
        )

    largest_first = np.argsort(-reach.size, kind="stable")
    block = np.cumsum((last - first)[largest_first]) // _BLOCK
    start, *more = np.split(largest_first, np.flatnonzero(np.diff(block)) + 1)
    grants = _worst_first(of_groups(start), carriers.cns, held).head(limit)
    for groups in more:
        if (
            len(grants) == limit
            and grants["opens"].iloc[-1] >= reach.size[groups].max()
        ):
            break
        further = pd.concat([grants, of_groups(groups)], ignore_index=True)
        grants = _worst_first(further, carriers.cns, held).head(limit)
    return grants, reach


def _trusted(
    fleet: Fleet, grants: pd.DataFrame, held: Holdings, moment: pd.Timestamp
) -> pd.DataFrame:
    """Keep the certificates that the PBX trusts, by any of the chains that they come with."""
    certificate = held.bundles["certificate"].to_numpy()
    first, last = (
        np.searchsorted(certificate, grants["certificate"], side=side)
        for side in ("left", "right")
    )
    grant, number = spread(last - first)
    chains = pd.DataFrame(
        {
            "fingerprint": held.certificates["fingerprint"].array[
                grants["certificate"].to_numpy()[grant]
            ],
            "bundle": held.bundles["bundle"].array[first[grant] + number],
            "pbx": held.pbxs.reindex(grants["pbx"].iloc[grant]).array,
        }
    )
    paths = trust_state.trust_paths(
        chains, fleet.certificates, fleet.trust, fleet.links
    )
    judged = pd.DataFrame({"trust_paths": paths, "trust_failure": None})
    state = trust_state.trust_at(judged, pd.Series(moment, index=judged.index))[
        "trust_state"
    ]
    trusted = np.flatnonzero(state.isin(TRUSTED))
    kept, chain = np.unique(grant[trusted], return_index=True)
    return grants.iloc[kept].assign(trust_state=state.array[trusted[chain]])


def _worst_first(grants: pd.DataFrame, cns: pd.Series, held: Holdings) -> pd.DataFrame:
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
    """Write out the pairs, as many of each certificate as the limit leaves room for."""
    certificate, opens, own = (
        grants[name].to_numpy() for name in ("certificate", "opens", "own")
    )
    grant, number = spread(np.minimum(opens, _room(opens, limit)))
    grant, number = grant[:limit], number[:limit]
    position = reach.start[grants["group"].to_numpy()[grant]] + number
    position += (own[grant] >= 0) & (number >= own[grant])
    impersonated = reach.device[position]
    return pd.DataFrame(
        {
            "fingerprint": held.certificates["fingerprint"].array[certificate[grant]],
            "subject_cn": cns.array[grants["cn"].to_numpy()[grant]],
            "device": held.devices.reindex(
                _holder(certificate[grant], impersonated, held)
            ).array,
            "pbx": held.pbxs.reindex(grants["pbx"].iloc[grant]).array,
            "trust_state": grants["trust_state"].array[grant],
            "opens": opens[grant],
            "victim": held.devices.array[impersonated],
            "name": held.texts.array[reach.text[position]],
        }
    )


def _holder(certificate: Codes, impersonated: Codes, held: Holdings) -> Codes:
    """Return the first device but the impersonated one that holds each certificate, -1 where
    nobody is known to.
    """
    device = np.append(held.holders["device"].to_numpy(), -1)
    counts = np.bincount(held.holders["certificate"], minlength=len(held.certificates))
    first = np.where(counts > 0, np.cumsum(counts) - counts, -1)[certificate]
    holder: Codes = device[first + ((first >= 0) & (device[first] == impersonated))]
    return holder


def _room(counts: Codes, limit: int) -> int:
    """Return how many of each count may be kept so that their sum stays within the limit, but
    at least 1.
    """
    low, high = 1, int(counts.max(initial=1))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (
            (middle, high)
            if np.minimum(counts, middle).sum() <= limit
            else (low, middle - 1)
        )
    return low
