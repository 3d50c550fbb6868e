"""Links: which certificate signed which; each signature is checked once for the whole fleet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .. import limits, processes
from ..arrays.grouping import distinct, first_positions
from ..schema import LINKS, conform
from ..x509.columnar_elements import Flags
from ..x509.columnar_structure import Structures
from ..x509.distinguished_names import Name, comparable
from ..x509.extensions import key_ids
from ..x509.signatures import verify_many, verify_some

_FREE_KEYS = 16
"""With so many keys of its issuer's name a certificate is tried, whatever the others cost."""

_AT_ONCE = 4096
"""Signatures that one process is given at a time."""

Check = tuple[int, int, bool | None]
"""The rows of a child and of an issuer, and whether the issuer's key verifies the signature."""


class _Namesakes(NamedTuple):
    """The distinct keys of the certificates of one name, each with the first row that has it."""

    rows: dict[bytes, int]
    by_id: dict[bytes, list[bytes]]


class Library:
    """Certificates by what an issuer is searched with, the trust list's first."""

    def __init__(
        self,
        fingerprints: list[str],
        ders: list[bytes],
        children: Flags,
        capable: Flags,
        candidates: Flags,
    ) -> None:
        self.tries = limits.PATH_STEPS
        """Of the keys of crowded names that are left to all children together."""
        self.fingerprints = fingerprints
        self.row = dict(zip(fingerprints, range(len(fingerprints)), strict=True))
        self.structures = Structures(ders)
        self._exact: dict[bytes, list[int]] = {}
        self._comparable: dict[Name, list[int]] = {}
        self._namesakes_by_name: dict[bytes, _Namesakes] = {}
        readable = self.structures.readable
        issuers = set(
            self.structures.column("issuer", np.flatnonzero(children & readable))
        )
        issuer_names = {comparable(issuer) for issuer in issuers}
        rows = np.flatnonzero(candidates & readable)
        subjects = self.structures.column("subject", rows)
        may_be_ca = capable[rows].tolist()
        for row, subject, is_capable in zip(
            rows.tolist(), subjects, may_be_ca, strict=True
        ):
            if subject in issuers:
                self._exact.setdefault(subject, []).append(row)
            name = comparable(subject) if is_capable else None
            if name and name in issuer_names:
                self._comparable.setdefault(name, []).append(row)
        named = chain(*self._exact.values(), *self._comparable.values())
        kept = np.array(
            sorted({*named, *rows[children[rows]].tolist()}), dtype=np.int64
        )
        keys = self.structures.column("public_key", kept)
        self.key = dict(zip(kept.tolist(), keys, strict=True))

    def keys(self, name: bytes) -> dict[bytes, int]:
        """Return the distinct keys of this subject, each with the first row that has it."""
        return self._namesakes(name).rows

    def untried(self, child: int, name: bytes, tried: set[str]) -> Iterator[int]:
        """Yield a row for each key that was not tried, the likely ones first.

        These are the one that the child names by its identifier, and its own.
        """
        parts = self.structures[child]
        if parts is None:
            return
        namesakes = self._namesakes(name)
        done = {self.key.get(self.row.get(fingerprint, -1)) for fingerprint in tried}
        self_issued = comparable(parts.subject) == comparable(parts.issuer)
        named = namesakes.by_id.get(key_ids(parts)[1] or b"", ())
        likely = (*named, parts.public_key)
        for key in chain(likely, namesakes.rows):
            if key not in done and key in namesakes.rows:
                is_own = self_issued and key == parts.public_key
                yield child if is_own else namesakes.rows[key]
            if key in likely:
                done.add(key)

    def signs_itself(self, row: int) -> bool:
        """Return whether a certificate's own key is one of those of its issuer's name."""
        parts = self.structures[row]
        return (
            parts is not None
            and parts.issuer == parts.subject
            and parts.public_key in self.keys(parts.issuer)
        )

    def _namesakes(self, name: bytes) -> _Namesakes:
        if name not in self._namesakes_by_name:
            self._namesakes_by_name[name] = self._namesakes_of(name)
        return self._namesakes_by_name[name]

    def _namesakes_of(self, name: bytes) -> _Namesakes:
        comparable_name = comparable(name)
        if not comparable_name:  # names nobody (RFC 5280, section 4.1.2.4)
            return _Namesakes({}, {})
        rows: dict[bytes, int] = {}
        candidates = self._comparable.get(comparable_name, ())
        for row in chain(candidates, self._exact.get(name, ())):
            rows.setdefault(self.key[row], row)
        if len(rows) > _FREE_KEYS:
            # Not all of them may be tried; which ones are must not depend on the order of rows.
            rows = dict(sorted(rows.items()))
        by_id: dict[bytes, list[bytes]] = {}
        for key, row in rows.items() if len(rows) > 1 else ():
            parts = self.structures[row]
            own = None if parts is None else key_ids(parts)[0]
            if own:
                by_id.setdefault(own, []).append(key)
        return _Namesakes(rows, by_id)


