"""Paths: the ways from one certificate up to an entry of a trust list, within what was presented and what is listed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..arrays.grouping import Codes, combine, same_objects
from ..x509.columnar_structure import Outlines
from ..x509.distinguished_names import Name, comparable
from ..x509.extensions import NAME_CONSTRAINTS
from ..x509.structure import Outline, outline
from .issuers import ALWAYS, Issuer, issuer
from .name_constraints import Names, allowed, names

# Bounds on the work for one certificate, far above what a real chain needs: certificates above the leaf,
# steps from a certificate to an issuer, ways to one CA that are followed further, paths that are kept.
_LONGEST, _STEPS, _WAYS, _KEPT = 32, 20_000, 64, 16


class TrustPath(NamedTuple):
    """A way from a certificate to an entry of the trust list, and when it holds."""

    certificates: tuple[str, ...]
    """Fingerprints above the leaf, the list's entry last; empty where the leaf itself is listed."""
    not_before: int
    not_after: int
    """First and last moment at which all of these are valid, in microseconds since the epoch."""


LISTED = (TrustPath((), *ALWAYS),)


def as_data(paths: Sequence[TrustPath]) -> list[dict[str, Any]]:
    """Return paths as the plain values that stand in a column of table ATTEMPTS."""
    return [{**path._asdict(), "certificates": list(path.certificates)} for path in paths]


def from_data(cell: Any) -> tuple[TrustPath, ...]:
    """Return the paths in a cell, also of a file that pandas read; a missing cell has none."""
    if not isinstance(cell, list | tuple | np.ndarray):
        return ()
    return tuple(
        path
        if isinstance(path, TrustPath)
        else TrustPath(tuple(path["certificates"]), path["not_before"], path["not_after"])
        if isinstance(path, dict)
        else TrustPath(*path)
        for path in cell
    )


def distinct_paths(column: pd.Series) -> tuple[Codes, list[tuple[TrustPath, ...]]]:
    """Return a number for each row and the paths of each number; rows alike share one object."""
    code, first = combine(same_objects(column))
    cells = column.to_numpy(dtype=object)
    return code, [from_data(cells[row]) for row in first]


@dataclass
class Graph:
    """The certificates that may stand above another one, by number, with the links that were verified."""

    fingerprints: list[str]
    der: list[bytes | None]
    signer: dict[int, int]
    unknown: frozenset[int]
    _outlines: dict[int, Outline | None] = field(default_factory=dict)
    _issuers: dict[int, Issuer | None] = field(default_factory=dict)
    _names: dict[int, Names | None] = field(default_factory=dict)
    _by_key: dict[bytes, list[int]] = field(default_factory=dict)
    _by_name: dict[Name | None, list[int]] = field(default_factory=dict)

    def outline(self, node: int) -> Outline | None:
        """Return the outline of a certificate."""
        if node not in self._outlines:
            der = self.der[node]
            self._outlines[node] = None if der is None else outline(der)
        return self._outlines[node]

    def issuer(self, node: int) -> Issuer | None:
        """Return what a certificate says of its right to issue."""
        if node not in self._issuers:
            parts = self.outline(node)
            self._issuers[node] = None if parts is None else issuer(parts)
        return self._issuers[node]

    def names(self, node: int) -> Names | None:
        """Return the names of a CA that constraints may speak of."""
        if node not in self._names:
            parts = self.outline(node)
            self._names[node] = None if parts is None else names(parts, leaf=False)
        return self._names[node]

    @cached_property
    def constrained(self) -> bool:
        """Whether any of the certificates carries name constraints."""
        return any(der is not None and NAME_CONSTRAINTS in der for der in self.der)

    @cached_property
    def _outlined(self) -> Outlines:
        return Outlines([der or b"" for der in self.der])

    def _parts(self, part: str) -> Iterator[tuple[int, bytes]]:
        rows = np.flatnonzero(self._outlined.known)
        return zip(rows.tolist(), self._outlined.column(part, rows), strict=True)

    def twins(self, node: int) -> list[int]:
        """Return the certificates of the same name and key, this one included: whatever one signed, all did."""
        own = self.outline(node)
        if own is None:
            return []
        if not self._by_key:
            for other, key in self._parts("public_key"):
                self._by_key.setdefault(key, []).append(other)
        same_key = self._by_key[own.public_key]
        if len(same_key) == 1:
            return same_key
        name = comparable(own.subject)
        subjects = ((other, self.outline(other)) for other in same_key)
        return [other for other, parts in subjects if parts is not None and comparable(parts.subject) == name]

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
    obstacle: str | None = None
    """Why it cannot be judged at all: a trust state."""


class _Step(NamedTuple):
    path: tuple[int, ...]
    length: int  # how many of them count for a path length: those that are not self-issued
    not_before: int
    not_after: int


