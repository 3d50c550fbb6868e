"""Rows that are alike, by number: strings as places in a list, rows by what they share, sets of
things per owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from . import threads
from .arrow import whole

Codes = npt.NDArray[np.int64]
_SMALL, _FEW = 32, 4
_WIDEST = 2**62


def arrow(texts: pd.Series) -> Any:
    """Return a column of text as one Arrow array; missing is null."""
    texts = texts if texts.dtype == "str" else texts.astype("str")
    return whole(pa.array(texts, type=pa.large_string(), from_pandas=True))


def distinct(*texts: pd.Series) -> pd.Series:
    """Return each text of the columns once, in order of first appearance, without the missing."""
    found = pc.unique(
        pa.chunked_array([arrow(each) for each in texts], type=pa.large_string())
    ).drop_null()
    return pd.Series(pd.array(found, dtype="str"))


def places(texts: pd.Series, among: pd.Series) -> Codes:
    """Return the first place of each text in `among`, and -1 where it is missing or not there.

    Examples
    --------
    >>> places(pd.Series(["b", None, "c"]), pd.Series(["a", "b"])).tolist()
    [1, -1, -1]
    """
    if texts.empty or among.empty:
        return np.full(len(texts), -1, dtype=np.int64)
    wanted, known = arrow(texts), arrow(among)
    if _FEW * len(wanted) >= len(known):
        return _index(wanted, known)
    # Few among many: a table of the few is made, not one of the many.
    few = pc.unique(wanted)
    place = _index(known, few)
    rows = np.flatnonzero(place >= 0)[::-1]
    first = np.full(len(few) + 1, -1, dtype=np.int64)
    first[place[rows]] = rows
    return first[_index(wanted, few)]


def places_of_rows(rows: Sequence[pd.Series], among: Sequence[pd.Series]) -> Codes:
    """Return the first place of each row of texts in `among`, and -1 where one is missing or
    the row is not there.

    Examples
    --------
    >>> one, other = pd.Series(["a", "a", "b"]), pd.Series(["x", None, "x"])
    >>> places_of_rows((one, other), (pd.Series(["b", "a"]), pd.Series(["y", "x"]))).tolist()
    [1, -1, -1]
    """
    wanted, known = (
        np.zeros(len(columns[0]), dtype=np.int64) for columns in (rows, among)
    )
    for mine, theirs in zip(rows, among, strict=True):
        texts = distinct(theirs)
        here, there = places(mine, texts), places(theirs, texts)
        wanted = np.where((wanted < 0) | (here < 0), -1, wanted * len(texts) + here)
        known = np.where((known < 0) | (there < 0), -2, known * len(texts) + there)
    return _index(pa.array(wanted), pa.array(known))


def _index(wanted: Any, known: Any) -> Codes:
    found = pc.index_in(wanted, value_set=known, skip_nulls=True)
    return np.asarray(
        found.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64
    )


def combine(*columns: Codes) -> tuple[Codes, Codes]:
    """Number the distinct rows of the columns; return each row's number and the first row of
    each number.

    Examples
    --------
    >>> code, first = combine(np.array([5, 5, 7, 5]), np.array([1, 1, 1, 2]))
    >>> code.tolist(), first.tolist()
    ([0, 0, 1, 2], [0, 2, 3])
    """
    code = np.zeros(len(columns[0]), dtype=np.int64)
    span = 1
    for column in columns if len(code) else ():
        least = int(column.min())
        size = int(column.max()) - least + 1
        if span * size > _WIDEST:
            code, known = pd.factorize(code)
            span = len(known)
        if span * size > _WIDEST:
            column, known = pd.factorize(column)
            least, size = 0, len(known)
        code = code * size + (column.astype(np.int64) - least)
        span *= size
    code, known = pd.factorize(code)
    count = len(known)
    first = np.zeros(count if len(code) else 0, dtype=np.int64)
    first[code[::-1]] = np.arange(len(code))[::-1]
    return code, first


def spread(counts: Codes) -> tuple[Codes, Codes]:
    """Return for n owners with so many things each: the owner of each thing, and its number
    among the owner's.
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)


def alike(frame: pd.DataFrame, columns: Iterable[str]) -> tuple[Codes, Codes]:
    """Number the rows that are alike in these columns; return each row's number and the first
    row of each number.

    Devices try again and again in the same way: what follows from these columns is worked out
    once per number.

    Examples
    --------
    >>> frame = pd.DataFrame({"device": ["a", None, "a"], "time": [1, 2, 3]})
    >>> code, first = alike(frame, ["device"])
    >>> code.tolist(), first.tolist()
    ([0, 1, 0], [0, 1])
    """
    return combine(
        *threads.each(numbers, [frame[name] for name in columns], len(frame))
    )


def once(frame: pd.DataFrame) -> pd.DataFrame:
    """Return each distinct row once, numbered from 0."""
    _, first = alike(frame, frame.columns)
    return frame.iloc[first].reset_index(drop=True)


def numbers(values: pd.Series) -> Codes:
    """Return numbers that are equal where the values are, and where both are missing."""
    numbered: Codes = (
        values.to_numpy() if values.dtype == np.int64 else pd.factorize(values)[0]
    )
    return numbered


def same_objects(values: pd.Series) -> Codes:
    """Return numbers that are equal where two rows hold the very same object.

    They are the addresses that a column of objects consists of: what the rows share could not
    be compared quickly.
    """
    addresses = values.to_numpy(dtype=object).tobytes()
    return np.frombuffer(addresses, dtype=np.intp).astype(np.int64, copy=False)


def _as_bytes(rows: Codes) -> npt.NDArray[np.object_]:
    whole = np.empty(len(rows), dtype=object)
    whole[:] = [row.tobytes() for row in rows]
    return whole


def same_sets(owners: Codes, members: Codes) -> tuple[Codes, list[frozenset[int]]]:
    """Number the distinct sets of members that owners 0, 1, 2, ... have, each owner having at
    least one.

    Small sets of one size are compared member by member, all owners at once.

    Examples
    --------
    >>> number, sets = same_sets(np.array([0, 0, 1, 1, 2]), np.array([8, 9, 9, 8, 8]))
    >>> number.tolist(), [sorted(each) for each in sets]
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
            combine(*rows.T)
            if size <= _SMALL
            else combine(pd.factorize(_as_bytes(rows))[0])
        )
        number[of_size] = code + len(sets)
        sets += [frozenset(rows[each].tolist()) for each in first]
    return number, sets
