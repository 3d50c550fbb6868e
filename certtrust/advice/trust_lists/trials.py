"""Trials: whether certificates stay trusted when entries leave the trust list of their PBX.

What a PBX is asked, over and over, is the same question: a certificate by that signer, with those
CAs beside it, at that moment. Each question is asked once, with every list of the entries that
can matter to it, by the very function that judges attempts. All trials are one call.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...arrays.arrow import as_mask
from ...arrays.grouping import Codes, factorize_codes, object_codes
from ...evaluation.check import required
from ...fleet import Fleet
from ...schema import TRUST, TRUSTED_STATES, UNDECIDED_STATES, conform
from ...trust import trust_state
from ...x509.oids import NAME_CONSTRAINTS
from ..joins import microseconds
from ..remedies.related import spans
from ..remedies.trusting import Authorities

NOWHERE = ""
"""Stands for the PBX of an attempt that names none: the entries of every list count for it."""

Entries = frozenset[str]
"""Fingerprints of entries of one list."""

_RULE = "certificate.trust"
_ALL_SUBSETS = 6
"""So many entries that can matter to a question are tried in every combination."""
_AT_MOST = 64


@dataclass(frozen=True)
class Question:
    """What one kind of attempt asks of the trust list of its PBX, and the answers."""

    pbx: str
    relevant: Entries
    """The entries that can matter."""
    enough: tuple[Entries, ...]
    """The smallest sets of entries of which each alone keeps the certificate trusted."""
    lost: Entries
    """The entries without which it is not trusted."""
    unsure: Entries
    """The entries without which nobody knows."""
    is_exact: bool
    """Whether every combination of these entries was tried."""


@dataclass(frozen=True)
class Trials:
    """The questions of all attempts that are trusted today, and who asks them."""

    questions: list[Question]
    askers: pd.DataFrame
    """question (number), device, certain (certificate authentication is certain, not possible)."""
    undecided: pd.DataFrame
    """pbx (missing: at any), device: who may need any entry, as far as is known."""
    seen: set[str]
    """The PBXs of which an attempt that asks for trust is known."""


def trials(fleet: Fleet, results: pd.DataFrame, authorities: Authorities) -> Trials:
    """Ask the trust list of each PBX what its attempts ask it, with fewer and fewer entries."""
    rows = results[required(results)[_RULE]]
    at = rows["pbx"].fillna(NOWHERE)
    device = rows["device"].fillna(rows["registration_name"]).fillna(NOWHERE)
    is_open = as_mask(rows[_RULE].isna())
    undecided = pd.DataFrame({"pbx": rows["pbx"], "device": device})[is_open]
    trusted = as_mask(rows[_RULE])
    rows, at, device = rows[trusted], at[trusted], device[trusted]
    number, first = _numbers(fleet, rows, at, authorities)
    askers = pd.DataFrame(
        {
            "question": number,
            "device": device.array,
            "certain": as_mask(rows["scenario"] == "h323-certificate"),
        }
    )
    questions = _answered(fleet, rows.iloc[first], at.iloc[first], authorities)
    return Trials(
        questions, askers, undecided.drop_duplicates(), set(results["pbx"].dropna())
    )


def _numbers(
    fleet: Fleet, rows: pd.DataFrame, at: pd.Series, authorities: Authorities
) -> tuple[Codes, Codes]:
    """Return the number of each row's question, and the first row of each."""
    if _constrains_names(fleet):
        # Then trust depends on the names in each certificate.
        asking, _ = pd.factorize(rows["fingerprint"])
    else:
        asking = object_codes(rows["trust_paths"])
    own, _ = pd.factorize(rows["fingerprint"].where(_may_be_listed(fleet, rows)))
    span = spans(authorities.dates, microseconds(rows["judged_at"]))
    return factorize_codes(asking, own, span, pd.factorize(at)[0])


def _may_be_listed(fleet: Fleet, rows: pd.DataFrame) -> pd.Series:
    return rows["fingerprint"].isin(fleet.trust["fingerprint"])


def _constrains_names(fleet: Fleet) -> bool:
    ders = pd.concat([fleet.certificates["der"], fleet.trust["der"]])
    return any(NAME_CONSTRAINTS in der for der in ders if isinstance(der, bytes))


def entries_by_pbx(fleet: Fleet, pbxs: set[str]) -> dict[str, Entries]:
    """Return what counts as the list of each PBX: its own entries, and those of every list."""
    listed = fleet.trust.loc[
        fleet.trust["fingerprint"].notna(), ["pbx", "fingerprint"]
    ]
    everywhere = frozenset(listed.loc[listed["pbx"].isna(), "fingerprint"])
    own = listed.groupby("pbx")["fingerprint"].agg(frozenset).to_dict()
    return {name: everywhere | own.get(name, frozenset()) for name in pbxs}


