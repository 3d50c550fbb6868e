"""Trust states: which entry of a trust list a certificate reaches, by which path and when.

The article's rule: the certificate itself is in the trust list, or any CA of its chain is. What
may complete a chain is what came in the same bundle as the certificate, and the list. Names,
keys and dates are judged by RFC 5280, section 6.1, as far as they concern the path; purposes,
policies and revocation are not checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
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
# Of a certificate that arrived with several chains, the reason of the best one is given.
_BEST_FIRST = (
    "self-signed",
    "expired CA",
    "issuer is no CA",
    "untrusted CA",
    "broken signature",
    "unknown CA",
)
_CODE: dict[str | None, int] = {
    state: code for code, state in enumerate(TRUST_STATES)
}


def link(
    certificates: pd.DataFrame, trust: pd.DataFrame, links: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return which certificate signed which, each signature verified once.

    Parameters
    ----------
    certificates, trust : DataFrame
        Tables CERTIFICATES and TRUST; the columns fingerprint, der, is_ca, subject and issuer
        are read.
    links : DataFrame, optional
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
    return _completed(certificates["fingerprint"], certificates, trust, links)[
        1
    ].table


def judge(
    leaves: pd.DataFrame,
    certificates: pd.DataFrame,
    trust: pd.DataFrame,
    links: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the ways from each certificate to the trust list of its PBX.

    Parameters
    ----------
    leaves : DataFrame
        What is judged, one row per certificate, with any index: fingerprint, bundle (its
        certificates came with it) and pbx (its list counts).
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
    answers = _answers(leaves, certificates, trust, links)
    failures = [_why_not(answers, numbers) for numbers in answers.sets]
    states = np.array(
        [_CODE.get(reason and reason.state, -1) for reason in failures],
        dtype=np.int64,
    )
    details = pd.array([reason and reason.detail for reason in failures], dtype="str")
    index = leaves.index
    return pd.DataFrame(
        {
            "trust_paths": answers.of_rows(list(map(as_data, answers.paths)), index),
            "trust_failure": _categories(states[answers.code], index),
            "trust_detail": pd.Series(details.take(answers.code), index=index),
        },
        index=index,
    )


def _why_not(answers: _Answers, numbers: Sequence[int]) -> Failure | None:
    """Return why none of these answers trusts a certificate, None where it is listed.

    What could not be read goes before what was, for it may hold the way that is missing.
    """
    failures = []
    for number in numbers:
        question, search, leaf_names = answers.answers[number]
        if search.paths == LISTED:
            return None
        failures.append(failure(answers.graph, question, search, leaf_names))
    return min(failures, key=_weight)


def _weight(reason: Failure) -> tuple[bool, int, str]:
    decided = reason.state not in UNDECIDED_STATES
    order = _BEST_FIRST if decided else UNDECIDED_STATES
    return decided, order.index(reason.state), reason.detail or ""


def trust_paths(
    leaves: pd.DataFrame,
    certificates: pd.DataFrame,
    trust: pd.DataFrame,
    links: pd.DataFrame | None = None,
) -> pd.Series:
    """Return the ways alone that `judge` finds, as tuples of TrustPath, without reasons."""
    answers = _answers(leaves, certificates, trust, links)
    return answers.of_rows(answers.paths, leaves.index)


class _Answer(NamedTuple):
    question: Question
    search: Search
    leaf_names: tuple[Names | None, ...]


class _Answers(NamedTuple):
    """The distinct questions with their answers, and the set of them that each row asks."""

    graph: Graph
    answers: list[_Answer]
    sets: list[tuple[int, ...]]
    code: Codes
    """The set of each row."""

    @property
    def paths(self) -> list[tuple[TrustPath, ...]]:
        """The paths of each set."""
        return [
            _merged([self.answers[number].search.paths for number in numbers])
            for numbers in self.sets
        ]

    def of_rows(self, values: Sequence[Any], index: pd.Index) -> pd.Series:
        """Return the value of each row's set; rows of one set share one object."""
        cells = np.empty(len(values), dtype=object)
        # In one assignment NumPy would take values of one length for a matrix.
        for code, value in enumerate(values):
            cells[code] = value
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
    rows = np.arange(len(leaves))
    bundles = leaves["bundle"].reset_index(drop=True)
    arrived = certificates[["fingerprint", "bundle"]]
    again = arrived["fingerprint"].duplicated(keep=False) & arrived.notna().all(
        axis=1
    )
    arrived = arrived[again.to_numpy()].drop_duplicates()
    arrived = arrived.sort_values("fingerprint", ignore_index=True)
    bundled = leaves["fingerprint"].where(leaves["bundle"].notna())
    first = first_positions(bundled, arrived["fingerprint"])
    several = np.flatnonzero(first >= 0)
    if not len(several):
        return rows, bundles
    by_fingerprint = arrived.groupby("fingerprint", sort=False)["bundle"]
    count = by_fingerprint.transform("size").to_numpy()[first[several]]
    owner, number = repeat_ranges(count)
    others = arrived["bundle"].take(first[several][owner] + number)
    return (
        np.concatenate([rows, several[owner]]),
        pd.concat([bundles, others], ignore_index=True),
    )


