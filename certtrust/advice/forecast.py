"""Forecast: which devices will fail, when, and which certificate's end is to blame."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from numbers import Integral

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..arrays.grouping import Codes, equal_pairs, factorize_rows
from ..errors import CerttrustError
from ..evaluation.attempts import is_registration, joined
from ..evaluation.check import CAUSES, check, moment_of
from ..evaluation.ownership import Ownership
from ..fleet import Fleet, expect_fleet, link
from ..schema import ATTEMPTS, conform, expect
from ..texts.sentences import say
from ..trust.paths import TrustPath, distinct_paths
from .joins import among, microseconds
from .remedies.fleet_copy import certificates_by_fingerprint

__all__ = ["endings", "forecast", "latest"]

_NEVER = np.iinfo(np.int64).max
_SECOND = 1_000_000
_BLOCK = 250_000
"""Registrations that are judged at a time."""
_REGISTRATION = ["device", "pbx", "registration_name", "interface"]
_LOGGED = [
    *("serial", "hardware_id", "pbx", "registration_name", "interface"),
    *("fingerprint", "matched_by"),
]
"""What a log line says about the registration that it belongs to."""


def latest(results: pd.DataFrame) -> pd.DataFrame:
    """Return the latest attempt of each registration: the state of affairs, as far as logged.

    Parameters
    ----------
    results : DataFrame
        Table ATTEMPTS or RESULTS.

    Returns
    -------
    DataFrame
        The last row in time for each device, PBX, registration name and interface, in the order
        of `results`; rows without a time come before all others, in their order.

    Examples
    --------
    >>> import certtrust as ct
    >>> attempts = ct.attempts(ct.simulate(20, seed=1))
    >>> len(latest(attempts)) < len(attempts)
    True
    """
    results = expect(results, ATTEMPTS, ("time", *_REGISTRATION))
    return results.iloc[_last_rows(results["time"], results[_REGISTRATION])]


def _last_rows(time: pd.Series, keys: pd.DataFrame) -> Codes:
    """Return the position of the last row in time of each distinct key, ascending."""
    code, first = factorize_rows(keys, keys.columns)
    order = time.array.argsort(kind="stable", na_position="first")
    last = np.zeros(len(first), dtype=np.int64)
    last[code[order]] = order
    return np.sort(last)


def forecast(fleet: Fleet, *, periods: int = 24, freq: str = "MS") -> pd.DataFrame:
    """Predict the failures of the coming months, if nothing is done.

    Parameters
    ----------
    fleet : Fleet
        The fleet; each registration is represented by its latest attempt, a device without one
        by its would-be attempt.
    periods : int
        Number of future dates.
    freq : str
        The distance between them, as pandas spells it: "MS" = starts of months.

    Returns
    -------
    DataFrame
        One row per date and cause, every cause that occurs at every date (0 where nothing fails):

        =========== ==============================================================================
        date        the moment of judgement (midnight UTC), from the coming period on
        cause       category: code of the first failed rule, as in RESULTS
        attempts    registrations that are predicted to fail then
        devices     devices that these belong to
        new_devices those that did not fail for this cause at the date before (at the first date:
                    now)
        =========== ==============================================================================

    Raises
    ------
    CerttrustError
        If `periods` is no whole number above 0, or `freq` is not a forward offset known to
        pandas.

    Notes
    -----
    Only broken rules are forecast, not what the log alone states, such as a wrong password.
    Every device is assumed to keep the certificate that it has today.

    Examples
    --------
    >>> import certtrust as ct
    >>> coming = forecast(ct.simulate(30, seed=3, faults={}), periods=60)
    >>> coming.columns.tolist()
    ['date', 'cause', 'attempts', 'devices', 'new_devices']
    >>> bool(coming["devices"].iloc[-1] >= coming["devices"].iloc[0])
    True
    """
    fleet = expect_fleet(fleet)
    fleet = fleet if fleet.links is not None else link(fleet)
    now, dates = coming_dates(periods, freq)
    return failure_counts(current_attempts(fleet, now), now, dates)


def failure_counts(
    rows: pd.DataFrame, now: pd.Timestamp, dates: pd.DatetimeIndex
) -> pd.DataFrame:
    """Return the failing attempts (table ATTEMPTS) per date and cause, as `forecast` does."""
    moments = microseconds(pd.Series([now, *dates]))
    device, cause, start, end = _failures(rows, moments)
    attempts = _running_counts(cause, start, end, len(moments))
    device, cause, start, end = _merged_spans(device, cause, start, end)
    devices = _running_counts(cause, start, end, len(moments))
    new_devices = _counts(cause, start, len(moments))
    causes = np.flatnonzero(attempts[:, 1:].any(axis=1))
    columns = {"attempts": attempts, "devices": devices, "new_devices": new_devices}
    return pd.DataFrame(
        {
            "date": dates.repeat(len(causes)),
            "cause": pd.Categorical.from_codes(
                np.tile(causes, len(dates)), dtype=CAUSES
            ),
            **{
                name: counts[causes, 1:].T.ravel() for name, counts in columns.items()
            },
        }
    )


def sum_of_forecasts(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the forecast of a fleet, given those of its parts at the same dates.

    Each device is in one part.
    """
    counts = ["attempts", "devices", "new_devices"]
    dates = parts[0]["date"].head(0)
    every = pd.concat([dates, *(part["date"] for part in parts)]).drop_duplicates()
    codes = np.unique(np.concatenate([part["cause"].cat.codes for part in parts]))
    causes = pd.Categorical.from_codes(codes, dtype=CAUSES)
    whole = pd.MultiIndex.from_product(
        [every.sort_values(), causes], names=["date", "cause"]
    )
    sums = pd.concat(parts).groupby(["date", "cause"], observed=True)[counts].sum()
    return sums.reindex(whole, fill_value=0).reset_index().astype({"cause": CAUSES})


