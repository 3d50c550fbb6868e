"""Texts, rows and sets as numbers: positions in a list, codes of what is equal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from . import threads
from .arrow import one_chunk

Codes = npt.NDArray[np.int64]
_SMALL, _FEW = 32, 4
_WIDEST = 2**62


def as_arrow(texts: pd.Series) -> Any:
    """Return a column of text as one Arrow array; missing is null."""
    texts = texts if texts.dtype == "str" else texts.astype("str")
    return one_chunk(pa.array(texts, type=pa.large_string(), from_pandas=True))


def distinct(*texts: pd.Series) -> pd.Series:
    """Return the distinct texts of the columns in order of first appearance, none missing."""
    chunks = pa.chunked_array(map(as_arrow, texts), type=pa.large_string())
    return pd.Series(pd.array(pc.unique(chunks).drop_null(), dtype="str"))


def first_positions(texts: pd.Series, among: pd.Series) -> Codes:
    """Return the first position of each text in `among`, -1 where it is missing or absent.

    Examples
    --------
    >>> first_positions(pd.Series(["b", None, "c"]), pd.Series(["a", "b"])).tolist()
    [1, -1, -1]
    """
    if texts.empty or among.empty:
        return np.full(len(texts), -1, dtype=np.int64)
    needles, haystack = as_arrow(texts), as_arrow(among)
    if _FEW * len(needles) >= len(haystack):
        return _index(needles, haystack)
    # Few among many: hash the few, not the many.
    few = pc.unique(needles)
    code = _index(haystack, few)
    rows = np.flatnonzero(code >= 0)[::-1]
    first = np.full(len(few) + 1, -1, dtype=np.int64)
    first[code[rows]] = rows
    return first[_index(needles, few)]


def first_row_positions(
    rows: Sequence[pd.Series], among: Sequence[pd.Series]
) -> Codes:
    """Return the first position of each row of texts in `among`, -1 if incomplete or absent.

    Examples
    --------
    >>> one, other = pd.Series(["a", "a", "b"]), pd.Series(["x", None, "x"])
    >>> among = pd.Series(["b", "a"]), pd.Series(["y", "x"])
    >>> first_row_positions((one, other), among).tolist()
    [1, -1, -1]
    """
    needles, haystack = (
        np.zeros(len(columns[0]), dtype=np.int64) for columns in (rows, among)
    )
    for left, right in zip(rows, among, strict=True):
        texts = distinct(right)
        code, other = first_positions(left, texts), first_positions(right, texts)
        needles = np.where(
            (needles < 0) | (code < 0), -1, needles * len(texts) + code
        )
        haystack = np.where(
            (haystack < 0) | (other < 0), -2, haystack * len(texts) + other
        )
    return _index(pa.array(needles), pa.array(haystack))


def _index(needles: Any, haystack: Any) -> Codes:
    positions = pc.index_in(needles, value_set=haystack, skip_nulls=True).fill_null(
        -1
    )
    return np.asarray(positions.to_numpy(zero_copy_only=False), dtype=np.int64)


def factorize_codes(*columns: Codes) -> tuple[Codes, Codes]:
    """Return a code for each row, equal where the rows are, and the first row of each code.

    Examples
    --------
    >>> code, first = factorize_codes(np.array([5, 5, 7, 5]), np.array([1, 1, 1, 2]))
    >>> code.tolist(), first.tolist()
    ([0, 0, 1, 2], [0, 2, 3])
    """
    code = np.zeros(len(columns[0]), dtype=np.int64)
    span = 1
    for column in columns if len(code) else ():
        least = int(column.min())
        size = int(column.max()) - least + 1
        if span * size > _WIDEST:
            code, values = pd.factorize(code)
            span = len(values)
        if span * size > _WIDEST:
            column, values = pd.factorize(column)
            least, size = 0, len(values)
        code = code * size + (column.astype(np.int64) - least)
        span *= size
    code, values = pd.factorize(code)
    count = len(values)
    first = np.zeros(count if len(code) else 0, dtype=np.int64)
    first[code[::-1]] = np.arange(len(code))[::-1]
    return code, first


def repeat_ranges(counts: Codes) -> tuple[Codes, Codes]:
    """Return the owner of each item and its number among the owner's, given counts per owner.

    Examples
    --------
    >>> owner, number = repeat_ranges(np.array([2, 0, 1]))
    >>> owner.tolist(), number.tolist()
    ([0, 0, 2], [0, 1, 0])
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(
        np.cumsum(counts) - counts, counts
    )


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


def factorize_rows(
    frame: pd.DataFrame, columns: Iterable[str]
) -> tuple[Codes, Codes]:
    """Return a code for each row, equal where these columns are, and the first row of each code.

    Devices repeat the same attempt again and again: what follows from these columns is worked
    out once per code.

    Examples
    --------
    >>> frame = pd.DataFrame({"device": ["a", None, "a"], "time": [1, 2, 3]})
    >>> code, first = factorize_rows(frame, ["device"])
    >>> code.tolist(), first.tolist()
    ([0, 1, 0], [0, 1])
    """
    return factorize_codes(
        *threads.parallel_map(codes, [frame[name] for name in columns], len(frame))
    )


def distinct_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the distinct rows, numbered from 0."""
    _, first = factorize_rows(frame, frame.columns)
    return frame.iloc[first].reset_index(drop=True)


def codes(values: pd.Series) -> Codes:
    """Return numbers that are equal where the values are equal or both missing."""
    integers: Codes = (
        values.to_numpy() if values.dtype == np.int64 else pd.factorize(values)[0]
    )
    return integers


def object_codes(values: pd.Series) -> Codes:
    """Return numbers that are equal where rows share one object, which is quick to compare.

    They are the addresses that a column of objects consists of.
    """
    addresses = values.to_numpy(dtype=object).tobytes()
    return np.frombuffer(addresses, dtype=np.intp).astype(np.int64, copy=False)


def _as_bytes(rows: Codes) -> npt.NDArray[np.object_]:
    cells = np.empty(len(rows), dtype=object)
    cells[:] = [row.tobytes() for row in rows]
    return cells


def factorize_sets(
    owners: Codes, members: Codes
) -> tuple[Codes, list[frozenset[int]]]:
    """Return a code for the set of members of owners 0, 1, 2, ..., and the set of each code.

    Every owner has at least one member. Small sets of one size are compared member by member,
    all owners at once.

    Examples
    --------
    >>> code, sets = factorize_sets(np.array([0, 0, 1, 1, 2]), np.array([8, 9, 9, 8, 8]))
    >>> code.tolist(), [sorted(members) for members in sets]
    ([1, 1, 0], [[8], [8, 9]])
    """
    order = np.lexsort((members, owners))
    owners, members = owners[order], members[order]
    fresh = np.ones(len(owners), dtype=bool)
    fresh[1:] = (owners[1:] != owners[:-1]) | (members[1:] != members[:-1])
    owners, members = owners[fresh], members[fresh]
    sizes = np.bincount(owners)
    starts = np.cumsum(sizes) - sizes
    number = np.zeros(len(sizes), dtype=np.int64)
    sets: list[frozenset[int]] = []
    for size in np.unique(sizes):
        of_size = np.flatnonzero(sizes == size)
        rows = members[starts[of_size][:, None] + np.arange(size)]
        code, first = (
            factorize_codes(*rows.T)
            if size <= _SMALL
            else factorize_codes(pd.factorize(_as_bytes(rows))[0])
        )
        number[of_size] = code + len(sets)
        sets += [frozenset(rows[row].tolist()) for row in first]
    return number, sets
