"""Verdicts and causes of attempts that differ from a good one in a single point."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import certtrust as ct
from certtrust.evaluation.rules import HYGIENE, SCENARIOS
from certtrust.schema import ATTEMPTS, RESULTS, conform
from certtrust.testing import small_fleet
from certtrust.trust.trust_state import TrustPath

NOON = pd.Timestamp("2026-03-02T12:00:00Z")
ALWAYS = (TrustPath(("bb",), -(2**62), 2**62),)
GOOD = {
    "time": NOON,
    "clock_unset": False,
    "pbx": "hq",
    "serial": "0090332f688a",
    "registration_name": "0090332f688a",
    "protocol": "H.323/TLS",
    "authentication": "certificate",
    "via_reverse_proxy": False,
    "state": "up",
    "scenario": "h323-certificate",
    "device": "0090332f688a",
    "tls_only": True,
    "reverse_proxy": False,
    "fingerprint": "aa",
    "subject": "CN=0090332f688a",
    "subject_cn": "0090332f688a",
    "not_before": pd.Timestamp("2020-01-01T00:00:00Z"),
    "not_after": pd.Timestamp("2030-01-01T00:00:00Z"),
    "trust_paths": ALWAYS,
    "trust_failure": None,
}
PASSWORD = {
    "scenario": "h323-password",
    "authentication": "password",
    "tls_only": False,
}
OPEN = {"scenario": None, "authentication": None}


def judge(*changes, at=None):
    """Return the results of copies of a good attempt, one for each change."""
    rows = [{**GOOD, **change} for change in changes]
    return ct.check(conform(pd.DataFrame(rows), ATTEMPTS), at=at)


@pytest.mark.parametrize(
    ("change", "verdict", "cause"),
    [
        ({}, "pass", None),
        ({"clock_unset": True, "time": pd.NaT}, "fail", "time.clock"),
        ({"clock_unset": pd.NA, "time": pd.NaT}, "unknown", None),
        (
            {
                "clock_unset": True,
                "time": pd.NaT,
                "protocol": "H.323/TCP",
                "tls_only": False,
            },
            "pass",
            None,
        ),
        (
            {
                "clock_unset": True,
                "time": pd.NaT,
                "protocol": "H.323/UDP",
                "tls_only": False,
            },
            "pass",
            None,
        ),
        (
            {
                "clock_unset": pd.NA,
                "time": pd.NaT,
                "protocol": "H.323/TCP",
                "tls_only": False,
            },
            "pass",
            None,
        ),
        (
            {
                "clock_unset": True,
                "time": pd.NaT,
                "protocol": None,
                "tls_only": False,
            },
            "fail",
            "time.clock",
        ),
        (
            {**PASSWORD, "clock_unset": True, "time": pd.NaT, "protocol": None},
            "unknown",
            None,
        ),
        (
            {**PASSWORD, "clock_unset": True, "time": pd.NaT, "protocol": "H.323"},
            "unknown",
            None,
        ),
        (
            {"trust_paths": (), "trust_failure": "incomplete trust list"},
            "unknown",
            None,
        ),
        ({"trust_paths": (), "trust_failure": "incomplete chain"}, "unknown", None),
        ({"trust_paths": (), "trust_failure": "chain too long"}, "unknown", None),
        ({"trust_paths": (), "trust_failure": "too many names"}, "unknown", None),
        ({"protocol": "H.323/TCP"}, "fail", "transport.tls_only"),
        ({"protocol": "H.323/TCP", "tls_only": False}, "pass", None),
        ({"protocol": "H.323/TCP", "tls_only": pd.NA}, "unknown", None),
        (
            {
                "protocol": "H.323/UDP",
                "via_reverse_proxy": True,
                "reverse_proxy": True,
            },
            "pass",
            None,
        ),
        (
            {
                "protocol": "H.323/UDP",
                "via_reverse_proxy": True,
                "reverse_proxy": False,
            },
            "fail",
            "transport.tls_only",
        ),
        (
            {"trust_paths": (), "trust_failure": "untrusted CA"},
            "fail",
            "certificate.trust",
        ),
        (
            {"trust_paths": (), "trust_failure": "self-signed"},
            "fail",
            "certificate.trust",
        ),
        ({"trust_paths": (), "trust_failure": "no certificate"}, "unknown", None),
        ({"trust_paths": (), "trust_failure": "no trust list"}, "unknown", None),
        ({"trust_paths": (), "trust_failure": "unreadable"}, "unknown", None),
        (
            {
                "trust_paths": (TrustPath(("bb",), 0, 1),),
                "trust_failure": "expired CA",
            },
            "fail",
            "certificate.trust",
        ),
        (
            {"not_after": pd.Timestamp("2026-03-02T11:59:59Z")},
            "fail",
            "time.validity",
        ),
        ({"not_after": NOON}, "pass", None),
        (
            {"not_before": pd.Timestamp("2026-03-02T12:00:01Z")},
            "fail",
            "time.validity",
        ),
        ({"not_before": pd.NaT, "not_after": pd.NaT}, "unknown", None),
        ({"registration_name": "reception"}, "fail", "certificate.name"),
        ({"subject_cn": ""}, "fail", "certificate.name"),
        (
            {"registration_name": "0090332f688a-TEL1", "interface": "TEL1"},
            "pass",
            None,
        ),
        (PASSWORD, "pass", None),
        ({**PASSWORD, "tls_only": True}, "fail", "password.tls_only"),
        ({**PASSWORD, "tls_only": pd.NA}, "unknown", None),
        (
            {
                **PASSWORD,
                "tls_only": True,
                "via_reverse_proxy": True,
                "reverse_proxy": True,
            },
            "pass",
            None,
        ),
        (
            {
                **PASSWORD,
                "tls_only": True,
                "via_reverse_proxy": pd.NA,
                "reverse_proxy": True,
            },
            "unknown",
            None,
        ),
        (
            {**PASSWORD, "trust_paths": (), "trust_failure": "untrusted CA"},
            "pass",
            None,
        ),
        ({**OPEN, "tls_only": False}, "pass", None),
        (
            {**OPEN, "tls_only": False, "registration_name": "reception"},
            "unknown",
            None,
        ),
        (
            {**OPEN, "clock_unset": True, "time": pd.NaT, "tls_only": False},
            "fail",
            "time.clock",
        ),
        ({**OPEN, "protocol": "SIPS"}, "unknown", None),
    ],
)
def test_one_change_gives_its_verdict_and_cause(change, verdict, cause):
    """Each rule decides alone, missing data give unknown, and the cause is the broken rule."""
    result = judge(change).iloc[0]
    assert result["verdict"] == verdict
    assert (result["cause"] if pd.notna(result["cause"]) else None) == cause


@pytest.mark.parametrize(
    ("state", "reason", "cause", "evidence"),
    [
        ("unauthorized", None, "wrong_password", "log"),
        ("rejected", "duplicateAlias", "already_registered", "log"),
        ("rejected", "404", "unknown_user", "log"),
        ("rejected", "invalidAlias", "unknown_user", "log"),
        ("timeout", None, "timeout", "log"),
        ("rejected", None, "unexplained", None),
        ("rejected", "securityDenial", "unexplained", None),
        ("down", None, "unexplained", None),
        ("up", None, None, None),
    ],
)
def test_a_failure_that_no_rule_explains_keeps_what_the_log_states(
    state, reason, cause, evidence
):
    """The log gives the cause where no rule is broken; `rejected` alone proves nothing."""
    result = judge({"state": state, "reason": reason}).iloc[0]
    assert (result["cause"] if pd.notna(result["cause"]) else None) == cause
    assert (result["evidence"] if pd.notna(result["evidence"]) else None) == evidence
    assert result["verdict"] == "pass"


def test_explained_needs_a_failure_on_both_sides():
    """Explained is True for a predicted failure, False for one that no rule predicts, and missing
    otherwise.
    """
    broken = {"trust_paths": (), "trust_failure": "untrusted CA"}
    unknown = {"trust_paths": (), "trust_failure": "no certificate"}
    results = judge(
        {"state": "rejected", **broken},
        {"state": "rejected"},
        {"state": "rejected", **unknown},
        {"state": "up", **broken},
    )
    assert results["explained"].tolist() == [True, False, pd.NA, pd.NA]
    assert results["observed"].tolist() == ["failed", "failed", "failed", "up"]


def test_the_first_broken_rule_is_the_cause_and_all_are_kept():
    """An attempt that fails for four reasons has the first as cause and keeps the others."""
    result = judge(
        {
            "clock_unset": True,
            "time": pd.NaT,
            "trust_paths": (),
            "trust_failure": "unknown CA",
            "registration_name": "reception",
            "not_after": pd.Timestamp("2021-01-01T00:00:00Z"),
        }
    )
    assert result["cause"].tolist() == ["time.clock"]
    broken = [
        code
        for code in SCENARIOS["h323-certificate"]
        if result[code].eq(other=False).all()
    ]
    assert broken == [
        "time.clock",
        "certificate.trust",
        "time.validity",
        "certificate.name",
    ]
    assert ct.findings(result).query("passed == False")["code"].tolist()[:4] == broken


def test_the_moment_is_one_for_all_one_per_row_or_the_time_of_the_row():
    """`at` moves the judgement, not the attempt; where it is missing, the row's time counts."""
    late = pd.Timestamp("2031-01-01T00:00:00Z")
    assert judge({}, {}, at=late)["verdict"].tolist() == ["fail", "fail"]
    assert judge({}, {}, at="2031-01-01")["judged_at"].eq(late).all()
    per_row = pd.Series([late, pd.NaT])
    assert judge({}, {}, at=per_row)["verdict"].tolist() == ["fail", "pass"]
    with pytest.raises(ct.CerttrustError, match="not a date or time"):
        judge({}, at="next week")


