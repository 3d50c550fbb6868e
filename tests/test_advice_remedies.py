"""Remedies: applying a plan repairs what it promises, action by action, with few actions."""

import dataclasses
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thoroughness import examples, first, share

import certtrust as ct
from certtrust import simulation
from certtrust.advice import KINDS, apply
from certtrust.advice.remedies.actions import applied
from certtrust.advice.remedies.cases import cases
from certtrust.advice.remedies.fleet_copy import certificates_by_fingerprint
from certtrust.advice.remedies.plan import planned, remedies
from certtrust.advice.remedies.plan_check import PlanCheck
from certtrust.advice.remedies.related import related_rows
from certtrust.advice.remedies.set_cover import cover, order
from certtrust.advice.remedies.trusting import Authorities
from certtrust.evaluation.ownership import Ownership
from certtrust.testing import small_fleet

LOCAL = ("device", "fingerprint", "name", "value")


def results_of(fleet, of="log"):
    """Return the results of a simulated fleet at the end of its log."""
    return ct.check(
        ct.attempts(fleet, of=of), at=simulation.NOW if of == "devices" else None
    )


def repaired(fleet, results, actions, of="log"):
    """Return the failed attempts that pass once the actions are applied."""
    return next(repaired_by(fleet, results, [actions], of))


def repaired_by(fleet, results, plans, of="log"):
    """Yield the attempts that each plan repairs; all plans are judged by one call."""
    failed = results[
        (results["verdict"] == "fail")
        & (results["observed"] != "up").fillna(value=True)
    ]
    after = [
        ct.attempts(apply(fleet, actions), of=of).loc[failed.index]
        for actions in plans
    ]
    at = pd.concat([failed["judged_at"]] * len(after), ignore_index=True)
    verdicts = ct.check(pd.concat(after, ignore_index=True), at=at)["verdict"]
    passes = (verdicts == "pass").to_numpy().reshape(len(after), len(failed))
    for rows in passes:
        yield failed[rows]


def sample(numbers):
    """Return at most eight of the numbers, including the first, the second and the last."""
    positions = np.linspace(1, len(numbers) - 1, 7).round().astype(int)
    return sorted({numbers[0], *(numbers[number] for number in positions)})


def assert_prefixes_hold(fleet, results, plan, of="log", ks=None):
    """Compare what the first k actions promise, cumulated, with what they repair."""
    ks = range(1, len(plan) + 1) if ks is None else ks
    repaired_rows = repaired_by(fleet, results, [plan.head(k) for k in ks], of)
    for promised, rows in zip(
        plan.iloc[[k - 1 for k in ks]].itertuples(), repaired_rows, strict=True
    ):
        assert len(rows) == promised.attempts_cumulative
        assert rows["device"].nunique() == promised.devices_cumulative


@pytest.fixture(scope="module", params=[(20, 0, "log"), (20, 2, "devices")])
def case(request):
    """Return a fleet, its results, its plan, and the source of its attempts."""
    devices, seed, of = request.param
    fleet = small_fleet(devices, seed=seed)
    results = results_of(fleet, of)
    return fleet, results, remedies(fleet, results), of


def test_the_first_k_actions_repair_what_they_promise_for_every_k(case):
    """Cumulated attempts and devices are those that pass in a copy with the first k actions
    applied.
    """
    fleet, results, plan, of = case
    assert len(plan) > 5
    assert_prefixes_hold(fleet, results, plan, of, share(range(1, len(plan) + 1)))


def test_each_action_alone_repairs_what_it_promises_alone(case):
    """The columns attempts and devices hold for each action applied alone."""
    fleet, results, plan, of = case
    tried = plan.iloc[share(range(len(plan)))]
    single = [tried.iloc[[k]] for k in range(len(tried))]
    repaired_rows = list(repaired_by(fleet, results, single, of))
    assert [len(rows) for rows in repaired_rows] == tried["attempts"].tolist()
    assert [rows["device"].nunique() for rows in repaired_rows] == tried[
        "devices"
    ].tolist()


def test_a_complete_plan_leaves_no_broken_rule_and_breaks_nothing(case):
    """Everything that can be repaired is repaired, the rest lacks data, and nothing that passed
    fails afterwards.
    """
    fleet, results, plan, of = case
    after = ct.check(ct.attempts(apply(fleet, plan), of=of), at=results["judged_at"])
    failed = (results["verdict"] == "fail") & (results["observed"] != "up").fillna(
        value=True
    )
    assert not (after["verdict"][failed] == "fail").any()
    assert (after["verdict"][failed] == "unknown").sum() == plan["undecided"].iloc[-1]
    assert (after["verdict"][results["verdict"] == "pass"] == "pass").all()


