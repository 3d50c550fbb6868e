"""Sentences that frames hold, which are English, in the language of whoever reads them."""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import pandas as pd

from .sentences import current_language, number, sentences

FRAMES = "en"
"""The language of frames: their values are the same whoever makes them."""
_TABLES = ("trust", "trust_states", "reading")
_WITHIN = ("reason", "form", "remark")
"""Fields that hold a sentence themselves: without them, a template would fit anything."""

_GROUPED = re.compile(r"\b\d{1,3}(?:,\d{3})+\b")
"""A whole number as English sentences have it."""


class _Template(NamedTuple):
    """An English sentence as a pattern of its words, and the same in another language."""

    beginning: str
    pattern: re.Pattern[str]
    sentence: str


def translated(column: pd.Series) -> pd.Series:
    """Return English sentences of frames in the current language.

    Parameters
    ----------
    column : Series of str
        Details of trust and remarks of readers (`parse_error`), alone or as a list of them; what
        is neither, such as the words of a library, is returned as it is.

    Examples
    --------
    >>> from .sentences import language
    >>> details = pd.Series(["the CA hq: its key has only 1024 bits", None])
    >>> remarks = pd.Series(["the time has no date; blank line"])
    >>> with language("de"):
    ...     translated(details).tolist()
    ...     translated(remarks).tolist()
    ['CA hq: sein Schlüssel hat nur 1024 Bit', nan]
    ['die Zeitangabe hat kein Datum; leere Zeile']
    """
    code = current_language()
    if code == FRAMES:
        return column
    words = {text: _listed(text, code) for text in column.dropna().unique()}
    return column.map(words, na_action="ignore").astype("str")


def translated_text(words: str) -> str:
    """Return what `translated` does, of a single text."""
    code = current_language()
    return words if code == FRAMES else _listed(words, code)


def _listed(words: str, code: str) -> str:
    """Return a sentence, or each of a list of sentences, translated."""
    parts = words.split(sentences(FRAMES)["lists"]["series"])
    translations = [_translated(part, code) for part in parts]
    if None in translations and (whole := _translated(words, code)) is not None:
        return whole
    return str(sentences(code)["lists"]["series"]).join(
        part if translation is None else translation
        for part, translation in zip(parts, translations, strict=True)
    )


def _translated(words: str, code: str) -> str | None:
    for template in _templates(code):
        if not words.startswith(template.beginning):
            continue
        match = template.pattern.fullmatch(words)
        if match is None:
            continue
        values = match.groupdict()
        translations = {
            name: _translated(value, code) for name, value in values.items()
        }
        if any(name in values and translations[name] is None for name in _WITHIN):
            continue
        return template.sentence.format_map(
            {
                name: translations[name] or _GROUPED.sub(_regrouped, value)
                for name, value in values.items()
            }
        )
    return None


def _regrouped(digits: re.Match[str]) -> str:
    return number(int(digits[0].replace(",", "")))


@cache
def _templates(code: str) -> list[_Template]:
    """Return the templates for a language, those with most words of their own first."""
    pairs = [
        *_sentences_of_frames(code),
        *words_of_frames("remarks", code).items(),
    ]
    pairs.sort(key=lambda pair: len(_literal(pair[0])), reverse=True)
    return [
        _Template(_beginning(words), _pattern(words), own) for words, own in pairs
    ]


def _sentences_of_frames(code: str) -> Iterator[tuple[str, str]]:
    for table in _TABLES:
        for keys, words in _leaves(sentences(FRAMES)[table], (table,)):
            own: Any = sentences(code)
            for key in keys:
                own = own[key]
            yield words, str(own)


@cache
def words_of_frames(kind: str, code: str) -> dict[str, str]:
    """Return what frames hold in a language, by its English words.

    Parameters
    ----------
    kind : str
        `remarks` (of readers), or `columns` (what tables and their columns mean).
    code : str
        The language.
    """
    file = resources.files(__package__) / "frames" / f"{kind}.{code}.toml"
    return tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}


def _leaves(
    table: Any, keys: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(table, str):
        yield keys, table
    elif isinstance(table, dict):
        for key, value in table.items():
            yield from _leaves(value, (*keys, key))


def _literal(words: str) -> str:
    return "".join(literal for literal, *_ in string.Formatter().parse(words))


def _beginning(words: str) -> str:
    return next((literal for literal, *_ in string.Formatter().parse(words)), "")


def _pattern(words: str) -> re.Pattern[str]:
    """Return a pattern of a template; a field that is there twice has the same value."""
    pattern, names = "", set()
    for literal, field, _, _ in string.Formatter().parse(words):
        pattern += re.escape(literal)
        if field is not None:
            pattern += f"(?P={field})" if field in names else f"(?P<{field}>.+?)"
            names.add(field)
    return re.compile(pattern, re.DOTALL)
