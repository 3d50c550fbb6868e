"""What the message patterns matched, and what the rest looks like."""

from __future__ import annotations

import re

import pandas as pd

from ..names.device_ids import HARDWARE_ID, SERIAL
from ..schema import REGISTRATIONS, expect

_LONGEST = 300
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


def pattern_coverage(registrations: pd.DataFrame, *, shapes: int = 20) -> pd.DataFrame:
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
    matched = registrations["matched_by"].astype("str")
    named = matched.value_counts()
    by_pattern = pd.DataFrame({"matched_by": named.index, "rows": named.to_numpy()})
    left = registrations.loc[matched.isna(), ["details", "raw"]]
    message = (
        left["details"]
        .astype("str")
        .fillna(left["raw"].astype("str"))
        .fillna("")
        .str.slice(stop=_LONGEST)
    )
    found = pd.DataFrame({"shape": _masked(message), "example": message})
    by_shape = (
        found.groupby("shape", sort=False)["example"]
        .agg(["size", "first"])
        .reset_index()
    )
    by_shape = by_shape.rename(columns={"size": "rows", "first": "example"})
    by_shape = by_shape.sort_values(
        "rows", ascending=False, kind="stable", ignore_index=True
    )
    shown, rest = by_shape.iloc[:shapes], by_shape.iloc[shapes:]
    shown = shown.assign(regex=[_as_regex(shape) for shape in shown["shape"]])
    parts = [by_pattern, shown]
    if len(rest):
        parts.append(
            pd.DataFrame(
                {
                    "shape": [f"({len(rest)} further shapes)"],
                    "rows": [rest["rows"].sum()],
                }
            )
        )
    whole = pd.concat(parts, ignore_index=True).reindex(columns=COLUMNS)
    text = {
        name: whole[name].astype("str")
        for name in ("matched_by", "shape", "example", "regex")
    }
    rows = whole["rows"].astype("int64")
    return whole.assign(**text, rows=rows, share=rows / max(1, len(registrations)))


def _masked(message: pd.Series) -> pd.Series:
    """Put a placeholder where messages of one shape differ."""
    for name, regex in _MASKS.items():
        message = message.str.replace(rf"\b(?:{regex})\b", name, regex=True)
    return message.str.replace(r"\s+", " ", regex=True).str.strip()


def _as_regex(shape: str) -> str:
    """Return a regular expression for a shape, in which names for groups can be put around the
    placeholders.
    """
    parts = re.split("|".join(f"({re.escape(name)})" for name in _REGEX), shape)
    return "".join(_REGEX.get(part) or re.escape(part) for part in parts if part)
