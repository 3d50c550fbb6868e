"""Everything that a user may read is said by the file of sentences.

It is rendered here in a language of other letters; no English word is left but what the data hold.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import fields, replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import ipywidgets
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text
from pseudo_language import pseudo, pseudo_language

import certtrust as ct
from certtrust import charts, cli, report, schema
from certtrust.certificates.blocks import NO_CERTIFICATE
from certtrust.charts.timeline import STEPS
from certtrust.cli import command_line
from certtrust.evaluation.rules import RULES, SCENARIOS
from certtrust.testing import small_fleet
from certtrust.texts import sentences

TECHNICAL = {
    *("certtrust", *SCENARIOS, *(rule.code for rule in RULES)),
    *("H.323/TLS", "H.323/TCP", "H.323/UDP", "https://HQ", *STEPS),
    *("CERTTRUST", "OK", "WARNING", "CRITICAL", "UNKNOWN"),
    *("failing", "undecided", "unread", "days_left", "ca_days_left"),
}
"""What is called so in every language: commands, codes and protocols."""


@cache
def fleet() -> ct.Fleet:
    """Return a synthetic fleet in which every cause occurs."""
    return small_fleet(60, seed=8)


@cache
def contradicted() -> pd.DataFrame:
    """Return results whose log contradicts every failure that the rules predict."""
    up = fleet().registrations.assign(state="up", reason=None)
    return ct.check(ct.attempts(replace(fleet(), registrations=up)))


@pytest.fixture(scope="module", autouse=True)
def in_pseudo_language() -> Iterator[None]:
    """Let every sentence be said in the pseudo-language."""
    with pseudo_language():
        yield


@pytest.fixture(scope="module")
def content() -> report.Report:
    """The report of a fleet in which every cause occurs."""
    return report.explain_fleet(fleet(), name="HQ", periods=4)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet as files, with a certificate of its own beside it."""
    folder = tmp_path_factory.mktemp("pseudo")
    ct.simulation.write(small_fleet(12, seed=4), folder / "HQ")
    (folder / "empty.log").write_bytes(b"HQ HQ\n")
    (folder / "leaf.der").write_bytes(fleet().certificates["der"].iloc[0])
    return folder


def texts_within(value: Any) -> Iterator[str]:
    """Yield the texts of a cell: itself, or those of its lists and dicts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts_within(part)


def values(*frames: pd.DataFrame) -> set[str]:
    """Return the texts that frames hold, but not their categories, which the package names."""
    texts: set[Any] = set()
    for frame in frames:
        for name in frame:
            column = frame[name].dropna()
            if column.dtype == "object":
                texts |= {text for value in column for text in texts_within(value)}
            elif not isinstance(column.dtype, pd.CategoricalDtype):
                texts |= set(column)
    return {text for text in texts if isinstance(text, str)}


@cache
def data() -> frozenset[str]:
    """Return what the files of the fleet say."""
    frames = (
        getattr(fleet(), name)
        for name in ("certificates", "trust", "devices", "registrations")
    )
    algorithms = fleet().certificates[["key_type", "signature_hash"]].astype("str")
    return frozenset(values(*frames, algorithms) | {"HQ"})


def english(
    pieces: Iterable[str], data_words: Iterable[str] | None = None
) -> list[str]:
    """Return the words of three ASCII letters or more that are neither data nor technical."""
    texts = {
        text
        for text in (*(data() if data_words is None else data_words), *TECHNICAL)
        if len(text) > 1
    }
    longest_first = sorted(texts, key=len, reverse=True)
    pattern = re.compile(
        r"(?<![A-Za-z])(?:"
        + "|".join(map(re.escape, longest_first))
        + r")(?![A-Za-z])"
    )
    words: list[str] = []
    for piece in pieces:
        rest = pattern.sub(" ", piece)
        if rest.endswith("\u2026"):  # a name that was cut to its place
            cut = rest.removesuffix("\u2026")
            rest = next(
                (
                    cut[:begin]
                    for begin in range(len(cut))
                    if any(cut[begin:] in value for value in texts)
                ),
                rest,
            )
        words += re.findall(r"[A-Za-z]{3,}", rest)
    return list(dict.fromkeys(words))


NOT_TEXT = ("style", "script", "pre", "text")
"""What holds no text of a page: code, and the wrapped lines of charts, which are surfaces of
their own.
"""


class Page(HTMLParser):
    """Collects what a reader or a screen reader gets of a page."""

    def __init__(self, source: str) -> None:
        """Read the page."""
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.hidden = 0
        copied_by_a_button = r"<span hidden>.*?</span>"
        self.feed(re.sub(copied_by_a_button, "", source, flags=re.DOTALL))

    def handle_starttag(
        self, name: str, attributes: list[tuple[str, str | None]]
    ) -> None:
        """Take up what attributes say, and look away from what is not read as text."""
        self.hidden += name in NOT_TEXT
        self.pieces += [
            str(text)
            for key, text in attributes
            if key in ("title", "alt", "aria-label", "placeholder")
        ]

    def handle_endtag(self, name: str) -> None:
        """Look again."""
        self.hidden -= name in NOT_TEXT

    def handle_data(self, data: str) -> None:
        """Take up text."""
        if not self.hidden:
            self.pieces.append(data)


def printed(*arguments: str) -> list[str]:
    """Return the lines that a command prints, without the names of its options and choices."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out), suppress(SystemExit):
        cli.main(arguments)
    named = (
        r"--[a-z-]+|\{[\w,-]+\}|^ +(?:report|check|handshakes|simulate)(?: |$)"
        r"|certtrust (?:report|check|handshakes|simulate)|'[\w-]+'"
    )
    return re.sub(named, " ", out.getvalue(), flags=re.MULTILINE).splitlines()