def sum_of_endings(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the endings of a fleet, given those of its parts. Each device is in one part."""
    together = pd.concat(parts, ignore_index=True)
    keys = ["ends", "role", "fingerprint"]
    order = together.assign(role=together["role"].astype("str")).sort_values(keys)
    rows = together.loc[order.index]
    grouped = rows.groupby(keys, observed=True, sort=False)
    counts = grouped[["attempts", "devices"]].transform("sum")
    return rows.assign(**counts).drop_duplicates(keys).reset_index(drop=True)


def coming_dates(
    periods: int, freq: str, at: pd.Timestamp | str | None = None
) -> tuple[pd.Timestamp, pd.DatetimeIndex]:
    now = moment_of(pd.Timestamp.now("UTC") if at is None else at)
    if not isinstance(periods, Integral) or periods < 1:
        raise CerttrustError(say("errors.advice.periods", periods=repr(periods)))
    wrong = say("errors.advice.freq", freq=repr(freq))
    try:
        dates = pd.date_range(
            now.normalize() + pd.Timedelta(days=1), periods=int(periods), freq=freq
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise CerttrustError(wrong) from error
    if dates[0] < now or not dates.is_monotonic_increasing:
        raise CerttrustError(wrong)
    return now, dates.as_unit("us")


def _failures(
    rows: pd.DataFrame, moments: Codes
) -> tuple[Codes, Codes, Codes, Codes]:
    """Return when each registration fails and why: device, cause, start, end.

    Device and cause are codes, start and end positions in `moments`. What the rules say of a
    registration changes at few moments, so it is judged at the first moment and at the first
    one after each change.
    """
    row, start = _changes(rows, moments)
    blocks = [
        check(
            rows.iloc[row[block]].reset_index(drop=True),
            at=pd.to_datetime(pd.Series(moments[start[block]]), unit="us", utc=True),
        )[["verdict", "cause"]]
        for block in np.split(
            np.arange(len(row)), np.arange(_BLOCK, len(row), _BLOCK)
        )
    ]
    results = pd.concat(blocks, ignore_index=True)
    fails = (results["verdict"] == "fail").to_numpy()
    is_last = np.append(row[1:] != row[:-1], True)[: len(row)]
    end: Codes = np.where(is_last, len(moments), np.roll(start, -1))
    device = pd.factorize(rows["device"])[0][row]
    cause = results["cause"].cat.codes.to_numpy().astype(np.int64)
    return device[fails], cause[fails], start[fails], end[fails]


def _changes(rows: pd.DataFrame, moments: Codes) -> tuple[Codes, Codes]:
    """Return the pairs of a row and a moment, by position, at which to judge, row by row.

    A certificate begins at once and lasts through its last second, a path to its last
    microsecond: a row is judged after each of the three, at worst once too often.
    """
    edges = []
    for name in ("not_before", "not_after"):
        dated = np.flatnonzero(rows[name].notna())
        edges.append((dated, microseconds(rows[name].iloc[dated])))
    code, paths_by_code = distinct_paths(rows["trust_paths"])
    ends = [
        (code, edge)
        for code, paths in enumerate(paths_by_code)
        for path in paths
        for edge in (path.not_before, path.not_after)
    ]
    code_of_edge, edge = np.array(ends, dtype=np.int64).reshape(-1, 2).T
    row, position = equal_pairs(code, code_of_edge)
    edges.append((row, edge[position]))
    pairs = [np.arange(len(rows)) * len(moments)]
    for row, edge in edges:
        near = (moments[0] - _SECOND <= edge) & (edge <= moments[-1])
        for delay in (0, 1, _SECOND):
            position = np.searchsorted(moments, edge[near] + delay)
            to_come = position < len(moments)
            pairs.append(row[near][to_come] * len(moments) + position[to_come])
    row, position = np.divmod(np.unique(np.concatenate(pairs)), len(moments))
    return row, position


def _merged_spans(
    device: Codes, cause: Codes, start: Codes, end: Codes
) -> tuple[Codes, Codes, Codes, Codes]:
    """Merge the spans of one device and cause that overlap or meet.

    Spans of unknown devices are left out.
    """
    order = np.lexsort((end, start, device, cause))
    order = order[device[order] >= 0]
    device, cause, start, end = device[order], cause[order], start[order], end[order]
    group = np.cumsum(
        (np.diff(device, prepend=-1) != 0) | (np.diff(cause, prepend=-1) != 0)
    )
    # Groups are far apart on one axis, so that the running maximum starts anew with each.
    offset = group * (int(end.max(initial=0)) + 1)
    reached = np.maximum.accumulate(offset + end)
    begins = np.append(True, reached[:-1] < (offset + start)[1:])[: len(group)]
    ends = np.append(begins[1:], True)[: len(group)]
    return device[begins], cause[begins], start[begins], (reached - offset)[ends]


def _running_counts(
    cause: Codes, start: Codes, end: Codes, moments: int
) -> npt.NDArray[np.int64]:
    """Return how many spans of each cause cover each moment."""
    change = _counts(cause, start, moments) - _counts(cause, end, moments)
    return np.cumsum(change, axis=1)


def _counts(cause: Codes, position: Codes, moments: int) -> npt.NDArray[np.int64]:
    """Count by cause and moment; what is beyond the last moment is left out."""
    shape = len(CAUSES.categories), moments + 1
    counts = np.bincount(cause * shape[1] + position, minlength=shape[0] * shape[1])
    return counts.reshape(shape)[:, :moments]


def current_attempts(
    fleet: Fleet,
    now: pd.Timestamp,
    serials: pd.Series | None = None,
    own: Codes | None = None,
) -> pd.DataFrame:
    """Return each registration as if tried today, and a would-be one of each unlogged device.

    Parameters
    ----------
    fleet : Fleet
        With links; a whole fleet, or a part of one.
    now : Timestamp
        The moment of the attempts that have one.
    serials : Series of str, optional
        All serials of the whole fleet, for a part of one.
    own : array of int, optional
        Which device entries are the part's own, by position; by default all.
    """
    ownership = Ownership.of(fleet, serials)
    log = fleet.registrations
    log = log[is_registration(log)]
    log = log.iloc[_last_rows(log["time"], log[_LOGGED])]
    log = log.assign(
        time=log["time"].mask(log["time"].notna(), now), _seen=log["time"]
    )
    tried = joined(dataclasses.replace(fleet, registrations=log), ownership, "log")
    tried = tried.iloc[_last_rows(tried.pop("_seen"), tried[_REGISTRATION])]
    unlogged = ~among(ownership.entered, tried["device"])
    if own is not None:
        is_own = np.zeros(len(unlogged), dtype=bool)
        is_own[own] = True
        unlogged &= is_own
    if not unlogged.any():
        return tried
    part = dataclasses.replace(fleet, devices=fleet.devices[unlogged])
    would_be = joined(part, Ownership.of(part, ownership.serials), "devices")
    return conform(pd.concat([tried, would_be], ignore_index=True), ATTEMPTS)


def endings(
    fleet: Fleet,
    *,
    periods: int = 24,
    freq: str = "MS",
    at: pd.Timestamp | str | None = None,
) -> pd.DataFrame:
    """List the certificates whose end takes registrations down within the forecast's time.

    Parameters
    ----------
    fleet, periods, freq
        As in `forecast`.
    at : Timestamp or str, optional
        The moment to look ahead from; now by default.

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
    fleet = expect_fleet(fleet)
    fleet = fleet if fleet.links is not None else link(fleet)
    now, dates = coming_dates(periods, freq, at)
    return endings_of(fleet, current_attempts(fleet, now), now, dates)


def endings_of(
    fleet: Fleet, rows: pd.DataFrame, now: pd.Timestamp, dates: pd.DatetimeIndex
) -> pd.DataFrame:
    """Return what `endings` does, of attempts (table ATTEMPTS) that are there already."""
    moments = microseconds(pd.Series([now, dates[-1]]))
    passes = check(rows, at=now)["verdict"] == "pass"
    rows = rows[(passes & (rows["scenario"] == "h323-certificate")).to_numpy()]
    certificates = certificates_by_fingerprint(fleet)
    ends, fingerprint = _first_end(rows, certificates, int(moments[0]))
    is_own = fingerprint == rows["fingerprint"].to_numpy(dtype=object)
    first_ends = pd.DataFrame(
        {
            "ends": ends,
            "role": np.where(is_own, "device", "CA"),
            "fingerprint": fingerprint,
            "device": rows["device"].array,
        }
    )
    within = first_ends[ends <= moments[1]]
    devices = within.groupby(["ends", "role", "fingerprint"])["device"]
    counts = devices.agg(attempts="size", devices="nunique").reset_index()
    own = certificates.reindex(counts["fingerprint"]).reset_index(drop=True)
    return pd.DataFrame(
        {
            "ends": own["not_after"],
            "role": pd.Categorical(counts["role"], categories=["device", "CA"]),
            "fingerprint": counts["fingerprint"].astype("str"),
            "subject_cn": own["subject_cn"],
            "issuer_cn": own["issuer_cn"],
            "attempts": counts["attempts"],
            "devices": counts["devices"],
        }
    )


def _first_end(
    rows: pd.DataFrame, certificates: pd.DataFrame, now: int
) -> tuple[Codes, npt.NDArray[np.object_]]:
    """Return when each trusted registration ends, and with which certificate.

    That is its own, or a CA of its last path.
    """
    own = np.full(len(rows), _NEVER)
    dated = rows["not_after"].notna().to_numpy()
    own[dated] = microseconds(rows["not_after"][dated])
    code, paths_by_code = distinct_paths(rows["trust_paths"])
    last = [_last_path(paths, now) for paths in paths_by_code]
    ends = certificates["not_after"].dropna()
    end = dict(zip(ends.index, microseconds(ends).tolist(), strict=True))
    blamed = [
        min(path.certificates, key=lambda entry: end.get(entry, _NEVER), default=None)
        for path in last
    ]
    by_chain = np.array([path.not_after for path in last] or [0], dtype=np.int64)[
        code
    ]
    fingerprint = np.where(
        own <= by_chain,
        rows["fingerprint"].to_numpy(dtype=object),
        np.array([*blamed, None], dtype=object)[code],
    )
    return np.minimum(own, by_chain), fingerprint


def _last_path(paths: tuple[TrustPath, ...], now: int) -> TrustPath:
    """Return the path that holds last, without a gap from now on.

    Where none holds now, that is a path without an end.
    """
    last = TrustPath((), 0, now)
    for path in sorted(paths, key=lambda path: path.not_before):
        if path.not_before <= last.not_after + 1 and path.not_after > last.not_after:
            last = path
    return (
        last
        if last.certificates or last.not_after > now
        else TrustPath((), 0, _NEVER)
    )
