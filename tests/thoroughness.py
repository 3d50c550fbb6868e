"""How much of a slow test runs by default; `make check-all` runs all of it."""

import os
from collections.abc import Iterable
from typing import Any

import pytest

SHARE = float(os.environ.get("CERTTRUST_EXAMPLES", "0.25"))


def examples(count: int) -> int:
    """Return how many of `count` examples a property test draws in this run."""
    return max(5, round(count * SHARE))


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
