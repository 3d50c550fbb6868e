"""CertificateTester in JupyterLab: every control is used once, by mouse or keyboard, and its
result is asserted.
"""

from __future__ import annotations

import datetime
import json

import pytest
import trustme
from conftest import PICTURES, complaints_of
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
from driving import milliseconds, opened, run_all, settled, summed_up, widget

NAME = "02-test-one-certificate.ipynb"
PHONE = "0090332f688a"
CA = trustme.CA(organization_name="Browser Test CA")
ISSUED = CA.issue_cert("phone.example.com", common_name=PHONE)
PEM, KEY, ROOT = (
    ISSUED.cert_chain_pems[0].bytes(),
    ISSUED.private_key_pem.bytes(),
    CA.cert_pem.bytes(),
)
P12 = pkcs12.serialize_key_and_certificates(
    b"phone",
    serialization.load_pem_private_key(KEY, None),
    x509.load_pem_x509_certificate(PEM),
    None,
    serialization.BestAvailableEncryption(b"opensesame"),
)
DER = x509.load_pem_x509_certificate(PEM).public_bytes(serialization.Encoding.DER)
P7B = pkcs7.serialize_certificates(
    [x509.load_pem_x509_certificate(each) for each in (PEM, ROOT)],
    serialization.Encoding.DER,
)
DROP = """([zone, name, text]) => {
    const dropped = new DataTransfer();
    dropped.items.add(new File([text], name));
    const how = {dataTransfer: dropped, bubbles: true};
    for (const kind of ['dragover', 'drop']) zone.dispatchEvent(new DragEvent(kind, how));
}"""


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


HOSTILE = """import trustme
import pandas as pd
import certtrust as ct
from certtrust.schema import DEVICES, REGISTRATIONS, conform, empty
from certtrust.widgets import CertificateTester, FleetExplorer, WhatIf

names = ["<img src=x onerror=window.broken=1>", "x" * 64, "\\u202egnp.exe\\u2066", "a\\x00b",
         "</style><script>window.broken=1</script>"]
ca = trustme.CA(organization_name="<img src=x onerror=window.broken=1>" + "\\u202e")
issued = [ca.issue_cert("*.example.com", common_name=name) for name in names]
pems = [one.cert_chain_pems[0].bytes() for one in issued]
certificates = ct.read_certificates(b"".join(pems)).assign(bundle=range(len(names)), device=names)
long = [*names[:-1], names[-1] + "y" * 3000]
log = pd.DataFrame({"registration_name": long, "state": "rejected", "protocol": "H.323/TLS",
    "authentication": "certificate", "fingerprint": certificates["fingerprint"],
    "pbx": long, "time": pd.Timestamp("2026-10-01", tz="UTC")})
trust = ct.read_trust_list(b"".join(pems[:2]) + ca.cert_pem.bytes()).assign(pbx=long[0])
certificates = certificates.astype({"bundle": "str"})
fleet = ct.link(ct.Fleet(certificates, trust, empty(DEVICES), conform(log, REGISTRATIONS)))"""


def hostile_notebook() -> str:
    """Return a notebook with each of the widgets on a fleet of hostile names."""
    import nbformat

    cells = [HOSTILE, "CertificateTester(fleet=fleet, registration_name=long[-1])"]
    cells += [
        "explorer = FleetExplorer(fleet)\nexplorer.device = "
        "explorer.devices['device'].iloc[0]\nexplorer"
    ]
    cells += ["whatif = WhatIf(fleet)\nwhatif.switch_tls_only(True)\nwhatif"]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells]
    )
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    return nbformat.writes(notebook)


