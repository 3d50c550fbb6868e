"""The report: what it says, that it says all of it, and that nothing which was read acts in it."""

from __future__ import annotations

import base64
import csv
import dataclasses
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from thoroughness import first

import certtrust as ct
from certtrust import schema
from certtrust.advice.remedies.wording import pem
from certtrust.charts import CHARTS, blank
from certtrust.report import (
    Report,
    as_json,
    explain_fleet,
    head,
    inventory,
    page,
    summary_lines,
    write_report,
)
from certtrust.report.counts import counts
from certtrust.report.figures import write_pictures
from certtrust.simulation import write
from certtrust.tables_for_people import guarded_csv
from certtrust.testing import small_fleet
from certtrust.texts.citations import ARTICLE, linked
from certtrust.texts.device_labels import labels_of
from certtrust.texts.labels import cause_label
from certtrust.texts.markup import VOID, Markup, tag, text

HOSTILE = [
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    '"><img src=x onerror=alert(1)>',
    "},{",
    "+49 30 1234",
    "@SUM(A1)",
    'id="x" #1765ba url(#y)',
]


@pytest.fixture(scope="module")
def fleet() -> ct.Fleet:
    """A small synthetic fleet with its links."""
    return small_fleet()


@pytest.fixture(scope="module")
def report(fleet: ct.Fleet) -> Report:
    """The report of that fleet."""
    return explain_fleet(fleet, name="branch offices", periods=2)


@pytest.fixture(scope="module")
def opened() -> Report:
    """The report of a fleet in which a trusted certificate has a short CN."""
    return explain_fleet(small_fleet(40, seed=8), periods=1, at=ct.simulation.NOW)


@pytest.fixture(scope="module")
def html(report: Report) -> str:
    """The page of that report."""
    return page(report, stem="report")


