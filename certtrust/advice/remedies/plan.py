"""Remedies: the smallest set of actions that repairs what can be repaired, the most useful ones
first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...arrays import threads
from ...arrays.grouping import Codes, alike, combine, once, same_sets
from ...errors import CerttrustError
from ...evaluation.check import expect_results
from ...evaluation.ownership import Ownership
from ...fleet import Fleet, expect_fleet, link
from ...texts.sentences import say
from .actions import check_kinds
from .cases import cases
from .failures import Failures, Flags
from .fleet_copy import known_certificates
from .kinds import BY_KIND, KINDS
from .passing_attempts import with_what_works
from .plan_check import Trial
from .remedy import COLUMNS
from .set_cover import cover, order
from .trusting import Authorities
from .wording import worded

_ROUNDS = 4
"""How often a plan is made anew without what did not come true; one is enough, as far as is
known.
"""

_SLIGHT = 1e-6


def remedies(
    fleet: Fleet, results: pd.DataFrame, *, kinds: str | Sequence[str] = KINDS
) -> pd.DataFrame:
    """Rank the actions that turn predicted failures into passes, so that the first ones repair
    most devices.

    Parameters
    ----------
    fleet : Fleet
        The fleet that `results` were made from.
    results : DataFrame
        Table RESULTS of `attempts(fleet)` or `attempts(fleet, of="devices")`, or some of its
        rows. Failures of long ago ask for remedies too: hand over the rows that still matter,
        for example `results[results["time"] >= "2026-10-01"]`, or the latest of each
        registration (`certtrust.advice.latest`).
    kinds : str or sequence of str
        Which kinds of actions may be used, see `certtrust.advice.KINDS`: leave out "clear TLS
        only" to keep every lock, or "enrol" where no CA is at hand.

    Returns
    -------
    DataFrame
        One row per action, in the order in which to carry them out:

        =================== ====================================================================
        rank                1, 2, 3, ...
        action              category: what kind of action, see `certtrust.advice.KINDS`
        pbx, device         where; missing where it does not matter
        fingerprint         the certificate that is trusted, renewed or replaced
        name, value         what it is called now, and the very name to use instead
        since               from when on a new certificate has to be valid
        attempts, devices   how many it repairs alone, and of how many devices these are
        attempts_cumulative how many are repaired by this action and all before it
        devices_cumulative  of how many devices these are
        undecided           attempts that, by all actions so far, break no known rule any more,
                            but whose data do not suffice for a verdict; never counted as
                            repaired
        lets_in             for trust: known certificates of further devices that are let in
        step                what to do, in words
        price               what it costs in trust or in work, in words
        instead             what would do as well, in words
        pem                 for trust: the certificate to upload, as PEM text
        =================== ====================================================================

    Raises
    ------
    CerttrustError
        If `kinds` has an unknown kind, `results` have labels that the fleet does not have, or a
        label occurs twice.

    Notes
    -----
    Repaired is an attempt that failed (observed, or predicted where nothing was observed), that
    the rules predict to fail, and that they predict to pass once the actions are applied. The
    plan is a greedy set cover of all broken rules of all attempts, without actions that have
    become needless; between actions that meet equally many needs decide the order of `KINDS`
    and, for trust, the smaller step: the certificate itself, then its issuer, then the CAs
    above.

    Before it is returned, the plan is applied to a copy of the fleet (`certtrust.advice.apply`)
    and judged by `check`, for all attempts of all devices that it touches, those that `results`
    leave out included; what does not come true, or what would break a registration that works,
    is left out.

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
    results = expect_results(results)
    fleet = expect_fleet(fleet)
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    check_kinds(kinds)
    fleet = fleet if fleet.links is not None else link(fleet)
    logged = _are_logged(fleet, results)
    known = known_certificates(fleet)
    authorities, belongings = threads.both(
        lambda: Authorities(fleet, known),
        lambda: Ownership.of(fleet).prepared(),
        len(results),
    )
    results = with_what_works(fleet, belongings, results, logged=logged)
    failures, options = cases(fleet, results, known, authorities, logged=logged)
    trial = Trial.of(fleet, belongings, results, failures, options)
    case = options["case"].to_numpy()
    allowed = options["action"].isin(kinds).to_numpy()
    of_one_device = (
        options["action"]
        .isin([kind for kind in KINDS if BY_KIND[kind].propose])
        .to_numpy()
    )
    hopeless, open_still = np.zeros((2, len(failures.rows)), dtype=bool)
    for _ in range(_ROUNDS):
        plan = _plan(failures, options[allowed & ~hopeless[case]], open_still)
        untrue, broken = trial.refuted(plan.actions, plan.repaired_at, plan.undecided)
        if not untrue.any() and not len(broken):
            break
        settled = failures.unsure.any(axis=1) & ~plan.undecided
        hopeless |= untrue & ~settled
        open_still |= untrue & settled
        allowed = allowed & ~(
            of_one_device & failures.rows["device"].isin(broken).to_numpy()[case]
        )
    return worded(
        _counted(failures, plan),
        _certificates(failures, plan),
        fleet,
        known,
        authorities,
    )


def _certificates(failures: Failures, plan: Plan) -> pd.DataFrame:
    """Return the position of each action with the certificates of the attempts that it is for,
    no pair twice.
    """
    presented = failures.rows["fingerprint"].array[plan.options["case"].to_numpy()]
    return once(
        pd.DataFrame(
            {"position": plan.options["position"].array, "fingerprint": presented}
        )
    )


@dataclass(frozen=True)
class Plan:
    """Actions in order, and what they repair."""

    actions: pd.DataFrame
    """One row per action: its kind and columns."""
    repaired_at: Codes
    """The position of the action that repairs it, for each case; -1 = none does."""
    undecided: Flags
    """Whether something stays unknown that no action of the plan settles, for each case."""
    options: pd.DataFrame
    """case, need, and the position of each action of the plan that meets it."""


