"""Findings: one row per broken or undecided rule, worded with the names of its attempt, alone and
among others.
"""

import pandas as pd
import pytest
from thoroughness import examples

import certtrust as ct
from certtrust import simulation
from certtrust.schema import ATTEMPTS, conform

PHONE = "0090332f688a"
BROKEN = {
    "scenario": "h323-certificate",
    "time": pd.Timestamp("2026-03-01T12:00:00Z"),
    "clock_unset": False,
    "device": PHONE,
    "pbx": "hq",
    "protocol": "H.323/TLS",
    "authentication": "certificate",
    "tls_only": True,
    "registration_name": "reception",
    "fingerprint": "aa",
    "subject": "CN=0090332f688a",
    "subject_cn": PHONE,
    "issuer": "OU=Devices,O=Example",
    "trust_paths": (),
    "trust_failure": "unknown CA",
    "not_before": pd.Timestamp("2025-01-01T00:00:00Z"),
    "not_after": pd.Timestamp("2035-01-01T00:00:00Z"),
}


def results_with(*changes):
    """Return results of attempts, each with a change to one with a wrong name and an unknown CA."""
    return ct.check(
        conform(pd.DataFrame([{**BROKEN, **change} for change in changes]), ATTEMPTS)
    )


def why_and_remedy(code, **change):
    """Return the columns why and remedy of one rule for one attempt."""
    findings = ct.findings(results_with(change)).set_index("code")
    return findings.loc[code, "why"], findings.loc[code, "remedy"]


def test_each_attempt_is_worded_as_if_it_were_the_only_one():
    """Attempts with every fault and many gaps give the same findings together and one by one."""
    fleet = simulation.simulate(60, seed=4, gaps=0.5)
    results = ct.check(ct.attempts(fleet))
    results = results.sample(frac=1, random_state=1).head(examples(80))
    together = ct.findings(results)
    alone = pd.concat(
        [ct.findings(results.iloc[[row]]) for row in range(len(results))],
        ignore_index=True,
    )
    assert len(together) > len(results)
    pd.testing.assert_frame_equal(together, alone)


def test_labels_that_occur_twice_keep_both_findings():
    """In a frame concatenated from two logs, each attempt keeps its own findings."""
    results = results_with(
        {}, {"registration_name": PHONE, "device": "other"}
    ).set_axis([7, 7])
    findings = ct.findings(results)
    assert findings["attempt"].tolist() == [7] * len(findings)
    codes = findings.groupby("device", sort=False)["code"].agg(list).to_dict()
    assert codes[PHONE] == ["certificate.trust", "certificate.name"]
    assert codes["other"] == ["certificate.trust"]


@pytest.mark.parametrize(
    ("change", "expected", "never"),
    [
        ({}, f"Register it as {PHONE}, or reissue", "if that name"),
        (
            {"user": "lobby", "subject_cn": "lobby"},
            "Register it as lobby, or reissue",
            "if that name",
        ),
        (
            {"subject_cn": "009033aabbcc"},
            "009033aabbcc is the name of another device",
            "Register it",
        ),
        (
            {"subject_cn": "phone.example.com"},
            "Register it as phone.example.com, if that name belongs to it",
            "x",
        ),
        (
            {"subject_cn": ""},
            "with the CN reception.",
            "Register",
        ),
        (
            {
                "subject_cn": "lobby",
                "registration_name": f"{PHONE}-TEL1",
                "hardware_id": "IP222-2f-68-8a",
            },
            f"with the CN {PHONE}.",
            "-TEL1",
        ),
    ],
)
def test_no_remedy_suggests_the_name_of_another_device(change, expected, never):
    """A CN is suggested as registration name only where it is the device's own; a new CN fits
    all interfaces.
    """
    _, remedy = why_and_remedy("certificate.name", **change)
    assert expected in remedy
    assert never not in remedy.replace(expected, "")


def test_missing_names_do_not_leave_gaps():
    """An issuer without a CN is shown by its full name, and a device without a name as unnamed."""
    why, remedy = why_and_remedy("certificate.trust", device=None)
    assert (
        "The chain of an unnamed device (0090332f688a, issued by OU=Devices,O=Example)"
        in why
    )
    assert "OU=Devices,O=Example" in remedy
    why, _ = why_and_remedy(
        "transport.tls_only",
        device=None,
        protocol="H.323/TCP",
        via_reverse_proxy=False,
    )
    assert why.startswith("An unnamed device registered over H.323/TCP, but ")
    why, _ = why_and_remedy("certificate.name", device="reception")
    assert why.startswith(
        "The device registers as reception, which does not begin with"
    )


def test_no_finding_of_a_simulated_fleet_shows_an_unknown_value():
    """No broken rule is worded with a placeholder."""
    results = ct.check(
        ct.attempts(simulation.simulate(examples(300), seed=8, gaps=0.4))
    )
    findings = ct.findings(results)
    findings = findings[findings["passed"].notna()]
    for column in ("why", "remedy"):
        holes = findings[
            findings[column].str.contains(r"\(not known\)|\{|\bnan\b", regex=True)
        ]
        assert holes.empty, holes.iloc[0].to_dict()
