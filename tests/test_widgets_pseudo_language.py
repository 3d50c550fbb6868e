"""Widgets in a pseudo-language: any plain English that is left did not come from the file of
sentences.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

import pandas as pd
import pytest
from pseudo_language import plain, pseudo_language

import certtrust as ct
from certtrust.captures import to_frame
from certtrust.captures.handshake import Handshake
from certtrust.evaluation.rules import RULES
from certtrust.report.reasons import reasons
from certtrust.schema import CERTIFICATES
from certtrust.testing import small_fleet
from certtrust.widgets import Bench, CertificateTester, FleetExplorer, table
from certtrust.widgets.reading import read, readable

FLEET = small_fleet(30)
RESULTS = ct.check(ct.attempts(FLEET))
TEXT_TRAITS = ("description", "placeholder", "tooltip", "tooltips", "options")
"""Traits of a control whose texts are shown or read aloud."""

NAMES = (
    "device",
    "pbx",
    "model",
    "registration_name",
    "hardware_id",
    "fingerprint",
    "trust_state",
)
NAMES += ("subject", "subject_cn", "issuer", "issuer_cn", "long_name", "number")
FORMATS = (
    "-----BEGIN CERTIFICATE-----",
    "https",
    "TEL1",
    "tester",
    "ct.widgets.CertificateTester(...)",
)
"""Texts that are the same in every language."""


def values_of(*frames: pd.DataFrame) -> set[str]:
    """Return the names and values in frames, which are data in every language."""
    columns = [
        frame[name].dropna().astype("str")
        for frame in frames
        for name in NAMES
        if name in frame
    ]
    return set(pd.concat(columns).unique())


VALUES = values_of(FLEET.certificates, FLEET.trust, FLEET.devices, RESULTS)
VALUES |= {rule.code for rule in RULES} | set(FORMATS)


def own_sentences(widget) -> set[str]:
    """Return the sentences that explain a widget's row, which other tests check."""
    if widget.diagnosis is None:
        return set()
    steps, result = (
        widget.diagnosis.steps,
        widget.diagnosis.result.reset_index(drop=True),
    )
    sentences = {words for name in ("has", "why", "remedy") for words in steps[name]}
    return sentences | {words.iloc[0] for words in reasons(result).values()}


def texts_of(widget) -> list[str]:
    """Return every text that a widget and all widgets in it show or pass to a screen reader."""
    texts = []
    for name in TEXT_TRAITS:
        value = getattr(widget, name, None) or ""
        parts = [value] if isinstance(value, str) else value
        texts += [str(part[0] if isinstance(part, tuple) else part) for part in parts]
    if type(widget).__name__ == "HTML":
        texts += texts_of_html(widget.value)
    return texts + [
        text for child in getattr(widget, "children", ()) for text in texts_of(child)
    ]


def texts_of_html(markup: str) -> list[str]:
    """Return the texts of HTML: between tags, in labels for screen readers, and in scripts."""
    markup = re.sub(
        r"<(style|pre)\b.*?</\1>|<span hidden>.*?</span>", "", markup, flags=re.DOTALL
    )
    labels = re.findall(r'(?:aria-label|title|data-copied)="([^"]*)"', markup)
    scripts = re.findall(r"textContent='([^']*)'", html.unescape(markup))
    return [
        html.unescape(text)
        for text in (*labels, *scripts, re.sub(r"<[^>]*>", " ", markup))
    ]


def english(texts: Iterable[str], *also: str) -> set[str]:
    """Return the plain English words of texts, without names, values and the texts in `also`."""
    data = sorted(
        {value for value in {*VALUES, *also} if re.search("[A-Za-z]{2}", value)},
        key=len,
    )
    left = re.sub(
        "|".join(map(re.escape, reversed(data))), " ", "\n".join(dict.fromkeys(texts))
    )
    return set(re.findall(r"\b[A-Za-z]{2,}\b", left))


@pytest.fixture(autouse=True)
def in_pseudo_language(monkeypatch):
    """Run all tests here in the pseudo-language, with uncut names in menus to recognise them."""
    monkeypatch.setattr("certtrust.widgets.styling.LONGEST", 10_000)
    with pseudo_language():
        yield


def test_the_explorer_has_no_english_of_its_own():
    """The test covers menus, bars, tables, diagnoses with every verdict, empty states and the
    download.
    """
    explorer = FleetExplorer(FLEET, results=RESULTS)
    texts, sentences = texts_of(explorer), {"nobody"}
    kinds = RESULTS.dropna(subset=["device"]).drop_duplicates(
        ["verdict", "cause", "observed"]
    )
    for device in [*kinds["device"], "nobody", ""]:
        explorer.device = device
        texts += texts_of(explorer)
        sentences |= own_sentences(explorer)
    for by in ("cause", "pbx", "model"):
        explorer.by = by
        texts += texts_of(explorer)
    explorer._export.click()
    texts += texts_of(explorer)
    explorer.text = "nothing is called so"
    texts += texts_of(explorer)
    sip = RESULTS.head(1).assign(
        device="one", scenario=None, protocol="SIP/TLS", time=pd.NaT
    )
    sip = FleetExplorer(FLEET, results=sip)
    sip.device = "one"
    texts += texts_of(sip)
    assert "Choose a device" in plain(" ".join(texts))
    assert english(texts, *sentences, "one") == set()


