"""Judged: the attempts and results of parts, and frames of parts put together again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..arrays.grouping import Codes
from ..evaluation.check import check
from .split import Part


def judge(
    part: Part,
    *,
    at: pd.Series | pd.Timestamp | str | None = None,
    now: pd.Timestamp | None = None,
) -> pd.DataFrame:
    """Return the results of a part: its rows of `check(attempts(fleet), at=at)`.

    Parameters
    ----------
    part : Part
        A part of a fleet.
    at : Timestamp, str or Series, optional
        As for `certtrust.check`.
    now : Timestamp, optional
        The moment of attempts without a time, where `at` is not given, so that all parts are
        judged at one.
    """
    attempts = part.attempts()
    if at is None and now is not None:
        at = attempts["time"].fillna(now)
    return check(attempts, at=at)


def together(
    frames: Sequence[pd.DataFrame], positions: Sequence[Codes] | None = None
) -> pd.DataFrame:
    """Return frames of one table as one frame, its categories those of all of them.

    Parameters
    ----------
    frames : sequence of DataFrame
        One or more.
    positions : sequence of array of int, optional
        Where the rows of each stand in the whole; by default they follow one another.

    Examples
    --------
    >>> parts = [pd.DataFrame({"cause": pd.Categorical([word])}) for word in "ba"]
    >>> together(parts)["cause"].cat.categories.tolist()
    ['a', 'b']
    """
    if len(frames) == 1 and positions is None:
        return frames[0]
    words = _words(frames)
    whole = pd.concat([frame.astype(words) for frame in frames] if words else frames)
    if positions is None:
        return whole
    return whole.take(np.argsort(np.concatenate(positions), kind="stable"))


def _words(frames: Sequence[pd.DataFrame]) -> dict[str, pd.CategoricalDtype]:
    """Return the categories of each column that has different ones in different frames."""
    dtypes: dict[str, set[pd.CategoricalDtype]] = {}
    for frame in frames:
        for name, dtype in frame.dtypes.items():
            if isinstance(dtype, pd.CategoricalDtype):
                dtypes.setdefault(str(name), set()).add(dtype)
    return {
        name: pd.CategoricalDtype(
            sorted(set().union(*(one.categories for one in own)))
        )
        for name, own in dtypes.items()
        if len(own) > 1
    }
