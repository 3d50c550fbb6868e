"""What the message patterns matched, and what the rest looks like."""

from __future__ import annotations

import re

import pandas as pd

from ..names.device_ids import HARDWARE_ID, SERIAL
from ..schema import REGISTRATIONS, expect

_LONGEST = 300
"""Characters of a message that its shape is made from."""
_MASKS = {
    "<hardware_id>": HARDWARE_ID,
    "<serial>": SERIAL,
    "<fingerprint>": "[0-9A-Fa-f]{64}",
    "<address>": r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]+)?",
    "<hex>": "0x[0-9A-Fa-f]+",
    "<n>": "[0-9]+",
}
_REGEX = {**dict.fromkeys(_MASKS, r"\S+"), "<n>": r"\d+", " ": r"\s+"}
COLUMNS = ["matched_by", "shape", "rows", "share", "example", "regex"]


def pattern_coverage(
    registrations: pd.DataFrame, *, shapes: int = 20
) -> pd.DataFrame:
    r"""Count what recognised the records of a log, and the most frequent shapes of what nothing
    recognised.

    Parameters
    ----------
    registrations : DataFrame
        Table REGISTRATIONS.
    shapes : int
        How many shapes of unmatched messages to show.

    Returns
    -------
    DataFrame
        Columns matched_by (a pattern, or missing for what is unmatched), shape (the unmatched
        message with its numbers masked), rows, share (of all rows), example (one such message)
        and regex (the shape as a regular expression, to become a pattern by naming its groups).
        The rows add up to those of the table: what is beyond the number of shapes stands in one
        last row.

    Examples
    --------
    >>> from certtrust import read_registrations
    >>> log = read_registrations(
    ...     "<134>registration state=up name=a\n<134>link 1 up\n<134>link 2 up\n")
    >>> pattern_coverage(log)[["matched_by", "shape", "rows"]].values.tolist()
    [['pairs', nan, 1], [nan, 'link <n> up', 2]]
    """
    registrations = expect(registrations, REGISTRATIONS)
    matched_by = registrations["matched_by"].astype("str")
    counts = matched_by.value_counts()
    by_pattern = pd.DataFrame({"matched_by": counts.index, "rows": counts.to_numpy()})
    by_shape = _shapes(registrations[matched_by.isna()])
    shown, rest = by_shape.iloc[:shapes], by_shape.iloc[shapes:]
    parts = [by_pattern, shown.assign(regex=shown["shape"].map(_as_regex))]
    if len(rest):
        further = f"({len(rest)} further shapes)"
        parts.append(pd.DataFrame({"shape": [further], "rows": [rest["rows"].sum()]}))
    coverage = pd.concat(parts, ignore_index=True).reindex(columns=COLUMNS)
    dtypes = dict.fromkeys(("matched_by", "shape", "example", "regex"), "str")
    coverage = coverage.astype({**dtypes, "rows": "int64"})
    return coverage.assign(share=coverage["rows"] / max(1, len(registrations)))


def _shapes(unmatched: pd.DataFrame) -> pd.DataFrame:
    """Return shape, rows and an example of unmatched messages, the most frequent shape first."""
    raw = unmatched["raw"].astype("str").fillna("")
    message = unmatched["details"].astype("str").fillna(raw).str.slice(stop=_LONGEST)
    messages = pd.DataFrame({"shape": _masked(message), "example": message})
    by_shape = messages.groupby("shape", sort=False, as_index=False).agg(
        rows=("example", "size"), example=("example", "first")
    )
    return by_shape.sort_values(
        "rows", ascending=False, kind="stable", ignore_index=True
    )


def _masked(message: pd.Series) -> pd.Series:
    """Put a placeholder where messages of one shape differ."""
    for name, regex in _MASKS.items():
        message = message.str.replace(rf"\b(?:{regex})\b", name, regex=True)
    return message.str.replace(r"\s+", " ", regex=True).str.strip()


def _as_regex(shape: str) -> str:
    """Return a shape as a regular expression, whose placeholders can become named groups."""
    parts = re.split("|".join(f"({re.escape(name)})" for name in _REGEX), shape)
    return "".join(_REGEX.get(part) or re.escape(part) for part in parts if part)
