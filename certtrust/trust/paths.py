"""Paths: the ways up from a certificate to an entry of a trust list.

They lead through what was presented with it and what is listed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .. import limits
from ..arrays.grouping import Codes, factorize_codes, object_codes
from ..texts.sentences import say
from ..x509.columnar_structure import Structures
from ..x509.distinguished_names import COMMON_NAME, Name, comparable, texts
from ..x509.oids import NAME_CONSTRAINTS
from ..x509.structure import Structure, structure
from .issuers import ALWAYS, Issuer, issuer
from .name_constraints import Constraints, Names, names, objection, too_many

# Ways to one CA that are followed further, and paths that are kept: far above what a real chain
# needs.
_WAYS, _KEPT = 64, 16


class TrustPath(NamedTuple):
    """A way from a certificate to an entry of the trust list, and when it holds."""

    certificates: tuple[str, ...]
    """Fingerprints above the leaf, the list's entry last; empty where the leaf itself is listed."""
    not_before: int
    not_after: int
    """First and last moment at which all of these are valid, in microseconds since the epoch."""


LISTED = (TrustPath((), *ALWAYS),)
TOO_LONG = "chain too long"
LIST_GAP, CHAIN_GAP = "incomplete trust list", "incomplete chain"


def as_data(paths: Sequence[TrustPath]) -> list[dict[str, Any]]:
    """Return paths as the plain values that stand in a column of table ATTEMPTS."""
    return [
        {**path._asdict(), "certificates": list(path.certificates)} for path in paths
    ]


def from_data(cell: Any) -> tuple[TrustPath, ...]:
    """Return the paths in a cell, also of a file that pandas read; a missing cell has none."""
    if not isinstance(cell, list | tuple | np.ndarray):
        return ()
    return tuple(
        path
        if isinstance(path, TrustPath)
        else TrustPath(
            tuple(path["certificates"]), path["not_before"], path["not_after"]
        )
        if isinstance(path, dict)
        else TrustPath(*path)
        for path in cell
    )


def distinct_paths(column: pd.Series) -> tuple[Codes, list[tuple[TrustPath, ...]]]:
    """Return each row's number, equal where rows share one object, and each number's paths."""
    code, first = factorize_codes(object_codes(column))
    cells = column.to_numpy(dtype=object)
    return code, [from_data(cells[row]) for row in first]


@dataclass
class Graph:
    """The certificates that may stand above another one, by number, and the verified links."""

    fingerprints: list[str]
    der: list[bytes | None]
    signer: dict[int, int]
    unknown: frozenset[int]
    _structures: dict[int, Structure | None] = field(default_factory=dict)
    _issuers: dict[int, Issuer | None] = field(default_factory=dict)
    _names: dict[int, Names | None] = field(default_factory=dict)
    _itself: dict[int | None, frozenset[int]] = field(default_factory=dict)
    _by_key: dict[bytes, list[int]] = field(default_factory=dict)
    _by_name: dict[Name | None, list[int]] = field(default_factory=dict)

    def structure(self, node: int) -> Structure | None:
        """Return the structure of a certificate."""
        if node not in self._structures:
            der = self.der[node]
            self._structures[node] = None if der is None else structure(der)
        return self._structures[node]

    def issuer(self, node: int) -> Issuer | None:
        """Return what a certificate says of its right to issue."""
        if node not in self._issuers:
            parts = self.structure(node)
            self._issuers[node] = None if parts is None else issuer(parts)
        return self._issuers[node]

    def names(self, node: int) -> Names | None:
        """Return the names of a CA that constraints may speak of."""
        if node not in self._names:
            parts = self.structure(node)
            self._names[node] = None if parts is None else names(parts, leaf=False)
        return self._names[node]

    @cached_property
    def constrained(self) -> bool:
        """Whether any of the certificates carries name constraints."""
        return any(der is not None and NAME_CONSTRAINTS in der for der in self.der)

    @cached_property
    def _structures_of_all(self) -> Structures:
        return Structures([der or b"" for der in self.der])

    def _parts(self, part: str) -> Iterator[tuple[int, bytes]]:
        rows = np.flatnonzero(self._structures_of_all.readable)
        return zip(
            rows.tolist(), self._structures_of_all.column(part, rows), strict=True
        )

    def twins(self, node: int) -> list[int]:
        """Return the certificates of the same name and key: whatever one signed, all did."""
        own = self.structure(node)
        if own is None:
            return []
        if not self._by_key:
            for other, key in self._parts("public_key"):
                self._by_key.setdefault(key, []).append(other)
        same_key = self._by_key[own.public_key]
        if len(same_key) == 1:
            return same_key
        name = comparable(own.subject)
        subjects = ((other, self.structure(other)) for other in same_key)
        return [
            other
            for other, parts in subjects
            if parts is not None and comparable(parts.subject) == name
        ]

    def itself(self, node: int | None) -> frozenset[int]:
        """Return the certificates of a leaf's own holder: they issue nothing to it."""
        if node not in self._itself:
            self._itself[node] = (
                frozenset() if node is None else frozenset((node, *self.twins(node)))
            )
        return self._itself[node]

    def called(self, node: int) -> str:
        """Return a certificate's name for a sentence: its last CN, else its fingerprint's head."""
        parts = self.structure(node)
        common_names = [] if parts is None else texts(parts.subject, COMMON_NAME)
        name = common_names[-1] if common_names else self.fingerprints[node][:8]
        return say("trust.reasons.ca", name=name)

    def signers(self, node: int) -> list[int]:
        """Return the certificates whose key verifies this one's signature."""
        signer = self.signer.get(node)
        return [] if signer is None else self.twins(signer)

    def named(self, name: Name | None) -> list[int]:
        """Return the certificates with this subject."""
        if not self._by_name:
            for node, subject in self._parts("subject"):
                self._by_name.setdefault(comparable(subject), []).append(node)
        return self._by_name.get(name, [])


