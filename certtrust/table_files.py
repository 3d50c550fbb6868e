"""Tables as files of data, Parquet and CSV, which come back the same in every value.

In CSV every text is quoted and a missing value is an empty field without quotes; times are
ISO 8601 in UTC with microseconds, flags are `true` and `false`, bytes are base64, lists and
structures are JSON.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from . import limits
from .errors import SourceError
from .json_values import loads, note_on_twins, twins
from .schema import (
    BYTES,
    COUNT,
    FLAG,
    LIST,
    MOMENT,
    NUMBER,
    OBJECT,
    TEXT,
    WORD,
    Table,
)
from .texts.sentences import say
from .whole_files import replacing

_STRING = pa.large_string()
_PATHS = pa.list_(
    pa.struct(
        {
            "certificates": pa.list_(_STRING),
            "not_before": pa.int64(),
            "not_after": pa.int64(),
        }
    )
)
STRUCTURES = {
    "trust_paths": _PATHS,
    "browser_paths": pa.struct(
        {"paths": _PATHS, "failure": _STRING, "why": _STRING, "objection": _STRING}
    ),
}
"""Types of the columns that are neither plain values nor lists of text."""

ARROW = {
    TEXT: _STRING,
    FLAG: pa.bool_(),
    COUNT: pa.int64(),
    NUMBER: pa.float64(),
    MOMENT: pa.timestamp("us", tz="UTC"),
    WORD: pa.dictionary(pa.int32(), _STRING),
    LIST: pa.list_(_STRING),
    BYTES: pa.large_binary(),
}

METADATA = b"certtrust"
"""Key of the metadata for what Parquet itself does not keep."""
_LARGEST_BLOCK = 1 << 30


def write_parquet(frame: pd.DataFrame, table: Table, file: Any) -> None:
    """Write a table as Parquet; `read_parquet` gives the same frame, with its index and categories.

    Parameters
    ----------
    frame : DataFrame
        Rows of the table. Columns beyond it are kept; columns that it lacks are not added.
    table : Table
        Which table of `certtrust.schema` it is.
    file : path or open file
        Where to write it; what is there is replaced.

    Examples
    --------
    >>> from certtrust.schema import LINKS
    >>> file = io.BytesIO()
    >>> write_parquet(pd.DataFrame({"child": ["9c1f"], "issuer": ["77ab"]}, index=[7]), LINKS, file)
    >>> read_parquet(file, LINKS).index.tolist()
    [7]
    """
    import pyarrow.parquet as pq  # on first use, as it loads ssl

    declared = {column.name: column.dtype for column in table if column.name in frame}
    # Arrow might guess these types wrong: reserve their columns here, fill them in below.
    nested = [
        name for name, dtype in declared.items() if dtype in (LIST, BYTES, OBJECT)
    ]
    written = pa.Table.from_pandas(frame.assign(**dict.fromkeys(nested)))
    for name, dtype in declared.items():
        position = written.schema.get_field_index(name)
        written = written.set_column(
            position, name, to_arrow(frame[name], name, dtype)
        )
    categories = {
        str(name): {
            "values": column.cat.categories.tolist(),
            "dtype": str(column.cat.categories.dtype),
            "ordered": bool(column.cat.ordered),
        }
        for name, column in frame.items()
        if isinstance(column.dtype, pd.CategoricalDtype)
    }
    about = {**(written.schema.metadata or {}), **metadata(table, categories)}
    stored = written.replace_schema_metadata(about)
    with _whole(file) as target:
        pq.write_table(stored, target, compression="zstd")


@contextmanager
def _whole(file: Any) -> Iterator[Any]:
    """Give what to write to: a path is replaced when its new file is whole."""
    if isinstance(file, (str, os.PathLike)):
        with replacing(file) as new:
            yield new
    else:
        yield file


def metadata(
    table: Table, categories: dict[str, Any] | None = None
) -> dict[bytes, bytes]:
    """Return the metadata by which `written_parquet` recognises a Parquet file of a table."""
    about = {"table": table.name, "categories": categories or {}}
    return {METADATA: json.dumps(about, default=str).encode()}


class TooMuchError(ValueError):
    """A file that claims more than its size can hold."""


def sound(stored: Any) -> Any:
    """Return a batch or table of a Parquet file; bytes that are no UTF-8 are replaced in text.

    Arrow hands on what a file holds as it is, and fails where the text is used.

    Raises
    ------
    ArrowException
        If something else in it is malformed, such as the offsets of a list.
    """
    for position, column in enumerate(stored.columns):
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            field = stored.schema.field(position)
            stored = stored.set_column(position, field, _with_utf8(column))
    return stored


def _with_utf8(column: Any) -> Any:
    """Return a column of text, or of words, with what is no UTF-8 replaced."""
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array(list(map(_with_utf8, column.chunks)), column.type)
    if isinstance(column, pa.DictionaryArray):
        texts = _with_utf8(column.dictionary_decode())
        return texts.dictionary_encode().cast(column.type)
    cells = column.cast(pa.large_binary()).to_pylist()
    texts = [
        cell if cell is None else cell.decode("utf-8", "replace") for cell in cells
    ]
    return pa.array(texts, column.type)


def open_parquet(source: Any, encoded: Sequence[str] = ()) -> Any:
    """Return an opened Parquet file whose rows are in proportion to its size.

    Parameters
    ----------
    source : path, open file or bytes
        The Parquet file.
    encoded : sequence of str
        Columns of text or bytes that stay dictionaries, so that equal cells are held once.

    Raises
    ------
    TooMuchError
        If it has more rows, or unpacks to more bytes, than its size allows.
    ArrowException, OSError
        If it is no Parquet file.
    """
    import pyarrow.parquet as pq  # on first use, as it loads ssl

    if isinstance(source, bytes):
        source = pa.BufferReader(source)
    try:
        file = pq.ParquetFile(source, read_dictionary=list(encoded) or None)
        file.schema_arrow.names  # noqa: B018 - decoded only here
    except UnicodeDecodeError as problem:
        raise pa.ArrowInvalid(
            f"the name of a column is no UTF-8: {problem}"
        ) from problem
    about, size = file.metadata, _size(source)
    rows = limits.table_rows(size)
    if about.num_rows > rows:
        raise TooMuchError(
            f"{about.num_rows:,} rows in {size:,} bytes; {rows:,} are the most that is read"
        )
    groups = map(about.row_group, range(about.num_row_groups))
    if sum(group.total_byte_size for group in groups) > limits.unpacked(size):
        raise TooMuchError(
            f"unpacks to more than {limits.UNPACKED_RATIO} times its size"
        )
    return file


def _size(source: Any) -> int:
    if isinstance(source, pa.NativeFile):
        return int(source.size())
    if not hasattr(source, "seek"):
        return Path(source).stat().st_size
    position = source.tell()
    size = source.seek(0, io.SEEK_END)
    source.seek(position)
    return int(size)


def read_parquet(source: Any, table: Table) -> pd.DataFrame:
    """Read a table that `write_parquet` wrote, or pandas, the same in every value.

    Parameters
    ----------
    source : path or open file
        The Parquet file.
    table : Table
        Which table of `certtrust.schema` it is.

    Raises
    ------
    SourceError
        If it is no Parquet file, or if a column does not hold what the table declares.
    """
    try:
        stored = sound(open_parquet(source).read())
        frame = _frame(stored, table)
        for name, words in (
            _about(stored.schema.metadata).get("categories", {}).items()
        ):
            categories = pd.Index(words["values"]).astype(words["dtype"])
            frame[name] = frame[name].astype(
                pd.CategoricalDtype(categories, words["ordered"])
            )
    except (
        pa.ArrowException,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        OSError,
    ) as problem:
        raise SourceError(
            say("errors.reading.not_a_table", table=table.name, problem=problem)
        ) from problem
    return frame


def _frame(stored: Any, table: Table) -> pd.DataFrame:
    """Return an Arrow table as a frame, with the index that pandas has noted."""
    declared = {column.name: column.dtype for column in table}
    others = [name for name in stored.column_names if name not in declared]
    frame = stored.select(others).to_pandas()
    index = frame.index
    if len(index) != len(stored):
        index = pd.RangeIndex(len(stored))
    columns = {
        name: from_arrow(stored.column(name), name, declared[name]).set_axis(index)
        if name in declared
        else frame[name]
        for name in stored.column_names
        if name in declared or name in frame
    }
    return pd.DataFrame(columns, index=index)


def written_csv(head: bytes, table: Table) -> bool:
    """Return True where a file begins as `write_csv` begins a whole table, with names in quotes.

    Examples
    --------
    >>> from certtrust.schema import LINKS
    >>> written_csv(b'"child","issuer","verified"', LINKS)
    True
    >>> written_csv(b"child,issuer,verified", LINKS)
    False
    """
    return head.startswith(",".join(f'"{name}"' for name in table.names).encode())


def written_parquet(stored: dict[bytes, bytes] | None, table: Table) -> bool:
    """Return True where `write_parquet` wrote a table, by the metadata of the file's schema."""
    return bool(_about(stored).get("table") == table.name)


