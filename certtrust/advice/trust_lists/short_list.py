"""Short lists: few entries that keep everybody in who is in today."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .trials import Entries, Question

EXACT = 20
"""A list of so many entries is searched for the smallest one; a longer one is cut greedily."""

_COMBINATIONS = 1_000_000


class ShortList(NamedTuple):
    """The entries to keep, and whether no shorter list would do."""

    entries: Entries
    is_exact: bool


def short_list(
    questions: Sequence[Question], listed: Entries, ends: Mapping[str, int]
) -> ShortList:
    """Return few entries of one list with which each question is still answered.

    Parameters
    ----------
    questions : sequence of Question
        Of one PBX.
    listed : frozenset of str
        The fingerprints of its list.
    ends : mapping of str to int
        When each entry ends: of lists that are equally short, the one whose first entry ends
        last is taken.
    """
    if any(not question.enough for question in questions):
        return ShortList(listed, is_exact=False)
    needs = {frozenset(question.enough) for question in questions}
    forced: Entries = frozenset()
    # What every answer to a question has in common has to stay; that may answer others.
    while True:
        open_needs = {
            need for need in needs if not any(entries <= forced for entries in need)
        }
        common = {frozenset.intersection(*need) for need in open_needs}
        more = forced.union(*common)
        if more == forced:
            break
        forced = more
    if not open_needs:
        exact = all(question.is_exact for question in questions)
        return ShortList(forced, exact and len(listed) <= EXACT)
    greedy = _greedy(forced, open_needs, ends)
    if len(listed) > EXACT:
        return ShortList(greedy, is_exact=False)
    smallest = _smallest(forced, open_needs, ends, len(greedy))
    exact = smallest is not None and all(question.is_exact for question in questions)
    return ShortList(smallest or greedy, exact)


_Need = frozenset[Entries]
"""Sets of entries of which one has to stay."""


def _greedy(
    kept: Entries, needs: Iterable[_Need], ends: Mapping[str, int]
) -> Entries:
    """Return entries that meet all needs: each time what meets most for each further entry."""
    waiting = sorted(needs, key=_order)
    while waiting:
        candidates = {entries - kept for need in waiting for entries in need}
        ranked = [
            (*_worth(entries, kept, waiting, ends), sorted(entries))
            for entries in candidates
        ]
        kept |= frozenset(min(ranked)[-1])
        waiting = [
            need for need in waiting if not any(entries <= kept for entries in need)
        ]
    return kept


def _worth(
    entries: Entries,
    kept: Entries,
    waiting: Iterable[_Need],
    ends: Mapping[str, int],
) -> tuple[float, int]:
    """Return what decides between further entries: needs met by each, and their end; less wins."""
    then = kept | entries
    met = sum(any(some <= then for some in need) for need in waiting)
    return -met / len(entries), -min(ends.get(entry, 0) for entry in entries)


def _smallest(
    forced: Entries, needs: Iterable[_Need], ends: Mapping[str, int], size: int
) -> Entries | None:
    """Return the smallest set that meets all needs, None where there are too many to try."""
    waiting = sorted(needs, key=_order)
    candidates = sorted(
        frozenset().union(*(entries for need in waiting for entries in need))
        - forced,
        key=lambda entry: (-ends.get(entry, 0), entry),
    )
    tries = 0
    for count in range(1, size - len(forced) + 1):
        best: tuple[int, list[str]] | None = None
        for some in itertools.combinations(candidates, count):
            tries += 1
            if tries > _COMBINATIONS:
                return None
            kept = forced.union(some)
            if all(any(entries <= kept for entries in need) for need in waiting):
                end = min(ends.get(entry, 0) for entry in some)
                key = (-end, sorted(some))
                best = key if best is None else min(best, key)
        if best is not None:
            return forced.union(best[1])
    return None


def _order(need: _Need) -> list[list[str]]:
    return sorted(sorted(entries) for entries in need)
