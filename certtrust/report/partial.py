"""Partial: what one part of a fleet adds to a report, and the sum of all parts.

Every device is in one part, so that what is counted by device is added up. Where there are several
parts, only the few columns of attempts are kept that charts are drawn from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..advice.forecast import (
    current_attempts,
    endings_of,
    failure_counts,
    sum_of_endings,
    sum_of_forecasts,
)
from ..advice.missing import missing_counts, missing_in_words
from ..advice.remedies.related import related_rows
from ..arrays.arrow import as_mask
from ..arrays.grouping import Codes
from ..charts.combinations import broken_together
from ..charts.name_fit import Relations, relations_of, sum_of_relations
from ..evaluation.check import compare, counted, required
from ..evaluation.rules import BY_CODE, RULES
from ..history.state import StateRows, state_rows, states_together
from ..partitions import Part, judge, together
from ..texts.labels import cause_label
from .reasons import reasons

KEPT = ("time", "device", "pbx", "model", "cause", "evidence", "observed", "verdict")
"""The columns of results that a report keeps of every attempt."""

ROW = "row of the whole"
"""The column that says where a row, or the first of several, stands in the whole."""

LABEL = "label of the last attempt"
"""The column that says which attempt the words for a failing device are about."""

_FAILURE = ["device", "pbx", "cause"]
_PERSON = ["long_name", "number", "user"]
_NAMES = ["model", "registration_name", "subject_cn"]
_FAILING = [
    "device", *_PERSON, "pbx", *_NAMES, "cause", "title", "evidence", "attempts", "first",
    "last", "why", "remedy",
]  # fmt: skip


@dataclass(frozen=True)
class Job:
    """A part of a fleet, and how to judge it.

    Parameters
    ----------
    part : Part
        The part.
    at : Timestamp, optional
        The moment to judge at; by default each attempt at its own time.
    now : Timestamp
        The moment of what has no time, and the first one of the forecast.
    dates : DatetimeIndex
        The dates of the forecast.
    ends : array of int
        When CAs and entries of trust lists begin and end, see `related_rows`.
    shared : Series of str
        The certificates that several parts may present.
    is_whole : bool
        Whether it is the only part, so that all columns of its results are kept.
    """

    part: Part
    at: pd.Timestamp | None
    now: pd.Timestamp
    dates: pd.DatetimeIndex
    ends: Codes
    shared: pd.Series
    is_whole: bool = False


@dataclass(frozen=True)
class Partial:
    """What a part, or the whole, adds to a report.

    Parameters
    ----------
    positions : array of int
        Where the rows of `results` stand in the whole.
    results : DataFrame
        Table RESULTS; of one part among several only the columns `KEPT`.
    related : DataFrame
        What a plan depends on, see `related_rows`, with column `ROW`.
    on_wire : DataFrame
        The results that the wire proves, with column `ROW`.
    failing : DataFrame
        As of `failing_of`.
    causes : DataFrame
        cause, attempts, devices, stated, `ROW` (of the first attempt).
    comparison : DataFrame
        As `certtrust.compare`.
    undecided : DataFrame
        code, attempts, devices of the rules that some attempts leave open.
    missing, missing_anywhere : DataFrame
        As of `missing_counts`.
    relations : Relations
        What the chart of names is drawn from.
    combinations : DataFrame
        As of `certtrust.charts.broken_together`.
    forecast, endings : DataFrame
        As of `certtrust.forecast` and `certtrust.endings`.
    state : StateRows
        What the state of a fleet takes from results.
    """

    positions: Codes
    results: pd.DataFrame
    related: pd.DataFrame
    on_wire: pd.DataFrame
    failing: pd.DataFrame
    causes: pd.DataFrame
    comparison: pd.DataFrame
    undecided: pd.DataFrame
    missing: pd.DataFrame
    missing_anywhere: pd.DataFrame
    relations: Relations
    combinations: pd.DataFrame
    forecast: pd.DataFrame
    endings: pd.DataFrame
    state: StateRows


def partial_of(job: Job) -> Partial:
    """Judge a part and return what it adds to a report."""
    part = job.part
    results = judge(part, at=job.at, now=job.now)
    results = results.assign(**{ROW: part.positions})
    lacks = missing_counts(results, part.positions)
    failing = failing_of(counted(results))
    is_typical = np.isin(results.index, failing[LABEL])
    related = related_rows(results, job.ends, job.shared, kept=is_typical)
    current = current_attempts(part.fleet, job.now, part.serials, own=part.entries)
    return Partial(
        positions=part.positions,
        results=results.drop(columns=ROW) if job.is_whole else _kept(results),
        related=related,
        on_wire=results[as_mask(results["evidence"] == "wire")],
        failing=failing,
        causes=_causes(counted(results)),
        comparison=compare(results),
        undecided=_undecided(results),
        missing=lacks["pbx"],
        missing_anywhere=lacks["anywhere"],
        relations=relations_of(results),
        combinations=broken_together(results),
        forecast=failure_counts(current, job.now, job.dates),
        endings=endings_of(part.fleet, current, job.now, job.dates),
        state=state_rows(results, part.ownership, part.positions),
    )


def _kept(results: pd.DataFrame) -> pd.DataFrame:
    words = {name: results[name].astype("category") for name in ("pbx", "model")}
    return results[[*KEPT]].assign(**words)


def failing_of(failed: pd.DataFrame) -> pd.DataFrame:
    """Return one row per device, PBX and cause, with the last reason.

    Its columns are those of `Report.failing` but for the actions, and `ROW` and `LABEL`.
    """
    grouped = failed.groupby(_FAILURE, observed=True, dropna=False, sort=False)
    counts = grouped.agg(
        attempts=("cause", "size"),
        first=("time", "min"),
        last=("time", "max"),
        **{ROW: (ROW, "min")},
    ).reset_index()
    in_order = failed.sort_values("time", kind="stable")
    typical = in_order.drop_duplicates(_FAILURE, keep="last")
    shown = typical[[*_FAILURE, *_PERSON, *_NAMES, "evidence"]].assign(
        title=typical["cause"].astype("str").map(cause_label),
        **reasons(typical),
        **{LABEL: typical.index},
    )
    return counts.merge(shown, on=_FAILURE, how="left")[[*_FAILING, ROW, LABEL]]


def _causes(failed: pd.DataFrame) -> pd.DataFrame:
    stated = failed["evidence"].isin(["log", "wire"])
    grouped = failed.assign(stated=stated).groupby(
        "cause", observed=True, dropna=False, sort=False
    )
    return grouped.agg(
        attempts=("device", "size"),
        devices=("device", "nunique"),
        stated=("stated", "sum"),
        **{ROW: (ROW, "min")},
    ).reset_index()


def _undecided(results: pd.DataFrame) -> pd.DataFrame:
    kind = ["scenario", "protocol", "authentication"]
    required_of = required(results[kind].drop_duplicates())
    grouped = results.groupby(kind, dropna=False, observed=True, sort=False)
    kinds = grouped.ngroup().to_numpy()
    rows = []
    for rule in RULES:
        is_open = required_of[rule.code][kinds] & results[rule.code].isna().to_numpy()
        devices = results.loc[is_open, "device"]
        if len(devices):
            rows.append((rule.code, len(devices), devices.nunique()))
    undecided = pd.DataFrame(rows, columns=["code", "attempts", "devices"])
    return undecided.astype({"attempts": "int64", "devices": "int64"})


def combined(partials: Sequence[Partial]) -> Partial:
    """Return the sum of all parts, in the order of the whole."""
    positions = [partial.positions for partial in partials]
    return Partial(
        positions=np.sort(np.concatenate(positions)),
        results=together([partial.results for partial in partials], positions),
        related=_in_order([partial.related for partial in partials]),
        on_wire=_in_order([partial.on_wire for partial in partials]),
        failing=ranked([partial.failing for partial in partials]),
        causes=_summed_causes([partial.causes for partial in partials]),
        comparison=sum(
            (partial.comparison for partial in partials[1:]), partials[0].comparison
        ),
        undecided=_summed_undecided([partial.undecided for partial in partials]),
        missing=missing_in_words(*(partial.missing for partial in partials)),
        missing_anywhere=missing_in_words(
            *(partial.missing_anywhere for partial in partials)
        ),
        relations=sum_of_relations([partial.relations for partial in partials]),
        combinations=_summed_combinations(
            [partial.combinations for partial in partials]
        ),
        forecast=sum_of_forecasts([partial.forecast for partial in partials]),
        endings=sum_of_endings([partial.endings for partial in partials]),
        state=states_together([partial.state for partial in partials]),
    )


def _in_order(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    whole = together(
        frames, [frame[ROW].to_numpy(dtype=np.int64) for frame in frames]
    )
    return whole.drop(columns=ROW)


def ranked(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the failing devices of all parts, most attempts first."""
    order = ["attempts", "device"]
    return _in_order(parts).sort_values(
        order, ascending=[False, True], kind="stable", ignore_index=True
    )