class Failure(NamedTuple):
    """Why a certificate is not trusted, or why that is not known."""

    state: str
    """A key of `certtrust.schema.TRUST_STATES`."""
    detail: str | None = None


class Search(NamedTuple):
    """The paths, best first, and what kept the search from being complete."""

    paths: tuple[TrustPath, ...]
    gave_up: str | None = None
    """A key of `certtrust.schema.TRUST_STATES`."""


@dataclass(frozen=True)
class Question:
    """What the ways up from a certificate depend on, besides its names."""

    signer: int | None
    """A certificate whose key verifies its signature, be it presented or not."""
    own: int | None
    """Its own number, where it has one."""
    presented: Collection[int]
    listed: Collection[int]
    issuer_name: Name | None = None
    """Where there is no signer."""
    obstacle: Failure | None = None
    """Why it cannot be judged at all."""
    gap: Failure | None = None
    """What of the list, or of what came with it, could not be read."""


class _Step(NamedTuple):
    """The CAs of a way, from the leaf up."""

    path: tuple[int, ...]
    length: int
    """How many of them count for a path length: those that are not self-issued."""
    not_before: int
    not_after: int


class _NeedsLeafNamesError(Exception):
    """The paths depend on the names of the leaf."""


def find(
    graph: Graph, question: Question, leaf_names: Sequence[Names | None] = ()
) -> Search | None:
    """Return the paths, best first: shortest, then in the order of the graph.

    Parameters
    ----------
    graph : Graph
        All certificates, with their links.
    question : Question
        What the paths depend on.
    leaf_names : sequence of Names or None
        Empty where they are not given, else one item; None stands for unreadable names.

    Returns
    -------
    Search or None
        None where the paths depend on the leaf's names and these are not given.

    Notes
    -----
    Steps are taken breadth first. A step to a certificate that was already reached with no more
    CAs below it and a span at least as wide can add nothing and is dropped, so that meshes of
    cross-signed CAs and loops end.
    """
    try:
        return _Climb(graph, question, leaf_names).search()
    except _NeedsLeafNamesError:
        return None


