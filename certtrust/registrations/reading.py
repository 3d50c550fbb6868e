"""From sources to tables: chooses the format of each file and lets it read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import tzinfo
from numbers import Integral
from typing import Any, NamedTuple

from .. import column_names
from ..arrays.threads import progress_bar
from ..captures import REGISTRATION_PORT, registration_ports
from ..errors import SourceError
from ..formats import About, begin, recognise
from ..sources import Source, sources
from ..texts.sentences import say
from . import messages, times, to_frame
from .field_values import constant
from .formats import ANY_OTHER, FORMATS
from .text import lines

_QUIET = 3.0
"""Seconds after which a progress bar appears unless one is asked for."""

_WARM_UP = 31 << 20
"""Bytes in one piece, just below what glibc's allocator always maps and unmaps on its own."""


class Options(NamedTuple):
    """How sources are read."""

    form: str | None
    patterns: tuple[messages.Pattern, ...]
    threads: int
    columns: dict[str, str]
    timezone: tzinfo | None
    block: int = lines.BLOCK
    ports: tuple[int, ...] = (REGISTRATION_PORT,)
    pbx: str | Mapping[str, str] | None = None
    first_line: int = 1
    """The number of the first line, where what is read is a part of a file."""


def options(
    form: Any,
    patterns: Any,
    workers: Any,
    columns: Any = None,
    timezone: Any = None,
    *,
    port: int | Iterable[int] = REGISTRATION_PORT,
    pbx: str | Mapping[str, str] | None = None,
) -> Options:
    """Check the options of a reader."""
    if form is not None and (not isinstance(form, str) or form not in FORMATS):
        raise SourceError(
            say(
                "errors.reading.unknown_format",
                format=repr(form),
                formats=", ".join(FORMATS),
            )
        )
    if workers is None:
        workers = os.cpu_count() or 1
    if not isinstance(workers, Integral) or isinstance(workers, bool) or workers < 1:
        raise SourceError(say("errors.reading.workers", workers=repr(workers)))
    return Options(
        form,
        messages.compiled(patterns),
        int(workers),
        column_names.checked(columns, "registrations"),
        times.zone(timezone),
        ports=registration_ports(port),
        pbx=pbx,
    )


def tables(
    source: Any, chosen: Options, *, progress: bool | None = None
) -> Iterator[Any]:
    """Yield the rows of all sources as Arrow tables of bounded size, in order."""
    # Once such a piece was freed, the allocator keeps what a block needs for the next one.
    bytearray(_WARM_UP)
    # Without `progress=True` the bar appears only when the work turns out to be long.
    delay = _QUIET if progress is None else 0.0
    unit = " " + say("reading.lines")
    with progress_bar(
        unit=unit,
        unit_scale=True,
        delay=delay,
        disable=progress is False,
        leave=False,
    ) as bar:
        for file in sources(source):
            for table in _tables(file, chosen):
                bar.update(len(table))
                yield table


def _tables(file: Source, chosen: Options) -> Iterator[Any]:
    if file.error:
        yield _failed(file, file.error)
        return
    try:
        with file.open() as opened:
            head, stream = begin(opened)
            form = format_of(head, chosen)
            yield from form.read(
                stream, About(file.name, file.modified, chosen._asdict())
            )
    except OSError as problem:
        yield _failed(file, f"reading stopped: {problem}")


def format_of(head: bytes, chosen: Options) -> Any:
    """Return the format of a file by its beginning, or the one that the caller chose."""
    if chosen.form:
        return FORMATS[chosen.form]
    return (
        _by_own_headings(head, chosen.columns)
        or recognise(FORMATS.values(), head)
        or ANY_OTHER
    )


def _by_own_headings(head: bytes, columns: dict[str, str]) -> Any | None:
    """Return the format of tables where the headings that the caller named make a file one."""
    table = FORMATS["csv"]
    return table if columns and table.sniff(head, columns) else None


def _failed(file: Source, error: str) -> Any:
    note = {"source": constant(file.name, 1), "parse_error": constant(error, 1)}
    return to_frame.table(note, 1)
