"""CertificateTester, driven by its traits and controls as a browser drives them.

Certificates are made here.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import re

import pandas as pd
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
from thoroughness import first

import certtrust as ct
from certtrust.testing import small_fleet
from certtrust.widgets import CertificateTester
from certtrust.widgets.chain_tree import chain, tree_html
from certtrust.widgets.date_slider import positions
from certtrust.widgets.reading import read

PHONE = "0090332f688a"
CA = trustme.CA(organization_name="Test CA")
SUB = CA.create_child_ca()
ISSUED = SUB.issue_cert("phone.example.com", "192.0.2.7", common_name=PHONE)
LEAF, INTERMEDIATE = (part.bytes() for part in ISSUED.cert_chain_pems)
ROOT, KEY = CA.cert_pem.bytes(), ISSUED.private_key_pem.bytes()


def loaded(pem: bytes) -> x509.Certificate:
    """Return the certificate of a PEM."""
    return x509.load_pem_x509_certificate(pem)


def p12(password: bytes) -> bytes:
    """Return leaf, intermediate and key as PKCS#12."""
    key = serialization.load_pem_private_key(KEY, None)
    encryption = serialization.BestAvailableEncryption(password)
    return pkcs12.serialize_key_and_certificates(
        b"phone", key, loaded(LEAF), [loaded(INTERMEDIATE)], encryption
    )


def uploaded(name: str, content: bytes) -> dict:
    """Return a file as the upload control hands it over."""
    now = datetime.datetime.now(datetime.UTC)
    return {
        "name": name,
        "type": "",
        "size": len(content),
        "content": memoryview(content),
        "last_modified": now,
    }


def state_of(widget) -> str:
    """Return everything that a saved notebook would hold of the widget and of all widgets in it."""
    inside = [state_of(child) for child in getattr(widget, "children", ())]
    return "\n".join([repr(widget.get_state()), *inside])


@pytest.fixture
def tester():
    """A tester of the leaf with its chain, for a registration by certificate at a PBX that
    trusts the root.
    """
    return CertificateTester(
        LEAF + INTERMEDIATE, trust=ROOT, registration_name=PHONE, tls_only=True
    )


@pytest.fixture(scope="module")
def fleet():
    """A small synthetic fleet."""
    return small_fleet()


def test_the_answer_follows_every_change(tester):
    """Name, flag, moment, scenario, URL and trust list each change the verdict at once, and
    back again.
    """
    assert tester.diagnosis.verdict == "pass"
    for trait, bad, verdict in (
        ("registration_name", "reception", "fail"),
        ("registration_name", "", "unknown"),
        ("at", pd.Timestamp("1999-01-01", tz="UTC"), "fail"),
    ):
        good = getattr(tester, trait)
        setattr(tester, trait, bad)
        assert tester.diagnosis.verdict == verdict, trait
        setattr(tester, trait, good)
        assert tester.diagnosis.verdict == "pass", trait
    tester.tls_only = True
    tester.scenario = "h323-password"
    assert tester.diagnosis.verdict == "fail"
    tester.scenario = "browser"
    assert tester.diagnosis is None
    tester.url = "https://phone.example.com/"
    assert tester.diagnosis.verdict == "fail"
    tester.trust = ct.read_trust_list(ROOT)
    assert tester.diagnosis.verdict == "pass"


def test_the_controls_drive_the_traits_and_follow_them(tester):
    """What a user types arrives in the traits; what a program sets is shown in the controls."""
    fields = tester._fields
    fields["registration_name"].value = "x"
    fields["scenario"].value = "h323-password"
    for word, flag in (
        ("not set", False),
        ("not known", None),
        ("set", True),
        ("not set", False),
    ):
        fields["tls_only"].value = word
        assert tester.tls_only is flag
    assert (tester.registration_name, tester.scenario) == ("x", "h323-password")
    tester.tls_only = None
    assert fields["tls_only"].value == "not known", "a menu is never blank"
    tester.hardware_id = "IP222-2f-68-8a"
    assert fields["hardware_id"].value == "IP222-2f-68-8a"
    assert fields["url"].layout.display == "none"


