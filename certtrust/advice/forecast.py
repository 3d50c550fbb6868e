"""Forecast: which devices will fail, when, and which certificate's end does it."""

from __future__ import annotations

import pandas as pd

from ..fleet import Fleet


def forecast(fleet: Fleet, *, periods: int = 24, freq: str = "MS") -> pd.DataFrame:
    """Predict the failures of the coming months, if nothing is done.

    Parameters
    ----------
    fleet : Fleet
        The fleet; each registration is represented by its latest attempt, a device without one by its
        would-be attempt.
    periods : int
        Number of future dates.
    freq : str
        Their distance, as pandas spells it: "MS" = starts of months.

    Returns
    -------
    DataFrame
        One row per date and cause, every cause that occurs at every date (0 where nothing fails):

        =========== ==============================================================================
        date        the moment that is judged (midnight UTC); the first one is the coming period's
        cause       category: code of the first failed rule, as in RESULTS
        attempts    registrations that are predicted to fail then
        devices     devices that these belong to
        new_devices those of them that did not fail for this cause at the date before (at the first
                    date: now)
        =========== ==============================================================================
    """
    raise NotImplementedError


def endings(fleet: Fleet, *, periods: int = 24, freq: str = "MS") -> pd.DataFrame:
    """List the certificates whose end takes registrations down within the time of the forecast.

    Returns
    -------
    DataFrame
        One row per certificate, the earliest end first:

        =========== ==============================================================================
        ends        last moment of its validity, UTC
        role        category: device, or CA (in the trust list or in a chain)
        fingerprint the certificate
        subject_cn  its common name
        issuer_cn   that of its issuer
        attempts    registrations that pass now and fail from that moment on because of it
        devices     devices that these belong to
        =========== ==============================================================================
    """
    raise NotImplementedError
