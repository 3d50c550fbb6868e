"""Split: a fleet that is at hand, dealt to parts; each is a small fleet with all that it needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..arrays.grouping import (
    Codes,
    distinct,
    distinct_rows,
    equal_pairs,
    factorize_rows,
    first_positions,
)
from ..evaluation.attempts import is_registration, joined
from ..evaluation.ownership import Ownership
from ..evaluation.wire import seen_on_wire
from ..fleet import Fleet, expect_fleet
from ..schema import ATTEMPTS, REGISTRATIONS
from .common import IDENTITY, Common, contribution, named, part_numbers

Of = Literal["log", "devices"]

ROWS = 120_000
"""Rows of the log, or certificates and device entries, that a part has about."""

_UNUSED = [name for name in REGISTRATIONS.names if name not in ATTEMPTS.names]
"""The columns of a log that no attempt depends on."""


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a fleet, with all that its attempts depend on.

    Parameters
    ----------
    fleet : Fleet
        Its own rows, and those of others that decide about them.
    serials : Series of str
        All serials of the whole fleet.
    of : {"log", "devices"}
        What the attempts are made from.
    positions : array of int
        Where its attempts stand among the rows of the whole log, or of all device entries.
    entries : array of int
        Which device entries of the part's fleet are its own, by position.
    """

    fleet: Fleet
    serials: pd.Series
    of: Of
    positions: Codes
    entries: Codes

    @cached_property
    def ownership(self) -> Ownership:
        """Who owns what, as in the whole fleet."""
        return Ownership.of(self.fleet, self.serials)

    def attempts(self) -> pd.DataFrame:
        """Return the attempts of the part as `certtrust.attempts` makes them of the whole fleet."""
        rows = joined(self.fleet, self.ownership, self.of)
        return rows if self.of == "log" else rows.iloc[self.entries]


