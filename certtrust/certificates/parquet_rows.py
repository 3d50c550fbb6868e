"""Rows of a Parquet file, batch by batch, within bounds that a small file cannot blow up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from .. import limits
from ..table_files import TooMuchError, open_parquet, sound

_BATCH = 1024
_SMALLEST_CELL = 200


def cells(data: bytes, columns: Sequence[str]) -> Iterator[tuple[list[Any], ...]]:
    """Yield the cells of columns, as lists of some thousand rows; text of the first is bytes.

    Equal cells share one object, so that a repeated one costs nothing.

    Raises
    ------
    TooMuchError, ArrowException, OSError
        As `open_parquet` does, and if the cells of the first column deliver too much.
    """
    left = limits.unpacked(len(data))
    file = open_parquet(data)
    if _repeats(file):
        file = open_parquet(data, columns)
    for batch in map(
        sound, file.iter_batches(_BATCH, columns=list(columns), use_threads=False)
    ):
        lists = tuple(
            _decoded(batch.column(position), as_bytes=position == 0)
            for position in range(len(columns))
        )
        left -= sum(len(cell) for cell in lists[0] if isinstance(cell, bytes))
        if left < 0:
            raise TooMuchError(
                f"unpacks to more than {limits.UNPACKED_RATIO} times its size"
            )
        yield lists


def _repeats(file: Any) -> bool:
    """Return True where rows take less than any certificate does.

    The sizes of single columns are not looked at: Arrow ends the process where the statistics
    beside them are malformed.
    """
    groups = list(map(file.metadata.row_group, range(file.num_row_groups)))
    size = sum(group.total_byte_size for group in groups)
    return bool(size < _SMALLEST_CELL * file.metadata.num_rows)


def _decoded(column: Any, *, as_bytes: bool) -> list[Any]:
    if not isinstance(column, pa.DictionaryArray):
        return list((_encoded(column) if as_bytes else column).to_pylist())
    indices = column.indices
    used = indices.unique().drop_null()
    distinct = column.dictionary.take(used)
    if as_bytes:
        distinct = _encoded(distinct)
    values = dict(zip(used.to_pylist(), distinct.to_pylist(), strict=True))
    return [values.get(index) for index in indices.to_pylist()]


def _encoded(column: Any) -> Any:
    """Return text as bytes, which takes no copy; any other column as it is."""
    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    return column.cast(pa.large_binary()) if is_text else column
