"""Joins of columns of texts and numbers, where only positions are needed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..arrays.grouping import Codes, first_positions, repeat_ranges


def among(texts: pd.Series, values: pd.Series) -> npt.NDArray[np.bool_]:
    """Return which texts are among the values; a missing one is not."""
    return first_positions(texts, values) >= 0


def values_at(values: pd.Series, position: Codes, index: pd.Index) -> pd.Series:
    """Return the value at each position, missing for -1."""
    return pd.Series(values.array.take(position, allow_fill=True), index=index)


def equal_pairs(left: Codes, right: Codes) -> tuple[Codes, Codes]:
    """Return the positions of all pairs of equal numbers, by position on the left side first.

    Examples
    --------
    >>> left, right = equal_pairs(np.array([7, -1, 8]), np.array([8, 7, 8]))
    >>> left.tolist(), right.tolist()
    ([0, 2, 2], [1, 0, 2])
    """
    order = np.argsort(right, kind="stable")
    ordered = right[order]
    start = np.searchsorted(ordered, left)
    row, number = repeat_ranges(np.searchsorted(ordered, left, side="right") - start)
    return row, order[start[row] + number]


def microseconds(moments: pd.Series) -> Codes:
    """Return moments as microseconds since the epoch."""
    return np.asarray(
        moments.astype("datetime64[us, UTC]").astype("int64"), dtype=np.int64
    )
