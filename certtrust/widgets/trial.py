"""A what-if that answers at once: each kind of registration is judged again, not each registration.

Rows are of one kind where everything that the rules look at is the same up to the device's own name: PBX, flags,
protocol, who signed the certificate, whether its name fits, whether it is valid at the moment. The rules judge one
row of each kind by the same functions as ever, and their answer holds for all rows of that kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..advice import changes, latest
from ..advice.whatif import CHANGES
from ..arrays.grouping import combine
from ..evaluation.attempts import _scenario, attempts
from ..evaluation.check import CAUSES, VERDICTS, check
from ..evaluation.ownership import identities
from ..fleet import Fleet, link
from ..names import matching
from ..trust import trust_state

Codes = npt.NDArray[np.int64]

_FACTS = (
    "pbx", "protocol", "authentication", "via_reverse_proxy", "reverse_proxy", "tls_only", "clock_unset", "fingerprint",
)  # fmt: skip
_OUTCOME = ("verdict", "cause")
_NAME_CONSTRAINTS = b"\x06\x03\x55\x1d\x1e"


@dataclass(frozen=True)
class Settings:
    """What differs from the fleet as it is: the trust lists, and flags per PBX, with "" for every PBX."""

    trust: pd.DataFrame
    tls_only: Mapping[str, bool]
    authentication: Mapping[str, str]
    at: pd.Timestamp


class Trial:
    """The latest registrations of a fleet, to be judged under other settings.

    Parameters
    ----------
    fleet : Fleet
        It is not changed.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = link(fleet)
        self.of = "log" if len(fleet.registrations) else "devices"
        every = attempts(self.fleet, of=self.of)  # type: ignore[arg-type]
        rows = latest(every) if self.of == "log" else every
        self.pbx_of = every["pbx"]
        self.rows = rows
        self.entered = self._entered()
        self._base = self._facts()

    def _entered(self) -> npt.NDArray[np.bool_]:
        """Tell which rows belong to a device entry, whose flags can be switched."""
        _, entries = identities(self.fleet)
        known = pd.DataFrame({"device": entries, "pbx": self.fleet.devices["pbx"]}).dropna(subset=["device"])
        exact = pd.MultiIndex.from_frame(known[["device", "pbx"]])
        here = pd.MultiIndex.from_frame(self.rows[["device", "pbx"]]).isin(exact)
        loose = self.rows["pbx"].isna() | ~self.rows["pbx"].isin(set(known["pbx"].dropna()))
        return np.asarray(here | (loose & self.rows["device"].isin(set(known["device"]))), dtype=np.bool_)

    def _facts(self) -> Codes:
        """Number the kinds by all facts that do not depend on the moment."""
        rows = self.rows
        by_itself = rows.assign(
            authentication=pd.Series(pd.NA, index=rows.index, dtype="str"),
            tls_only=pd.array([False] * len(rows), dtype="boolean"),
        )
        columns = [rows[name] for name in _FACTS if name != "fingerprint"]
        columns += [_scenario(by_itself, self.of), matching.certificate_fits_registration(rows), rows["time"].isna()]
        columns += [self._signer(), pd.Series(self.entered)]
        codes = [pd.factorize(column, use_na_sentinel=False)[0].astype(np.int64) for column in columns]
        return combine(*codes)[0]

    def _signer(self) -> pd.Series:
        """Return what trust in a certificate depends on: its signer and company; itself, where it may be listed."""
        rows, fleet = self.rows, self.fleet
        links = fleet.links if fleet.links is not None else pd.DataFrame(columns=["child", "issuer", "verified"])
        first = links.drop_duplicates("child").set_index("child")
        issuer = rows["fingerprint"].map(first["issuer"]).astype("str").fillna("")
        verified = rows["fingerprint"].map(first["verified"].astype("str")).astype("str").fillna("?")
        bundles = fleet.certificates[["bundle", "fingerprint"]].dropna()
        alone = ~bundles["bundle"].duplicated(keep=False)
        company = bundles[~alone & ~bundles["fingerprint"].isin(set(rows["fingerprint"].dropna()))]
        together = company.groupby("bundle", sort=False)["fingerprint"].agg(lambda each: ",".join(sorted(set(each))))
        presented = rows["bundle"].map(together).astype("str").fillna("")
        key = issuer + "|" + verified + "|" + presented + "|" + rows["issuer"].astype("str").fillna("?")
        key += "|" + rows["certificate_error"].astype("str").fillna("")
        ders = pd.concat(
            [
                fleet.certificates.loc[fleet.certificates["is_ca"].fillna(value=True).astype(bool), "der"],
                fleet.trust["der"],
            ]
        )
        if any(_NAME_CONSTRAINTS in der for der in ders if isinstance(der, bytes)):
            return rows["fingerprint"].fillna("")
        itself = rows["fingerprint"].isin(self._own) | rows["self_issued"].fillna(value=True).astype(bool)
        return key.mask(itself, rows["fingerprint"].fillna("none") + "|" + presented)

    @cached_property
    def _own(self) -> set[str]:
        """Certificates of devices that stand in a trust list themselves."""
        return set(self.fleet.trust["fingerprint"].dropna()) | set(self.candidates["fingerprint"])

    @cached_property
    def candidates(self) -> pd.DataFrame:
        """Certificates that a trust list may hold: its entries, all CAs, and certificates that sign themselves."""
        both = pd.concat([self.fleet.trust, self.fleet.certificates], ignore_index=True)
        both = both[both["fingerprint"].notna()].drop_duplicates("fingerprint")
        listed = both["fingerprint"].isin(set(self.fleet.trust["fingerprint"].dropna()))
        fits = (
            listed
            | both["is_ca"].fillna(value=False).astype(bool)
            | both["self_issued"].fillna(value=False).astype(bool)
        )
        return both[fits].reset_index(drop=True)

    def judge(self, settings: Settings) -> pd.DataFrame:
        """Judge every row under the settings.

        Returns
        -------
        DataFrame
            Index of `rows`: device, pbx, verdict, cause (a broken rule only, missing where none is broken).
        """
        moment = settings.at
        state = np.where((self.rows["not_before"] > moment).to_numpy(), 1, 0)
        state = np.where((self.rows["not_after"] < moment.floor("s")).to_numpy(), 2, state).astype(np.int64)
        kind, first = combine(self._base, state)
        judged = self._judged(self.rows.iloc[first], settings)
        verdict = pd.Categorical.from_codes(judged["verdict"].cat.codes.to_numpy()[kind], dtype=VERDICTS)
        broken = judged["cause"].where(judged["verdict"] == "fail").astype(CAUSES)
        cause = pd.Categorical.from_codes(broken.cat.codes.to_numpy()[kind], dtype=CAUSES)
        frame = {"device": self.rows["device"], "pbx": self.rows["pbx"], "verdict": verdict, "cause": cause}
        return pd.DataFrame(frame, index=self.rows.index)

    def _judged(self, rows: pd.DataFrame, settings: Settings) -> pd.DataFrame:
        fleet = self.fleet
        entered = pd.Series(self.entered, index=self.rows.index)[rows.index]
        rows = rows.assign(
            tls_only=switched(rows["tls_only"], rows["pbx"], settings.tls_only, entered),
            authentication=switched(
                rows["authentication"].astype("str"), rows["pbx"], settings.authentication, is_h323(rows["protocol"])
            ).astype("category"),
        )
        rows["scenario"] = _scenario(rows, self.of).astype("category")
        presented = fleet.certificates[fleet.certificates["bundle"].isin(set(rows["bundle"].dropna()))]
        there = {*presented["fingerprint"].dropna(), *settings.trust["fingerprint"].dropna()}
        links = fleet.links[fleet.links["child"].isin(there)] if fleet.links is not None else None
        known = rows["bundle"].notna()
        questions = rows[["pbx", "bundle"]].assign(fingerprint=rows["fingerprint"].where(known))
        outcome = trust_state.judge(questions, presented, settings.trust, links)
        # A listing tells names and dates of a certificate, and holds nothing that could be verified.
        failure = outcome["trust_failure"].mask(known & rows["fingerprint"].isna(), "unreadable")
        return check(rows.assign(trust_paths=outcome["trust_paths"], trust_failure=failure), at=settings.at)


