"""The sentences shown to the user, one file per language, and how a row fills them."""

from __future__ import annotations

import numbers
import string
import tomllib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, Token
from functools import cache, wraps
from importlib import resources
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..arrays.arrow import text
from ..errors import CerttrustError
from .visible import each_on_one_line, one_line

_LANGUAGE: ContextVar[str | None] = ContextVar("language", default=None)
_default = "en"


class Language:
    """A language for sentences: for a `with` block, or by `use` for the rest of the program."""

    def __init__(self, code: str) -> None:
        sentences(
            code
        )  # an unknown language fails here, not in the middle of a report
        self.code = code
        self._tokens: list[Token[str | None]] = []

    def __enter__(self) -> Language:
        self._tokens.append(_LANGUAGE.set(self.code))
        return self

    def __exit__(self, *_: object) -> None:
        _LANGUAGE.reset(self._tokens.pop())

    def use(self) -> None:
        """Make all sentences in this language from now on, as in the first cell of a notebook."""
        global _default
        _default = self.code


def language(code: str) -> Language:
    """Make sentences in another language.

    Values in frames, such as verdicts and causes, are the same in every language.

    Parameters
    ----------
    code : str
        `en` or `de`.

    Returns
    -------
    Language
        A context manager; its method `use` changes the language for the rest of the program.

    Raises
    ------
    CerttrustError
        If there are no sentences in that language.

    Examples
    --------
    >>> with language("de"):
    ...     say("nouns.device", count=1204)
    '1.204 Geräte'
    """
    return Language(code)


def spoken(code: str | None) -> AbstractContextManager[object]:
    """Return the context of a function's `lang=`: the current language where that is None."""
    return nullcontext() if code is None else language(code)


def in_its_language(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Return a callback that makes sentences in the language of now, whenever it is called.

    What a notebook calls when a control is used is called after its cell is over.
    """
    code = current_language()

    @wraps(callback)
    def in_language(*args: Any, **options: Any) -> Any:
        with language(code):
            return callback(*args, **options)

    return in_language


def languages() -> list[str]:
    """Return the codes of the languages that there are.

    Examples
    --------
    >>> languages()
    ['de', 'en']
    """
    files = resources.files(__package__).iterdir()
    return sorted(
        file.name.removesuffix(".toml")
        for file in files
        if file.name.endswith(".toml")
    )


def current_language() -> str:
    """Return the code of the language that sentences are made in, such as `en`."""
    return _LANGUAGE.get() or _default


def sentences(code: str | None = None) -> dict[str, Any]:
    """Return all sentences of a language, by default of the current one, as nested tables."""
    return _load(code or current_language())


@cache
def _load(code: str) -> dict[str, Any]:
    """Return the sentences of a language; one that it lacks is English."""
    if code not in languages():
        raise CerttrustError(
            say(
                "errors.texts.language",
                language=code,
                languages=", ".join(languages()),
            )
        )
    own = own_sentences(code)
    return own if code == "en" else _completed(own_sentences("en"), own)


def own_sentences(code: str) -> dict[str, Any]:
    """Return the sentences that stand in the file of a language, as nested tables."""
    file = resources.files(__package__).joinpath(f"{code}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _completed(whole: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return nested tables with the values of others where these have them."""
    return {
        key: _completed(value, own.get(key, {}))
        if isinstance(value, dict)
        else own.get(key, value)
        for key, value in whole.items()
    }


def say(key: str, /, **values: Any) -> str:
    """Return one sentence in the current language, filled with values.

    Parameters
    ----------
    key : str
        Where the sentence stands in the file of sentences: its tables and its name, joined by dots.
    **values
        What its placeholders stand for. Whole numbers are written in the language's form. Where
        the sentence has the forms `one` and `other`, the value `count` chooses between them.

    Examples
    --------
    >>> say("nouns.device", count=1), say("nouns.device", count=1204)
    ('1 device', '1,204 devices')
    """
    words = {name: in_words(value) for name, value in values.items()}
    try:
        return template(key, values.get("count")).format_map(words)
    except KeyError as missing:
        raise CerttrustError(
            f"the sentence {key!r} is not in the texts, or nothing fills {missing} in it"
        ) from missing


def template(key: str, count: Any = None) -> str:
    """Return a sentence with its placeholders, in the form that goes with a count."""
    words: Any = sentences()
    for part in key.split("."):
        words = words[part]
    return str(
        words["one" if count == 1 else "other"] if isinstance(words, dict) else words
    )


def in_words(value: Any) -> str:
    """Return a value as a sentence holds it: numbers with separators, the rest on one line."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return number(int(value)) if whole else one_line(value)


def number(value: int) -> str:
    """Return a whole number with the language's separators.

    Examples
    --------
    >>> number(1204)
    '1,204'
    """
    return f"{value:,}".replace(",", sentences()["numbers"]["separator"])


def decimal(value: float, digits: int) -> str:
    """Return a number with so many decimals, and the language's separators.

    Examples
    --------
    >>> decimal(1204.5, 2)
    '1,204.50'
    """
    separator = sentences()["numbers"]["separator"]
    point = "," if separator == "." else "."
    return f"{value:,.{digits}f}".translate(
        str.maketrans({",": separator, ".": point})
    )


def shown(values: pd.Series) -> pd.Series:
    """Return values in the words of a sentence; missing stays missing."""
    words = sentences()
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        form = (
            words["dates"]["moment"]
            .replace("%", "%%")
            .format(date=words["dates"]["figures"], time="%H:%M")
        )
        midnight = words["dates"]["moment"].format(date="", time="00:00")
        values = values.dt.strftime(form).str.replace(midnight, "")
    elif isinstance(values.dtype, pd.BooleanDtype):
        values = values.map(
            {True: words["values"]["true"], False: words["values"]["false"]}
        )
    return values.astype("str")


def fill(template: str, frame: pd.DataFrame) -> pd.Series:
    """Fill the template with each row's values, each of them on one line.

    Examples
    --------
    >>> fill("{device} is {state}", pd.DataFrame({"device": ["a"], "state": [None]})).tolist()
    ['a is (not known)']
    """
    unfilled = [field for field in fields(template) if field not in frame]
    if unfilled:
        raise CerttrustError(f"nothing fills {unfilled[0]!r} in {template!r}")
    sentences = joined(
        template,
        {field: as_words(frame[field]) for field in fields(template)},
        len(frame),
    )
    return sentences.set_axis(frame.index)


def fields(template: str) -> list[str]:
    """Return the fields that a template shows, in order.

    Examples
    --------
    >>> fields("{device} at {pbx}")
    ['device', 'pbx']
    """
    return [field for _, field, _, _ in string.Formatter().parse(template) if field]


def as_words(values: pd.Series) -> Any:
    """Return values as Arrow text in the words of a sentence, each of them on one line."""
    return each_on_one_line(
        text(shown(values).fillna(sentences()["values"]["missing"]))
    )


def joined(template: str, words: Mapping[str, Any], rows: int) -> pd.Series:
    """Return a template filled with the words of each field, Arrow text of so many rows."""
    parts: list[Any] = []
    for literal, field, _, _ in string.Formatter().parse(template):
        parts.append(_literal(literal))
        if field is not None:
            parts.append(words[field])
    if len(parts) < 2:
        return pd.Series([template.format()] * rows, dtype="str")
    filled = pc.binary_join_element_wise(*parts, _literal(""))
    return pd.Series(pd.array(filled, dtype="str"))


def _literal(words: str) -> Any:
    return pa.scalar(words, pa.large_string())
