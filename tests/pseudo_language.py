"""A language in which every letter of every sentence is replaced, to find texts that users read
and that are not in the file of sentences.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from certtrust.texts import sentences

OTHER = {
    ord(letter): 0x430 + position
    for position, letter in enumerate(string.ascii_lowercase)
} | {
    ord(letter): 0x410 + position
    for position, letter in enumerate(string.ascii_uppercase)
}
"""A Cyrillic letter, which fonts have, for each Latin one."""


def pseudo(template: str) -> str:
    """Return a template with other letters; placeholders in braces stay."""
    parts = []
    for literal, field, form, _ in string.Formatter().parse(template):
        parts.append(literal.translate(OTHER).replace("{", "{{").replace("}", "}}"))
        if field is not None:
            parts.append("{" + field + (f":{form}" if form else "") + "}")
    return "".join(parts)


def translated(table: Any) -> Any:
    """Return nested tables of templates with other letters; their keys stay."""
    if isinstance(table, dict):
        return {key: translated(value) for key, value in table.items()}
    if isinstance(table, list):
        return [translated(value) for value in table]
    return pseudo(table) if isinstance(table, str) else table


def plain(shown: str) -> str:
    """Return a text of the pseudo-language in its original letters."""
    return shown.translate({other: letter for letter, other in OTHER.items()})


@contextmanager
def pseudo_language() -> Iterator[None]:
    """Make all sentences in the pseudo-language while the context lasts."""
    table = translated(sentences.sentences("en"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sentences, "_load", lambda _code: table)
        yield
