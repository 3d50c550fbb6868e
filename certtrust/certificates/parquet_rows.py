"""Rows of a Parquet file, batch by batch, within bounds that a small file cannot blow up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from .. import limits

_BATCH = 4096
_ENDLESS = 1 << 62


class TooMuchError(ValueError):
    """A file claims more than its size can hold."""


def parquet_file(data: bytes, columns: Sequence[str] = ()) -> Any:
    """Return an opened Parquet file; the texts and bytes of `columns` stay encoded.

    Raises
    ------
    TooMuchError
        If it has more rows, or unpacks to more bytes, than its size allows.
    ArrowException, OSError
        If it is no Parquet file.
    """
    import pyarrow.parquet as pq  # on first use, as it loads ssl

    file = pq.ParquetFile(pa.BufferReader(data), read_dictionary=list(columns) or None)
    about = file.metadata
    rows = limits.table_rows(len(data))
    if about.num_rows > rows:
        raise TooMuchError(
            f"{about.num_rows:,} rows in {len(data):,} bytes; {rows:,} are the most that is read"
        )
    groups = [about.row_group(group) for group in range(about.num_row_groups)]
    if sum(group.total_byte_size for group in groups) > limits.unpacked(len(data)):
        raise TooMuchError(
            f"unpacks to more than {limits.UNPACKED_RATIO} times its size"
        )
    return file


def cells(data: bytes, columns: Sequence[str]) -> Iterator[tuple[list[Any], ...]]:
    """Yield the cells of columns of text or bytes, as lists of some thousand rows.

    Equal cells share one object, so that a repeated one costs nothing.

    Raises
    ------
    TooMuchError, ArrowException, OSError
        As `parquet_file` does, and if the cells of the first column deliver too much.
    """
    left = limits.unpacked(len(data))
    for batch in parquet_file(data, columns).iter_batches(
        _BATCH, columns=list(columns)
    ):
        lists = tuple(
            _decoded(batch.column(position)) for position in range(len(columns))
        )
        left -= sum(len(cell) for cell in lists[0] if isinstance(cell, bytes | str))
        if left < 0:
            raise TooMuchError(
                f"unpacks to more than {limits.UNPACKED_RATIO} times its size"
            )
        yield lists


def _decoded(column: Any) -> list[Any]:
    if not isinstance(column, pa.DictionaryArray):
        return list(column.to_pylist())
    indices = column.indices
    used = indices.unique().drop_null()
    values = dict(
        zip(used.to_pylist(), column.dictionary.take(used).to_pylist(), strict=True)
    )
    return [values.get(index) for index in indices.to_pylist()]