def claims(certificates: pd.DataFrame) -> Flags:
    """Return where a certificate says that it is a CA, or was not read well enough to say."""
    says_ca, unread = certificates["is_ca"], certificates["parse_error"].notna()
    return (says_ca.fillna(False) | (says_ca.isna() & unread)).to_numpy(dtype=bool)


def candidates(certificates: pd.DataFrame, trust: pd.DataFrame) -> Flags:
    """Return which certificates may stand above another one.

    They claim to be a CA, or have the name of an issuer.
    """
    issuers = distinct(certificates["issuer"], trust["issuer"])
    is_named = first_positions(certificates["subject"], issuers) >= 0
    return claims(certificates) | is_named


def library(
    certificates: pd.DataFrame, trust: pd.DataFrame, children: pd.Series
) -> Library:
    """Return the children and what may have issued them, each certificate once."""
    may_stand_above = candidates(certificates, trust)
    is_child = first_positions(certificates["fingerprint"], children) >= 0
    kept = np.flatnonzero(may_stand_above | is_child)
    columns = ["fingerprint", "der"]
    parts = [trust[columns], certificates[columns].iloc[kept]]
    both = pd.concat(parts, ignore_index=True)
    listed = np.ones(len(trust), dtype=bool)
    both["capable"] = np.append(listed, claims(certificates)[kept])
    both["candidate"] = np.append(listed, may_stand_above[kept])
    both = both.dropna(subset=columns).drop_duplicates("fingerprint")
    return Library(
        both["fingerprint"].tolist(),
        both["der"].tolist(),
        first_positions(both["fingerprint"], children) >= 0,
        *(both[name].to_numpy(dtype=bool) for name in ("capable", "candidate")),
    )


def extend(
    links: pd.DataFrame, children: pd.Series, library: Library
) -> pd.DataFrame:
    """Return the links, and those found by trying what is still untried for the children.

    A certificate's signature verifies under one key, so the search for it ends there. Two kinds
    of children have a row with themselves and no answer: those that their extensions forbid to
    use, and those whose issuer's name has more keys than may be tried (`limits.PATH_STEPS`).
    """
    tried: dict[str, set[str]] = {}
    rows_of_children = links[first_positions(links["child"], children) >= 0]
    for child, issuer in zip(
        rows_of_children["child"], rows_of_children["issuer"], strict=True
    ):
        tried.setdefault(child, set()).add(issuer)
    rows = np.array(
        [library.row[child] for child in children if child in library.row],
        dtype=np.int64,
    )
    rows = rows[library.structures.readable[rows]]
    is_usable = library.structures.usable[rows]
    checks: list[Check] = [
        (row, row, None)
        for row in rows[~is_usable].tolist()
        if library.fingerprints[row] not in tried
    ]
    single, several = _issuers_to_try(rows[is_usable], library, tried)
    checks += _verify(single, library)
    checks += _search(several, library)
    if not checks:
        return links
    below, above, answers = zip(*checks, strict=True)
    columns = {
        "child": [library.fingerprints[row] for row in below],
        "issuer": [library.fingerprints[row] for row in above],
        "verified": answers,
    }
    return pd.concat(
        [links, conform(pd.DataFrame(columns), LINKS)], ignore_index=True
    )