@pytest.mark.parametrize("seed", [6, 9])
def test_a_plan_from_failures_alone_breaks_nothing(seed):
    """Results without the passes still give no action that breaks another registration with the
    certificate.
    """
    fleet = ct.link(
        simulation.simulate(25, seed=seed, faults={"certificate.name": 0.3})
    )
    results = results_of(fleet)
    failures = results[results["verdict"] == "fail"]
    plan = remedies(fleet, failures)
    after = ct.check(ct.attempts(apply(fleet, plan)), at=results["judged_at"])
    assert (after["verdict"][results["verdict"] == "pass"] == "pass").all()
    assert plan["attempts_cumulative"].iloc[-1] == len(failures)


@pytest.mark.parametrize(
    "unsaid",
    first(["authentication", "protocol", "via_reverse_proxy", "clock_unset"]),
)
def test_an_action_can_decide_what_the_log_leaves_out(unsaid):
    """A device that authenticates by certificate uses TLS, so its attempt counts as repaired."""
    fleet = simulation.simulate(
        20, seed=4, faults={("password.tls_only",): 0.2, ("certificate.trust",): 0.2}
    )
    log = fleet.registrations
    log[unsaid] = log[unsaid].mask(np.arange(len(log)) % 3 == 0)
    if unsaid == "clock_unset":
        log["time"] = log["time"].mask(np.arange(len(log)) % 3 == 0)
    fleet = ct.link(fleet)
    results = results_of(fleet)
    plan = remedies(fleet, results)
    ks = sample(range(1, len(plan) + 1))
    single = repaired_by(fleet, results, [plan.iloc[[k - 1]] for k in ks])
    assert [len(rows) for rows in single] == [
        plan["attempts"].iloc[k - 1] for k in ks
    ]
    assert_prefixes_hold(fleet, results, plan, ks=ks)


def test_a_serial_as_name_decides_how_the_device_authenticates():
    """A device that registers over TLS with its serial uses a certificate; that is unknown until
    it is renamed.
    """
    fleet = simulation.simulate(
        30, seed=4, faults={("time.clock", "certificate.name"): 0.3}
    )
    unsaid = pd.Series(pd.NA, index=fleet.devices.index, dtype="boolean")
    log = fleet.registrations.assign(authentication=None).astype(
        {"authentication": "category"}
    )
    fleet = ct.link(
        dataclasses.replace(
            fleet, devices=fleet.devices.assign(tls_only=unsaid), registrations=log
        )
    )
    results = results_of(fleet)
    plan = remedies(fleet, results)
    assert_prefixes_hold(fleet, results, plan, ks=sample(range(1, len(plan) + 1)))
    settled = repaired(fleet, results, plan)
    renamed = plan.loc[plan["action"] == "rename", "device"]
    assert settled.loc[settled["device"].isin(renamed), "scenario"].isna().any()


def test_the_fleet_and_the_results_stay_as_they_were():
    """A plan is computed on copies."""
    fleet = small_fleet(30, seed=5)
    results = results_of(fleet)
    frames = [
        frame for frame in (*vars(fleet).values(), results) if frame is not None
    ]
    copies = [frame.copy(deep=True) for frame in frames]
    apply(fleet, remedies(fleet, results))
    for before, after in zip(copies, frames, strict=True):
        pd.testing.assert_frame_equal(before, after)


def test_a_healthy_fleet_has_an_empty_plan_with_all_columns():
    """No action is needed, and the empty plan can be applied."""
    fleet = small_fleet(10, seed=1, healthy=True)
    results = results_of(fleet)
    plan = remedies(fleet, results)
    sick = simulation.simulate(30, seed=1, faults={"time.clock": 0.3})
    assert plan.empty
    assert plan.dtypes.to_dict() == remedies(sick, results_of(sick)).dtypes.to_dict()
    assert len(apply(fleet, plan).trust) == len(fleet.trust)


def test_a_part_of_the_results_has_its_own_plan():
    """Results of one PBX give actions at that PBX."""
    fleet = small_fleet()
    results = results_of(fleet)
    of_one_pbx = results[results["pbx"] == results["pbx"].value_counts().index[0]]
    plan = remedies(fleet, of_one_pbx)
    assert len(plan)
    assert set(plan["pbx"].dropna()) == {of_one_pbx["pbx"].iloc[0]}
    assert plan["attempts_cumulative"].iloc[-1] == len(
        repaired(fleet, of_one_pbx, plan)
    )


