"""Diagnosis of one certificate: verdict, steps, path, and its representations.

The certificates are made here.
"""

import json

import pandas as pd
import pytest
import trustme
from chain_builder import certificate

import certtrust as ct
from certtrust.testing import small_fleet
from certtrust.trust import links, trust_state

PHONE = "0090332f688a"
CA = trustme.CA(organization_name="Test CA")
LEAF = (
    CA.issue_cert("phone.example.com", "192.0.2.7", common_name=PHONE)
    .cert_chain_pems[0]
    .bytes()
)
ROOT = CA.cert_pem.bytes()
BY_CERTIFICATE = {"scenario": "h323-certificate", "tls_only": True}


def test_a_good_certificate_passes_every_step():
    """It is trusted, named correctly and valid; the path leads to the entry of the list."""
    diagnosis = ct.diagnose(
        LEAF, registration_name=PHONE, trust=ROOT, **BY_CERTIFICATE
    )
    required = diagnosis.steps[~diagnosis.steps["code"].str.startswith("hygiene.")]
    assert diagnosis.verdict == "pass"
    assert required["passed"].all()
    assert (required["why"] == "").all()
    assert diagnosis.path == [
        ct.read_certificates(pem)["fingerprint"].iloc[0] for pem in (LEAF, ROOT)
    ]


@pytest.mark.parametrize(
    ("call", "verdict", "code"),
    [
        (
            {"trust": ROOT, "registration_name": "reception"},
            "fail",
            "certificate.name",
        ),
        ({"trust": ROOT, "hardware_id": "IP222-2f-68-8a"}, "pass", None),
        ({"trust": ROOT, "hardware_id": PHONE}, "pass", None),
        ({"trust": ROOT}, "unknown", "certificate.name"),
        ({"trust": [], "registration_name": PHONE}, "fail", "certificate.trust"),
        ({"trust": None, "registration_name": PHONE}, "unknown", "certificate.trust"),
        ({"trust": LEAF, "registration_name": PHONE}, "pass", None),
        (
            {"trust": ROOT, "registration_name": PHONE, "at": "1999-01-01"},
            "fail",
            "time.validity",
        ),
    ],
)
def test_the_step_that_decides_the_verdict_explains_it(call, verdict, code):
    """An empty trust list trusts nothing; with an unknown one the verdict is unknown."""
    diagnosis = ct.diagnose(LEAF, **BY_CERTIFICATE, **call)
    assert diagnosis.verdict == verdict
    if code:
        step = diagnosis.steps.set_index("code").loc[code]
        assert step["why"]
        assert step["remedy"]
        assert "{" not in step["why"] + step["remedy"] + step["has"]


def test_a_password_needs_no_certificate_unless_tls_only_is_set():
    """Section 3.1 has no requirement for the certificate; TLS only excludes a password, and with
    an unknown flag the verdict is unknown.
    """
    for tls_only, verdict in ((False, "pass"), (True, "fail"), (None, "unknown")):
        assert (
            ct.diagnose(LEAF, scenario="h323-password", tls_only=tls_only).verdict
            == verdict
        )


def test_a_browser_is_judged_by_its_own_list_and_the_url():
    """The host in the URL has to match the certificate, by name or address."""
    for url, verdict in {
        "https://phone.example.com/": "pass",
        "https://192.0.2.7:8443/x": "pass",
        "wss://PHONE.example.com.": "pass",
        "https://other.example.com/": "fail",
    }.items():
        assert (
            ct.diagnose(LEAF, scenario="browser", url=url, trust=ROOT).verdict
            == verdict
        ), url
    assert (
        ct.diagnose(
            LEAF, scenario="browser", url="https://phone.example.com/"
        ).verdict
        == "fail"
    )


def test_a_failed_name_lists_the_names_of_the_certificate():
    """The explanation gives every name that would work."""
    diagnosis = ct.diagnose(
        LEAF, scenario="browser", url="https://other.example.com/", trust=ROOT
    )
    why = diagnosis.steps.set_index("code").loc["browser.name", "why"]
    for name in (PHONE, "phone.example.com", "192.0.2.7"):
        assert name in why
        assert name in diagnosis.names


