"""The tables of a report in Excel: German and English, one workbook, certificates as files."""

import csv
import dataclasses
import importlib
import io

import openpyxl
import pandas as pd
import pytest
from thoroughness import first

import certtrust as ct
from certtrust.report import explain_fleet, write_report
from certtrust.report.content import Report
from certtrust.report.spreadsheets import write_csv_files
from certtrust.tables_for_people import GERMAN, guarded_csv
from certtrust.testing import small_fleet


@pytest.fixture(scope="module")
def report() -> Report:
    """Return the report of a small fleet."""
    return explain_fleet(small_fleet(), periods=1)


@pytest.fixture(scope="module", params=["de", *first(["en"], kept=0)])
def written(request, tmp_path_factory):
    """Return a language, and the folder of a report that was written in it."""
    folder = tmp_path_factory.mktemp(request.param)
    module = importlib.import_module("certtrust.report.page")
    with ct.language(request.param), pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHARTS", {})  # the page itself is read by other tests
        own = explain_fleet(small_fleet(), periods=1)
        write_report(own, folder / "r.html", xlsx_path=folder / "r.xlsx")
    return request.param, folder


def test_csv_is_in_the_dialect_of_the_language(written):
    """German Excel separates by semicolons, and reads days before months."""
    language, folder = written
    text = (folder / "r.csv").read_text(encoding="utf-8-sig")
    rows = list(
        csv.reader(io.StringIO(text), delimiter={"en": ",", "de": ";"}[language])
    )
    expected = {"en": ("device", "attempts"), "de": ("Gerät", "Anmeldungen")}[
        language
    ]
    assert set(expected) <= set(rows[0])
    assert {len(row) for row in rows} == {len(rows[0])}
    moment = rows[1][
        rows[0].index({"en": "last", "de": "Zuletzt gesehen (UTC)"}[language])
    ]
    form = {"en": "%Y-%m-%d %H:%M:%S", "de": "%d.%m.%Y %H:%M:%S"}[language]
    assert pd.notna(pd.to_datetime(moment, format=form))


def test_the_workbook_has_a_sheet_for_each_question(report, written):
    """Headings are in words, filtered and frozen; no cell is a formula, and none is PEM."""
    language, folder = written
    book = openpyxl.load_workbook(folder / "r.xlsx")
    assert (
        book.sheetnames
        == {
            "en": ["Failing devices", "Actions", "To renew", "Not read"],
            "de": [
                "Geräte, die scheitern",
                "Maßnahmen",
                "Zu erneuern",
                "Nicht gelesen",
            ],
        }[language]
    )
    for sheet in book:
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref
        cells = [cell for row in sheet.iter_rows() for cell in row]
        assert {cell.data_type for cell in cells} <= {"s", "n", "d", "b"}
        assert not any("BEGIN CERTIFICATE" in str(cell.value) for cell in cells)
    failing, actions = book.worksheets[:2]
    assert failing.max_row == len(report.failing) + 1
    assert actions.max_row == len(report.remedies) + 1


def test_certificates_to_upload_are_files(report, written):
    """Each action that uploads one names the file that holds it."""
    _, folder = written
    book = openpyxl.load_workbook(folder / "r.xlsx")
    actions = book.worksheets[1]
    names = [row[-1] for row in actions.iter_rows(min_row=2, values_only=True)]
    uploads = report.remedies["pem"].notna()
    assert [name is not None for name in names] == uploads.tolist()
    fingerprints = [
        ct.read_certificates(folder / name)["fingerprint"].iloc[0]
        for name in names
        if name
    ]
    assert fingerprints == report.remedies.loc[uploads, "fingerprint"].tolist()
    assert len({name.casefold() for name in names if name}) == uploads.sum()


@pytest.mark.usefixtures("without_charts")
def test_the_dialect_may_be_another_than_the_languages(report, tmp_path):
    """The sentences stay in their language."""
    write_report(report, tmp_path / "r.html", dialect=GERMAN)
    head = (tmp_path / "r.csv").read_text(encoding="utf-8-sig").splitlines()[0]
    assert head.startswith('"device";')


def test_fractions_and_formulas_in_german():
    """A text that looks like a formula stays a text in both dialects."""
    frame = pd.DataFrame({"share": [0.5], "cn": ["=1+1"], "more": ["a;=cmd()"]})
    with ct.language("de"):
        text = guarded_csv(frame).decode("utf-8-sig")
    assert text.splitlines()[1] == '"0,5";"\'=1+1";"a;\'=cmd()"'


def test_a_report_without_a_certificate_to_upload_is_written(report, tmp_path):
    """A healthy fleet, and one without trust lists or log, have no action with a certificate."""
    healthy = dataclasses.replace(report, remedies=report.remedies.iloc[:0])
    files = write_csv_files(healthy, tmp_path / "r.html", GERMAN)
    assert all(path.is_file() for path in files)
    assert not list(tmp_path.glob("*-certificates"))