class _Climb:
    """The search for the paths of one certificate."""

    def __init__(
        self, graph: Graph, question: Question, leaf_names: Sequence[Names | None]
    ) -> None:
        self.graph = graph
        self.question = question
        self.leaf_names = leaf_names
        self.paths: list[TrustPath] = []
        self.ways: dict[int, list[_Step]] = {}
        self.budget = limits.PATH_STEPS
        self.gave_up: str | None = None

    def search(self) -> Search:
        frontier = [_Step((), 0, *ALWAYS)]
        while (
            frontier
            and len(frontier[0].path) < limits.PATH_LENGTH
            and self.budget > 0
            and len(self.paths) < _KEPT
        ):
            frontier = [ahead for step in frontier for ahead in self._beyond(step)]
        if len(self.paths) < _KEPT and (
            self.budget <= 0
            or any(_goes_on(self.graph, self.question, step) for step in frontier)
        ):
            self.gave_up = TOO_LONG
        return Search(tuple(self.paths), self.gave_up)

    def _beyond(self, step: _Step) -> Iterator[_Step]:
        """Yield the steps that go on from one, and keep the paths that end with the next CA."""
        top = step.path[-1] if step.path else None
        for node in _above(self.graph, self.question, top):
            self.budget -= 1
            if self.budget < 0:
                return
            listed = node in self.question.listed
            ahead = self._step_to(node, step, listed=listed)
            if ahead is None:
                continue
            if listed:
                self._keep(ahead)
                continue
            ways = self.ways.setdefault(node, [])
            if any(_covers(way, ahead, self.graph.constrained) for way in ways):
                continue
            if len(ways) < _WAYS:
                ways.append(ahead)
                yield ahead
            else:
                self.gave_up = TOO_LONG

    def _step_to(self, node: int, step: _Step, *, listed: bool) -> _Step | None:
        """Return a way with one more CA, None where that may not issue what is below it."""
        ca = self.graph.issuer(node)
        if ca is None or node in step.path or not _may_issue(ca, step, listed=listed):
            return None
        if ca.constraints is not None:
            if not self.leaf_names:
                raise _NeedsLeafNamesError
            below = _names_below(self.graph, step, self.leaf_names)
            if any(too_many(ca.constraints, names) for names in below):
                self.gave_up = "too many names"
                return None
            if _outside(ca.constraints, below) is not None:
                return None
        return _Step(
            (*step.path, node),
            step.length + (not ca.self_issued),
            max(step.not_before, ca.not_before),
            min(step.not_after, ca.not_after),
        )

    def _keep(self, step: _Step) -> None:
        """Keep a path, unless one that is as good holds for at least as long."""
        if not any(
            path.not_before <= step.not_before and path.not_after >= step.not_after
            for path in self.paths
        ):
            certificates = tuple(self.graph.fingerprints[node] for node in step.path)
            span = step.not_before, step.not_after
            self.paths.append(TrustPath(certificates, *span))


def _goes_on(graph: Graph, question: Question, step: _Step) -> bool:
    """Return whether a further certificate may stand above those of a step."""
    for node in _above(graph, question, step.path[-1]):
        ca = graph.issuer(node)
        listed = node in question.listed
        if node not in step.path and ca and _may_issue(ca, step, listed=listed):
            return True
    return False


def _names_below(
    graph: Graph, step: _Step, leaf_names: Sequence[Names | None]
) -> list[Names | None]:
    cas = (graph.names(node) for node in step.path if not _self_issued(graph, node))
    return [*leaf_names, *cas]


def _outside(constraints: Constraints, below: Sequence[Names | None]) -> str | None:
    reasons = (objection(constraints, names) for names in below)
    return next((reason for reason in reasons if reason), None)


def failure(
    graph: Graph,
    question: Question,
    search: Search,
    leaf_names: Sequence[Names | None] = (),
) -> Failure:
    """Return why a certificate is not trusted while none of its paths is valid."""
    if question.obstacle:
        return question.obstacle
    if question.own is not None and question.own in _signers(graph, question, None):
        return (
            question.gap
            if question.gap and question.gap.state == LIST_GAP
            else Failure("self-signed")
        )
    if question.gap:
        return question.gap
    if search.paths:
        return Failure(search.gave_up or "expired CA")
    if search.gave_up == TOO_LONG:
        return Failure(TOO_LONG)
    return _broken_way(graph, question, search, leaf_names)


def _broken_way(
    graph: Graph,
    question: Question,
    search: Search,
    leaf_names: Sequence[Names | None],
) -> Failure:
    """Return where the ways up end, or what in them forbids to go on."""
    to_visit: list[int | None] = [None]
    below: dict[int, int | None] = {}
    ends: list[int | None] = []
    seen: set[int | None] = set()
    reaches_root = False
    while to_visit and len(seen) < limits.PATH_STEPS:
        node = to_visit.pop()
        above = [*_above(graph, question, node)]
        reaches_root |= node is not None and node in graph.signers(node)
        listed = next((issuer for issuer in above if issuer in question.listed), None)
        if listed is not None and search.gave_up:
            return Failure(search.gave_up)
        refused = [] if listed is None else [listed]
        if refused or _is_unusable_ca(graph, node):
            way = [*refused, *_way_down(below, node)][::-1]
            reason = _refused(graph, question, way, leaf_names)
            return Failure("issuer is no CA", reason)
        if not above:
            ends.append(node)
        fresh = [issuer for issuer in above if issuer not in seen]
        seen.update(fresh)
        below.update(dict.fromkeys(fresh, node))
        to_visit += fresh
    if reaches_root:
        return Failure("untrusted CA")
    return _end_of_way(graph, question, ends)