def _about(stored: dict[bytes, bytes] | None) -> dict[str, Any]:
    """Return the metadata of a Parquet file as a dict; empty if another program wrote it."""
    try:
        about = json.loads((stored or {}).get(METADATA, b"{}"))
    except (ValueError, RecursionError):
        return {}
    return about if isinstance(about, dict) else {}


def write_csv(frame: pd.DataFrame, table: Table, file: Any) -> None:
    """Write a table as CSV; `read_csv` gives the same values, numbered from 0.

    The categories of a word are then those that occur.

    Parameters
    ----------
    frame : DataFrame
        Rows of the table. Columns beyond it are kept; columns that it lacks are not added.
    table : Table
        Which table of `certtrust.schema` it is.
    file : path or open file
        Where to write it; what is there is replaced.

    Examples
    --------
    >>> from certtrust.schema import LINKS
    >>> file = io.BytesIO()
    >>> links = pd.DataFrame({"child": ["9c1f"], "issuer": [None], "verified": [True]})
    >>> write_csv(links, LINKS, file)
    >>> file.getvalue().decode().splitlines()[1]
    '"9c1f",,true'
    """
    declared = {column.name: column.dtype for column in table}
    columns = {
        str(name): _as_text(
            to_arrow(column, str(name), declared.get(str(name)) or _dtype_of(column))
        )
        for name, column in frame.items()
    }
    with _whole(file) as target:
        pa_csv.write_csv(pa.table(columns), target)


