"""Impersonations: certificates that would let their holder register as somebody else."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ..arrays.grouping import Codes, distinct, places, spread
from ..errors import CerttrustError
from ..evaluation.check import moment_of
from ..evaluation.rules import TRUSTED
from ..fleet import Fleet, link
from ..names.certificate_names import common_names
from ..names.prefixes import beginnings
from ..texts.sentences import say
from ..trust import trust_state
from .holders import Holdings, holdings

LIMIT = 1_000_000
"""Pairs that are listed at most."""

_BLOCK = 1_000_000
"""Certificates and PBXs that are judged at a time."""


def impersonations(fleet: Fleet, *, at: pd.Timestamp | str | None = None, limit: int = LIMIT) -> pd.DataFrame:
    """List the pairs of a trusted certificate and another device that its holder may register as.

    Parameters
    ----------
    fleet : Fleet
        The fleet.
    at : Timestamp or str, optional
        The moment at which the certificate has to be trusted and valid; by default now.
    limit : int
        Pairs that are listed at most, so that a CN of one letter in every certificate does not fill the memory.
        Where there are more, those of the certificates that open most devices are cut short, all at the same
        number; `opens` still counts them all.

    Returns
    -------
    DataFrame
        One row per pair and PBX, the certificate that opens most devices first: fingerprint, subject_cn, device
        (who holds it; missing where that is not known), pbx (which trusts it, and where the other one
        registers), trust_state, opens (devices that it opens there), victim (the other device), name (its
        name that begins with the CN).

    Raises
    ------
    CerttrustError
        If `limit` is below 1, or `at` is no moment.

    Notes
    -----
    The page lets a device in whose registration name, or hardware ID, begins with the CN of its trusted
    certificate, and a prefix is soon short: a CN of `0090` begins the serial of every device. Names are those of the
    PBX objects (user, hardware ID, serial), those seen in the log, and the default registration names; they are
    sorted once, and each CN finds its range in them by bisection. Names are compared as in
    `certtrust.names.begins_with_cn`.

    A certificate is held by the devices that its file, its CN or the log tells; where none of them does, by those
    of which its CN is a whole name. A device is no victim of a certificate that it alone holds; where several
    devices hold one, each may register as the others. CAs count where a device presents one as its own.

    Not listed is what `check` leaves unknown: a PBX without trust list, a certificate that cannot be
    verified. Not checked: whether the other device's entry asks for a password besides.

    Examples
    --------
    >>> import certtrust as ct
    >>> pairs = impersonations(ct.simulate(60, seed=5), at=ct.simulation.NOW)
    >>> pairs["opens"].is_monotonic_decreasing
    True
    """
    if limit < 1:
        raise CerttrustError(say("errors.advice.limit", limit=repr(limit)))
    fleet = fleet if fleet.links is not None else link(fleet)
    found = holdings(fleet)
    doors, opened = _doors(fleet, found, moment_of(pd.Timestamp.now("UTC") if at is None else at), limit)
    return _listed(doors, opened, found, limit)


class _Opened(NamedTuple):
    """Devices with a name that begins with a CN, in groups: one for the CNs that begin the same names, and a PBX."""

    key: Codes
    """group and device as one number, ascending."""
    device: Codes
    text: Codes
    """The name that begins with the CN."""
    start: Codes
    """First place of each group, and the end of the last."""
    beginning: Codes
    """Which CNs each group is of, by number."""
    pbx: Codes
    devices: int

    def place(self, group: Codes, device: Codes) -> Codes:
        """Return the place of a device in a group, counted from the group's first, and -1 where it is not there."""
        wanted = group * self.devices + device
        place = np.searchsorted(self.key, wanted)
        there = (device >= 0) & (self.key[np.minimum(place, len(self.key) - 1)] == wanted)
        return np.where(there, place - self.start[group], -1)