@dataclass(frozen=True, eq=False)
class Split:
    """A fleet and where its rows go; a part is only made when it is asked for.

    Parameters
    ----------
    fleet : Fleet
        The whole fleet.
    of : {"log", "devices"}
        What the attempts are made from.
    common : Common
        What every part has to know.
    count : int
        How many parts there are.
    """

    fleet: Fleet
    of: Of
    common: Common
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Part]:
        return (self.part(number) for number in range(self.count))

    def part(self, number: int) -> Part:
        """Return the part of that number, from 0."""
        fleet = self.fleet
        log = self._registrations[number]
        entries = self._devices[number]
        if self.count == 1:
            chosen = fleet
        else:
            chosen = dataclasses.replace(
                fleet,
                certificates=fleet.certificates.take(self._certificates[number]),
                devices=fleet.devices.take(entries),
                registrations=fleet.registrations.drop(
                    columns=_UNUSED, errors="ignore"
                ).take(log),
                sources=None,
            )
            chosen = dataclasses.replace(chosen, **self._narrowed(number))
        own = np.flatnonzero(self._keys_of_devices[entries] == number)
        positions = log if self.of == "log" else entries[own]
        return Part(chosen, self.common.serials, self.of, positions, own)

    def _narrowed(self, number: int) -> dict[str, Any]:
        """Return the links and the connections of the certificates of a part."""
        needed = np.zeros(len(self._fingerprints) + 1, dtype=bool)
        needed[self._fingerprint[self._certificates[number]]] = True
        needed[self._listed] = True
        needed[-1] = False
        frames: dict[str, Any] = {}
        for name, columns in self._references.items():
            frame: pd.DataFrame = getattr(self.fleet, name)
            chosen = np.any([needed[column] for column in columns], axis=0)
            frames[name] = frame.take(np.flatnonzero(chosen))
        return frames

    @cached_property
    def _references(self) -> dict[str, list[Codes]]:
        """The numbers of the certificates that links and connections are about."""
        fleet = self.fleet
        references = {}
        if fleet.links is not None:
            references["links"] = [
                first_positions(fleet.links["child"], self._fingerprints)
            ]
        if fleet.handshakes is not None:
            references["handshakes"] = [
                first_positions(
                    fleet.handshakes[name].str[0].astype("str"), self._fingerprints
                )
                for name in ("client_certificates", "server_certificates")
            ]
        return references

    @cached_property
    def cases(self) -> tuple[Codes, pd.DataFrame]:
        """The distinct things that registrations say of whose they are, and each row's number.

        What is no registration is left out: -1.
        """
        log = self.fleet.registrations
        rows = np.flatnonzero(is_registration(log))
        chosen = log[list(IDENTITY)]
        chosen = chosen if len(rows) == len(log) else chosen.take(rows)
        code, first = factorize_rows(chosen, IDENTITY)
        number = np.full(len(log), -1, dtype=np.int64)
        number[rows] = code
        return number, chosen.take(first).reset_index(drop=True)

    @cached_property
    def _keys_of_cases(self) -> pd.Series:
        return self.common.case_keys(self.cases[1], self._presenters)

    @cached_property
    def _parts_of_cases(self) -> Codes:
        return part_numbers(self._keys_of_cases, self.count)

    @cached_property
    def _registrations(self) -> list[Codes]:
        """The rows of the log that each part has."""
        number, _ = self.cases
        rows = np.flatnonzero(number >= 0)
        return _dealt(self._parts_of_cases[number[rows]], rows, self.count)

    @cached_property
    def _facts(self) -> pd.DataFrame:
        return self.common.certificate_facts(self.fleet.certificates)

    @cached_property
    def _presenters(self) -> pd.Series:
        """The device of each certificate that no other one presents."""
        owned = pd.DataFrame(
            {
                "fingerprint": self.fleet.certificates["fingerprint"].array,
                "device": self._facts["device"].array,
            }
        )
        cases = self.cases[1]
        on_wire = cases["fingerprint"][seen_on_wire(cases)]
        owned = owned[first_positions(owned["fingerprint"], on_wire) >= 0]
        owned = owned.dropna().drop_duplicates()
        owned = owned[~owned["fingerprint"].duplicated(keep=False)]
        return owned.set_index("fingerprint")["device"]

    @cached_property
    def _fingerprints(self) -> pd.Series:
        return distinct(
            self.fleet.certificates["fingerprint"], self.fleet.trust["fingerprint"]
        )

    @cached_property
    def _fingerprint(self) -> Codes:
        """The number of each certificate's fingerprint, -1 where it has none."""
        return first_positions(
            self.fleet.certificates["fingerprint"], self._fingerprints
        )

    @cached_property
    def _listed(self) -> Codes:
        return first_positions(self.fleet.trust["fingerprint"], self._fingerprints)

    @cached_property
    def _keys_of_certificates(self) -> Codes:
        return part_numbers(self._facts["key"], self.count)

    @cached_property
    def _certificates(self) -> list[Codes]:
        """The rows of the certificates that each part has."""
        part, row = self._certificate_pairs
        return _dealt(part, row, self.count)

    @cached_property
    def _certificate_pairs(self) -> tuple[Codes, Codes]:
        """Each part with each row of the certificates that it has, once."""
        facts, part_of_row = self._facts, self._keys_of_certificates
        every = np.arange(len(facts))
        # A certificate is judged with all its copies: each came with a chain of its own.
        part, copy = self._judged
        pair, row = equal_pairs(copy, self._fingerprint)
        part, row = _distinct_pairs(
            np.concatenate([part_of_row, part[pair]]), np.concatenate([every, row])
        )
        bundle = pd.factorize(self.fleet.certificates["bundle"])[0].astype(np.int64)
        companions = np.flatnonzero(facts["is_companion"])
        asking, bundle_of_part = _distinct_pairs(part, bundle[row])
        pair, companion = equal_pairs(bundle_of_part, bundle[companions])
        for_all = self._common_rows
        return _distinct_pairs(
            np.concatenate(
                [
                    part,
                    asking[pair],
                    np.repeat(np.arange(self.count), len(for_all)),
                ]
            ),
            np.concatenate(
                [row, companions[companion], np.tile(for_all, self.count)]
            ),
        )

    @cached_property
    def shared(self) -> pd.Series:
        """The certificates that attempts of several parts may present."""
        log = named(self.cases[1], self._keys_of_cases)
        own = self._facts["device"].notna().to_numpy()
        pairs = pd.DataFrame(
            {
                "fingerprint": pd.concat(
                    [
                        log["fingerprint"],
                        self.fleet.certificates["fingerprint"][own],
                    ]
                ).array,
                "part": np.concatenate(
                    [
                        part_numbers(log["key"], self.count),
                        self._keys_of_certificates[own],
                    ]
                ),
            }
        )
        pairs = distinct_rows(pairs.dropna())
        return distinct(pairs["fingerprint"][pairs["fingerprint"].duplicated()])

    @property
    def _judged(self) -> tuple[Codes, Codes]:
        """Each part with the number of each certificate that its attempts may present."""
        _, cases = self.cases
        log = named(cases, self._keys_of_cases)
        logged = first_positions(log["fingerprint"], self._fingerprints)
        own = np.flatnonzero(self._facts["device"].notna())
        part = np.concatenate(
            [part_numbers(log["key"], self.count), self._keys_of_certificates[own]]
        )
        number = np.concatenate([logged, self._fingerprint[own]])
        at_hand = number >= 0
        return _distinct_pairs(part[at_hand], number[at_hand])

    @property
    def _common_rows(self) -> Codes:
        """One row of each certificate that may have issued others."""
        links = self.fleet.links
        is_common = self._facts["is_common"].to_numpy()
        if links is not None:
            others = links["issuer"][links["issuer"] != links["child"]]
            issuers = first_positions(distinct(others), self._fingerprints)
            above = np.zeros(len(self._fingerprints) + 1, dtype=bool)
            above[issuers] = True
            above[-1] = False
            is_common = is_common | above[self._fingerprint]
        rows = np.flatnonzero(is_common & (self._fingerprint >= 0))
        absent = self.fleet.certificates["der"].isna().to_numpy()[rows]
        rows = rows[np.argsort(absent, kind="stable")]
        _, first = np.unique(self._fingerprint[rows], return_index=True)
        return rows[first]

    @cached_property
    def _keys_of_devices(self) -> Codes:
        return part_numbers(self.common.device_keys(), self.count)

    @cached_property
    def _devices(self) -> list[Codes]:
        """The rows of the device entries that each part has."""
        devices = self.fleet.devices
        entered = self.common.entered
        every = np.arange(len(devices))
        # An entry says whose a user name is, wherever that user registers.
        _, cases = self.cases
        users = distinct(devices["user"])
        name = first_positions(cases["registration_name"], users)
        part, user = _distinct_pairs(self._parts_of_cases[name >= 0], name[name >= 0])
        pair, by_user = equal_pairs(user, first_positions(devices["user"], users))
        # A certificate that is named by devices of other parts stays that of its own device.
        abroad, row = self._certificate_pairs
        away = abroad != self._keys_of_certificates[row]
        holder = first_positions(self._facts["device"].iloc[row[away]], entered)
        # An entry shows that its PBX has entries at all.
        with_device = np.flatnonzero(entered.notna())
        firsts = [
            rows[~devices["pbx"].iloc[rows].duplicated().to_numpy()]
            for rows in (every, with_device)
        ]
        for_all = np.concatenate(firsts)
        parts, rows = _distinct_pairs(
            np.concatenate(
                [
                    self._keys_of_devices,
                    part[pair],
                    abroad[away][holder >= 0],
                    np.repeat(np.arange(self.count), len(for_all)),
                ]
            ),
            np.concatenate(
                [every, by_user, holder[holder >= 0], np.tile(for_all, self.count)]
            ),
        )
        return _dealt(parts, rows, self.count)


