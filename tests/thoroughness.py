"""How much of a slow test runs by default; `make check-all` runs all of it."""

import os
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import pytest

Value = TypeVar("Value")
SHARE = float(os.environ.get("CERTTRUST_EXAMPLES", "0.25"))


def examples(count: int) -> int:
    """Return how many of `count` examples a property test draws in this run."""
    return max(5, round(count * SHARE))


def share(values: Sequence[Value], start: int = 0) -> Sequence[Value]:
    """Return every fourth value from `start` on, all of them in exhaustive runs."""
    step = max(1, round(1 / SHARE))
    return values[start % step :: step]


def first(values: Iterable[Any], kept: int = 1) -> list[Any]:
    """Return values to parametrize by, all but the first ones for exhaustive runs only."""
    return [
        value
        if number < kept
        else pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=pytest.mark.exhaustive,
        )
        for number, value in enumerate(values)
    ]
