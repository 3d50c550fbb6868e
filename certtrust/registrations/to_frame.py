"""Columns of a block to an Arrow table of REGISTRATIONS, and such tables to a DataFrame that
shares their memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .. import schema
from ..table_files import from_arrow
from .field_values import COLUMNS, SCHEMA, TEXT, Columns, constant
from .text.spans import Spans

_SLACK = 1.02
"""How much more memory than its values text may take before it is copied."""


def table(columns: Columns, count: int) -> Any:
    """Return a block's columns as an Arrow table with every column of REGISTRATIONS, in order
    and type.
    """
    exact: dict[int, Any] = {}
    arrays = []
    for field in SCHEMA:
        given = columns.get(field.name)
        if given is None or given.null_count == count:
            array = constant(None, count, field.type)
        elif pa.types.is_dictionary(field.type):
            array = (
                given
                if pa.types.is_dictionary(given.type)
                else given.dictionary_encode()
            )
        elif field.type == TEXT and field.name != "source":
            # Equal columns share their memory.
            array = (
                exact[id(given)]
                if id(given) in exact
                else exact.setdefault(id(given), _exact(given.cast(TEXT)))
            )
        else:
            array = given
        arrays.append(array if array.type == field.type else array.cast(field.type))
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _exact(text: Any) -> Any:
    """Return text without much beyond its values: room to grow, bytes of missing cells, or
    those of a whole block.
    """
    spans = Spans.of(text)
    if text.buffers()[2] is not None and text.buffers()[2].size <= _SLACK * (
        spans.stop[-1] - spans.start[0]
    ):
        return text
    return text.take(pa.array(np.arange(len(text))))


def frame(whole: Any) -> pd.DataFrame:
    """Return a table of these columns as a DataFrame of REGISTRATIONS, sharing the memory of
    all text.
    """
    series: dict[str, Any] = {}
    # Words first: their numbers shrink to a byte each, and what they took is let go of before
    # the rest is made.
    for column in sorted(
        schema.REGISTRATIONS, key=lambda column: column.dtype != schema.WORD
    ):
        chunked = whole.column(column.name)
        whole = whole.drop_columns([column.name])
        if column.dtype != schema.WORD:
            pa.default_memory_pool().release_unused()
        series[column.name] = from_arrow(chunked, column.name, column.dtype)
    return pd.DataFrame({name: series[name] for name in COLUMNS}, copy=False)