def test_only_a_presented_chain_completes_the_path():
    """The PBX does not see an intermediate that was not presented."""
    child = CA.create_child_ca()
    leaf = child.issue_cert("x", common_name=PHONE).cert_chain_pems[0].bytes()
    call = {**BY_CERTIFICATE, "registration_name": PHONE, "trust": ROOT}
    assert ct.diagnose(leaf, chain=child.cert_pem.bytes(), **call).verdict == "pass"
    alone = ct.diagnose(leaf, **call)
    assert alone.verdict == "fail"
    assert alone.result["trust_state"].tolist() == ["unknown CA"]
    assert alone.path == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"registration_name": PHONE, **BY_CERTIFICATE},
        {"scenario": "browser", "url": "https://192.0.2.7/"},
    ],
)
@pytest.mark.parametrize("trust", [ROOT, trustme.CA().cert_pem.bytes()])
def test_known_links_change_no_answer(arguments, trust, monkeypatch):
    """Known links are not verified again, whether the chain leads to the list or not."""
    known_links = trust_state.link(
        ct.read_certificates(LEAF), ct.read_trust_list(trust)
    )
    plain = ct.diagnose(LEAF, trust=trust, at="2026-06-01", **arguments)
    verified = []
    verify = links.verify_many
    monkeypatch.setattr(
        links,
        "verify_many",
        lambda *signed: verified.extend(signed[0]) or verify(*signed),
    )
    linked = ct.diagnose(
        LEAF, trust=trust, at="2026-06-01", links=known_links, **arguments
    )
    assert linked.to_dict() == plain.to_dict()
    assert verified == []


def test_a_diagnosis_is_shown_as_text_html_and_plain_values():
    """A terminal, a notebook and JSON show the verdict and the reason."""
    diagnosis = ct.diagnose(
        LEAF, registration_name="reception", trust=ROOT, **BY_CERTIFICATE
    )
    why = diagnosis.steps.set_index("code").loc["certificate.name", "why"]
    assert why in str(diagnosis)
    assert why in diagnosis._repr_html_()
    values = json.loads(json.dumps(diagnosis.to_dict()))
    assert values["verdict"] == "fail"
    assert values["steps"][-1].keys() == dict(diagnosis.steps.iloc[-1]).keys()


@pytest.mark.parametrize(
    "outside", [{"protocol": "SIPS"}, {"authentication": "none"}]
)
def test_a_registration_without_a_scenario_has_no_steps(outside):
    """A rule that does not apply is not shown as unknown."""
    fleet = small_fleet(10, seed=1, healthy=True)
    fleet.registrations[list(outside)] = list(outside.values())
    diagnosis = ct.explained(ct.check(ct.attempts(fleet)).head(1))
    assert (diagnosis.verdict, diagnosis.scenario, len(diagnosis.steps)) == (
        "unknown",
        "no scenario of the page",
        0,
    )
    assert json.loads(json.dumps(diagnosis.to_dict()))["steps"] == []
    assert "no scenario of the page" in diagnosis._repr_html_()
    assert str(diagnosis) == "? no scenario of the page: unknown"


