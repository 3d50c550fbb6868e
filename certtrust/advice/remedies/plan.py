"""Remedies: the smallest set of actions that repairs what can be repaired, the most useful ones first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...arrays import threads
from ...arrays.grouping import Codes, alike, combine, same_sets
from ...errors import CerttrustError
from ...evaluation.ownership import whose
from ...fleet import Fleet, link
from .actions import COLUMNS, KINDS, known_certificates
from .cases import Cases, cases
from .passing_attempts import with_what_works
from .plan_check import Trial
from .set_cover import cover, order
from .trusting import Authorities
from .wording import worded

_ROUNDS = 4
"""How often a plan is made anew without what did not come true; one is enough, as far as is known."""

_SLIGHT = 1e-6


def remedies(fleet: Fleet, results: pd.DataFrame, *, kinds: str | Sequence[str] = KINDS) -> pd.DataFrame:
    """Rank the actions that turn predicted failures into passes, so that the first ones repair most devices.

    Parameters
    ----------
    fleet : Fleet
        The fleet that `results` were made from.
    results : DataFrame
        Table RESULTS of `attempts(fleet)` or `attempts(fleet, of="devices")`, or some of its rows. Failures of
        long ago ask for remedies too: hand over the rows that still matter, for example
        `results[results["time"] >= "2026-10-01"]`, or the latest of each registration (`certtrust.advice.latest`).
    kinds : str or sequence of str
        Which kinds of actions may be used, see `certtrust.advice.KINDS`: leave out "clear TLS only" to keep
        every lock, or "enrol" where no CA is at hand.

    Returns
    -------
    DataFrame
        One row per action, in the order in which to carry them out:

        =================== ==========================================================================
        rank                1, 2, 3, ...
        action              category: what kind of action, see `certtrust.advice.KINDS`
        pbx, device         where; missing where it does not matter
        fingerprint         the certificate that is trusted, renewed or replaced
        name, value         what it is called now, and the very name to use instead
        since               from when on a new certificate has to be valid
        attempts, devices   how many it repairs alone, and of how many devices these are
        attempts_cumulative how many are repaired by this action and all before it together
        devices_cumulative  of how many devices these are
        undecided           attempts that, by all actions so far, break no known rule any more, but whose
                            data do not suffice for a verdict; never counted as repaired
        lets_in             for trust: known certificates of further devices that are let in as well
        step                what to do, in words
        price               what it costs in trust or in work, in words
        instead             what would do as well, in words
        pem                 for trust: the certificate to upload, as PEM text
        =================== ==========================================================================

    Raises
    ------
    CerttrustError
        If `kinds` has an unknown kind, `results` have labels that the fleet does not have, or a label occurs twice.

    Notes
    -----
    Repaired is an attempt that failed (observed, or predicted where nothing was observed), that the rules
    predict to fail, and that they predict to pass once the actions are applied. The plan is a greedy set cover
    of all broken rules of all attempts, without actions that have become needless; between actions that meet
    equally many needs decide the order of `KINDS` and, for trust, the smaller step: the certificate
    itself, then its issuer, then the CAs above.

    Before it is returned, the plan is applied to a copy of the fleet (`certtrust.advice.apply`) and judged
    by `check`, for all attempts of all devices that it touches, those that `results` leave out included; what does
    not come true, or what would break a registration that works, is left out.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(50, seed=1, faults={"certificate.trust": 0.3})
    >>> results = ct.check(ct.attempts(fleet))
    >>> plan = remedies(fleet, results)
    >>> better = ct.check(ct.attempts(ct.advice.apply(fleet, plan)), at=results["judged_at"])
    >>> bool((results["verdict"] == "fail").any()), bool((better["verdict"] == "fail").any())
    (True, False)
    """
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown:
        raise CerttrustError(f"{', '.join(unknown)}: no such action; there are {', '.join(KINDS)}")
    fleet = fleet if fleet.links is not None else link(fleet)
    logged = _are_logged(fleet, results)
    known = known_certificates(fleet)
    authorities, belongings = threads.both(lambda: Authorities(fleet, known), lambda: whose(fleet), len(results))
    results = with_what_works(fleet, belongings, results, logged=logged)
    every = cases(fleet, results, known, authorities, logged=logged)
    allowed = every.options["action"].isin(kinds).to_numpy()
    hopeless, open_still = np.zeros((2, len(every.rows)), dtype=bool)
    trial = Trial.of(fleet, belongings, results, every, logged=logged)
    for _ in range(_ROUNDS):
        plan = _plan(every, every.options[allowed & ~hopeless[every.options["case"].to_numpy()]], open_still)
        untrue, broken = trial.refuted(plan.actions, plan.repaired_at, plan.undecided)
        if not untrue.any() and not len(broken):
            break
        settled = every.unsure.any(axis=1) & ~plan.undecided
        hopeless |= untrue & ~settled
        open_still |= untrue & settled
        local = ~every.options["action"].isin(["trust", "renew CA", "find CA"]).to_numpy()
        allowed = allowed & ~(local & every.rows["device"].isin(broken).to_numpy()[every.options["case"].to_numpy()])
    return worded(_counted(every, plan), _certificates(every, plan), fleet, known, authorities)


def _certificates(every: Cases, plan: Plan) -> pd.DataFrame:
    """Return the place of each action with the certificates of the attempts that it is for, no pair twice."""
    presented = every.rows["fingerprint"].array[plan.options["case"].to_numpy()]
    found = pd.DataFrame({"place": plan.options["place"].array, "fingerprint": presented})
    return found.iloc[alike(found, found.columns)[1]]


@dataclass(frozen=True)
class Plan:
    """Actions in order, and what they repair."""

    actions: pd.DataFrame
    """One row per action: its kind and columns."""
    repaired_at: Codes
    """The place of the action that repairs it, for each case; -1 = none does."""
    undecided: npt.NDArray[np.bool_]
    """Whether something stays unknown that no action of the plan settles, for each case."""
    options: pd.DataFrame
    """case, need, and the place of each action of the plan that meets it."""


def _plan(every: Cases, options: pd.DataFrame, open_still: npt.NDArray[np.bool_]) -> Plan:
    """Choose and order actions for all cases of which every need can be met; nothing settles those that are open."""
    key = ["action", *COLUMNS]
    action, first = combine(*(pd.factorize(options[name])[0] for name in key))
    case, need = options["case"].to_numpy(), options["need"].to_numpy()
    met = np.zeros(every.needs.shape, dtype=bool)
    met[case, need] = True
    possible: npt.NDArray[np.bool_] = np.all(met | ~every.needs, axis=1)
    kept = possible[case]
    case, need, action = case[kept], need[kept], action[kept]
    broken = every.needs[case, need]
    same = _same_needs(case, need, action)
    _, pair = combine(same[broken], action[broken])
    chosen = cover(same[broken][pair], action[broken][pair], options["cost"].to_numpy()[first])
    taken = np.isin(action, chosen)
    settled = np.zeros(every.needs.shape, dtype=bool)
    settled[case[taken], need[taken]] = True
    undecided: npt.NDArray[np.bool_] = open_still | np.any(every.unsure & ~settled, axis=1)
    taken &= broken | ~undecided[case]
    case, need, action, same = case[taken], need[taken], action[taken], same[taken]
    _, of_case = combine(case, same)
    _, of_action = combine(same, action)
    places, repaired_at = order(
        (case[of_case], same[of_case]), (same[of_action], action[of_action]), _weights(every, possible, undecided)
    )
    place_of = np.full(len(first), -1)
    place_of[places] = np.arange(len(places))
    actions = options.iloc[first[places]][key].reset_index(drop=True)
    used = pd.DataFrame({"case": case, "need": need, "place": place_of[action]}).drop_duplicates()
    return Plan(actions, repaired_at, undecided, used)


def _same_needs(case: Codes, need: Codes, action: Codes) -> Codes:
    """Number the needs so that those which the same actions meet, in whichever case, are one."""
    pair, _ = combine(case, need)
    number, _ = same_sets(pair, action) if len(pair) else (pair, [])
    return number[pair]


def _weights(
    every: Cases, possible: npt.NDArray[np.bool_], undecided: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Let every device weigh one, and attempts decide between equals; what stays undecided hardly weighs."""
    sure = possible & ~undecided
    device = every.rows["device"].fillna("case " + every.rows.index.to_series().astype("str"))
    shares = 1 / device.where(sure).groupby(device).transform("count").clip(lower=1)
    weights = np.where(sure, shares, _SLIGHT) + _SLIGHT**2 * every.rows["attempts"]
    return np.where(possible, weights, 0.0)


