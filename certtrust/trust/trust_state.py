"""Chains: which entry of a trust list, if any, a certificate reaches, by which path and when.

The page's rule: the certificate itself is in the trust list, or any CA of its chain is. What
may complete a chain is what came in the same bundle as the certificate, and the list. Names,
keys and dates are judged by RFC 5280, section 6.1, as far as they concern the path; purposes,
policies and revocation are not asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..arrays.arrow import as_mask, text
from ..arrays.grouping import (
    Codes,
    distinct,
    factorize_codes,
    factorize_sets,
    first_positions,
    repeat_ranges,
)
from ..schema import (
    LINKS,
    TRUST_STATES,
    TRUSTED_STATES,
    UNDECIDED_STATES,
    conform,
    empty,
)
from ..texts.sentences import fill, say, sentences
from ..x509.columnar_structure import Structures
from ..x509.distinguished_names import Name, comparable
from ..x509.extensions import usable
from ..x509.structure import Structure, structure
from .issuers import ALWAYS, extensions_objection
from .links import candidates, extend, library
from .name_constraints import Names, names
from .paths import (
    CHAIN_GAP,
    LIST_GAP,
    LISTED,
    Failure,
    Graph,
    Question,
    Search,
    TrustPath,
    as_data,
    distinct_paths,
    failure,
    find,
)

__all__ = ["TrustPath", "judge", "link", "path_at", "trust_at", "trust_paths"]

_STATES = pd.CategoricalDtype(list(TRUST_STATES))
_NO_CERTIFICATE = (
    r"(?:, skipped|holds no certificates|nothing is there|the list is empty)$"
)
_REASONS = 3
# Of a certificate that arrived with several chains, what the best of these comes to is told.
_MOST_TELLING = (
    "self-signed",
    "expired CA",
    "issuer is no CA",
    "untrusted CA",
    "broken signature",
    "unknown CA",
)
_PLACE: dict[str | None, int] = {
    state: place for place, state in enumerate(TRUST_STATES)
}


def link(
    certificates: pd.DataFrame, trust: pd.DataFrame, known: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Verify who signed each certificate, once for each distinct certificate.

    Parameters
    ----------
    certificates, trust : DataFrame
        Tables CERTIFICATES and TRUST; the columns fingerprint, der, is_ca, subject and issuer
        are read.
    known : DataFrame, optional
        Table LINKS of earlier calls: what stands there is not verified again.

    Returns
    -------
    DataFrame
        Table LINKS, one row per signature check: child, issuer, verified. Where a signature
        verifies, the issuer is the first certificate with that name and key; what holds for it
        holds for all others of the same name and key. `verified` is missing where the signature
        cannot be checked, and with the child as its own issuer where its extensions forbid to
        use it: one that is critical but not understood, one that stands there twice or is
        malformed (RFC 5280, section 4.2).

    Examples
    --------
    >>> from certtrust.schema import CERTIFICATES, TRUST, empty
    >>> link(empty(CERTIFICATES), empty(TRUST)).columns.tolist()
    ['child', 'issuer', 'verified']
    """
    return _completed(certificates["fingerprint"], certificates, trust, known)[1].table


