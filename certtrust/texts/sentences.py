"""The sentences shown to the user, one file per language, and how a row fills them."""

from __future__ import annotations

import string
import tomllib
from functools import cache
from importlib import resources
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..arrays.arrow import text

MISSING = "(not known)"


@cache
def sentences(language: str = "en") -> dict[str, Any]:
    """Return the sentences of a language: the tables `rules`, `causes` and `not_checked`."""
    with resources.files(__package__).joinpath(f"{language}.toml").open("rb") as file:
        loaded: dict[str, Any] = tomllib.load(file)
    return loaded


def shown(values: pd.Series) -> pd.Series:
    """Return values in the words of a sentence; missing stays missing."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.strftime("%Y-%m-%d %H:%M UTC").str.replace(" 00:00 UTC", "")
    elif isinstance(values.dtype, pd.BooleanDtype):
        values = values.map({True: "yes", False: "no"})
    return values.astype("str")


def fill(template: str, frame: pd.DataFrame) -> pd.Series:
    """Fill the template with each row's values.

    Examples
    --------
    >>> fill("{device} is {state}", pd.DataFrame({"device": ["a"], "state": [None]})).tolist()
    ['a is (not known)']
    """
    parts: list[Any] = []
    for literal, field, _, _ in string.Formatter().parse(template):
        parts.append(_literal(literal))
        if field is not None:
            parts.append(text(shown(frame[field]).fillna(MISSING)))
    if len(parts) < 2:
        return pd.Series(template.format(), index=frame.index, dtype="str")
    filled = pc.binary_join_element_wise(*parts, _literal(""))
    return pd.Series(pd.array(filled, dtype="str"), index=frame.index)


def _literal(words: str) -> Any:
    return pa.scalar(words, pa.large_string())
