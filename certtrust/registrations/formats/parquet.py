"""Parquet with columns of REGISTRATIONS: a table of this package, or an export from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa

from ... import schema
from ...formats import About
from ...table_files import TooMuchError, open_parquet, sound, written_parquet
from .. import record_fields, times, to_frame
from ..field_values import COLUMNS, SCHEMA

NAME = "parquet"
_ROWS = 1 << 16


def sniff(head: bytes) -> bool:
    """Return True where the file begins as Parquet does."""
    return head.startswith(b"PAR1")


def read(stream: BinaryIO, about: About) -> Iterator[Any]:
    """Yield the rows as tables of bounded size."""
    try:
        parquet = open_parquet(stream.read())
        stored = parquet.schema_arrow
        names = [name for name in stored.names if name in COLUMNS]
        if not names:
            raise OSError("the file has no column of REGISTRATIONS")
        as_written = written_parquet(stored.metadata, schema.REGISTRATIONS) and all(
            _kind(SCHEMA.field(name).type)
            == _kind(stored.field(stored.names.index(name)).type)
            for name in names
        )
        first = 1
        clock = times.Clock(about.options.get("timezone"), None, about.modified)
        batches = parquet.iter_batches(_ROWS, columns=list(dict.fromkeys(names)))
        for batch in map(sound, batches):
            table = list(zip(batch.schema.names, batch.columns, strict=True))
            columns = (
                dict(table)
                if as_written and _is_sound(table)
                else record_fields.from_table(table, first, about.name, clock)
            )
            yield to_frame.table(columns, batch.num_rows)
            first += batch.num_rows
    except TooMuchError as problem:
        raise OSError(str(problem)) from problem
    except pa.ArrowException as problem:
        raise OSError(f"not a Parquet file that can be read: {problem}") from problem


def _is_sound(table: list[tuple[str, Any]]) -> bool:
    """Return True where no column is there twice and every time can be shown."""
    columns = dict(table)
    time = columns.get("time")
    return len(columns) == len(table) and (time is None or times.can_be_shown(time))


def _kind(type_: Any) -> Any:
    """Return the type of a column; words and the two sizes of text are one."""
    is_text = pa.types.is_dictionary(type_) or pa.types.is_string(type_)
    return pa.large_string() if is_text else type_
