"""What became of every row: the account of a fleet that was judged on a cluster."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..evaluation.attempts import is_registration
from ..fleet import Fleet
from .frames import computed, expect_dask
from .here import task
from .joining import expect_large_fleet


def account(
    fleet: Fleet, results: Any, *, progress: bool | None = None
) -> pd.DataFrame:
    """Show that no row was lost: what was read of each source, and what became of it.

    Parameters
    ----------
    fleet : Fleet
        The fleet of `certtrust.scale.read_fleet`, or as `certtrust.scale.attempts` takes it.
    results : dask.dataframe.DataFrame
        Its attempts or results.
    progress : bool, optional
        As in `certtrust.scale.collect`.

    Returns
    -------
    DataFrame
        One row per table and source, in input order: table (certificates, registrations), source,
        rows (what was read), unread (rows that say in `parse_error` what could not be read),
        registrations (rows about a registration), attempts (rows in `results`) and complete: as
        many attempts as registrations. The last three are missing for certificates.

    Raises
    ------
    CerttrustError
        As in `certtrust.scale.collect`.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.scale.read_fleet("data/fleet")  # doctest: +SKIP
    >>> attempts = ct.scale.attempts(fleet)  # doctest: +SKIP
    >>> ct.scale.account(fleet, attempts)["complete"].all()  # doctest: +SKIP
    True
    """
    fleet = expect_large_fleet(fleet)
    results = expect_dask(results)
    frames: dict[str, Any] = {
        "certificates": fleet.certificates,
        "registrations": fleet.registrations,
        "results": results,
    }
    tasks = {
        name: [task(_sizes)(part) for part in frame.to_delayed()]
        for name, frame in frames.items()
    }
    done = computed(
        (size for parts in tasks.values() for size in parts), progress=progress
    )
    sizes = {}
    for name, parts in tasks.items():
        own, done = done[: len(parts)], done[len(parts) :]
        sizes[name] = pd.concat(own).groupby(level=0, sort=False, dropna=False).sum()
    attempts = sizes["results"]["rows"]
    log = sizes["registrations"]
    log["attempts"] = attempts.reindex(log.index, fill_value=0).to_numpy()
    log["complete"] = log["registrations"] == log["attempts"]
    read = {
        "certificates": sizes["certificates"].drop(columns="registrations"),
        "registrations": log,
    }
    whole: pd.DataFrame = pd.concat(read, names=["table", "source"]).reset_index()
    return whole.astype(_DTYPES)


_DTYPES: dict[str, Any] = {
    "table": "str",
    "source": "str",
    "registrations": "Int64",
    "attempts": "Int64",
    "complete": "boolean",
}


def _sizes(rows: pd.DataFrame) -> pd.DataFrame:
    """Return how many rows of which kind there are of each source."""
    is_log = "line" in rows
    of_registration = is_registration(rows) if is_log else np.zeros(len(rows), bool)
    unread = rows["parse_error"].notna() if "parse_error" in rows else False
    facts = pd.DataFrame(
        {
            "source": rows["source"],
            "rows": 1,
            "unread": unread,
            "registrations": of_registration,
        }
    )
    sizes = facts.groupby("source", sort=False, dropna=False).sum()
    return sizes.astype("int64")
