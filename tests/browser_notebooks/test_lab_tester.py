"""CertificateTester in JupyterLab: every control is used once, by mouse or keyboard, and its result is asserted."""

from __future__ import annotations

import datetime
import json

import pytest
import trustme
from conftest import complaints_of
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from driving import opened, run_all, settled, widget

NAME = "02-test-one-certificate.ipynb"
PHONE = "0090332f688a"
CA = trustme.CA(organization_name="Browser Test CA")
ISSUED = CA.issue_cert("phone.example.com", common_name=PHONE)
PEM, KEY, ROOT = ISSUED.cert_chain_pems[0].bytes(), ISSUED.private_key_pem.bytes(), CA.cert_pem.bytes()
P12 = pkcs12.serialize_key_and_certificates(
    b"phone",
    serialization.load_pem_private_key(KEY, None),
    x509.load_pem_x509_certificate(PEM),
    None,
    serialization.BestAvailableEncryption(b"opensesame"),
)


def chosen(page, button, file) -> None:
    """Choose a file in the dialog that the button opens."""
    with page.expect_file_chooser() as opened_dialog:
        button.click()
    opened_dialog.value.set_files(file)


@pytest.fixture
def tester(page, lab):
    """The tester of notebook 02, alive."""
    opened(page, lab, NAME)
    run_all(page)
    return widget(page)


def test_every_control_answers(page, lab, tester):
    """Fleet, scenario, name, hardware ID, flag, boxes, moment, URL: each changes the answer that is shown."""
    verdict = tester.locator(".ct-verdict")
    assert "refuses this registration: certificate not trusted" in verdict.inner_text()
    number = tester.locator(".ct-scroll input[type=checkbox]").count()
    tester.get_by_role("button", name="Tick none").click()
    page.wait_for_function("() => document.querySelectorAll('.ct-live .ct-scroll input:checked').length === 0")
    tester.get_by_role("button", name="Tick all").click()
    page.wait_for_function(
        "n => document.querySelectorAll('.ct-live .ct-scroll input:checked').length >= n", arg=number
    )
    tester.get_by_label("Find device").fill("innovaphone Device Certification Authority 2")
    page.wait_for_function("() => document.querySelectorAll('.ct-live select option').length > 8")
    settled(page, lambda: tester.get_by_label("PBX", exact=True).select_option(index=0), tester, "do not tell")
    settled(page, lambda: tester.get_by_label("PBX", exact=True).select_option(index=1), tester)
    tester.get_by_label("Certificate", exact=True).select_option(index=2)
    page.wait_for_timeout(1500)
    settled(page, lambda: tester.get_by_label("Registers as").fill("reception"), tester, "registers as reception")
    settled(page, lambda: tester.get_by_label("Hardware ID").fill("IP222-2f-68-8a"), tester, "IP222-2f-68-8a")
    scenario = tester.get_by_label("Scenario")
    settled(page, lambda: scenario.select_option("Registration over H.323/TLS, with user name and password"), tester)
    settled(page, lambda: tester.get_by_label("TLS only").select_option("set"), tester, "password login on a TLS-only")
    settled(page, lambda: tester.get_by_label("TLS only").select_option("not set"), tester, "accepts")
    settled(
        page,
        lambda: scenario.select_option("A browser opens the device (HTTPS or secure websocket)"),
        tester,
        "Enter the URL",
    )
    settled(page, lambda: tester.get_by_label("URL").fill("https://192.0.2.7/"), tester, "refuses the device")
    tester.get_by_label("The public CAs that browsers know").uncheck()
    settled(page, lambda: scenario.select_option(index=0), tester, "The registration name, or the hardware ID")
    handle = tester.get_by_role("slider").first
    handle.focus()
    settled(page, lambda: page.keyboard.press("End"), tester, "expired")
    settled(
        page,
        lambda: tester.get_by_role("button", name="Now", exact=True).click(),
        tester,
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
    )
    assert complaints_of(lab) == []


def test_what_is_pasted_or_uploaded_is_judged_and_not_saved(page, lab, site, tester):
    """Paste, PEM with key, PKCS#12 with password, entries of a list; the saved notebook holds nothing of them."""
    judged = tester.get_by_label("Judge", exact=True)
    tester.get_by_role("button", name="Paste", exact=True).click()
    field = tester.get_by_label("PEM text")
    settled(page, lambda: field.fill(PEM.decode()), tester, "pasted text: 1 certificate read.")
    assert field.input_value() == ""
    tester.get_by_role("button", name="File", exact=True).click()
    certificates, entries = (
        tester.get_by_role("button", name="Choose files"),
        tester.get_by_role("button", name="Add entries"),
    )
    settled(
        page,
        lambda: chosen(page, certificates, {"name": "chain.pem", "mimeType": "", "buffer": KEY + PEM + ROOT}),
        tester,
        "1 private key dropped",
    )
    assert PHONE in judged.locator("option").first.inner_text()
    settled(page, lambda: judged.select_option(index=1), tester)
    wrong = {"name": "phone.p12", "mimeType": "", "buffer": P12}
    settled(page, lambda: chosen(page, certificates, wrong), tester, "password")
    tester.get_by_label("Password").fill("opensesame")
    page.keyboard.press("Tab")
    page.wait_for_timeout(500)
    settled(page, lambda: chosen(page, certificates, wrong), tester, "private key in it was dropped")
    settled(
        page,
        lambda: chosen(page, entries, {"name": "root.pem", "mimeType": "", "buffer": ROOT}),
        tester,
        "root.pem: 1 certificate read.",
    )
    page.keyboard.press("Control+s")
    page.wait_for_timeout(2500)
    saved = (site / "notebooks" / NAME).read_text()
    for secret in (PEM, KEY, ROOT):
        lines = secret.decode().splitlines()
        assert lines[1] not in saved
        assert lines[2] not in saved
    assert "opensesame" not in saved
    assert json.loads(saved)["metadata"].get("widgets") is None
    assert complaints_of(lab) == []


def test_explanation_and_call_are_copied(page, lab, tester):
    """Both buttons fill the clipboard; the text behind the folds is the same."""
    for words, begins in (("explanation", "Registration over H.323/TLS"), ("Python call", "ct.diagnose(")):
        button = tester.get_by_role("button", name=f"Copy {words}").element_handle()
        button.click()
        assert button.inner_text() == "Copied"
        copied = page.evaluate("() => navigator.clipboard.readText()")
        assert copied.startswith(begins)
        tester.get_by_text(f"Show {words}").click()
        assert copied.splitlines()[1] in tester.inner_text()
        page.wait_for_timeout(1700)
    assert complaints_of(lab) == []


def test_every_control_has_a_name_and_the_keyboard_reaches_it(page, tester):
    """Each input, menu, slider and button has an accessible name; tabbing visits them from top to bottom."""
    unnamed = tester.evaluate(
        """root => [...root.querySelectorAll('input:not([type=file]),select,textarea,button')]
            .filter(e => e.offsetParent && !e.closest('.ct-channel'))
            .filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.title ||
                           [...(e.labels || [])].some(l => l.textContent.trim())))
            .map(e => e.outerHTML.slice(0, 120))"""
    )
    assert unnamed == []
    tester.get_by_role("button", name="Fleet", exact=True).focus()
    visited = []
    for _ in range(14):
        page.keyboard.press("Tab")
        visited.append(page.evaluate("() => document.activeElement.getBoundingClientRect().top"))
        assert page.evaluate("() => !!document.activeElement.closest('.ct-live')")
    assert visited == sorted(visited)
