"""Parquet with columns of DEVICES: the table as it was written, or an export from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import pandas as pd
import pyarrow as pa

from ... import schema
from ...errors import SourceError
from ...formats import About
from ...table_files import read_parquet, written_parquet
from .entries import Entry, failed, of_table

NAME = "parquet"


def sniff(head: bytes) -> bool:
    """Return True where the file begins as Parquet does."""
    return head.startswith(b"PAR1")


def read(stream: BinaryIO, _: About) -> Iterator[Entry | pd.DataFrame]:
    """Yield the table, or an entry for each row that names a device."""
    import pyarrow.parquet as pq  # which loads ssl

    file = pa.BufferReader(stream.read())
    try:
        stored = pq.read_schema(file)
        file.seek(0)
        if written_parquet(stored.metadata, schema.DEVICES):
            yield read_parquet(file, schema.DEVICES)
            return
        table = pq.read_table(
            file,
            columns=[name for name in schema.DEVICES.names if name in stored.names],
        )
    except (pa.ArrowException, OSError, SourceError) as problem:
        yield failed(f"not a Parquet file that can be read: {problem}")
        return
    if not {"hardware_id", "serial"} & set(stored.names):
        yield failed("no column hardware_id or serial, which would name a device")
    yield from of_table(table.to_pandas(ignore_metadata=True))