def _summed_causes(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    grouped = together(parts).groupby(
        "cause", observed=True, dropna=False, sort=False
    )
    sums = grouped.agg(
        attempts=("attempts", "sum"),
        devices=("devices", "sum"),
        stated=("stated", "sum"),
        **{ROW: (ROW, "min")},
    ).reset_index()
    return sums.iloc[np.lexsort((sums[ROW], -sums["attempts"]))].reset_index(
        drop=True
    )


def _summed_undecided(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    sums = pd.concat(parts).groupby("code").sum()
    sums = sums.reindex([rule.code for rule in RULES if rule.code in sums.index])
    sums = sums.sort_values("attempts", ascending=False, kind="stable")
    words = [
        [BY_CODE[code].sentences[name] for name in ("title", "missing")]
        for code in sums.index
    ]
    texts = pd.DataFrame(words, index=sums.index, columns=["title", "missing"])
    order = ["code", "title", "attempts", "devices", "missing"]
    return sums.join(texts).rename_axis("code").reset_index()[order]


def _summed_combinations(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    grouped = pd.concat(parts, ignore_index=True).groupby("rules", sort=False)
    sums = grouped[["attempts", "devices"]].sum().reset_index()
    bits = sums["rules"].map(_bits)
    order = np.lexsort((bits, -sums["attempts"]))
    return sums.iloc[order].reset_index(drop=True)


def _bits(rules: tuple[str, ...]) -> int:
    codes = [rule.code for rule in RULES]
    return sum(1 << codes.index(rule) for rule in rules)
