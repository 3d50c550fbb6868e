"""Results, findings and causes of a fleet on a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ..evaluation import check as check_rules
from ..explanation.findings import findings as findings_of
from ..texts.sentences import current_language
from .frames import NUMBERED, computed, expect_dask, from_parts, together
from .here import task


def check(attempts: Any, *, at: pd.Timestamp | str | None = None) -> Any:
    """Judge each attempt by the rules that its scenario requires, on a cluster.

    Parameters
    ----------
    attempts : dask.dataframe.DataFrame
        Table ATTEMPTS of `certtrust.scale.attempts`.
    at : Timestamp or str, optional
        The moment to judge at, as in `certtrust.check`; by default the row's own time, else the
        moment of this call, for all partitions.

    Returns
    -------
    dask.dataframe.DataFrame
        Table RESULTS. `results.persist()` keeps it in the memory of the workers, so that causes,
        findings and remedies do not begin again with the files.

    Raises
    ------
    CerttrustError
        If `at` is no moment.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.scale.read_fleet("data/fleet")  # doctest: +SKIP
    >>> results = ct.scale.check(ct.scale.attempts(fleet)).persist()  # doctest: +SKIP
    """
    attempts = expect_dask(attempts)
    moment = None if at is None else check_rules.moment_of(at)
    now = pd.Timestamp.now("UTC").as_unit("us")
    judge = partial(_checked, at=moment, now=now)
    parts = [task(judge)(part) for part in attempts.to_delayed()]
    return from_parts(parts, judge(attempts._meta))


def _checked(
    attempts: pd.DataFrame, at: pd.Timestamp | None, now: pd.Timestamp
) -> pd.DataFrame:
    moment = attempts["time"].fillna(now) if at is None else at
    return check_rules.check(attempts, at=moment)


def findings(results: Any, *, lang: str | None = None) -> Any:
    """List every broken or undecided rule of every attempt, in words, on a cluster.

    Parameters
    ----------
    results : dask.dataframe.DataFrame
        Table RESULTS of `certtrust.scale.check`.
    lang : str, optional
        As in `certtrust.findings`.

    Returns
    -------
    dask.dataframe.DataFrame
        The rows of `certtrust.findings`, dealt by device.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.scale.read_fleet("data/fleet")  # doctest: +SKIP
    >>> results = ct.scale.check(ct.scale.attempts(fleet))  # doctest: +SKIP
    >>> ct.scale.findings(results).head()  # doctest: +SKIP
    """
    results = expect_dask(results)
    explain = partial(_findings, lang=lang or current_language())
    parts = [task(explain)(part) for part in results.to_delayed()]
    return from_parts(parts, explain(results._meta))


def _findings(results: pd.DataFrame, lang: str) -> pd.DataFrame:
    listed = findings_of(results, lang=lang)
    return listed.set_axis(pd.Index(listed["attempt"], name=NUMBERED))


def causes(
    results: Any,
    by: str | Sequence[str] | None = None,
    *,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Count failed attempts and their devices per primary cause, on a cluster.

    Parameters
    ----------
    results : dask.dataframe.DataFrame
        Table RESULTS of `certtrust.scale.check`.
    by : str or list of str, optional
        As in `certtrust.causes`.
    progress : bool, optional
        As in `certtrust.scale.collect`.

    Returns
    -------
    DataFrame
        What `certtrust.causes` of the collected results is, as a frame of pandas: partitions
        count, and one place adds the counts.

    Raises
    ------
    MissingColumnError
        If `results` has no column of a name in `by`.
    CerttrustError
        As in `certtrust.scale.collect`.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.scale.read_fleet("data/fleet")  # doctest: +SKIP
    >>> results = ct.scale.check(ct.scale.attempts(fleet))  # doctest: +SKIP
    >>> ct.scale.causes(results, by="pbx")  # doctest: +SKIP
    """
    results = expect_dask(results)
    groups = check_rules.groups_of(results._meta, by)
    keys = list(dict.fromkeys([*groups, "cause", "evidence"]))
    count = task(partial(_counts, keys=keys))
    parts = computed(map(count, results.to_delayed()), progress=progress)
    per_device = together(parts)
    grouped = per_device.groupby(keys, observed=True, dropna=False, sort=False)
    counts = grouped.agg(
        attempts=("attempts", "sum"),
        devices=("device", "nunique"),
        first=(_FIRST, "min"),
    )
    in_order = counts.reset_index().sort_values("first", kind="stable")
    return check_rules.ranked(in_order.drop(columns="first"), groups)


_FIRST = "__first"


def _counts(results: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return how many attempts of each device failed for which cause, and the first of them."""
    columns = list(dict.fromkeys([*keys, "device", "observed", "verdict"]))
    failed = check_rules.counted(results[columns])
    failed = failed.assign(**{_FIRST: np.asarray(failed.index)})
    by_device = list(dict.fromkeys([*keys, "device"]))
    grouped = failed.groupby(by_device, observed=True, dropna=False, sort=False)
    counts = grouped.agg(attempts=(_FIRST, "size"), **{_FIRST: (_FIRST, "min")})
    return counts.reset_index()
