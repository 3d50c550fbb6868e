"""Paths: the ways from one certificate up to an entry of a trust list, within what was
presented and what is listed.
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
    """Return a number for each row and the paths of each number; rows alike share one object."""
    code, first = factorize_codes(object_codes(column))
    cells = column.to_numpy(dtype=object)
    return code, [from_data(cells[row]) for row in first]


@dataclass
class Graph:
    """The certificates that may stand above another one, by number, with the links that were
    verified.
    """

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
        """Return the certificates of the same name and key, this one included: whatever one
        signed, all did.
        """
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
        """Return the certificates that are the same holder's as a leaf: they issue nothing to
        it.
        """
        if node not in self._itself:
            self._itself[node] = (
                frozenset() if node is None else frozenset((node, *self.twins(node)))
            )
        return self._itself[node]

    def called(self, node: int) -> str:
        """Return a certificate's name for a sentence: its last CN, else the beginning of its
        fingerprint.
        """
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
    """Why a certificate is not trusted, or why that cannot be told."""

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
    """A certificate whose key verifies its signature, wherever that was found."""
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
    path: tuple[int, ...]
    length: (
        int  # how many of them count for a path length: those that are not self-issued
    )
    not_before: int
    not_after: int


def find(
    graph: Graph, question: Question, leaf_names: Sequence[Names | None] = ()
) -> Search | None:
    """Return the paths, best first: shortest, then in the order of the graph.

    None = they depend on the leaf's names.

    `leaf_names` is empty where they are not given, else holds one item; None in it stands for
    unreadable names.

    Steps are taken breadth first. A step to a certificate that was already reached with no more
    CAs below it and a span at least as wide can add nothing and is dropped, so that meshes of
    cross-signed CAs and loops end.
    """
    found: list[TrustPath] = []
    seen: dict[int, list[_Step]] = {}
    frontier = [_Step((), 0, *ALWAYS)]
    budget = limits.PATH_STEPS
    gave_up = None
    while (
        frontier
        and len(frontier[0].path) < limits.PATH_LENGTH
        and budget > 0
        and len(found) < _KEPT
    ):
        reached = []
        for step in frontier:
            for node in _above(graph, question, step.path[-1] if step.path else None):
                budget -= 1
                if budget < 0:
                    break
                who = graph.issuer(node)
                listed = node in question.listed
                if (
                    who is None
                    or node in step.path
                    or not _may_issue(who, step, listed=listed)
                ):
                    continue
                if who.constraints is not None:
                    if not leaf_names:
                        return None
                    below = _names_below(graph, step, leaf_names)
                    if any(too_many(who.constraints, each) for each in below):
                        gave_up = "too many names"
                        continue
                    if _outside(who.constraints, below) is not None:
                        continue
                ahead = _Step(
                    (*step.path, node),
                    step.length + (not who.self_issued),
                    max(step.not_before, who.not_before),
                    min(step.not_after, who.not_after),
                )
                if listed:
                    _keep(found, graph, ahead)
                    continue
                ways = seen.setdefault(node, [])
                if any(_covers(way, ahead, graph.constrained) for way in ways):
                    continue
                if len(ways) < _WAYS:
                    ways.append(ahead)
                    reached.append(ahead)
                else:
                    gave_up = TOO_LONG
        frontier = reached
    if len(found) < _KEPT and (
        budget <= 0 or any(_goes_on(graph, question, step) for step in frontier)
    ):
        gave_up = TOO_LONG
    return Search(tuple(found), gave_up)


def _goes_on(graph: Graph, question: Question, step: _Step) -> bool:
    """Return True where a further certificate may stand above those of a step."""
    ahead = (
        node for node in _above(graph, question, step.path[-1]) if node not in step.path
    )
    issuers = ((graph.issuer(node), node in question.listed) for node in ahead)
    return any(
        who is not None and _may_issue(who, step, listed=listed)
        for who, listed in issuers
    )


def _names_below(
    graph: Graph, step: _Step, leaf_names: Sequence[Names | None]
) -> list[Names | None]:
    return [
        *leaf_names,
        *(graph.names(node) for node in step.path if not _self_issued(graph, node)),
    ]


def _outside(limits: Constraints, below: Sequence[Names | None]) -> str | None:
    return next((reason for each in below if (reason := objection(limits, each))), None)


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
    reached: list[int | None] = [None]
    below: dict[int, int | None] = {}
    ends: list[int | None] = []
    seen: set[int | None] = set()
    states = set()
    while reached and len(seen) < limits.PATH_STEPS:
        node = reached.pop()
        above = [*_above(graph, question, node)]
        if node is not None and node in graph.signers(node):
            states.add("untrusted CA")
        listed = next((each for each in above if each in question.listed), None)
        if listed is not None and search.gave_up:
            return Failure(search.gave_up)
        if listed is not None:
            way = [listed, *_way_down(below, node)][::-1]
            return Failure(
                "issuer is no CA", _refused(graph, question, way, leaf_names)
            )
        if node is not None and node in graph.unknown:
            who = graph.issuer(node)
            if who is None or who.objection:
                return Failure(
                    "issuer is no CA",
                    _refused(graph, question, _way_down(below, node)[::-1], leaf_names),
                )
        if not above:
            ends.append(node)
        fresh = [each for each in above if each not in seen]
        seen.update(fresh)
        below.update(dict.fromkeys(fresh, node))
        reached += fresh
    if "untrusted CA" in states:
        return Failure("untrusted CA")
    unread = next(
        (node for node in ends if node is not None and node in graph.unknown), None
    )
    if unread is not None:
        return Failure(
            "unreadable", _reason(graph, unread, say("trust.reasons.cannot_verify"))
        )
    for node in ends:
        for other in graph.named(_issuer_name(graph, question, node)):
            who = graph.issuer(other)
            if other in graph.itself(question.own):
                continue
            says_ca = other in question.presented and (who is None or who.is_ca)
            if says_ca or other in question.listed:
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
        who = graph.issuer(node)
        reason = _objection(graph, question, step, node, leaf_names)
        if who is None or reason is not None:
            return _reason(graph, node, reason or say("trust.reasons.unreadable"))
        step = _Step((*step.path, node), step.length + (not who.self_issued), *ALWAYS)
    return None


def _reason(graph: Graph, node: int, reason: str) -> str:
    return say("trust.reasons.of", certificate=graph.called(node), reason=reason)


def _objection(
    graph: Graph,
    question: Question,
    step: _Step,
    node: int,
    leaf_names: Sequence[Names | None],
) -> str | None:
    who = graph.issuer(node)
    if who is None:
        return None
    if who.objection:
        return who.objection
    if not who.is_ca and node not in question.listed:
        return say("trust.reasons.no_ca")
    if who.path_length is not None and step.length > who.path_length:
        return say(
            "trust.reasons.path_length", path_length=who.path_length, count=step.length
        )
    if who.constraints is not None:
        return _outside(who.constraints, _names_below(graph, step, leaf_names))
    return None


def _signers(graph: Graph, question: Question, node: int | None) -> list[int]:
    if node is not None:
        return graph.signers(node)
    return [] if question.signer is None else graph.twins(question.signer)


def _above(graph: Graph, question: Question, node: int | None) -> Iterator[int]:
    """Yield the issuers of a certificate (None = the leaf) that are there: the list's first,
    then the presented.
    """
    itself = graph.itself(question.own)
    signers = [each for each in _signers(graph, question, node) if each not in itself]
    yield from (each for each in signers if each in question.listed)
    yield from (
        each
        for each in signers
        if each in question.presented and each not in question.listed
    )


def _issuer_name(graph: Graph, question: Question, node: int | None) -> Name | None:
    if node is None and question.signer is None:
        return question.issuer_name
    parts = graph.structure(node if node is not None else question.signer or 0)
    return (
        None
        if parts is None
        else comparable(parts.subject if node is None else parts.issuer)
    )


def _may_issue(who: Issuer, step: _Step, *, listed: bool) -> bool:
    allowed = who.objection is None and (who.is_ca or listed)
    return allowed and (who.path_length is None or step.length <= who.path_length)


def _self_issued(graph: Graph, node: int) -> bool:
    who = graph.issuer(node)
    return who is not None and who.self_issued


def _covers(one: _Step, other: _Step, constrained: bool) -> bool:
    """Tell whether `one` reaches whatever `other` may reach; under name constraints, with fewer
    names to bind.
    """
    return (
        one.length <= other.length
        and one.not_before <= other.not_before
        and one.not_after >= other.not_after
        and (not constrained or set(one.path) <= set(other.path))
    )


def _keep(found: list[TrustPath], graph: Graph, step: _Step) -> None:
    if not any(
        each.not_before <= step.not_before and each.not_after >= step.not_after
        for each in found
    ):
        certificates = tuple(graph.fingerprints[node] for node in step.path)
        found.append(TrustPath(certificates, step.not_before, step.not_after))
