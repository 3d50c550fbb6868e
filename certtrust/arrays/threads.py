"""Several things at once: Arrow works without the interpreter's lock, so that two columns or
rules take two cores.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_MANY = 100_000
"""Rows from which on a second thread is worth its start."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Other = TypeVar("Other")


def each(
    function: Callable[[Item], Result], items: Iterable[Item], rows: int
) -> list[Result]:
    """Apply a function to each item, at once where there are many rows; results come in the
    order of the items.

    Examples
    --------
    >>> each(len, ["one", "three"], rows=2)
    [3, 5]
    """
    if rows < _MANY:
        return list(map(function, items))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, items))


def both(
    one: Callable[[], Result], other: Callable[[], Other], rows: int
) -> tuple[Result, Other]:
    """Do two things, at once where there are many rows.

    Examples
    --------
    >>> both(lambda: 1, lambda: "two", rows=2)
    (1, 'two')
    """
    if rows < _MANY:
        return one(), other()
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(other)
        return one(), beside.result()
