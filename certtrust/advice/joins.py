"""Joins of columns of texts and numbers, where only positions are needed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..arrays.grouping import Codes, first_positions


def among(texts: pd.Series, values: pd.Series) -> npt.NDArray[np.bool_]:
    """Return which texts are among the values; a missing one is not."""
    return first_positions(texts, values) >= 0


def values_at(values: pd.Series, position: Codes, index: pd.Index) -> pd.Series:
    """Return the value at each position, missing for -1."""
    return pd.Series(values.array.take(position, allow_fill=True), index=index)


def microseconds(moments: pd.Series) -> Codes:
    """Return moments as microseconds since the epoch."""
    return np.asarray(
        moments.astype("datetime64[us, UTC]").astype("int64"), dtype=np.int64
    )
