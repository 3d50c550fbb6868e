"""Links: which certificate signed which; each signature is checked once, however many devices
share it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..arrays.grouping import distinct, first_positions
from ..schema import LINKS, conform
from ..x509.columnar_elements import Flags
from ..x509.columnar_structure import Structures
from ..x509.distinguished_names import Name, comparable
from ..x509.extensions import key_ids
from ..x509.signatures import verify_many

# Keys that are tried for one certificate, turn by turn, and how many tries beyond the first
# turns all of them share: thousands of CAs of one name must not cost millions of checks.
_TURNS = (1, 3, 12, 48, 192, 768, 3072)
_FREE_TURNS = 3
_SHARED_TRIES = 50_000


class _Namesakes(NamedTuple):
    """The distinct keys of the certificates of one name, each with the first row that has it."""

    rows: dict[bytes, int]
    by_id: dict[bytes, list[bytes]]


class Library:
    """Certificates by what an issuer is looked for with; those that may be one of a child, the
    trust list's first.
    """

    def __init__(
        self,
        fingerprints: list[str],
        ders: list[bytes],
        children: Flags,
        capable: Flags,
        candidates: Flags,
    ) -> None:
        self.fingerprints = fingerprints
        self.row = dict(zip(fingerprints, range(len(fingerprints)), strict=True))
        self.structures = Structures(ders)
        self._exact: dict[bytes, list[int]] = {}
        self._alike: dict[Name, list[int]] = {}
        self._named: dict[bytes, _Namesakes] = {}
        issuers = set(
            self.structures.column(
                "issuer", np.flatnonzero(children & self.structures.readable)
            )
        )
        wanted = {comparable(issuer) for issuer in issuers}
        rows = np.flatnonzero(candidates & self.structures.readable)
        subjects = self.structures.column("subject", rows)
        for row, subject, may_be_ca in zip(
            rows.tolist(), subjects, capable[rows].tolist(), strict=True
        ):
            if subject in issuers:
                self._exact.setdefault(subject, []).append(row)
            name = comparable(subject) if may_be_ca else None
            if name and name in wanted:
                self._alike.setdefault(name, []).append(row)
        found = {
            row
            for named in (*self._exact.values(), *self._alike.values())
            for row in named
        }
        kept = np.array(
            sorted(found.union(rows[children[rows]].tolist())), dtype=np.int64
        )
        self.key = dict(
            zip(kept.tolist(), self.structures.column("public_key", kept), strict=True)
        )

    def keys(self, name: bytes) -> dict[bytes, int]:
        """Return the distinct keys of the certificates with this subject, each with the first
        row that has it.
        """
        return self._namesakes(name).rows

    def untried(self, child: int, name: bytes, tried: set[str]) -> Iterator[int]:
        """Yield a row for each key: the one that the child names by its identifier, its own,
        then the others.
        """
        parts = self.structures[child]
        if parts is None:
            return
        namesakes = self._namesakes(name)
        done = {self.key.get(self.row.get(each, -1)) for each in tried}
        self_issued = comparable(parts.subject) == comparable(parts.issuer)
        likely = (*namesakes.by_id.get(key_ids(parts)[1] or b"", ()), parts.public_key)
        for key in chain(likely, namesakes.rows):
            if key not in done and key in namesakes.rows:
                yield (
                    child
                    if self_issued and key == parts.public_key
                    else namesakes.rows[key]
                )
            if key in likely:
                done.add(key)

    def signs_itself(self, row: int) -> bool:
        """Tell whether a certificate's own key is one of those known under the name of its
        issuer.
        """
        parts = self.structures[row]
        return (
            parts is not None
            and parts.issuer == parts.subject
            and parts.public_key in self.keys(parts.issuer)
        )

    def _namesakes(self, name: bytes) -> _Namesakes:
        if name not in self._named:
            wanted = comparable(
                name
            )  # an empty name names nobody (RFC 5280, section 4.1.2.4)
            rows: dict[bytes, int] = {}
            for row in (
                (*self._alike.get(wanted, ()), *self._exact.get(name, ()))
                if wanted
                else ()
            ):
                rows.setdefault(self.key[row], row)
            by_id: dict[bytes, list[bytes]] = {}
            for key, row in rows.items() if len(rows) > 1 else ():
                parts = self.structures[row]
                own = None if parts is None else key_ids(parts)[0]
                if own:
                    by_id.setdefault(own, []).append(key)
            self._named[name] = _Namesakes(rows, by_id)
        return self._named[name]


def claims(certificates: pd.DataFrame) -> Flags:
    """Tell which certificates say that they are a CA, or were not read well enough to tell."""
    says_ca, unread = certificates["is_ca"], certificates["parse_error"].notna()
    return (says_ca.fillna(False) | (says_ca.isna() & unread)).to_numpy(dtype=bool)


def candidates(certificates: pd.DataFrame, trust: pd.DataFrame) -> Flags:
    """Tell which certificates may stand above another one: they claim to be a CA, or bear the
    name of an issuer.
    """
    issuers = distinct(certificates["issuer"], trust["issuer"])
    return claims(certificates) | (
        first_positions(certificates["subject"], issuers) >= 0
    )


def library(
    certificates: pd.DataFrame, trust: pd.DataFrame, children: pd.Series
) -> Library:
    """Return the children and what may have issued them, each certificate once."""
    may_stand_above = candidates(certificates, trust)
    kept = np.flatnonzero(
        may_stand_above | (first_positions(certificates["fingerprint"], children) >= 0)
    )
    both = pd.concat(
        [
            trust[["fingerprint", "der"]],
            certificates[["fingerprint", "der"]].iloc[kept],
        ],
        ignore_index=True,
    )
    listed = np.ones(len(trust), dtype=bool)
    both["capable"] = np.append(listed, claims(certificates)[kept])
    both["candidate"] = np.append(listed, may_stand_above[kept])
    both = both[both["fingerprint"].notna() & both["der"].notna()].drop_duplicates(
        "fingerprint"
    )
    flags = (both[name].to_numpy(dtype=bool) for name in ("capable", "candidate"))
    return Library(
        both["fingerprint"].tolist(),
        both["der"].tolist(),
        first_positions(both["fingerprint"], children) >= 0,
        *flags,
    )


def extend(links: pd.DataFrame, children: pd.Series, books: Library) -> pd.DataFrame:
    """Return the links and those found by trying what is still untried for the children.

    A certificate's signature verifies under one key, so the search for it ends there. A child
    that its extensions forbid to use has one row, with itself and no answer.
    """
    tried: dict[str, set[str]] = {}
    concerned = (
        links[first_positions(links["child"], children) >= 0] if len(links) else links
    )
    for child, issuer in zip(concerned["child"], concerned["issuer"], strict=True):
        tried.setdefault(child, set()).add(issuer)
    rows = np.array(
        [books.row[each] for each in children if each in books.row], dtype=np.int64
    )
    rows = rows[books.structures.readable[rows]]
    fit = books.structures.usable[rows]
    unfit = [row for row in rows[~fit].tolist() if books.fingerprints[row] not in tried]
    below, above = [*unfit], [*unfit]
    answers: list[bool | None] = [None] * len(unfit)
    pending: dict[int, Iterator[int]] = {}
    ready: list[tuple[int, int]] = []
    used = rows[fit]
    issuers = books.structures.column("issuer", used)
    self_issued = books.structures.may_equal("issuer", "subject", used).tolist()
    for row, name, by_itself in zip(used.tolist(), issuers, self_issued, strict=True):
        keys, done = books.keys(name), tried.get(books.fingerprints[row], set())
        if len(keys) == 1 and not tried:
            ready.append(
                (
                    row,
                    row
                    if by_itself and books.signs_itself(row)
                    else next(iter(keys.values())),
                )
            )
        elif len(keys) > len(done) or not done.issuperset(
            books.fingerprints[each] for each in keys.values()
        ):
            pending[row] = books.untried(row, name, done)
    shared = _SHARED_TRIES
    for turn, size in enumerate((0, *_TURNS)):
        tries = (
            ready
            if turn == 0
            else [
                (row, other)
                for row, more in pending.items()
                for other in islice(more, size)
            ]
        )
        if turn > _FREE_TURNS:
            tries = tries[:shared]
            shared -= len(tries)
        found = _verify(tries, books)
        below += [row for row, _ in tries]
        above += [other for _, other in tries]
        answers += found
        for (row, _), answer in zip(tries, found, strict=True):
            if answer:
                pending.pop(row, None)
    names = books.fingerprints
    new = {
        "child": [names[row] for row in below],
        "issuer": [names[row] for row in above],
        "verified": answers,
    }
    return (
        pd.concat([links, conform(pd.DataFrame(new), LINKS)], ignore_index=True)
        if below
        else links
    )


def _verify(tries: Sequence[tuple[int, int]], books: Library) -> list[bool | None]:
    structures = books.structures
    rows = np.array([row for row, _ in tries], dtype=np.int64)
    outer, inner = (
        structures.column("algorithm", rows),
        structures.column("inner_algorithm", rows),
    )
    algorithms = [
        one if one == other else None for one, other in zip(outer, inner, strict=True)
    ]
    above, place = np.unique(
        np.array([other for _, other in tries], dtype=np.int64), return_inverse=True
    )
    keys = structures.column("public_key", above)
    return verify_many(
        structures.column("signed", rows),
        structures.column("signature", rows),
        algorithms,
        [keys[each] for each in place.tolist()],
    )
