"""Sentences, dates, numbers and markup: the file of sentences, and filling them in."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest

import certtrust as ct
from certtrust.texts import dates, labels, markup, sentences

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
