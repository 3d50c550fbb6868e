"""Missing data: what an undecided verdict lacks is named with the PBX, and contradictions name
the stale data.
"""

import dataclasses

import pandas as pd
import pytest

import certtrust as ct
from certtrust import simulation
from certtrust.advice import contradictions, missing
from certtrust.advice.missing import lacking
from certtrust.evaluation.rules import SCENARIOS
from certtrust.schema import CERTIFICATES, TRUST, empty
from certtrust.testing import small_fleet


@pytest.fixture(scope="module")
def fleet():
    """Return a linked fleet whose data suffice for every verdict."""
    return small_fleet(60, seed=3, healthy=True)


def missing_kinds(results):
    """Return the kinds of data that are missing."""
    return set(missing(results)["what"])


def results_of(fleet):
    """Return the results of a fleet."""
    return ct.check(ct.attempts(fleet))


def test_removed_data_are_reported_as_missing(fleet):
    """Removed certificates, trust lists or device entries are named, with the PBX and the
    devices.
    """
    assert missing_kinds(results_of(fleet)) <= {"rule"}
    bare = dataclasses.replace(fleet, certificates=empty(CERTIFICATES))
    assert "certificate" in missing_kinds(results_of(bare))
    unlisted = results_of(dataclasses.replace(fleet, trust=empty(TRUST)))
    gaps = missing(unlisted)
    gaps = gaps[gaps["what"] == "trust list"].set_index("pbx")
    by_pbx = unlisted[unlisted["scenario"] == "h323-certificate"].groupby("pbx")
    assert gaps["attempts"].to_dict() == by_pbx.size().to_dict()
    assert gaps["devices"].to_dict() == by_pbx["device"].nunique().to_dict()
    assert all(
        f"PBX {pbx} " in sentence for pbx, sentence in gaps["sentence"].items()
    )
    entries = results_of(dataclasses.replace(fleet, devices=fleet.devices.head(0)))
    assert "TLS only flag" in missing_kinds(entries)


def test_every_undecided_attempt_lacks_something():
    """Whatever prevents a verdict is named, in fleets with gaps of every kind."""
    for seed in range(3):
        results = results_of(simulation.simulate(60, seed=seed, gaps=0.5))
        undecided = results[results["verdict"] == "unknown"]
        explained = pd.DataFrame(lacking(undecided)).any(axis=1)
        assert len(undecided)
        assert explained.all(), undecided[~explained].iloc[0].to_dict()


def test_sentences_have_no_gap_and_are_sorted_by_attempts():
    """No sentence shows a placeholder, and the most frequent gap comes first."""
    gaps = missing(results_of(simulation.simulate(80, seed=2, gaps=0.4)))
    assert gaps["attempts"].is_monotonic_decreasing
    assert (
        not gaps["sentence"]
        .str.contains(r"not known\)|\{|\bnan\b|\b0 devices|\b1 devices", regex=True)
        .any()
    )


def test_nothing_is_missing_where_everything_is_decided(fleet):
    """The frame is empty and has its columns."""
    results = results_of(fleet)
    gaps = missing(results[results["verdict"] != "unknown"])
    assert gaps.empty
    assert gaps.columns.tolist() == [
        "what",
        "pbx",
        "devices",
        "attempts",
        "sentence",
    ]


def test_a_success_against_the_rules_puts_the_right_data_in_doubt(fleet):
    """A changed list, an old certificate file and a changed flag are distinguished."""
    before = results_of(fleet)
    trusted = before[
        (before["certificate_by"] == "fingerprint")
        & (before["trust_state"] == "chain")
    ]
    unlisted = dataclasses.replace(
        fleet, trust=fleet.trust[fleet.trust["pbx"] != trusted["pbx"].iloc[0]]
    )
    empty_list = ct.schema.conform(
        pd.DataFrame(
            {"pbx": [trusted["pbx"].iloc[0]], "parse_error": ["the list is empty"]}
        ),
        TRUST,
    )
    changed = dataclasses.replace(
        unlisted, trust=pd.concat([unlisted.trust, empty_list], ignore_index=True)
    )
    conflicts = contradictions(results_of(changed)).set_index("attempt")
    assert conflicts.loc[trusted.index[0], "stale"] == "trust list"
    assert trusted["pbx"].iloc[0] in conflicts.loc[trusted.index[0], "sentence"]
    after_expiry = contradictions(ct.check(ct.attempts(fleet), at="2071-06-01"))
    assert "certificate" in set(after_expiry["stale"])
    locked = dataclasses.replace(fleet, devices=fleet.devices.assign(tls_only=True))
    conflicts = contradictions(results_of(locked))
    assert set(conflicts["stale"]) == {"device entry"}
    assert set(conflicts["code"]) <= {"password.tls_only", "transport.tls_only"}


def test_sentences_are_complete_where_a_value_is_missing():
    """Devices may lack a name and certificates an end date; row labels may repeat."""
    results = ct.check(ct.attempts(small_fleet(30, seed=2)), at="2071-01-01")
    bare = results.assign(device=None, not_after=pd.NaT).set_axis([0] * len(results))
    sentences = contradictions(bare)["sentence"]
    assert len(sentences)
    assert sentences.str.startswith("An unnamed device ").all()
    assert not sentences.str.contains("not known|until", regex=True).any()
    unnamed = (
        results[results["verdict"] == "unknown"].assign(device=None, pbx="hq").head(1)
    )
    assert (
        missing(unnamed)["sentence"]
        .str.contains("1 attempt by an unnamed device at the PBX hq")
        .all()
    )
    assert missing(unnamed.astype({"pbx": "category"}))["sentence"].equals(
        missing(unnamed)["sentence"]
    )


def test_only_successes_can_contradict():
    """A fleet whose log agrees with its configuration has no contradiction."""
    results = results_of(small_fleet(100, seed=1))
    conflicts = contradictions(results)
    contradicted = results[
        (results["verdict"] == "fail") & (results["observed"] == "up")
    ]
    assert conflicts["attempt"].tolist() == contradicted.index.tolist()


@pytest.mark.parametrize(
    "code", sorted({code for codes in SCENARIOS.values() for code in codes})
)
def test_every_rule_puts_its_own_data_in_doubt(code):
    """The rule decides between clock, certificate and device entry; a trust list is in doubt
    where the log identifies the certificate.
    """
    row = ct.check(ct.attempts(small_fleet(10, seed=1))).head(1)
    against = row.assign(
        observed="up",
        verdict="fail",
        cause=pd.Categorical([code]),
        certificate_by="device",
    )
    own = {"time.clock": "clock", "transport.tls_version": "TLS version"}
    subject = own.get(
        code, "device entry" if code.endswith("tls_only") else "certificate"
    )
    assert contradictions(against)["stale"].tolist() == [subject]
    named = contradictions(against.assign(certificate_by="fingerprint"))
    assert named["stale"].tolist() == [
        "trust list" if code.endswith(".trust") else subject
    ]
