"""Attempts that work: no action may break them, whether or not the results at hand speak of
them.
"""

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

_SAID = (
    "pbx",
    "serial",
    "hardware_id",
    "registration_name",
    "interface",
    "fingerprint",
)


def with_what_works(
    fleet: Fleet, ownership: Ownership, results: pd.DataFrame, *, logged: bool
) -> pd.DataFrame:
    """Add the attempts that pass and that the results leave out, as far as an action may touch
    them.

    They are judged as the results were: all at one moment, or each at its own time.
    """
    rows = fleet.registrations if logged else fleet.devices
    meant = is_registration(rows) if logged else np.ones(len(rows), dtype=bool)
    if meant.sum() == len(results):
        return results
    meant &= ~rows.index.isin(results.index)
    if logged:
        meant[meant] = _concerned(ownership, rows.loc[meant, list(_SAID)], results)
        others = joined(
            dataclasses.replace(fleet, registrations=rows[meant]), ownership, "log"
        )
    else:
        others = joined(fleet, ownership, "devices")[meant]
    judged = check(others, at=_moment(results))
    working = judged[judged["verdict"] == "pass"]
    return (
        pd.concat([results, working.reindex(columns=results.columns)])
        if len(working)
        else results
    )


def _concerned(
    ownership: Ownership, said: pd.DataFrame, results: pd.DataFrame
) -> npt.NDArray[np.bool_]:
    """Tell which log lines are of a device that fails, or may present the certificate of an
    attempt that does.
    """
    fails = results[["device", "fingerprint"]][failed(results)]
    own = ownership.leaves
    holders = own["device"][among(own["fingerprint"], fails["fingerprint"])]
    same, first = factorize_rows(said, _SAID)
    said = said.iloc[first]
    device = ownership.owners(said)
    presents = among(said["fingerprint"].str.lower(), fails["fingerprint"])
    return (presents | among(device, distinct(fails["device"], holders)))[same]


def _moment(results: pd.DataFrame) -> pd.Timestamp | None:
    """Return the one moment that the results were judged at, None where it was each one's own
    time.
    """
    moments = results["judged_at"].unique()
    own = (results["judged_at"] == results["time"]) | results["time"].isna()
    return None if own.all() or len(moments) != 1 else moments[0]
