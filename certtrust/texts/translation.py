"""Sentences that frames hold, which are English, in the language of whoever reads them."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import pandas as pd

from .sentences import current_language, sentences

FRAMES = "en"
"""The language of frames: their values are the same whoever makes them."""
_TABLES = ("trust", "trust_states")
_WITHIN = ("reason", "form")
"""Fields that hold a sentence themselves: without them, a template would fit anything."""


class _Template(NamedTuple):
    """An English sentence as a pattern of its words, and its keys in the file of sentences."""

    pattern: re.Pattern[str]
    keys: tuple[str, ...]


def translated(column: pd.Series) -> pd.Series:
    """Return English sentences about trust in the current language.

    Parameters
    ----------
    column : Series of str
        Sentences as `say` makes them in English, alone or as a list of them; others are
        returned as they are.

    Examples
    --------
    >>> from .sentences import language
    >>> details = pd.Series(["the CA hq: its key has only 1024 bits", None])
    >>> with language("de"):
    ...     translated(details).tolist()
    ['CA hq: sein Schlüssel hat nur 1024 Bit', nan]
    """
    if current_language() == FRAMES:
        return column
    return column.map(_listed, na_action="ignore").astype("str")


def _listed(words: str) -> str:
    """Return a sentence, or each of a list of sentences, translated."""
    parts = words.split(sentences(FRAMES)["lists"]["series"])
    translations = [_translated(part) for part in parts]
    if None in translations and (whole := _translated(words)) is not None:
        return whole
    return str(sentences()["lists"]["series"]).join(
        part if translation is None else translation
        for part, translation in zip(parts, translations, strict=True)
    )


def _translated(words: str) -> str | None:
    for template in _templates():
        match = template.pattern.fullmatch(words)
        if match is None:
            continue
        values = match.groupdict()
        translations = {name: _translated(value) for name, value in values.items()}
        if any(name in values and translations[name] is None for name in _WITHIN):
            continue
        sentence: Any = sentences()
        for key in template.keys:
            sentence = sentence[key]
        return str(sentence).format_map(
            {name: translations[name] or value for name, value in values.items()}
        )
    return None


@cache
def _templates() -> list[_Template]:
    """Return the templates, those with most words of their own first."""
    templates = [
        leaf
        for table in _TABLES
        for leaf in _leaves(sentences(FRAMES)[table], (table,))
    ]
    templates.sort(key=lambda one: len(_literal(one[1])), reverse=True)
    return [_Template(_pattern(words), keys) for keys, words in templates]


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


def _pattern(words: str) -> re.Pattern[str]:
    """Return a pattern of a template; a field that is there twice has the same value."""
    pattern, names = "", set()
    for literal, field, _, _ in string.Formatter().parse(words):
        pattern += re.escape(literal)
        if field is not None:
            pattern += f"(?P={field})" if field in names else f"(?P<{field}>.+?)"
            names.add(field)
    return re.compile(pattern, re.DOTALL)
