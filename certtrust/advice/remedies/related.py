"""Related attempts: those that a plan depends on, each kind of them once, with their number."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...arrays import threads
from ...arrays.arrow import as_mask
from ...arrays.grouping import (
    Codes,
    distinct,
    factorize_codes,
    factorize_rows,
    object_codes,
)
from ...evaluation.check import required
from ..joins import among, microseconds
from .failures import RULES, Flags, failed

ALIKE = "alike"
"""The column that says how many attempts a row stands for; 0 where another row counts it."""

ATTEMPT = [
    "device",
    "pbx",
    "registration_name",
    "hardware_id",
    "serial",
    "interface",
    "fingerprint",
    "bundle",
    "scenario",
    "protocol",
    "authentication",
    "via_reverse_proxy",
    "reverse_proxy",
]
"""The columns in which equal attempts differ at most in time and outcome."""

_REQUIRING = ["scenario", "protocol", "authentication"]
"""The columns that decide which rules an attempt requires."""


def spans(dates: Codes, moments: Codes) -> Codes:
    """Return a code for each moment, equal where none of the dates lies between."""
    before, up_to = (
        np.searchsorted(dates, moments, side=side) for side in ("left", "right")
    )
    return before + up_to


def related_rows(
    results: pd.DataFrame,
    dates: Codes,
    shared: pd.Series | None = None,
    kept: Flags | None = None,
) -> pd.DataFrame:
    """Return the attempts that decide about a plan, once where no plan tells them apart.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS, of a fleet or of a part of one.
    dates : array of int
        When CAs and entries of trust lists begin and end, sorted, in microseconds since the epoch.
    shared : Series of str, optional
        Certificates that attempts of other parts may present; their attempts are kept, since
        these may fail.
    kept : array of bool, optional
        Attempts that are kept, if they are related, although others are like them.

    Returns
    -------
    DataFrame
        Rows of `results`, in order, with `ALIKE`. Of attempts that differ in their time alone
        the first in order, the earliest and the latest are kept.
    """
    fails = failed(results)
    positions = related(results, fails, shared)
    rows, fails = results.iloc[positions], fails[positions]
    if rows.empty:
        return rows.assign(**{ALIKE: np.empty(0, dtype=np.int64)})
    moments = microseconds(rows["judged_at"])
    broken, unsure = outcomes(rows[[*dict.fromkeys([*_REQUIRING, *RULES])]])
    bits = 1 << np.arange(len(RULES))
    parts = [
        broken @ bits,
        unsure @ bits,
        object_codes(rows["trust_paths"]),
        spans(dates, moments),
    ]
    code, _ = factorize_rows(rows[ATTEMPT], ATTEMPT)
    kind, first = factorize_codes(
        code,
        pd.factorize(rows["verdict"])[0].astype(np.int64),
        fails.astype(np.int64),
        *(np.where(fails, part, -1) for part in parts),
    )
    order = np.lexsort((moments, kind))
    edge = np.diff(kind[order], prepend=-1, append=-1) != 0
    chosen = [first, order[edge[:-1] | edge[1:]]]
    if kept is not None:
        chosen.append(np.flatnonzero(kept[positions]))
    every = np.unique(np.concatenate(chosen))
    alike = np.zeros(len(rows), dtype=np.int64)
    alike[first] = np.bincount(kind, minlength=len(first))
    return rows.iloc[every].assign(**{ALIKE: alike[every]})


def related(
    results: pd.DataFrame, fails: Flags, shared: pd.Series | None = None
) -> Codes:
    """Return the positions of failed attempts, and of others by their devices or certificates."""
    columns = [results[name] for name in ("device", "fingerprint")]
    chosen = threads.parallel_map(
        lambda column: among(column, distinct(column[fails])), columns, len(results)
    )
    if shared is not None:
        chosen.append(among(results["fingerprint"], shared))
    return np.flatnonzero(fails | np.any(chosen, axis=0))


def outcomes(attempts: pd.DataFrame) -> tuple[Flags, Flags]:
    """Return which rules each attempt breaks, and which it requires but leaves undecided."""
    applies = required(attempts)
    broken = np.column_stack([as_mask(~attempts[code]) for code in RULES])
    unsure = np.column_stack(
        [applies[code] & attempts[code].isna().to_numpy() for code in RULES]
    )
    return broken, unsure
