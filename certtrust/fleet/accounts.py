"""The account of every file of a fleet: what it was taken for, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ..schema import SOURCES, conform


@dataclass(frozen=True)
class Account:
    """What a file was taken for; the fields are columns of SOURCES but for the last three."""

    source: str
    taken_for: str | None = None
    decided_by: str | None = None
    is_guess: bool = False
    pbx: str | None = None
    not_understood: str | None = None
    unread_headings: str | None = None
    kept_since: pd.Timestamp | None = None
    is_in_place: bool = False
    """It lies in one of the four folders of a fleet's directory."""
    is_table: bool = False
    """It is a table whose rows name the files that they came from."""
    may_be_list: bool = False
    """Neither its folder nor its name tells whether its certificates are a trust list."""

    def by_folder(self, folder: str | None, problem: str | None = None) -> Account:
        """Return the account of a file whose folder decides, or of one that has none."""
        return replace(
            self,
            taken_for=folder,
            decided_by=None if folder is None else "folder",
            not_understood=problem,
        )


def of_argument(lists: list[pd.DataFrame]) -> list[Account]:
    """Return the accounts of trust lists that the caller named."""
    return [
        Account(
            str(source),
            "trust",
            "argument",
            pbx=None if pd.isna(rows["pbx"].iloc[0]) else str(rows["pbx"].iloc[0]),
        )
        for frame in lists
        for source, rows in frame.groupby("source", sort=False)
    ]


def table(
    accounts: list[Account],
    frames: Mapping[str, pd.DataFrame],
    counted: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Return table SOURCES, one row per account, in order.

    Parameters
    ----------
    accounts : list of Account
        All files.
    frames : mapping from str to DataFrame
        The tables of the fleet by name.
    counted : mapping from str to DataFrame
        The rows of files whose rows name other files as their source.
    """
    columns = [name for name in SOURCES.names if name not in ("rows", "understood")]
    cells = [[getattr(account, name) for name in columns] for account in accounts]
    dtypes = {
        name: "str" for name in columns if name not in ("is_guess", "kept_since")
    }
    dtypes["kept_since"] = "datetime64[us, UTC]"
    rows = pd.DataFrame(cells, columns=columns).astype(dtypes)
    keys = pd.MultiIndex.from_frame(rows[["taken_for", "source"]])
    counts = pd.concat(
        [
            *(_counts(frame, kind) for kind, frame in frames.items()),
            *_counts_by_themselves(accounts, counted),
        ]
    )
    counts = counts[~counts.index.duplicated(keep="last")].reindex(keys)
    counts = counts.reset_index(drop=True)
    return conform(
        rows.assign(
            rows=counts["rows"].fillna(0),
            understood=counts["understood"].fillna(0),
            not_understood=rows["not_understood"].fillna(counts["first"]),
        ),
        SOURCES,
    )


def _counts(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return rows, understood and the first thing that was not, by kind and source."""
    is_understood = understood(frame, kind)
    code, names = pd.factorize(frame["source"])
    is_of_source = code >= 0
    rows = np.bincount(code[is_of_source], minlength=len(names))
    rows_understood = np.bincount(
        code[is_of_source & is_understood.to_numpy(dtype=bool)], minlength=len(names)
    )
    counts = pd.DataFrame({"rows": rows, "understood": rows_understood}, index=names)
    others = frame[~is_understood | frame["parse_error"].notna()]
    firsts = others.drop_duplicates("source")
    first = _reason(firsts).set_axis(firsts["source"])
    index = pd.MultiIndex.from_product([[kind], counts.index])
    counts["first"] = first.reindex(counts.index)
    counts.index = index
    return counts


def _counts_by_themselves(
    accounts: list[Account], counted: Mapping[str, pd.DataFrame]
) -> list[pd.DataFrame]:
    kinds = {account.source: account.taken_for for account in accounts}
    return [
        _counts(frame.assign(source=source), str(kinds[source]))
        for source, frame in counted.items()
    ]


def understood(frame: pd.DataFrame, kind: str) -> pd.Series:
    """Return True for rows that hold a certificate or a device, or a line that was matched."""
    if kind == "devices":
        return frame["hardware_id"].notna() | frame["serial"].notna()
    if kind == "registrations":
        return frame["matched_by"].notna()
    if kind == "handshakes":
        return frame["outcome"].notna()
    return frame["fingerprint"].notna() & frame["subject"].notna()


def _reason(rows: pd.DataFrame) -> Any:
    """Return why each of some rows was not understood, or the line that was not."""
    if "raw" not in rows:
        return rows["parse_error"]
    lines = rows["raw"].str.slice(stop=_SHOWN)
    with_number = rows["line"].astype("str") + ": " + lines
    return with_number.fillna(rows["parse_error"])


_SHOWN = 160
"""Characters of a line that are shown."""
