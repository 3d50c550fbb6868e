"""Failed attempts that fail alike, as cases: which rules each breaks, and what remedies ask
about them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...arrays.arrow import true
from ...arrays.grouping import Codes, alike, once, places_of_rows
from ...evaluation.rules import SCENARIOS
from ...fleet import Fleet
from ...names import device_ids, matching
from .fleet_copy import among

Flags = npt.NDArray[np.bool_]
Proposals = dict[str, pd.DataFrame]
"""Actions by the rule that they would mend; each frame has the columns case and those of an
action.
"""

RULES = tuple(
    dict.fromkeys(
        code for name, codes in SCENARIOS.items() if name != "browser" for code in codes
    )
)
"""The rules that decide about a registration."""

_NAMES = ("device", "registration_name", "hardware_id", "serial", "interface")


def failed(results: pd.DataFrame) -> pd.Series:
    """Return which attempts the rules predict to fail, of those that were not seen to succeed."""
    return (
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
        Whether the attempts stand in the log, so that a registration can be given another name.
    positions : array of int
        The attempts of devices and certificates that failed attempts are of, by their positions
        in the results.
    case : array of int
        The case of each of them, -1 where it did not fail.
    alike : array of int
        Numbers by which those of them are equal that are alike but for their time and outcome.
    nearby : DataFrame
        One attempt for each of these numbers: who registers by which names and certificates.
    rows : DataFrame
        One attempt for each case, numbered from 0, with `attempts` (how many it stands for) and
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
    alike: Codes
    nearby: pd.DataFrame
    rows: pd.DataFrame
    needs: Flags
    unsure: Flags

    def broken(self, rule: str) -> Flags:
        """Return which cases break the rule."""
        broken: Flags = self.needs[:, RULES.index(rule)]
        return broken

    def undecided(self, rule: str) -> Flags:
        """Return which cases require the rule, which their data do not decide."""
        undecided: Flags = self.unsure[:, RULES.index(rule)]
        return undecided

    def breaking_any(self, rules: tuple[str, ...]) -> Flags:
        """Return which cases break one of the rules."""
        broken: Flags = np.any([self.broken(rule) for rule in rules], axis=0)
        return broken

    @cached_property
    def identified(self) -> Flags:
        """Which cases are of a known device."""
        return self.rows["device"].notna().to_numpy()

    @cached_property
    def in_fleet(self) -> Flags:
        """Which cases present a certificate that the fleet holds."""
        return among(self.rows["fingerprint"], self.fleet.certificates["fingerprint"])

    @cached_property
    def becomes_tls(self) -> Flags:
        """Which cases are over an unknown transport, which is TLS once the device authenticates
        by certificate.
        """
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
        return (
            self.rows.assign(**values)
            .loc[chosen, [*columns, *values]]
            .assign(case=np.flatnonzero(chosen))
        )

    def at_entry(self, chosen: Flags) -> pd.DataFrame:
        """Return proposals for a device entry: at its PBX, or at all where the PBX has no
        entries of its own.

        The flags that count are then those of the device's other entries.
        """
        pbx = self.rows["pbx"]
        listed = pbx.isin(self.fleet.devices["pbx"].dropna().unique())
        return self.proposals(chosen, "device", pbx=pbx.where(listed))

    def with_fitting_cn(
        self, chosen: Flags, keys: tuple[str, ...], fitting: pd.DataFrame
    ) -> pd.DataFrame:
        """Return proposals with the CN of `fitting` (see `fitting_cns`) as value, where there
        is one.
        """
        case = np.flatnonzero(chosen)
        position = places_of_rows(
            [self.rows[key].iloc[case] for key in keys], [fitting[key] for key in keys]
        )
        case, position = case[position >= 0], position[position >= 0]
        return (
            self.rows[[*keys]]
            .iloc[case]
            .assign(case=case, value=fitting["value"].array[position])
        )

    def fitting_cns(self, chosen: Flags, keys: tuple[str, ...]) -> pd.DataFrame:
        """Return for each key of the chosen cases a CN that fits all names that it registers with.

        Returns
        -------
        DataFrame
            The columns `keys`, and value, the CN; no row where there is none.
        """
        wanted = self.rows.loc[chosen, [*keys]].dropna().drop_duplicates()
        near = self.nearby
        of_wanted = (
            places_of_rows([near[key] for key in keys], [wanted[key] for key in keys])
            >= 0
        )
        rows = once(near.loc[of_wanted, list(dict.fromkeys([*keys, *_NAMES]))])
        rows["serial_of_device"] = device_ids.serials(rows["device"])
        parts = []
        for candidate in ("serial_of_device", "hardware_id", "registration_name"):
            owner, first = alike(rows, keys)
            cn = rows.groupby(owner, sort=False)[candidate].first()
            fits = true(
                matching.certificate_fits_registration(
                    rows.assign(subject_cn=cn.array.take(owner))
                )
            )
            all_fit = np.bincount(owner, ~fits, minlength=len(first)) == 0
            parts.append(
                rows[[*keys]].iloc[first[all_fit]].assign(value=cn.array[all_fit])
            )
            rows = rows[~all_fit[owner]]
        together: pd.DataFrame = pd.concat(parts, ignore_index=True)
        return together

    @cached_property
    def of_one_device(self) -> Flags:
        """Which cases present a certificate of the fleet that one device alone presents."""
        pairs = self.nearby[["fingerprint", "device"]].dropna().drop_duplicates()
        alone = pairs.loc[~pairs["fingerprint"].duplicated(keep=False), "fingerprint"]
        return self.in_fleet & among(self.rows["fingerprint"], alone)
