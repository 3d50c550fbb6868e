"""Threads: Arrow releases the interpreter's lock, so that two columns or rules take two cores."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cache
from typing import Any, TypeVar

_MANY = 100_000
"""Rows from which a second thread is worth its start."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Other = TypeVar("Other")


# Of a context, since several threads of a process may each be within `one_thread`.
_alone = ContextVar("alone", default=False)


def keep_to_one() -> None:
    """Start no second thread from now on, as in a process that shares the cores with others."""
    _alone.set(True)


@contextmanager
def one_thread() -> Iterator[None]:
    """Start no second thread within the block, where every core has a process already."""
    token = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(token)


@cache
def can_start() -> bool:
    """Return True where threads can be started; Python in a browser (Pyodide) has none.

    Examples
    --------
    >>> can_start()
    True
    """
    try:
        probe = threading.Thread(target=int)
        probe.start()
    except RuntimeError:
        return False
    probe.join()
    return True


def progress_bar(**options: Any) -> Any:
    """Return a progress bar of tqdm, which starts no thread where none can be started."""
    # It loads the widgets of a notebook, which a plain import does not need.
    from tqdm.auto import tqdm

    if not can_start():
        tqdm.monitor_interval = 0
    if os.environ.get("TQDM_DISABLE"):
        # The bar of a notebook does not ask for it.
        options.setdefault("disable", True)
    return tqdm(**options)


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
    if rows < _MANY or _alone.get() or not can_start():
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
    if rows < _MANY or _alone.get() or not can_start():
        return one(), other()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(copy_context().run, other)
        return one(), future.result()