def test_the_tester_has_no_english_of_its_own():
    """The test covers every scenario and verdict, every way to enter certificates, and missing
    or unreadable data.
    """
    tester = CertificateTester(fleet=FLEET, at="2026-11-01")
    texts, sentences = texts_of(tester), set()
    browser, url = "browser", "https://192.0.2.7/"
    scenarios = [
        ("h323-certificate", ""),
        ("h323-password", ""),
        (browser, ""),
        (browser, url),
    ]
    for _, fingerprint in tester._source.choice.options[:2]:
        tester._source.choice.value = fingerprint
        for tester.scenario, tester.url in scenarios:
            texts += texts_of(tester)
            sentences |= own_sentences(tester)
    for _, pane in tester._source.way.options:
        tester._source.way.value = pane
        texts += texts_of(tester)
    for change in (
        lambda: tester._trust_choice.none.click(),
        lambda: setattr(tester, "at", pd.Timestamp("1999-01-01", tz="UTC")),
        lambda: setattr(tester, "trust", None),
        lambda: setattr(tester._source.paste, "value", "-----BEGIN PRIVATE KEY-----"),
    ):
        change()
        texts += texts_of(tester)
        sentences |= own_sentences(tester)
    shown = plain(" ".join(texts))
    assert all(
        words in shown
        for words in ("not yet valid", "Certificate chain", "private key dropped")
    )
    assert english(texts, *sentences) == set()
    assert (
        english([line for line in tester.explanation.splitlines() if "[" in line])
        == set()
    )


def test_notes_about_files_have_no_english_of_their_own():
    """A reason in `parse_error` is data; the text around it is a sentence."""
    readable_row, unread_row = (
        {"fingerprint": "aa", "subject": "CN=x"},
        {"parse_error": "cut"},
    )
    rows = [
        readable_row,
        {**readable_row, **unread_row},
        unread_row,
        {"parse_error": "a private key, skipped"},
    ]
    for chosen in (rows, rows[:1], rows[2:], rows[3:], []):
        frame = pd.DataFrame(chosen, columns=CERTIFICATES.names).astype("str")
        notes = readable(frame, "1").notes
        assert notes
        assert english(notes, "cut") == set()
    assert english(read({"1.p12": b""}).notes, "nothing is there", "p12") == set()


def test_tables_have_no_english_of_their_own():
    """The test covers headings, flags, causes, verdicts, and the line below the table."""
    names = [
        "device",
        "pbx",
        "cause",
        "evidence",
        "verdict",
        "tls_only",
        "time",
        "trust_state",
    ]
    shown = texts_of_html(table(RESULTS, names).data)
    shown += texts_of_html(table(RESULTS.head(0), names).data)
    assert "Known from" in plain(" ".join(shown))
    assert english(shown) == set()


def test_the_static_copy_has_no_english_of_its_own(monkeypatch):
    """It is what a saved notebook shows of a widget."""
    shown = []
    monkeypatch.setattr(
        "certtrust.widgets.styling.display",
        lambda *args, **_kwargs: shown.append(args[0]),
    )
    tester = CertificateTester(fleet=FLEET)
    for widget in (FleetExplorer(FLEET, results=RESULTS), tester):
        widget._ipython_display_()
    twins = [
        text
        for output in shown
        if hasattr(output, "data")
        for text in texts_of_html(output.data)
    ]
    assert "static copy" in plain(" ".join(twins))
    assert english(twins, *own_sentences(tester)) == set()


@pytest.mark.parametrize("name", ["description", "placeholder"])
def test_a_label_in_the_code_is_detected(name):
    """The tests above look at every control, so a literal word is found in any of them."""
    tester = CertificateTester(fleet=FLEET)
    setattr(tester._source.search, name, "Find device")
    assert english(texts_of(tester), *own_sentences(tester)) == {"Find", "device"}


class SeenPhones:
    """A bench that has seen two phones: one with a certificate, one that refused it."""

    warning = ""
    unread = 0

    def __init__(self) -> None:
        leaf = FLEET.certificates.head(1)
        self._leaf = leaf.reset_index(drop=True)
        self.handshakes = to_frame.frame(
            [
                Handshake(
                    time=1_700_000_000_000_000,
                    client="192.0.2.7",
                    client_port=49160,
                    offered_version="TLS 1.3",
                    tls_version="TLS 1.2",
                    client_certificates=leaf["fingerprint"].tolist(),
                    outcome="established",
                ),
                Handshake(
                    time=1_700_000_000_000_000,
                    client="192.0.2.8",
                    client_port=49160,
                    offered_version="TLS 1.2",
                    alert="unknown_ca",
                    alert_by="client",
                    outcome="refused by client",
                ),
            ]
        )

    def presented(self, connection: int) -> pd.DataFrame:
        """Return what was presented."""
        return self._leaf.head(1 - connection)

    def observe(self, _tell: object) -> None:
        """Call nothing."""

    def __len__(self) -> int:
        return len(self.handshakes)

    def __repr__(self) -> str:
        return "192.0.2.2"


def test_the_bench_has_no_english_of_its_own():
    """The test covers a diagnosis, an alert, and a bench to which nobody has come."""
    seen = SeenPhones()
    view = Bench(seen)
    texts = texts_of(view)
    sentences = set()
    for phone in view.phones:
        texts += [phone.head(), phone.presented(), *phone.notes()]
        if phone.diagnosis is not None:
            sentences |= own_sentences(phone)
    seen.handshakes = seen.handshakes.head(0)
    texts += texts_of(Bench(seen))
    shown = plain(" ".join(texts))
    assert "No phone has connected yet." in shown
    assert (
        "The handshake ended before the client could present a certificate." in shown
    )
    assert english(texts, *sentences, "unknown_ca", "TLS") == set()
