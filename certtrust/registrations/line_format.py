"""How a format of lines is read: in blocks that are parsed in threads, in order, without losing
a line.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from ..formats import About, as_text, begin
from . import to_frame
from .field_values import Columns, constant
from .messages import Pattern
from .text import lines, private_keys

_KEPT = 32
"""Blocks after which unused memory goes back to the system."""


class Log(NamedTuple):
    """What a format may need to know of a log beyond a block of its lines."""

    name: str
    modified: pd.Timestamp | None
    patterns: tuple[Pattern, ...]
    header: str
    """Its first line, where the format has one that is no record; else empty."""


Parse = Callable[[lines.Block, Log], Columns]
Read = Callable[[BinaryIO, About], Iterator[Any]]


def line_reader(parse: Parse, *, header: bool = False) -> Read:
    """Return the `read` of a format whose records are lines.

    Parameters
    ----------
    parse : function
        Returns the columns of a block of lines, as Arrow arrays by names of REGISTRATIONS; what it
        does not return is missing. It may run in several threads at once.
    header : bool
        Whether the first line is no record but names the fields.
    """

    def read(stream: BinaryIO, about: About) -> Iterator[Any]:
        """Yield the lines as tables of bounded size, in order."""
        head, stream = begin(stream)
        heading = as_text(head).partition("\n")[0].rstrip("\r") if header else ""
        log = Log(
            about.name, about.modified, about.options.get("patterns", ()), heading
        )

        def work(numbered: tuple[int, lines.Chunk]) -> tuple[Columns, lines.Block, int]:
            number, chunk = numbered
            if number % _KEPT == 0:
                # What earlier blocks needed for a while goes back to the system, or a long file
                # would seem to need it all.
                pa.default_memory_pool().release_unused()
            block = lines.block(chunk)
            skip = 1 if header and number == 0 else 0
            block = lines.Block(block.lines.slice(skip), block.problems.slice(skip))
            return parse(block, log) if len(block) else {}, block, skip

        first = 1
        size = about.options.get("block", lines.BLOCK)
        chunks = enumerate(private_keys.hidden(lines.chunks(stream, size)))
        threads = about.options.get("threads") or os.cpu_count() or 1
        for columns, block, skip in _in_order(work, chunks, threads):
            yield _table(columns, block, first + skip, log.name)
            first += skip + len(block)

    return read


def _table(columns: Columns, block: lines.Block, first: int, name: str) -> Any:
    count = len(block)
    position = {
        "source": constant(name, count),
        "line": pa.array(np.arange(first, first + count)),
    }
    return to_frame.table(columns | position | {"raw": block.lines}, count)


def _in_order(
    work: Callable[[Any], Any], items: Iterable[Any], threads: int
) -> Iterator[Any]:
    """Yield the results of the work on each item, in order, with at most one more than threads
    under way.
    """
    if threads == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Any]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
