"""How a format of lines is read: in blocks that threads parse, in order, losing no line."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .. import limits
from ..arrays.threads import can_start
from ..formats import About, as_text, begin
from . import layouts, stamp_forms, to_frame
from .field_values import Columns, constant
from .messages import Pattern
from .text import lines, private_keys
from .text.spans import as_mask
from .times import ANY_CLOCK, Clock

_RELEASE_AFTER = 32
"""Blocks after which unused memory goes back to the system."""


class Log(NamedTuple):
    """What a format may need to know of a log beyond a block of its lines."""

    name: str
    modified: pd.Timestamp | None
    patterns: tuple[Pattern, ...]
    header: str = ""
    """The line that names the fields, where the format has one; else empty."""
    columns: Mapping[str, str] = {}
    """Columns by headings, as the caller named them."""
    clock: Clock = ANY_CLOCK
    """The time zone of stamps without one, and how the file writes dates."""
    stamp: Any = None
    """Where the stamp stands in the lines of the file, see `layouts.learned`."""
    is_mixed: bool = True
    """Whether lines may be of another format than their file, since the caller gave none."""
    depth: int = 0
    """In how many envelopes a message is."""

    @property
    def inside(self) -> Log:
        """The same log for the messages within its records."""
        return self._replace(depth=self.depth + 1)


Parse = Callable[[lines.Block, Log], Columns]
Read = Callable[[BinaryIO, About], Iterator[Any]]


Heading = Callable[[str, Mapping[str, str]], "tuple[int, str] | None"]
"""Returns how many lines a file's beginning has down to its header, and that header."""


def line_reader(
    parse: Parse, *, heading: Heading | None = None, stamped: bool = False
) -> Read:
    """Return the `read` of a format whose records are lines.

    Parameters
    ----------
    parse : function
        Returns the columns of a block of lines, as Arrow arrays by names of REGISTRATIONS; what it
        does not return is missing. It may run in several threads at once.
    heading : function, optional
        Finds the header of the format, where it has one.
    stamped : bool
        Whether the format asks a sample where the stamp of its lines is.
    """

    def read(stream: BinaryIO, about: About) -> Iterator[Any]:
        """Yield the lines as tables of bounded size, in order."""
        size = about.options.get("block", lines.BLOCK)
        head, stream = begin(stream)
        log = log_of(head, about, stamped=stamped)
        chunks = private_keys.hidden(lines.chunks(stream, size))
        above = 0
        if heading is not None:
            start = next(chunks, lines.Chunk(b"", None))
            chunks = chain([start], chunks)
            # An overlong header stays a line, whose row says so.
            if (first := _first_line(start)) is not None:
                above, header = heading(as_text(head), log.columns) or (1, first)
                log = log._replace(header=first if above == 1 else header)
        blocks = (partial(lines.block, chunk) for chunk in chunks)
        yield from read_blocks(parse, blocks, log, about, above=above)

    return read


def _first_line(chunk: lines.Chunk) -> str | None:
    """Return the first line of a file, or None where it is too long to be read."""
    line = chunk.data.partition(b"\n")[0].removesuffix(b"\r")
    if chunk.length is not None or len(line) > limits.LINE_BYTES:
        return None
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def log_of(head: bytes, about: About, *, stamped: bool = False) -> Log:
    """Return what is known of a log from its beginning and the options of the reader."""
    sample = as_text(head)
    clock = Clock(
        about.options.get("timezone"),
        stamp_forms.is_day_first(sample),
        about.modified,
    )
    return Log(
        about.name,
        about.modified,
        about.options.get("patterns", ()),
        columns=about.options.get("columns") or {},
        clock=clock,
        stamp=layouts.learned(sample) if stamped else None,
        is_mixed=about.options.get("form") is None,
    )


def read_blocks(
    parse: Parse,
    blocks: Iterable[Callable[[], lines.Block]],
    log: Log,
    about: About,
    *,
    above: int = 0,
) -> Iterator[Any]:
    """Yield blocks of lines, each made when its turn has come, as tables in order.

    Parameters
    ----------
    parse : function
        As in `line_reader`.
    blocks : iterable of functions
        Each returns a block.
    log : Log
        What is known of the log.
    about : About
        Its options say how many threads there are.
    above : int
        Lines down to the header. What stands above it and says something has a row.
    """

    def parse_block(
        numbered: tuple[int, Callable[[], lines.Block]],
    ) -> tuple[Columns, lines.Block]:
        number, made = numbered
        if number % _RELEASE_AFTER == 0:
            # Or a long file would seem to need all that its blocks needed for a while.
            pa.default_memory_pool().release_unused()
        block = made()
        return (parse(block, log) if len(block) else {}), block

    threads = about.options.get("threads") or os.cpu_count() or 1
    titles: list[Any] = []
    blocks = _below(blocks, above, log, titles) if above else blocks
    first = about.options.get("first_line", 1)
    for columns, block in _in_order(parse_block, enumerate(blocks), threads):
        while titles:
            yield titles.pop(0)
        offsets = np.arange(len(block)) if block.offsets is None else block.offsets
        numbers = first + above + offsets
        first += len(block) if block.size is None else block.size
        if len(block) or not above:
            yield _table(columns, block, numbers, log.name)


def _below(
    blocks: Iterable[Callable[[], lines.Block]],
    above: int,
    log: Log,
    titles: list[Any],
) -> Iterator[Callable[[], lines.Block]]:
    """Yield the blocks below the header; what stands above it goes to the titles as tables."""
    left, number = above, 1
    for made in blocks:
        if not left:
            yield made
            continue
        block = made()
        skip = min(left, len(block))
        upper = block.lines.slice(0, skip)
        is_title = as_mask(pc.match_substring_regex(upper, _SAYS_SOMETHING))
        is_title &= ~as_mask(pc.match_substring_regex(upper, _DECLARES))
        if skip == left:
            is_title[-1] = False  # the header itself
        rows = np.flatnonzero(is_title)
        if len(rows):
            title = lines.Block(
                upper.take(pa.array(rows)), block.problems.take(pa.array(rows))
            )
            note = {"parse_error": constant(ABOVE, len(rows))}
            titles.append(_table(note, title, rows + number, log.name))
        left, number = left - skip, number + skip
        rest = lines.Block(block.lines.slice(skip), block.problems.slice(skip))
        yield partial(_same, rest)


def _same(block: lines.Block) -> lines.Block:
    return block


_SAYS_SOMETHING = r"^\s*[^\s#;,|\t]"
_DECLARES = r"(?i)^\s*\"?sep=.\"?\s*$"
ABOVE = "stands above the header, so it is no registration"


def _table(columns: Columns, block: lines.Block, numbers: Any, name: str) -> Any:
    count = len(block)
    origin = {
        "source": constant(name, count),
        "line": pa.array(numbers),
        "raw": block.lines,
    }
    if "line" in columns:
        columns["line"] = pc.coalesce(columns["line"], origin["line"])
    return to_frame.table(origin | columns, count)


def _in_order(
    work: Callable[[Any], Any], items: Iterable[Any], threads: int
) -> Iterator[Any]:
    """Yield the results for the items, in order; little more than `threads` items are held."""
    if threads == 1 or not can_start():
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
