"""The article, sentence by sentence: each is cited by a rule or listed here as stating no
requirement.
"""

import re
from pathlib import Path

import pytest

from certtrust.evaluation.rules import RULES

PAGE = Path(__file__).parents[2] / "shared" / "wiki-rules.md"

NO_REQUIREMENT = {
    1: "title",
    2: "navigation of the wiki",
    3: "navigation of the wiki",
    4: "heading",
    5: "introduces the list of devices",
    6: "scope: all devices from a release on",
    7: "what certificates are for",
    13: "says what the article is about",
    14: "heading of section 2",
    15: "heading: the device's certificate",
    18: "heading: the browser's certificate",
    19: "section 2 has no requirement for the browser's certificate",
    20: "heading of section 3",
    21: "heading of section 3.1",
    22: "heading: the PBX's certificate",
    23: "section 3.1 has no requirement for the PBX's certificate",
    24: "heading: the phone's certificate",
    25: "section 3.1 has no requirement for the phone's certificate",
    27: "heading of section 3.2",
    28: "heading: the PBX's certificate",
    29: "section 3.2 has no requirement for the PBX's certificate",
    30: "heading: the certificate of the phone or gateway",
}

SECTIONS = {
    "1": range(1, 14),
    "2": range(14, 20),
    "3.1": range(21, 27),
    "3.2": range(27, 37),
}


def sentences(page: str) -> list[str]:
    """Return the sentences of the article in order, including headings and fragments."""
    lines = (line.strip().lstrip("•").strip() for line in page.splitlines())
    return [
        part
        for line in lines
        if line
        for part in re.split(r"(?<=[.?!])\s+(?=[A-Z])", line)
    ]


def cited() -> list[tuple[str, str, int]]:
    """Return (rule, section, sentence) of every citation of the article."""
    citations = []
    for rule in RULES:
        for section, numbers in re.findall(
            r"section ([\d.]+), sentences? ([\d, and]+)", rule.citation
        ):
            citations += [
                (rule.code, section, int(number))
                for number in re.findall(r"\d+", numbers)
            ]
    return citations


@pytest.mark.skipif(
    not PAGE.exists(), reason="the article is not part of the repository"
)
def test_each_sentence_is_cited_or_states_no_requirement():
    """No sentence is left out, none is both, and none is invented."""
    numbers = set(range(1, len(sentences(PAGE.read_text(encoding="utf-8"))) + 1))
    by_rule = {number for _, _, number in cited()}
    assert by_rule | set(NO_REQUIREMENT) == numbers
    assert not by_rule & set(NO_REQUIREMENT)


@pytest.mark.skipif(
    not PAGE.exists(), reason="the article is not part of the repository"
)
def test_sections_begin_where_the_page_has_their_headings():
    """The numbering of the sections follows the headings of the article."""
    page = sentences(PAGE.read_text(encoding="utf-8"))
    for section, word in {
        "2": "browser",
        "3.1": "password",
        "3.2": "certificate",
    }.items():
        assert word in page[SECTIONS[section].start - 1].lower()


def test_citations_name_the_section_of_the_sentence():
    """A citation is a section and a number, and the two agree."""
    assert cited()
    for code, section, number in cited():
        assert number in SECTIONS[section], (
            f"{code} cites sentence {number} in section {section}"
        )


@pytest.mark.skipif(
    not PAGE.exists(), reason="the article is not part of the repository"
)
def test_the_page_itself_stays_out_of_the_repository():
    """Requirements are in our own words: no sentence of the article is in the package."""
    package = Path(__file__).parents[1] / "certtrust"
    texts = " ".join(
        " ".join(file.read_text(encoding="utf-8").split())
        for pattern in ("*.py", "*.toml", "*.html")
        for file in package.rglob(pattern)
    ).lower()
    for sentence in sentences(PAGE.read_text(encoding="utf-8")):
        if len(sentence) > 40:
            assert " ".join(sentence.split()).lower() not in texts, sentence