def _answers(
    leaves: pd.DataFrame,
    certificates: pd.DataFrame,
    trust: pd.DataFrame,
    links: pd.DataFrame | None,
) -> _Answers:
    rows, bundles = _arrivals(leaves, certificates)
    arrivals = pd.DataFrame(
        {
            "fingerprint": leaves["fingerprint"].array.take(rows),
            "bundle": bundles,
            "pbx": leaves["pbx"].array.take(rows),
        }
    )
    above, checked = _completed(arrivals["fingerprint"], certificates, trust, links)
    # In one order, whatever that of files and rows is: it decides between paths that are as
    # good as each other.
    nodes = distinct(above, checked.issuer).sort_values(ignore_index=True)
    signer = np.append(first_positions(checked.issuer, nodes), -1)
    signer_of_node = signer[first_positions(nodes, checked.child)].tolist()
    graph = Graph(
        nodes.tolist(),
        _der(nodes, certificates, trust),
        {node: above for node, above in enumerate(signer_of_node) if above >= 0},
        frozenset(first_positions(checked.undecided, nodes).tolist()),
    )
    code, questions = _questions(
        arrivals, signer[checked.row], nodes, certificates, trust, checked
    )
    searches = [_searched(graph, question) for question in questions]
    answers = [
        _Answer(question, search or Search(()), ())
        for question, search in zip(questions, searches, strict=True)
    ]
    needs_names = np.flatnonzero([search is None for search in searches])
    constrained = np.flatnonzero(np.isin(code, needs_names))
    if len(constrained):
        texts = arrivals["fingerprint"].iloc[constrained]
        leaf = first_positions(texts, distinct(texts))
        number, first = factorize_codes(code[constrained], leaf)
        again = [questions[number] for number in code[constrained][first].tolist()]
        code[constrained] = number + len(answers)
        ders = _der(texts.iloc[first], certificates, trust)
        for question, der in zip(again, ders, strict=True):
            parts = structure(der or b"")
            leaf_names = (parts and names(parts, leaf=True),)
            search = _searched(graph, question, leaf_names) or Search(())
            answers.append(_Answer(question, search, leaf_names))
    sets: list[tuple[int, ...]]
    if len(rows) == len(leaves):
        sets = [(number,) for number in range(len(answers))]
        return _Answers(graph, answers, sets, code)
    code, numbers = factorize_sets(rows, code)
    sets = [tuple(sorted(several)) for several in numbers]
    return _Answers(graph, answers, sets, code)


def _questions(
    arrivals: pd.DataFrame,
    signer: Codes,
    nodes: pd.Series,
    certificates: pd.DataFrame,
    trust: pd.DataFrame,
    checked: _Links,
) -> tuple[Codes, list[Question]]:
    """Return the code of each arrival's question, and the distinct questions."""
    own = first_positions(arrivals["fingerprint"], nodes)
    bundle, presented = _presented(arrivals["bundle"], certificates, nodes)
    pbx, lists = _lists(arrivals["pbx"], trust, nodes)
    kind, unsigned = _unsigned(
        arrivals["fingerprint"], signer < 0, certificates, trust, checked
    )
    columns = (signer, own, bundle, pbx, kind)
    code, first = factorize_codes(*columns)
    questions = [
        _question(
            None if above < 0 else above,
            None if node < 0 else node,
            presented[came_with],
            lists[number],
            unsigned[reason],
        )
        for above, node, came_with, number, reason in zip(
            *(column[first].tolist() for column in columns), strict=True
        )
    ]
    return code, questions


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
    chosen, has_paths, paths = _chosen(attempts["trust_paths"], moment)
    ends = [path.certificates[-1] if path.certificates else None for path in paths]
    is_listed = np.array([end is None for end in ends] + [False], dtype=bool)
    failure = attempts["trust_failure"].astype(_STATES)
    states = failure.cat.codes.to_numpy().astype(np.int64)
    # Where there are ways, what is missing is one that is valid at that moment.
    expired = _CODE["expired CA"]
    states[(states < 0) & has_paths] = expired
    states[chosen >= 0] = _CODE["chain"]
    states[is_listed[chosen]] = _CODE["listed"]
    states[(chosen < 0) & moment.isna().to_numpy() & (states == expired)] = -1
    by = pd.array([*ends, None], dtype="str").take(chosen)
    if "fingerprint" in attempts and is_listed.any():
        own = text(attempts["fingerprint"])
        by = pd.array(
            pc.if_else(is_listed[chosen], own, text(pd.Series(by))), dtype="str"
        )
    trusted_by = pd.Series(by, index=attempts.index)
    state = _categories(states, attempts.index)
    return pd.DataFrame({"trust_state": state, "trusted_by": trusted_by})


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
    chosen, _, paths = _chosen(attempts["trust_paths"], moment)
    chains = [
        [fingerprint, *paths[number].certificates] if number >= 0 else []
        for fingerprint, number in zip(
            attempts["fingerprint"], chosen.tolist(), strict=True
        )
    ]
    return pd.Series(chains, index=attempts.index, dtype="object")


