"""Sentences, dates, numbers and markup: the file of sentences, and filling them in."""

from __future__ import annotations

import re
import string
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import certtrust as ct
from certtrust.arrays import threads
from certtrust.charts.drawing.text import plain, wrap
from certtrust.testing import small_fleet
from certtrust.texts import dates, labels, markup, sentences, translation

PACKAGE = Path(ct.__file__).parent
KEYS = {
    key
    for path in PACKAGE.rglob("*.py")
    for key in re.findall(
        r"\b(?:say|phrase|template)\(\s*\"([^\"{]+)\"",
        path.read_text(encoding="utf-8"),
    )
}


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_sentence_that_code_uses_exists(key: str) -> None:
    """A key leads to a sentence, or to its forms for one and for several."""
    words = sentences.sentences("en")
    for part in key.split("."):
        words = words[part]
    assert isinstance(words, str) or {"one", "other"} <= set(words)


def test_another_language_writes_its_own_numbers_and_dates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Separators, signs and months come from the language, for single values and columns."""
    words = tomllib.loads((PACKAGE / "texts" / "en.toml").read_text(encoding="utf-8"))
    words["numbers"] |= {"separator": ".", "percent": "{number} %"}
    words["dates"] |= {
        "day": "{day}. {month} {year}",
        "moment": "{date}, {time} Uhr (UTC)",
    }
    words["dates"]["months"][2] = "März"
    monkeypatch.setattr(sentences, "_load", lambda _code: words)
    moment = pd.Timestamp("2026-03-02 10:11", tz="UTC")
    assert labels.plural(1204, "device") == "1.204 devices"
    assert labels.percent(0.999) == ">99 %"
    assert dates.day(moment) == "2. März 2026"
    assert dates.moment(moment) == "2026-03-02, 10:11 Uhr (UTC)"
    column = pd.Series([moment, moment.normalize(), pd.NaT])
    assert sentences.shown(column).fillna("").tolist() == [
        "2026-03-02, 10:11 Uhr (UTC)",
        "2026-03-02",
        "",
    ]


def test_german_figures_have_their_own_form() -> None:
    """Days, decimals and shares are written so everywhere, and no line ends before the "%"."""
    moments = pd.Series(pd.to_datetime(["2026-03-02 10:11", None], utc=True))
    with ct.language("de"):
        assert dates.figures(moments[0]) == "02.03.2026"
        assert dates.days(moments).fillna("").tolist() == ["02.03.2026", ""]
        assert sentences.decimal(1204.5, 2) == "1.204,50"
        share = labels.percent(0.61)
    assert share == "61\N{NO-BREAK SPACE}%"
    lines = wrap(plain(f"Ein  Anteil\nvon {share}"), 40, 9)
    assert " ".join(lines) == f"Ein Anteil von {share}"
    assert len(lines) > 1
    assert any(share in line for line in lines)


def _leaves(
    table: object, path: tuple[str, ...] = ()
) -> dict[tuple[str, ...], object]:
    if not isinstance(table, dict):
        return {path: table}
    return {
        key: value
        for name, inner in table.items()
        for key, value in _leaves(inner, (*path, name)).items()
    }


def _placeholders(sentence: object) -> list[str]:
    parsed = string.Formatter().parse(sentence) if isinstance(sentence, str) else []
    return sorted({field for _, field, _, _ in parsed if field is not None})


OTHERS = [code for code in sentences.languages() if code != "en"]


@pytest.mark.parametrize("code", OTHERS)
def test_each_language_has_every_sentence_and_every_value_in_it(code: str) -> None:
    """Keys, forms for one and several, and placeholders are those of English."""
    english = _leaves(sentences.own_sentences("en"))
    other = _leaves(sentences.own_sentences(code))
    assert set(other) == set(english)
    differing = {
        key: (sentence, other[key])
        for key, sentence in english.items()
        if _placeholders(sentence) != _placeholders(other[key])
        or (isinstance(sentence, list) and len(sentence) != len(other[key]))  # type: ignore[arg-type]
    }
    assert differing == {}


def test_a_sentence_that_a_language_lacks_is_english(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A new rule can be tried before its sentences are translated."""
    own = sentences.own_sentences
    texts = {code: own(code) for code in ("en", "de")}
    texts["en"]["causes"]["new"] = {"title": "A new cause"}
    del texts["de"]["nouns"]["device"]["one"]
    monkeypatch.setattr(sentences, "own_sentences", texts.__getitem__)
    words = sentences._load.__wrapped__("de")
    assert words["causes"]["new"] == {"title": "A new cause"}
    assert words["nouns"]["device"] == {
        "one": "{count} device",
        "other": "{count} Geräte",
    }


@pytest.mark.parametrize("code", OTHERS)
def test_no_sentence_of_another_language_is_english(code: str) -> None:
    """What is the same in both has no word of English that is not one of the trade."""
    english = _leaves(sentences.sentences("en"))
    other = _leaves(sentences.sentences(code))
    words = re.compile(
        r"\b(the|of|is|are|and|or|not|no|with|by|from|to|for|its|has|this|that)\b"
    )
    same = {
        key: sentence
        for key, sentence in english.items()
        if other[key] == sentence
        and words.search(str(sentence))
        and str(sentence) != "Certificate names and trust relationships"
    }
    assert same == {}


