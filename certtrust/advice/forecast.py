"""Forecast: which devices will fail, when, and which certificate's end does it."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..attempts import attempts, identities
from ..check import CAUSES, check
from ..errors import CerttrustError
from ..fleet import Fleet, link
from ..groups import Codes, combine
from ..schema import ATTEMPTS, conform
from .actions import among, known_certificates

_NEVER = np.iinfo(np.int64).max
_REGISTRATION = ("device", "pbx", "registration_name", "interface")
_TOLD = ("serial", "hardware_id", "pbx", "registration_name", "interface")
"""What a log line tells of them."""


def latest(results: pd.DataFrame) -> pd.DataFrame:
    """Return the latest attempt of each registration: what is still the case, as far as the log knows.

    Parameters
    ----------
    results : DataFrame
        Table ATTEMPTS or RESULTS.

    Returns
    -------
    DataFrame
        The last row in time for each device, PBX, registration name and interface, in the order of `results`;
        rows without a time count as the earliest, in their order.

    Examples
    --------
    >>> import certtrust as ct
    >>> attempts = ct.attempts(ct.simulate(20, seed=1))
    >>> len(latest(attempts)) < len(attempts)
    True
    """
    return results.iloc[_last(results["time"], [results[name] for name in _REGISTRATION])]


def _last(time: pd.Series, keys: list[pd.Series]) -> Codes:
    """Return the place of the last row in time of each distinct key, ascending."""
    moment = time.astype("int64").to_numpy(copy=True)
    moment[time.isna().to_numpy()] = np.iinfo(np.int64).min
    order = np.argsort(moment, kind="stable")[::-1]
    _, first = combine(*(pd.factorize(key)[0][order] for key in keys))
    return np.sort(order[first])


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

    Raises
    ------
    CerttrustError
        If `periods` is below 1 or `freq` is no distance that pandas knows.

    Notes
    -----
    Only rules are foretold: a wrong password, or whatever else the log alone states, is not. A certificate
    that the device will only get in future is not known, and one that it has today stays.

    Examples
    --------
    >>> import certtrust as ct
    >>> coming = forecast(ct.simulate(30, seed=3, faults={}), periods=60)
    >>> coming.columns.tolist()
    ['date', 'cause', 'attempts', 'devices', 'new_devices']
    >>> bool(coming["devices"].iloc[-1] >= coming["devices"].iloc[0])
    True
    """
    now, dates = _dates(periods, freq)
    rows = _standing(fleet, now)
    changing = _within(rows, now, dates[-1])
    steady = check(rows[~changing], at=now)
    steady = steady.loc[steady["verdict"] == "fail", ["device", "cause"]]
    moving = rows[changing]
    before = _failing(moving, now)
    counts = []
    for date in dates:
        after = _failing(moving, date)
        fresh = ~pd.MultiIndex.from_frame(after).isin(pd.MultiIndex.from_frame(before))
        new = after[fresh].groupby("cause", observed=True)["device"].nunique()
        grouped = pd.concat([steady, after]).groupby("cause", observed=True)["device"]
        counts.append(pd.DataFrame({"attempts": grouped.size(), "devices": grouped.nunique(), "new_devices": new}))
        before = after
    together = pd.concat(counts, keys=dates, names=["date", "cause"]) if counts else pd.DataFrame()
    causes = [cause for cause in CAUSES.categories if cause in together.index.get_level_values("cause")]
    grid = pd.MultiIndex.from_product([dates, causes], names=["date", "cause"])
    full = together.reindex(grid).fillna(0).astype("int64").reset_index()
    return full.astype({"cause": CAUSES})


def _dates(periods: int, freq: str) -> tuple[pd.Timestamp, pd.DatetimeIndex]:
    now = pd.Timestamp.now("UTC").as_unit("us")
    if periods < 1:
        raise CerttrustError(f"periods={periods}; a forecast has at least one date")
    try:
        dates = pd.date_range(now.normalize() + pd.Timedelta(days=1), periods=periods, freq=freq)
    except ValueError as error:
        raise CerttrustError(f"freq={freq!r} is no distance of dates; take 'MS', 'W' or 'D'") from error
    return now, dates.as_unit("us")


def _failing(rows: pd.DataFrame, moment: pd.Timestamp) -> pd.DataFrame:
    judged = check(rows, at=moment)
    return judged.loc[judged["verdict"] == "fail", ["device", "cause"]]


