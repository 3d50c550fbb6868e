"""Findings: one row per broken or undecided rule, worded alike for one attempt and for many,
with its own names.
"""

import pandas as pd
import pytest

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


def judge(*changes):
    """Return the results of attempts that differ from one with a wrong name and an unknown CA."""
    return ct.check(
        conform(pd.DataFrame([{**BROKEN, **change} for change in changes]), ATTEMPTS)
    )


def words(code, **change):
    """Return why and remedy of one rule for one attempt."""
    found = ct.findings(judge(change)).set_index("code")
    return found.loc[code, "why"], found.loc[code, "remedy"]


def test_each_attempt_is_worded_as_if_it_were_the_only_one():
    """All attempts of a fleet with every fault and many gaps, together and one by one, in the
    same order.
    """
    fleet = simulation.simulate(60, seed=4, gaps=0.5)
    results = ct.check(ct.attempts(fleet))
    results = results.sample(frac=1, random_state=1).head(80)
    together = ct.findings(results)
    alone = pd.concat(
        [ct.findings(results.iloc[[row]]) for row in range(len(results))],
        ignore_index=True,
    )
    assert len(together) > 30
    pd.testing.assert_frame_equal(together, alone)


def test_labels_that_occur_twice_keep_both_findings():
    """A frame that was put together of two logs has each attempt's findings at its place."""
    results = judge({}, {"registration_name": PHONE, "device": "other"}).set_axis(
        [7, 7]
    )
    found = ct.findings(results)
    assert found["attempt"].tolist() == [7] * len(found)
    codes = found.groupby("device", sort=False)["code"].agg(list).to_dict()
    assert codes[PHONE] == ["certificate.trust", "certificate.name"]
    assert codes["other"] == ["certificate.trust"]


@pytest.mark.parametrize(
    ("change", "expected", "never"),
    [
        ({}, f"Register it as {PHONE}, or issue", "if that is"),
        (
            {"user": "lobby", "subject_cn": "lobby"},
            "Register it as lobby, or issue",
            "if that is",
        ),
        (
            {"subject_cn": "009033aabbcc"},
            "009033aabbcc is the name of another device",
            "Register it",
        ),
        (
            {"subject_cn": "phone.example.com"},
            "Register it as phone.example.com, if that is a name of its own",
            "x",
        ),
        (
            {"subject_cn": ""},
            "anew with a CN that begins its registration name, such as reception",
            "Register",
        ),
        (
            {
                "subject_cn": "lobby",
                "registration_name": f"{PHONE}-TEL1",
                "hardware_id": "IP222-2f-68-8a",
            },
            f"such as {PHONE}.",
            "-TEL1",
        ),
    ],
)
def test_nobody_is_told_to_take_the_name_of_another_device(change, expected, never):
    """A CN is a name to register as where it is the device's own; a new CN fits all its
    interfaces.
    """
    _, remedy = words("certificate.name", **change)
    assert expected in remedy
    assert never not in remedy.replace(expected, "")


def test_names_that_are_missing_are_not_shown_as_holes():
    """An issuer without CN has its full name, and a device that nothing names is an unnamed one."""
    why, remedy = words("certificate.trust", device=None)
    assert (
        "The chain of an unnamed device (0090332f688a, issued by OU=Devices,O=Example)"
        in why
    )
    assert "OU=Devices,O=Example" in remedy
    why, _ = words(
        "transport.tls_only",
        device=None,
        protocol="H.323/TCP",
        via_reverse_proxy=False,
    )
    assert why.startswith("An unnamed device registered over H.323/TCP, but ")
    why, _ = words("certificate.name", device="reception")
    assert why.startswith(
        "The device registers as reception, which does not begin with"
    )


def test_no_finding_of_a_simulated_fleet_has_a_hole():
    """Whatever is broken is worded without a value that is not known."""
    results = ct.check(ct.attempts(simulation.simulate(300, seed=8, gaps=0.4)))
    found = ct.findings(results)
    found = found[found["passed"].notna()]
    for column in ("why", "remedy"):
        holes = found[
            found[column].str.contains(r"\(not known\)|\{|\bnan\b", regex=True)
        ]
        assert holes.empty, holes.iloc[0].to_dict()
