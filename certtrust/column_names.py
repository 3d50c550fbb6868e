"""What a file's headings mean: our own column names, and what people call them elsewhere.

The names are data, in `column_names.toml`. They hold for CSV, spreadsheets and JSON alike, and
a reader's option `columns` adds those of one's own: `columns={"Gerät": "hardware_id"}`.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from .errors import CerttrustError
from .texts.sentences import say

Columns = Mapping[str, str]
"""Names of columns by the headings of one's own."""

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_LIKE = 0.7
"""How alike two names are, from 0 to 1, for one to be shown as the nearest of the other."""
_HEADING = re.compile(r"\w[\w .:,;/@#%()\[\]&+*?!'\"<>=-]{0,59}|[@#_].{0,59}|")
_RUN = re.compile(r"[0-9A-Za-z+/=_-]{24,}")
_LONGEST = 64
"""Letters of a heading that are looked at."""
_OWN_HEADING = -1
"""The rank of a heading that the caller named."""


@lru_cache(maxsize=4096)
def plain(heading: str) -> str:
    """Return a heading in the spelling in which headings are compared.

    Examples
    --------
    >>> plain(" MAC-Adresse "), plain("Gerät"), plain("hardware_id")
    ('macadresse', 'geraet', 'hardwareid')
    """
    composed = unicodedata.normalize("NFC", heading).lower().translate(_UMLAUTS)
    letters = unicodedata.normalize("NFKD", composed)
    return "".join(letter for letter in letters if letter.isalnum())


@cache
def _spellings(table: str) -> dict[str, tuple[str, int]]:
    """Return the column of each spelling, and how far behind the column's own name it stands."""
    text = files(__package__).joinpath("column_names.toml").read_text("utf-8")
    ranked: dict[str, tuple[str, int]] = {}
    for column, names in tomllib.loads(text)[table].items():
        for rank, name in enumerate((column, *names)):
            spelling = plain(name)
            if spelling not in ranked or ranked[spelling][1] > rank:
                ranked[spelling] = (column, rank)
    return ranked


@cache
def names(table: str) -> tuple[str, ...]:
    """Return the columns of a table that headings can mean."""
    return tuple(dict.fromkeys(column for column, _ in _spellings(table).values()))


def checked(columns: Any, table: str) -> dict[str, str]:
    """Return the option `columns` of a reader.

    Raises
    ------
    CerttrustError
        If it is no dict of text, or names a column that the table does not have.
    """
    if columns is None:
        return {}
    if not isinstance(columns, Mapping) or not all(
        isinstance(text, str) for pair in columns.items() for text in pair
    ):
        raise CerttrustError(
            say("errors.reading.columns_type", columns=repr(columns))
        )
    for heading, column in columns.items():
        if column not in names(table):
            raise CerttrustError(
                say(
                    "errors.reading.columns_unknown",
                    heading=repr(heading),
                    column=repr(column),
                    columns=", ".join(names(table)),
                )
            )
    return dict(columns)


def understood(
    headings: Sequence[str], table: str, columns: Columns | None = None
) -> list[str | None]:
    """Return the column that each heading means, or None.

    Where several spellings of a column stand side by side, the one nearest to the column's own
    name counts; a heading that is there twice means its column twice.

    Examples
    --------
    >>> understood(["Seriennummer", "Gerät", "MAC"], "devices", {"Gerät": "model"})
    ['serial', 'model', None]
    """
    own = {
        plain(heading[:_LONGEST]): column
        for heading, column in (columns or {}).items()
    }
    spellings = _spellings(table)
    ranked = [
        (own[spelling], _OWN_HEADING)
        if (spelling := plain(heading[:_LONGEST])) in own
        else spellings.get(spelling)
        for heading in headings
    ]
    best: dict[str, int] = {}
    for column, rank in filter(None, ranked):
        best[column] = min(rank, best.get(column, rank))
    return [
        match[0] if match is not None and match[1] == best[match[0]] else None
        for match in ranked
    ]


def presentable(heading: str) -> bool:
    """Return True where a cell can be shown as a heading: short, and nothing that may be a key.

    Examples
    --------
    >>> presentable("Gerät (alt)"), presentable("MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v")
    (True, False)
    """
    return _HEADING.fullmatch(heading) is not None and _RUN.search(heading) is None


def nearest(heading: str, table: str) -> str | None:
    """Return the column whose name, or one of its other names, is most like a heading.

    Examples
    --------
    >>> nearest("Serialnumer", "devices"), nearest("zzz", "devices")
    ('serial', None)
    """
    spellings = _spellings(table)
    matches = difflib.get_close_matches(plain(heading), spellings, 1, _LIKE)
    return spellings[matches[0]][0] if matches else None


def not_understood(
    headings: Iterable[str], columns: Iterable[str | None], table: str
) -> str | None:
    """Return a note on the headings that mean no column, with the nearest names; None if all do."""
    unread = [
        f"{heading!r}"
        + (f" (nearest: {name})" if (name := nearest(heading, table)) else "")
        for heading, column in zip(headings, columns, strict=True)
        if column is None and heading.strip() and presentable(heading)
    ]
    return (
        f"headings that are not understood: {', '.join(unread)}" if unread else None
    )