def test_markup_in_a_certificate_stays_text():
    """Names may be hostile, so a notebook shows them as plain text."""
    hostile = (
        CA.issue_cert("x", common_name="<script>alert(1)</script>")
        .cert_chain_pems[0]
        .bytes()
    )
    shown = ct.diagnose(
        hostile, registration_name="<img src=x>", trust=ROOT, **BY_CERTIFICATE
    )._repr_html_()
    assert "<script" not in shown
    assert "<img" not in shown
    assert "&lt;script&gt;" in shown


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"scenario": "smtp"}, "browser, h323-password, h323-certificate"),
        ({"scenario": "browser"}, "url="),
        (
            {"scenario": "h323-password", "authentication": "certificate"},
            "does not go with",
        ),
        ({"scenario": ["browser"]}, r"scenario=\['browser'\] is not text"),
        (
            {"scenario": "h323-certificate", "registration_name": 5},
            "registration_name=5 is not text",
        ),
        (
            {"scenario": "h323-certificate", "hardware_id": b"IP222-2f-68-8a"},
            "hardware_id=b'IP222-2f-68-8a' is no",
        ),
        (
            {"scenario": "h323-certificate", "authentication": True},
            "authentication=True is not text",
        ),
        ({"scenario": "browser", "url": ("phone.example",)}, "url=.* is not text"),
        (
            {"scenario": "browser", "url": pd.Series(["phone.example"])},
            "(?s)url=.* is not text",
        ),
    ],
)
def test_a_call_that_cannot_be_answered_says_what_to_do(call, message):
    """A caller's mistake is an exception that says how to correct it."""
    with pytest.raises(ct.CerttrustError, match=message):
        ct.diagnose(LEAF, **call)


def test_no_certificate_at_all_is_a_callers_mistake():
    """Text without a certificate is refused, and the error says what is accepted."""
    with pytest.raises(ct.CerttrustError, match="PEM"):
        ct.diagnose(b"", scenario="h323-password")


SUB = CA.create_child_ca()
BELOW = SUB.issue_cert("x.example.com", common_name=PHONE).cert_chain_pems
CHAIN = [*(pem.bytes() for pem in BELOW), ROOT]


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]])
def test_the_leaf_is_judged_wherever_it_is(order):
    """PKCS#7 is a set, and many tools write the root first, so the order says nothing."""
    content = b"".join(CHAIN[position] for position in order)
    diagnosis = ct.diagnose(
        content, registration_name=PHONE, trust=ROOT, **BY_CERTIFICATE
    )
    assert diagnosis.verdict == "pass"
    assert diagnosis.names[0] == PHONE
    assert len(diagnosis.path) == 3
    assert (
        ct.diagnose(
            ROOT, registration_name=PHONE, trust=ROOT, **BY_CERTIFICATE
        ).verdict
        == "fail"
    )


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_blank_text_counts_as_missing(blank):
    """An empty form field means no chain, and an unknown trust list."""
    diagnosis = ct.diagnose(
        LEAF, registration_name=PHONE, trust=blank, chain=blank, **BY_CERTIFICATE
    )
    assert diagnosis.verdict == "unknown"
    assert diagnosis.result["trust_state"].astype("str").tolist() == ["no trust list"]
    assert (
        ct.diagnose(
            LEAF, scenario="browser", url="https://phone.example.com/", trust=blank
        ).verdict
        == "fail"
    )
    with_trust = ct.diagnose(
        LEAF, registration_name=PHONE, trust=ROOT, chain=blank, **BY_CERTIFICATE
    )
    assert with_trust.verdict == "pass"
    with pytest.raises(ct.CerttrustError, match="no certificate"):
        ct.diagnose(blank, scenario="h323-password")


@pytest.mark.parametrize(
    "unread",
    [ROOT[:80], b"<html>please log in</html>", LEAF[:-40]],
    ids=["the beginning of a certificate", "a page", "a certificate without its end"],
)
def test_a_list_that_cannot_be_read_is_unknown_with_the_reason(unread):
    """It does not count as empty; entries that can be read still count."""
    diagnosis = ct.diagnose(
        LEAF, registration_name=PHONE, trust=unread, **BY_CERTIFICATE
    )
    assert diagnosis.verdict == "unknown"
    step = diagnosis.steps.set_index("code").loc["certificate.trust"]
    assert "could not be read in full" in step["why"]
    assert diagnosis.result["trust_detail"].notna().all()
    assert diagnosis.result["trust_detail"].iloc[0] in step["why"]
    assert (
        ct.diagnose(
            LEAF, registration_name=PHONE, trust=[ROOT, unread], **BY_CERTIFICATE
        ).verdict
        == "pass"
    )