def read_csv(source: Any, table: Table) -> pd.DataFrame:
    """Read a table that `write_csv` wrote, or pandas where the table has no lists.

    Parameters
    ----------
    source : path, open file or bytes
        The CSV file, with a header.
    table : Table
        Which table of `certtrust.schema` it is. A column beyond it is a flag where it holds
        nothing else, and text otherwise.

    Raises
    ------
    SourceError
        If it is no such file, or if a column does not hold what the table declares.
    """
    data = source if isinstance(source, bytes) else _content(source)
    declared = {column.name: column.dtype for column in table}
    try:
        return pd.DataFrame(
            {
                name: from_arrow(_typed(text, name, dtype), name, dtype)
                for name, text in _cells(data).items()
                for dtype in [declared.get(name) or _guessed(name, text)]
            }
        )
    except (pa.ArrowException, csv.Error, ValueError, TypeError) as problem:
        raise SourceError(
            say("errors.reading.not_a_table", table=table.name, problem=problem)
        ) from problem


def _content(source: Any) -> bytes:
    return (
        bytes(source.read()) if hasattr(source, "read") else Path(source).read_bytes()
    )


def _cells(data: bytes) -> dict[str, Any]:
    """Return the columns of a CSV file as text; an empty field without quotes is missing."""
    data = data.removeprefix(codecs.BOM_UTF8)
    names = next(
        csv.reader(io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="")), []
    )
    if len(set(names)) < len(names):
        raise ValueError("a column stands there twice")
    stored = pa_csv.read_csv(
        io.BytesIO(data),
        pa_csv.ReadOptions(block_size=min(len(data) + 1, _LARGEST_BLOCK)),
        pa_csv.ParseOptions(newlines_in_values=True),
        pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, _STRING),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    if stored.column_names != names:
        raise ValueError("its heading has a quote in the middle of a name")
    return {name: stored.column(name).combine_chunks() for name in names}


def to_arrow(values: pd.Series, name: str, dtype: str) -> Any:
    """Return a column as an Arrow array of the type that its dtype has in files."""
    if dtype == WORD:
        words = values.astype("category").cat
        codes = words.codes.to_numpy().astype(np.int32)
        labels = pa.array(words.categories.astype("str"), _STRING)
        return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), labels)
    if dtype == OBJECT:
        # Equal rows share one object, which is converted once.
        cells = values.to_numpy(dtype=object)
        code, _ = pd.factorize(
            np.fromiter(map(id, cells), dtype=np.int64, count=len(cells))
        )
        _, first = np.unique(code, return_index=True)
        distinct = pa.array(cells[first], STRUCTURES[name], from_pandas=True)
        return distinct.take(pa.array(code))
    array = pa.array(values, ARROW[dtype], from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def from_arrow(values: Any, name: str, dtype: str) -> pd.Series:
    """Return an Arrow column as a Series of its declared dtype; text is not copied."""
    values = (
        values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])
    )
    arrow = STRUCTURES[name] if dtype == OBJECT else ARROW[dtype]
    if values.type != arrow:
        values = values.cast(arrow)
    if dtype == TEXT:
        return pd.Series(
            pd.array(values, dtype=pd.StringDtype("pyarrow", na_value=np.nan))
        )
    if dtype == WORD:
        return _words(values.unify_dictionaries())
    if dtype == MOMENT:
        return pd.Series(values.to_pandas()).astype("datetime64[us, UTC]")
    if dtype == NUMBER:
        return pd.Series(values.to_pandas())
    if dtype in (FLAG, COUNT):
        return _masked(
            values,
            pd.arrays.BooleanArray if dtype == FLAG else pd.arrays.IntegerArray,
        )
    if dtype == BYTES:
        return pd.Series(_shared(values), dtype="object")
    cells = np.empty(len(values), dtype=object)
    cells[:] = _lists(values) if dtype == LIST else values.to_pylist()
    if dtype == OBJECT:
        shared: dict[str, Any] = {}
        cells[:] = [shared.setdefault(repr(cell), cell) for cell in cells]
    return pd.Series(cells, dtype="object")