def test_ticking_an_entry_decides_about_trust(tester):
    """The only box is the root's: without its tick the list is empty, and an empty list trusts
    nothing.
    """
    (box,) = tester._trust_choice.boxes.children
    assert box.value
    box.value = False
    assert tester.trust.empty
    steps = tester.diagnosis.steps.set_index("code")
    assert not steps.loc["certificate.trust", "passed"]
    assert pd.notna(steps.loc["certificate.trust", "passed"])
    tester._trust_choice.every.click()
    assert tester.diagnosis.verdict == "pass"
    tester._trust_choice.none.click()
    assert tester.diagnosis.verdict == "fail"


def test_an_uploaded_entry_makes_the_list_known():
    """Without a fleet no list is known and trust is undecided; the uploaded root decides it."""
    tester = CertificateTester(
        LEAF + INTERMEDIATE, registration_name=PHONE, tls_only=True
    )
    assert tester.trust is None
    assert tester.diagnosis.verdict == "unknown"
    tester._trust_choice.upload.value = (uploaded("root.pem", ROOT),)
    assert tester.diagnosis.verdict == "pass"
    assert tester._trust_choice.upload.value == ()


def test_a_list_that_counts_at_every_pbx_is_a_known_one(fleet):
    """Entries without a PBX count everywhere: alone, they are the list, and beside others they
    add to them.
    """
    everywhere = fleet.trust.assign(pbx=None).astype({"pbx": "str"})
    tester = CertificateTester(fleet=dataclasses.replace(fleet, trust=everywhere))
    expected = set(everywhere["fingerprint"].dropna())
    assert set(tester.trust["fingerprint"]) == expected
    pbx = fleet.trust["pbx"].dropna().iloc[0]
    one = fleet.trust[fleet.trust["pbx"] == pbx].head(1)
    both = pd.concat([everywhere.tail(1), one], ignore_index=True)
    tester = CertificateTester(fleet=dataclasses.replace(fleet, trust=both))
    tester._trust_choice.choose(pbx)
    assert set(tester.trust["fingerprint"]) == set(both["fingerprint"])
    tester._trust_choice.choose("a PBX without a list")
    assert set(tester.trust["fingerprint"]) == set(everywhere.tail(1)["fingerprint"])


@pytest.mark.parametrize(
    ("name", "content", "password", "count"),
    [
        ("phone.pem", LEAF, "", 1),
        ("phone.der", loaded(LEAF).public_bytes(serialization.Encoding.DER), "", 1),
        ("chain.pem", LEAF + INTERMEDIATE + ROOT, "", 3),
        (
            "chain.p7b",
            pkcs7.serialize_certificates(
                [loaded(LEAF), loaded(INTERMEDIATE)], serialization.Encoding.DER
            ),
            "",
            2,
        ),
        ("phone.p12", p12(b"secret"), "secret", 2),
        ("phone-with-key.pem", KEY + LEAF, "", 1),
    ],
)
def test_a_file_of_any_kind_is_read_and_nothing_of_it_stays(
    name, content, password, count
):
    """PEM, DER, PKCS#7, PKCS#12: the leaf is judged, and neither the bytes, nor a key, nor the
    password are kept.
    """
    tester = CertificateTester()
    tester._source.password.value = password
    tester._source.upload.value = (uploaded(name, content),)
    assert len(tester.certificates) == count
    assert tester.certificates["subject_cn"].iloc[0] == PHONE
    state = state_of(tester)
    assert "BEGIN" not in state.replace("-----BEGIN CERTIFICATE-----", "")
    assert repr(content)[2:60] not in state
    assert not password or password not in state
    assert not any(
        "PRIVATE" in str(value) for value in tester.certificates.to_numpy().ravel()
    )


