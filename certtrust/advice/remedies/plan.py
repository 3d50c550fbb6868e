"""Remedies: few actions that repair what can be repaired, the most useful ones first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...arrays import threads
from ...arrays.grouping import (
    Codes,
    distinct_rows,
    factorize_codes,
    factorize_rows,
    factorize_sets,
)
from ...errors import CerttrustError
from ...evaluation.check import expect_results
from ...evaluation.ownership import Ownership
from ...fleet import Fleet, expect_fleet, link
from ...texts.sentences import say, spoken
from .actions import check_kinds
from .cases import cases
from .failures import Failures, Flags
from .fleet_copy import certificates_by_fingerprint
from .kinds import BY_KIND, KINDS
from .passing_attempts import with_passing_attempts
from .plan_check import PlanCheck
from .related import related_rows
from .remedy import COLUMNS
from .set_cover import cover, order
from .trusting import Authorities
from .wording import worded

_ROUNDS = 4
"""Plans that are tried, each without what did not come true; one has always been enough so far."""

_SLIGHT = 1e-6


def remedies(
    fleet: Fleet,
    results: pd.DataFrame,
    *,
    kinds: str | Sequence[str] = KINDS,
    lang: str | None = None,
) -> pd.DataFrame:
    """Rank the actions that turn predicted failures into passes, the most useful ones first.

    Parameters
    ----------
    fleet : Fleet
        The fleet that `results` were made from.
    results : DataFrame
        Table RESULTS of `attempts(fleet)` or `attempts(fleet, of="devices")`, or some of its
        rows. Old failures are planned for as well: pass the rows that still matter, for example
        `results[results["time"] >= "2026-10-01"]`, or the latest of each registration
        (`certtrust.advice.latest`).
    kinds : str or sequence of str
        Which kinds of actions may be used, see `certtrust.advice.KINDS`: leave out "clear TLS
        only" to keep every lock, or "enrol" where no CA is at hand.
    lang : str, optional
        The language of the sentences, such as `de`; by default that of `certtrust.language`.

    Returns
    -------
    DataFrame
        One row per action, in the order in which to carry them out:

        =================== ====================================================================
        rank                1, 2, 3, ...
        action              category: what kind of action, see `certtrust.advice.KINDS`
        pbx, device         where; missing where it does not matter
        fingerprint         the certificate that is trusted, renewed or replaced
        name, value         what it is called now, and the name to use instead
        since               from when on a new certificate has to be valid
        attempts, devices   how many it repairs alone, and of how many devices these are
        attempts_cumulative how many are repaired by this action and all before it
        devices_cumulative  of how many devices these are
        undecided           attempts that break no rule after all actions so far, but lack data
                            for a verdict; never counted as repaired
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
    An attempt is repaired if it was not seen to succeed, the rules predict it to fail, and they
    predict it to pass once the actions are applied. The plan is a greedy set cover of all
    broken rules of all attempts, without actions that have become needless. Between actions
    that meet equally many needs, the order of `KINDS` decides and, for trust, the smaller step:
    the certificate itself, then its issuer, then the CAs above.

    Before it is returned, the plan is applied to a copy of the fleet (`certtrust.advice.apply`)
    and judged by `check`, for all attempts of all devices that it touches, including those
    that are not in `results`. What does not come true, or would break a registration that
    works, is left out.

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
    with spoken(lang):
        return planned(fleet, results, kinds, of_every_attempt=False).actions


class Planned(NamedTuple):
    """A plan, and which of its actions each attempt needs.

    Parameters
    ----------
    actions : DataFrame
        As `remedies` returns it.
    ranks : Series of str
        The ranks of the actions that repair an attempt together, such as "3" or "3, 7", by the
        labels of the results; attempts that the plan does not repair are left out.
    """

    actions: pd.DataFrame
    ranks: pd.Series


def planned(
    fleet: Fleet,
    results: pd.DataFrame,
    kinds: str | Sequence[str] = KINDS,
    *,
    of_every_attempt: bool = True,
) -> Planned:
    """Return the plan of `remedies`, and for each attempt the actions that repair it.

    Without `of_every_attempt`, only some of the attempts that are alike have ranks.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(50, seed=1, faults={"certificate.trust": 0.3})
    >>> plan = planned(fleet, ct.check(ct.attempts(fleet)))
    >>> bool(len(plan.ranks) == plan.actions["attempts_cumulative"].iloc[-1])
    True
    """
    results = expect_results(results)
    fleet = expect_fleet(fleet)
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    check_kinds(kinds)
    fleet = fleet if fleet.links is not None else link(fleet)
    logged = _are_logged(fleet, results)
    certificates = certificates_by_fingerprint(fleet)
    authorities, ownership = threads.run_both(
        lambda: Authorities(fleet, certificates),
        lambda: Ownership.of(fleet).prepared(),
        len(results),
    )
    results = with_passing_attempts(fleet, ownership, results, logged=logged)
    kept = np.full(len(results), of_every_attempt)
    return plan_of_rows(
        fleet,
        related_rows(results, authorities.dates, kept=kept),
        kinds,
        authorities,
        ownership,
        logged=logged,
    )