class _Met(NamedTuple):
    """Needs of cases, each with an action that meets it, by number."""

    case: Codes
    need: Codes
    action: Codes

    def where(self, chosen: Flags) -> _Met:
        return _Met(*(column[chosen] for column in self))

    def needs(self, like: Flags) -> Flags:
        """Return which needs of which case are met, as a table with the shape of another one."""
        table = np.zeros_like(like)
        table[self.case, self.need] = True
        return table

    def same_needs(self) -> Codes:
        """Number the needs so that those which the same actions meet, in whichever case, are
        one.
        """
        of_case, _ = combine(self.case, self.need)
        if not len(of_case):
            return of_case
        number, _ = same_sets(of_case, self.action)
        return number[of_case]


def _plan(failures: Failures, options: pd.DataFrame, open_still: Flags) -> Plan:
    """Choose and order actions for all cases of which every need can be met; nothing settles
    those that are open.
    """
    key = ["action", *COLUMNS]
    action, first = alike(options, key)
    met = _Met(options["case"].to_numpy(), options["need"].to_numpy(), action)
    possible: Flags = np.all(met.needs(failures.needs) | ~failures.needs, axis=1)
    met = met.where(possible[met.case])
    broken, same = failures.needs[met.case, met.need], met.same_needs()
    costs = options["cost"].to_numpy()[first]
    taken = np.isin(
        met.action, cover(*_distinct(same[broken], met.action[broken]), costs)
    )
    settled = met.where(taken).needs(failures.unsure)
    undecided: Flags = open_still | np.any(failures.unsure & ~settled, axis=1)
    # What an action settles counts where it decides the case; what it mends counts always.
    taken &= broken | ~undecided[met.case]
    met, same = met.where(taken), same[taken]
    weights = _weights(failures, possible, undecided)
    in_order, repaired_at = order(
        _distinct(met.case, same), _distinct(same, met.action), weights
    )
    position = np.full(len(first), -1)
    position[in_order] = np.arange(len(in_order))
    used = once(
        pd.DataFrame(
            {"case": met.case, "need": met.need, "position": position[met.action]}
        )
    )
    return Plan(
        options.iloc[first[in_order]][key].reset_index(drop=True),
        repaired_at,
        undecided,
        used,
    )


def _distinct(*columns: Codes) -> tuple[Codes, Codes]:
    """Return each pair of the two columns once."""
    _, first = combine(*columns)
    one, other = (column[first] for column in columns)
    return one, other


def _devices(failures: Failures) -> pd.Series:
    """Return the device of each case; one that is not known is a device of its own."""
    return failures.rows["device"].fillna(
        "case " + failures.rows.index.to_series().astype("str")
    )


def _weights(
    failures: Failures, possible: Flags, undecided: Flags
) -> npt.NDArray[np.float64]:
    """Let every device weigh one, and attempts decide between equals; what stays undecided
    hardly weighs.
    """
    sure = possible & ~undecided
    device = _devices(failures)
    shares = 1 / device.where(sure).groupby(device).transform("count").clip(lower=1)
    weights = np.where(sure, shares, _SLIGHT) + _SLIGHT**2 * failures.rows["attempts"]
    return np.where(possible, weights, 0.0)


def _are_logged(fleet: Fleet, results: pd.DataFrame) -> bool:
    """Return whether the results are of the log, else of the device entries, and make sure that
    each label is there.
    """
    silent = (
        results[["time", "state", "line"]].isna().all(axis=None)
        and not results["clock_unset"].any()
    )
    logged = not (silent and results.index.isin(fleet.devices.index).all())
    labels = fleet.registrations.index if logged else fleet.devices.index
    if not labels.is_unique or not results.index.is_unique:
        raise CerttrustError(say("errors.advice.labels"))
    if not results.index.isin(labels).all():
        raise CerttrustError(say("errors.advice.other fleet"))
    return logged


def _counted(failures: Failures, plan: Plan) -> pd.DataFrame:
    """Add how many attempts and devices each action repairs, alone and together with all before
    it.
    """
    size = len(plan.actions)
    attempts = failures.rows["attempts"].to_numpy()
    device = pd.factorize(_devices(failures))[0]
    undecided = plan.undecided
    repaired = plan.repaired_at >= 0
    sure, unsure = repaired & ~undecided, repaired & undecided

    def total(position: Codes, weights: Codes | None = None) -> Codes:
        return np.bincount(position, weights, minlength=size).astype(np.int64)

    # An action repairs a case alone where it meets all its needs.
    needed = (failures.needs | (failures.unsure & ~undecided[:, None])).sum(axis=1)
    met = (
        plan.options.groupby(["case", "position"], sort=False)
        .size()
        .rename("met")
        .reset_index()
    )
    case, position = (met[name].to_numpy() for name in ("case", "position"))
    alone = (met["met"].to_numpy() == needed[case]) & ~undecided[case]
    case, position = case[alone], position[alone]
    by_device, _ = _distinct(position, device[case])
    # A device counts from the first action on that repairs one of its cases.
    first = np.full(int(device.max(initial=-1)) + 1, size)
    np.minimum.at(first, device[sure], plan.repaired_at[sure])
    return plan.actions.assign(
        attempts=total(position, attempts[case]),
        devices=total(by_device),
        attempts_cumulative=np.cumsum(total(plan.repaired_at[sure], attempts[sure])),
        devices_cumulative=np.cumsum(total(first[first < size])),
        undecided=np.cumsum(total(plan.repaired_at[unsure], attempts[unsure])),
    )