@pytest.fixture(scope="module")
def hostile(fleet: ct.Fleet) -> Report:
    """A report of a fleet whose names are markup and formulas wherever a name can stand."""

    def poisoned(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
        words = [HOSTILE[row % len(HOSTILE)] for row in range(len(frame))]
        return frame.assign(
            **{
                name: pd.Series(words, index=frame.index, dtype="str")
                for name in columns
            }
        )

    return explain_fleet(
        dataclasses.replace(
            fleet,
            certificates=poisoned(
                fleet.certificates, "subject_cn", "issuer_cn", "source", "parse_error"
            ),
            trust=poisoned(fleet.trust, "subject_cn", "issuer_cn"),
            devices=poisoned(fleet.devices, "model", "location", "user", "long_name"),
            registrations=poisoned(
                fleet.registrations,
                "registration_name",
                "pbx",
                "parse_error",
                "source",
            ),
        ),
        name=HOSTILE[0],
        periods=1,
    )


@pytest.fixture
def without_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the drawings out of pages, for tests of what stands around them."""
    monkeypatch.setattr(
        sys.modules[page.__module__],
        "figure",
        lambda _report, name: tag("figure", name),
    )


class Outline(HTMLParser):
    """Reads a page strictly: every element is closed in order, and no id stands twice."""

    def __init__(self, source: str) -> None:
        """Read the page."""
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(
        self, name: str, attributes: list[tuple[str, str | None]]
    ) -> None:
        """Remember the element."""
        assert len({key for key, _ in attributes}) == len(attributes), (
            f"<{name}> has an attribute twice"
        )
        self.elements.append((name, dict(attributes)))
        if name not in VOID:
            self.open.append(name)

    def handle_startendtag(
        self, name: str, attributes: list[tuple[str, str | None]]
    ) -> None:
        """Remember an SVG element that closes itself."""
        self.elements.append((name, dict(attributes)))

    def handle_endtag(self, name: str) -> None:
        """Close the element that was opened last."""
        assert self.open, f"</{name}> closes nothing"
        assert self.open[-1] == name, (
            f"</{name}> stands where </{self.open[-1]}> belongs"
        )
        self.open.pop()

    def handle_data(self, data: str) -> None:
        """Remember the text that a reader sees."""
        if not {"style", "script"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        """All text of the page on one line."""
        return " ".join(" ".join(self.words).split())


def test_the_page_is_well_formed(html: str) -> None:
    """Elements nest, ids are unique, and every reference inside the page leads somewhere."""
    outline = Outline(html)
    ids = Counter(value["id"] for _, value in outline.elements if "id" in value)
    assert [name for name, count in ids.items() if count > 1] == []
    links = [
        (name, str(attributes[key]))
        for name, attributes in outline.elements
        for key in ("href", "xlink:href")
        if key in attributes
    ]
    inside = [link for _, link in links if link.startswith("#")]
    assert {link[1:] for link in inside} <= set(ids)
    sources = {(name, link.split("/")[2]) for name, link in links if "//" in link}
    assert sources == {("a", "wiki.innovaphone.com"), ("a", "www.rfc-editor.org")}
    assert [link for _, link in links].count(ARTICLE) > len(ct.rules()) / 2
    assert len(inside) + sum("//" in link for _, link in links) == len(links)
    for reference in re.findall(r"url\(#([^)]*)\)", html):
        assert reference in ids


def test_the_page_needs_no_network(html: str) -> None:
    """Nothing is loaded: no source, no import, no address of a file, and a policy that forbids
    it.
    """
    outline = Outline(html)
    assert not any(
        {"src", "srcset", "data", "action"} & set(attributes)
        for _, attributes in outline.elements
    )
    assert not any(
        name in ("link", "iframe", "img", "object", "form", "base")
        for name, _ in outline.elements
    )
    assert "@import" not in html
    assert re.findall(r"url\((?!#)", html) == []
    policies = [
        value["content"] for _, value in outline.elements if value.get("http-equiv")
    ]
    script = html[html.rindex("<script>") + 8 : html.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policies == [
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    ]


def test_every_chart_stands_in_the_page_twice_with_an_alternative_text(
    html: str,
) -> None:
    """Each chart has a drawing for wide and one for narrow pages, named by its alternative text."""
    outline = Outline(html)
    drawings = [value for name, value in outline.elements if name == "svg"]
    # Without a capture there is no section of the wire.
    shown = [name for name, chart in CHARTS.items() if chart.section != "wire"]
    assert {value["class"] for value in drawings} == {"desk", "phone"}
    assert {
        str(value["id"]) for name, value in outline.elements if name == "figure"
    } == {f"chart-{name}" for name in shown}
    assert all(
        value["role"] == "img" and any(map(str.isdigit, str(value["aria-label"])))
        for value in drawings
    )
    assert len(drawings) == 2 * len(shown)


def test_drawings_follow_the_page_into_the_dark(html: str) -> None:
    """Every colour of a drawing is a variable that has a value for dark pages."""
    dark = html[html.index("prefers-color-scheme: dark") : html.index("</style>")]
    for drawing in re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL):
        bare = re.sub(r"var\(--c[0-9a-f]{6},#[0-9a-f]{6}\)", "", drawing)
        assert re.findall(r"(?:fill|stroke)[:=]\s*\"?#[0-9a-f]{6}", bare) == []
        for colour in re.findall(r"var\((--c[0-9a-f]{6}),", drawing):
            assert f"{colour}: #" in dark


def test_the_page_says_what_fails_why_and_what_to_do(
    report: Report, html: str
) -> None:
    """The numbers of the results, the requirement of the first cause, and the first action
    stand in the page.
    """
    text = Outline(html).text
    failed = report.results["observed"] == "failed"
    devices = report.results.loc[failed, "device"].nunique()
    assert (
        f"{devices:,} of {report.results['device'].nunique():,} devices fail to register"
        in text
    )
    assert f"{failed.sum():,} of {len(report.results):,} attempts" in text
    first = report.causes.iloc[0]
    for word in (
        first["title"],
        first["requirement"],
        first["why"],
        first["remedy"],
        first["citation"],
    ):
        assert " ".join(str(word).split()) in text
    assert " ".join(report.remedies["step"].iloc[0].split()) in text
    for rule in ct.rules()["requirement"]:
        assert " ".join(rule.split()) in text


def test_the_summary_of_the_terminal_has_five_lines(report: Report) -> None:
    """Devices, attempts, failures explained, the top causes and the first remedy, with the
    numbers of the results.
    """
    lines = summary_lines(report)
    assert [line.split(":")[0] for line in lines] == [
        "Devices",
        "Attempts",
        "Explained",
        "Top causes",
        "First remedy",
    ]
    failed = report.results[report.results["observed"] == "failed"]
    assert (
        f"{report.results['device'].nunique():,}, of which {failed['device'].nunique():,} fail"
        in lines[0]
    )
    assert (
        f"{(failed['verdict'] == 'fail').sum():,} of {len(failed):,} by a rule"
        in lines[2]
    )
    assert cause_label(str(ct.causes(report.results)["cause"].iloc[0])) in lines[3]
    assert report.remedies["step"].iloc[0].rstrip(".") in lines[4]


def test_the_causes_of_the_report_are_those_of_the_results(report: Report) -> None:
    """Every failed attempt is counted once among the causes, and once among the failing devices."""
    counts = ct.causes(report.results)
    assert (
        report.causes["attempts"].sum()
        == counts["attempts"].sum()
        == report.failing["attempts"].sum()
    )
    assert (
        report.causes["stated"].sum()
        == counts.loc[counts["evidence"] == "log", "attempts"].sum()
    )
    assert report.failing[["why", "remedy"]].ne("").all(axis=None)
    grouped = report.failing.groupby("cause", observed=True)["device"].nunique()
    listed = report.causes.set_index("cause")["devices"]
    assert grouped.to_dict() == listed.to_dict()


def test_each_failing_device_is_explained_by_its_findings(report: Report) -> None:
    """Why and what to do of a rule's cause are the words of `findings` for one of the device's
    attempts.
    """
    listed_findings = ct.findings(report.results)
    expected = set(
        zip(
            listed_findings["device"],
            listed_findings["code"],
            listed_findings["why"],
            listed_findings["remedy"],
            strict=True,
        )
    )
    by_rule = report.failing[report.failing["cause"].isin(ct.rules()["code"])]
    assert len(by_rule) > 3
    assert (
        set(
            zip(
                by_rule["device"],
                by_rule["cause"],
                by_rule["why"],
                by_rule["remedy"],
                strict=True,
            )
        )
        <= expected
    )


def test_undecided_rules_are_those_of_the_findings(report: Report) -> None:
    """Each rule that attempts leave open is counted as often as `findings` lists it."""
    listed_findings = ct.findings(report.results)
    listed = listed_findings.loc[
        listed_findings["passed"].isna(), "code"
    ].value_counts()
    assert len(listed) > 2
    assert (
        report.undecided.set_index("code")["attempts"].to_dict() == listed.to_dict()
    )


def test_json_is_complete_and_stable(report: Report) -> None:
    """The JSON has fixed keys in a fixed order and every row of every table."""
    content = json.loads(as_json(report))
    assert list(content) == [
        "format", "version", "name", "made", "of", "summary", "grounds", "sentences", "comparison",
        "causes", "failing",
        "undecided", "missing", "remedies", "forecast", "impersonations", "rules", "inputs",
        "problems", "sources", "state",
    ]  # fmt: skip
    for name in (
        "causes",
        "failing",
        "undecided",
        "remedies",
        "forecast",
        "impersonations",
        "inputs",
        "problems",
    ):
        table = getattr(report, name)
        assert len(content[name]) == len(table)
        assert all(list(row) == list(table.columns) for row in content[name])
    assert (
        content["summary"]["failed"] == (report.results["observed"] == "failed").sum()
    )
    assert sum(sum(row.values()) for row in content["comparison"].values()) == len(
        report.results
    )
    assert pd.Timestamp(content["failing"][0]["last"]) == report.failing["last"].iloc[
        0
    ].floor("s")
    again = json.loads(as_json(report))
    assert again == content


def test_nothing_that_was_read_acts_in_the_page(hostile: Report) -> None:
    """A CN that is a script is text: the only script is the page's own, and the text can be
    read.
    """
    html = page(hostile, stem="report")
    outline = Outline(html)
    scripts = [value for name, value in outline.elements if name == "script"]
    assert [value.get("type") for value in scripts] == ["application/json", None]
    assert not any(
        key.startswith("on")
        for _, attributes in outline.elements
        for key in attributes
    )
    assert not any(name == "img" for name, _ in outline.elements)
    for word in (*HOSTILE[:3], HOSTILE[-1]):
        assert word in outline.text
    assert HOSTILE[0] not in html


def test_nothing_that_was_read_acts_in_a_spreadsheet(
    hostile: Report, tmp_path: Path
) -> None:
    """No cell of a CSV begins like a formula, and every text is still there behind its
    apostrophe.
    """
    written = write_report(hostile, tmp_path / "report.html")
    tables = [
        "report.csv",
        "report-actions.csv",
        "report-impersonations.csv",
        "report-unread.csv",
    ]
    assert [path.name for path in written] == ["report.html", *tables]
    for path in written[1:]:
        for delimiter in ",;\t":
            texts = [
                cell for row in cells(path.read_bytes(), delimiter) for cell in row
            ]
            assert not any(re.match(r"\s*[=+\-@]", cell) for cell in texts)
    assert "'=cmd|' /C calc'!A0" in (tmp_path / "report-unread.csv").read_text(
        encoding="utf-8-sig"
    )


def test_hostile_text_survives_json(hostile: Report) -> None:
    """Texts are the same after JSON, also those that look like its own syntax."""
    content = json.loads(as_json(hostile))
    assert {row["parse_error"] for row in content["problems"]} == set(HOSTILE)


SIGNS = tuple("=+-@|%\uff1d\uff0b\uff0d\uff20\u2212")
EVIL = [
    *(
        "=1",
        "+1",
        "-1",
        "@A1",
        "\ufeff=1",
        "\u200b=1",
        "\0=1",
        "\uff1d1",
        "\t=1",
        "\r=1",
    ),
    *(
        "x;=cmd|' /C calc'!A0",
        "x\r\n=1",
        "x\t=1",
        'x";=1',
        'x;"=1"',
        "x;;=1",
        "x; \xa0=1",
    ),
    *(
        '","=1',
        '";"=1',
        "x\n;\n=1",
        "x,=1",
        "\u2029=1",
        "x\x85=1",
        "'=1",
        ";\u202e=1",
    ),
]


def cells(data: bytes, delimiter: str) -> list[list[str]]:
    """Return the cells that a spreadsheet with this delimiter sees."""
    text = data.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(EVIL),
        min_size=1,
        max_size=20,
    )
)
@example(EVIL)
def test_no_spreadsheet_finds_a_formula_whatever_separates_its_cells(
    texts: list[str],
) -> None:
    """Comma, semicolon and tab: no cell begins like a formula, no row is one too many."""
    column = pd.Series(texts, dtype="str")
    frame = pd.DataFrame({"a": column, "b": column.astype("object"), "n": -1})
    data = guarded_csv(frame)
    assert data.count(b"\r\n") == len(texts) + 1
    assert not re.search("[\0\t\u200b-\u200f\u2028-\u202e]", data.decode("utf-8-sig"))
    for delimiter in ",;\t":
        rows = cells(data, delimiter)
        assert len(rows) == len(texts) + 1
        for cell in (cell for row in rows for cell in row):
            inner = re.sub('^[\\s"\ufffd]+', "", cell)
            assert cell == "-1" or not inner.startswith(SIGNS), (delimiter, cell)


def test_a_cell_of_a_spreadsheet_keeps_its_text() -> None:
    """What is plain stays as it is, numbers are numbers, and what is missing is empty."""
    texts = ["Müller; Büro, 1. OG", 'say "x"', None, "a" * 40_000]
    frame = pd.DataFrame({"t": pd.Series(texts, dtype="str"), "n": [1, 2, 3, 4]})
    rows = cells(guarded_csv(frame), ",")
    assert rows[1:4] == [[texts[0], "1"], [texts[1], "2"], ["", "3"]]
    assert rows[4][0] == "a" * 32_000


@pytest.mark.exhaustive
@pytest.mark.skipif(shutil.which("soffice") is None, reason="no LibreOffice here")
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_libreoffice_finds_no_formula(tmp_path: Path, delimiter: str) -> None:
    """LibreOffice reads the file in each dialect and shows every text as text."""
    frame = pd.DataFrame({"a": EVIL, "b": EVIL[::-1]})
    (tmp_path / "evil.csv").write_bytes(guarded_csv(frame))
    options = f"{ord(delimiter)},34,76,1,,0,false,true,false"
    command = [
        "soffice",
        "--headless",
        f"--infilter=CSV:{options}",
        "--convert-to",
        "fods",
    ]
    subprocess.run(
        [*command, "--outdir", str(tmp_path), str(tmp_path / "evil.csv")],
        check=True,
        capture_output=True,
        env={**os.environ, "HOME": str(tmp_path)},
        timeout=120,
    )
    sheet = (tmp_path / "evil.fods").read_text(encoding="utf-8")
    assert "table:formula" not in sheet
    assert "cmd" in sheet


@given(st.text())
def test_text_never_becomes_markup(content: str) -> None:
    """Escaped text has no bracket or quote of its own, in an element and in an attribute."""
    assert not set("<>\"'") & set(text(content))
    element = tag("p", content, title=content)
    assert element.count("<") == 2
    assert Outline(element).elements[0][0] == "p"


def test_markup_is_not_escaped_twice() -> None:
    """What is markup already stays as it is; what is missing is left out."""
    assert (
        tag("p", Markup("&amp;"), None, ["<", tag("br")], hidden=False, id=None)
        == "<p>&amp;&lt;<br></p>"
    )


@pytest.mark.usefixtures("without_charts")
def test_who_may_register_as_another_device_stands_in_the_page(
    report: Report, opened: Report, tmp_path: Path
) -> None:
    """A trusted certificate with a short CN is named with how many devices it opens; all pairs
    are beside the page.
    """
    pairs = opened.impersonations
    pd.testing.assert_frame_equal(
        pairs, ct.impersonations(opened.fleet, at=ct.simulation.NOW)
    )
    text = Outline(page(opened)).text
    assert (
        f"{pairs['fingerprint'].nunique()} trusted certificates can be used to register "
        "as another device" in text
    )
    assert (
        f"{len(pairs)} pairs of a certificate and one of {pairs['victim'].nunique()} devices"
        in text
    )
    worst = pairs.iloc[0]
    labels = labels_of(opened.results).set_axis(opened.results["device"])
    row = [
        worst["subject_cn"],
        labels[[worst["device"]]].iloc[0],
        worst["pbx"],
        str(worst["opens"]),
        labels[[worst["victim"]]].iloc[0],
        worst["name"],
    ]
    assert " ".join(row) in text
    files = {path.name: path for path in write_report(opened, tmp_path / "r.html")}
    assert len(pd.read_csv(files["r-impersonations.csv"])) == len(pairs)
    assert report.impersonations.empty
    assert "No trusted certificate has a CN" in Outline(page(report)).text


@pytest.mark.usefixtures("without_charts")
def test_an_unnamed_device_is_called_so_where_the_log_states_the_cause(
    fleet: ct.Fleet,
) -> None:
    """A line that names no device, name or time is told as an administrator would, whichever
    cause it states.
    """
    answers = {
        "wrong_password": ("unauthorized", None),
        "unknown_user": ("rejected", "invalidAlias"),
        "already_registered": ("rejected", "duplicateAlias"),
        "timeout": ("timeout", None),
        "unexplained": ("rejected", None),
    }
    unsaid = ["serial", "hardware_id", "registration_name", "fingerprint", "time"]
    line = fleet.registrations.head(1).assign(
        **dict.fromkeys(unsaid), clock_unset=False, authentication="password"
    )
    lines = pd.concat(
        [
            line.assign(state=state, reason=reason)
            for state, reason in answers.values()
        ]
    )
    lines = schema.conform(lines, schema.REGISTRATIONS)
    report = explain_fleet(
        dataclasses.replace(fleet, registrations=lines.reset_index(drop=True)),
        periods=1,
    )
    why = report.failing.set_index("cause")["why"]
    assert set(why.index) == set(answers)
    unknown = why.index.isin(["unknown_user", "already_registered"])
    assert why[~unknown].str.contains("an unnamed device", regex=False).all()
    assert why[unknown].str.contains("the name that was used", regex=False).all()
    assert "(not known)" not in Outline(page(report)).text


@pytest.mark.usefixtures("without_charts")
def test_without_a_log_the_devices_are_judged(fleet: ct.Fleet) -> None:
    """A fleet without registrations is judged by what its devices would do, and the page says
    so.
    """
    bare = dataclasses.replace(
        fleet, registrations=schema.empty(schema.REGISTRATIONS)
    )
    found = explain_fleet(bare, periods=1)
    assert found.of == "devices"
    assert len(found.results) == len(fleet.devices)
    said = Outline(page(found)).text
    assert "No registration log was read" in said
    assert "would fail" in said


def test_an_empty_fleet_has_a_report_too() -> None:
    """Nothing read is no error: the page says that there is nothing to judge."""
    nothing = ct.Fleet(
        *(
            schema.empty(table)
            for table in (
                schema.CERTIFICATES,
                schema.TRUST,
                schema.DEVICES,
                schema.REGISTRATIONS,
            )
        )
    )
    found = explain_fleet(nothing, periods=1)
    assert "There is nothing to judge" in Outline(page(found)).text
    assert json.loads(as_json(found))["failing"] == []
    assert len(summary_lines(found)) == 5


@pytest.mark.usefixtures("without_charts")
def test_what_could_not_be_read_is_listed(fleet: ct.Fleet) -> None:
    """A line that could not be read stands with its file, its place and the reason."""
    broken = fleet.registrations.copy()
    broken.loc[broken.index[4], "parse_error"] = "not JSON: a brace is missing"
    found = explain_fleet(dataclasses.replace(fleet, registrations=broken), periods=1)
    row = found.problems.iloc[0]
    assert (row["kind"], row["place"], row["parse_error"]) == (
        "registrations",
        broken["line"].iloc[4],
        "not JSON: a brace is missing",
    )
    assert "not JSON: a brace is missing" in Outline(page(found)).text
    assert found.inputs["unread"].sum() == 1
    assert found.inputs.groupby("kind")["rows"].sum()["registrations"] == len(broken)


UNNAMED = "time,state,pbx\n1700000000,up,hq\n1700000000,failed,hq\n"


@pytest.mark.parametrize(
    ("files", "words"),
    first(
        [
            ({}, "There is no file in fleet."),
            (
                {"registrations/a.log": "hello\nworld\n"},
                "Nothing in 1 file was understood",
            ),
            ({"registrations/a.csv": UNNAMED}, "1 of 2 attempts"),
            ({"certificates/a.pem": "INVENTORY"}, "no device's own certificate"),
            ({"trust/a.pem": "INVENTORY"}, "no device's own certificate"),
            ({"devices/a.json": "junk"}, "Nothing in 1 file was understood"),
        ],
        3,
    ),
)
def test_a_fleet_without_named_devices_has_a_report(
    tmp_path: Path, fleet: ct.Fleet, files: dict[str, str], words: str
) -> None:
    """A silent log, an inventory alone, or an empty folder: a page that says so, with charts."""
    inventory = pem(fleet.trust["der"].dropna().iloc[0])
    (tmp_path / "certificates").mkdir()
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content.replace("INVENTORY", inventory))
    found = explain_fleet(ct.read_fleet(tmp_path), periods=1)
    assert words in Outline(page(found)).text
    assert len(summary_lines(found)) == 5


def test_today_is_the_chosen_moment() -> None:
    """With a moment of its own, the chart of expiries counts from there."""
    few = small_fleet(2, seed=1)
    before = explain_fleet(few, at="1990-01-01", periods=1)
    chart = CHARTS["expiry"].of_report(before, blank())
    assert chart.get_title().startswith("0 ")
    assert before.made > pd.Timestamp("2026-01-01", tz="UTC")


def test_the_moment_can_be_chosen(fleet: ct.Fleet) -> None:
    """Judged in a far future, every certificate has expired."""
    found = explain_fleet(fleet, at="2200-01-01", periods=1)
    assert found.results["judged_at"].unique().tolist() == [
        pd.Timestamp("2200-01-01", tz="UTC")
    ]
    assert (found.results["time.validity"].dropna() == 0).all()


def test_pictures_are_written_light_and_dark(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each chart becomes two PNG files."""
    few = {name: CHARTS[name] for name in ("causes", "forecast")}
    monkeypatch.setattr("certtrust.charts.CHARTS", few)
    written = write_pictures(report, tmp_path / "png")
    assert {path.stem for path in written} == {
        "causes",
        "causes-dark",
        "forecast",
        "forecast-dark",
    }
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)