def _chosen(
    column: pd.Series, moment: pd.Series
) -> tuple[Codes, npt.NDArray[np.bool_], list[TrustPath]]:
    """Return each row's first path that covers the moment, whether it has any, and all paths.

    The first is a number among all paths, -1 for none.
    """
    code, paths_of_code = distinct_paths(column)
    paths = [path for alternatives in paths_of_code for path in alternatives]
    count = np.array([len(alternatives) for alternatives in paths_of_code] or [0])
    start = (np.cumsum(count) - count)[code]
    count = count[code]
    not_before = np.array([path.not_before for path in paths], dtype=np.int64)
    not_after = np.array([path.not_after for path in paths], dtype=np.int64)
    at = moment.astype("datetime64[us, UTC]").astype("int64").to_numpy()
    has_moment = moment.notna().to_numpy()
    chosen = np.full(len(code), -1, dtype=np.int64)
    for rank in range(int(count.max(initial=0))):
        rows = np.flatnonzero((chosen < 0) & (count > rank))
        number = start[rows] + rank
        covers = (not_before[number] <= at[rows]) & (at[rows] <= not_after[number])
        holds = (not_before[number] == ALWAYS[0]) | (has_moment[rows] & covers)
        chosen[rows[holds]] = number[holds]
    return chosen, count > 0, paths


def failures(states: pd.Series, details: pd.Series) -> dict[str, pd.Series]:
    """Return why certificates are not trusted at a moment, and what exactly stands in the way."""
    codes = states.cat.codes.to_numpy()
    trusted = np.isin(
        codes, states.cat.categories.get_indexer(pd.Index(TRUSTED_STATES))
    )
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
    """Table LINKS, and what of it concerns some certificates."""

    table: pd.DataFrame
    child: pd.Series
    issuer: pd.Series
    """Of the verified links."""
    undecided: pd.Series
    """The children of which a signature cannot be checked."""
    crowded: pd.Series
    """Those among them whose issuer's name has too many keys to try."""
    row: Codes
    """For each certificate its position among the verified links, -1 for none."""


def _read(
    links: pd.DataFrame,
    fingerprints: pd.Series,
    certificates: pd.DataFrame,
    trust: pd.DataFrame,
) -> _Links:
    # An issuer that is no longer at hand says nothing of its key, which another one may have.
    rows = links[_at_hand(links["issuer"], certificates, trust)]
    answer = rows["verified"]
    verified = as_mask(answer)
    child, issuer = rows["child"][verified], rows["issuer"][verified]
    undecided = rows[answer.isna()]
    by_itself = undecided["child"] == undecided["issuer"]
    return _Links(
        links,
        child,
        issuer,
        distinct(undecided["child"]),
        distinct(undecided["child"][by_itself]),
        first_positions(fingerprints, child),
    )


def _at_hand(
    fingerprints: pd.Series, certificates: pd.DataFrame, trust: pd.DataFrame
) -> npt.NDArray[np.bool_]:
    """Return which certificates stand in a table, and not by their fingerprint alone."""
    wanted = distinct(fingerprints)
    at_hand = np.zeros(len(wanted) + 1, dtype=bool)
    for frame in (trust, certificates):
        with_der = frame["fingerprint"][frame["der"].notna()]
        at_hand[first_positions(with_der, wanted)] = True
    at_hand[-1] = False
    return at_hand[first_positions(fingerprints, wanted)]