def test_repeated_row_labels_are_refused():
    """They would count an attempt twice, or repair the wrong one; the error names a way out."""
    fleet = small_fleet(20, seed=1)
    results = results_of(fleet)
    with pytest.raises(ct.CerttrustError, match="reset_index"):
        remedies(fleet, pd.concat([results, results]))


def test_one_kind_may_be_given_by_its_name():
    """A single kind need not be in a list."""
    fleet = small_fleet(20, seed=1)
    results = results_of(fleet)
    pd.testing.assert_frame_equal(
        remedies(fleet, results, kinds="trust"),
        remedies(fleet, results, kinds=["trust"]),
    )


def test_results_of_another_fleet_are_refused():
    """Labels that the fleet does not have are the caller's mistake, and so are unknown kinds."""
    fleet = small_fleet(20, seed=1)
    results = results_of(fleet)
    with pytest.raises(ct.CerttrustError, match="judge this very fleet"):
        remedies(fleet, results.rename(index=lambda label: label + 100_000))
    with pytest.raises(ct.CerttrustError, match="no such action"):
        remedies(fleet, results, kinds=["pray"])


def test_kinds_that_are_left_out_are_not_used():
    """Without clearing TLS only there is another plan, which repairs what it promises."""
    fleet = ct.link(
        simulation.simulate(
            60, seed=2, faults={"password.tls_only": 0.2, "transport.tls_only": 0.1}
        )
    )
    results = results_of(fleet)
    plan = remedies(
        fleet, results, kinds=[kind for kind in KINDS if kind != "clear TLS only"]
    )
    assert "clear TLS only" not in set(plan["action"])
    assert (
        plan["attempts_cumulative"].iloc[-1]
        == len(repaired(fleet, results, plan))
        > 0
    )


def test_one_missing_ca_is_one_action_with_its_pem_and_its_price():
    """Devices under a CA that a PBX does not list are repaired by adding it; the PEM is that CA."""
    fleet = ct.link(
        simulation.simulate(80, seed=4, faults={"certificate.trust": 0.5})
    )
    results = results_of(fleet)
    plan = remedies(fleet, results)
    first = plan.iloc[0]
    assert (first["action"], first["devices"] > 2) == ("trust", True)
    assert ct.read_certificates(first["pem"])["fingerprint"].tolist() == [
        first["fingerprint"]
    ]
    assert str(first["lets_in"]) in first["price"]
    assert "General/Certificates" in first["step"]
    assert first["pbx"] in first["step"]


def test_texts_have_no_gap():
    """No text of an action shows an unknown value, and each has a price and an alternative."""
    fleet = small_fleet(examples(200), seed=6)
    plan = remedies(fleet, results_of(fleet))
    for column in ("step", "price", "instead"):
        assert plan[column].str.len().gt(0).all()
        assert not plan[column].str.contains(r"not known|\{|nan", regex=True).any()


pairs = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5)),
    min_size=1,
    max_size=14,
    unique=True,
)


def smallest(met_by):
    """Return the size of the smallest set of actions that meets all needs, by trying all sets."""
    actions = sorted({action for _, action in met_by})
    needs = {need for need, _ in met_by}
    return next(
        size
        for size in range(len(actions) + 1)
        for chosen in combinations(actions, size)
        if {need for need, action in met_by if action in chosen} == needs
    )


@given(pairs)
def test_a_cover_meets_every_need_and_is_within_one_of_the_smallest(met_by):
    """Compare with all sets of up to six actions for six needs; no chosen action is superfluous."""
    needs, actions = (np.array(column) for column in zip(*met_by, strict=True))
    chosen = cover(needs, actions, np.zeros(6, dtype=np.int64)).tolist()
    assert {need for need, action in met_by if action in chosen} == set(
        needs.tolist()
    )
    assert len(chosen) <= smallest(met_by) + 1
    for left_out in chosen:
        assert {
            need for need, action in met_by if action in chosen and action != left_out
        } != set(needs.tolist())


