"""Failed attempts grouped into cases: which rules each breaks, and what remedies ask of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...arrays.arrow import as_mask
from ...arrays.grouping import (
    Codes,
    distinct_rows,
    factorize_rows,
    first_row_positions,
)
from ...evaluation.rules import SCENARIOS
from ...fleet import Fleet
from ...names import device_ids, matching
from ..joins import among, values_at

Flags = npt.NDArray[np.bool_]
Proposals = dict[str, pd.DataFrame]
"""Actions by the rule that they would mend, with the columns case and those of an action."""

RULES = tuple(
    dict.fromkeys(
        code
        for name, codes in SCENARIOS.items()
        if name != "browser"
        for code in codes
    )
)
"""The rules that decide about a registration."""

_NAMES = ["device", "registration_name", "hardware_id", "serial", "interface"]


def failed(results: pd.DataFrame) -> Flags:
    """Return which attempts the rules predict to fail and that were not seen to succeed."""
    return as_mask(
        (results["verdict"] == "fail")
        & (results["observed"] != "up")
        & (results["scenario"] != "browser")
    )


@dataclass(frozen=True)
class Failures:
    """Failed attempts, grouped into cases by what decides about them.

    Parameters
    ----------
    fleet : Fleet
        With links.
    logged : bool
        Whether the attempts are of the log, so that a registration can be given another name.
    positions : array of int
        Positions in the results of the failed attempts, and of all others of their devices and
        certificates.
    case : array of int
        The case of each of these attempts, -1 where it did not fail.
    codes : array of int
        A code for each of these attempts, equal where only time and outcome differ.
    distinct : DataFrame
        One attempt for each code: who registers by which names and certificates.
    rows : DataFrame
        One attempt for each case, numbered from 0, with `attempts` (number in the case) and
        `since` (the earliest moment among them).
    needs : array of bool, one row per case, one column per rule
        Which rules are broken.
    unsure : array of bool, one row per case, one column per rule
        Which rules are required and cannot be decided.
    """

    fleet: Fleet
    logged: bool
    positions: Codes
    case: Codes
    codes: Codes
    distinct: pd.DataFrame
    rows: pd.DataFrame
    needs: Flags
    unsure: Flags

    def broken(self, *rules: str) -> Flags:
        """Return which cases break one of the rules."""
        return self._of_rules(self.needs, rules)

    def undecided(self, *rules: str) -> Flags:
        """Return which cases require one of the rules, undecided by their data."""
        return self._of_rules(self.unsure, rules)

    @staticmethod
    def _of_rules(flags: Flags, rules: tuple[str, ...]) -> Flags:
        columns = flags[:, [RULES.index(rule) for rule in rules]]
        chosen: Flags = np.any(columns, axis=1)
        return chosen

    @cached_property
    def identified(self) -> Flags:
        """Which cases have a known device."""
        return self.rows["device"].notna().to_numpy()

    @cached_property
    def in_fleet(self) -> Flags:
        """Which cases present a certificate that the fleet holds."""
        return among(self.rows["fingerprint"], self.fleet.certificates["fingerprint"])

    @cached_property
    def of_one_device(self) -> Flags:
        """Which cases present a certificate of the fleet that no other device presents."""
        pairs = self.distinct[["fingerprint", "device"]].dropna().drop_duplicates()
        alone = pairs["fingerprint"].drop_duplicates(keep=False)
        return self.in_fleet & among(self.rows["fingerprint"], alone)

    @cached_property
    def becomes_tls(self) -> Flags:
        """Which cases have an unknown transport that is TLS with certificate authentication."""
        other = self.rows["protocol"].isin(["H.323/TCP", "H.323/UDP"]).to_numpy()
        return self.undecided("transport.tls_only") & ~other

    def proposals(
        self, chosen: Flags, *columns: str, **values: pd.Series
    ) -> pd.DataFrame:
        """Return one action for each chosen case: its number, and the columns of an action.

        Parameters
        ----------
        chosen : array of bool, one per case
            The cases that the action would mend.
        *columns : str
            Columns of an action that the case has itself, such as pbx and device.
        **values : Series, one value per case
            Columns of an action that are worked out.
        """
        actions = self.rows.assign(**values).loc[chosen, [*columns, *values]]
        return actions.assign(case=np.flatnonzero(chosen))

    def at_entry(self, chosen: Flags) -> pd.DataFrame:
        """Return proposals for a device entry at the case's PBX.

        Where that PBX has no entries, the flags of the device's other entries count, and the
        proposal is for all of them.
        """
        pbx = self.rows["pbx"]
        has_entries = among(pbx, self.fleet.devices["pbx"])
        return self.proposals(chosen, "device", pbx=pbx.where(has_entries))

    def with_fitting_cn(
        self, chosen: Flags, keys: list[str], fitting: pd.DataFrame
    ) -> pd.DataFrame:
        """Return proposals with the CN from `fitting_cns` as value, where there is one."""
        position = first_row_positions(
            [self.rows[key] for key in keys], [fitting[key] for key in keys]
        )
        value = values_at(fitting["value"], position, self.rows.index)
        return self.proposals(chosen & (position >= 0), *keys, value=value)

    def fitting_cns(self, chosen: Flags, keys: list[str]) -> pd.DataFrame:
        """Return a CN that fits all names used with each key of the chosen cases.

        Returns
        -------
        DataFrame
            The columns `keys`, and value, the CN; no row where there is none.
        """
        wanted = self.rows.loc[chosen, keys].drop_duplicates()
        position = first_row_positions(
            [self.distinct[key] for key in keys], [wanted[key] for key in keys]
        )
        columns = list(dict.fromkeys([*keys, *_NAMES]))
        rows = distinct_rows(self.distinct.loc[position >= 0, columns])
        rows["serial_of_device"] = device_ids.serials(rows["device"])
        fitting = []
        for candidate in ("serial_of_device", "hardware_id", "registration_name"):
            owner, first = factorize_rows(rows, keys)
            cn = rows.groupby(owner, sort=False)[candidate].first()
            named = rows.assign(subject_cn=cn.array.take(owner))
            fits = as_mask(matching.certificate_fits_registration(named))
            all_fit = np.bincount(owner, ~fits, minlength=len(first)) == 0
            fitting.append(
                rows[keys].iloc[first[all_fit]].assign(value=cn.array[all_fit])
            )
            rows = rows[~all_fit[owner]]
        together: pd.DataFrame = pd.concat(fitting, ignore_index=True)
        return together
