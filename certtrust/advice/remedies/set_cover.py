"""Set cover: few actions that meet all needs, and the order in which they help most, over plain numbers."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]
_Pairs = tuple[Numbers, Numbers]


def groups(keys: Numbers, values: Numbers, size: int) -> list[list[int]]:
    """Return the values of each key from 0 to `size` - 1."""
    order = np.argsort(keys, kind="stable")
    ends = np.cumsum(np.bincount(keys, minlength=size))
    ordered = values[order].tolist()
    return [ordered[start:end] for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=False)]


def cover(needs: Numbers, actions: Numbers, costs: Numbers) -> Numbers:
    """Choose actions so that each need is met by one of them: greedily, then without those that became needless.

    Parameters
    ----------
    needs, actions : array of int
        Pairs: this need is met by that action, both numbered from 0; no pair twice.
    costs : array of int
        What decides between actions that meet equally many needs, per action.

    Returns
    -------
    array of int
        The chosen actions, ascending.

    Examples
    --------
    >>> cover(np.array([0, 1, 1, 2]), np.array([0, 0, 1, 2]), np.zeros(3, dtype=int)).tolist()
    [0, 2]
    """
    if not len(needs):
        return np.empty(0, dtype=np.int64)
    met_by = groups(needs, actions, int(needs.max()) + 1)
    meets = groups(actions, needs, len(costs))
    gain = [len(each) for each in meets]
    heap = [(-gain[action], cost, action) for action, cost in enumerate(costs.tolist()) if gain[action]]
    heapq.heapify(heap)
    times_met = [0] * len(met_by)
    chosen: list[int] = []
    while heap:
        expected, cost, action = heapq.heappop(heap)
        if gain[action] == 0:
            continue
        if gain[action] < -expected:
            heapq.heappush(heap, (-gain[action], cost, action))
            continue
        chosen.append(action)
        for need in meets[action]:
            if not times_met[need]:
                for other in met_by[need]:
                    gain[other] -= 1
            times_met[need] += 1
    return np.array(sorted(_needed(chosen, meets, times_met, costs)), dtype=np.int64)


def _needed(chosen: list[int], meets: list[list[int]], times_met: list[int], costs: Numbers) -> list[int]:
    """Drop actions all of whose needs are met by others too, those that meet few needs at a high cost first."""
    kept = set(chosen)
    for action in sorted(chosen, key=lambda each: (len(meets[each]), -int(costs[each]))):
        if all(times_met[need] > 1 for need in meets[action]):
            kept.discard(action)
            for need in meets[action]:
                times_met[need] -= 1
    return list(kept)


def order(needs_of: _Pairs, met_by: _Pairs, weights: Weights) -> tuple[list[int], Numbers]:
    """Put actions into an order in which the most weight is repaired early.

    Parameters
    ----------
    needs_of : two arrays of int
        Pairs: this case has that need, no pair twice. A case is repaired when all its needs are met.
    met_by : two arrays of int
        Pairs: this need is met by that action, no pair twice.
    weights : array of float
        What a case weighs, per case.

    Returns
    -------
    list of int, array of int
        The actions in order, and for each case the place in it of the action that repairs it.

    Notes
    -----
    Each open case lends its weight in equal parts to the needs that are still open; the action that collects
    most comes next. So a pair of actions that repairs much together is not left for later because none of
    the two repairs anything alone.

    Examples
    --------
    >>> cases = np.array([0, 1, 1]), np.array([0, 1, 2])
    >>> order(cases, (np.array([0, 1, 2]), np.array([0, 1, 2])), np.array([1.0, 9.0]))
    ([1, 2, 0], array([2, 1]))
    """
    cases, needs = needs_of
    by, alone = _alone(needs_of, met_by, len(weights))
    repaired_by = np.full(len(weights), -1, dtype=np.int64)
    here = np.flatnonzero(alone[by[needs]])
    repaired_by[cases[here]] = by[needs[here]]
    # Nothing that is done before changes what an action scores that stands alone. Its shares are added need by need,
    # as those of the others are: in another order, a sum may differ by its last digit, and decide between equals.
    row = np.zeros(len(by), dtype=np.int64)
    row[met_by[0]] = np.arange(len(met_by[0]))
    here = here[np.argsort(row[needs[here]], kind="stable")]
    share = weights[cases] / np.bincount(cases, minlength=len(weights))[cases]
    score = np.bincount(by[needs[here]], share[here], minlength=len(alone))
    sorted_by_score = sorted((-score[action], action) for action in np.flatnonzero(alone).tolist())
    tied, others = ~alone[by[needs]], ~alone[met_by[1]]
    turns = _turns((cases[tied], needs[tied]), (met_by[0][others], met_by[1][others]), weights, repaired_by)
    taken = [action for _, action in heapq.merge(turns, sorted_by_score)]
    place = np.full(len(alone), -1, dtype=np.int64)
    place[taken] = np.arange(len(taken))
    return taken, place[repaired_by]


def _alone(needs_of: _Pairs, met_by: _Pairs, cases: int) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """Return the one action that meets each need (-1 = none or several), and which actions stand alone.

    They alone meet their needs, and the cases of these have no other ones. The last of the flags is False: that of -1.
    """
    (case, need), (met, action) = needs_of, met_by
    by = np.full(max(int(each.max(initial=-1)) for each in (need, met)) + 1, -1, dtype=np.int64)
    by[met] = action
    by[np.bincount(met, minlength=len(by)) != 1] = -1
    one = np.full(cases, -1, dtype=np.int64)
    one[case] = by[need]
    mixed = np.zeros(cases, dtype=bool)
    mixed[case[by[need] != one[case]]] = True
    tied = by < 0
    tied[need[mixed[case]]] = True
    alone = np.zeros(int(action.max(initial=-1)) + 2, dtype=bool)
    alone[action] = True
    alone[action[tied[met]]] = False
    return by, alone


def _turns(needs_of: _Pairs, met_by: _Pairs, weights: Weights, repaired_by: Numbers) -> Iterator[tuple[float, int]]:
    """Yield the actions in order, each with its score, negative, and write down the cases that each repairs at last."""
    numbers, cases = np.unique(needs_of[0], return_inverse=True)
    needs, weights = needs_of[1], weights[numbers]
    count = max(int(each.max(initial=-1)) for each in (needs, met_by[0])) + 1
    actions_of_need = groups(met_by[0], met_by[1], count)
    needs_of_action = groups(met_by[1], met_by[0], int(met_by[1].max()) + 1 if len(met_by[1]) else 0)
    cases_of_need = groups(needs, cases, count)
    needs_of_case = groups(cases, needs, len(weights))
    open_needs = [len(each) for each in needs_of_case]
    share = [weight / max(left, 1) for weight, left in zip(weights.tolist(), open_needs, strict=True)]
    score = [sum(share[case] for need in meant for case in cases_of_need[need]) for meant in needs_of_action]
    heap = [(-each, action) for action, each in enumerate(score) if needs_of_action[action]]
    heapq.heapify(heap)
    is_met = [False] * count
    done = [False] * len(score)
    while heap:
        expected, action = heapq.heappop(heap)
        if done[action] or -expected != score[action]:
            continue
        done[action] = True
        touched: dict[int, Any] = {}
        for need in needs_of_action[action]:
            if is_met[need]:
                continue
            is_met[need] = True
            for case in cases_of_need[need]:
                open_needs[case] -= 1
                touched[case] = None
                for other in actions_of_need[need]:
                    score[other] -= share[case]
        repaired_by[numbers[[case for case in touched if not open_needs[case]]]] = action
        yield expected, action
        changed: set[int] = set()
        for case in touched:
            left = open_needs[case]
            before, share[case] = share[case], weights[case] / left if left else 0.0
            for need in needs_of_case[case]:
                if not is_met[need]:
                    for other in actions_of_need[need]:
                        score[other] += share[case] - before
                        changed.add(other)
        for need in needs_of_action[action]:
            changed.update(other for other in actions_of_need[need] if not done[other])
        for other in changed:
            if not done[other]:
                heapq.heappush(heap, (-score[other], other))
