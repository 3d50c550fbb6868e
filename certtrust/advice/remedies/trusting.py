"""Entries that would make a certificate trusted if added to a list, by judging each of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...arrays.arrow import as_mask
from ...arrays.grouping import (
    Codes,
    distinct,
    equal_pairs,
    factorize_rows,
    first_positions,
)
from ...fleet import Fleet
from ...schema import TRUST, conform
from ...trust import trust_state
from ...trust.paths import distinct_paths
from ...x509.columnar_structure import Structures
from ..joins import among, microseconds, values_at
from .set_cover import groups

_CANDIDATES_AT_MOST = 64
"""CAs that are tried for one certificate, so that a hostile mesh of CAs costs no more."""


class Authorities:
    """The CAs of a fleet: which are above a certificate, and which certificates are below a CA."""

    def __init__(self, fleet: Fleet, certificates: pd.DataFrame) -> None:
        self.certificates = certificates
        links = (
            fleet.links
            if fleet.links is not None
            else trust_state.link(fleet.certificates, fleet.trust)
        )
        verified = links[as_mask(links["verified"])]
        first = verified.drop_duplicates("child")
        self.signer = first.set_index("child")["issuer"].astype("str")
        fingerprints = certificates["fingerprint"]
        may_issue = as_mask(certificates["is_ca"]) | among(
            fingerprints, verified["issuer"]
        )
        cas = certificates[may_issue]
        structures = Structures(
            [der if isinstance(der, bytes) else b"" for der in cas["der"]]
        )
        readable = np.flatnonzero(structures.readable)
        keys = structures.column("public_key", readable)
        self._key = dict(zip(cas.index[readable], keys, strict=True))
        self._twins: dict[bytes, list[str]] = {}
        for fingerprint, key in self._key.items():
            self._twins.setdefault(key, []).append(fingerprint)
        listed = among(fingerprints, fleet.trust["fingerprint"])
        ends = certificates.loc[may_issue | listed, ["not_before", "not_after"]]
        dates = pd.concat([ends["not_before"], ends["not_after"]]).dropna()
        self.dates = np.unique(microseconds(dates))
        """When CAs and entries of lists begin and end, in microseconds since the epoch."""

    def twins(self, fingerprint: str) -> list[str]:
        """Return the CA certificates with the same key, this one included."""
        return self._twins.get(self._key.get(fingerprint, b""), [fingerprint])

    def above(self, signer: str) -> list[str]:
        """Return the CAs that may be above what `signer` signed, the nearest first."""
        cas: dict[str, None] = {}
        waiting = [signer]
        while waiting and len(cas) < _CANDIDATES_AT_MOST:
            new = [twin for twin in self.twins(waiting.pop(0)) if twin not in cas]
            cas.update(dict.fromkeys(new))
            waiting += [self.signer[twin] for twin in new if twin in self.signer]
        return [*cas][:_CANDIDATES_AT_MOST]

    def below(self, entries: Iterable[str]) -> dict[str, Codes]:
        """Return the certificates that each CA, or a CA below it, signed.

        They are positions in `signer`.
        """
        by_issuer: Any = self.signer.groupby(pd.Index(self.signer), sort=False)
        signed = by_issuer.indices
        children = self.signer.index
        may_issue = among(children.to_series(), pd.Series([*self._key], dtype="str"))
        rows = np.flatnonzero(may_issue)
        names = dict(zip(rows.tolist(), children[rows].tolist(), strict=True))

        def signed_below(entry: str) -> Codes:
            parts = [np.empty(0, dtype=np.int64)]
            waiting = [entry]
            seen: set[str] = set()
            while waiting:
                new = [twin for twin in self.twins(waiting.pop()) if twin not in seen]
                seen.update(new)
                for part in (signed[twin] for twin in new if twin in signed):
                    parts.append(part)
                    waiting += map(names.__getitem__, part[may_issue[part]].tolist())
            return np.concatenate(parts)

        return {entry: signed_below(entry) for entry in entries}


@dataclass(frozen=True)
class Untrusted:
    """Certificates that are not trusted at a moment, and what could make them trusted.

    Parameters
    ----------
    fleet : Fleet
        With links.
    certificates : DataFrame
        Those of the fleet, see `certificates_by_fingerprint`.
    authorities : Authorities
        Its CAs.
    row : array of int, n values
        The numbers of the rows below.
    rows : DataFrame, n rows
        Columns fingerprint, bundle, pbx, self_issued, issuer and trust_paths.
    moments : array of int, n values
        Microseconds since the epoch.
    """

    fleet: Fleet
    certificates: pd.DataFrame
    authorities: Authorities
    row: Codes
    rows: pd.DataFrame
    moments: Codes

    @cached_property
    def _leaf_and_first(self) -> tuple[Codes, Codes]:
        return factorize_rows(self.rows, ["fingerprint", "bundle"])

    @property
    def leaf(self) -> Codes:
        """The position in `leaves` of the certificate that each row presents."""
        return self._leaf_and_first[0]

    @cached_property
    def leaves(self) -> pd.DataFrame:
        """The distinct certificates, each with the bundle that it came in."""
        columns = ["fingerprint", "bundle", "self_issued", "issuer"]
        leaves = self.rows[columns].iloc[self._leaf_and_first[1]]
        return leaves.join(
            self.certificates["authority_key_id"], on="fingerprint"
        ).reset_index(drop=True)

    def ways_at_their_time(self) -> pd.DataFrame:
        """Return the ways to trust each row at its moment, see `ways`, with its number as row."""
        all_ways = ways(self.fleet, self.leaves, self.certificates, self.authorities)
        row, way = equal_pairs(self.leaf, all_ways["leaf"].to_numpy())
        rows = all_ways.iloc[way].assign(row=self.row[row])
        moments = self.moments[row]
        return rows[(rows["not_before"] <= moments) & (moments <= rows["not_after"])]


def ways(
    fleet: Fleet,
    leaves: pd.DataFrame,
    certificates: pd.DataFrame,
    authorities: Authorities,
) -> pd.DataFrame:
    """Return when a list with one CA above a leaf alone would trust the leaf.

    Parameters
    ----------
    fleet : Fleet
        With links.
    leaves : DataFrame, n rows
        Columns fingerprint and bundle; no leaf twice.
    certificates : DataFrame
        Those of the fleet, see `certificates_by_fingerprint`.
    authorities : Authorities
        Its CAs.

    Returns
    -------
    DataFrame
        One row per way: leaf (position in `leaves`), fingerprint of the CA, not_before and
        not_after (microseconds since the epoch) of the way, steps (CAs on it).

    Notes
    -----
    A list with that entry alone gives the same answer as the entry beside the present ones: a
    path ends at the first listed certificate, and no path led to the present entries.
    """
    signer = first_positions(
        leaves["fingerprint"], authorities.signer.index.to_series()
    )
    signers = values_at(authorities.signer, signer, leaves.index)
    above = {name: authorities.above(name) for name in distinct(signers)}
    pairs = pd.DataFrame(
        {
            "leaf": np.arange(len(leaves)),
            "bundle": leaves["bundle"].array,
            "child": leaves["fingerprint"].array,
            "fingerprint": [above.get(name) for name in signers],
        }
    ).explode("fingerprint", ignore_index=True)
    pairs = pairs[pairs["fingerprint"].notna()].astype({"fingerprint": "str"})
    # Each entry is a list of its own: that of a PBX of its name.
    questions = pairs[["child", "bundle", "fingerprint"]].set_axis(
        ["fingerprint", "bundle", "pbx"], axis="columns"
    )
    lists = certificates.reindex(distinct(questions["pbx"]))
    lists = lists.assign(pbx=lists["fingerprint"]).reset_index(drop=True)
    paths = trust_state.trust_paths(
        questions.reset_index(drop=True),
        fleet.certificates,
        conform(lists, TRUST),
        fleet.links,
    )
    spans = [
        (position, path.not_before, path.not_after, len(path.certificates))
        for position, paths_of_pair in enumerate(paths)
        for path in paths_of_pair
    ]
    position, not_before, not_after, steps = (
        np.array(spans, dtype=np.int64).reshape(-1, 4).T
    )
    return (
        pairs[["leaf", "fingerprint"]]
        .iloc[position]
        .assign(not_before=not_before, not_after=not_after, steps=steps)
    )


def ended_cas(
    rows: pd.DataFrame, certificates: pd.DataFrame, moments: Codes
) -> pd.DataFrame:
    """Return the ended CAs whose renewal alone would make a row trusted at its moment.

    Parameters
    ----------
    rows : DataFrame, n rows
        Column trust_paths.
    certificates : DataFrame
        Those of the fleet, see `certificates_by_fingerprint`.
    moments : array of int, n values
        Microseconds since the epoch.

    Returns
    -------
    DataFrame
        row (number) and fingerprint of the CA.
    """
    code, paths_by_code = distinct_paths(rows["trust_paths"])
    on_paths = {
        entry
        for paths in paths_by_code
        for path in paths
        for entry in path.certificates
    }
    cas = certificates[
        among(certificates["fingerprint"], pd.Series([*on_paths], dtype="str"))
    ]
    begin, end = (
        _microseconds_by_index(cas[name]) for name in ("not_before", "not_after")
    )
    parts = [pd.DataFrame({"row": np.empty(0, dtype=np.int64), "fingerprint": ""})]
    rows_by_code = groups(code, np.arange(len(code)), len(paths_by_code))
    for rows_of_code, paths in zip(rows_by_code, paths_by_code, strict=True):
        now = moments[rows_of_code]
        for path in paths:
            for position, entry in enumerate(path.certificates):
                chosen = (begin.get(entry, 0) <= now) & (end.get(entry, 0) < now)
                for below in path.certificates[:position]:
                    chosen &= (begin.get(below, 0) <= now) & (
                        now <= end.get(below, 0)
                    )
                row = np.array(rows_of_code)[chosen]
                parts.append(pd.DataFrame({"row": row, "fingerprint": entry}))
    together = pd.concat(parts).astype({"fingerprint": "str"})
    return together.drop_duplicates().reset_index(drop=True)


def _microseconds_by_index(moments: pd.Series) -> dict[str, int]:
    moments = moments.dropna()
    return dict(zip(moments.index, microseconds(moments).tolist(), strict=True))


def lacks_signer(
    leaves: pd.DataFrame, authorities: Authorities
) -> npt.NDArray[np.bool_]:
    """Return which leaves are signed by a CA whose certificate is not at hand."""
    signed = authorities.signer.index.to_series()
    return as_mask(leaves["self_issued"].eq(other=False)) & ~among(
        leaves["fingerprint"], signed
    )
