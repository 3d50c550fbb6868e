"""Gaps: what is missing for a verdict is named where it can be got, and contradictions name the
stale data.
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


def whats(results):
    """Return the kinds of data that are missing."""
    return set(missing(results)["what"])


def judged(fleet):
    """Return the results of a fleet."""
    return ct.check(ct.attempts(fleet))


def test_what_was_taken_away_is_what_is_missing(fleet):
    """Certificates, trust lists or device entries taken away are named, with the PBX and the
    devices.
    """
    assert whats(judged(fleet)) <= {"rule"}
    bare = dataclasses.replace(fleet, certificates=empty(CERTIFICATES))
    assert "certificate" in whats(judged(bare))
    unlisted = judged(dataclasses.replace(fleet, trust=empty(TRUST)))
    found = missing(unlisted)
    found = found[found["what"] == "trust list"].set_index("pbx")
    asked = unlisted[unlisted["scenario"] == "h323-certificate"].groupby("pbx")
    assert found["attempts"].to_dict() == asked.size().to_dict()
    assert found["devices"].to_dict() == asked["device"].nunique().to_dict()
    assert all(
        f"PBX {pbx} " in sentence for pbx, sentence in found["sentence"].items()
    )
    entries = judged(dataclasses.replace(fleet, devices=fleet.devices.head(0)))
    assert "TLS only flag" in whats(entries)


def test_every_undecided_attempt_lacks_something():
    """Whatever keeps a verdict back has a name, on fleets with gaps of every kind."""
    for seed in range(3):
        results = judged(simulation.simulate(60, seed=seed, gaps=0.5))
        undecided = results[results["verdict"] == "unknown"]
        explained = pd.DataFrame(lacking(undecided)).any(axis=1)
        assert len(undecided)
        assert explained.all(), undecided[~explained].iloc[0].to_dict()


def test_sentences_have_no_gap_and_are_sorted_by_attempts():
    """No sentence shows a hole, and the most frequent lack comes first."""
    found = missing(judged(simulation.simulate(80, seed=2, gaps=0.4)))
    assert found["attempts"].is_monotonic_decreasing
    assert (
        not found["sentence"]
        .str.contains(r"not known\)|\{|\bnan\b|\b0 devices|\b1 devices", regex=True)
        .any()
    )


def test_nothing_is_missing_where_all_is_decided(fleet):
    """The frame is empty and has its columns."""
    results = judged(fleet)
    found = missing(results[results["verdict"] != "unknown"])
    assert found.empty
    assert found.columns.tolist() == [
        "what",
        "pbx",
        "devices",
        "attempts",
        "sentence",
    ]


def test_a_success_against_the_rules_puts_the_right_data_in_doubt(fleet):
    """A changed list, an old certificate file and a changed flag are told apart."""
    before = judged(fleet)
    trusted = before[
        (before["certificate_by"] == "fingerprint")
        & (before["trust_state"] == "chain")
    ]
    unlisted = dataclasses.replace(
        fleet, trust=fleet.trust[fleet.trust["pbx"] != trusted["pbx"].iloc[0]]
    )
    nothing = ct.schema.conform(
        pd.DataFrame(
            {"pbx": [trusted["pbx"].iloc[0]], "parse_error": ["the list is empty"]}
        ),
        TRUST,
    )
    changed = dataclasses.replace(
        unlisted, trust=pd.concat([unlisted.trust, nothing], ignore_index=True)
    )
    found = contradictions(judged(changed)).set_index("attempt")
    assert found.loc[trusted.index[0], "stale"] == "trust list"
    assert trusted["pbx"].iloc[0] in found.loc[trusted.index[0], "sentence"]
    later = contradictions(ct.check(ct.attempts(fleet), at="2071-06-01"))
    assert "certificate" in set(later["stale"])
    locked = dataclasses.replace(fleet, devices=fleet.devices.assign(tls_only=True))
    found = contradictions(judged(locked))
    assert set(found["stale"]) == {"device entry"}
    assert set(found["code"]) <= {"password.tls_only", "transport.tls_only"}


def test_what_is_not_known_is_no_hole_in_the_sentence():
    """A device without a name, a certificate without an end, a single attempt; and labels may
    occur twice.
    """
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
    results = judged(small_fleet(100, seed=1))
    found = contradictions(results)
    contradicted = results[
        (results["verdict"] == "fail") & (results["observed"] == "up")
    ]
    assert found["attempt"].tolist() == contradicted.index.tolist()


@pytest.mark.parametrize(
    "code", sorted({code for codes in SCENARIOS.values() for code in codes})
)
def test_every_rule_puts_its_own_data_in_doubt(code):
    """The clock, the certificate or the device entry, as the name of the rule says; a list
    where the log names it.
    """
    row = ct.check(ct.attempts(small_fleet(10, seed=1))).head(1)
    against = row.assign(
        observed="up",
        verdict="fail",
        cause=pd.Categorical([code]),
        certificate_by="device",
    )
    subject = {"time.clock": "clock"}.get(
        code, "device entry" if code.endswith("tls_only") else "certificate"
    )
    assert contradictions(against)["stale"].tolist() == [subject]
    named = contradictions(against.assign(certificate_by="fingerprint"))
    assert named["stale"].tolist() == [
        "trust list" if code.endswith(".trust") else subject
    ]