def test_a_path_is_trusted_only_while_its_authorities_are_valid():
    """An attempt is trusted by one path, later by another, and by none in between."""
    year = {2026: 1767225600000000, 2027: 1798761600000000, 2028: 1830297600000000}
    paths = (
        TrustPath(("bb",), 0, year[2026]),
        TrustPath(("cc",), year[2027], year[2028]),
    )
    results = judge(
        *[{"trust_paths": paths, "trust_failure": "expired CA"}] * 3,
        at=pd.Series(pd.to_datetime(["2025-06-01", "2026-06-01", "2027-06-01"])),
    )
    assert results["trust_state"].tolist() == ["chain", "expired CA", "chain"]
    assert results["trusted_by"].fillna("").tolist() == ["bb", "", "cc"]
    assert results["certificate.trust"].tolist() == [True, False, True]


def test_results_conform_and_leave_the_attempts_alone():
    """Results have the declared columns and keep further ones; the argument does not change."""
    attempts = conform(
        pd.DataFrame([{**GOOD, "true_cause": "x"}], index=[7]), ATTEMPTS
    )
    before = attempts.copy(deep=True)
    results = ct.check(attempts)
    assert set(RESULTS.names) <= set(results.columns)
    assert results["true_cause"].tolist() == ["x"]
    assert results.index.tolist() == [7]
    pd.testing.assert_frame_equal(attempts, before)


