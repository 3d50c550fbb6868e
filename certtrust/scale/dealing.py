"""Where each row of a fleet goes on a cluster: the parts of `certtrust.partitions`, slice by slice.

No worker has the whole fleet. Each slice says what it adds to what all parts have to know, in three
rounds: serials and issuers; which device presents a certificate that was seen on the wire; which
part judges which certificate. Then each slice deals its rows by itself.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..arrays.grouping import Codes, distinct, equal_pairs, first_positions
from ..evaluation.attempts import is_registration
from ..evaluation.wire import seen_on_wire
from ..fleet import Fleet
from ..partitions import (
    Common,
    Contribution,
    Part,
    contribution,
    named,
    part_numbers,
    together,
)
from ..partitions.split import Of
from ..schema import ATTEMPTS, REGISTRATIONS

PART, PACKED, HOLDER = "__part", "__packed", "__holder"
"""Columns of what is dealt: where to, rows as bytes, and whose a certificate is that is lent."""
UNUSED = [name for name in REGISTRATIONS.names if name not in ATTEMPTS.names]
"""The columns of a log that no attempt depends on."""

UNUSED_OF_CERTIFICATES = [
    *("organisation", "country", "serial_number"),
    *("other_names", "subject_key_id", "authority_key_id"),
]
"""The columns of a certificate that no attempt depends on."""

Numbers = npt.NDArray[np.uint64]


class Judged(NamedTuple):
    """Which part judges which certificate: pairs, sorted by fingerprint."""

    fingerprint: Numbers
    part: Codes

    @classmethod
    def of(cls, pairs: Sequence[Judged]) -> Judged:
        """Return the pairs of all slices, each once."""
        fingerprint = np.concatenate([pair.fingerprint for pair in pairs])
        part = np.concatenate([pair.part for pair in pairs])
        order = np.lexsort((part, fingerprint))
        fingerprint, part = fingerprint[order], part[order]
        is_new = np.ones(len(part), dtype=bool)
        is_new[1:] = (fingerprint[1:] != fingerprint[:-1]) | (part[1:] != part[:-1])
        return cls(fingerprint[is_new], part[is_new])

    def positions(self, fingerprints: Numbers) -> tuple[Codes, Codes]:
        """Return pairs of a part and the position of a fingerprint that it judges."""
        first = np.searchsorted(self.fingerprint, fingerprints, side="left")
        last = np.searchsorted(self.fingerprint, fingerprints, side="right")
        counts = last - first
        position = np.repeat(np.arange(len(fingerprints)), counts)
        before = np.repeat(np.cumsum(counts) - counts, counts)
        offset = np.arange(len(position)) - before
        return self.part[np.repeat(first, counts) + offset], position


def numbers_of(fingerprints: pd.Series) -> Numbers:
    """Return each fingerprint as a number, 0 where it is missing or none.

    A certificate that shared the number of another one would go to a part that does not need it.
    """
    code, texts = pd.factorize(fingerprints.astype("str").str.lower())
    hashed = pd.util.hash_array(np.asarray(texts, dtype=object), categorize=False)
    return np.append(hashed, np.uint64(0))[code]


@dataclass(frozen=True, eq=False)
class Deal:
    """What decides about rows of any slice.

    Parameters
    ----------
    common : Common
        What every part of the fleet has to know.
    count : int
        How many parts there are.
    on_wire : Series of str
        The certificates by which connections that were seen on the wire are known.
    """

    common: Common
    count: int
    on_wire: pd.Series

    @cached_property
    def parts_of_devices(self) -> Codes:
        """The part of each device entry."""
        return part_numbers(self.common.device_keys(), self.count)

    @cached_property
    def entries_for_all(self) -> Codes:
        """Device entries that every part has: they show that their PBX has entries at all."""
        every = np.arange(len(self.common.devices))
        with_device = np.flatnonzero(self.common.entered.notna())
        pbxs = self.common.devices["pbx"]
        firsts = [
            rows[~pbxs.iloc[rows].duplicated().to_numpy()]
            for rows in (every, with_device)
        ]
        return np.unique(np.concatenate(firsts))

    def prepared(self) -> Deal:
        """Return itself once its answers are there, so that they are found once for all workers."""
        ownership = self.common.ownership
        _ = self.parts_of_devices, self.entries_for_all
        _ = ownership.users, ownership.serial_by_tail
        return self

    def entries(self, number: int, names: pd.Series, holders: pd.Series) -> Codes:
        """Return the positions of the device entries of a part.

        Parameters
        ----------
        number : int
            The part.
        names : Series of str
            The registration names in its log: an entry says whose a user name is.
        holders : Series of str
            The devices of certificates that came from other parts: these stay theirs.
        """
        devices = self.common.devices
        chosen = self.parts_of_devices == number
        chosen[self.entries_for_all] = True
        chosen |= first_positions(devices["user"], distinct(names)) >= 0
        chosen |= first_positions(self.common.entered, distinct(holders)) >= 0
        return np.flatnonzero(chosen)


class Look(NamedTuple):
    """What a slice says of itself before anything is known of the others."""

    rows: int
    contribution: Contribution
    on_wire: pd.Series
    """The certificates by which connections that were seen on the wire are known."""


def look_at_certificates(part: pd.DataFrame) -> Look:
    """Return what a slice of the certificates adds to what is common."""
    nothing = pd.Series(dtype="str")
    return Look(len(part), contribution(certificates=part), nothing)


def look_at_log(part: pd.DataFrame) -> Look:
    """Return what a slice of the log adds to what is common."""
    rows = part.loc[seen_on_wire(part) & is_registration(part), "fingerprint"]
    return Look(len(part), contribution(registrations=part), distinct(rows))


class Facts(NamedTuple):
    """What decides about the certificates of a slice, beside the rows themselves."""

    of_rows: pd.DataFrame
    """As of `Common.certificate_facts`."""
    owned: pd.DataFrame
    """Fingerprints on the wire with the devices that present them."""
    judged: Judged
    """Which part judges which of them, since it is a device's own."""
    of_all: pd.DataFrame
    """One row of each certificate that may have issued others."""