def _shared(values: Any) -> np.ndarray[Any, Any]:
    """Return cells of bytes, of which equal ones are one object."""
    if not len(values):  # Arrow joins no chunks of a dictionary if there are none
        return np.array([], dtype=object)
    encoded = pc.dictionary_encode(values).combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = pa.concat_arrays(encoded.chunks)
    distinct = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)
    cells: np.ndarray[Any, Any] = distinct[encoded.indices.fill_null(-1).to_numpy()]
    return cells


def _lists(values: Any) -> list[list[str] | None]:
    """Return lists of text as Python's, each one its own."""
    lists: list[list[str] | None] = []
    for chunk in values.chunks:
        texts = chunk.values.to_pylist()  # noqa: PD011 - the cells of an Arrow list
        bounds = chunk.offsets.to_numpy().tolist()
        lists += map(texts.__getitem__, map(slice, bounds, bounds[1:]))
        for row in np.flatnonzero(chunk.is_null().to_numpy(zero_copy_only=False)):
            lists[len(lists) - len(chunk) + row] = None
    return lists


def _words(values: Any) -> pd.Series:
    """Return encoded text, of one dictionary in all chunks, as a category."""
    labels = values.chunk(0).dictionary.to_pylist() if values.num_chunks else []
    codes = [chunk.indices.fill_null(-1).to_numpy() for chunk in values.chunks]
    code = np.concatenate([*codes, np.empty(0, np.int32)])
    dtype = pd.CategoricalDtype(pd.Index(labels, dtype="str"))
    return pd.Series(pd.Categorical.from_codes(code, dtype=dtype))


def _masked(values: Any, array: Any) -> pd.Series:
    missing = pc.is_null(values).to_numpy()
    filled = (
        pc.fill_null(values, pa.scalar(0).cast(values.type))
        if values.null_count
        else values
    )
    cells = filled.to_numpy()
    return pd.Series(array(cells if cells.flags.writeable else cells.copy(), missing))


def _as_text(values: Any) -> Any:
    """Return an Arrow column as text for CSV; flags and numbers need no quotes."""
    if pa.types.is_boolean(values.type) or pa.types.is_integer(values.type):
        return values
    if pa.types.is_large_binary(values.type):
        cells = [
            cell if cell is None else b64encode(cell).decode()
            for cell in values.to_pylist()
        ]
    elif pa.types.is_nested(values.type) and not pa.types.is_dictionary(values.type):
        cells = [
            cell if cell is None else json.dumps(cell, ensure_ascii=False)
            for cell in values.to_pylist()
        ]
    else:
        return values.cast(_STRING)
    return pa.array(cells, _STRING)


def _unambiguous(cell: str) -> Any:
    """Return the JSON value of a cell."""
    value = loads(cell)
    if keys := twins(value):
        raise ValueError(note_on_twins(keys))
    return value


def _typed(text: Any, name: str, dtype: str) -> Any:
    """Return an Arrow column from its text in CSV."""
    if dtype == FLAG:
        return pc.utf8_lower(text).cast(pa.bool_())
    if dtype == BYTES:
        cells = [
            cell if cell is None else b64decode(cell, validate=True)
            for cell in text.to_pylist()
        ]
        return pa.array(cells, ARROW[BYTES])
    if dtype in (LIST, OBJECT):
        cells = [
            cell if cell is None else _unambiguous(cell) for cell in text.to_pylist()
        ]
        return pa.array(cells, STRUCTURES[name] if dtype == OBJECT else ARROW[LIST])
    return text.dictionary_encode() if dtype == WORD else text.cast(ARROW[dtype])


def _dtype_of(column: pd.Series) -> str:
    """Return the dtype as which a column beyond the table is written."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return FLAG
    if pd.api.types.is_integer_dtype(column.dtype):
        return COUNT
    return MOMENT if isinstance(column.dtype, pd.DatetimeTZDtype) else TEXT


def _guessed(name: str, text: Any) -> str:
    """Return the dtype of a column beyond the table; names of rules have a dot in them."""
    words = set(pc.utf8_lower(text).unique().drop_null().to_pylist())
    return FLAG if words <= {"true", "false"} and (words or "." in name) else TEXT
