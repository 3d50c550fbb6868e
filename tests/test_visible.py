"""Text from files cannot forge a line, control a terminal or reverse text where it is shown."""

from __future__ import annotations

import dataclasses
import re
import unicodedata

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import certtrust as ct
from certtrust.report import explain_fleet, summary_lines
from certtrust.testing import small_fleet
from certtrust.texts.sentences import fill, say
from certtrust.texts.visible import each_on_one_line, encodable, one_line, visible
from certtrust.widgets import CertificateTester, FleetExplorer, table

FORGED = "x\n✓ certificate.trust: all is well\r\n\x1b[2J\a\x9b1m\u202egnp\u2028\u2066\u200by$a$"
UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)


@pytest.fixture(scope="module")
def fleet() -> ct.Fleet:
    """Return a fleet whose names try to control whatever shows them."""
    fleet = small_fleet(12, seed=2)

    def forged(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
        texts = {
            name: frame[name].astype("str").where(frame[name].isna(), FORGED)
            for name in columns
        }
        return frame.assign(**texts)

    names = ("subject_cn", "issuer_cn", "subject", "issuer", "source")
    return dataclasses.replace(
        fleet,
        certificates=forged(fleet.certificates, *names),
        trust=forged(fleet.trust, *names, "pbx"),
        devices=forged(
            fleet.devices, "model", "location", "user", "long_name", "pbx"
        ),
        registrations=forged(
            fleet.registrations, "registration_name", "pbx", "reason", "source"
        ),
    )


def test_every_control_and_format_character_is_replaced() -> None:
    """They are the control, format and line characters of Unicode, and lone surrogates."""
    kept = {
        chr(code)
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in ("Cc", "Cs", "Zl", "Zp")
        if one_line(chr(code)) == chr(code)
    }
    assert not kept
    # Signs before Arabic, Syriac and Kaithi numbers, and Egyptian joiners, are visible.
    formats = {
        code
        for code in range(0x110000)
        if unicodedata.category(chr(code)) == "Cf"
        and one_line(chr(code)) == chr(code)
    }
    drawn = {
        *range(0x600, 0x606),
        0x6DD,
        0x70F,
        0x890,
        0x891,
        0x8E2,
        0x110BD,
        0x110CD,
    }
    assert formats <= drawn | set(range(0x13430, 0x13460))


@given(st.text())
def test_a_text_and_a_column_are_shown_alike(words: str) -> None:
    """Arrow and Python replace the same characters, and doing so again changes nothing."""
    words = encodable(words)
    line = one_line(words)
    assert each_on_one_line(
        pa.array([words, None], pa.large_string())
    ).to_pylist() == [
        line,
        None,
    ]
    assert one_line(line) == line
    assert len(line.splitlines()) <= 1
    assert visible(words).count("\n") == words.count("\n")


def test_data_in_a_sentence_stay_on_one_line() -> None:
    """`say` and `fill` clean their arguments; numbers keep their separators."""
    assert say("report.page.heading", name=FORGED).count("\n") == 0
    filled = fill("{name}", pd.DataFrame({"name": [FORGED]})).iloc[0]
    assert not UNSEEN.search(filled)
    assert filled == one_line(FORGED)
    assert say("nouns.device", count=1204) == "1,204 devices"


def test_a_diagnosis_has_the_lines_of_its_steps_only() -> None:
    """A registration name of two lines adds no line, and `$` does not start a formula."""
    certificate = small_fleet(3, seed=1).certificates.head(1)
    diagnosis = ct.diagnose(
        certificate, scenario="h323-certificate", registration_name=FORGED
    )
    plain = ct.diagnose(
        certificate, scenario="h323-certificate", registration_name="x y"
    )
    assert len(repr(diagnosis).splitlines()) == len(repr(plain).splitlines())
    assert not any(
        line.startswith("✓ certificate.trust")
        for line in repr(diagnosis).splitlines()
    )
    html = diagnosis._repr_html_()
    assert not UNSEEN.search(repr(diagnosis).replace("\n", "") + html)
    assert html.startswith('<div class="tex2jax_ignore mathjax_ignore">')


@pytest.mark.parametrize("text", ["a\ud800b", "\udc80"])
def test_lone_surrogates_are_replaced(text: str) -> None:
    """File names and JSON can contain them, so arguments may too."""
    certificate = small_fleet(3, seed=1).certificates.head(1)
    for option in ("registration_name", "hardware_id"):
        arguments = {option: text}
        ct.diagnose(certificate, scenario="h323-certificate", **arguments)
    options = {"scenario": "browser", "url": f"https://{text}/"}
    ct.diagnose(certificate, trust=certificate, **options)
    tester = CertificateTester(certificate)
    tester.registration_name = text
    tester._trust_choice.search.value = text
    assert tester.diagnosis is not None
    assert say("report.page.heading", name=text).encode()


def test_no_output_about_a_fleet_has_invisible_characters(
    fleet: ct.Fleet,
) -> None:
    """Findings, reasons, remedies, the summary and the widgets have none."""
    report = explain_fleet(fleet, name=FORGED, periods=1)
    findings = ct.findings(report.results)
    columns = [findings[name] for name in ("why", "remedy")]
    columns += [report.failing[name] for name in ("why", "remedy", "title")]
    columns += [report.remedies[name] for name in ("step", "price", "instead")]
    for words in columns:
        assert not words.astype("str").dropna().str.contains(UNSEEN).any(), words.name
    lines = summary_lines(report)
    assert not any(UNSEEN.search(line) for line in lines)
    shown = table(fleet.certificates, ["subject_cn", "issuer_cn"]).data
    assert shown.startswith('<div class="tex2jax_ignore')
    assert not UNSEEN.search(shown.replace("\n", ""))
    explorer = FleetExplorer(fleet, results=report.results)
    for part in (explorer._count, explorer._bars, explorer._table):
        assert not UNSEEN.search(part.value.replace("\n", ""))


def test_a_check_box_is_no_formula() -> None:
    """Ipywidgets typesets the label of a check box, so it may not contain a `$` of a name."""
    ca = (
        small_fleet(3, seed=1).trust.head(1).assign(subject_cn=r"$x$ \(y\)", pbx=None)
    )
    tester = CertificateTester(trust=ca)
    (box,) = tester._trust_choice.boxes.children
    assert not set("$\\") & set(box.description)
