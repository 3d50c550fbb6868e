"""Columns of a block to an Arrow table of REGISTRATIONS, and such tables to a DataFrame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .. import limits, schema
from ..arrays.on_disk import on_disk
from ..table_files import from_arrow
from .field_values import COLUMNS, SCHEMA, TEXT, Columns, constant
from .text.spans import Spans

_RAW = SCHEMA.get_field_index("raw")
_SLACK = 1.02
"""How much more memory than its values text may take before it is copied."""


def table(columns: Columns, count: int) -> Any:
    """Return columns as an Arrow table of REGISTRATIONS; absent ones are missing in it."""
    trimmed: dict[int, Any] = {}

    def array_of(field: Any) -> Any:
        column = columns.get(field.name)
        if column is None or column.null_count == count:
            return constant(None, count, field.type)
        if pa.types.is_dictionary(field.type):
            is_encoded = pa.types.is_dictionary(column.type)
            return column if is_encoded else column.dictionary_encode()
        if field.type == TEXT and field.name != "source":
            # Equal columns share their memory.
            if id(column) not in trimmed:
                trimmed[id(column)] = _without_slack(column.cast(TEXT))
            return trimmed[id(column)]
        return column

    arrays = [(array_of(field), field.type) for field in SCHEMA]
    return pa.Table.from_arrays(
        [
            array if array.type == arrow else array.cast(arrow)
            for array, arrow in arrays
        ],
        schema=SCHEMA,
    )


def _without_slack(text: Any) -> Any:
    """Return text whose buffer holds little beyond its values.

    What else it may hold is room to grow, the bytes of missing cells, or those of a whole block.
    """
    spans, data = Spans.of(text), text.buffers()[2]
    needed = spans.stop[-1] - spans.start[0]
    if data is not None and data.size <= _SLACK * needed:
        return text
    return text.take(pa.array(np.arange(len(text))))


def frame_of(parts: Iterable[Any]) -> pd.DataFrame:
    """Return tables of registrations, of which there may be none, as one frame.

    Of a large log the lines themselves, which are mostly looked at singly, wait on disk.
    """
    tables, settled, fresh = [SCHEMA.empty_table()], [], []
    for part in parts:
        tables.append(part.set_column(_RAW, "raw", constant(None, len(part))))
        fresh += part["raw"].chunks
        if sum(chunk.nbytes for chunk in fresh) >= limits.LOG_BYTES_IN_MEMORY:
            settled.append(on_disk(pa.chunked_array(fresh, TEXT)))
            fresh = []
    whole = pa.concat_tables(tables)
    return frame(
        whole.set_column(_RAW, "raw", pa.chunked_array([*settled, *fresh], TEXT))
    )


def frame(table: Any) -> pd.DataFrame:
    """Return a table of these columns as a DataFrame that shares the memory of all text."""
    series: dict[str, Any] = {}
    # Words first: their codes shrink to a byte each, and the memory they took is free before the
    # rest is made.
    for column in sorted(
        schema.REGISTRATIONS, key=lambda column: column.dtype != schema.WORD
    ):
        chunked = table.column(column.name)
        table = table.drop_columns([column.name])
        if column.dtype != schema.WORD:
            pa.default_memory_pool().release_unused()
        series[column.name] = from_arrow(chunked, column.name, column.dtype)
    return pd.DataFrame({name: series[name] for name in COLUMNS}, copy=False)