def changed(before: pd.DataFrame, after: pd.DataFrame) -> Codes:
    """Return the kind of change of each row, as its place in `advice.whatif.CHANGES`; beyond the last where none is."""
    columns = [frame[name].cat.codes.to_numpy().astype(np.int64) for frame in (before, after) for name in _OUTCOME]
    kind, first = combine(*columns)
    unlike = changes(before.iloc[first].reset_index(drop=True), after.iloc[first].reset_index(drop=True))
    number = np.full(len(first), len(CHANGES), dtype=np.int64)
    number[unlike["attempt"].to_numpy(dtype=np.int64)] = unlike["change"].cat.codes.to_numpy()
    return np.asarray(number[kind], dtype=np.int64)


def is_h323(protocol: pd.Series) -> pd.Series:
    """Tell which rows are not known to be SIP, whose authentication the page says nothing about."""
    return ~protocol.astype("str").str.startswith("SIP").fillna(value=False).astype(bool)


def switched(values: pd.Series, pbx: pd.Series, settings: Mapping[str, Any], where: pd.Series) -> pd.Series:
    """Return the values with the setting of every PBX, then that of the row's own, where it may be switched."""
    for name in ("", *(each for each in settings if each)):
        if name in settings:
            rows = where & ((pbx == name).fillna(value=False).astype(bool) if name else True)
            values = values.mask(rows, settings[name])
    return values