def _completed(
    fingerprints: pd.Series,
    certificates: pd.DataFrame,
    trust: pd.DataFrame,
    links: pd.DataFrame | None,
) -> tuple[pd.Series, _Links]:
    """Return what may stand above others, and the links with what was missing.

    They are completed for the certificates themselves first, then for those above them.
    """
    may_stand_above = certificates["fingerprint"][candidates(certificates, trust)]
    above = distinct(trust["fingerprint"], may_stand_above)
    table = conform(empty(LINKS) if links is None else links, LINKS)
    checked = _read(table, fingerprints, certificates, trust)
    unsigned = distinct(fingerprints[checked.row < 0])
    unsigned_above = above[first_positions(above, checked.child) < 0]
    unsigned_above = unsigned_above[first_positions(unsigned_above, unsigned) < 0]
    children = distinct(unsigned, unsigned_above)
    if not len(children):
        return above, checked
    books = library(certificates, trust, children)
    for part in (unsigned, unsigned_above):
        table = extend(table, part, books)
    # What was tried in vain changes nothing but the memory of it.
    answers = table["verified"].iloc[len(checked.table) :]
    if not answers.fillna(value=True).any():
        return above, checked._replace(table=table)
    return above, _read(table, fingerprints, certificates, trust)


def _der(
    fingerprints: pd.Series, certificates: pd.DataFrame, trust: pd.DataFrame
) -> list[bytes | None]:
    """Return the DER of each certificate, None where it is not at hand."""
    wanted = distinct(fingerprints)
    ders = np.full(len(wanted) + 1, None, dtype=object)
    for frame in (trust, certificates):
        position = first_positions(frame["fingerprint"], wanted)
        rows = np.flatnonzero((position >= 0) & frame["der"].notna().to_numpy())[::-1]
        ders[position[rows]] = frame["der"].to_numpy()[rows]
    ders[-1] = None
    return [
        der if isinstance(der, bytes) else None
        for der in ders[first_positions(fingerprints, wanted)]
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
        _Gathered(sets[members], None if reason < 0 else gaps.iloc[reason])
        for members, reason in zip(
            number[first].tolist(), gap[first].tolist(), strict=True
        )
    ]
    return code, gathered