def test_the_same_fleet_gives_the_same_page(
    fleet: ct.Fleet, report: Report, html: str
) -> None:
    """A report varies with the fleet and its time only."""
    again = dataclasses.replace(
        explain_fleet(fleet, name="branch offices", periods=2),
        made=report.made,
        at=report.at,
    )
    assert page(again, stem="report") == html


@pytest.fixture(scope="module")
def files(
    fleet: ct.Fleet, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., ct.Fleet]:
    """Return a function that reads some folders of the fleet only."""
    written = write(fleet, tmp_path_factory.mktemp("whole") / "fleet")

    def read(*folders: str) -> ct.Fleet:
        return ct.read_fleet([written / name for name in folders])

    return read


@pytest.mark.usefixtures("without_charts")
def test_certificates_alone_are_an_inventory(files: Callable[..., ct.Fleet]) -> None:
    """Issuers, ends, weak keys and twins first; then what is needed to judge registrations."""
    fleet = files("certificates")
    found = explain_fleet(fleet, periods=1, at="2026-11-01")
    first, *facts = head(found).sentences
    own = inventory.own_certificates(fleet)
    assert first.startswith(f"{len(own)} device certificates from ")
    days = ct.days_left(own, "2026-11-01")
    assert f"Expired: {(days < 0).sum()}." in facts[0]
    shared = ct.shared_names(fleet)
    assert any("with more than one key" in fact for fact in facts) == bool(
        len(shared)
    )
    assert len(head(found).missing) == 3
    table = inventory.issuers(fleet, found.at)
    assert table["certificates"].sum() == len(own)
    outline = Outline(page(found)).text
    assert str(table["issuer"].iloc[0]) in outline
    assert "What is missing" in outline
    assert outline.index("What is missing") < outline.index("Issued by")


