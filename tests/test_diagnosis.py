"""One certificate: verdict, steps, path and how it shows itself. Certificates are made here."""

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
    """Trusted, named right and valid: every required step passes, and the path leads to the
    list's entry.
    """
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
def test_what_is_wrong_or_missing_is_the_step_that_does_not_pass(call, verdict, code):
    """The verdict and the step that decides it; an empty trust list trusts nothing, an unknown
    one tells nothing.
    """
    diagnosis = ct.diagnose(LEAF, **BY_CERTIFICATE, **call)
    assert diagnosis.verdict == verdict
    if code:
        step = diagnosis.steps.set_index("code").loc[code]
        assert step["why"]
        assert step["remedy"]
        assert "{" not in step["why"] + step["remedy"] + step["has"]


def test_a_password_needs_no_certificate_unless_tls_only_is_set():
    """Section 3.1 asks nothing of the certificate; TLS only rules it out, and an unknown flag
    leaves it open.
    """
    for tls_only, verdict in ((False, "pass"), (True, "fail"), (None, "unknown")):
        assert (
            ct.diagnose(LEAF, scenario="h323-password", tls_only=tls_only).verdict
            == verdict
        )


def test_a_browser_is_judged_by_its_own_list_and_the_url():
    """The device's URL fits the certificate or not, by name or address."""
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


def test_a_failed_name_lists_the_names_that_there_are():
    """The explanation tells what the certificate could be opened by."""
    diagnosis = ct.diagnose(
        LEAF, scenario="browser", url="https://other.example.com/", trust=ROOT
    )
    why = diagnosis.steps.set_index("code").loc["browser.name", "why"]
    for name in (PHONE, "phone.example.com", "192.0.2.7"):
        assert name in why
        assert name in diagnosis.names


def test_the_chain_completes_the_path_and_only_what_was_presented_does():
    """An intermediate counts where it was presented; one that nobody presented does not exist
    for the PBX.
    """
    child = CA.create_child_ca()
    leaf = child.issue_cert("x", common_name=PHONE).cert_chain_pems[0].bytes()
    call = {**BY_CERTIFICATE, "registration_name": PHONE, "trust": ROOT}
    assert ct.diagnose(leaf, chain=child.cert_pem.bytes(), **call).verdict == "pass"
    alone = ct.diagnose(leaf, **call)
    assert alone.verdict == "fail"
    assert alone.result["trust_state"].tolist() == ["unknown CA"]
    assert alone.path == []


@pytest.mark.parametrize(
    "question",
    [
        {"registration_name": PHONE, **BY_CERTIFICATE},
        {"scenario": "browser", "url": "https://192.0.2.7/"},
    ],
)
@pytest.mark.parametrize("trust", [ROOT, trustme.CA().cert_pem.bytes()])
def test_links_that_are_known_change_no_answer(question, trust, monkeypatch):
    """What was verified once is not verified again, whether the chain leads to the list or not."""
    known = trust_state.link(ct.read_certificates(LEAF), ct.read_trust_list(trust))
    plain = ct.diagnose(LEAF, trust=trust, at="2026-06-01", **question)
    tries = []
    verify = links.verify_many
    monkeypatch.setattr(
        links,
        "verify_many",
        lambda *signed: tries.extend(signed[0]) or verify(*signed),
    )
    linked = ct.diagnose(LEAF, trust=trust, at="2026-06-01", links=known, **question)
    assert linked.to_dict() == plain.to_dict()
    assert tries == []


def test_it_shows_itself_as_text_html_and_plain_values():
    """A terminal, a notebook and JSON all carry the verdict, the reason and the remedy."""
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
def test_a_registration_that_the_page_has_no_rule_for_has_no_steps(outside):
    """Nothing is called unknown that nobody asks for; where the scenario is merely open, both
    are told.
    """
    fleet = small_fleet(10, seed=1, healthy=True)
    fleet.registrations[list(outside)] = list(outside.values())
    one = ct.explained(ct.check(ct.attempts(fleet)).head(1))
    assert (one.verdict, one.scenario, len(one.steps)) == (
        "unknown",
        "no scenario of the page",
        0,
    )
    assert json.loads(json.dumps(one.to_dict()))["steps"] == []
    assert "no scenario of the page" in one._repr_html_()
    assert str(one) == "? no scenario of the page: unknown"


def test_markup_in_a_certificate_stays_text():
    """Names come from strangers: nothing of them is markup in a notebook."""
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
        ({"scenario": ["browser"]}, r"scenario=\['browser'\] is no text"),
        (
            {"scenario": "h323-certificate", "registration_name": 5},
            "registration_name=5 is no text",
        ),
        (
            {"scenario": "h323-certificate", "hardware_id": b"IP222-2f-68-8a"},
            "hardware_id=b'IP222-2f-68-8a' is no",
        ),
        (
            {"scenario": "h323-certificate", "authentication": True},
            "authentication=True is no text",
        ),
        ({"scenario": "browser", "url": ("phone.example",)}, "url=.* is no text"),
        (
            {"scenario": "browser", "url": pd.Series(["phone.example"])},
            "(?s)url=.* is no text",
        ),
    ],
)
def test_a_call_that_cannot_be_answered_says_what_to_do(call, message):
    """A caller's mistake is an exception that names the way out."""
    with pytest.raises(ct.CerttrustError, match=message):
        ct.diagnose(LEAF, **call)


