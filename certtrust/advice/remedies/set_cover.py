"""Set cover: few actions that meet all needs, and the order in which they help most, over plain
numbers.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

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
    return [
        ordered[start:end]
        for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=False)
    ]


def cover(needs: Numbers, actions: Numbers, costs: Numbers) -> Numbers:
    """Choose actions so that each need is met by one of them: greedily, then without those that
    became needless.

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
    every = np.arange(int(needs.max()) + 1)
    turns = _greedy((every, every), (needs, actions), np.ones(len(every)), costs)
    chosen = [action for score, action, _ in turns if score > 0]
    meets = groups(actions, needs, len(costs))
    times_met = np.bincount(
        needs[np.isin(actions, chosen)], minlength=len(every)
    ).tolist()
    kept = set(chosen)
    # Those that meet few needs at a high cost are the first to go.
    for action in sorted(
        chosen, key=lambda action: (len(meets[action]), -int(costs[action]))
    ):
        if all(times_met[need] > 1 for need in meets[action]):
            kept.discard(action)
            for need in meets[action]:
                times_met[need] -= 1
    return np.array(sorted(kept), dtype=np.int64)


def order(
    needs_of: _Pairs, met_by: _Pairs, weights: Weights
) -> tuple[list[int], Numbers]:
    """Put actions into an order in which the most weight is repaired early.

    Parameters
    ----------
    needs_of : two arrays of int
        Pairs: this case has that need, no pair twice. A case is repaired when all its needs are
        met.
    met_by : two arrays of int
        Pairs: this need is met by that action, no pair twice.
    weights : array of float
        What a case weighs, per case.

    Returns
    -------
    list of int, array of int
        The actions in order, and for each case the position in it of the action that repairs it.

    Notes
    -----
    Each open case lends its weight in equal parts to the needs that are still open; the action
    that collects most comes next. So a pair of actions that repairs much together is not left
    for later because none of the two repairs anything alone.

    Examples
    --------
    >>> cases = np.array([0, 1, 1]), np.array([0, 1, 2])
    >>> order(cases, (np.array([0, 1, 2]), np.array([0, 1, 2])), np.array([1.0, 9.0]))
    ([1, 2, 0], array([2, 1]))
    """
    cases, needs = needs_of
    only_action, alone = _alone(needs_of, met_by, len(weights))
    repaired_by = np.full(len(weights), -1, dtype=np.int64)
    free = np.flatnonzero(alone[only_action[needs]])
    repaired_by[cases[free]] = only_action[needs[free]]
    # Nothing that is done before changes what an action scores that stands alone. Its shares
    # are added need by need, as those of the others are: in another order, a sum may differ by
    # its last digit, and decide between equals.
    row = np.zeros(len(only_action), dtype=np.int64)
    row[met_by[0]] = np.arange(len(met_by[0]))
    free = free[np.argsort(row[needs[free]], kind="stable")]
    share = weights[cases] / np.bincount(cases, minlength=len(weights))[cases]
    score = np.bincount(only_action[needs[free]], share[free], minlength=len(alone))
    ranked = [(-score[action], action) for action in np.flatnonzero(alone).tolist()]
    tied, others = ~alone[only_action[needs]], ~alone[met_by[1]]
    no_costs = np.zeros(len(alone), dtype=np.int64)
    tied_pairs = (cases[tied], needs[tied]), (met_by[0][others], met_by[1][others])
    turns = []
    for tied_score, action, repaired in _greedy(*tied_pairs, weights, no_costs):
        repaired_by[repaired] = action
        turns.append((-tied_score, action))
    in_order = [action for _, action in heapq.merge(turns, sorted(ranked))]
    position = np.full(len(alone), -1, dtype=np.int64)
    position[in_order] = np.arange(len(in_order))
    return in_order, position[repaired_by]


def _alone(
    needs_of: _Pairs, met_by: _Pairs, cases: int
) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """Return the one action that meets each need (-1 = none or several), and which actions
    stand alone.

    They alone meet their needs, and the cases of these have no other ones. The last of the
    flags is False: that of -1.
    """
    (case, need), (met, action) = needs_of, met_by
    size = max(int(needs.max(initial=-1)) for needs in (need, met)) + 1
    only_action = np.full(size, -1, dtype=np.int64)
    only_action[met] = action
    only_action[np.bincount(met, minlength=size) != 1] = -1
    one = np.full(cases, -1, dtype=np.int64)
    one[case] = only_action[need]
    mixed = np.zeros(cases, dtype=bool)
    mixed[case[only_action[need] != one[case]]] = True
    tied = only_action < 0
    tied[need[mixed[case]]] = True
    alone = np.zeros(int(action.max(initial=-1)) + 2, dtype=bool)
    alone[action] = True
    alone[action[tied[met]]] = False
    return only_action, alone


def _greedy(
    needs_of: _Pairs, met_by: _Pairs, weights: Weights, costs: Numbers
) -> Iterator[tuple[float, int, list[int]]]:
    """Yield every action in order, with its score and the cases that it repairs at last.

    An action scores the shares of the cases whose open needs it meets; the highest score comes
    next, among equals the lowest cost, then the lowest number.
    """
    numbers, cases = np.unique(needs_of[0], return_inverse=True)
    size = max(int(needs.max(initial=-1)) for needs in (needs_of[1], met_by[0])) + 1
    actions_of_need = groups(*met_by, size)
    needs_of_action = groups(met_by[1], met_by[0], len(costs))
    cases_of_need = groups(needs_of[1], cases, size)
    needs_of_case = groups(cases, needs_of[1], len(numbers))
    number = numbers.tolist()
    weight = weights[numbers].tolist()
    cost = costs.tolist()
    open_needs = [len(needs) for needs in needs_of_case]
    share = [
        whole / max(count, 1) for whole, count in zip(weight, open_needs, strict=True)
    ]
    score = [
        sum(share[case] for need in needs for case in cases_of_need[need])
        for needs in needs_of_action
    ]
    is_met, is_done = [False] * size, [False] * len(score)

    def meet(need: int) -> list[int]:
        """Take the shares of a need from all actions that would meet it, and return the cases
        that have it.
        """
        is_met[need] = True
        for case in cases_of_need[need]:
            open_needs[case] -= 1
            for other in actions_of_need[need]:
                score[other] -= share[case]
        return cases_of_need[need]

    def share_anew(case: int) -> Iterator[int]:
        """Share the weight of a case among the needs still open, and return the actions that
        score more by it.
        """
        before, share[case] = (
            share[case],
            weight[case] / open_needs[case] if open_needs[case] else 0.0,
        )
        for need in needs_of_case[case]:
            if not is_met[need]:
                for other in actions_of_need[need]:
                    score[other] += share[case] - before
                    yield other

    heap = [
        (-score[action], cost[action], action)
        for action, needs in enumerate(needs_of_action)
        if needs
    ]
    heapq.heapify(heap)
    while heap:
        expected, _, action = heapq.heappop(heap)
        if is_done[action]:
            continue
        if score[action] != -expected:
            # A score that has risen stands in the heap once more; one that has fallen goes back
            # to its new place.
            if score[action] < -expected:
                heapq.heappush(heap, (-score[action], cost[action], action))
            continue
        is_done[action] = True
        touched = dict.fromkeys(
            case
            for need in needs_of_action[action]
            if not is_met[need]
            for case in meet(need)
        )
        yield (
            -expected,
            action,
            [number[case] for case in touched if not open_needs[case]],
        )
        for other in {other for case in touched for other in share_anew(case)}:
            if not is_done[other]:
                heapq.heappush(heap, (-score[other], cost[other], other))