def test_a_frame_without_the_columns_of_attempts_is_refused():
    """The error names a missing column and the function that makes the frame."""
    with pytest.raises(ct.CerttrustError, match=r"trust_paths.*attempts\(fleet\)"):
        ct.check(pd.DataFrame({"pbx": ["hq"]}))


def test_no_rows_give_no_results_and_no_error():
    """Every function accepts an empty frame."""
    results = ct.check(conform(pd.DataFrame(), ATTEMPTS))
    assert len(results) == 0
    assert ct.findings(results).empty
    assert ct.causes(results).empty
    assert ct.causes(results, by="pbx").empty
    assert ct.compare(results).to_numpy().sum() == 0


def test_causes_count_attempts_and_devices_separately():
    """Two attempts of one device are two attempts and one device; successes do not count."""
    broken = {"trust_paths": (), "trust_failure": "untrusted CA", "state": "rejected"}
    results = judge(
        broken,
        broken,
        {**broken, "device": "b", "pbx": "branch"},
        {"state": "timeout"},
        {},
    )
    counts = ct.causes(results)
    assert counts["cause"].tolist() == ["certificate.trust", "timeout"]
    assert counts["attempts"].tolist() == [3, 1]
    assert counts["devices"].tolist() == [2, 1]
    assert counts["share"].tolist() == [0.75, 0.25]
    per_pbx = ct.causes(results, by=["pbx"])
    assert per_pbx.groupby("pbx")["share"].sum().eq(1).all()
    assert ct.causes(results, by=["pbx", "pbx"]).equals(per_pbx)
    assert ct.causes(results, by="cause")["share"].eq(1).all()
    with pytest.raises(ct.CerttrustError, match="colour"):
        ct.causes(results, by="colour")


def test_compare_counts_every_attempt_once():
    """The cross table adds up to the number of attempts."""
    results = judge(
        {},
        {"state": "rejected"},
        {"state": None},
        {"state": "down", "subject_cn": ""},
    )
    table = ct.compare(results)
    assert table.to_numpy().sum() == len(results)
    assert table.loc["pass", "not observed"] == 1
    assert table.loc["fail", "failed"] == 1