def judge(
    leaves: pd.DataFrame,
    certificates: pd.DataFrame,
    trust: pd.DataFrame,
    links: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Find the ways from each certificate to the trust list of its PBX.

    Parameters
    ----------
    leaves : DataFrame
        What is judged, one row each, with any index: fingerprint, bundle (whose certificates
        came with it) and pbx (whose list counts).
    certificates, trust : DataFrame
        Tables CERTIFICATES and TRUST. Entries of TRUST without pbx stand in every list.
    links : DataFrame, optional
        Table LINKS; what is missing in it is verified.

    Returns
    -------
    DataFrame
        Index of `leaves`; trust_paths (lists of dicts with the fields of TrustPath, best first: the
        listed certificate itself, else the shortest path; rows that are alike share one list),
        trust_failure (why it is not trusted while none of the paths holds, a key of
        `certtrust.schema.TRUST_STATES`; missing for a listed certificate) and trust_detail (what
        exactly stands in the way, as far as that is more than the state).

    Notes
    -----
    An issuer must be a CA by its basicConstraints (one that has none, only where it is itself
    in the list), with keyCertSign where it has a keyUsage, within its path length; name
    constraints bind everything below, and a certificate with a critical extension that is not
    understood may not stand in a path. All this goes for the list's entry too. A listed
    certificate is trusted by its fingerprint, whatever its content.

    Each distinct question (signer, presented CAs, list) is answered once.

    Examples
    --------
    >>> from certtrust.schema import CERTIFICATES, TRUST, empty
    >>> leaf = {"fingerprint": ["00"], "bundle": [None], "pbx": ["hq"]}
    >>> leaf = pd.DataFrame(leaf, index=[7], dtype="str")
    >>> judge(leaf, empty(CERTIFICATES), empty(TRUST))["trust_failure"].tolist()
    ['no certificate']
    """
    answered = _answered(leaves, certificates, trust, links)
    failures = [_why_not(answered, numbers) for numbers in answered.asked]
    place = np.array(
        [_PLACE.get(each and each.state, -1) for each in failures], dtype=np.int64
    )
    details = pd.array([each and each.detail for each in failures], dtype="str")
    return pd.DataFrame(
        {
            "trust_paths": answered.data(leaves.index),
            "trust_failure": _categories(place[answered.code], leaves.index),
            "trust_detail": pd.Series(details.take(answered.code), index=leaves.index),
        },
        index=leaves.index,
    )


def _why_not(answered: _Answered, numbers: Sequence[int]) -> Failure | None:
    """Return why a certificate is not trusted by any of the questions asked about it, None
    where it is listed.

    What could not be read goes before what was, for it may hold the way that is missing.
    """
    failures = []
    for number in numbers:
        question, search, leaf_names = answered.questions[number]
        if search.paths == LISTED:
            return None
        failures.append(failure(answered.graph, question, search, leaf_names))
    return min(failures, key=_weight)


def _weight(reason: Failure) -> tuple[bool, int, str]:
    if reason.state in UNDECIDED_STATES:
        return False, UNDECIDED_STATES.index(reason.state), reason.detail or ""
    return True, _MOST_TELLING.index(reason.state), reason.detail or ""


def trust_paths(
    leaves: pd.DataFrame,
    certificates: pd.DataFrame,
    trust: pd.DataFrame,
    links: pd.DataFrame | None = None,
) -> pd.Series:
    """Return the ways alone that `judge` finds, as tuples of TrustPath, where nobody asks why
    there is none.
    """
    return _answered(leaves, certificates, trust, links).paths(leaves.index)


class _Asked(NamedTuple):
    question: Question
    search: Search
    leaf_names: tuple[Names | None, ...]


class _Answered(NamedTuple):
    """Each distinct question with its answer, the sets of questions that rows ask, and the
    number of each row's.
    """

    graph: Graph
    questions: list[_Asked]
    asked: list[tuple[int, ...]]
    code: Codes

    def paths(self, index: pd.Index) -> pd.Series:
        """Return the paths of each row; rows that are alike share one tuple."""
        return self._of_rows(self._paths(), index)

    def data(self, index: pd.Index) -> pd.Series:
        """Return the paths of each row as plain values; rows that are alike share one list."""
        return self._of_rows([as_data(paths) for paths in self._paths()], index)

    def _paths(self) -> list[tuple[TrustPath, ...]]:
        return [
            _merged([self.questions[number].search.paths for number in numbers])
            for numbers in self.asked
        ]

    def _of_rows(self, answers: Sequence[Any], index: pd.Index) -> pd.Series:
        cells = np.empty(len(answers), dtype=object)
        for code, answer in enumerate(
            answers
        ):  # at once, NumPy would take answers of one length for a matrix
            cells[code] = answer
        return pd.Series(cells[self.code], index=index, dtype="object")


def _merged(searches: Sequence[tuple[TrustPath, ...]]) -> tuple[TrustPath, ...]:
    """Return the paths by which a certificate is trusted that arrived with several chains."""
    if len(searches) == 1:
        return searches[0]
    if LISTED in searches:
        return LISTED
    every = {path for paths in searches for path in paths}
    return tuple(
        sorted(every, key=lambda path: (len(path.certificates), path.certificates))
    )


def _arrivals(
    leaves: pd.DataFrame, certificates: pd.DataFrame
) -> tuple[Codes, pd.Series]:
    """Return the row of each leaf once for every bundle in which it arrived, and these bundles."""
    every_row = np.arange(len(leaves))
    given = leaves["bundle"].reset_index(drop=True)
    arrived = certificates[["fingerprint", "bundle"]]
    again = (
        arrived["fingerprint"].duplicated(keep=False).to_numpy()
        & arrived.notna().all(axis=1).to_numpy()
    )
    arrived = (
        arrived[again].drop_duplicates().sort_values("fingerprint", ignore_index=True)
    )
    wanted = first_positions(
        leaves["fingerprint"].where(leaves["bundle"].notna()), arrived["fingerprint"]
    )
    several = np.flatnonzero(wanted >= 0)
    if not len(several):
        return every_row, given
    count = (
        arrived.groupby("fingerprint", sort=False)["bundle"]
        .transform("size")
        .to_numpy()
    )
    owner, number = repeat_ranges(count[wanted[several]])
    others = arrived["bundle"].take(wanted[several][owner] + number)
    rows = np.concatenate([every_row, several[owner]])
    return rows, pd.concat([given, others], ignore_index=True)


def _answered(
    leaves: pd.DataFrame,
    certificates: pd.DataFrame,
    trust: pd.DataFrame,
    links: pd.DataFrame | None,
) -> _Answered:
    rows, bundles = _arrivals(leaves, certificates)
    fingerprints = leaves["fingerprint"].iloc[rows].reset_index(drop=True)
    above, known = _completed(fingerprints, certificates, trust, links)
    # In one order, whatever that of files and rows is: it decides between paths that are as
    # good as each other.
    nodes = distinct(above, known.issuer).sort_values(ignore_index=True)
    signer_of_link = np.append(first_positions(known.issuer, nodes), -1)
    graph = Graph(
        nodes.tolist(),
        _der(nodes, certificates, trust),
        {
            node: int(signer)
            for node, signer in enumerate(
                signer_of_link[first_positions(nodes, known.child)]
            )
            if signer >= 0
        },
        frozenset(first_positions(known.undecided, nodes).tolist()),
    )
    signer = signer_of_link[known.row]
    own = first_positions(fingerprints, nodes)
    bundle, presented = _presented(bundles, certificates, nodes)
    pbx, lists = _lists(leaves["pbx"].iloc[rows], trust, nodes)
    kind, unsigned = _unsigned(
        fingerprints, signer < 0, certificates, trust, known.undecided
    )
    code, first = factorize_codes(signer, own, bundle, pbx, kind)
    facts = zip(
        *(each[first].tolist() for each in (signer, own, bundle, pbx, kind)),
        strict=True,
    )
    questions = [
        _question(
            None if above < 0 else above,
            None if node < 0 else node,
            presented[came_with],
            lists[whose],
            unsigned[how],
        )
        for above, node, came_with, whose, how in facts
    ]
    answers: list[tuple[Search | None, tuple[Names | None, ...]]]
    answers = [(_searched(graph, question), ()) for question in questions]
    constrained = np.isin(
        code, np.flatnonzero([search is None for search, _ in answers])
    )
    if constrained.any():
        texts = fingerprints[constrained]
        number, at = factorize_codes(
            code[constrained], first_positions(texts, distinct(texts))
        )
        asked = [questions[each] for each in code[constrained][at]]
        code[constrained] = number + len(answers)
        for question, der in zip(
            asked, _der(texts.iloc[at], certificates, trust), strict=True
        ):
            parts = structure(der or b"")
            leaf_names = (parts and names(parts, leaf=True),)
            answers.append((_searched(graph, question, leaf_names), leaf_names))
        questions += asked
    every = [
        _Asked(question, search or Search(()), leaf_names)
        for question, (search, leaf_names) in zip(questions, answers, strict=True)
    ]
    if len(rows) == len(leaves):
        return _Answered(
            graph, every, [(number,) for number in range(len(every))], code
        )
    number, sets = factorize_sets(rows, code)
    return _Answered(graph, every, [tuple(sorted(numbers)) for numbers in sets], number)


def trust_at(attempts: pd.DataFrame, moment: pd.Series) -> pd.DataFrame:
    """Return how each certificate is trusted at a moment, or why not.

    Parameters
    ----------
    attempts : DataFrame
        Columns trust_paths and trust_failure of `judge`, with any index.
    moment : Series
        UTC time stamps with that index.

    Returns
    -------
    DataFrame
        Index of `attempts`; trust_state (a key of `certtrust.schema.TRUST_STATES`; missing
        where the moment is, unless it does not matter) and trusted_by (fingerprint of the
        list's entry).

    Examples
    --------
    >>> one = pd.DataFrame({"fingerprint": ["00"], "trust_paths": [((("77",), 0, 9),)],
    ...                     "trust_failure": "expired CA"})
    >>> trust_at(one, pd.to_datetime(pd.Series([20]), unit="s", utc=True))["trust_state"].tolist()
    ['expired CA']
    """
    chosen, has_paths, flat = _chosen(attempts["trust_paths"], moment)
    found = chosen >= 0
    entries = pd.array(
        [path[0][-1] if path[0] else None for path in flat] + [None], dtype="str"
    )
    listed = np.array([not path[0] for path in flat] + [False], dtype=bool)
    states = (
        attempts["trust_failure"].astype(_STATES).cat.codes.to_numpy().astype(np.int64)
    )
    # Where ways are known, what is missing is one that is valid at that moment.
    states[(states < 0) & has_paths] = _PLACE["expired CA"]
    states[found] = _PLACE["chain"]
    states[listed[chosen]] = _PLACE["listed"]
    states[
        (chosen < 0) & moment.isna().to_numpy() & (states == _PLACE["expired CA"])
    ] = -1
    by = pd.Series(entries.take(chosen), index=attempts.index)
    if "fingerprint" in attempts and listed.any():
        itself = pc.if_else(
            pa.array(listed[chosen]), text(attempts["fingerprint"]), text(by)
        )
        by = pd.Series(pd.array(itself, dtype="str"), index=attempts.index)
    return pd.DataFrame(
        {"trust_state": _categories(states, attempts.index), "trusted_by": by},
        index=attempts.index,
    )


def path_at(attempts: pd.DataFrame, moment: pd.Series) -> pd.Series:
    """Return the path that holds at a moment.

    Parameters
    ----------
    attempts : DataFrame
        Columns fingerprint and trust_paths, with any index.
    moment : Series
        UTC time stamps with that index.

    Returns
    -------
    Series
        Lists of fingerprints from the certificate to the list's entry, one element where the
        certificate itself is listed, empty where no path holds.

    Examples
    --------
    >>> one = pd.DataFrame({"fingerprint": ["00"], "trust_paths": [((("77",), 0, 9),)]})
    >>> path_at(one, pd.to_datetime(pd.Series([0]), unit="s", utc=True)).tolist()
    [['00', '77']]
    """
    chosen, _, flat = _chosen(attempts["trust_paths"], moment)
    paths = [
        [fingerprint, *flat[place][0]] if place >= 0 else []
        for fingerprint, place in zip(
            attempts["fingerprint"], chosen.tolist(), strict=True
        )
    ]
    return pd.Series(paths, index=attempts.index, dtype="object")


def _chosen(
    column: pd.Series, moment: pd.Series
) -> tuple[Codes, npt.NDArray[np.bool_], list[TrustPath]]:
    """Return for each row its first path that covers the moment (-1 = none), whether it has
    any, and all paths.
    """
    code, paths_of_code = distinct_paths(column)
    flat = [path for paths in paths_of_code for path in paths]
    counts = np.array([len(paths) for paths in paths_of_code], dtype=np.int64)
    starts = (
        (np.cumsum(counts) - counts)[code] if len(code) else np.zeros(0, dtype=np.int64)
    )
    counts = counts[code]
    not_before, not_after = (
        np.array([path[end] for path in flat], dtype=np.int64) for end in (1, 2)
    )
    at = moment.astype("datetime64[us, UTC]").astype("int64").to_numpy()
    known = moment.notna().to_numpy()
    chosen = np.full(len(code), -1, dtype=np.int64)
    for rank in range(int(counts.max(initial=0))):
        rows = np.flatnonzero((chosen < 0) & (counts > rank))
        place = starts[rows] + rank
        anyway = not_before[place] == ALWAYS[0]
        holds = anyway | (
            known[rows]
            & (not_before[place] <= at[rows])
            & (at[rows] <= not_after[place])
        )
        chosen[rows[holds]] = place[holds]
    return chosen, counts > 0, flat


def failures(states: pd.Series, details: pd.Series) -> dict[str, pd.Series]:
    """Return why certificates are not trusted at that moment, and what exactly stands in the
    way.
    """
    codes = states.cat.codes.to_numpy()
    trusted = np.isin(codes, states.cat.categories.get_indexer(list(TRUSTED_STATES)))
    return {
        "trust_failure": _categories(np.where(trusted, -1, codes), states.index),
        "trust_detail": details.mask(trusted),
    }


def _categories(states: Codes, index: pd.Index) -> pd.Series:
    return pd.Series(pd.Categorical.from_codes(states, dtype=_STATES), index=index)


def _question(
    signer: int | None,
    own: int | None,
    presented: _Gathered,
    listed: _Gathered | None,
    unsigned: tuple[Name | None, Failure | None],
) -> Question:
    issuer_name, obstacle = unsigned
    entries = listed or _Gathered(frozenset())
    gap = Failure(LIST_GAP, entries.gap) if entries.gap else None
    if gap is None and presented.gap:
        gap = Failure(CHAIN_GAP, presented.gap)
    obstacle = obstacle or (Failure("no trust list") if listed is None else None)
    return Question(
        signer, own, presented.nodes, entries.nodes, issuer_name, obstacle, gap
    )


class _Gathered(NamedTuple):
    """The certificates of a list or of a bundle, and what of it could not be read."""

    nodes: frozenset[int]
    gap: str | None = None


def _searched(
    graph: Graph, question: Question, leaf_names: tuple[Names | None, ...] = ()
) -> Search | None:
    if question.own in question.listed and not (
        question.own in graph.unknown and _unusable(graph, question.own)
    ):
        return Search(LISTED)
    return Search(()) if question.obstacle else find(graph, question, leaf_names)


def _unusable(graph: Graph, node: int | None) -> bool:
    parts = None if node is None else graph.structure(node)
    return parts is not None and not usable(parts)


class _Links(NamedTuple):
    """Table LINKS and what is asked of it: the verified ones, the children that no answer was
    found for.
    """

    table: pd.DataFrame
    child: pd.Series
    issuer: pd.Series
    undecided: pd.Series
    row: Codes  # for each certificate asked for, its place among the verified, else -1


def _read(
    links: pd.DataFrame,
    asked: pd.Series,
    certificates: pd.DataFrame,
    trust: pd.DataFrame,
) -> _Links:
    # An issuer that is no longer at hand tells nothing of its key, which another one may have.
    rows = links[_at_hand(links["issuer"], certificates, trust)]
    answer = rows["verified"]
    verified = answer.fillna(False).to_numpy(dtype=bool)
    child, issuer = rows["child"][verified], rows["issuer"][verified]
    undecided = distinct(rows["child"][answer.isna()])
    return _Links(links, child, issuer, undecided, first_positions(asked, child))


def _at_hand(
    fingerprints: pd.Series, certificates: pd.DataFrame, trust: pd.DataFrame
) -> npt.NDArray[np.bool_]:
    """Return which certificates stand in one of the tables, and not by their fingerprint alone."""
    wanted = distinct(fingerprints)
    there = np.zeros(len(wanted) + 1, dtype=bool)
    for frame in (trust, certificates):
        there[first_positions(frame["fingerprint"][frame["der"].notna()], wanted)] = (
            True
        )
    there[-1] = False
    return there[first_positions(fingerprints, wanted)]


def _completed(
    asked: pd.Series,
    certificates: pd.DataFrame,
    trust: pd.DataFrame,
    links: pd.DataFrame | None,
) -> tuple[pd.Series, _Links]:
    """Return what may stand above others, and the links with what was missing for these and
    those asked for.
    """
    above = distinct(
        trust["fingerprint"],
        certificates["fingerprint"][candidates(certificates, trust)],
    )
    table = conform(empty(LINKS) if links is None else links, LINKS)
    known = _read(table, asked, certificates, trust)
    children = distinct(
        asked[known.row < 0], above[first_positions(above, known.child) < 0]
    )
    if len(children):
        table = extend(known.table, children, library(certificates, trust, children))
        # What was tried in vain changes nothing but the memory of it.
        in_vain = (
            not table["verified"].iloc[len(known.table) :].fillna(value=True).any()
        )
        known = (
            known._replace(table=table)
            if in_vain
            else _read(table, asked, certificates, trust)
        )
    return above, known


def _der(
    fingerprints: pd.Series, certificates: pd.DataFrame, trust: pd.DataFrame
) -> list[bytes | None]:
    """Return the DER of each certificate, None where it is not at hand."""
    wanted = distinct(fingerprints)
    found = np.full(len(wanted) + 1, None, dtype=object)
    for frame in (trust, certificates):
        place = first_positions(frame["fingerprint"], wanted)
        rows = np.flatnonzero(place >= 0)[::-1]
        der = frame["der"].to_numpy()[rows]
        there = pd.notna(der)
        found[place[rows[there]]] = der[there]
    found[-1] = None
    return [
        each if isinstance(each, bytes) else None
        for each in found[first_positions(fingerprints, wanted)]
    ]


def _presented(
    bundles: pd.Series, certificates: pd.DataFrame, nodes: pd.Series
) -> tuple[Codes, list[_Gathered]]:
    """Return for each row the number of what came with it, and the distinct ones."""
    number, sets = _came_with(bundles, certificates, nodes)
    gaps = _gaps(certificates, "bundle")
    gap = first_positions(bundles, gaps.index.to_series())
    code, first = factorize_codes(number, gap)
    gathered = [
        _Gathered(sets[each], None if which < 0 else gaps.iloc[which])
        for each, which in zip(number[first].tolist(), gap[first].tolist(), strict=True)
    ]
    return code, gathered


def unread(certificates: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return the rows of a table of certificates that stand for one that could not be read.

    Rows that say of a block that it is something else, and those of a file that holds nothing,
    are none.
    """
    missing = certificates["der"].isna()
    reported = certificates["parse_error"]
    if not (missing.any() or reported.notna().any()):
        return np.zeros(len(certificates), dtype=bool)
    # A row of which nothing is known says that a list is there and empty.
    somebody = reported.notna() | certificates[
        ["fingerprint", "subject", "subject_cn"]
    ].notna().any(axis=1)
    other = reported.str.contains(_NO_CERTIFICATE).fillna(value=False)
    rows = (missing & somebody & ~other).to_numpy(dtype=bool, copy=True)
    for row in np.flatnonzero((reported.notna() & ~missing).to_numpy()):
        rows[row] = structure(certificates["der"].iloc[row]) is None
    return rows


def _gaps(frame: pd.DataFrame, key: str) -> pd.Series:
    """Return what of each list or bundle could not be read; by the key, which may be missing."""
    rows = frame[unread(frame)]
    reason = rows["parse_error"].fillna(say("trust.reasons.only_listed"))
    source = rows["source"].fillna(say("trust.reasons.the_list"))
    named = pd.DataFrame({"certificate": source, "reason": reason}, index=rows.index)
    told = fill(sentences()["trust"]["reasons"]["of"], named).groupby(
        rows[key], dropna=False
    )
    return told.agg(lambda reasons: "; ".join(sorted(set(reasons))[:_REASONS]))


def _came_with(
    bundles: pd.Series, certificates: pd.DataFrame, nodes: pd.Series
) -> tuple[Codes, list[frozenset[int]]]:
    """Return for each row the number of the set of nodes that came with it, and the sets; the
    last one is empty.
    """
    node = first_positions(certificates["fingerprint"], nodes)
    rows = node >= 0
    holders = certificates["bundle"][rows]
    known = distinct(holders)
    holder = first_positions(holders, known)
    number, sets = factorize_sets(holder[holder >= 0], node[rows][holder >= 0])
    return np.append(number, len(sets))[first_positions(bundles, known)], [
        *sets,
        frozenset(),
    ]


def _lists(
    pbx: pd.Series, trust: pd.DataFrame, nodes: pd.Series
) -> tuple[Codes, list[_Gathered | None]]:
    """Return for each row the number of its PBX's trust list, and the distinct lists; None is a
    list that is not known.

    A row of TRUST without a fingerprint makes a list known that has no entry: it trusts
    nothing, unless the row says that something could not be read.
    """
    gaps = _gaps(trust, "pbx")
    everyone_gap = next(iter(gaps[gaps.index.isna()]), None)
    known = distinct(trust["pbx"])
    node, whose = (
        first_positions(trust["fingerprint"], nodes),
        first_positions(trust["pbx"], known),
    )
    everyone = frozenset(node[(whose < 0) & (node >= 0)].tolist())
    lists: dict[_Gathered | None, int] = {}
    number = np.zeros(len(known) + 1, dtype=np.int64)
    order = np.argsort(whose, kind="stable")
    bounds = np.searchsorted(whose[order], np.arange(len(known) + 1))
    for each in range(len(known)):
        entries = everyone.union(
            node[order[bounds[each] : bounds[each + 1]]].tolist()
        ) - {-1}
        gap = gaps.get(known.iloc[each], everyone_gap)
        number[each] = lists.setdefault(_Gathered(entries, gap), len(lists))
    rest = _Gathered(everyone, everyone_gap) if (whose < 0).any() else None
    number[-1] = lists.setdefault(rest, len(lists))
    return number[first_positions(pbx, known)], list(lists)


def _unsigned(
    fingerprints: pd.Series,
    concerned: npt.NDArray[np.bool_],
    certificates: pd.DataFrame,
    trust: pd.DataFrame,
    undecided: pd.Series,
) -> tuple[Codes, list[tuple[Name | None, Failure | None]]]:
    """Return for each certificate without a signer the number of its issuer's name and of what
    stands in the way.
    """
    if not concerned.any():
        return np.zeros(len(concerned), dtype=np.int64), [(None, None)]
    wanted = distinct(fingerprints[concerned])
    here = (
        np.maximum(
            first_positions(wanted, certificates["fingerprint"]),
            first_positions(wanted, trust["fingerprint"]),
        )
        >= 0
    )
    blocked = first_positions(wanted, undecided) >= 0
    structures = Structures([der or b"" for der in _der(wanted, certificates, trust)])
    by_itself = _signed_by_itself(wanted, certificates, trust) & ~blocked
    sound = here & ~blocked & structures.readable & ~by_itself
    number = np.ones(len(wanted) + 1, dtype=np.int64)
    number[np.flatnonzero(by_itself)] = 2
    kinds: list[tuple[Name | None, Failure | None]]
    kinds = [
        (None, None),
        (None, Failure("no certificate")),
        (None, Failure("self-signed")),
    ]
    unread_rows = np.flatnonzero(here & ~sound & ~by_itself)
    reasons = [_unreadable(structures[row]) for row in unread_rows.tolist()]
    code, distinct_reasons = pd.factorize(
        pd.Series(reasons, dtype="object"), use_na_sentinel=False
    )
    number[unread_rows] = code + len(kinds)
    kinds += [(None, Failure("unreadable", reason)) for reason in distinct_reasons]
    code, issuers = pd.factorize(
        pd.Series(structures.column("issuer", np.flatnonzero(sound)), dtype="object")
    )
    number[np.flatnonzero(sound)] = code + len(kinds)
    kinds += [(comparable(name), None) for name in issuers]
    return np.where(concerned, number[first_positions(fingerprints, wanted)], 0), kinds


def _unreadable(parts: Structure | None) -> str:
    if parts is None:
        return say("trust.reasons.malformed")
    return extensions_objection(parts) or say("trust.reasons.cannot_verify")


def _signed_by_itself(
    fingerprints: pd.Series, certificates: pd.DataFrame, trust: pd.DataFrame
) -> npt.NDArray[np.bool_]:
    """Return which certificates their readers found to be signed by their own key, whatever
    their names are.
    """
    signed = np.zeros(len(fingerprints), dtype=bool)
    for frame in (certificates, trust):
        own = frame["fingerprint"][as_mask(frame["is_self_signed"])]
        signed |= first_positions(fingerprints, own) >= 0
    return signed
