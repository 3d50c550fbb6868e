"""The state of a fleet at a moment: what two of them are compared by, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ..advice import endings
from ..advice.changes import REGISTRATION, current, latest_of
from ..arrays.grouping import Codes, distinct, first_positions
from ..evaluation.attempts import attempts
from ..evaluation.check import check, moment_of
from ..evaluation.ownership import Ownership
from ..fleet import Fleet, expect_fleet, link
from ..schema import (
    CERTIFICATES,
    COUNT,
    MOMENT,
    RESULTS,
    TRUST,
    WORD,
    Column,
    Table,
    conform,
    empty,
)

_ROW = "row of the whole"
_DEVICE = RESULTS.only("device")

REGISTRATIONS = Table(
    "REGISTRATIONS",
    "the latest attempt of one registration",
    RESULTS.only(
        *REGISTRATION,
        *("long_name", "number", "user", "name_by", "serial", "model", "firmware"),
        *("time", "verdict", "cause"),
        *("evidence", "observed"),
    ),
)
DEVICES = Table(
    "DEVICES",
    "one device, and where it is mentioned",
    (*_DEVICE, Column("table", WORD, "registrations, devices or certificates")),
)
OWN_CERTIFICATES = Table(
    "CERTIFICATES",
    "the newest certificate of one device",
    (
        *_DEVICE,
        *CERTIFICATES.only("fingerprint", "subject_cn", "issuer_cn"),
        *CERTIFICATES.only("not_before", "not_after", "parse_error"),
    ),
)
LISTS = Table(
    "TRUST",
    "one entry of a trust list",
    TRUST.only(
        *("pbx", "fingerprint", "subject", "subject_cn", "not_after", "parse_error")
    ),
)
ENDINGS = Table(
    "ENDINGS",
    "one certificate whose end makes registrations fail",
    (
        Column("ends", MOMENT, "last moment of its validity"),
        Column("role", WORD, "device or CA"),
        *CERTIFICATES.only("fingerprint", "subject_cn", "issuer_cn"),
        Column("attempts", COUNT, "registrations that fail from then on"),
        Column("devices", COUNT, "devices that these belong to"),
    ),
)
TABLES = {
    "registrations": REGISTRATIONS,
    "devices": DEVICES,
    "certificates": OWN_CERTIFICATES,
    "trust": LISTS,
    "endings": ENDINGS,
}
"""The tables of a state, by name."""


@dataclass(frozen=True)
class State:
    """A fleet at a moment, reduced to what two of them are compared by.

    Parameters
    ----------
    name : str
        What the fleet is called.
    made : Timestamp
        The moment: that of the report, the date in the folder's name, or the last one of the log.
    registrations, devices, certificates, trust, endings : DataFrame
        The tables of `certtrust.history.state.TABLES`.
    nameless : int
        Attempts of which not even the device is known; they are in no table.
    """

    name: str
    made: pd.Timestamp
    registrations: pd.DataFrame
    devices: pd.DataFrame
    certificates: pd.DataFrame
    trust: pd.DataFrame
    endings: pd.DataFrame
    nameless: int = 0

    @property
    def is_nothing(self) -> bool:
        """Whether no table says anything of a device, a certificate or a trust list."""
        named = self.trust["fingerprint"].notna()
        return self.registrations.empty and self.devices.empty and not named.any()

    def has(self, name: str) -> bool:
        """Return True where the state tells anything of a kind of data.

        Parameters
        ----------
        name : {"registrations", "devices", "certificates", "trust"}
        """
        if name == "trust":
            return bool(len(self.trust))
        return bool((self.devices["table"] == name).any())


@dataclass(frozen=True)
class StateRows:
    """What a state takes from results.

    Parameters
    ----------
    latest : DataFrame
        The latest attempt of each registration, as `latest_of` in `advice/changes.py` gives it.
    named : DataFrame
        The certificate that the log named last, for each device of which no file has one: device,
        time, and columns of CERTIFICATES.
    nameless : int
        Attempts of which not even the device is known.
    """

    latest: pd.DataFrame
    named: pd.DataFrame
    nameless: int


_NAMED = [name for name in OWN_CERTIFICATES.names if name != "parse_error"]


def state_rows(
    results: pd.DataFrame, ownership: Ownership, positions: Codes | None = None
) -> StateRows:
    """Return what a state takes from the results of a fleet, or of a part of one.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS.
    ownership : Ownership
        Who owns what.
    positions : array of int, optional
        Where each row stands in the whole.
    """
    if positions is None:
        positions = np.arange(len(results))
    from_files = distinct(
        ownership.own_certificates["device"], ownership.unread["device"]
    )
    named = results[results["device"].notna() & results["fingerprint"].notna()]
    named = named[first_positions(named["device"], from_files) < 0]
    named = named[["time", *_NAMED]].sort_values(
        ["time", "fingerprint"], na_position="first"
    )
    return StateRows(
        latest_of(results.assign(**{_ROW: positions}), _ROW),
        named.drop_duplicates("device", keep="last"),
        int(results["device"].isna().sum()),
    )


def states_together(parts: Sequence[StateRows]) -> StateRows:
    """Return what a state takes from the results of a fleet, given those of its parts."""
    latest = pd.concat([part.latest for part in parts]).sort_values(_ROW)
    named = pd.concat([part.named for part in parts])
    return StateRows(
        latest.drop(columns=_ROW).reset_index(drop=True),
        named.sort_values(
            ["time", "fingerprint", "device"],
            na_position="first",
            ignore_index=True,
        ),
        sum(part.nameless for part in parts),
    )


def state_of(
    fleet: Fleet,
    results: pd.DataFrame | StateRows | None = None,
    *,
    name: str = "fleet",
    at: pd.Timestamp | str | None = None,
    months: int | None = 24,
    coming: pd.DataFrame | None = None,
) -> State:
    """Return the state of a fleet.

    Parameters
    ----------
    fleet : Fleet
        What was read; one without registrations is judged by one would-be attempt per known device.
    results : DataFrame or StateRows, optional
        Table RESULTS of this fleet, or what `state_rows` takes from it, if it is there already.
    name : str
        What the fleet is called.
    at : Timestamp or str, optional
        The moment; attempts that have a time of their own are judged at that. By default the
        last moment of the log, else now.
    months : int, optional
        How far ahead certificates are listed that end; None lists none.
    coming : DataFrame, optional
        `certtrust.endings(fleet, periods=months)` of that moment, if it is there already.

    Returns
    -------
    State

    Examples
    --------
    >>> import certtrust as ct
    >>> state_of(ct.simulate(20, seed=1)).has("trust")
    True
    """
    fleet = link(expect_fleet(fleet))
    now = pd.Timestamp.now("UTC").floor("s")
    last = fleet.registrations["time"].max()
    chosen = None if at is None else moment_of(at)
    of: Literal["log", "devices"] = "log" if len(fleet.registrations) else "devices"
    if results is None:
        tried = attempts(fleet, of=of)
        results = check(
            tried, at=tried["time"].fillna(now if chosen is None else chosen)
        )
    made = chosen if chosen is not None else now if pd.isna(last) else last
    ownership = Ownership.of(fleet)
    rows = results
    if not isinstance(rows, StateRows):
        rows = states_together([state_rows(rows, ownership)])
    registrations = conform(current(rows.latest), REGISTRATIONS)[REGISTRATIONS.names]
    certificates = _certificates(fleet, ownership, rows.named)
    lists = fleet.trust[LISTS.names].drop_duplicates()
    if coming is None:
        coming = (
            empty(ENDINGS)
            if months is None
            else endings(fleet, periods=months, at=made)
        )
    return State(
        name=name,
        made=made,
        registrations=registrations,
        devices=_devices(registrations, ownership, certificates, of),
        certificates=certificates,
        trust=conform(lists, LISTS).reset_index(drop=True),
        endings=conform(coming, ENDINGS),
        nameless=rows.nameless,
    )


def _certificates(
    fleet: Fleet, ownership: Ownership, named: pd.DataFrame
) -> pd.DataFrame:
    """Return the newest certificate of each device, or why that is not known."""
    own = ownership.own_certificates
    columns = [name for name in OWN_CERTIFICATES.names if name != "device"]
    rows = (
        fleet.certificates[columns]
        .iloc[own["row"]]
        .assign(device=own["device"].array)
    )
    unread = ownership.unread
    broken = (
        fleet.certificates[columns]
        .iloc[unread["row"]]
        .assign(device=unread["device"].array)
    )
    # A device with a file that cannot be read may have a newer one in it.
    rows = rows[~rows["device"].isin(broken["device"])]
    rows = rows.sort_values(["not_before", "fingerprint"], na_position="first")
    rows = rows.drop_duplicates("device", keep="last")
    together = pd.concat([rows, broken.dropna(subset=["device"])])
    named = named[~named["device"].isin(together["device"])].drop(columns="time")
    together = pd.concat([together, named], ignore_index=True)
    return conform(together, OWN_CERTIFICATES)[OWN_CERTIFICATES.names]


def _is_here(certificates: pd.DataFrame) -> pd.Series:
    named = certificates[["subject_cn", "issuer_cn", "not_after", "parse_error"]]
    return named.notna().any(axis="columns")


def _devices(
    registrations: pd.DataFrame,
    ownership: Ownership,
    certificates: pd.DataFrame,
    of: str,
) -> pd.DataFrame:
    """Return where each device is mentioned."""
    mentioned = {
        "registrations": registrations["device"] if of == "log" else None,
        "devices": ownership.entered,
        # One that a log merely names by its fingerprint is not here.
        "certificates": certificates.loc[_is_here(certificates), "device"],
    }
    parts = [
        pd.DataFrame({"device": devices.dropna().unique(), "table": name})
        for name, devices in mentioned.items()
        if devices is not None
    ]
    return conform(pd.concat(parts, ignore_index=True), DEVICES)