def why(code, certificate=LEAF, **call):
    """Return the columns passed, why, has and remedy of a step."""
    diagnosis = ct.diagnose(certificate, trust=ROOT, **BY_CERTIFICATE, **call)
    step = diagnosis.steps.set_index("code").loc[code]
    return step["passed"], step["why"], step["has"], step["remedy"]


def issued(common_name):
    """Return a certificate with that CN."""
    return (
        CA.issue_cert("x.example.com", common_name=common_name)
        .cert_chain_pems[0]
        .bytes()
    )


@pytest.mark.parametrize(
    ("common_name", "shown"),
    [
        (PHONE + " ", "it ends with a space"),
        (" " + PHONE, "it begins with a space"),
        (PHONE + "\u00a0", "it contains the character U+00A0"),
        (PHONE + "\u200b", "it contains the character U+200B"),
        ("room\u20111", "it contains the character U+2011"),
    ],
)
def test_invisible_characters_of_a_cn_are_described(common_name, shown):
    """The name only looks as if it began with the CN."""
    passed, reason, has, _ = why(
        "certificate.name", issued(common_name), registration_name=PHONE + "x"
    )
    assert not passed
    assert shown in reason
    assert shown in has


def test_a_step_says_what_was_inferred_about_a_name():
    """A spelling that is not known is inferred from the last three octets, and the step says so."""
    passed, _, has, _ = why(
        "certificate.name", issued("IP222-2f-68-8a"), registration_name=PHONE
    )
    assert passed
    assert "inferred from the serial" in has
    passed, _, has, _ = why("certificate.name", LEAF, hardware_id="IP222-2f-68-8a")
    assert passed
    assert "inferred from the hardware ID" in has
    assert "inferred" not in why("certificate.name", registration_name=PHONE)[2]


@pytest.mark.parametrize(
    ("call", "missing"),
    [
        (
            {"certificate": issued("IP222"), "registration_name": PHONE},
            "the hardware ID of",
        ),
        (
            {"certificate": issued("009033"), "hardware_id": "IP222-2f-68-8a"},
            "the serial of",
        ),
        ({}, "the registration name or the hardware ID"),
    ],
)
def test_an_unknown_name_says_what_is_missing_of_this_certificate(call, missing):
    """The remedy names the missing spelling, not everything that could be missing."""
    passed, reason, _, remedy = why("certificate.name", **call)
    assert pd.isna(passed)
    assert missing in remedy
    assert "not known" in reason
    assert "(not known)" not in reason + remedy


def test_a_failed_name_gives_the_names_and_the_cn():
    """The reason has the hardware ID of the device and the CN."""
    call = {"registration_name": PHONE, "hardware_id": "IP111-2f-68-8a"}
    passed, reason, _, _ = why("certificate.name", issued("IP222-2f-68-8a"), **call)
    assert not passed
    assert "IP111-2f-68-8a" in reason
    assert "IP222-2f-68-8a" in reason


def test_a_certificate_that_is_refused_says_why():
    """The reason is an unknown extension or an error of cryptography, not a missing name."""
    odd = certificate("0090332f688a", "root", ca=None, critical="1.2.3.4")
    root = certificate("root")
    diagnosis = ct.diagnose(
        odd, trust=root, registration_name=PHONE, **BY_CERTIFICATE
    )
    assert diagnosis.verdict == "unknown"
    assert (
        "1.2.3.4" in diagnosis.steps.set_index("code").loc["certificate.trust", "why"]
    )
    refused = ct.read_certificates(LEAF).assign(
        parse_error="certificate: invalid version"
    )
    diagnosis = ct.diagnose(
        refused, trust=ROOT, registration_name=PHONE, **BY_CERTIFICATE
    )
    step = diagnosis.steps.set_index("code").loc["certificate.name"]
    assert pd.isna(step["passed"])
    assert "invalid version" in step["why"]