def _answered(
    fleet: Fleet, rows: pd.DataFrame, at: pd.Series, authorities: Authorities
) -> list[Question]:
    lists = entries_by_pbx(fleet, set(at))
    relevant = [
        _relevant(fingerprint, lists[pbx], authorities)
        for fingerprint, pbx in zip(rows["fingerprint"], at, strict=True)
    ]
    tried = [
        (position, entries)
        for position, candidates in enumerate(relevant)
        for entries in _combinations(candidates)
    ]
    states = _states(fleet, rows, at, tried)
    answers: list[dict[Entries, str]] = [{} for _ in relevant]
    for (position, entries), state in zip(tried, states, strict=True):
        answers[position][entries] = state
    return [
        _question(pbx, candidates, answer)
        for pbx, candidates, answer in zip(at, relevant, answers, strict=True)
    ]


def _relevant(fingerprint: str, listed: Entries, authorities: Authorities) -> Entries:
    """Return the entries that can matter: the certificate itself, and the CAs above it."""
    signer = authorities.signer.get(fingerprint)
    above = [] if signer is None else authorities.above(signer)
    if len(above) >= _AT_MOST:
        return listed
    return listed.intersection([fingerprint, *above])


def _combinations(entries: Entries) -> Iterator[Entries]:
    """Yield the lists to try: each combination, of many entries those that tell most."""
    ordered = sorted(entries)
    if len(ordered) <= _ALL_SUBSETS:
        for size in range(len(ordered) + 1):
            yield from map(frozenset, itertools.combinations(ordered, size))
        return
    yield entries
    yield from (entries - {entry} for entry in ordered)
    yield from (frozenset([entry]) for entry in ordered)


def _states(
    fleet: Fleet, rows: pd.DataFrame, at: pd.Series, tried: list[tuple[int, Entries]]
) -> list[str]:
    """Return the trust state of each question with each list."""
    trust = fleet.trust
    by_fingerprint = trust[trust["der"].notna()].drop_duplicates("fingerprint")
    position_of = {
        text: row for row, text in enumerate(by_fingerprint["fingerprint"])
    }
    unread = trust[trust_state.unread(trust)]
    gaps = {
        name: np.flatnonzero(as_mask(unread["pbx"] == name) | unread["pbx"].isna())
        for name in set(at)
    }
    names = [str(number) for number in range(len(tried))]
    entry: list[int] = []
    of_entry: list[str] = []
    gap: list[int] = []
    of_gap: list[str] = []
    for name, (position, entries) in zip(names, tried, strict=True):
        entry += [position_of[text] for text in entries if text in position_of]
        of_entry += [name] * (len(entry) - len(of_entry))
        gap += gaps[at.iloc[position]].tolist()
        of_gap += [name] * (len(gap) - len(of_gap))
    lists = pd.concat(
        [
            by_fingerprint.iloc[entry].assign(pbx=of_entry),
            unread.iloc[gap].assign(pbx=of_gap),
            # A list without an entry is a known one.
            conform(pd.DataFrame({"pbx": names}).astype("str"), TRUST),
        ],
        ignore_index=True,
    )
    leaf = [position for position, _ in tried]
    leaves = rows[["fingerprint", "bundle"]].iloc[leaf].reset_index(drop=True)
    leaves["pbx"] = pd.array(names, dtype="str")
    judged = trust_state.judge(
        leaves, fleet.certificates, conform(lists, TRUST), fleet.links
    )
    moments = rows["judged_at"].iloc[leaf].reset_index(drop=True)
    return list(trust_state.trust_at(judged, moments)["trust_state"].astype("str"))


def _question(pbx: str, relevant: Entries, answers: dict[Entries, str]) -> Question:
    trusting = [
        entries for entries, state in answers.items() if state in TRUSTED_STATES
    ]
    enough = tuple(
        entries
        for entries in trusting
        if not any(smaller < entries for smaller in trusting)
    )
    if not enough:
        # Trusted with the whole list, not with what should matter: no removal is vouched for.
        return Question(pbx, relevant, (), frozenset(), relevant, is_exact=False)
    without = {entry: answers[relevant - {entry}] for entry in relevant}
    unsure = frozenset(
        entry for entry, state in without.items() if state in UNDECIDED_STATES
    )
    lost = frozenset(
        entry for entry, state in without.items() if state not in TRUSTED_STATES
    )
    is_exact = len(relevant) <= _ALL_SUBSETS
    return Question(pbx, relevant, enough, lost - unsure, unsure, is_exact)