def test_it_is_said_that_a_private_key_was_dropped():
    """A key that comes along is counted, and the user is told that it was dropped."""
    assert any(
        "1 private key dropped" in note
        for note in read({"phone.pem": KEY + LEAF}).notes
    )
    assert any(
        "private key in it was dropped" in note
        for note in read({"a.p12": p12(b"x")}, password="x").notes
    )
    assert "PRIVATE" not in repr(
        read({"phone.pem": KEY + LEAF}).certificates.to_dict()
    )


def test_a_pkcs12_file_without_its_password_is_asked_for(tester):
    """A wrong or missing password says what is missing, and no earlier verdict stays beside it."""
    for password in ("", "wrong"):
        tester._source.password.value = password
        tester._source.upload.value = (uploaded("phone.p12", p12(b"secret")),)
        assert "password" in tester._source.note.value.lower()
        assert "password" in tester._answer.value.lower()
        assert tester.certificates.empty
        assert tester.diagnosis is None
        assert tester._source.password.value == ""


def test_a_password_stays_in_no_state_and_serves_one_file(tester):
    """It is gone from the field at once, even if no file follows, and forgotten after one."""
    source = tester._source
    source.password.value = "geheim-1"
    assert source.password.value == ""
    assert "geheim-1" not in state_of(tester)
    assert "next file" in source.password.placeholder
    source.upload.value = (uploaded("a.p12", p12(b"geheim-1")),)
    assert len(tester.certificates) == 2
    assert "before it is chosen" in source.password.placeholder
    source.upload.value = (uploaded("a.p12", p12(b"geheim-1")),)
    assert tester.certificates.empty
    assert not source.password.continuous_update


@pytest.mark.parametrize(
    "key",
    [
        KEY.replace(b"-----END", b"-----"),
        KEY[:200],
        KEY[30:],
        b"\0" + KEY,
        KEY[5:-20],
    ],
)
def test_a_piece_of_a_key_stays_in_no_state(tester, key):
    """A key without its last or first line, or part of one, is read and gone."""
    tester._source.paste.value = key.decode()
    secret = KEY.decode().splitlines()[1][:40]
    assert secret in KEY.decode()
    assert secret not in state_of(tester)
    assert tester._source.paste.value == ""


def test_blocks_that_cannot_be_read_are_no_reason_to_stop():
    """Whatever stands beside a certificate, first or last, the certificate is judged."""
    junk = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    blocks = [junk, KEY, b"hello", LEAF[:300]]
    unread = ct.read_certificates(blocks)
    both = ct.read_certificates([LEAF, *blocks])
    for frame in (both, pd.concat([both.iloc[1:], both.head(1)], ignore_index=True)):
        for trust in (None, unread):
            tester = CertificateTester(frame, trust=trust)
            assert tester.diagnosis.verdict in ("fail", "unknown", "pass")
            assert "CN" in tester.explanation
    tester = CertificateTester()
    for frame in (unread, both, both.iloc[::-1], unread.head(0)):
        tester.certificates = frame
    assert CertificateTester(unread).diagnosis is None


def test_pasted_text_is_taken_in_and_cleared(tester):
    """A whole block is read and the field emptied."""
    tester._source.paste.value = ROOT.decode()
    assert tester._source.paste.value == ""
    assert "Test CA" in tester.certificates["subject"].iloc[0]
    assert ROOT.decode()[200:260] not in state_of(tester)


BLOCK = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"
DER = loaded(LEAF).public_bytes(serialization.Encoding.DER)
UNREADABLE = {
    "no certificate in the block": BLOCK.format("AAAA").encode(),
    "a key": KEY,
    "a cut certificate": DER[:200],
    "nothing but a label": BLOCK.format("").encode(),
    "no base64 in the block": BLOCK.format("%%%%").encode(),
    "a cut block": LEAF[:300],
    "plain words": b"hello",
    "zeros": bytes(40),
    "a key without its end": KEY[:200],
    "a request": x509.CertificateSigningRequestBuilder(x509.Name([]))
    .sign(serialization.load_pem_private_key(KEY, None), hashes.SHA256())
    .public_bytes(serialization.Encoding.PEM),
}