def drawn(ax: Axes) -> list[str]:
    """Return every text of a drawing, and what stands for it."""
    texts = charts.figure_of(ax).findobj(Text)
    return [*(text.get_text() for text in texts), charts.alternative_text(ax)]


def shown(widget: ipywidgets.Widget) -> list[str]:
    """Return every text of a widget and of those in it."""
    pieces: list[str] = []
    chosen_by_label = hasattr(widget, "_options_labels")
    for name in ("value", "description", "tooltip", "placeholder")[chosen_by_label:]:
        text = getattr(widget, name, None)
        pieces += Page(text).pieces if isinstance(text, str) else []
    pieces += [str(label) for label in getattr(widget, "_options_labels", ())]
    pieces += [str(title) for title in getattr(widget, "titles", ())]
    return pieces + [
        piece for child in getattr(widget, "children", ()) for piece in shown(child)
    ]


def raised(call: Callable[[], object]) -> list[str]:
    """Return what the error says that a call ends with."""
    with pytest.raises(ct.CerttrustError) as caught:
        call()
    return [re.sub(r"\b\w+=(?:'[^']*'|\S+)", " ", str(caught.value))]


def diagnosed() -> list[str]:
    """Return what diagnoses of a certificate say in each scenario, as text and as HTML."""
    leaf, pieces = fleet().certificates.head(1), list[str]()
    for scenario in SCENARIOS:
        for tls_only in (None, True):
            url = "https://HQ" if scenario == "browser" else None
            one = ct.diagnose(
                leaf,
                scenario=scenario,
                url=url,
                trust=fleet().trust,
                tls_only=tls_only,
            )
            pieces += [*str(one).splitlines(), *Page(one._repr_html_()).pieces]
    return pieces


def texts_of(frame: pd.DataFrame, *columns: str) -> list[str]:
    """Return the distinct texts of columns."""
    return [
        str(text) for column in columns for text in frame[column].dropna().unique()
    ]


NOTHING = ct.Fleet(
    *(
        schema.empty(schema.TABLES[name])
        for name in ("CERTIFICATES", "TRUST", "DEVICES", "REGISTRATIONS")
    )
)

SURFACES: dict[str, Callable[[report.Report], list[str]]] = {
    "the whole page": lambda content: Page(report.page(content, stem="HQ")).pieces,
    "the summary": report.summary_lines,
    "steps": lambda _: list(sentences.sentences()["report"]["steps"].values()),
    "findings": lambda content: texts_of(
        ct.findings(content.results), "requirement", "citation", "why", "remedy"
    ),
    "remedies": lambda content: texts_of(
        content.remedies, "step", "price", "instead"
    ),
    "missing data": lambda content: texts_of(ct.missing(content.results), "sentence"),
    "contradictions": lambda _: texts_of(
        ct.contradictions(contradicted()), "sentence"
    ),
    "rules": lambda _: [
        re.sub(r"{\w+}", "", text)
        for text in texts_of(
            ct.rules(),
            "title",
            "requirement",
            "citation",
            "remedy",
            "not_checked",
            "reading",
        )
    ],
    "meanings of trust states": lambda _: [
        sentences.say(f"trust_states.{state}") for state in schema.TRUST_STATES
    ],
    "diagnosis": lambda _: diagnosed(),
    "explorer": lambda _: shown(ct.widgets.FleetExplorer(fleet())),
    "tester": lambda _: shown(
        ct.widgets.CertificateTester(
            fleet().certificates.head(1), trust=fleet().trust
        )
    ),
    "what-if": lambda _: shown(ct.widgets.WhatIf(fleet())),
    **{
        f"chart {name}": lambda content, chart=chart: drawn(
            chart.of_report(content, charts.blank())
        )
        for name, chart in charts.CHARTS.items()
    },
    "a theme that is none": lambda content: raised(
        lambda: charts.causes(content.results, theme="HQ")
    ),
    "a width of time that is none": lambda content: raised(
        lambda: charts.timeline(content.results, freq="HQ")
    ),
    "a scenario that is none": lambda _: raised(
        lambda: ct.diagnose(b"", scenario="HQ")
    ),
    "no certificate": lambda _: raised(
        lambda: ct.diagnose(fleet().certificates.head(0), scenario="h323-password")
    ),
    "a date that is none": lambda content: raised(
        lambda: ct.check(content.results, at="HQ")
    ),
    "a column that is missing": lambda content: raised(
        lambda: charts.heatmap(content.results, "HQ")
    ),
}
"""What a user gets to read, by what it is."""


