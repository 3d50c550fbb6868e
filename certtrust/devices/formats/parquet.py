"""Parquet with columns of DEVICES: the table as it was written, or an export from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

import pandas as pd
import pyarrow as pa

from ... import schema
from ...errors import SourceError
from ...formats import About
from ...table_files import (
    TooMuchError,
    open_parquet,
    read_parquet,
    sound,
    written_parquet,
)
from .entries import Entry, failed, of_table

NAME = "parquet"


def sniff(head: bytes) -> bool:
    """Return True where the file begins as Parquet does."""
    return head.startswith(b"PAR1")


def read(stream: BinaryIO, _: About) -> Iterator[Entry | pd.DataFrame]:
    """Yield the table, or an entry for each row that names a device."""
    data = stream.read()
    try:
        file = open_parquet(data)
        if written_parquet(file.schema_arrow.metadata, schema.DEVICES):
            # Where that fails, reading row by row gives each bad cell its reason.
            with suppress(SourceError):
                yield read_parquet(pa.BufferReader(data), schema.DEVICES)
                return
        names = [
            name for name in file.schema_arrow.names if name in schema.DEVICES.names
        ]
        if not {"hardware_id", "serial"} & set(names):
            yield failed("no column hardware_id or serial, which would name a device")
            return
        batches = file.iter_batches(columns=list(dict.fromkeys(names)))
        for batch in map(sound, batches):
            rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
            yield from of_table(batch.schema.names, rows)
    except TooMuchError as problem:
        yield failed(str(problem))
    except (pa.ArrowException, OSError, ValueError, OverflowError) as problem:
        yield failed(f"not a Parquet file that can be read: {problem}")
