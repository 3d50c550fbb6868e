"""Columns on their way into Arrow, whose text kernels compare whole columns, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CerttrustError


def text(values: Iterable[Any]) -> Any:
    """Return values as Arrow text: other types are spelled out, what is no UTF-8 is replaced."""
    if isinstance(values, pa.LargeStringArray):
        return values
    series = (
        values
        if isinstance(values, pd.Series)
        else pd.Series(list(values), dtype="object")
    )
    try:
        texts = pa.array(series, type=pa.large_string(), from_pandas=True)
    except (UnicodeEncodeError, pa.ArrowException):
        cells = [
            None if pd.isna(value) else str(value).encode(errors="replace").decode()
            for value in series
        ]
        texts = pa.array(cells, type=pa.large_string())
    return one_chunk(texts)


def one_chunk(texts: Any) -> Any:
    """Return Arrow text as one array; a column may consist of chunks of two types of text."""
    if not isinstance(texts, pa.ChunkedArray):
        return texts
    return pa.concat_arrays(
        [
            pa.array([], pa.large_string()),
            *(chunk.cast(pa.large_string()) for chunk in texts.chunks),
        ]
    )


def as_mask(flags: Any) -> npt.NDArray[np.bool_]:
    """Return a Series or Arrow array of flags as a NumPy mask; a missing flag is False."""
    if isinstance(flags, pd.Series):
        return flags.to_numpy(dtype=bool, na_value=False)
    filled = pc.fill_null(flags, fill_value=False).to_numpy(zero_copy_only=False)
    return np.asarray(filled, dtype=bool)


def replace_where(texts: Any, mask: Any, change: Callable[[Any], Any]) -> Any:
    """Return Arrow text with `change` applied to the rows of a mask, whose flags may be missing."""
    mask = pc.fill_null(mask, fill_value=False)
    if not pc.any(mask).as_py():
        return texts
    return pc.replace_with_mask(texts, mask, change(texts.filter(mask)))


def flags(values: np.ndarray, missing: np.ndarray, index: pd.Index) -> pd.Series:
    """Return flags as a three-valued Series."""
    return pd.Series(pd.arrays.BooleanArray(values, missing), index=index)


def index_of(values: Any) -> pd.Index:
    """Return the index of a Series, and one from 0 for anything else."""
    return (
        values.index if isinstance(values, pd.Series) else pd.RangeIndex(len(values))
    )


def same_length(**columns: Any) -> None:
    """Raise unless two columns are of the same length.

    Raises
    ------
    CerttrustError
        If they are not.
    """
    (one, left), (other, right) = columns.items()
    if len(left) != len(right):
        raise CerttrustError(
            f"{one} has {len(left)} values and {other} {len(right)}; they pair up one to one"
        )
