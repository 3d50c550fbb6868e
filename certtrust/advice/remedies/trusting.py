"""Which entry, added to a trust list, would make a certificate trusted: asked of the chains,
never assumed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ...arrays.grouping import Codes, combine, distinct, places, spread
from ...fleet import Fleet
from ...schema import TRUST, conform
from ...trust import trust_state
from ...trust.paths import distinct_paths
from ...x509.columnar_structure import Structures
from .fleet_copy import among

_CANDIDATES_AT_MOST = 64
"""CAs that are tried for one certificate; a hostile mesh of CAs must not cost more."""


class Authorities:
    """The CAs of a fleet: who stands above a certificate, and what stands below a CA."""

    def __init__(self, fleet: Fleet, known: pd.DataFrame) -> None:
        links = (
            fleet.links
            if fleet.links is not None
            else trust_state.link(fleet.certificates, fleet.trust)
        )
        verified = links[links["verified"].fillna(value=False).astype(bool)]
        self.signer = pd.Series(
            verified["issuer"].to_numpy(),
            index=verified["child"].to_numpy(),
            dtype="str",
        )
        self.signer = self.signer[~self.signer.index.duplicated()]
        capable = known["is_ca"].fillna(value=False).to_numpy(dtype=bool) | among(
            known["fingerprint"], verified["issuer"]
        )
        self._key: dict[str, bytes] = {}
        self._twins: dict[bytes, list[str]] = {}
        structures = Structures(
            [der if isinstance(der, bytes) else b"" for der in known["der"][capable]]
        )
        rows = np.flatnonzero(structures.readable)
        for fingerprint, key in zip(
            known.index[capable][rows],
            structures.column("public_key", rows),
            strict=True,
        ):
            self._key[fingerprint] = key
            self._twins.setdefault(key, []).append(fingerprint)

        spanning = known[
            capable | among(known.index.to_series(), fleet.trust["fingerprint"])
        ]
        ends = [spanning[name].dropna() for name in ("not_before", "not_after")]
        self._dates = np.unique(np.concatenate([microseconds(each) for each in ends]))

    def spans(self, moments: Codes) -> Codes:
        """Number the moments so that between two of one number no certificate begins or ends
        that others hang on.
        """
        return np.searchsorted(self._dates, moments, side="left") + np.searchsorted(
            self._dates, moments, side="right"
        )

    def twins(self, fingerprint: str) -> list[str]:
        """Return the certificates with the same key, this one included."""
        return self._twins.get(self._key.get(fingerprint, b""), [fingerprint])

    def above(self, signer: str) -> list[str]:
        """Return the CAs that may stand above what `signer` signed, the nearest first."""
        found: dict[str, None] = {}
        waiting = [signer]
        while waiting and len(found) < _CANDIDATES_AT_MOST:
            fresh = [each for each in self.twins(waiting.pop(0)) if each not in found]
            found.update(dict.fromkeys(fresh))
            waiting += [
                str(above)
                for each in fresh
                if (above := self.signer.get(each)) is not None
            ]
        return [*found][:_CANDIDATES_AT_MOST]

    def below(self, entries: Iterable[str]) -> dict[str, Codes]:
        """Return for each CA the certificates that it or a CA below it signed, as places in
        `signer`.
        """
        number, issuers = pd.factorize(self.signer)
        order = np.argsort(number, kind="stable")
        edges = np.append(0, np.cumsum(np.bincount(number, minlength=len(issuers))))
        row = {issuer: place for place, issuer in enumerate(issuers)}
        children = self.signer.index.tolist()
        issuing = among(
            self.signer.index.to_series(), pd.Series([*self._key], dtype="str")
        )

        def signed_below(entry: str) -> Codes:
            found = [np.empty(0, dtype=np.int64)]
            waiting = [entry]
            seen: set[str] = set()
            while waiting:
                fresh = [twin for twin in self.twins(waiting.pop()) if twin not in seen]
                seen.update(fresh)
                for place in (row[twin] for twin in fresh if twin in row):
                    part = order[edges[place] : edges[place + 1]]
                    found.append(part)
                    waiting += [children[each] for each in part[issuing[part]]]
            return np.concatenate(found)

        return {entry: signed_below(entry) for entry in entries}


@dataclass(frozen=True)
class Untrusted:
    """Certificates that are not trusted at a moment, and what could make them trusted.

    Parameters
    ----------
    fleet : Fleet
        With links.
    known : DataFrame
        The certificates of the fleet, see `known_certificates`.
    authorities : Authorities
        Its CAs.
    row : array of int, n values
        Numbers that tell the rows below.
    rows : DataFrame, n rows
        Columns fingerprint, bundle, pbx, self_issued, issuer and trust_paths.
    moments : array of int, n values
        Microseconds since the epoch.
    """

    fleet: Fleet
    known: pd.DataFrame
    authorities: Authorities
    row: Codes
    rows: pd.DataFrame
    moments: Codes

    @cached_property
    def _leaf_and_first(self) -> tuple[Codes, Codes]:
        return combine(
            *(pd.factorize(self.rows[name])[0] for name in ("fingerprint", "bundle"))
        )

    @property
    def leaf(self) -> Codes:
        """Which of `leaves` each row presents."""
        return self._leaf_and_first[0]

    @cached_property
    def leaves(self) -> pd.DataFrame:
        """The distinct certificates, each with what came with it."""
        leaves = self.rows[["fingerprint", "bundle", "self_issued", "issuer"]].iloc[
            self._leaf_and_first[1]
        ]
        leaves = leaves.reset_index(drop=True)
        key_id = (
            self.known["authority_key_id"].reindex(leaves["fingerprint"]).to_numpy()
        )
        return leaves.assign(authority_key_id=key_id)

    @cached_property
    def ways(self) -> pd.DataFrame:
        """The CAs that would make `leaves` trusted, and when, see `ways`."""
        return ways(self.fleet, self.leaves, self.known, self.authorities)

    def ways_at_their_time(self) -> tuple[Codes, Codes]:
        """Return the pairs of a row, by its number, and of a position in `ways` that hold at
        the row's moment.
        """
        row, way = joined(self.leaf, self.ways["leaf"].to_numpy())
        not_before, not_after = (
            self.ways[name].to_numpy()[way] for name in ("not_before", "not_after")
        )
        holds = (not_before <= self.moments[row]) & (self.moments[row] <= not_after)
        return self.row[row[holds]], way[holds]


def ways(
    fleet: Fleet, leaves: pd.DataFrame, known: pd.DataFrame, authorities: Authorities
) -> pd.DataFrame:
    """Ask for each leaf and each CA above it whether a list with that CA alone would trust the
    leaf, and when.

    Parameters
    ----------
    fleet : Fleet
        With links.
    leaves : DataFrame, n rows
        Columns fingerprint and bundle; no leaf twice.
    known : DataFrame
        The certificates of the fleet, see `known_certificates`.
    authorities : Authorities
        Its CAs.

    Returns
    -------
    DataFrame
        One row per way: leaf (row number in `leaves`), fingerprint of the CA, not_before and
        not_after (microseconds since the epoch) of the way, steps (CAs on it).

    Notes
    -----
    The list with that entry alone gives the same answer as the entry beside those that are
    there: a path ends at the first certificate that is listed, and the entries that are there
    had led nowhere.
    """
    signer = authorities.signer.reindex(leaves["fingerprint"]).to_numpy(dtype=object)
    code, first = combine(pd.factorize(signer)[0])
    above = [
        authorities.above(signer[row]) if isinstance(signer[row], str) else []
        for row in first
    ]
    counts = np.array([len(each) for each in above], dtype=np.int64)[code]
    leaf = np.repeat(np.arange(len(leaves)), counts)
    entry = [each for number in code for each in above[number]]
    questions = (
        leaves[["fingerprint", "bundle"]]
        .iloc[leaf]
        .assign(pbx=pd.array(entry, dtype="str"))
    )
    lists = known.reindex(pd.Index(distinct(questions["pbx"])))
    lists = conform(
        lists.assign(pbx=lists["fingerprint"]).reset_index(drop=True), TRUST
    )
    paths = trust_state.trust_paths(
        questions.reset_index(drop=True), fleet.certificates, lists, fleet.links
    )
    rows = [
        (place, path.not_before, path.not_after, len(path.certificates))
        for place, found in enumerate(paths)
        for path in found
    ]
    place, not_before, not_after, steps = (
        np.array(rows, dtype=np.int64).reshape(-1, 4).T
    )
    return pd.DataFrame(
        {
            "leaf": leaf[place],
            "fingerprint": pd.array(
                np.array(entry, dtype=object)[place] if rows else [], dtype="str"
            ),
            "not_before": not_before,
            "not_after": not_after,
            "steps": steps,
        }
    )


def joined(left: Codes, right: Codes) -> tuple[Codes, Codes]:
    """Return the row numbers of all pairs with equal numbers (from 0) on both sides."""
    order = np.argsort(right, kind="stable")
    ordered = right[order]
    start = np.searchsorted(ordered, left)
    owner, number = spread(np.searchsorted(ordered, left, side="right") - start)
    return owner, order[start[owner] + number]


def lapsed(rows: pd.DataFrame, known: pd.DataFrame, moments: Codes) -> pd.DataFrame:
    """Find the CAs by whose renewal alone a row would be trusted: all else on its way is valid
    at its moment.

    Parameters
    ----------
    rows : DataFrame, n rows
        Column trust_paths.
    known : DataFrame
        The certificates of the fleet, see `known_certificates`.
    moments : array of int, n values
        Microseconds since the epoch.

    Returns
    -------
    DataFrame
        row (number) and fingerprint of the CA.
    """
    code, paths_of_code = distinct_paths(rows["trust_paths"])
    entries = {
        entry
        for paths in paths_of_code
        for path in paths
        for entry in path.certificates
    }
    cas = known[among(known["fingerprint"], pd.Series(list(entries), dtype="str"))]
    begin, end = (_by_fingerprint(cas[name]) for name in ("not_before", "not_after"))
    found: list[pd.DataFrame] = []
    order = np.argsort(code, kind="stable")
    rows_of_code = np.split(order, np.cumsum(np.bincount(code))[:-1])
    for here, paths in zip(rows_of_code, paths_of_code, strict=False):
        for path in paths:
            for place, entry in enumerate(path.certificates):
                below = path.certificates[:place]
                holds = (begin.get(entry, 0) <= moments[here]) & (
                    end.get(entry, 0) < moments[here]
                )
                for other in below:
                    holds &= (begin.get(other, 0) <= moments[here]) & (
                        moments[here] <= end.get(other, 0)
                    )
                if holds.any():
                    found.append(
                        pd.DataFrame({"row": here[holds], "fingerprint": entry})
                    )
    empty: dict[str, Any] = {
        "row": np.empty(0, dtype=np.int64),
        "fingerprint": pd.array([], dtype="str"),
    }
    together = pd.concat(found) if found else pd.DataFrame(empty)
    return together.drop_duplicates().reset_index(drop=True)


def _by_fingerprint(moments: pd.Series) -> dict[str, int]:
    there = moments.dropna()
    return dict(zip(there.index, microseconds(there).tolist(), strict=True))


def microseconds(moments: pd.Series) -> Codes:
    """Return moments as microseconds since the epoch."""
    return np.asarray(
        moments.astype("datetime64[us, UTC]").astype("int64"), dtype=np.int64
    )


def unobtainable(leaves: pd.DataFrame, authorities: Authorities) -> pd.Series:
    """Return which leaves are signed by a CA whose certificate is nowhere at hand."""
    signed_by_other = (
        leaves["self_issued"].eq(other=False).fillna(value=False).astype(bool)
    )
    unknown = pd.Series(
        places(leaves["fingerprint"], pd.Series(authorities.signer.index, dtype="str"))
        < 0
    )
    return signed_by_other & unknown.set_axis(leaves.index)