FLAG = st.sampled_from([True, False, pd.NA])
ANY_ATTEMPT = st.fixed_dictionaries(
    {
        "clock_unset": FLAG,
        "tls_only": FLAG,
        "reverse_proxy": FLAG,
        "via_reverse_proxy": FLAG,
        "protocol": st.sampled_from(["H.323/TLS", "H.323/TCP", "H.323", "SIP", None]),
        "authentication": st.sampled_from(["certificate", "password", "none", None]),
        "scenario": st.sampled_from([*SCENARIOS, None]),
        "state": st.sampled_from(
            ["up", "timeout", "rejected", "unauthorized", "down", None]
        ),
        "trust_failure": st.sampled_from(
            ["untrusted CA", "no certificate", "unreadable"]
        ),
        "trust_paths": st.sampled_from([ALWAYS, ()]),
        "subject_cn": st.sampled_from(["0090332f688a", "", None, "x"]),
        "registration_name": st.sampled_from(["0090332f688a", None, "reception"]),
        "not_after": st.sampled_from(
            [NOON, pd.NaT, pd.Timestamp("2021-01-01T00:00:00Z")]
        ),
    }
)


# A call takes as long for forty rows as for one, so there are few calls with many rows.
@given(st.lists(ANY_ATTEMPT, min_size=1, max_size=40))
@settings(max_examples=30)
def test_a_verdict_follows_from_the_rules_of_its_scenario(rows):
    """Pass means that every required rule holds, fail that one is broken; other rows do not
    matter.
    """
    results = judge(*rows)
    for _, row in results.iterrows():
        codes = SCENARIOS.get(row["scenario"])
        if codes is None:
            continue
        outcome = [row[code] for code in codes]
        broken = any(value is not pd.NA and not value for value in outcome)
        expected = (
            "fail"
            if broken
            else "unknown"
            if any(value is pd.NA for value in outcome)
            else "pass"
        )
        assert row["verdict"] == expected
        assert all(
            row[code] is pd.NA
            for code in results
            if code in ARTICLE_RULES and code not in codes
        )
    alone, among = judge(rows[0]).iloc[0], results.iloc[0]
    assert (alone["verdict"], str(alone["cause"])) == (
        among["verdict"],
        str(among["cause"]),
    )


ARTICLE_RULES = {
    code
    for codes in (*SCENARIOS.values(), *HYGIENE.values())
    for code in codes
    if not code.startswith("hygiene.")
}


def test_moments_are_matched_by_unique_labels():
    """Their order does not matter; attempts may repeat a label where the moments do not."""
    attempts = ct.attempts(small_fleet(10, seed=1))
    moments = attempts["time"].fillna(pd.Timestamp("2026-01-01T00:00:00Z"))
    expected = ct.check(attempts, at=moments)
    pd.testing.assert_frame_equal(ct.check(attempts, at=moments[::-1]), expected)
    same_label = np.zeros(len(attempts), dtype=int)
    repeated = ct.check(
        attempts.set_axis(same_label), at=moments.set_axis(same_label)
    )
    pd.testing.assert_frame_equal(repeated.set_axis(attempts.index), expected)
    with pytest.raises(ct.CerttrustError, match="labels occur more than once"):
        ct.check(attempts, at=moments.set_axis(same_label))


def test_hygiene_has_no_opinion_on_an_unknown_certificate():
    """A fingerprint in the log is not enough for an opinion."""
    unknown = {
        "subject": None,
        "subject_cn": None,
        "not_before": pd.NaT,
        "not_after": pd.NaT,
    }
    unknown |= {"trust_paths": (), "trust_failure": "no certificate"}
    results = judge(
        {**unknown, "fingerprint": None},
        unknown,
        {**unknown, "fingerprint": None, "registration_name": None},
    )
    hygiene = [code for code in results if code.startswith("hygiene.")]
    assert results[hygiene].isna().all(axis=None)
    weak = judge(
        {
            "signature_hash": "sha1",
            "key_type": "RSA",
            "key_size": 1024,
            "signature_algorithm": "x",
        }
    )
    assert (
        weak["hygiene.weak_signature"].tolist()
        == [False]
        == weak["hygiene.weak_key"].tolist()
    )
    assert judge({"signature_algorithm": "ed25519"})[
        "hygiene.weak_signature"
    ].tolist() == [True]
    assert (
        judge({"signature_algorithm": "1.2.3"})["hygiene.weak_signature"].isna().all()
    )


@pytest.mark.parametrize(
    "at",
    ["01.06.2026", "13.06.2026", "06/01/2026", "1.6.26", "June 2026", "2026/06/01"],
)
def test_a_moment_is_written_with_the_year_first(at):
    """Other forms are ambiguous between people, and between people and computers."""
    with pytest.raises(ct.CerttrustError, match="year first"):
        judge({}, at=at)
    for good in (
        "2026-06-01",
        "2026-06-01 12:00",
        "2026-06-01T12:00:00Z",
        "2026-06-01T12:00+02:00",
        "20260601",
        "2026-06",
    ):
        assert judge({}, at=good)["judged_at"].dt.month.tolist() == [6]