@pytest.mark.parametrize("kind", first(UNREADABLE, 3))
def test_unreadable_input_shows_its_reason_and_no_earlier_verdict(tester, kind):
    """However it comes in: the reason stands alone, nothing of the verdict before it is left,
    and nothing fails.
    """
    content = UNREADABLE[kind]
    assert tester.diagnosis.verdict == "pass"
    ways = [lambda: tester._source.give(content)]
    ways += [
        lambda: setattr(tester._source.upload, "value", (uploaded("a.pem", content),))
    ]
    if not content.startswith((b"\0", b"\x30")):
        ways += [lambda: setattr(tester._source.paste, "value", content.decode())]
    for give in ways:
        tester._source.give(LEAF + INTERMEDIATE)
        tester.registration_name, tester.tls_only = PHONE, True
        assert tester.diagnosis.verdict == "pass"
        give()
        assert tester.diagnosis is None
        assert (tester.explanation, tester.call) == ("", "")
        shown = "".join(
            part.value
            for part in (tester._answer, tester._chain, tester._steps, tester._texts)
        )
        assert PHONE not in shown
        assert "Nothing to judge yet" in shown
        reason = re.search(
            r"</b><div>[^:<]+: ([^<]+)</div>", tester._answer.value
        ).group(1)
        assert len(reason) > 5
        assert tester._source.judged.options == ()
    alone = CertificateTester(content, trust=content, registration_name=PHONE)
    assert alone.diagnosis is None


@pytest.mark.parametrize(
    "content",
    first([UNREADABLE["no certificate in the block"], KEY, b"\n", DER[:200]], 2),
    ids=["no certificate", "a key", "nothing", "half a certificate"],
)
@pytest.mark.parametrize("before", [True, False])
def test_an_unreadable_block_beside_a_certificate_is_told_and_the_certificate_judged(
    content, before
):
    """Whichever stands first, the certificate is judged as if it had come alone."""
    encoded = (
        content
        if b"-----" in content
        else BLOCK.format(base64.b64encode(content).decode()).encode()
    )
    both = encoded + LEAF if before else LEAF + encoded
    options = {
        "trust": ROOT,
        "registration_name": PHONE,
        "tls_only": True,
        "at": "2026-11-30",
    }
    tester, alone = (
        CertificateTester(both, **options),
        CertificateTester(LEAF, **options),
    )
    assert tester.diagnosis.to_dict() == alone.diagnosis.to_dict()
    assert "1 certificate read" in tester._source.note.value
    assert (
        "could not be read" in tester._source.note.value
        or "key dropped" in tester._source.note.value
    )


def test_a_frame_with_an_unreadable_row_is_not_judged_by_it(tester):
    """Set as a trait, too, an unreadable first row shows why, and so it is for a certificate of
    the fleet.
    """
    bad = ct.read_certificates(UNREADABLE["no certificate in the block"])
    tester.certificates = pd.concat(
        [bad, ct.read_certificates(LEAF)], ignore_index=True
    )
    assert tester.diagnosis is None
    assert "no certificate" in tester._answer.value
    simulated = small_fleet(3, seed=1)
    odd = pd.concat(
        [simulated.certificates, bad.assign(bundle="odd", device="odd")],
        ignore_index=True,
    )
    chosen = CertificateTester(
        fleet=dataclasses.replace(simulated, certificates=odd), device="odd"
    )
    assert chosen.diagnosis is None
    assert "no certificate" in chosen._answer.value


