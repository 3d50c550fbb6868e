"""Set cover: few actions that meet all needs, and the order in which they help most."""

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
    """Return few actions that meet every need: chosen greedily, then without needless ones.

    Parameters
    ----------
    needs, actions : array of int
        Pairs: this need is met by that action, both numbered from 0; no pair twice.
    costs : array of int
        The cost of each action; the lowest wins among those that meet equally many needs.

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
    _, alone = _alone((every, every), (needs, actions), len(every))
    tied = ~alone[actions]
    shared_needs = np.unique(needs[tied])
    shared = needs[tied], actions[tied]
    weights = np.ones(len(every))
    turns = _greedy((shared_needs, shared_needs), shared, weights, costs)
    chosen = [action for score, action, _ in turns if score > 0]
    meets = groups(shared[1], shared[0], len(costs))
    times_met = np.bincount(
        shared[0][np.isin(shared[1], chosen)], minlength=len(every)
    ).tolist()
    kept = {*np.flatnonzero(alone).tolist(), *chosen}
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
    """Return actions in an order in which the most weight is repaired early.

    Parameters
    ----------
    needs_of : two arrays of int
        Pairs: this case has that need, no pair twice. A case is repaired when all its needs are
        met.
    met_by : two arrays of int
        Pairs: this need is met by that action, no pair twice.
    weights : array of float
        The weight of each case.

    Returns
    -------
    list of int, array of int
        The actions in order, and for each case the position in it of the action that repairs it.

    Notes
    -----
    Each open case shares its weight equally among its open needs; the action with the largest
    total comes next. So a pair of actions that repairs much together is not left for later
    because neither repairs anything alone.

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
    # The score of an action that stands alone does not depend on the others. Its shares are
    # added need by need as in `_greedy`: in another order, a sum may differ in its last digit,
    # and decide between equals.
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
    """Return the only action that meets each need (-1 = several), and which actions stand alone.

    Those are the only ones to meet their needs, whose cases have no needs of other actions. One
    more flag, for action -1, is False.
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
    """Yield every action in order, with its score and the cases that it completes.

    The score is the sum of the shares of the open needs that it meets; the highest comes next,
    among equals the lowest cost, then the lowest number.
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
        """Take a need's shares from all actions that meet it; return the cases with that need."""
        is_met[need] = True
        for case in cases_of_need[need]:
            open_needs[case] -= 1
            for other in actions_of_need[need]:
                score[other] -= share[case]
        return cases_of_need[need]

    def share_anew(case: int) -> Iterator[int]:
        """Share a case's weight among its open needs anew; yield the actions that gain by it."""
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
            # A score that has risen is in the heap a second time; one that has fallen goes
            # back to its new position.
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