def facts_of(
    certificates: pd.DataFrame,
    first_label: int,
    deal: Deal,
    issuers: pd.Series | None,
) -> Facts:
    """Return what decides about the certificates of a slice.

    Parameters
    ----------
    certificates : DataFrame
        The slice, its bundles whole.
    first_label : int
        The label of its first row in the whole.
    deal : Deal
        What decides about rows.
    issuers : Series of str or None
        Fingerprints of issuers, where links are known already.
    """
    facts = deal.common.certificate_facts(certificates)
    own = np.flatnonzero(facts["device"].notna())
    judged = Judged(
        numbers_of(certificates["fingerprint"].iloc[own]),
        part_numbers(facts["key"].iloc[own], deal.count),
    )
    return Facts(
        facts,
        _presented(certificates, facts, deal.on_wire),
        judged,
        _for_all(certificates, facts, first_label, issuers),
    )


def _presented(
    certificates: pd.DataFrame, facts: pd.DataFrame, on_wire: pd.Series
) -> pd.DataFrame:
    owned = pd.DataFrame(
        {
            "fingerprint": certificates["fingerprint"].array,
            "device": facts["device"].array,
        }
    )
    owned = owned[first_positions(owned["fingerprint"], on_wire) >= 0]
    return owned.dropna().drop_duplicates()


class Overview(NamedTuple):
    """What is known of all certificates once each slice was asked."""

    presenters: pd.Series
    """The device of each certificate on the wire that no other one presents."""
    of_all: pd.DataFrame
    """One row of each certificate that may have issued others."""


def overview_of(facts: Sequence[Facts]) -> Overview:
    """Return what the slices of the certificates say together."""
    owned = pd.concat([fact.owned for fact in facts]).drop_duplicates()
    owned = owned[~owned["fingerprint"].duplicated(keep=False)]
    return Overview(
        owned.set_index("fingerprint")["device"],
        one_of_each([fact.of_all for fact in facts]),
    )


def dealt_log(
    log: pd.DataFrame, first_label: int, deal: Deal, overview: Overview
) -> tuple[pd.DataFrame, Judged]:
    """Return the registrations of a slice, dealt to parts, and which certificates these judge."""
    labels = pd.RangeIndex(first_label, first_label + len(log))
    rows = log.set_axis(labels).drop(columns=UNUSED, errors="ignore")
    chosen = is_registration(log)
    rows = rows if chosen.all() else rows.loc[chosen]
    keys = deal.common.registration_keys(rows, overview.presenters)
    pairs = named(rows, keys)
    judged = Judged(
        numbers_of(pairs["fingerprint"]), part_numbers(pairs["key"], deal.count)
    )
    rows = rows.set_axis(np.asarray(rows.index))
    return parcels(rows, part_numbers(keys, deal.count)), judged


def parcels(rows: pd.DataFrame, parts: Codes) -> pd.DataFrame:
    """Return rows dealt to parts: one row for each part, with its rows as bytes.

    Dask moves bytes at no cost, and knows how much memory they take; of cells with lists it
    knows neither.
    """
    order = np.argsort(parts, kind="stable")
    numbers, first = np.unique(parts[order], return_index=True)
    packed = np.empty(len(numbers), dtype=object)
    for number, group in enumerate(np.split(order, first[1:]) if len(order) else ()):
        packed[number] = pickle.dumps(rows.take(group), pickle.HIGHEST_PROTOCOL)
    return pd.DataFrame({PART: numbers, PACKED: packed})