@pytest.mark.usefixtures("without_charts")
def test_a_log_alone_says_states_reasons_and_what_is_missing(
    files: Callable[..., ct.Fleet],
) -> None:
    """On the first screen, before any section."""
    found = explain_fleet(files("registrations"), periods=1)
    first = head(found)
    assert "fail to register" in first.sentences[0]
    states = found.fleet.registrations["state"].value_counts()
    assert f"{states.index[0]} {states.iloc[0]}" in " ".join(first.facts)
    sentences = ct.missing(found.results)["sentence"]
    assert len(sentences)
    assert any("add them" in words for words in first.missing)
    outline = Outline(page(found)).text
    assert all(" ".join(words.split()) in outline for words in first.missing)


@pytest.mark.usefixtures("without_charts")
def test_devices_alone_say_flags_and_twins(files: Callable[..., ct.Fleet]) -> None:
    """How many have TLS only, and whose hardware ID another user has."""
    fleet = files("devices")
    twin = fleet.devices.head(1).assign(user="another", number="1")
    both = pd.concat([fleet.devices, twin], ignore_index=True)
    found = explain_fleet(dataclasses.replace(fleet, devices=both), periods=1)
    facts = " ".join(head(found).sentences)
    assert f'{both["tls_only"].eq(True).sum()} have "TLS only" set' in facts
    assert "More than one user has the same hardware ID: 1" in facts


