"""Ownership and grouping: compare the array functions with plain loops."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from certtrust.arrays.grouping import factorize_codes, factorize_rows
from certtrust.evaluation.ownership import _newest_issued

DAYS = st.integers(0, 6)
START = pd.Timestamp("2026-01-01T00:00:00Z")


def moments(days):
    """Return numbered days as times, None as missing."""
    return pd.Series(
        [pd.NaT if day is None else START + pd.Timedelta(days=day) for day in days],
        dtype="datetime64[us, UTC]",
    )


@given(
    st.lists(st.tuples(st.integers(0, 3), st.one_of(DAYS, st.none())), max_size=12),
    st.lists(st.tuples(st.integers(-1, 4), DAYS), max_size=12),
    st.booleans(),
)
def test_the_newest_certificate_is_that_of_a_plain_loop(issued, queries, or_next):
    """It is the last one issued by that day, and the last row of several on one day; or else,
    with `or_next`, the first one issued later.
    """
    frame = pd.DataFrame(
        {
            "owner": np.array([owner for owner, _ in issued], dtype=np.int64),
            "not_before": moments([day for _, day in issued]),
            "first_row": np.arange(len(issued)) + 100,
        }
    )
    expected = []
    for owner, day in queries:
        own_certificates = sorted(
            (issue_day, position)
            for position, (holder, issue_day) in enumerate(issued)
            if holder == owner and issue_day is not None
        )
        before = [
            position for issue_day, position in own_certificates if issue_day <= day
        ]
        after = [
            position for issue_day, position in own_certificates if issue_day > day
        ]
        expected.append(
            before[-1] + 100
            if before
            else after[0] + 100
            if after and or_next
            else -1
        )
    first_rows = _newest_issued(
        np.array([owner for owner, _ in queries], dtype=np.int64),
        moments([day for _, day in queries]),
        frame,
        or_next=or_next,
    )
    assert first_rows.tolist() == expected


WIDE = st.sampled_from([-(2**62), -3, -1, 0, 1, 2, 2**40, 2**62])


@given(st.lists(st.tuples(WIDE, WIDE, WIDE), max_size=12))
def test_rows_have_the_same_code_exactly_if_they_are_equal(rows):
    """Codes are in order of first appearance, however far apart the values are."""
    code, first = factorize_codes(*np.array(rows, dtype=np.int64).reshape(-1, 3).T)
    order = list(dict.fromkeys(rows))
    assert code.tolist() == [order.index(row) for row in rows]
    assert [rows[position] for position in first] == order


def test_missing_values_are_equal():
    """A value that is missing in two rows does not distinguish them."""
    frame = pd.DataFrame(
        {
            "a": ["x", None, "x", None],
            "b": pd.array([True, pd.NA, True, False], dtype="boolean"),
        }
    )
    assert factorize_rows(frame, ["a", "b"])[0].tolist() == [0, 1, 0, 2]
