"""Plan check: a plan carried out in a copy of the part of a fleet that it touches, and judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...arrays.grouping import Codes, factorize_codes
from ...evaluation.check import check
from ...evaluation.ownership import Ownership
from ...fleet import Fleet
from ..excerpt import Excerpt, Source
from ..joins import among, microseconds
from .actions import applied
from .failures import Failures, Flags


@dataclass(frozen=True)
class PlanCheck:
    """The part of a fleet that a plan may touch, with the attempts that show its effect."""

    part: Excerpt
    attempts: pd.DataFrame
    """judged_at, verdict, device, and case (-1 = none) of these attempts."""

    @classmethod
    def of(
        cls,
        fleet: Fleet,
        ownership: Ownership,
        results: pd.DataFrame,
        failures: Failures,
        options: pd.DataFrame,
    ) -> PlanCheck:
        """Return the check of any plan that is made of some options."""
        attempts = _attempts_to_judge(results, failures)
        new_names = options["value"][options["name"].notna()]
        source: Source = "log" if failures.logged else "devices"
        part = Excerpt.take(fleet, ownership, attempts, source, new_names)
        return cls(part, attempts)

    def defects(
        self, actions: pd.DataFrame, repaired_at: Codes, undecided: Flags
    ) -> tuple[Flags, pd.Series]:
        """Return the cases not repaired as planned, and the devices whose passes would fail.

        `undecided` flags the cases whose data do not suffice for a verdict, whatever is done.
        """
        part = self.part
        changed = applied(part.fleet, actions, part.registered, part.entered)
        results = check(part.attempts(changed), at=self.attempts["judged_at"])
        passes, unknown = (
            (results["verdict"] == verdict).to_numpy()
            for verdict in ("pass", "unknown")
        )
        case = self.attempts["case"].to_numpy()
        as_planned = passes | (unknown & undecided[case])
        unrepaired = np.zeros(len(undecided), dtype=bool)
        planned = (case >= 0) & (repaired_at[case] >= 0)
        unrepaired[case[planned & ~as_planned]] = True
        broken = (self.attempts["verdict"] == "pass").to_numpy() & ~passes
        return unrepaired, self.attempts.loc[broken, "device"].drop_duplicates()


def _attempts_to_judge(results: pd.DataFrame, failures: Failures) -> pd.DataFrame:
    """Return the first and the last of the attempts that differ in their time alone.

    What holds at both moments holds between them, since every validity is one span of time.
    Attempts that passed are included where their device is one of a case.
    """
    columns = ["judged_at", "verdict", "device", "registration_name", "fingerprint"]
    attempts = results[columns].iloc[failures.positions].assign(case=failures.case)
    of_case = among(attempts["device"], failures.rows["device"])
    chosen = (failures.case >= 0) | of_case
    attempts = attempts[chosen]
    verdict = pd.factorize(attempts["verdict"])[0]
    code, _ = factorize_codes(failures.codes[chosen], verdict, failures.case[chosen])
    order = np.lexsort((microseconds(attempts["judged_at"]), code))
    edge = np.diff(code[order], prepend=-1, append=-1) != 0
    return attempts.iloc[np.sort(order[edge[:-1] | edge[1:]])]