def plan_of_rows(
    fleet: Fleet,
    rows: pd.DataFrame,
    kinds: Sequence[str],
    authorities: Authorities,
    ownership: Ownership,
    *,
    logged: bool,
) -> Planned:
    """Return the plan of `remedies`, and the actions that repair each row.

    Parameters
    ----------
    fleet : Fleet
        With links.
    rows : DataFrame
        From `related_rows`, of all results or put together from the parts of a fleet.
    kinds : sequence of str
        Which kinds of actions may be used.
    authorities : Authorities
        The CAs of the fleet.
    ownership : Ownership
        Who owns what in the fleet.
    logged : bool
        Whether the attempts are of the log.
    """
    certificates = authorities.certificates
    failures, options = cases(fleet, rows, certificates, authorities, logged=logged)
    plan_check = PlanCheck.of(fleet, ownership, rows, failures, options)
    options = options[options["action"].isin(kinds)]
    plan = _checked_plan(failures, options, plan_check)
    presented = pd.DataFrame(
        {
            "position": plan.options["position"].array,
            "fingerprint": failures.rows["fingerprint"].array[plan.options["case"]],
        }
    )
    counted = _counted(failures, plan)
    actions = worded(
        counted,
        distinct_rows(presented),
        fleet,
        certificates,
        authorities,
        rows,
    )
    return Planned(actions, _ranks(failures, plan, rows.index))


def _ranks(failures: Failures, plan: Plan, labels: pd.Index) -> pd.Series:
    """Return the ranks of the actions that repair each attempt together."""
    is_repaired = (plan.repaired_at >= 0) & ~plan.undecided
    options = plan.options[is_repaired[plan.options["case"].to_numpy()]]
    # Of the actions that meet a need, the first one in the order meets it.
    positions = options.groupby(["case", "need"], sort=False)["position"].min()
    by_case = positions.reset_index().sort_values(["case", "position"])
    by_case = by_case.drop_duplicates(["case", "position"])
    words = (by_case["position"] + 1).astype("str")
    is_alone = ~by_case["case"].duplicated(keep=False)
    joined = words[~is_alone].groupby(by_case["case"]).agg(", ".join)
    ranks = pd.concat([words[is_alone].set_axis(by_case["case"][is_alone]), joined])
    failing = failures.case >= 0
    case = pd.Series(
        failures.case[failing], index=labels[failures.positions[failing]]
    )
    return case.map(ranks).dropna().astype("str")


@dataclass(frozen=True)
class Plan:
    """Actions in order, and what they repair."""

    actions: pd.DataFrame
    """One row per action: its kind and columns."""
    repaired_at: Codes
    """The position of the action that repairs each case, -1 where none does."""
    undecided: Flags
    """Whether something in the case stays unknown that no action of the plan settles."""
    options: pd.DataFrame
    """case, need, and the position of each action of the plan that meets it."""


class _Met(NamedTuple):
    """Needs of cases, each with an action that meets it, by number."""

    case: Codes
    need: Codes
    action: Codes

    def where(self, chosen: Flags) -> _Met:
        return _Met(*(column[chosen] for column in self))

    def table(self, like: Flags) -> Flags:
        """Return whether each need of each case is met, in the shape of another table."""
        table = np.zeros_like(like)
        table[self.case, self.need] = True
        return table

    def need_codes(self) -> Codes:
        """Return a code for each need, equal where the same actions meet it in any case."""
        of_case, _ = factorize_codes(self.case, self.need)
        if not len(of_case):
            return of_case
        code, _ = factorize_sets(of_case, self.action)
        return code[of_case]