def _opened(owner: Codes, text: Codes, found: Holdings) -> _Opened:
    """Return the devices that have the names of the pairs, once per PBX."""
    names = found.names.sort_values("text", kind="stable")
    counts = np.bincount(names["text"], minlength=len(found.texts))
    first = (np.cumsum(counts) - counts)[text]
    pair, number = spread(counts[text])
    pbx, device, text = (names[name].to_numpy()[first[pair] + number] for name in ("pbx", "device", "text"))
    pbxs, devices = len(found.pbxs) + 1, max(len(found.devices), 1)
    key, once = np.unique((owner[pair] * pbxs + pbx + 1) * devices + device, return_index=True)
    group, start = np.unique(key // devices, return_index=True)
    place = np.repeat(np.arange(len(group)), np.diff(start, append=len(key)))
    return _Opened(
        place * devices + device[once],
        device[once],
        text[once],
        np.append(start, len(key)),
        group // pbxs,
        group % pbxs - 1,
        devices,
    )


def _doors(fleet: Fleet, found: Holdings, moment: pd.Timestamp, limit: int) -> tuple[pd.DataFrame, _Opened]:
    """Return the trusted certificates that open devices of others, once per CN and PBX, and what they open.

    The largest groups come first and no more certificates are judged than can be listed.
    """
    certificate, cns = _carried(found.certificates, moment)
    known = distinct(cns)
    beginning, owner, text = beginnings(found.texts, known)
    opened = _opened(owner, text, found)
    cn = places(cns, known)
    order = np.argsort(beginning[cn], kind="stable")
    certificate, cn = certificate[order], cn[order]
    first, last = (np.searchsorted(beginning[cn], opened.beginning, side=side) for side in ("left", "right"))
    size, sole = np.diff(opened.start), found.sole
    largest = np.argsort(-size, kind="stable")
    block = np.cumsum((last - first)[largest]) // _BLOCK

    def judged(groups: Codes) -> pd.DataFrame:
        which, number = spread((last - first)[groups])
        group, carrier = groups[which], first[groups[which]] + number
        own = opened.place(group, sole[certificate[carrier]])
        found_here = pd.DataFrame(
            {
                "certificate": certificate[carrier],
                "cn": cn[carrier],
                "group": group,
                "pbx": opened.pbx[group],
                "own": own,
                "opens": size[group] - (own >= 0),
            }
        )
        return _trusted(fleet, found_here[found_here["opens"] > 0].reset_index(drop=True), found, moment)

    start, *more = np.split(largest, np.flatnonzero(np.diff(block)) + 1)
    doors = _worst_first(judged(start), known, found).head(limit)
    for groups in more:
        if len(doors) == limit and doors["opens"].iloc[-1] >= size[groups].max():
            break
        doors = _worst_first(pd.concat([doors, judged(groups)], ignore_index=True), known, found).head(limit)
    return doors.assign(subject_cn=known.reindex(doors["cn"]).array), opened


def _carried(certificates: pd.DataFrame, moment: pd.Timestamp) -> tuple[Codes, pd.Series]:
    """Return every CN of the certificates that are valid at that moment, and the place of its certificate."""
    second = moment.floor("s")  # validity counts in whole seconds, the last one included
    valid = (certificates["not_before"] <= second) & (second <= certificates["not_after"]) & ~certificates["refused"]
    place = np.flatnonzero(valid.to_numpy(dtype=bool))
    row, cns = common_names(certificates.iloc[place])
    return place[row], pd.Series(pd.array(cns, dtype="str"))


def _trusted(fleet: Fleet, doors: pd.DataFrame, found: Holdings, moment: pd.Timestamp) -> pd.DataFrame:
    """Keep the certificates that the PBX trusts, by any of the chains that they come with."""
    certificate = found.bundles["certificate"].to_numpy()
    first, last = (np.searchsorted(certificate, doors["certificate"], side=side) for side in ("left", "right"))
    door, number = spread(last - first)
    asked = pd.DataFrame(
        {
            "fingerprint": found.certificates["fingerprint"].array[doors["certificate"].to_numpy()[door]],
            "bundle": found.bundles["bundle"].array[first[door] + number],
            "pbx": found.pbxs.reindex(doors["pbx"].iloc[door]).array,
        }
    )
    paths = trust_state.trust_paths(asked, fleet.certificates, fleet.trust, fleet.links)
    judged = pd.DataFrame({"trust_paths": paths, "trust_failure": None})
    state = trust_state.trust_at(judged, pd.Series(moment, index=judged.index))["trust_state"]
    trusted = np.flatnonzero(state.isin(TRUSTED))
    kept, at = np.unique(door[trusted], return_index=True)
    return doors.iloc[kept].assign(trust_state=state.array[trusted[at]])


def _worst_first(doors: pd.DataFrame, cns: pd.Series, found: Holdings) -> pd.DataFrame:
    ranks = [
        labels.rank(method="first").reindex(doors[name]).to_numpy()
        for name, labels in (("certificate", found.certificates["fingerprint"]), ("pbx", found.pbxs), ("cn", cns))
    ]
    return doors.iloc[np.lexsort((*ranks, -doors["opens"].to_numpy()))]


def _listed(doors: pd.DataFrame, opened: _Opened, found: Holdings, limit: int) -> pd.DataFrame:
    """Write out the pairs, as many of each certificate as the limit leaves room for."""
    certificate, opens, own = (doors[name].to_numpy() for name in ("certificate", "opens", "own"))
    door, number = spread(np.minimum(opens, _room(opens, limit)))
    door, number = door[:limit], number[:limit]
    place = opened.start[doors["group"].to_numpy()[door]] + number
    place += (own[door] >= 0) & (number >= own[door])
    victim = opened.device[place]
    return pd.DataFrame(
        {
            "fingerprint": found.certificates["fingerprint"].array[certificate[door]],
            "subject_cn": doors["subject_cn"].array[door],
            "device": found.devices.reindex(_holder(certificate[door], victim, found)).array,
            "pbx": found.pbxs.reindex(doors["pbx"].iloc[door]).array,
            "trust_state": doors["trust_state"].array[door],
            "opens": opens[door],
            "victim": found.devices.array[victim],
            "name": found.texts.array[opened.text[place]],
        }
    )


def _holder(certificate: Codes, victim: Codes, found: Holdings) -> Codes:
    """Return the first device but the victim that holds each certificate, -1 where nobody is known to."""
    device = np.append(found.holders["device"].to_numpy(), -1)
    counts = np.bincount(found.holders["certificate"], minlength=len(found.certificates))
    first = np.where(counts > 0, np.cumsum(counts) - counts, -1)[certificate]
    found_there: Codes = device[first + ((first >= 0) & (device[first] == victim))]
    return found_there


def _room(counts: Codes, limit: int) -> int:
    """Return how many of each count may be kept so that their sum stays within the limit, but at least 1."""
    low, high = 1, int(counts.max(initial=1))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if np.minimum(counts, middle).sum() <= limit else (low, middle - 1)
    return low