def _is_unusable_ca(graph: Graph, node: int | None) -> bool:
    if node is None or node not in graph.unknown:
        return False
    ca = graph.issuer(node)
    return ca is None or ca.objection is not None


def _end_of_way(
    graph: Graph, question: Question, ends: Sequence[int | None]
) -> Failure:
    """Return why nothing stands above the ends of all ways."""
    for node in ends:
        if node is not None and node in graph.unknown:
            reason = _reason(graph, node, say("trust.reasons.cannot_verify"))
            return Failure("unreadable", reason)
    for node in ends:
        for namesake in graph.named(_issuer_name(graph, question, node)):
            if namesake in graph.itself(question.own):
                continue
            ca = graph.issuer(namesake)
            says_ca = namesake in question.presented and (ca is None or ca.is_ca)
            if says_ca or namesake in question.listed:
                return Failure("broken signature")
    return Failure("unknown CA")


def _way_down(below: dict[int, int | None], node: int | None) -> list[int]:
    """Return a certificate and those between it and the leaf, the lowest last."""
    way = []
    while node is not None:
        way.append(node)
        node = below.get(node)
    return way


def _refused(
    graph: Graph,
    question: Question,
    way: Sequence[int],
    leaf_names: Sequence[Names | None],
) -> str | None:
    """Return which certificate of a way may not issue, and why."""
    step = _Step((), 0, *ALWAYS)
    for node in way:
        ca = graph.issuer(node)
        listed = node in question.listed
        reason = _objection(graph, ca, step, leaf_names, listed=listed)
        if ca is None or reason is not None:
            return _reason(graph, node, reason or say("trust.reasons.unreadable"))
        step = _Step((*step.path, node), step.length + (not ca.self_issued), *ALWAYS)
    return None


def _reason(graph: Graph, node: int, reason: str) -> str:
    return say("trust.reasons.of", certificate=graph.called(node), reason=reason)


def _objection(
    graph: Graph,
    ca: Issuer | None,
    step: _Step,
    leaf_names: Sequence[Names | None],
    *,
    listed: bool,
) -> str | None:
    """Return why a CA may not stand above the certificates of a step, None where it may."""
    if ca is None or ca.objection:
        return ca and ca.objection
    if not ca.is_ca and not listed:
        return say("trust.reasons.no_ca")
    if ca.path_length is not None and step.length > ca.path_length:
        words = {"path_length": ca.path_length, "count": step.length}
        return say("trust.reasons.path_length", **words)
    if ca.constraints is not None:
        return _outside(ca.constraints, _names_below(graph, step, leaf_names))
    return None


def _signers(graph: Graph, question: Question, node: int | None) -> list[int]:
    if node is not None:
        return graph.signers(node)
    return [] if question.signer is None else graph.twins(question.signer)


def _above(graph: Graph, question: Question, node: int | None) -> Iterator[int]:
    """Yield the issuers of a certificate (None = the leaf), the list's first.

    They stand in the list, or came with the leaf.
    """
    itself = graph.itself(question.own)
    signers = [
        signer for signer in _signers(graph, question, node) if signer not in itself
    ]
    listed = [signer for signer in signers if signer in question.listed]
    yield from listed
    for signer in signers:
        if signer in question.presented and signer not in question.listed:
            yield signer


def _issuer_name(graph: Graph, question: Question, node: int | None) -> Name | None:
    if node is None and question.signer is None:
        return question.issuer_name
    parts = graph.structure(node if node is not None else question.signer or 0)
    return (
        None
        if parts is None
        else comparable(parts.subject if node is None else parts.issuer)
    )


def _may_issue(ca: Issuer, step: _Step, *, listed: bool) -> bool:
    allowed = ca.objection is None and (ca.is_ca or listed)
    return allowed and (ca.path_length is None or step.length <= ca.path_length)


def _self_issued(graph: Graph, node: int) -> bool:
    ca = graph.issuer(node)
    return ca is not None and ca.self_issued


def _covers(one: _Step, other: _Step, constrained: bool) -> bool:
    """Return whether `one` reaches whatever `other` may reach.

    Under name constraints it must bind no further names.
    """
    return (
        one.length <= other.length
        and one.not_before <= other.not_before
        and one.not_after >= other.not_after
        and (not constrained or set(one.path) <= set(other.path))
    )