def _standing(fleet: Fleet, now: pd.Timestamp) -> pd.DataFrame:
    """Return each registration as it would be tried today, with a would-be one for devices that the log lacks."""
    fleet = fleet if fleet.links is not None else link(fleet)
    log = fleet.registrations
    log = log.iloc[_last(log["time"], [log[name] for name in _TOLD])]
    log = log.assign(time=log["time"].mask(log["time"].notna(), now), _seen=log["time"])
    tried = attempts(dataclasses.replace(fleet, registrations=log))
    tried = tried.iloc[_last(tried["_seen"], [tried[name] for name in _REGISTRATION])].drop(columns="_seen")
    fleet = dataclasses.replace(fleet, registrations=log)
    _, entered = identities(fleet)
    silent = fleet.devices[~among(entered, tried["device"])]
    never = attempts(dataclasses.replace(fleet, devices=silent), of="devices")
    return conform(pd.concat([tried, never], ignore_index=True), ATTEMPTS)


def _within(rows: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> npt.NDArray[np.bool_]:
    """Tell for which rows a certificate begins or ends within the time."""
    changing = np.zeros(len(rows), dtype=bool)
    for name in ("not_before", "not_after"):
        changing |= rows[name].between(start, end).to_numpy(dtype=bool)
    low, high = _microseconds(start), _microseconds(end)
    code, paths = _distinct_paths(rows)
    moved = [any(low <= edge <= high for path in each for edge in (path[1], path[2])) for each in paths]
    changing |= np.array(moved, dtype=bool)[code]
    return changing


def _microseconds(moment: pd.Timestamp) -> int:
    return int(moment.as_unit("us").asm8.astype("int64"))


def _distinct_paths(rows: pd.DataFrame) -> tuple[Codes, list[tuple[tuple[tuple[str, ...], int, int], ...]]]:
    tuples = rows["trust_paths"].to_numpy()
    code, first = combine(np.fromiter(map(id, tuples), dtype=np.int64, count=len(tuples)))
    return code, [tuples[row] or () for row in first]


def endings(fleet: Fleet, *, periods: int = 24, freq: str = "MS") -> pd.DataFrame:
    """List the certificates whose end takes registrations down within the time of the forecast.

    Parameters
    ----------
    fleet, periods, freq
        As in `forecast`.

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

    Examples
    --------
    >>> import certtrust as ct
    >>> coming = endings(ct.simulate(30, seed=3, faults={}), periods=1000)
    >>> bool(coming["ends"].is_monotonic_increasing)
    True
    """
    now, dates = _dates(periods, freq)
    fleet = fleet if fleet.links is not None else link(fleet)
    rows = _standing(fleet, now)
    rows = rows[(check(rows, at=now)["verdict"] == "pass").to_numpy()]
    rows = rows[(rows["scenario"] == "h323-certificate").to_numpy(dtype=bool)]
    known = known_certificates(fleet)
    ends, fingerprint = _first_end(rows, known)
    role = np.where(fingerprint == rows["fingerprint"].to_numpy(dtype=object), "device", "CA")
    found = pd.DataFrame({"ends": ends, "role": role, "fingerprint": fingerprint, "device": rows["device"].array})
    found = found[found["ends"] <= _microseconds(dates[-1])]
    counts = found.groupby(["ends", "role", "fingerprint"], sort=True)["device"].agg(["size", "nunique"]).reset_index()
    own = known.reindex(counts["fingerprint"]).reset_index(drop=True)
    return pd.DataFrame(
        {
            "ends": own["not_after"],
            "role": pd.Categorical(counts["role"], categories=["device", "CA"]),
            "fingerprint": counts["fingerprint"].astype("str"),
            "subject_cn": own["subject_cn"],
            "issuer_cn": own["issuer_cn"],
            "attempts": counts["size"],
            "devices": counts["nunique"],
        }
    )


def _first_end(rows: pd.DataFrame, known: pd.DataFrame) -> tuple[Codes, npt.NDArray[np.object_]]:
    """Return when each trusted registration ends, and by which certificate: its own, or a CA of its last path."""
    own = rows["not_after"].astype("int64").to_numpy(copy=True)
    own[rows["not_after"].isna().to_numpy()] = _NEVER
    code, paths = _distinct_paths(rows)
    last = [max(each, key=lambda path: path[2], default=((), 0, _NEVER)) for each in paths]
    end = known["not_after"].dropna().astype("int64").to_dict()
    blamed = [min(path[0], key=lambda each: end.get(each, _NEVER), default=None) for path in last]
    by_chain = np.array([path[2] for path in last] or [0], dtype=np.int64)[code]
    ends = np.minimum(own, by_chain)
    certificates = np.where(
        own <= by_chain, rows["fingerprint"].to_numpy(dtype=object), np.array([*blamed, None], dtype=object)[code]
    )
    return ends, certificates


__all__ = ["endings", "forecast", "latest"]