@pytest.mark.parametrize(
    "surface",
    SURFACES,
)
def test_nothing_is_said_in_english(surface: str, content: report.Report) -> None:
    """Every word that is no data was replaced."""
    pieces = SURFACES[surface](content)
    assert "".join(pieces).strip()
    assert english(pieces) == []


def test_the_page_itself_says_nothing_in_english(
    content: report.Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside charts and the texts of frames, the page has no word of its own in code."""
    monkeypatch.setattr(
        sys.modules[report.page.__module__], "figure", lambda _report, _name: None
    )
    frames = [getattr(content, field.name) for field in fields(content)]
    known_texts = data() | values(
        ct.rules(), *(frame for frame in frames if isinstance(frame, pd.DataFrame))
    )
    for one, data_words in (
        (content, known_texts),
        (report.explain_fleet(NOTHING, name="HQ", periods=1), values(ct.rules())),
    ):
        html = report.page(one, stem="HQ")
        assert english(Page(html).pieces, data_words | {"HQ"}) == []


NAMES_OF_FILES = ("leaf.der", "empty.log", "truth.csv", "data/fleet")
COMMANDS: dict[str, tuple[str, ...]] = {
    **{
        f"{name or 'certtrust'} --help": (*name.split(), "--help")
        for name in ("", *(command.NAME for command in command_line.COMMANDS))
    },
    "report": ("report", "HQ", "-o", "HQ.html"),
    "report of nothing": ("report", "empty.log", "-o", "HQ.html"),
    "what changed": ("diff", "HQ", "leaf.der", "-o", "HQ.html"),
    "the trend": ("trend", "."),
    "a watched fleet": ("watch", "HQ", "--warning", "9999"),
    "a mistake in watching": ("watch", "HQ", "--warning", "HQ"),
    "simulate": ("simulate", "HQ2", "--devices", "3"),
    "start": ("start", "HQ4"),
    "a check of nothing": ("check", "empty.log"),
    "a heading without a column": ("report", "HQ", "--column", "HQ"),
    **{
        f"check {scenario}": (
            "check",
            "leaf.der",
            "--scenario",
            scenario,
            "--url",
            "https://HQ",
        )
        for scenario in SCENARIOS
    },
    "fetch": ("fetch", "127.0.0.1:1", "HQ HQ", "-o", "HQ5"),
    "fetch of nothing": ("fetch", "-o", "HQ5"),
    "fetch of a folder": ("fetch", "./HQ", "-o", "HQ5"),
    "listen to nobody": ("listen", "--port", "47913", "--seconds", "0.1"),
    "listen with no key": ("listen", "--certificate", "leaf.der"),
    "check of a host": ("check", "127.0.0.1:1"),
    "no command": (),
    "no such command": ("HQ",),
    "no such choice": ("check", "HQ", "--scenario", "HQ"),
    "an argument too many": ("simulate", "HQ", "HQ2"),
    "a value that is none": ("simulate", "HQ2", "--devices", "0"),
    "no such file": ("check", "HQ3", "--scenario", "browser"),
    "a folder for a file": ("report", "HQ", "-o", "HQ"),
    "no such folder": ("report", "HQ", "-o", "HQ3/HQ.html"),
    "a full folder": ("simulate", "HQ"),
}


@pytest.mark.usefixtures("without_charts")
@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_line_says_nothing_in_english(
    name: str, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a command prints, its help and its complaints have no word in code."""
    monkeypatch.chdir(files)
    lines = printed(*COMMANDS[name])
    assert "".join(lines).strip()
    names = data() | names_in(files / "HQ")
    names |= {str(files), "HQ.html", "report.html", *NAMES_OF_FILES, NO_CERTIFICATE}
    names |= {path.name for path in files.iterdir()}
    names |= {command.NAME for command in command_line.COMMANDS}
    assert english(lines, names) == []


@cache
def names_in(folder: Path) -> set[str]:
    """Return what the certificates and the device entries of a fleet say."""
    fleet = ct.read_fleet(folder)
    return values(fleet.certificates, fleet.devices)


def test_words_in_code_are_found() -> None:
    """The measure itself works: a word that no sentence has is found, data and cut data are not."""
    assert english(["of 12 devices", pseudo("of 12 devices")]) == ["devices"]
    name = max(data(), key=len)
    assert english([name, f"1. {name[:9]}\u2026"]) == []