def find(graph: Graph, question: Question, leaf_names: Sequence[Names | None] = ()) -> tuple[TrustPath, ...] | None:
    """Return the paths, best first: shortest, then in the order of the list. None = they depend on the leaf's names.

    `leaf_names` is empty where they are not given, else holds one item; None in it stands for unreadable names.

    Steps are taken breadth first. A step to a certificate that was already reached with no more CAs below it
    and a span at least as wide can add nothing and is dropped, so that meshes of cross-signed CAs and loops end.
    """
    found: list[TrustPath] = []
    seen: dict[int, list[_Step]] = {}
    frontier = [_Step((), 0, *ALWAYS)]
    budget = _STEPS
    while frontier and len(frontier[0].path) < _LONGEST and budget > 0 and len(found) < _KEPT:
        reached = []
        for step in frontier:
            for node in _above(graph, question, step.path[-1] if step.path else None):
                budget -= 1
                if budget < 0:
                    break
                who = graph.issuer(node)
                listed = node in question.listed
                if who is None or node in step.path or not _may_issue(who, step, listed=listed):
                    continue
                if who.constraints is not None:
                    if not leaf_names:
                        return None
                    below = (*leaf_names, *(graph.names(each) for each in step.path if not _self_issued(graph, each)))
                    if not all(allowed(who.constraints, each) for each in below):
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
                if len(ways) < _WAYS and not any(_covers(way, ahead, graph.constrained) for way in ways):
                    ways.append(ahead)
                    reached.append(ahead)
        frontier = reached
    return tuple(found)


def failure(graph: Graph, question: Question) -> str:
    """Return why a certificate without a path has none: a key of `certtrust.schema.TRUST_STATES`."""
    if question.obstacle:
        return question.obstacle
    reached: list[int | None] = [None]
    ends: list[int | None] = []
    seen: set[int | None] = set()
    states = set()
    while reached and len(seen) < _STEPS:
        node = reached.pop()
        above = [*_above(graph, question, node)]
        if node is None and question.own is not None and question.own in _signers(graph, question, None):
            return "self-signed"
        if node is not None and node in graph.signers(node):
            states.add("untrusted CA")
        who = None if node is None else graph.issuer(node)
        if any(each in question.listed for each in above) or (node in graph.unknown and not (who and who.may_issue)):
            return "issuer is no CA"
        if not above:
            ends.append(node)
        fresh = [each for each in above if each not in seen]
        seen.update(fresh)
        reached += fresh
    if "untrusted CA" in states:
        return "untrusted CA"
    if any(node in graph.unknown for node in ends if node is not None):
        return "unreadable"
    for node in ends:
        for other in graph.named(_issuer_name(graph, question, node)):
            who = graph.issuer(other)
            says_ca = other in question.presented and other != question.own and (who is None or who.is_ca)
            if says_ca or (other in question.listed and other != question.own):
                return "broken signature"
    return "unknown CA"


def _signers(graph: Graph, question: Question, node: int | None) -> list[int]:
    if node is not None:
        return graph.signers(node)
    return [] if question.signer is None else graph.twins(question.signer)


def _above(graph: Graph, question: Question, node: int | None) -> Iterator[int]:
    """Yield the issuers of a certificate (None = the leaf) that are there: the list's first, then the presented."""
    signers = [each for each in _signers(graph, question, node) if each != question.own]
    yield from (each for each in signers if each in question.listed)
    yield from (each for each in signers if each in question.presented and each not in question.listed)


def _issuer_name(graph: Graph, question: Question, node: int | None) -> Name | None:
    if node is None and question.signer is None:
        return question.issuer_name
    parts = graph.outline(node if node is not None else question.signer or 0)
    return None if parts is None else comparable(parts.subject if node is None else parts.issuer)


def _may_issue(who: Issuer, step: _Step, *, listed: bool) -> bool:
    return who.may_issue and (who.is_ca or listed) and (who.path_length is None or step.length <= who.path_length)


def _self_issued(graph: Graph, node: int) -> bool:
    who = graph.issuer(node)
    return who is not None and who.self_issued


def _covers(one: _Step, other: _Step, constrained: bool) -> bool:
    """Tell whether `one` reaches whatever `other` may reach; under name constraints, with fewer names to bind."""
    return (
        one.length <= other.length
        and one.not_before <= other.not_before
        and one.not_after >= other.not_after
        and (not constrained or set(one.path) <= set(other.path))
    )


def _keep(found: list[TrustPath], graph: Graph, step: _Step) -> None:
    if not any(each.not_before <= step.not_before and each.not_after >= step.not_after for each in found):
        certificates = tuple(graph.fingerprints[node] for node in step.path)
        found.append(TrustPath(certificates, step.not_before, step.not_after))
