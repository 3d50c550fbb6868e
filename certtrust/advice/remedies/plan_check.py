"""Plan check: a plan carried out in a copy of the part of a fleet that it touches, and judged
like any other fleet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...arrays.grouping import Codes, combine
from ...evaluation.check import check
from ...evaluation.ownership import Ownership
from ...fleet import Fleet
from ..excerpt import Excerpt, Source
from .actions import applied
from .failures import Failures, Flags
from .fleet_copy import among
from .trusting import microseconds


@dataclass(frozen=True)
class Trial:
    """The part of a fleet that a plan may touch, with the attempts that tell whether it holds."""

    part: Excerpt
    attempts: pd.DataFrame
    """judged_at, verdict, device, and case (-1 = none) of the attempts to look at."""

    @classmethod
    def of(
        cls,
        fleet: Fleet,
        ownership: Ownership,
        results: pd.DataFrame,
        failures: Failures,
        options: pd.DataFrame,
    ) -> Trial:
        """Choose the attempts to look at, and what of the fleet their judgement depends on."""
        attempts = _to_look_at(results, failures)
        new_names = options["value"][options["name"].notna()]
        source: Source = "log" if failures.logged else "devices"
        return cls(
            Excerpt.take(fleet, ownership, attempts, source, new_names), attempts
        )

    def refuted(
        self, actions: pd.DataFrame, repaired_at: Codes, undecided: Flags
    ) -> tuple[Flags, pd.Series]:
        """Return which cases are not repaired as planned, and the devices whose other attempts
        would fail.

        `undecided` tells the cases whose data do not suffice for a verdict, whatever is done.
        """
        changed = applied(
            self.part.fleet, actions, self.part.registered, self.part.entered
        )
        now = check(self.part.attempts(changed), at=self.attempts["judged_at"])[
            "verdict"
        ]
        case = self.attempts["case"].to_numpy()
        as_planned = (now == "pass").to_numpy() | (
            (now == "unknown").to_numpy() & undecided[case]
        )
        untrue = np.zeros(len(undecided), dtype=bool)
        untrue[case[(case >= 0) & (repaired_at[case] >= 0) & ~as_planned]] = True
        broken = ((self.attempts["verdict"] == "pass") & (now != "pass")).to_numpy()
        return untrue, self.attempts.loc[broken, "device"].drop_duplicates()


def _to_look_at(results: pd.DataFrame, failures: Failures) -> pd.DataFrame:
    """Choose the attempts to look at: of those that are alike but for their time the first and
    the last.

    Whatever holds at both moments holds between them, since every span of validity does.
    Attempts that passed are looked at where their device is one of a case.
    """
    columns = ["judged_at", "verdict", "device", "registration_name", "fingerprint"]
    near = results[columns].iloc[failures.positions].assign(case=failures.case)
    concerned = (failures.case >= 0) | among(near["device"], failures.rows["device"])
    near = near[concerned]
    verdict = pd.factorize(near["verdict"])[0]
    number, _ = combine(failures.alike[concerned], verdict, failures.case[concerned])
    order = np.lexsort((microseconds(near["judged_at"]), number))
    edge = np.diff(number[order], prepend=-1, append=-1) != 0
    return near.iloc[np.sort(order[edge[:-1] | edge[1:]])]
