"""Parquet with columns of REGISTRATIONS: a table of this package, or an export from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa

from ... import schema
from ...formats import About
from ...table_files import written_parquet
from .. import record_fields, to_frame
from ..field_values import COLUMNS

NAME = "parquet"
_ROWS = 1 << 16


def sniff(head: bytes) -> bool:
    """Return True where the file begins as Parquet does."""
    return head.startswith(b"PAR1")


def read(stream: BinaryIO, about: About) -> Iterator[Any]:
    """Yield the rows as tables of bounded size."""
    import pyarrow.parquet as pq  # which loads ssl

    try:
        parquet = pq.ParquetFile(
            stream if stream.seekable() else pa.BufferReader(stream.read())
        )
        names = [name for name in parquet.schema_arrow.names if name in COLUMNS]
        as_written = written_parquet(
            parquet.schema_arrow.metadata, schema.REGISTRATIONS
        )
        first = 1
        for batch in parquet.iter_batches(_ROWS, columns=names):
            columns = {name: batch.column(name) for name in names}
            if not as_written:
                columns = record_fields.from_table(columns, first, about.name)
            yield to_frame.table(columns, batch.num_rows)
            first += batch.num_rows
    except pa.ArrowException as problem:
        raise OSError(f"not a Parquet file that can be read: {problem}") from problem
