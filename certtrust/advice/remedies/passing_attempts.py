"""Attempts that pass, which no action may break, also those that the results leave out."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...arrays.grouping import distinct, factorize_rows
from ...evaluation.attempts import is_registration, joined
from ...evaluation.check import check
from ...evaluation.ownership import Ownership
from ...fleet import Fleet
from ..joins import among
from .failures import failed

_IDENTITY = (
    "pbx",
    "serial",
    "hardware_id",
    "registration_name",
    "interface",
    "fingerprint",
)


def with_passing_attempts(
    fleet: Fleet, ownership: Ownership, results: pd.DataFrame, *, logged: bool
) -> pd.DataFrame:
    """Add the passing attempts that the results leave out and that an action may touch.

    They are judged as the results were: all at one moment, or each at its own time.
    """
    rows = fleet.registrations if logged else fleet.devices
    chosen = is_registration(rows) if logged else np.ones(len(rows), dtype=bool)
    if chosen.sum() == len(results):
        return results
    chosen &= ~rows.index.isin(results.index)
    if logged:
        chosen[chosen] = _concerned(
            ownership, rows.loc[chosen, list(_IDENTITY)], results
        )
        others = joined(
            dataclasses.replace(fleet, registrations=rows[chosen]), ownership, "log"
        )
    else:
        others = joined(fleet, ownership, "devices")[chosen]
    judged = check(others, at=_moment(results))
    passing = judged[judged["verdict"] == "pass"]
    if passing.empty:
        return results
    return pd.concat([results, passing.reindex(columns=results.columns)])


def _concerned(
    ownership: Ownership, log: pd.DataFrame, results: pd.DataFrame
) -> npt.NDArray[np.bool_]:
    """Return the log lines of devices that fail, or that may present a failing certificate."""
    fails = results[["device", "fingerprint"]][failed(results)]
    own = ownership.leaves
    holders = own["device"][among(own["fingerprint"], fails["fingerprint"])]
    code, first = factorize_rows(log, _IDENTITY)
    distinct_lines = log.iloc[first]
    device = ownership.owners(distinct_lines)
    presents = among(distinct_lines["fingerprint"].str.lower(), fails["fingerprint"])
    return (presents | among(device, distinct(fails["device"], holders)))[code]


def _moment(results: pd.DataFrame) -> pd.Timestamp | None:
    """Return the one moment that the results were judged at, None where each had its own."""
    moments = results["judged_at"].unique()
    own = (results["judged_at"] == results["time"]) | results["time"].isna()
    return None if own.all() or len(moments) != 1 else moments[0]
