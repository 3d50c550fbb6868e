"""How a format of lines is read: in blocks that threads parse, in order, losing no line."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from .. import limits
from ..formats import About
from . import to_frame
from .field_values import Columns, constant
from .messages import Pattern
from .text import lines, private_keys

_RELEASE_AFTER = 32
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
        size = about.options.get("block", lines.BLOCK)
        chunks = private_keys.hidden(lines.chunks(stream, size))
        # An overlong header stays a line, whose row says so.
        heading = None
        if header and (start := next(chunks, None)) is not None:
            heading = _heading(start)
            chunks = chain([start], chunks)
        patterns = about.options.get("patterns", ())
        log = Log(about.name, about.modified, patterns, heading or "")

        def parse_chunk(
            numbered: tuple[int, lines.Chunk],
        ) -> tuple[Columns, lines.Block, int]:
            number, chunk = numbered
            if number % _RELEASE_AFTER == 0:
                # Or a long file would seem to need all that its blocks needed for a while.
                pa.default_memory_pool().release_unused()
            block = lines.block(chunk)
            skip = 1 if heading is not None and number == 0 else 0
            block = lines.Block(block.lines.slice(skip), block.problems.slice(skip))
            return parse(block, log) if len(block) else {}, block, skip

        first = 1
        threads = about.options.get("threads") or os.cpu_count() or 1
        for columns, block, skip in _in_order(
            parse_chunk, enumerate(chunks), threads
        ):
            yield _table(columns, block, first + skip, log.name)
            first += skip + len(block)

    return read


def _heading(chunk: lines.Chunk) -> str | None:
    """Return the first line of a file, or None where it is too long to be read."""
    line = chunk.data.partition(b"\n")[0].removesuffix(b"\r")
    if chunk.length is not None or len(line) > limits.LINE_BYTES:
        return None
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _table(columns: Columns, block: lines.Block, first: int, name: str) -> Any:
    count = len(block)
    origin = {
        "source": constant(name, count),
        "line": pa.array(np.arange(first, first + count)),
        "raw": block.lines,
    }
    return to_frame.table(columns | origin, count)


def _in_order(
    work: Callable[[Any], Any], items: Iterable[Any], threads: int
) -> Iterator[Any]:
    """Yield the results for the items, in order; little more than `threads` items are held."""
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
