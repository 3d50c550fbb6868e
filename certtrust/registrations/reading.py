"""From sources to tables: chooses the format, parses blocks in threads, keeps order and loses no line."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from ..errors import SourceError
from ..sources import Source, sources
from . import columns as typed
from . import json_lines, lines, separated
from .columns import constant
from .formats import About, Format, Reader

FORMATS: dict[str, Format] = {each.NAME: each for each in (json_lines, separated)}


def tables(
    source: Any,
    *,
    form: str | None,
    patterns: Any,
    workers: int | None,
    progress: bool | None,
    block: int = lines.BLOCK,
) -> Iterator[Any]:
    """Yield the rows of all sources as Arrow tables of bounded size, in order."""
    if form is not None and form not in FORMATS:
        raise SourceError(f"there is no format {form!r}; the formats are {', '.join(FORMATS)}")
    threads = workers or len(os.sched_getaffinity(0))
    for each in sources(source):
        yield from _tables(each, form, patterns, threads, block)


def _tables(source: Source, form: str | None, patterns: Any, threads: int, size: int) -> Iterator[Any]:
    if source.error:
        yield _failed(source, source.error)
        return
    rows = found = 0
    try:
        with source.open() as stream:
            for table, count in _parsed(stream, source, form, patterns, threads, size):
                rows, found = rows + len(table), found + count
                yield table
    except OSError as problem:
        yield _failed(source, f"reading stopped: {problem}")
    if rows != found:
        raise RuntimeError(f"{source.name}: {found} lines gave {rows} rows; this is a defect of certtrust")


def _failed(source: Source, error: str) -> Any:
    note = {"source": constant(source.name, 1), "parse_error": constant(error, 1)}
    return typed.table(note, 1)


def _parsed(
    stream: BinaryIO, source: Source, form: str | None, patterns: Any, threads: int, size: int
) -> Iterator[tuple[Any, int]]:
    """Yield each block of lines as a table with the number of lines that are to be in it."""
    begin = lines.head(stream)
    text = b"".join(lines.as_utf8(begin, BytesIO())).decode("utf-8", "replace")
    chosen = FORMATS[form] if form else _sniffed(text)
    reader = chosen.reader(text, About(source.name, source.modified, patterns))

    def work(chunk: lines.Chunk) -> tuple[Any, int]:
        skip = max(0, reader.skip + 1 - chunk.first)
        return _table(_without(lines.block(chunk), skip), reader, source.name), max(0, chunk.size - skip)

    yield from _in_order(work, lines.chunks(begin, stream, size), threads)


def _sniffed(text: str) -> Format:
    return next((each for each in FORMATS.values() if each.sniff(text)), FORMATS[json_lines.NAME])


def _without(block: lines.Block, skip: int) -> lines.Block:
    return lines.Block(block.first + skip, block.lines.slice(skip), block.problems.slice(skip)) if skip else block


def _table(block: lines.Block, reader: Reader, name: str) -> Any:
    count = len(block)
    made = reader.parse(block) if count else {}
    place = {"source": constant(name, count), "line": pa.array(np.arange(block.first, block.first + count))}
    return typed.table({"parse_error": block.problems} | made | place | {"raw": block.lines}, count)


def _in_order(work: Callable[[Any], Any], items: Iterable[Any], threads: int) -> Iterator[Any]:
    """Yield the results of the work on each item, in order, with at most one item waiting per thread."""
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
