"""Rows of a Parquet file, batch by batch, within bounds that a small file cannot blow up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from .. import limits
from ..table_files import TooMuchError, open_parquet, sound

_BATCH = 4096
_SMALLEST_CELL = 200


def cells(data: bytes, columns: Sequence[str]) -> Iterator[tuple[list[Any], ...]]:
    """Yield the cells of columns of text or bytes, as lists of some thousand rows.

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
    for batch in map(sound, file.iter_batches(_BATCH, columns=list(columns))):
        lists = tuple(
            _decoded(batch.column(position)) for position in range(len(columns))
        )
        left -= sum(len(cell) for cell in lists[0] if isinstance(cell, bytes | str))
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


def _decoded(column: Any) -> list[Any]:
    if not isinstance(column, pa.DictionaryArray):
        return list(column.to_pylist())
    indices = column.indices
    used = indices.unique().drop_null()
    values = dict(
        zip(used.to_pylist(), column.dictionary.take(used).to_pylist(), strict=True)
    )
    return [values.get(index) for index in indices.to_pylist()]