def _issuers_to_try(
    rows: np.ndarray, library: Library, tried: dict[str, set[str]]
) -> tuple[list[tuple[int, int]], dict[int, Iterator[int]]]:
    """Return the pairs of children with one possible issuer, and the issuers of the others."""
    single: list[tuple[int, int]] = []
    several: dict[int, Iterator[int]] = {}
    issuers = library.structures.column("issuer", rows)
    self_issued = library.structures.may_equal("issuer", "subject", rows).tolist()
    for row, name, by_itself in zip(rows.tolist(), issuers, self_issued, strict=True):
        keys, done = library.keys(name), tried.get(library.fingerprints[row], set())
        if len(keys) == 1 and not tried:
            is_own = by_itself and library.signs_itself(row)
            single.append((row, row if is_own else next(iter(keys.values()))))
        elif len(keys) > len(done) or not done.issuperset(
            library.fingerprints[issuer] for issuer in keys.values()
        ):
            several[row] = library.untried(row, name, done)
    return single, several


def _search(issuers: dict[int, Iterator[int]], library: Library) -> list[Check]:
    """Return the checks until a key verifies each child's signature, some of each in turn.

    The children of a crowded name share a bound beyond the first turn, in equal parts, so that
    thousands of CAs of one name do not cost millions of checks.
    """
    names = library.structures.column("issuer", np.array([*issuers], dtype=np.int64))
    crowded = {
        row
        for row, name in zip(issuers, names, strict=True)
        if len(library.keys(name)) > _FREE_KEYS
    }
    checks: list[Check] = []
    turn, share = 1, 1
    while issuers:
        pairs = [
            (row, issuer)
            for row, untried in issuers.items()
            for issuer in islice(untried, share if row in crowded else turn)
        ]
        if not pairs:
            break
        turn_checks = _verify(pairs, library)
        checks += turn_checks
        for row, _, verified in turn_checks:
            if verified:
                issuers.pop(row, None)
        if turn > 1:
            library.tries -= sum(row in crowded for row, _ in pairs)
        crowded.intersection_update(issuers)
        turn *= 4
        share = min(turn, library.tries // max(len(crowded), 1))
    given_up = (row for row in crowded if next(issuers[row], None) is not None)
    return [*checks, *((row, row, None) for row in sorted(given_up))]


def _verify(pairs: Sequence[tuple[int, int]], library: Library) -> list[Check]:
    structures = library.structures
    below, above = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    outer, inner = (
        structures.column(part, below) for part in ("algorithm", "inner_algorithm")
    )
    algorithms = [
        algorithm if algorithm == signed else None
        for algorithm, signed in zip(outer, inner, strict=True)
    ]
    issuers, position = np.unique(above, return_inverse=True)
    keys = structures.column("public_key", issuers)
    answers = _verified(
        structures.column("signed", below),
        structures.column("signature", below),
        algorithms,
        [keys[issuer] for issuer in position.tolist()],
    )
    return [(*pair, answer) for pair, answer in zip(pairs, answers, strict=True)]


def _verified(*parts: Sequence[Any]) -> list[bool | None]:
    """Return the answers of `verify_many`; to very many questions, from all cores."""
    count = len(parts[0])
    if count < limits.SIGNATURES_IN_PROCESSES or processes.cores() < 2:
        return verify_many(*parts)
    jobs = (
        tuple(part[at : at + _AT_ONCE] for part in parts)
        for at in range(0, count, _AT_ONCE)
    )
    return [*chain.from_iterable(processes.run(verify_some, jobs))]
