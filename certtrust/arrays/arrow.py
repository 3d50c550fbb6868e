"""Columns on their way into Arrow, whose text kernels compare whole columns, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CerttrustError


def text(values: Iterable[Any]) -> Any:
    """Return the values as Arrow text; what UTF-8 cannot hold is replaced, and what is no text
    is spelled out.
    """
    if isinstance(values, pa.LargeStringArray):
        return values
    series = (
        values
        if isinstance(values, pd.Series)
        else pd.Series(list(values), dtype="object")
    )
    try:
        found = pa.array(series, type=pa.large_string(), from_pandas=True)
    except (UnicodeEncodeError, pa.ArrowException):
        cells = [
            None if pd.isna(value) else str(value).encode(errors="replace").decode()
            for value in series
        ]
        found = pa.array(cells, type=pa.large_string())
    return whole(found)


def whole(texts: Any) -> Any:
    """Return Arrow text in one piece; a column that was written to may consist of parts of both
    sizes of text.
    """
    if not isinstance(texts, pa.ChunkedArray):
        return texts
    return pa.concat_arrays(
        [
            pa.array([], pa.large_string()),
            *(part.cast(pa.large_string()) for part in texts.chunks),
        ]
    )


def bits(values: Any) -> np.ndarray:
    """Return Arrow flags as NumPy's; what is missing counts as False."""
    return np.asarray(
        pc.fill_null(values, fill_value=False).to_numpy(zero_copy_only=False),
        dtype=bool,
    )


def changed(texts: Any, meant: Any, change: Callable[[Any], Any]) -> Any:
    """Return Arrow text in which a function of text has changed the ones that are meant; flags
    may be missing.
    """
    meant = pc.fill_null(meant, fill_value=False)
    return (
        pc.replace_with_mask(texts, meant, change(texts.filter(meant)))
        if pc.any(meant).as_py()
        else texts
    )


def true(values: pd.Series) -> np.ndarray:
    """Return flags as NumPy's; what is missing counts as False."""
    return values.to_numpy(dtype=bool, na_value=False)


def flags(values: np.ndarray, missing: np.ndarray, index: pd.Index) -> pd.Series:
    """Return flags as a three-valued Series."""
    return pd.Series(pd.arrays.BooleanArray(values, missing), index=index)


def index_of(values: Any) -> pd.Index:
    """Return the index of a Series, or places for anything else."""
    return values.index if isinstance(values, pd.Series) else pd.RangeIndex(len(values))


def same_length(**columns: Any) -> None:
    """Hold two columns to be of one length.

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
