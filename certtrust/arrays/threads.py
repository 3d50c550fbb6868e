"""Threads: Arrow releases the interpreter's lock, so that two columns or rules take two cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

_MANY = 100_000
"""Rows from which a second thread is worth its start."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Other = TypeVar("Other")


def parallel_map(
    function: Callable[[Item], Result], items: Iterable[Item], rows: int
) -> list[Result]:
    """Return the results of a function for each item, in order; in threads for many rows.

    Each thread has the caller's context, of which the language of sentences is a part.

    Examples
    --------
    >>> parallel_map(len, ["one", "three"], rows=2)
    [3, 5]
    """
    if rows < _MANY:
        return list(map(function, items))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = [pool.submit(copy_context().run, function, item) for item in items]
        return [future.result() for future in futures]


def run_both(
    one: Callable[[], Result], other: Callable[[], Other], rows: int
) -> tuple[Result, Other]:
    """Return the results of two functions; in two threads for many rows.

    Examples
    --------
    >>> run_both(lambda: 1, lambda: "two", rows=2)
    (1, 'two')
    """
    if rows < _MANY:
        return one(), other()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(copy_context().run, other)
        return one(), future.result()