def test_a_kind_of_missing_data_is_named_once(files: Callable[..., ct.Fleet]) -> None:
    """With the devices of all PBXs together; the PBX where it is one alone."""
    found = explain_fleet(files("registrations", "devices"), periods=1)
    by_pbx = ct.missing(found.results)
    assert found.missing["what"].is_unique
    assert set(found.missing["what"]) == set(by_pbx["what"])
    assert found.missing["attempts"].sum() == by_pbx["attempts"].sum()


@pytest.mark.usefixtures("without_charts")
def test_each_rule_of_the_article_links_to_it(report: Report) -> None:
    """In the list of rules, no citation is shown as markup, and each source has its link."""
    html = page(report)
    listed = html[html.index('id="rules"') : html.index('id="inputs"')]
    for citation in ct.rules()["citation"]:
        assert linked(citation) in listed
    assert "&lt;a" not in html


def test_a_citation_leads_to_the_same_places_in_every_language() -> None:
    """Translated citations keep the links of the English ones; each rule of the article has one."""
    addresses = []
    for language in ("en", "de"):
        with ct.language(language):
            citations = [linked(citation) for citation in ct.rules()["citation"]]
        addresses.append([re.findall('href="([^"]+)"', words) for words in citations])
    english, german = addresses
    assert english == german
    assert sum(ARTICLE in places for places in english) == sum(
        "sentence" in citation for citation in ct.rules()["citation"]
    )


