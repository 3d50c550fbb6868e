"""Results made quick to filter: numbers instead of words, so that a large fleet answers at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..evaluation.check import counted
from ..texts.labels import cause_label
from .styling import containing

Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

FILTERS = ("cause", "pbx", "model", "verdict")
_SEARCHED = (
    "device", "registration_name", "hardware_id", "user", "long_name", "number", "model",
    "location", "firmware", "pbx", "subject_cn", "issuer_cn", "remote_address",
)  # fmt: skip
_NEVER = np.iinfo(np.int64).min


class Criteria(NamedTuple):
    """What to keep; an empty text and None keep everything."""

    cause: str = ""
    pbx: str = ""
    model: str = ""
    verdict: str = ""
    text: str = ""
    since: pd.Timestamp | None = None
    until: pd.Timestamp | None = None


@dataclass(frozen=True)
class Index:
    """The results by number: `words[name]` are the values that `codes[name]` counts, -1 is none."""

    results: pd.DataFrame
    words: dict[str, list[str]]
    codes: dict[str, Codes]
    failed: Mask
    time: Codes
    by_time: Codes
    haystack: pd.Series = field(repr=False)

    def matches(self, criteria: Criteria, *, but: str = "") -> Mask:
        """Return True for the rows that the criteria keep, all of them or all `but` one."""
        kept = np.ones(len(self.results), dtype=np.bool_)
        for name in FILTERS:
            wanted = getattr(criteria, name)
            if wanted and name != but:
                words = self.words[name]
                kept &= self.codes[name] == (
                    words.index(wanted) if wanted in words else -2
                )
        if criteria.since is not None:
            kept &= self.time >= _microseconds(criteria.since)
        if criteria.until is not None:
            kept &= self.time <= _microseconds(criteria.until)
        if criteria.text.strip():
            matches = containing(self.haystack, criteria.text).to_numpy(
                dtype=np.bool_
            )
            kept &= np.append(matches, False)[self.codes["device"]]
        return kept

    def counts(self, kept: Mask, by: str) -> pd.DataFrame:
        """Count failed attempts and their devices per value, those with most attempts first.

        Returns
        -------
        DataFrame
            value, attempts, devices.
        """
        rows = kept & self.failed & (self.codes[by] >= 0)
        codes = {"value": self.codes[by][rows], "device": self.codes["device"][rows]}
        failures = pd.DataFrame(codes)
        attempts = failures["value"].value_counts(sort=False).sort_index()
        devices = (
            failures[failures["device"] >= 0]
            .drop_duplicates()["value"]
            .value_counts()
        )
        counts = (
            pd.DataFrame({"attempts": attempts, "devices": devices})
            .fillna(0)
            .astype("int64")
        )
        # Values are numbered by the alphabet, which decides among equal counts.
        counts = counts.sort_values("attempts", ascending=False, kind="stable")
        return counts.assign(value=[self.words[by][code] for code in counts.index])

    def devices(self, kept: Mask) -> pd.DataFrame:
        """Summarise the devices that have a kept row, in no order.

        Returns
        -------
        DataFrame
            number (of the device), attempts, failed, cause (number of its most frequent one, -1 =
            none), last (row number of its last kept attempt, a failed one where there is any).
        """
        device = self.codes["device"]
        size, causes = len(self.words["device"]), len(self.words["cause"])
        named = kept & (device >= 0)
        failed = named & self.failed
        # One column per cause; column 0 is for devices without a failure.
        pairs = device[failed] * (causes + 1) + self.codes["cause"][failed] + 1
        per_cause = np.bincount(pairs, minlength=size * (causes + 1)).reshape(
            size, causes + 1
        )
        most = per_cause.argmax(axis=1) - 1
        last = np.full(size, -1, dtype=np.int64)
        for rows in (named, failed):
            ordered = self.by_time[rows[self.by_time]]
            last[device[ordered]] = ordered
        attempts = np.bincount(device[named], minlength=size)
        here = np.flatnonzero(attempts)
        return pd.DataFrame(
            {
                "number": here,
                "attempts": attempts[here],
                "failed": per_cause.sum(axis=1)[here],
                "cause": most[here],
                "last": last[here],
            }
        )

    def column(self, table: pd.DataFrame, name: str) -> Codes:
        """Return what a table of devices is sorted by, as numbers: words by their alphabet."""
        if name in ("attempts", "failed"):
            return _numbers(table[name])
        last = _numbers(table["last"])
        if name == "last":
            return self.time[last]
        if name == "device":
            return _numbers(table["number"])
        if name == "cause":
            labels = [cause_label(word) for word in self.words["cause"]]
            return _alphabet(labels)[_numbers(table["cause"])]
        return _alphabet(self.words[name])[self.codes[name][last]]


def _numbers(column: pd.Series) -> Codes:
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _microseconds(moment: pd.Timestamp) -> int:
    return round(moment.timestamp() * 1_000_000)


def _alphabet(words: list[str]) -> Codes:
    """Return the rank of each word in the alphabet; the last element, for no word, comes last."""
    rank = pd.Series(words, dtype="str").str.casefold().rank(method="first")
    return np.append(rank - 1, len(words)).astype(np.int64)


def build(results: pd.DataFrame) -> Index:
    """Number the values of the results once, for all filters to come."""
    frame = results.reset_index(drop=True)
    failed = np.zeros(len(frame), dtype=np.bool_)
    failed[counted(frame).index.to_numpy()] = True
    words, codes = {}, {}
    for name in ("device", *FILTERS):
        column = frame[name].astype("str")
        if name == "cause":
            column = column.where(failed)
        numbers, values = pd.factorize(column, sort=True)
        words[name], codes[name] = (
            [str(value) for value in values],
            numbers.astype(np.int64),
        )
    time = frame["time"].astype("int64").to_numpy(copy=True)
    time[frame["time"].isna().to_numpy()] = _NEVER
    by_time = np.argsort(time, kind="stable").astype(np.int64)
    haystack = _haystack(frame, codes["device"], len(words["device"]))
    return Index(
        results, words, codes, failed, time.astype(np.int64), by_time, haystack
    )


def _haystack(frame: pd.DataFrame, device: Codes, size: int) -> pd.Series:
    """Return one text per device, of its last row, to search in."""
    last = np.full(size, -1, dtype=np.int64)
    rows = np.flatnonzero(device >= 0)
    last[device[rows]] = rows
    texts: Any = pd.Series("", index=range(size), dtype="str")
    for name in _SEARCHED:
        values = frame[name].astype("str").fillna("").iloc[last]
        texts = texts + "\n" + values.reset_index(drop=True)
    folded: pd.Series = texts.str.casefold()
    return folded
