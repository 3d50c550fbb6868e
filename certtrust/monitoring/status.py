"""The state of a fleet as tools that watch it want it: numbers, and the certificates in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from ..advice.changes import current
from ..arrays.arrow import as_mask
from ..errors import CerttrustError
from ..evaluation.attempts import attempts
from ..evaluation.check import check, counted, moment_of
from ..fleet import Fleet, expect_fleet, link
from ..texts.sentences import say
from .renewals import MONTHS, UNREAD, WEEKS, renewals


@dataclass(frozen=True)
class Status:
    """What is watched of a fleet at a moment.

    Parameters
    ----------
    at : Timestamp
        The moment.
    registrations : DataFrame
        The latest attempt of each registration, as `certtrust.changes` compares it.
    renewals : DataFrame
        Table RENEWALS, see `certtrust.renewals`.
    """

    at: pd.Timestamp
    registrations: pd.DataFrame
    renewals: pd.DataFrame

    @property
    def failing(self) -> pd.DataFrame:
        """The registrations that fail: observed, or predicted where nothing was observed."""
        return counted(self.registrations)

    @property
    def devices(self) -> int:
        """How many devices were judged."""
        return int(self.registrations["device"].nunique())

    @property
    def failing_devices(self) -> int:
        """How many devices have a registration that fails."""
        return int(self.failing["device"].nunique())

    @property
    def undecided_devices(self) -> int:
        """How many devices do not fail, and lack data for a verdict."""
        rows = self.registrations
        is_open = rows["observed"].isna() & as_mask(rows["verdict"] == "unknown")
        devices = rows.loc[is_open, "device"]
        return int(devices[~devices.isin(self.failing["device"])].nunique())

    @property
    def unread(self) -> int:
        """How many certificates and entries of trust lists could not be read."""
        return int((self.renewals["bucket"] == UNREAD).sum())

    @property
    def is_nothing(self) -> bool:
        """Whether neither a device nor a certificate was understood."""
        return not self.devices and self.unread == len(self.renewals)


def expect_status(status: Status) -> Status:
    """Return the status that a caller passed.

    Raises
    ------
    CerttrustError
        If it is something else.
    """
    if not isinstance(status, Status):
        kind = type(status).__name__
        raise CerttrustError(say("errors.monitoring.no_status", kind=kind))
    return status


def status(
    fleet: Fleet,
    *,
    at: pd.Timestamp | str | None = None,
    weeks: Sequence[int] = WEEKS,
    months: Sequence[int] = MONTHS,
) -> Status:
    """Return what is watched of a fleet.

    Parameters
    ----------
    fleet : Fleet
        What was read; one without registrations is judged by one would-be attempt per known device.
    at : Timestamp or str, optional
        The moment to judge at, and to count from; by default each attempt at its own time, and
        now.
    weeks, months : sequence of int
        As in `certtrust.renewals`.

    Returns
    -------
    Status

    Examples
    --------
    >>> import certtrust as ct
    >>> state = status(ct.simulate(20, seed=1))
    >>> state.failing_devices + state.undecided_devices <= state.devices
    True
    """
    fleet = link(expect_fleet(fleet))
    of: Literal["log", "devices"] = "log" if len(fleet.registrations) else "devices"
    return Status(
        at=moment_of(pd.Timestamp.now("UTC") if at is None else at),
        registrations=current(check(attempts(fleet, of=of), at=at)),
        renewals=renewals(fleet, at=at, weeks=weeks, months=months),
    )