def test_every_control_answers(page, lab, tester):
    """Fleet, scenario, name, hardware ID, flag, boxes, moment, URL: each changes the answer
    that is shown.
    """
    verdict = tester.locator(".ct-verdict")
    assert (
        "refuses this registration: Certificate not trusted" in verdict.inner_text()
    )
    number = tester.locator(".ct-scroll input[type=checkbox]").count()
    tester.get_by_role("button", name="Tick none").click()
    page.wait_for_function(
        "() => document.querySelectorAll('.ct-live .ct-scroll input:checked').length === 0"
    )
    tester.get_by_role("button", name="Tick all").click()
    page.wait_for_function(
        "n => document.querySelectorAll('.ct-live .ct-scroll input:checked').length >= n",
        arg=number,
    )
    tester.get_by_label("Find device").fill(
        "innovaphone Device Certification Authority 2"
    )
    page.wait_for_function(
        "() => document.querySelectorAll('.ct-live select option').length > 8"
    )
    settled(
        page,
        lambda: tester.get_by_label("PBX", exact=True).select_option(index=0),
        tester,
        "data are missing",
    )
    settled(
        page,
        lambda: tester.get_by_label("PBX", exact=True).select_option(index=1),
        tester,
    )
    tester.get_by_label("Certificate", exact=True).select_option(index=2)
    page.wait_for_timeout(1500)
    settled(
        page,
        lambda: tester.get_by_label("Registers as").fill("reception"),
        tester,
        "registers as reception",
    )
    settled(
        page,
        lambda: tester.get_by_label("Hardware ID").fill("IP222-2f-68-8a"),
        tester,
        "IP222-2f-68-8a",
    )
    scenario = tester.get_by_label("Scenario")
    settled(page, lambda: scenario.select_option("H.323/TLS, by password"), tester)
    settled(
        page,
        lambda: tester.get_by_label("TLS only").select_option("set"),
        tester,
        "Password login on a TLS-only",
    )
    settled(
        page,
        lambda: tester.get_by_label("TLS only").select_option("not set"),
        tester,
        "accepts",
    )
    settled(
        page,
        lambda: scenario.select_option("Browser, HTTPS or websocket"),
        tester,
        "Enter the URL",
    )
    settled(
        page,
        lambda: tester.get_by_label("URL").fill("https://192.0.2.7/"),
        tester,
        "refuses the device",
    )
    tester.get_by_label("The public CAs that browsers know").uncheck()
    settled(
        page,
        lambda: scenario.select_option(index=0),
        tester,
        "The registration name begins with",
    )
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
    """Paste, PEM with key, PKCS#12 with password, entries of a list; the saved notebook holds
    nothing of them.
    """
    judged = tester.get_by_label("Judge", exact=True)
    tester.get_by_role("button", name="Paste", exact=True).click()
    field = tester.get_by_label("PEM text")
    settled(
        page,
        lambda: field.fill(PEM.decode()),
        tester,
        "pasted text: 1 certificate read.",
    )
    assert field.input_value() == ""
    tester.get_by_role("button", name="File", exact=True).click()
    certificates, entries = (
        tester.get_by_role("button", name="Choose files"),
        tester.get_by_role("button", name="Add entries"),
    )
    settled(
        page,
        lambda: chosen(
            page,
            certificates,
            {"name": "chain.pem", "mimeType": "", "buffer": KEY + PEM + ROOT},
        ),
        tester,
        "1 private key dropped",
    )
    assert PHONE in judged.locator("option").first.inner_text()
    settled(page, lambda: judged.select_option(index=1), tester)
    wrong = {"name": "phone.p12", "mimeType": "", "buffer": P12}
    settled(page, lambda: chosen(page, certificates, wrong), tester, "password")
    for name, content, count in (
        ("phone.der", DER, "1 certificate"),
        ("chain.p7b", P7B, "2 certificates"),
    ):
        file = {"name": name, "mimeType": "", "buffer": content}
        settled(
            page,
            lambda file=file: chosen(page, certificates, file),
            tester,
            f"{name}: {count} read.",
        )
    tester.get_by_label("Password").fill("notthisone")
    page.keyboard.press("Tab")
    page.wait_for_timeout(500)
    settled(page, lambda: chosen(page, certificates, wrong), tester, "password")
    tester.get_by_label("Password").fill("opensesame")
    page.keyboard.press("Tab")
    page.wait_for_timeout(500)
    settled(
        page,
        lambda: chosen(page, certificates, wrong),
        tester,
        "private key in it was dropped",
    )
    zone = tester.locator(".ct-drop").first.element_handle()
    settled(
        page,
        lambda: page.evaluate(DROP, [zone, "dropped.pem", PEM.decode()]),
        tester,
        "dropped.pem: 1 certificate",
    )
    settled(
        page,
        lambda: chosen(
            page, entries, {"name": "root.pem", "mimeType": "", "buffer": ROOT}
        ),
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
    assert "notthisone" not in saved
    assert json.loads(saved)["metadata"].get("widgets") is None
    assert complaints_of(lab) == []


def test_explanation_and_call_are_copied(page, lab, tester):
    """Both buttons fill the clipboard; the text behind the folds is the same."""
    for words, begins in (
        ("explanation", "Registration over H.323/TLS"),
        ("Python call", "ct.diagnose("),
    ):
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
    """Each input, menu, slider and button has an accessible name; tabbing visits them from top
    to bottom.
    """
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
        visited.append(
            page.evaluate("() => document.activeElement.getBoundingClientRect().top")
        )
        assert page.evaluate("() => !!document.activeElement.closest('.ct-live')")
    assert visited == sorted(visited)


def test_how_long_an_answer_takes(page, tester):
    """Every answer comes; the times are written to build/browser_notebooks/tester.json, for the
    notes.
    """
    name = ".ct-left input[placeholder^='0090332f688a']"
    flag = ".ct-left > :nth-child(2) > :last-child select"
    scenario = ".ct-left > :nth-child(2) select"
    address = ".ct-left input[placeholder^='https://']"
    times = {
        "another name": [
            milliseconds(page, tester, name, ".ct-right", text=f"reception{place}")
            for place in range(7)
        ],
        "TLS only": [
            milliseconds(page, tester, flag, ".ct-right", option=place)
            for place in (2, 0, 1, 2, 0)
        ],
        "scenario": [
            milliseconds(page, tester, scenario, ".ct-right", option=place)
            for place in (1, 0, 1, 0, 2)
        ],
        "URL": [
            milliseconds(
                page, tester, address, ".ct-right", text=f"https://192.0.2.{place}/"
            )
            for place in range(7)
        ],
    }
    summed_up(times, PICTURES / "tester.json")
    assert all(times.values())


def test_hostile_names_stay_inside_the_widgets(page, lab, site):
    """Markup, page-long names, text from right to left and NULs: shown as text, and nothing
    leaves its frame.
    """
    (site / "notebooks" / "hostile.ipynb").write_text(
        hostile_notebook(), encoding="utf-8"
    )
    opened(page, lab, "hostile.ipynb")
    run_all(page)
    for place in range(3):
        live = widget(page, place)
        live.locator(".ct-card").first.wait_for()
        assert live.locator("img, script, b[onclick]").count() == 0
        wide = live.evaluate(
            """root => [...root.querySelectorAll('.ct-card')]
                .filter(e => e.getBoundingClientRect().right
                    > root.getBoundingClientRect().right + 2)
                .map(e => e.className)"""
        )
        assert wide == [], place
        assert not {"\u202e", "\x00"} & set(live.inner_text())
        page.screenshot(path=PICTURES / f"hostile-{place}.png")
    assert page.evaluate("() => window.broken") is None
    assert complaints_of(lab) == []
