"""What a log format is to the reader: a name, a look at the beginning, and a parser of blocks of lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import pandas as pd

from ..field_values import Columns
from ..text.lines import Block


class About(NamedTuple):
    """What a format may need to know about its file beyond the lines."""

    name: str
    modified: pd.Timestamp | None
    patterns: Any


class Reader(NamedTuple):
    """How many lines at the beginning are no records, and how to turn a block of lines into columns."""

    skip: int
    parse: Callable[[Block], Columns]


class Format(Protocol):
    """A module that reads one format."""

    NAME: str

    def sniff(self, head: str) -> bool:
        """Tell whether a file that begins so is of this format."""

    def reader(self, head: str, about: About) -> Reader:
        """Return the reader of a file that begins so."""