@given(pairs, st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_an_order_repairs_each_case_when_its_last_need_is_met(met_by, needs_of_cases):
    """The position of a case is the first one after which all its needs are met; every action
    occurs once.
    """
    numbered = {
        need: number
        for number, need in enumerate(sorted({need for need, _ in met_by}))
    }
    met_by = [(numbered[need], action) for need, action in met_by]
    cases = [
        {need % len(numbered) for need in needs_of_cases[start:]}
        for start in range(len(needs_of_cases))
    ]
    of_case = np.array(
        [(case, need) for case, needs in enumerate(cases) for need in sorted(needs)]
    )
    by_action = np.array(met_by)
    actions, repaired_at = order(
        (of_case[:, 0], of_case[:, 1]),
        (by_action[:, 0], by_action[:, 1]),
        np.ones(len(cases)),
    )
    assert sorted(actions) == sorted({action for _, action in met_by})
    for case, needs in enumerate(cases):
        met = [
            {need for need, action in met_by if action in actions[: k + 1]}
            for k in range(len(actions))
        ]
        assert repaired_at[case] == next(
            k for k, met_needs in enumerate(met) if needs <= met_needs
        )


@pytest.mark.exhaustive
def test_the_plan_is_within_one_action_of_the_smallest_that_repairs_as_much():
    """Compare with every smaller set of the actions that could be proposed for small fleets."""
    for seed in range(6):
        fleet = ct.link(
            simulation.simulate(
                7,
                seed=seed,
                faults={"certificate.trust": 0.4, "certificate.name": 0.3},
            )
        )
        results = results_of(fleet)
        plan = remedies(fleet, results)
        if len(plan) < 3:
            continue
        menu = pd.concat(
            [
                remedies(fleet, results, kinds=kinds)
                for kinds in ([kind] for kind in KINDS)
            ]
            + [plan]
        )
        menu = menu.drop_duplicates(["action", "pbx", *LOCAL], ignore_index=True)
        best = plan["attempts_cumulative"].iloc[-1]
        for chosen in combinations(range(len(menu)), len(plan) - 2):
            assert len(repaired(fleet, results, menu.iloc[list(chosen)])) < best


@pytest.mark.exhaustive
@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000))
def test_plans_of_many_fleets_hold_what_they_promise(seed):
    """Check some prefixes of the plan of an arbitrary simulated fleet."""
    fleet = small_fleet(150, seed=seed)
    results = results_of(fleet)
    plan = remedies(fleet, results)
    if len(plan) > 1:
        ks = sample(range(1, len(plan) + 1))
        assert_prefixes_hold(fleet, results, plan, ks=ks)


@pytest.mark.parametrize(
    ("seed", "of"), first([(3, "log"), (4, "devices"), (5, "log")], 2)
)
def test_a_plan_has_the_same_effect_on_an_excerpt_of_the_fleet(seed, of):
    """Rows that the excerpt leaves out do not change the verdicts of the remaining attempts."""
    fleet = ct.link(simulation.simulate(80, seed=seed, gaps=0.3))
    results = results_of(fleet, of)
    certificates = certificates_by_fingerprint(fleet)
    authorities = Authorities(fleet, certificates)
    rows = related_rows(results, authorities.dates)
    failures, options = cases(
        fleet, rows, certificates, authorities, logged=of == "log"
    )
    plan_check = PlanCheck.of(fleet, Ownership.of(fleet), rows, failures, options)
    plan = remedies(fleet, results)
    excerpt = plan_check.part
    part = excerpt.attempts(
        applied(excerpt.fleet, plan, excerpt.registered, excerpt.entered)
    )
    all_attempts = ct.attempts(apply(fleet, plan), of=of).loc[part.index]
    assert part.index.equals(plan_check.attempts.index)
    assert len(excerpt.fleet.certificates) < len(fleet.certificates)
    assert len(part)
    at = plan_check.attempts["judged_at"]
    columns = [
        "device",
        "pbx",
        "registration_name",
        "scenario",
        "fingerprint",
        "verdict",
        "cause",
    ]
    pd.testing.assert_frame_equal(
        ct.check(part, at=at)[columns], ct.check(all_attempts, at=at)[columns]
    )


def test_the_actions_of_an_attempt_repair_it_without_all_others():
    """Carried out alone, the actions that an attempt is said to need let it pass; without one
    of several, it fails.
    """
    fleet = small_fleet(20, seed=2)
    results = results_of(fleet)
    plan = planned(fleet, results)
    assert len(plan.ranks) == plan.actions["attempts_cumulative"].iloc[-1]
    distinct = plan.ranks[~plan.ranks.duplicated()]
    several = distinct[distinct.str.contains(", ")]
    assert len(several)
    chosen = pd.concat([several.head(2), distinct.iloc[:2]])
    tried = [(label, words.split(", ")) for label, words in chosen.items()]
    less = [
        (label, words.split(", ")[1:]) for label, words in several.head(2).items()
    ]
    plans = [
        plan.actions[plan.actions["rank"].astype("str").isin(ranks)]
        for _, ranks in [*tried, *less]
    ]
    after = list(repaired_by(fleet, results, plans))
    for (label, _), rows in zip(tried, after, strict=False):
        assert label in rows.index
    for (label, _), rows in zip(less, after[len(tried) :], strict=True):
        assert label not in rows.index
