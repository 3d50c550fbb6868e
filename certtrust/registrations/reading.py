"""From sources to tables: chooses the format, parses blocks in threads, keeps order and loses no line."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa

from ..errors import SourceError
from ..sources import Source, sources
from . import messages, to_frame
from .field_values import Columns, constant
from .formats import About, Format, csv_lines, json_lines, parquet, phone_table, query_strings, syslog
from .text import lines

FORMATS: dict[str, Format] = {each.NAME: each for each in (json_lines, query_strings, phone_table, csv_lines, syslog)}
"""The formats of lines, in the order in which a file is tried for them."""
NAMES = (*FORMATS, parquet.NAME)

_QUIET = 3.0
"""Seconds after which a progress bar appears unless one is asked for."""

_KEPT = 32
"""Blocks after which unused memory goes back to the system."""
_HELD = 31 << 20
"""Bytes in one piece, just below what the allocator of glibc always takes from the system and gives back to it."""

Counted = Iterator[tuple[Any, int]]
"""Tables, each with the number of lines that are to be in it."""


class Options(NamedTuple):
    """How sources are read."""

    form: str | None
    patterns: tuple[messages.Pattern, ...]
    threads: int
    block: int = lines.BLOCK


def options(form: str | None, patterns: Any, workers: int | None) -> Options:
    """Check the options of a reader."""
    if form is not None and form not in NAMES:
        raise SourceError(f"there is no format {form!r}; the formats are {', '.join(NAMES)}")
    if workers is not None and workers < 1:
        raise SourceError(f"workers must be 1 or more, not {workers}")
    return Options(form, messages.compiled(patterns), workers or os.cpu_count() or 1)


def tables(source: Any, chosen: Options, *, progress: bool | None = None) -> Iterator[Any]:
    """Yield the rows of all sources as Arrow tables of bounded size, in order."""
    # Having seen such a piece let go, the allocator keeps what a block needs for the next one.
    bytearray(_HELD)
    # Loaded here, since in a notebook it loads the widgets.
    from tqdm.auto import tqdm

    # A bar that is not asked for appears only when the work turns out to be long.
    delay = _QUIET if progress is None else 0.0
    with tqdm(unit=" lines", unit_scale=True, delay=delay, disable=progress is False, leave=False) as bar:
        for each in sources(source):
            for table in _tables(each, chosen):
                bar.update(len(table))
                yield table


def _tables(source: Source, chosen: Options) -> Iterator[Any]:
    if source.error:
        yield _failed(source, source.error)
        return
    rows = found = 0
    try:
        with source.open() as stream:
            for table, count in _counted(stream, source, chosen):
                rows, found = rows + len(table), found + count
                yield table
    except OSError as problem:
        yield _failed(source, f"reading stopped: {problem}")
    if rows != found:
        raise RuntimeError(f"{source.name}: {found} lines gave {rows} rows; this is a defect of certtrust")


def _failed(source: Source, error: str) -> Any:
    note = {"source": constant(source.name, 1), "parse_error": constant(error, 1)}
    return to_frame.table(note, 1)


def _counted(stream: BinaryIO, source: Source, chosen: Options) -> Counted:
    begin = lines.head(stream)
    if chosen.form == parquet.NAME or (chosen.form is None and begin.startswith(parquet.MAGIC)):
        yield from parquet.tables(stream, begin, source.name)
        return
    head = b"".join(lines.as_utf8(begin, BytesIO())).decode("utf-8", "replace")
    # Syslog takes any line as a message, so it is also the format of what is of no other.
    form = FORMATS[chosen.form] if chosen.form else next((f for f in FORMATS.values() if f.sniff(head)), syslog)
    reader = form.reader(head, About(source.name, source.modified, chosen.patterns))

    def work(numbered: tuple[int, lines.Chunk]) -> tuple[Columns, lines.Block, int, int]:
        number, chunk = numbered
        if number % _KEPT == 0:
            # What earlier blocks needed for a while goes back to the system, or a long file would seem to need it all.
            pa.default_memory_pool().release_unused()
        skip = 0 if number else reader.skip
        whole = lines.block(chunk)
        block = lines.Block(whole.lines.slice(skip), whole.problems.slice(skip))
        return reader.parse(block) if len(block.lines) else {}, block, len(whole.lines), skip

    first = 1
    chunks = enumerate(lines.chunks(begin, stream, chosen.block))
    for made, block, count, skip in _in_order(work, chunks, chosen.threads):
        yield _table(made, block, first + skip, source.name), count - skip
        first += count


def _table(made: Columns, block: lines.Block, first: int, name: str) -> Any:
    count = len(block.lines)
    place = {"source": constant(name, count), "line": pa.array(np.arange(first, first + count))}
    return to_frame.table(made | place | {"raw": block.lines}, count)


def _in_order(work: Callable[[Any], Any], items: Iterable[Any], threads: int) -> Iterator[Any]:
    """Yield the results of the work on each item, in order, with at most one item more than threads under way."""
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