def test_no_certificate_at_all_is_a_callers_mistake():
    """Text without a certificate is refused, with what would be taken."""
    with pytest.raises(ct.CerttrustError, match="PEM"):
        ct.diagnose(b"", scenario="h323-password")


SUB = CA.create_child_ca()
BELOW = SUB.issue_cert("x.example.com", common_name=PHONE).cert_chain_pems
CHAIN = [*(pem.bytes() for pem in BELOW), ROOT]


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]])
def test_the_leaf_is_judged_wherever_it_stands(order):
    """A PKCS#7 file is a set, and many tools write the root first: the leaf is what the device
    presents.
    """
    given = b"".join(CHAIN[place] for place in order)
    diagnosis = ct.diagnose(
        given, registration_name=PHONE, trust=ROOT, **BY_CERTIFICATE
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


@pytest.mark.parametrize("nothing", ["", "  ", "\n"])
def test_empty_text_is_nothing_given(nothing):
    """A form that nobody filled in: no chain, and a trust list that is not known."""
    diagnosis = ct.diagnose(
        LEAF, registration_name=PHONE, trust=nothing, chain=nothing, **BY_CERTIFICATE
    )
    assert diagnosis.verdict == "unknown"
    assert diagnosis.result["trust_state"].astype("str").tolist() == ["no trust list"]
    assert (
        ct.diagnose(
            LEAF, scenario="browser", url="https://phone.example.com/", trust=nothing
        ).verdict
        == "fail"
    )
    known = ct.diagnose(
        LEAF, registration_name=PHONE, trust=ROOT, chain=nothing, **BY_CERTIFICATE
    )
    assert known.verdict == "pass"
    with pytest.raises(ct.CerttrustError, match="no certificate"):
        ct.diagnose(nothing, scenario="h323-password")


@pytest.mark.parametrize(
    "unread",
    [ROOT[:80], b"<html>please log in</html>", LEAF[:-40]],
    ids=["the beginning of a certificate", "a page", "a certificate without its end"],
)
def test_a_list_that_cannot_be_read_is_unknown_with_the_reason(unread):
    """It is not taken for an empty one; what it holds besides can pass."""
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
    """Return why a step does not pass, and what is there."""
    diagnosis = ct.diagnose(certificate, trust=ROOT, **BY_CERTIFICATE, **call)
    step = diagnosis.steps.set_index("code").loc[code]
    return step["passed"], step["why"], step["has"], step["remedy"]


def issued(common_name):
    """Return a certificate of that CN."""
    return (
        CA.issue_cert("x.example.com", common_name=common_name)
        .cert_chain_pems[0]
        .bytes()
    )


@pytest.mark.parametrize(
    ("common_name", "shown"),
    [
        (PHONE + " ", "it ends in a blank"),
        (" " + PHONE, "it begins with a blank"),
        (PHONE + "\u00a0", "it holds the character U+00A0"),
        (PHONE + "\u200b", "it holds the character U+200B"),
        ("room\u20111", "it holds the character U+2011"),
    ],
)
def test_what_the_eye_does_not_see_of_a_cn_is_said(common_name, shown):
    """A name that does not begin with the CN although it looks so."""
    passed, reason, has, _ = why(
        "certificate.name", issued(common_name), registration_name=PHONE + "x"
    )
    assert not passed
    assert shown in reason
    assert shown in has


def test_a_name_says_what_was_inferred():
    """The last three octets stand for a spelling that nothing tells, and the sentence says so."""
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
    ("call", "told"),
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
def test_an_unknown_name_says_what_is_missing_of_this_certificate(call, told):
    """Not what may be missing in general."""
    passed, reason, _, remedy = why("certificate.name", **call)
    assert pd.isna(passed)
    assert told in remedy
    assert "not known" in reason
    assert "(not known)" not in reason + remedy


def test_a_failed_name_says_what_it_has_and_needs():
    """Both spellings of the device, and the CN."""
    call = {"registration_name": PHONE, "hardware_id": "IP111-2f-68-8a"}
    passed, reason, _, _ = why("certificate.name", issued("IP222-2f-68-8a"), **call)
    assert not passed
    assert "IP111-2f-68-8a" in reason
    assert "IP222-2f-68-8a" in reason


def test_a_certificate_that_is_refused_says_why():
    """An extension that is not understood, or what cryptography refuses, is named and not
    called a missing name.
    """
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