def unread(certificates: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return the rows that stand for a certificate that could not be read.

    Rows of a block that is something else, and of a file that holds nothing, do not.
    """
    missing = certificates["der"].isna().to_numpy()
    reported = certificates["parse_error"].notna().to_numpy()
    rows = np.zeros(len(certificates), dtype=bool)
    doubtful = np.flatnonzero(missing | reported)
    if not len(doubtful):
        return rows
    part = certificates[
        ["fingerprint", "subject", "subject_cn", "der", "parse_error"]
    ]
    part = part.iloc[doubtful]
    missing, reported = missing[doubtful], reported[doubtful]
    # A row of which nothing is known says that a list is there and empty.
    identity = part[["fingerprint", "subject", "subject_cn"]]
    is_something = reported | identity.notna().any(axis=1).to_numpy()
    other = part["parse_error"].str.contains(_NO_CERTIFICATE).fillna(value=False)
    rows[doubtful] = missing & is_something & ~other.to_numpy(dtype=bool)
    for row in doubtful[reported & ~missing]:
        rows[row] = structure(certificates["der"].iloc[row]) is None
    return rows


def _gaps(frame: pd.DataFrame, key: str) -> pd.Series:
    """Return what of each list or bundle could not be read; by the key, which may be missing."""
    rows = frame[unread(frame)]
    reason = rows["parse_error"].fillna(say("trust.reasons.only_listed"))
    source = rows["source"].fillna(say("trust.reasons.the_list"))
    words = pd.DataFrame({"certificate": source, "reason": reason}, index=rows.index)
    reasons = fill(sentences()["trust"]["reasons"]["of"], words)
    return reasons.groupby(rows[key], dropna=False).agg(
        lambda group: "; ".join(sorted(set(group))[:_REASONS])
    )


def _came_with(
    bundles: pd.Series, certificates: pd.DataFrame, nodes: pd.Series
) -> tuple[Codes, list[frozenset[int]]]:
    """Return for each row the number of the nodes that came with it, and their distinct sets.

    The last set is empty.
    """
    node = first_positions(certificates["fingerprint"], nodes)
    bundled = certificates["bundle"][node >= 0]
    bundle_names = distinct(bundled)
    bundle = first_positions(bundled, bundle_names)
    number, sets = factorize_sets(bundle[bundle >= 0], node[node >= 0][bundle >= 0])
    number = np.append(number, len(sets))
    return number[first_positions(bundles, bundle_names)], [*sets, frozenset()]


def _lists(
    pbx: pd.Series, trust: pd.DataFrame, nodes: pd.Series
) -> tuple[Codes, list[_Gathered | None]]:
    """Return for each row the number of its PBX's trust list, and the distinct lists.

    None is a list that is not known. A row of TRUST without a fingerprint makes a list known
    that has no entry: it trusts nothing, unless the row says that something could not be read.
    """
    gaps = _gaps(trust, "pbx")
    gap_of_all = next(iter(gaps[gaps.index.isna()]), None)
    gap_of = gaps.to_dict()
    pbxs = distinct(trust["pbx"])
    node = first_positions(trust["fingerprint"], nodes)
    list_of_row = first_positions(trust["pbx"], pbxs)
    in_all = frozenset(node[(list_of_row < 0) & (node >= 0)].tolist())
    lists: dict[_Gathered | None, int] = {}
    number = np.zeros(len(pbxs) + 1, dtype=np.int64)
    order = np.argsort(list_of_row, kind="stable")
    bounds = np.searchsorted(list_of_row[order], np.arange(len(pbxs) + 1))
    for position, name in enumerate(pbxs):
        rows = order[bounds[position] : bounds[position + 1]]
        entries = in_all.union(node[rows].tolist()) - {-1}
        gathered = _Gathered(entries, gap_of.get(name, gap_of_all))
        number[position] = lists.setdefault(gathered, len(lists))
    rest = _Gathered(in_all, gap_of_all) if (list_of_row < 0).any() else None
    number[-1] = lists.setdefault(rest, len(lists))
    return number[first_positions(pbx, pbxs)], list(lists)


def _unsigned(
    fingerprints: pd.Series,
    concerned: npt.NDArray[np.bool_],
    certificates: pd.DataFrame,
    trust: pd.DataFrame,
    checked: _Links,
) -> tuple[Codes, list[tuple[Name | None, Failure | None]]]:
    """Return for each certificate without a signer its issuer's name, or what stands in the way.

    It is a number of each certificate, and the distinct pairs.
    """
    kinds: list[tuple[Name | None, Failure | None]] = [
        (None, None),
        (None, Failure("no certificate")),
        (None, Failure("self-signed")),
    ]
    if not concerned.any():
        return np.zeros(len(concerned), dtype=np.int64), kinds[:1]
    wanted = distinct(fingerprints[concerned])
    present = np.zeros(len(wanted), dtype=bool)
    for frame in (certificates, trust):
        present |= first_positions(wanted, frame["fingerprint"]) >= 0
    blocked = first_positions(wanted, checked.undecided) >= 0
    crowded = first_positions(wanted, checked.crowded) >= 0
    structures = Structures([der or b"" for der in _der(wanted, certificates, trust)])
    by_itself = _signed_by_itself(wanted, certificates, trust) & ~blocked
    sound = present & ~blocked & structures.readable & ~by_itself
    number = np.ones(len(wanted) + 1, dtype=np.int64)
    number[np.flatnonzero(by_itself)] = 2
    unread_rows = np.flatnonzero(present & ~sound & ~by_itself)
    reasons = [
        _unreadable(structures[row], crowded=bool(crowded[row]))
        for row in unread_rows.tolist()
    ]
    code, distinct_reasons = pd.factorize(
        pd.Series(reasons, dtype="object"), use_na_sentinel=False
    )
    number[unread_rows] = code + len(kinds)
    kinds += [(None, Failure("unreadable", reason)) for reason in distinct_reasons]
    sound_rows = np.flatnonzero(sound)
    code, issuers = pd.factorize(
        pd.Series(structures.column("issuer", sound_rows), dtype="object")
    )
    number[sound_rows] = code + len(kinds)
    kinds += [(comparable(name), None) for name in issuers]
    return np.where(
        concerned, number[first_positions(fingerprints, wanted)], 0
    ), kinds


def _unreadable(parts: Structure | None, *, crowded: bool) -> str:
    if parts is None:
        return say("trust.reasons.malformed")
    reason = "too_many_keys" if crowded else "cannot_verify"
    return extensions_objection(parts) or say(f"trust.reasons.{reason}")


def _signed_by_itself(
    fingerprints: pd.Series, certificates: pd.DataFrame, trust: pd.DataFrame
) -> npt.NDArray[np.bool_]:
    """Return which certificates their readers report as signed by their own key."""
    signed = np.zeros(len(fingerprints), dtype=bool)
    for frame in (certificates, trust):
        own = frame["fingerprint"][as_mask(frame["is_self_signed"])]
        signed |= first_positions(fingerprints, own) >= 0
    return signed
