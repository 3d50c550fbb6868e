"""The records of the rules: each declares what it reads, and incomplete ones are refused."""

import dataclasses
import re
from pathlib import Path

import pandas as pd
import pytest

import certtrust as ct
from certtrust.errors import CerttrustError
from certtrust.evaluation import check, requirements
from certtrust.evaluation.requirements import BY_CODE, HYGIENE, SCENARIOS
from certtrust.schema import ATTEMPTS, conform
from certtrust.testing import small_fleet
from certtrust.texts.sentences import sentences

CONTRIBUTING = Path(__file__).parents[1] / "CONTRIBUTING.md"


def varied_attempts() -> pd.DataFrame:
    """Return attempts from registrations, from devices without a log, and of browsers, and rows
    with gaps.
    """
    fleet = small_fleet(60)
    log, devices = ct.attempts(fleet), ct.attempts(fleet, of="devices")
    browser = ct.browser_attempts(
        fleet.certificates.head(8), "https://192.0.2.7/", fleet.trust
    )
    holes = log.copy()
    for number, column in enumerate(ATTEMPTS.names):
        if column not in (
            "trust_paths",
            "browser_paths",
            "dns_names",
            "ip_addresses",
        ):
            holes.loc[holes.index[number % 7 :: 7], column] = None
    seen = log.head(12).assign(
        tls_version=["TLS 1.0", "TLS 1.2", None] * 4,
        tls_profile=["normal"] * 6 + ["strict"] * 6,
    )
    return conform(
        pd.concat(
            [log, devices, browser, conform(holes, ATTEMPTS), seen],
            ignore_index=True,
        ),
        ATTEMPTS,
    )


ATTEMPTS_OF_EVERY_KIND = varied_attempts()
MOMENT = ATTEMPTS_OF_EVERY_KIND["time"].fillna(pd.Timestamp("2026-05-01T00:00:00Z"))


@pytest.mark.parametrize("code", BY_CODE)
def test_a_rule_needs_only_its_declared_columns(code):
    """With these alone it decides every attempt as with all columns."""
    rule = BY_CODE[code]
    rows = ATTEMPTS_OF_EVERY_KIND
    if code == "hygiene.browser":
        rows = rows[rows["browser_paths"].notna()]
    judged = rows.drop(columns=["trust_state", "trusted_by", "trust_detail"])
    expected = rule.holds(judged, MOMENT[rows.index])
    alone = rule.holds(rows[list(rule.needs)], MOMENT[rows.index])
    pd.testing.assert_series_equal(alone, expected, check_names=False)
    assert len(expected.unique()) > 1 or code in (
        "browser.name",
        "hygiene.browser",
        "hygiene.weak_key",
    ), code


@pytest.mark.parametrize("code", BY_CODE)
def test_a_rule_reads_every_column_that_it_declares(code):
    """Without a column that a rule declares, it raises."""
    rule = BY_CODE[code]
    rows = (
        ATTEMPTS_OF_EVERY_KIND[ATTEMPTS_OF_EVERY_KIND["browser_paths"].notna()]
        if code == "hygiene.browser"
        else ATTEMPTS_OF_EVERY_KIND
    )
    optional = {"certificate_error", "device", "subject", "subject_cn", "fingerprint"}
    for column in set(rule.needs) - optional:
        with pytest.raises(KeyError):
            rule.holds(
                rows[[name for name in rule.needs if name != column]],
                MOMENT[rows.index],
            )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"required": {}}, "has no place in a scenario"),
        ({"required": {"sip": 10}}, "a scenario that there is not: 'sip'"),
        ({"shown": {"browser": 99}}, "not both"),
        ({"needs": ("colour",)}, "a column that attempts do not have: 'colour'"),
        ({"needs": ()}, "says not what it needs"),
        ({"stale": None}, "probably `stale`"),
        ({"stale": "weather"}, "probably `stale`"),
        ({"code": "time.new"}, "has no sentence `title`"),
        ({"of_names": True}, "said to look at names alone"),
    ],
)
def test_an_incomplete_record_is_refused(changes, message):
    """The error says which part is missing or wrong."""
    broken = dataclasses.replace(BY_CODE["time.validity"], **changes)
    with pytest.raises(CerttrustError, match=re.escape(message)):
        requirements._checked((broken,))