@pytest.mark.usefixtures("without_charts")
def test_the_first_screen_is_the_answer(report: Report, opened: Report) -> None:
    """What fails, why, the first three actions, what is missing, and the worst certificate."""
    found = opened
    html = page(found)
    first = Outline(html[html.index("<header>") : html.index("<main>")]).text
    worst = found.impersonations.iloc[0]
    assert f"with the CN {worst['subject_cn']} fits {worst['opens']:,} other" in first
    for step in found.remedies["step"].head(3):
        assert " ".join(step.split()) in first
    for title in found.causes["title"].head(5):
        assert title in first
    assert "What is missing" in first
    assert "opens" not in page(report)[: page(report).index("<main>")]


def test_what_each_number_counts_is_said(report: Report) -> None:
    """The numbers of the lead are among those that are explained, each with its own words."""
    table = counts(report)
    assert table["what"].is_unique
    assert not table["what"].str.contains("[{}]").any()
    numbers = table["number"].tolist()
    assert numbers[0] == report.results["device"].nunique()
    assert numbers[1] == report.failing["device"].nunique()


def test_an_action_names_the_device_and_its_user(report: Report) -> None:
    """No action names a bare CN or serial where the PBX objects tell who uses the device."""
    results, plan = report.results, report.remedies
    labels = labels_of(results)
    is_named = labels.ne(results["device"]) & results["device"].notna()
    of_device = labels[is_named].groupby(results["device"]).first()
    named = plan[plan["device"].isin(of_device.index)]
    assert len(named) > 3
    for _, action in named.iterrows():
        assert of_device[action["device"]] in action["step"]
    assert not plan["step"].str.contains("at the latest").any()
    own = plan[plan["action"].isin(["renew", "reissue"])]
    holders = labels[is_named].groupby(results["fingerprint"]).agg(set)
    for _, action in own[own["fingerprint"].isin(holders.index)].iterrows():
        assert any(
            label in action["step"] for label in holders[action["fingerprint"]]
        )


@pytest.mark.usefixtures("without_charts")
def test_a_failing_device_leads_to_the_actions_that_repair_it(report: Report) -> None:
    """Each row names the actions of its last attempt, and links to those that the page shows."""
    html = page(report)
    assert report.failing["actions"].notna().any()
    ranks = (
        report.failing["actions"].dropna().str.split(", ").explode().astype("int64")
    )
    assert set(ranks) <= set(report.remedies["rank"])
    targets = re.findall(r'id="(action-\d+)"', html)
    assert targets == [f"action-{rank}" for rank in report.remedies["rank"]]
    table = html[
        html.index('<table class="devices">') : html.index('id="device-data"')
    ]
    first_rows = report.failing["actions"].fillna("").head(25)
    links = re.findall(r'href="#action-(\d+)"', table)
    assert links == [
        rank for words in first_rows for rank in re.findall(r"\d+", words)
    ]
    assert table.count("No action of the plan repairs this.") == sum(first_rows == "")