def split(fleet: Fleet, count: int | None = None, of: Of | None = None) -> Split:
    """Deal a fleet to parts by device, so that each can be judged by itself.

    Parameters
    ----------
    fleet : Fleet
        The whole fleet; with links (`certtrust.link`) no signature is verified again.
    count : int, optional
        How many parts; by default so many that each has about `ROWS` rows.
    of : {"log", "devices"}, optional
        What the attempts are made from; by default the log, where there is one.

    Returns
    -------
    Split
        Its parts together have every attempt once. The attempts and results of each are, row
        for row, those of the whole fleet.

    Examples
    --------
    >>> import certtrust as ct
    >>> from certtrust.partitions import together
    >>> fleet = ct.simulate(20, seed=1)
    >>> parts = split(fleet, 3)
    >>> sum(len(part.attempts()) for part in parts) == len(ct.attempts(fleet))
    True
    """
    fleet = expect_fleet(fleet)
    if of is None:
        of = "log" if len(fleet.registrations) else "devices"
    if count is None:
        largest = max(
            len(fleet.registrations), len(fleet.certificates), len(fleet.devices)
        )
        count = max(1, -(-largest // ROWS))
    common = Common.of(
        [
            contribution(
                certificates=fleet.certificates, registrations=fleet.registrations
            )
        ],
        trust=fleet.trust,
        devices=fleet.devices,
    )
    return Split(fleet, of, common, count)


def _distinct_pairs(part: Codes, number: Codes) -> tuple[Codes, Codes]:
    """Return each pair of the two columns once, sorted; numbers may be -1."""
    width = int(number.max(initial=0)) + 2
    part, number = np.divmod(np.unique(part * width + number + 1), width)
    return part, number - 1


def _dealt(part: Codes, row: Codes, count: int) -> list[npt.NDArray[np.int64]]:
    """Return the rows of each part, in order."""
    order = np.lexsort((row, part))
    bounds = np.searchsorted(part[order], np.arange(1, count))
    return np.split(row[order], bounds)