def test_a_language_holds_for_a_block_or_for_the_rest_of_the_program() -> None:
    """Blocks may stand in one another; a program's own language is below all of them."""
    german = ct.language("de")
    with german, ct.language("en"), german:
        assert labels.plural(1204, "device") == "1.204 Geräte"
    assert labels.plural(2, "device") == "2 devices"
    try:
        german.use()
        assert labels.plural(2, "device") == "2 Geräte"
        with ct.language("en"):
            assert labels.plural(2, "device") == "2 devices"
    finally:
        ct.language("en").use()
    with pytest.raises(ct.CerttrustError, match="languages are de, en"):
        ct.language("../en")


def test_values_in_frames_are_the_same_in_every_language() -> None:
    """Only sentences change, in whichever way the language is given."""
    fleet = small_fleet()
    english = ct.check(ct.attempts(fleet), at="2026-11-01")
    with ct.language("de"):
        results = ct.check(ct.attempts(fleet), at="2026-11-01")
        within = ct.findings(results)
    pd.testing.assert_frame_equal(results, english)
    findings = ct.findings(results, lang="de")
    pd.testing.assert_frame_equal(findings, within)
    worded = ["title", "requirement", "citation", "has", "why", "remedy"]
    plain = ct.findings(results)
    kept = [column for column in findings if column not in worded]
    assert len(kept) > 3
    pd.testing.assert_frame_equal(findings[kept], plain[kept])
    assert not (findings["why"] == plain["why"]).any()
    for function in (ct.missing, ct.contradictions):
        assert len(function(results, lang="de")) == len(function(results))
    rules = ct.rules(lang="de")
    assert rules["code"].tolist() == ct.rules()["code"].tolist()
    plan = ct.remedies(fleet, results, lang="de")
    assert plan["action"].tolist() == ct.remedies(fleet, results)["action"].tolist()


TRUST = {
    (table, *keys): sentence
    for table in ("trust", "trust_states")
    for keys, sentence in _leaves(sentences.sentences("en")[table]).items()
}


@pytest.mark.parametrize("keys", TRUST, ids=".".join)
def test_each_sentence_about_trust_is_translated_from_frames(
    keys: tuple[str, ...],
) -> None:
    """Its values stay; a sentence within another is translated, too."""
    template = TRUST[keys]
    fields = _placeholders(template)
    english = "its key cannot be read"
    words = dict.fromkeys(fields, "v1") | (
        {"reason": english} if "reason" in fields else {}
    )
    said = str(template).format_map(words)
    german: Any = sentences.sentences("de")
    for key in keys:
        german = german[key]
    if "reason" in fields:
        words["reason"] = "sein Schlüssel ist nicht lesbar"
    column = pd.Series([said, f"{said}; {english}", "0x1", None])
    with ct.language("de"):
        translations = translation.translated(column).tolist()
    expected = german.format_map(words)
    assert translations[:3] == [
        expected,
        f"{expected}; sein Schlüssel ist nicht lesbar",
        "0x1",
    ]
    assert translation.translated(column) is column


def test_a_diagnosis_shows_itself_in_its_language() -> None:
    """The notebook shows it after the block, or the call, is over."""
    fleet = small_fleet()
    result = ct.check(ct.attempts(fleet)).head(1)
    shown = ct.explained(result, lang="de")
    assert "verlangt" in shown._repr_html_()
    assert shown.verdict == ct.explained(result).verdict
    assert "required" in ct.explained(result)._repr_html_()


def test_threads_make_sentences_in_the_language_of_the_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Many rows are worded in several threads."""
    monkeypatch.setattr(threads, "_MANY", 1)
    with ct.language("de"):
        said = threads.parallel_map(
            lambda count: labels.plural(count, "device"), [1, 2], rows=2
        )
        both = threads.run_both(
            sentences.current_language, sentences.current_language, rows=2
        )
    assert said == ["1 Gerät", "2 Geräte"]
    assert both == ("de", "de")


def test_values_in_markup_are_escaped() -> None:
    """A sentence in markup is escaped with its values, and its form depends on the count."""
    assert (
        markup.phrase("report.page.heading", name="<b>")
        == "Why registrations fail: &lt;b&gt;"
    )
    assert markup.phrase("nouns.device", count=1) == "1 device"
    assert markup.phrase("nouns.device", count=1204) == "1,204 devices"


def test_a_misspelled_key_or_placeholder_is_named() -> None:
    """The error contains the word that is wrong."""
    with pytest.raises(ct.CerttrustError, match="'count'"):
        sentences.say("nouns.device.other")
    with pytest.raises(ct.CerttrustError, match=r"nouns\.devise"):
        sentences.say("nouns.devise", count=1)
    with pytest.raises(ct.CerttrustError, match="'devise'"):
        sentences.fill("{devise} is up", pd.DataFrame({"device": ["a"]}))
