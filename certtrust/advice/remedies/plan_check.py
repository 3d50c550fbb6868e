"""Trial: a plan carried out in a copy of that part of a fleet that it touches, and judged like any other fleet."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...arrays.grouping import Codes, combine, distinct
from ...evaluation.attempts import joined
from ...evaluation.check import check
from ...evaluation.ownership import Whose, whose
from ...fleet import Fleet
from ...names import device_ids
from .actions import among, applied
from .cases import Cases
from .trusting import microseconds

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Trial:
    """The part of a fleet that a plan may touch, with the attempts that tell whether it holds."""

    fleet: Fleet
    serials: pd.Series
    """Those of the whole fleet."""
    registered: pd.Series
    entered: pd.Series
    logged: bool
    attempts: pd.DataFrame
    """judged_at, verdict, device, and case (-1 = none) of the attempts to look at."""

    @classmethod
    def of(cls, fleet: Fleet, known: Whose, results: pd.DataFrame, every: Cases, *, logged: bool) -> Trial:
        """Choose the attempts to look at, and what of the fleet their judgement depends on."""
        looked_at = _looked_at(results, every)
        new_names = every.options["value"][(every.options["action"] == "rename").to_numpy()]
        names = distinct(looked_at["registration_name"], new_names)
        devices = distinct(looked_at["device"])
        # An entry tells the flags of its device, which device a name is of, and that its PBX has entries.
        meant = among(known.entered, devices) | among(fleet.devices["user"], names)
        meant |= ~fleet.devices["pbx"].duplicated().to_numpy()
        log = fleet.registrations.drop(columns=["raw", "details", "remote_address"], errors="ignore")
        part = dataclasses.replace(
            fleet,
            certificates=_certificates(fleet, known.held, looked_at),
            devices=fleet.devices[meant],
            registrations=log.loc[looked_at.index] if logged else log.head(0),
        )
        registered = looked_at["device"] if logged else looked_at["device"].head(0)
        return cls(part, known.serials, registered, known.entered[meant], logged, looked_at)

    def refuted(self, actions: pd.DataFrame, repaired_at: Codes, undecided: Flags) -> tuple[Flags, pd.Series]:
        """Return which cases are not repaired as planned, and the devices whose other attempts would fail.

        `undecided` tells the cases whose data do not suffice for a verdict, whatever is done.
        """
        better = applied(self.fleet, actions, self.registered, self.entered)
        serials = pd.concat([self.serials, device_ids.serials(distinct(better.certificates["device"])).dropna()])
        tried = joined(better, whose(better, serials), "log" if self.logged else "devices")
        tried = tried if self.logged else tried.loc[self.attempts.index]
        now = check(tried, at=self.attempts["judged_at"])["verdict"]
        case = self.attempts["case"].to_numpy()
        as_planned = (now == "pass").to_numpy() | ((now == "unknown").to_numpy() & undecided[case])
        untrue = np.zeros(len(undecided), dtype=bool)
        untrue[case[(case >= 0) & (repaired_at[case] >= 0) & ~as_planned]] = True
        broken = ((self.attempts["verdict"] == "pass") & (now != "pass")).to_numpy()
        return untrue, self.attempts.loc[broken, "device"].drop_duplicates()


def _looked_at(results: pd.DataFrame, every: Cases) -> pd.DataFrame:
    """Choose the attempts to look at: of those that are alike but for their time the first and the last.

    Whatever holds at both moments holds between them, since every span of validity does. Attempts that passed
    are looked at where their device is one of a case.
    """
    near = results[["judged_at", "verdict", "device", "registration_name", "fingerprint"]].iloc[every.near]
    near = near.assign(case=every.number)
    meant = (every.number >= 0) | among(near["device"], every.rows["device"])
    near = near[meant]
    number, _ = combine(every.same[meant], pd.factorize(near["verdict"])[0], every.number[meant])
    order = np.lexsort((microseconds(near["judged_at"]), number))
    edge = np.diff(number[order], prepend=-1, append=-1) != 0
    return near.iloc[np.sort(order[edge[:-1] | edge[1:]])]


def _certificates(fleet: Fleet, held: pd.DataFrame, looked_at: pd.DataFrame) -> pd.DataFrame:
    """Return the certificates that the attempts may present or be trusted by, with all that came with them."""
    fingerprints = fleet.certificates["fingerprint"]
    links: Any = fleet.links
    issuing = fleet.certificates["is_ca"].fillna(value=False).to_numpy(dtype=bool) | among(
        fingerprints, links["issuer"]
    )
    meant = (issuing & ~fingerprints.duplicated().to_numpy()) | among(fingerprints, looked_at["fingerprint"])
    meant[held["place"].to_numpy()[among(held["device"], looked_at["device"])]] = True
    return fleet.certificates[meant | among(fleet.certificates["bundle"], fleet.certificates["bundle"][meant])]