@pytest.mark.parametrize("name", requirements._SENTENCES)
def test_a_rule_without_a_sentence_is_refused(name, monkeypatch):
    """Every sentence of a rule is required."""
    rule = BY_CODE["time.validity"]
    lacking = {**sentences(), "rules": {rule.code: {**rule.sentences, name: ""}}}
    monkeypatch.setattr(requirements, "sentences", lambda: lacking)
    with pytest.raises(CerttrustError, match=f"has no sentence `{name}`"):
        requirements._checked((rule,))


def test_two_rules_cannot_claim_the_same_place():
    """A code and a position in the order of causes belong to one rule."""
    rule = BY_CODE["time.validity"]
    with pytest.raises(CerttrustError, match="claim the same"):
        requirements._checked((rule, rule))
    other = dataclasses.replace(
        BY_CODE["certificate.name"], required=dict(rule.required)
    )
    with pytest.raises(CerttrustError, match="claim the same"):
        requirements._checked((rule, other))


def test_the_order_of_causes_follows_the_article():
    """The requirement that comes first in a scenario is named first."""
    article = {
        "browser": ["browser.trust", "time.validity", "browser.name"],
        "h323-password": ["time.clock", "transport.tls_only", "password.tls_only"],
        "h323-certificate": [
            "time.clock",
            "transport.tls_only",
            "certificate.trust",
            "time.validity",
            "certificate.name",
        ],
    }
    for scenario, codes in article.items():
        assert [code for code in SCENARIOS[scenario] if code in codes] == codes
    assert HYGIENE["h323-password"] == ("hygiene.tls_version",)


def test_interpretations_are_documented():
    """Decisions on what the article leaves open are described as such."""
    readings = ct.rules().set_index("code")["reading"]
    assert {"certificate.name", "certificate.trust", "time.clock"} <= set(
        readings[readings != ""].index
    )
    assert readings.str.len().where(readings != "").min() > 80


def usages(key_usage, extended_key_usage, key_type="RSA", **others):
    """Return the result of the usage rule for one certificate."""
    row = {"subject": "CN=a", "subject_cn": "a", "key_type": key_type}
    row |= {
        "key_usage": key_usage,
        "extended_key_usage": extended_key_usage,
        **others,
    }
    attempts = conform(pd.DataFrame([row]), ATTEMPTS)
    return BY_CODE["hygiene.client_usage"].holds(attempts, MOMENT.head(1)).iloc[0]


@pytest.mark.parametrize(
    ("key_usage", "purposes", "key_type", "fits"),
    [
        ("digitalSignature,keyEncipherment", "serverAuth,clientAuth", "RSA", True),
        (
            "digitalSignature,keyEncipherment",
            "clientAuth,serverAuth,emailProtection",
            "RSA",
            True,
        ),
        ("digitalSignature,keyEncipherment", "serverAuth", "RSA", False),
        ("digitalSignature,keyEncipherment", "clientAuth", "RSA", False),
        ("digitalSignature", "serverAuth,clientAuth", "RSA", False),
        ("digitalSignature", "serverAuth,clientAuth", "EC", True),
        ("keyEncipherment", None, "RSA", False),
        (None, None, "RSA", True),
        (None, "anyExtendedKeyUsage", "RSA", True),
        (None, "1.3.6.1.5.5.7.3.99", "RSA", False),
    ],
)
def test_usages_of_mutual_tls(key_usage, purposes, key_type, fits):
    """A certificate that names usages has to name those that the vendor advises."""
    assert bool(usages(key_usage, purposes, key_type)) is fits


def test_unknown_usages():
    """A missing certificate, or one that was not read in full, leaves the rule undecided."""
    assert pd.isna(usages(None, None, None))
    assert pd.isna(usages(None, None, subject=None, subject_cn=None))
    assert pd.isna(
        usages(None, None, certificate_error="extension 2.5.29.37: invalid")
    )
    assert not usages(
        None, "serverAuth", certificate_error="extension 2.5.29.15: invalid"
    )


def test_a_rule_that_cannot_say_unknown_is_named() -> None:
    """Plain bools cannot express that something is unknown."""
    rule = dataclasses.replace(
        BY_CODE["time.clock"], holds=lambda rows, _: rows["clock_unset"].isna()
    )
    with pytest.raises(
        CerttrustError, match=r"time\.clock returns bool, not boolean"
    ):
        check._flags(rule, rule.holds(pd.DataFrame({"clock_unset": [True]}), None))