def _checked_plan(
    failures: Failures, options: pd.DataFrame, plan_check: PlanCheck
) -> Plan:
    """Return a plan that repairs what it promises, and breaks nothing that works."""
    case = options["case"].to_numpy()
    can_break = options["action"].isin(
        [kind for kind in KINDS if BY_KIND[kind].propose]
    )
    allowed = np.ones(len(options), dtype=bool)
    hopeless, undecidable = np.zeros((2, len(failures.rows)), dtype=bool)
    for _ in range(_ROUNDS):
        plan = _plan(failures, options[allowed & ~hopeless[case]], undecidable)
        unrepaired, broken = plan_check.defects(
            plan.actions, plan.repaired_at, plan.undecided
        )
        if not unrepaired.any() and not len(broken):
            break
        settled = failures.unsure.any(axis=1) & ~plan.undecided
        hopeless |= unrepaired & ~settled
        undecidable |= unrepaired & settled
        of_broken = failures.rows["device"].isin(broken).to_numpy()[case]
        allowed &= ~(can_break.to_numpy() & of_broken)
    return plan


def _plan(failures: Failures, options: pd.DataFrame, undecidable: Flags) -> Plan:
    """Return the plan for all cases of which every need can be met.

    No action settles the cases that are undecidable.
    """
    columns = ["action", *COLUMNS]
    action, first = factorize_rows(options, columns)
    met = _Met(options["case"].to_numpy(), options["need"].to_numpy(), action)
    possible: Flags = np.all(met.table(failures.needs) | ~failures.needs, axis=1)
    met = met.where(possible[met.case])
    is_broken, need = failures.needs[met.case, met.need], met.need_codes()
    costs = options["cost"].to_numpy()[first]
    covering = cover(*_distinct(need[is_broken], met.action[is_broken]), costs)
    in_cover = np.isin(met.action, covering)
    settled = met.where(in_cover).table(failures.unsure)
    undecided: Flags = undecidable | np.any(failures.unsure & ~settled, axis=1)
    # An action counts for what it mends, and for what it settles where that decides the case.
    counts = in_cover & (is_broken | ~undecided[met.case])
    met, need = met.where(counts), need[counts]
    in_order, repaired_at = order(
        _distinct(met.case, need),
        _distinct(need, met.action),
        _weights(failures, possible, undecided),
    )
    position = np.full(len(first), -1)
    position[in_order] = np.arange(len(in_order))
    used = pd.DataFrame(
        {"case": met.case, "need": met.need, "position": position[met.action]}
    )
    actions = options[columns].iloc[first[in_order]].reset_index(drop=True)
    return Plan(actions, repaired_at, undecided, distinct_rows(used))


def _distinct(left: Codes, right: Codes) -> tuple[Codes, Codes]:
    """Return each pair of the two columns once."""
    _, first = factorize_codes(left, right)
    return left[first], right[first]


def _devices(failures: Failures) -> pd.Series:
    """Return the device of each case; an unknown one counts as a device of its own."""
    case = failures.rows.index.to_series().astype("str")
    return failures.rows["device"].fillna("case " + case)


def _weights(
    failures: Failures, possible: Flags, undecided: Flags
) -> npt.NDArray[np.float64]:
    """Return weights that sum to one per device; undecided cases hardly weigh anything.

    The number of attempts decides between equals.
    """
    sure = possible & ~undecided
    device = _devices(failures)
    shares = 1 / device.where(sure).groupby(device).transform("count").clip(lower=1)
    weights = np.where(sure, shares, _SLIGHT) + _SLIGHT**2 * failures.rows["attempts"]
    return np.where(possible, weights, 0.0)


def _are_logged(fleet: Fleet, results: pd.DataFrame) -> bool:
    """Return True for results of the log, False for those of the device entries.

    Raises
    ------
    CerttrustError
        If a label occurs twice, or is not one of the fleet.
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
    """Return the actions with the attempts and devices that each repairs.

    Both are counted for each action alone, and for it and all before it.
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
    met = plan.options.groupby(["case", "position"], sort=False).size()
    case, position = (
        met.index.get_level_values(name).to_numpy() for name in ("case", "position")
    )
    alone = (met.to_numpy() == needed[case]) & ~undecided[case]
    case, position = case[alone], position[alone]
    position_of_device, _ = _distinct(position, device[case])
    # A device counts from the first action that repairs one of its cases.
    first = np.full(int(device.max(initial=-1)) + 1, size)
    np.minimum.at(first, device[sure], plan.repaired_at[sure])
    return plan.actions.assign(
        attempts=total(position, attempts[case]),
        devices=total(position_of_device),
        attempts_cumulative=np.cumsum(total(plan.repaired_at[sure], attempts[sure])),
        devices_cumulative=np.cumsum(total(first[first < size])),
        undecided=np.cumsum(total(plan.repaired_at[unsure], attempts[unsure])),
    )