def unpacked(packed: pd.DataFrame, further: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of parcels and those further rows that are not among them, by label."""
    parts = [pickle.loads(parcel) for parcel in packed[PACKED]]  # noqa: S301 - ours
    labels = np.concatenate([further.index[:0], *(part.index for part in parts)])
    new = further[~further.index.isin(labels)]
    rows = together([*parts, new] if len(new) or not parts else parts)
    return rows if rows.index.is_monotonic_increasing else rows.sort_index()


def _for_all(
    certificates: pd.DataFrame,
    facts: pd.DataFrame,
    first_label: int,
    issuers: pd.Series | None,
) -> pd.DataFrame:
    labelled = certificates.drop(columns=UNUSED_OF_CERTIFICATES, errors="ignore")
    labelled = labelled.set_axis(_labels(certificates, first_label))
    labelled = labelled.assign(**{HOLDER: facts["device"].array})
    is_common = facts["is_common"].to_numpy()
    if issuers is not None:
        is_common = is_common | (
            first_positions(labelled["fingerprint"], issuers) >= 0
        )
    return one_of_each([labelled[is_common & labelled["fingerprint"].notna()]])


def one_of_each(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return one row for each certificate of some rows, one with its DER if there is one."""
    rows = pd.concat([part for part in parts if len(part)] or list(parts[:1]))
    order = np.lexsort((rows.index, rows["der"].isna().to_numpy()))
    return rows.iloc[order].drop_duplicates("fingerprint")


def dealt_certificates(
    certificates: pd.DataFrame,
    first_label: int,
    facts: Facts,
    judged: Judged,
    count: int,
) -> pd.DataFrame:
    """Return the certificates of a slice, dealt to every part that needs them.

    A certificate goes to the part of its own key and to those that judge it: with all its copies,
    since each came with a chain of its own, and with the companions of their bundles.
    """
    of_rows = facts.of_rows
    own_part = part_numbers(of_rows["key"], count)
    every = np.arange(len(certificates))
    part, row = judged.positions(numbers_of(certificates["fingerprint"]))
    is_named = certificates["fingerprint"].notna().to_numpy()[row]
    part, row = _distinct_pairs(
        np.concatenate([own_part, part[is_named]]),
        np.concatenate([every, row[is_named]]),
    )
    bundle = pd.factorize(certificates["bundle"])[0].astype(np.int64)
    companions = np.flatnonzero(of_rows["is_companion"])
    asking, bundle_of_part = _distinct_pairs(part, bundle[row])
    pair, companion = equal_pairs(bundle_of_part, bundle[companions])
    part, row = _distinct_pairs(
        np.concatenate([part, asking[pair]]),
        np.concatenate([row, companions[companion]]),
    )
    abroad = part != own_part[row]
    rows = certificates.drop(columns=UNUSED_OF_CERTIFICATES, errors="ignore")
    rows = rows.set_axis(_labels(certificates, first_label)).take(row)
    holder = of_rows["device"].iloc[row].where(abroad)
    return parcels(rows.assign(**{HOLDER: holder.array}), part)


def attempts_of_part(
    number: int,
    parcels_of_log: pd.DataFrame,
    parcels_of_certificates: pd.DataFrame,
    overview: Overview,
    deal: Deal,
    small: Fleet,
    of: Of,
) -> pd.DataFrame:
    """Return the attempts of a part, with the labels that they have in the whole.

    Parameters
    ----------
    number : int
        The part.
    parcels_of_log, parcels_of_certificates : DataFrame
        The rows that were dealt to it.
    overview : Overview
        The certificates that every part has are among it.
    deal : Deal
        What decides about rows.
    small : Fleet
        The whole fleet without its certificates and device entries, and without any row of its
        registrations.
    of : {"log", "devices"}
        What the attempts are made from.
    """
    rows = unpacked(parcels_of_certificates, overview.of_all)
    holders = rows[HOLDER].dropna()
    log = unpacked(parcels_of_log, small.registrations)
    names = log["registration_name"].dropna()
    entries = deal.entries(number, names, holders)
    fleet = replace(
        small,
        certificates=rows.drop(columns=HOLDER),
        devices=deal.common.devices.take(entries),
        registrations=log,
    )
    own = np.flatnonzero(deal.parts_of_devices[entries] == number)
    positions = np.arange(len(log)) if of == "log" else entries[own]
    return Part(fleet, deal.common.serials, of, positions, own).attempts()


def _labels(rows: pd.DataFrame, first: int) -> Codes:
    return np.arange(first, first + len(rows))


def _distinct_pairs(part: Codes, number: Codes) -> tuple[Codes, Codes]:
    """Return each pair of the two columns once, sorted; numbers may be -1."""
    width = int(number.max(initial=0)) + 2
    part, number = np.divmod(np.unique(part * width + number + 1), width)
    return part, number - 1