def _are_logged(fleet: Fleet, results: pd.DataFrame) -> bool:
    """Tell whether the results are of the log, else of the device entries, and make sure that each label is there."""
    silent = results[["time", "state", "line"]].isna().all(axis=None) and not results["clock_unset"].any()
    labels = (
        fleet.devices.index if silent and results.index.isin(fleet.devices.index).all() else fleet.registrations.index
    )
    if not labels.is_unique or not results.index.is_unique:
        raise CerttrustError(
            "labels occur more than once in the index of the fleet or of the results, so that rows cannot be told "
            "apart; give the frame a new index by reset_index(drop=True), and judge it again"
        )
    if not results.index.isin(labels).all():
        raise CerttrustError("the results have rows that the fleet does not have; judge this very fleet")
    return labels is not fleet.devices.index


def _counted(every: Cases, plan: Plan) -> pd.DataFrame:
    """Add how many attempts and devices each action repairs, alone and together with all before it."""
    size = len(plan.actions)
    amount = every.rows["attempts"].to_numpy()
    undecided = plan.undecided
    device = pd.factorize(every.rows["device"].fillna("case " + every.rows.index.to_series().astype("str")))[0]
    needed = (every.needs | (every.unsure & ~undecided[:, None])).sum(axis=1)
    by_one = plan.options.groupby(["case", "place"], sort=False).size()
    case, place = (by_one.index.get_level_values(level).to_numpy() for level in ("case", "place"))
    alone = (by_one.to_numpy() == needed[case]) & ~undecided[case]
    _, one_each = combine(place[alone], device[case[alone]])
    done = plan.repaired_at >= 0
    sure, unsure = done & ~undecided, done & undecided
    first = np.full(int(device.max(initial=-1)) + 1, size)
    np.minimum.at(first, device[sure], plan.repaired_at[sure])

    def total(places: Codes, weights: Codes) -> Codes:
        return np.bincount(places, weights, minlength=size).astype(np.int64)

    return plan.actions.assign(
        attempts=total(place[alone], amount[case[alone]]),
        devices=np.bincount(place[alone][one_each], minlength=size),
        attempts_cumulative=np.cumsum(total(plan.repaired_at[sure], amount[sure])),
        devices_cumulative=np.cumsum(np.bincount(first[first < size], minlength=size)),
        undecided=np.cumsum(total(plan.repaired_at[unsure], amount[unsure])),
    )
