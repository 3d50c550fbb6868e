"""Parts of many texts at once are those of each text."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from certtrust.registrations.field_values import TEXT, blank, blank_to_null
from certtrust.registrations.text.spans import (
    Delimiters,
    Spans,
    Words,
    as_mask,
    present,
    split_at_mark,
)

TEXTS = st.lists(st.none() | st.text("ab ä=\t\u2003", max_size=12), max_size=8)
CUT = st.integers(0, 3)


def sliced(texts: list[str | None], begin: int) -> pa.Array:
    """Return texts as a part of a longer array."""
    return pa.array(["x =y"] * begin + texts + ["= z"], TEXT).slice(begin, len(texts))


@given(texts=TEXTS, begin=CUT, place=st.integers(0, 4))
def test_words_are_those_that_splitting_gives(texts, begin, place):
    """Those beyond the last one are empty."""
    spans = Spans.of(sliced(texts, begin))
    words = Words(spans, Delimiters.of(spans.data, " "))
    split = [(text or "").split(" ") for text in texts]
    assert words.count().tolist() == [len(words) for words in split]
    assert words.at(place).text().to_pylist() == [
        words[place] if place < len(words) else "" for words in split
    ]
    assert words.from_index(place).text().to_pylist() == [
        " ".join(words[place:]) for words in split
    ]


@given(texts=TEXTS, begin=CUT)
def test_words_are_parted_at_their_first_mark(texts, begin):
    """In order, with the row of each."""
    spans = Spans.of(sliced(texts, begin))
    row, before, behind = split_at_mark(spans, Delimiters.of(spans.data, " ", "="))
    found = zip(
        row.tolist(),
        before.text().to_pylist(),
        behind.text().to_pylist(),
        strict=True,
    )
    expected = [
        (number, *word.split("=", 1))
        for number, text in enumerate(texts)
        for word in (text or "").split(" ")
        if "=" in word
    ]
    assert list(found) == expected


@given(texts=TEXTS, begin=CUT, place=st.integers(-4, 4))
def test_letters_are_those_of_each_text(texts, begin, place):
    """What is beyond a text is 0."""
    whole = [(text or "").encode() for text in texts]
    inside = [-len(words) <= place < len(words) for words in whole]
    expected = [
        words[place] if has else 0 for words, has in zip(whole, inside, strict=True)
    ]
    assert Spans.of(sliced(texts, begin)).byte_at(place).tolist() == expected


@given(texts=TEXTS, begin=CUT)
def test_parts_without_some_letters(texts, begin):
    """At the beginning by number, at the end by what they are; and of some texts only."""
    spans = Spans.of(sliced(texts, begin))
    plain = [(text or "").encode() for text in texts]
    ended = spans.rstrip(b" =").text().cast(pa.large_binary()).to_pylist()
    assert ended == [text.rstrip(b" =") for text in plain]
    has = np.arange(len(texts)) % 2 == 0
    some = [
        (text or "") if even else None for text, even in zip(texts, has, strict=True)
    ]
    assert spans.where(has).text().to_pylist() == some
    assert spans.where(has).present.tolist() == has.tolist()
    rows = np.flatnonzero(has)
    assert spans.take(rows).scatter(rows, len(texts)).text().to_pylist() == some
    assert spans.where(~has).replaced(rows, spans.take(rows)).text().to_pylist() == [
        text or "" for text in texts
    ]


@given(texts=TEXTS, begin=CUT, letters=st.text("ab ä=", max_size=3).map(str.encode))
def test_how_parts_begin(texts, begin, letters):
    """Nothing counts that stands behind a part."""
    spans = Spans.of(sliced(texts, begin))
    assert spans.starts_with(letters).tolist() == [
        (text or "").encode().startswith(letters) for text in texts
    ]


@given(texts=TEXTS, begin=CUT, also=st.sampled_from(["", "ä"]))
def test_parts_without_white_space(texts, begin, also):
    """White space is what Python takes for it."""
    expected = [(text or "").lstrip(also) if also else text or "" for text in texts]
    assert Spans.of(sliced(texts, begin)).strip(also).text().to_pylist() == [
        text.strip() for text in expected
    ]


@given(flags=st.lists(st.none() | st.booleans(), max_size=20), begin=CUT)
def test_flags_of_arrow(flags, begin):
    """A missing flag does not hold."""
    array = pa.array([True] * begin + flags, pa.bool_()).slice(begin)
    assert as_mask(array).tolist() == [bool(flag) for flag in flags]
    assert present(array).tolist() == [flag is not None for flag in flags]


@given(texts=TEXTS, begin=CUT)
def test_blank_texts(texts, begin):
    """White space is what Python takes for it."""
    text = sliced(texts, begin)
    assert blank(text).tolist() == [
        text is not None and not text.strip() for text in texts
    ]
    assert blank_to_null(text).to_pylist() == [
        (text or "").strip() or None for text in texts
    ]
