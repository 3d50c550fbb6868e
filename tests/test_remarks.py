"""What readers remark stands in frames in English, and is read in every other language.

The remarks are taken from the code itself, so that a new one without its translation fails here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import certtrust as ct
from certtrust import answer_tables
from certtrust.captures import handshake
from certtrust.certificates.blocks import NO_CERTIFICATE
from certtrust.texts.sentences import language, languages, sentences
from certtrust.texts.translation import (
    translated,
    translated_text,
    words_of_frames,
)

PACKAGE = Path(ct.__file__).parent
READERS = [
    *("certificates", "devices", "registrations", "captures", "x509"),
    *("sources.py", "spreadsheets.py", "table_files.py", "xml_elements.py"),
    *("formats.py", "json_values.py", "names/damaged_serials.py"),
]
WITHOUT_REMARKS = {
    "device_names.py": "endings of file names",
    "stamp_forms.py": "forms of time stamps, which the column time_by holds",
    "vocabulary.py": "what logs say",
}
OTHER_WORDS = re.compile(
    r"""
    (?:EFI\ signature\ list | text\ in\ UTF | hex\ digits | Java\ key\ store | listing\ of\ a
      | table\ of\ this | URL-escaped | capture\ of\ TLS | a\ record\ with)  # names of formats
    | .*(?:\\|\(\?|\^)                                                       # patterns
    | .*(?:\ lists\ the\ format|\ list\ of\ formats|two\ formats|a\ format\ with|a\ format\ but
      |format\ of\ (?:logs|device\ lists)\ gives)                 # mistakes of who adds a format
    | (?:gatekeeper|tuple\[|Unterminated|it\ is\ of\ bytes|encrypted\ data|seconds\ since)
    | (?:refused\ by|cut\ off|not\ visible)                                  # outcomes
    | \(\{\}\ further\ shapes\)
    """,
    re.VERBOSE,
)
"""Texts of the readers that are no remarks."""
MADE_OF_PARTS = [
    "{} after the certificate",
    "{}: no time: {}",
    "named after ",
    ", but its CN is ",
    "line {}: the user object is cut off",
    "the header {}",
    "is not read",
    "names no column that is known here",
    "a capture of version {}.{}, which is not known",
    "line {} is not JSON{}",
    " that is read: {}",
]
"""Pieces of remarks, which are held to be translated by examples below."""
EXAMPLES = [
    "3 bytes after the certificate",
    "not_after: no time: 'tomorrow'",
    "named after 009033000001, but its CN is 009033000002",
    "line 7: the user object is cut off",
    "the header is not read",
    "the header names no column that is known here",
    "a capture of version 3.1, which is not known",
    "line 2 is not JSON: Expecting value",
    "line 2 is not JSON that is read: nested more than 50 levels deep",
    "RSA PRIVATE KEY: a private key, skipped",
    "certificate: an invalid length in tbsCertificate",
    "PKCS#12: the file asks for more than 10,000,000 rounds of hashing",
    "the time has no date; the serial is not 12 hex digits",
    "a handshake message of the client of type 4 and 1,024 bytes, which is not read",
]
OTHER_LANGUAGES = [code for code in languages() if code != "en"]


def shape(words: str) -> str:
    """Return a sentence with its fields unnamed."""
    return re.sub(r"\{[^{}]*\}", "{}", words)


def literals(path: Path) -> Iterator[str]:
    """Yield the texts of a module with a blank between words, f-strings with unnamed fields."""
    tree = ast.parse(path.read_text("utf-8"))
    elsewhere = {
        part
        for node in ast.walk(tree)
        if isinstance(node, (ast.JoinedStr, ast.Expr))
        for part in ast.iter_child_nodes(node)
        if isinstance(part, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            words = "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}"
                for part in node.values  # noqa: PD011 - no frame
            )
        elif isinstance(node, ast.Constant) and node not in elsewhere:
            words = node.value if isinstance(node.value, str) else ""
        else:
            continue
        if re.search(r"[a-z]{2,}[:,]? [a-z]", words):
            yield words


def modules() -> list[Path]:
    """Return the modules that remark on what they read."""
    paths = [PACKAGE / name for name in READERS]
    within = [file for path in paths for file in sorted(path.rglob("*.py"))]
    files = [*within, *(path for path in paths if path.is_file())]
    return [file for file in files if file.name not in WITHOUT_REMARKS]


@pytest.mark.parametrize("code", OTHER_LANGUAGES)
def test_every_remark_in_the_code_is_translated(code: str) -> None:
    """A remark that a reader makes has its words in each language."""
    translations = set(map(shape, words_of_frames("remarks", code)))
    untranslated = [
        f"{path.relative_to(PACKAGE)}: {words}"
        for path in modules()
        for words in literals(path)
        if not OTHER_WORDS.match(words)
        and words not in MADE_OF_PARTS
        and words not in translations
    ]
    assert not untranslated


def test_remarks_are_found_in_the_code() -> None:
    """The search in the code finds remarks, so that the test above can fail."""
    texts = {words for path in modules() for words in literals(path)}
    assert {"the time has no date", "PEM: no base64: {}"} <= texts


@pytest.mark.parametrize("code", OTHER_LANGUAGES)
def test_translations_have_the_fields_of_the_english_remarks(code: str) -> None:
    """What a remark quotes stands in its translation, too."""
    fields = re.compile(r"\{[^{}]*\}")
    for english, other in words_of_frames("remarks", code).items():
        assert sorted(set(fields.findall(english))) == sorted(
            set(fields.findall(other))
        )


@pytest.mark.parametrize("code", OTHER_LANGUAGES)
def test_every_column_has_its_meaning_in_each_language(code: str) -> None:
    """`certtrust columns` explains all tables and columns in the reader's language."""
    tables = answer_tables.tables()
    meanings = {*tables["row"]}
    for name in tables["name"]:
        meanings |= {*answer_tables.columns(name)["meaning"]}
    assert meanings == set(words_of_frames("columns", code))


@pytest.mark.parametrize("words", EXAMPLES)
def test_remarks_made_of_parts_leave_no_english(words: str) -> None:
    """Remarks that are put together are translated in all their parts."""
    with language("de"):
        told = translated_text(words)
    assert told != words
    assert not re.search(r"\b(?:the|of|is|not|has|no|which|bytes)\b", told)


def test_numbers_within_remarks_have_the_form_of_the_language() -> None:
    """A number in a remark has the separators of the language."""
    with language("de"):
        assert "10.000.000 Hash-Runden" in translated_text(EXAMPLES[11])


def test_frames_hold_english_in_every_language() -> None:
    """The value in a frame is the same whoever reads it, and is translated where it is shown."""
    with language("de"):
        error = ct.read_certificates(b"no certificate")["parse_error"]
        assert error.tolist() == [NO_CERTIFICATE]
        assert translated(error).tolist() == [
            words_of_frames("remarks", "de")[NO_CERTIFICATE]
        ]


def test_words_of_others_stay_as_they_are() -> None:
    """What a library says is no remark of ours, and is passed on."""
    foreign = pd.Series(["Errno 5", None], dtype="str")
    with language("de"):
        pd.testing.assert_series_equal(translated(foreign), foreign)


@pytest.mark.parametrize("code", languages())
def test_every_outcome_of_a_handshake_has_words(code: str) -> None:
    """Each outcome that a frame may hold is worded."""
    outcomes = [
        handshake.ESTABLISHED,
        handshake.CUT_OFF,
        handshake.NOT_TLS,
        handshake.NOT_VISIBLE,
        "refused by client",
        "refused by server",
    ]
    assert set(outcomes) == set(sentences(code)["outcomes"])
