"""Owners and groups: the arrays that find a certificate, or rows that are alike, against plain
loops.
"""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from certtrust.arrays.grouping import factorize_codes, factorize_rows
from certtrust.evaluation.ownership import _newest_issued

DAYS = st.integers(0, 6)
START = pd.Timestamp("2026-01-01T00:00:00Z")


def moments(days):
    """Return days as moments, None as missing."""
    return pd.Series(
        [pd.NaT if day is None else START + pd.Timedelta(days=day) for day in days],
        dtype="datetime64[us, UTC]",
    )


@given(
    st.lists(st.tuples(st.integers(0, 3), st.one_of(DAYS, st.none())), max_size=12),
    st.lists(st.tuples(st.integers(-1, 4), DAYS), max_size=12),
    st.booleans(),
)
def test_the_newest_certificate_is_that_of_a_plain_loop(held, asked, or_next):
    """The last one issued by then, of several on one day the last in order; where asked for,
    else the first to come.
    """
    frame = pd.DataFrame(
        {
            "owner": np.array([owner for owner, _ in held], dtype=np.int64),
            "not_before": moments([day for _, day in held]),
            "first_row": np.arange(len(held)) + 100,
        }
    )
    expected = []
    for owner, day in asked:
        own = sorted(
            (issued, place)
            for place, (who, issued) in enumerate(held)
            if who == owner and issued is not None
        )
        before = [place for issued, place in own if issued <= day]
        after = [place for issued, place in own if issued > day]
        expected.append(
            before[-1] + 100
            if before
            else after[0] + 100
            if after and or_next
            else -1
        )
    found = _newest_issued(
        np.array([owner for owner, _ in asked], dtype=np.int64),
        moments([day for _, day in asked]),
        frame,
        or_next=or_next,
    )
    assert found.tolist() == expected


WIDE = st.sampled_from([-(2**62), -3, -1, 0, 1, 2, 2**40, 2**62])


@given(st.lists(st.tuples(WIDE, WIDE, WIDE), max_size=12))
def test_rows_have_one_number_exactly_if_they_are_equal(rows):
    """However far apart the values are, and in order of first appearance."""
    code, first = factorize_codes(*np.array(rows, dtype=np.int64).reshape(-1, 3).T)
    order = list(dict.fromkeys(rows))
    assert code.tolist() == [order.index(row) for row in rows]
    assert [rows[place] for place in first] == order


def test_missing_values_are_alike():
    """What is missing in both rows makes no difference between them."""
    frame = pd.DataFrame(
        {
            "a": ["x", None, "x", None],
            "b": pd.array([True, pd.NA, True, False], dtype="boolean"),
        }
    )
    assert factorize_rows(frame, ["a", "b"])[0].tolist() == [0, 1, 0, 2]
