"""Parquet with columns of REGISTRATIONS: the package's own store, or an export from elsewhere.

What was read by this package before keeps where it came from (`source`, `line`, `raw`) and what was wrong with it;
of another file the rows are numbered from 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .. import field_values as typed
from .. import record_fields, to_frame
from ..field_values import NOTHING, TEXT, Columns, Notes, constant, word

NAME = "parquet"
MAGIC = b"PAR1"
_ROWS = 1 << 16
_KEPT = ("source", "raw", "parse_error", "matched_by", "time_by")


def tables(stream: BinaryIO, begin: bytes, name: str) -> Iterator[tuple[Any, int]]:
    """Yield the rows of a Parquet file as tables, each with the number of rows that are to be in it."""
    import pyarrow.parquet as pq  # which loads ssl

    file = _seekable(stream, begin)
    try:
        parquet = pq.ParquetFile(file)
        fields = [field for field in parquet.schema_arrow.names if field in typed.COLUMNS]
        first = 1
        for batch in parquet.iter_batches(_ROWS, columns=fields):
            yield to_frame.table(_columns(batch, first, name), batch.num_rows), batch.num_rows
            first += batch.num_rows
    except (pa.ArrowException, pa.ArrowInvalid) as problem:
        raise OSError(f"not a Parquet file that can be read: {problem}") from problem


def _seekable(stream: BinaryIO, begin: bytes) -> BinaryIO:
    if stream.seekable():
        stream.seek(0)
        return stream
    return BytesIO(begin + stream.read())


def _columns(batch: Any, first: int, name: str) -> Columns:
    count = batch.num_rows
    given = {field: batch.column(field) for field in batch.schema.names}
    problems = _text(given["parse_error"]) if "parse_error" in given else pa.nulls(count, TEXT)
    notes = Notes(pa.nulls(count, TEXT))
    time = given.get("time")
    is_time = time is not None and pa.types.is_timestamp(time.type)
    fields = {
        key: _text(given[key]) for key in record_fields.FIELDS if key in given and not (key == "time" and is_time)
    }
    made = record_fields.from_fields(fields, notes)
    if time is not None and is_time:
        made |= _times(time, made.get("clock_unset"))
    made |= {key: _text(given[key]) for key in _KEPT if key in given}
    made.setdefault("source", constant(name, count))
    made.setdefault("matched_by", constant("record", count))
    line = given["line"].cast(pa.int64()) if "line" in given else pa.array(np.arange(first, first + count))
    return made | {"line": line, "parse_error": typed.first(problems, notes.text)}


def _times(time: Any, unset: Any) -> Columns:
    moment = time.cast(typed.MOMENT, safe=False)
    early = pc.fill_null(pc.equal(pc.year(moment), 1970), False)
    unset = pc.if_else(pc.is_valid(moment), early, pa.scalar(None, pa.bool_())) if unset is None else unset
    moment = pc.if_else(early, pa.scalar(None, typed.MOMENT), moment)
    return {"time": moment, "clock_unset": unset, "time_by": pc.if_else(pc.is_valid(moment), word("line"), NOTHING)}


def _text(array: Any) -> Any:
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_nested(array.type) or pa.types.is_null(array.type):
        return pa.nulls(len(array), TEXT)
    if pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type):
        return pa.array([value and value.decode("utf-8", "replace") for value in array.to_pylist()], TEXT)
    return array.cast(TEXT)