@pytest.mark.parametrize(
    "content",
    [KEY[:120], KEY[30:140], KEY, b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", LEAF[:100]],
    ids=[
        "a key without its end",
        "the middle of a key",
        "a key",
        "base64 of a key",
        "half a certificate",
    ],
)
def test_nothing_that_was_pasted_stays_in_the_field(tester, content):
    """Half of a key stays no more than a whole one, with or without its label."""
    tester._source.paste.value = content.decode()
    assert tester._source.paste.value == ""
    body = content.decode().splitlines()[-1]
    assert body not in state_of(tester).replace("-----BEGIN CERTIFICATE-----", "")


def test_the_user_chooses_which_of_several_certificates_is_judged(tester):
    """The leaf comes first; another one of the chain can be judged instead."""
    labels = [label for label, _ in tester._source.judged.options]
    assert labels[0].startswith(PHONE)
    tester._source.judged.value = tester._source.judged.options[1][1]
    assert tester.certificates["subject_cn"].iloc[0] != PHONE
    assert len(tester.certificates) == 2


def test_the_call_gives_the_same_diagnosis(tester):
    """What the copy button copies, run as Python, is the diagnosis that is shown; so for every
    scenario.
    """
    for scenario, url in (
        ("h323-certificate", ""),
        ("h323-password", ""),
        ("browser", "https://192.0.2.7/"),
    ):
        tester.scenario, tester.url = scenario, url
        again = eval(tester.call, {"ct": ct, "tester": tester})  # noqa: S307 - what the widget itself wrote
        assert again.to_dict() == tester.diagnosis.to_dict()


def test_the_explanation_holds_verdict_reason_remedy_and_chain(tester):
    """The text for a mail says all that the widget shows."""
    tester.registration_name = "reception"
    for words in (
        "refuses this registration",
        "reception",
        PHONE,
        "Chain:",
        "in the trust list",
        "Register it as",
    ):
        assert words in tester.explanation


def test_choosing_a_device_of_the_fleet_gives_the_fleets_own_verdict(fleet):
    """What the fleet knows is filled in, so that the tester's trust and validity agree with the
    fleet's results.
    """
    tester = CertificateTester(fleet=fleet, at="2026-11-01")
    every = [
        ct.check(ct.attempts(fleet, of=of), at="2026-11-01")
        for of in ("devices", "log")
    ]
    judged = (
        pd.concat(every)
        .dropna(subset=["fingerprint"])
        .drop_duplicates("fingerprint", keep="last")
    )
    judged = judged.set_index("fingerprint")
    compared = 0
    for _, fingerprint in tester._source.choice.options[:9]:
        tester._source.choice.value = fingerprint
        steps = tester.diagnosis.steps.set_index("code")["passed"]
        if (
            fingerprint in judged.index
            and tester._trust_choice.pbx.value == judged.loc[fingerprint, "pbx"]
        ):
            compared += 1
            for code in ("certificate.trust", "time.validity"):
                if code in steps and not pd.isna(judged.loc[fingerprint, code]):
                    assert steps[code] == judged.loc[fingerprint, code], (
                        fingerprint,
                        code,
                    )
    assert compared > 3


def test_a_search_narrows_the_fleets_certificates(fleet):
    """Part of a serial is enough; nothing found leaves the choice empty and does not fail."""
    tester = CertificateTester(fleet=fleet)
    label = tester._source.choice.options[3][0]
    tester._source.search.value = label.split(" ")[0]
    assert any(label == option for option, _ in tester._source.choice.options)
    tester._source.search.value = "no such device"
    assert tester._source.choice.options == ()


def test_the_chain_ends_at_the_trusted_entry_or_where_it_is_broken(tester):
    """The tree names the listed entry; without the intermediate the missing issuer is named
    instead.
    """
    nodes = chain(tester.diagnosis, tester.certificates, tester.trust)
    assert [node.listed for node in nodes] == [False, False, True]
    alone = CertificateTester(
        LEAF, trust=ROOT, registration_name=PHONE, tls_only=True
    )
    nodes = chain(alone.diagnosis, alone.certificates, alone.trust)
    assert nodes[-1].fingerprint is None
    assert "in the trust list" not in tree_html(nodes)


def test_the_slider_reaches_from_before_the_issue_to_beyond_the_expiry():
    """Its ends lie outside of the validity, its key moments are exact, and the year 9999 does
    not overflow.
    """
    begin, end = (
        pd.Timestamp("2020-01-01 12:30", tz="UTC"),
        pd.Timestamp("9999-12-31 23:59:59", tz="UTC"),
    )
    for last in (end, pd.Timestamp("2020-01-02", tz="UTC"), begin):
        points = [moment for _, moment in positions(begin, last)]
        assert points == sorted(points)
        assert points[0] < begin
        assert begin in points
        assert points[-1] > last or last == end
    assert (
        len(
            {
                label
                for label, _ in positions(begin, pd.Timestamp("2030-01-01", tz="UTC"))
            }
        )
        > 100
    )


def test_markup_in_a_certificate_is_shown_as_text():
    """Names are an attacker's: none of the panels lets one act as markup."""
    evil = "<img src=x onerror=alert(1)>"
    pem = (
        trustme.CA(organization_name="O")
        .issue_cert("a.example.com", common_name=evil)
        .cert_chain_pems[0]
        .bytes()
    )
    tester = CertificateTester(
        pem, trust=pem, registration_name=evil, hardware_id=evil, tls_only=True
    )
    shown = state_of(tester)
    assert "&lt;img" in shown
    assert "<img" not in "".join(
        part.value
        for part in (tester._answer, tester._chain, tester._steps, tester._texts)
    )


def test_nothing_to_judge_is_said_and_does_not_fail():
    """An empty tester, and one whose URL is none, ask for what they need."""
    tester = CertificateTester()
    assert "Paste a certificate" in tester._answer.value
    tester = CertificateTester(LEAF, scenario="browser", url="")
    assert "URL" in tester._answer.value
    tester.url = "https://["
    assert tester.diagnosis is None or tester.diagnosis.verdict in ("fail", "unknown")


@pytest.mark.parametrize("way", ["paste", "upload"])
@pytest.mark.parametrize("begun", ["given", "fleet"])
def test_a_new_certificate_brings_its_own_context(fleet, way, begun):
    """Of what was there before nothing stays: the name is its CN, the rest is not given, and
    the moment is now.
    """
    tester = (
        CertificateTester(fleet=fleet, at="2020-01-01")
        if begun == "fleet"
        else CertificateTester(
            ROOT, registration_name="reception", hardware_id="IP222-00-00-01", tls_only=True,
            at="2020-01-01",
        )
    )  # fmt: skip
    tester.tls_only, tester.hardware_id = True, "IP222-00-00-01"
    if way == "paste":
        tester._source.paste.value = (LEAF + INTERMEDIATE).decode()
    else:
        tester._source.upload.value = (uploaded("a.pem", LEAF + INTERMEDIATE),)
    assert tester.registration_name == PHONE
    assert (tester.hardware_id, tester.tls_only) == ("", None)
    assert tester._trust_choice.pbx.value == ""
    assert abs(pd.Timestamp.now("UTC") - tester.at) < pd.Timedelta(minutes=2)
    steps = tester.diagnosis.steps.set_index("code")["passed"]
    assert steps["certificate.name"]
    assert "another" not in tester.explanation


def test_another_of_several_pasted_certificates_brings_its_own_name(tester):
    """The name follows the certificate that is judged."""
    tester._source.paste.value = (LEAF + ROOT).decode()
    assert tester.registration_name == PHONE
    tester._source.judged.value = tester._source.judged.options[1][1]
    assert tester.registration_name == ""


def test_unreadable_input_leaves_no_context(tester):
    """Nothing of the certificate before it is left in the fields."""
    tester._source.paste.value = "hello"
    assert (tester.registration_name, tester.hardware_id, tester.tls_only) == (
        "",
        "",
        None,
    )
    assert tester.diagnosis is None


def test_no_reason_shows_the_notation_of_a_parser():
    """What cryptography refuses is said in words."""
    for cut in range(10, len(DER), 7):
        damaged = DER[:cut] + bytes([DER[cut] ^ 0x55]) + DER[cut + 1 :]
        notes = read({"a.der": damaged}).notes
        assert not re.search(r"ParseError|\{", " ".join(notes)), notes
