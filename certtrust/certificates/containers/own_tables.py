"""Saved tables CERTIFICATES and TRUST, in Parquet or CSV: every row comes back whole.

A row with DER is read from its DER again, so that a table cannot claim what its certificate does
not say. Where the row came from and what could not be read of it are taken from the table.
"""

from __future__ import annotations

import ast
import csv
import io
import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa

from ...formats import About
from ...schema import BYTES, COUNT, ENDPOINTS, FLAG, LIST, MOMENT, TRUST
from ...table_files import TooMuchError, open_parquet, sound, written_parquet
from ...texts.dates import in_utc
from ...texts.sentences import say
from ..blocks import CERTIFICATE, NO_ROWS, Block, kind_of, of_der

NAME = "table of this package"

_MARKS = frozenset(
    {"fingerprint", "source", "position", "bundle", "device", "der", "parse_error"}
)
_DTYPES = {column.name: column.dtype for column in TRUST}
_LONGEST_HEADER = 4096
_TIME = pa.timestamp("us", "UTC")

Row = dict[str, Any]


def sniff(head: bytes) -> bool:
    """Return True where content is Parquet, or CSV whose header has the columns of CERTIFICATES."""
    if head.startswith(b"PAR1"):
        return True
    header = head[: head.find(b"\n") % _LONGEST_HEADER]
    return (
        b"parse_error" in header
        and set(header.decode("utf-8", "replace").replace('"', "").strip().split(","))
        >= _MARKS
    )


def read(stream: BinaryIO, _about: About) -> Iterator[Block]:
    """Yield a block for each row; nothing where it is another table."""
    data = stream.read()
    rows = (
        _parquet(data)
        if data.startswith(b"PAR1")
        else _csv(data.decode("utf-8", "replace"))
    )
    blocks = map(_block, rows)
    try:
        first = next(blocks, NO_ROWS)
    except _OtherTableError:
        return
    yield first
    yield from blocks


class _OtherTableError(Exception):
    pass


def _block(row: Row) -> Block:
    if set(row) == {"parse_error"}:
        # Of the file, not of a row in it.
        return Block(None, row["parse_error"])
    der = row.pop("der", None)
    if der is None:
        return Block(None, row.get("parse_error"), row, table=row)
    kind = kind_of(der)
    return (
        Block(der, table=row)
        if kind == CERTIFICATE
        else of_der(der, kind)._replace(table=row)
    )


def _parquet(data: bytes) -> Iterator[Row]:
    is_own = False
    try:
        file = open_parquet(data)
        if written_parquet(file.schema_arrow.metadata, ENDPOINTS):
            yield {"parse_error": say("reading.sources.endpoints")}
            return
        columns = file.schema_arrow.names
        if not set(columns) >= _MARKS or len(set(columns)) < len(columns):
            raise _OtherTableError
        names = [name for name in columns if name in _DTYPES]
        for batch in map(sound, file.iter_batches(columns=names)):
            lists = [_cells(batch.column(name), _DTYPES[name]) for name in names]
            for row in zip(*lists, strict=True):
                yield dict(zip(names, row, strict=True))
                is_own = True
    except (pa.ArrowException, OSError, TooMuchError) as problem:
        if not is_own:
            raise _OtherTableError from problem
        yield {"parse_error": f"a Parquet file that cannot be read: {problem}"}


def _cells(column: Any, dtype: str) -> list[Any]:
    if dtype == MOMENT:
        column = column.cast(_TIME).cast(pa.int64())
    return (
        [cell or [] for cell in column.to_pylist()]
        if dtype == LIST
        else column.to_pylist()
    )


def _csv(text: str) -> Iterator[Row]:
    rows = csv.DictReader(io.StringIO(text, newline=""))
    try:
        for row in rows:
            yield {
                name: _from_text(row[name] or "", dtype)
                for name, dtype in _DTYPES.items()
                if name in row
            }
    except csv.Error as problem:
        yield {"parse_error": f"a row that cannot be read: {problem}"}


def _from_text(text: str, dtype: str) -> Any:
    try:
        return (
            _FROM_TEXT.get(dtype, str)(text)
            if text
            else ([] if dtype == LIST else None)
        )
    except (
        *(ValueError, TypeError, SyntaxError),
        *(OverflowError, MemoryError, RecursionError),
    ):
        return [] if dtype == LIST else None


def _microseconds(text: str) -> int | None:
    """Return a time in microseconds since 1970; it is in UTC where it names no zone."""
    moment = in_utc(text)
    if pd.isna(moment):
        return None
    return int(moment.to_datetime64().astype("datetime64[us]").astype("int64"))


def _bytes(text: str) -> bytes | None:
    """Return bytes from base64, or as pandas writes them."""
    value = (
        ast.literal_eval(text)
        if text.startswith(("b'", 'b"'))
        else b64decode(text, validate=True)
    )
    return value if isinstance(value, bytes) else None


def _list(text: str) -> list[str]:
    """Return a list from JSON, or as pandas writes it."""
    try:
        value = json.loads(text)
    except ValueError:
        value = ast.literal_eval(text)
    return list(map(str, value)) if isinstance(value, list) else []


_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    FLAG: lambda text: {"true": True, "false": False}.get(text.lower()),
    COUNT: lambda text: int(float(text)),
    MOMENT: _microseconds,
    LIST: _list,
    BYTES: _bytes,
}
