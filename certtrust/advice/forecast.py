"""Forecast: which devices will fail, when, and which certificate's end does it."""

from __future__ import annotations

import dataclasses
from numbers import Integral

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..arrays.grouping import Codes, combine, spread
from ..errors import CerttrustError
from ..evaluation.attempts import attempts
from ..evaluation.check import CAUSES, check
from ..evaluation.ownership import Ownership
from ..fleet import Fleet, expect_fleet, link
from ..schema import ATTEMPTS, conform, expect
from ..texts.sentences import say
from ..trust.paths import TrustPath, distinct_paths
from .remedies.fleet_copy import among, known_certificates

_NEVER = np.iinfo(np.int64).max
_SECOND = 1_000_000
_BLOCK = 250_000
"""Registrations that are judged at a time."""
_REGISTRATION = ("device", "pbx", "registration_name", "interface")
_TOLD = ("serial", "hardware_id", "pbx", "registration_name", "interface")
"""What a log line tells of them."""


def latest(results: pd.DataFrame) -> pd.DataFrame:
    """Return the latest attempt of each registration: what is still the case, as far as the log
    knows.

    Parameters
    ----------
    results : DataFrame
        Table ATTEMPTS or RESULTS.

    Returns
    -------
    DataFrame
        The last row in time for each device, PBX, registration name and interface, in the order
        of `results`; rows without a time count as the earliest, in their order.

    Examples
    --------
    >>> import certtrust as ct
    >>> attempts = ct.attempts(ct.simulate(20, seed=1))
    >>> len(latest(attempts)) < len(attempts)
    True
    """
    results = expect(results, ATTEMPTS, ("time", *_REGISTRATION))
    return results.iloc[
        _last(results["time"], [results[name] for name in _REGISTRATION])
    ]


def _last(time: pd.Series, keys: list[pd.Series]) -> Codes:
    """Return the place of the last row in time of each distinct key, ascending."""
    moment = time.astype("int64").to_numpy(copy=True)
    moment[time.isna().to_numpy()] = np.iinfo(np.int64).min
    code, first = combine(*(pd.factorize(key)[0] for key in keys))
    order = np.argsort(moment, kind="stable")
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
        If `periods` is no whole number from 1 on, or `freq` no distance of coming dates that
        pandas knows.

    Notes
    -----
    Only rules are foretold: a wrong password, or whatever else the log alone states, is not. A
    certificate that the device will only get in future is not known, and one that it has today
    stays.

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
    now, dates = _dates(periods, freq)
    return foretold(_standing(fleet, now), now, dates)


def foretold(
    rows: pd.DataFrame, now: pd.Timestamp, dates: pd.DatetimeIndex
) -> pd.DataFrame:
    """Count the attempts (table ATTEMPTS) that fail at each date, as `forecast` returns it."""
    moments = np.append(_microseconds(now), dates.asi8)
    spans = _failures(rows, moments)
    device, cause, start, end = (
        spans[name].to_numpy() for name in ("device", "cause", "start", "end")
    )
    attempts = np.cumsum(
        _counts(cause, start, len(moments)) - _counts(cause, end, len(moments)), axis=1
    )
    device, cause, start, end = _joined(device, cause, start, end)
    new = _counts(cause, start, len(moments))
    devices = np.cumsum(new - _counts(cause, end, len(moments)), axis=1)
    occurring = np.flatnonzero(attempts[:, 1:].any(axis=1))
    size = len(dates) * len(occurring)
    return pd.DataFrame(
        {
            "date": dates.repeat(len(occurring)),
            "cause": pd.Categorical.from_codes(
                np.tile(occurring, len(dates)), dtype=CAUSES
            ),
            **{
                name: counts[occurring, 1:].T.reshape(size)
                for name, counts in (
                    ("attempts", attempts),
                    ("devices", devices),
                    ("new_devices", new),
                )
            },
        }
    )


def _dates(periods: int, freq: str) -> tuple[pd.Timestamp, pd.DatetimeIndex]:
    now = pd.Timestamp.now("UTC").as_unit("us")
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


def _failures(rows: pd.DataFrame, moments: Codes) -> pd.DataFrame:
    """Return when each registration fails and why: device, cause (both by number), start and
    end (places of moments).

    What a rule says of a registration changes at few moments only, so each is judged at the
    first of all and at the first ones after such a change.
    """
    row, place = _changes(rows, moments)
    judged = [
        check(
            rows.iloc[row[part]].reset_index(drop=True),
            at=pd.to_datetime(pd.Series(moments[place[part]]), unit="us", utc=True),
        )[["verdict", "cause"]]
        for part in np.split(np.arange(len(row)), np.arange(_BLOCK, len(row), _BLOCK))
    ]
    outcome = pd.concat(judged, ignore_index=True)
    end = np.where(np.append(row[1:], -1) == row, np.append(place[1:], 0), len(moments))
    spans = pd.DataFrame(
        {
            "device": pd.factorize(rows["device"])[0][row],
            "cause": outcome["cause"].cat.codes.to_numpy().astype(np.int64),
            "start": place,
            "end": end,
        }
    )
    return spans[(outcome["verdict"] == "fail").to_numpy()]


def _changes(rows: pd.DataFrame, moments: Codes) -> tuple[Codes, Codes]:
    """Return the places of rows and moments at which they are to be judged, row by row.

    A certificate begins at once and lasts through its last second, a path to its last
    microsecond: a row is judged after each of the three, which is once too often at worst.
    """
    edges: list[tuple[Codes, Codes]] = []
    for name in ("not_before", "not_after"):
        there = np.flatnonzero(rows[name].notna())
        edges.append(
            (there, np.asarray(rows[name].iloc[there].astype("int64"), dtype=np.int64))
        )
    code, paths = distinct_paths(rows["trust_paths"])
    ends = [
        sorted({edge for path in each for edge in (path.not_before, path.not_after)})
        for each in paths
    ]
    counts = np.array([len(each) for each in ends], dtype=np.int64)
    flat = np.array([edge for each in ends for edge in each], dtype=np.int64)
    row, number = spread(counts[code])
    edges.append((row, flat[(np.cumsum(counts) - counts)[code[row]] + number]))
    found = [(np.arange(len(rows)), np.zeros(len(rows), dtype=np.int64))]
    for row, edge in edges:
        soon = (moments[0] - _SECOND <= edge) & (edge <= moments[-1])
        found += [
            (row[soon], np.searchsorted(moments, edge[soon] + delay))
            for delay in (0, 1, _SECOND)
        ]
    row, place = (np.concatenate(parts) for parts in zip(*found, strict=True))
    within = place < len(moments)
    row, place = np.divmod(
        np.unique(row[within] * len(moments) + place[within]), len(moments)
    )
    return row, place


def _joined(*spans: Codes) -> tuple[Codes, Codes, Codes, Codes]:
    """Join the spans of one device and cause that overlap or meet; those of no known device are
    left out.
    """
    device, cause, start, end = (each[spans[0] >= 0] for each in spans)
    order = np.lexsort((end, start, device, cause))
    device, cause, start, end = (each[order] for each in (device, cause, start, end))
    owner = np.cumsum(
        np.diff(device, prepend=-1).astype(bool)
        | np.diff(cause, prepend=-1).astype(bool)
    )
    high = int(end.max(initial=0)) + 1
    reached = np.maximum.accumulate(owner * high + end)
    fresh = np.append(True, reached[:-1] < (owner * high + start)[1:])[: len(owner)]
    last = np.append(fresh[1:], True)[: len(owner)]
    return device[fresh], cause[fresh], start[fresh], (reached - owner * high)[last]


def _counts(cause: Codes, place: Codes, size: int) -> npt.NDArray[np.int64]:
    """Count per cause and place; the last place, which is no moment, is left out."""
    causes = len(CAUSES.categories)
    counts = np.bincount(cause * (size + 1) + place, minlength=causes * (size + 1))
    return counts.reshape(causes, size + 1)[:, :size]


def _standing(fleet: Fleet, now: pd.Timestamp) -> pd.DataFrame:
    """Return each registration as it would be tried today, with a would-be one for devices that
    the log lacks.
    """
    fleet = fleet if fleet.links is not None else link(fleet)
    log = fleet.registrations
    log = log.iloc[_last(log["time"], [log[name] for name in _TOLD])]
    log = log.assign(time=log["time"].mask(log["time"].notna(), now), _seen=log["time"])
    tried = attempts(dataclasses.replace(fleet, registrations=log))
    tried = tried.iloc[
        _last(tried["_seen"], [tried[name] for name in _REGISTRATION])
    ].drop(columns="_seen")
    fleet = dataclasses.replace(fleet, registrations=log)
    entered = Ownership.of(fleet).entered
    silent = fleet.devices[~among(entered, tried["device"])]
    if silent.empty:
        return tried
    never = attempts(dataclasses.replace(fleet, devices=silent), of="devices")
    return conform(pd.concat([tried, never], ignore_index=True), ATTEMPTS)


def _microseconds(moment: pd.Timestamp) -> int:
    return int(moment.as_unit("us").asm8.astype("int64"))


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
    fleet = expect_fleet(fleet)
    now, dates = _dates(periods, freq)
    fleet = fleet if fleet.links is not None else link(fleet)
    rows = _standing(fleet, now)
    rows = rows[(check(rows, at=now)["verdict"] == "pass").to_numpy()]
    rows = rows[(rows["scenario"] == "h323-certificate").to_numpy(dtype=bool)]
    known = known_certificates(fleet)
    ends, fingerprint = _first_end(rows, known, _microseconds(now))
    role = np.where(
        fingerprint == rows["fingerprint"].to_numpy(dtype=object), "device", "CA"
    )
    found = pd.DataFrame(
        {
            "ends": ends,
            "role": role,
            "fingerprint": fingerprint,
            "device": rows["device"].array,
        }
    )
    found = found[found["ends"] <= _microseconds(dates[-1])]
    counts = (
        found.groupby(["ends", "role", "fingerprint"], sort=True)["device"]
        .agg(["size", "nunique"])
        .reset_index()
    )
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


def _first_end(
    rows: pd.DataFrame, known: pd.DataFrame, now: int
) -> tuple[Codes, npt.NDArray[np.object_]]:
    """Return when each trusted registration ends, and by which certificate: its own, or a CA of
    its last path.
    """
    own = rows["not_after"].astype("int64").to_numpy(copy=True)
    own[rows["not_after"].isna().to_numpy()] = _NEVER
    code, paths = distinct_paths(rows["trust_paths"])
    last = [_last_path(each, now) for each in paths]
    end = known["not_after"].dropna().astype("int64").to_dict()
    blamed = [
        min(path.certificates, key=lambda each: end.get(each, _NEVER), default=None)
        for path in last
    ]
    by_chain = np.array([path.not_after for path in last] or [0], dtype=np.int64)[code]
    ends = np.minimum(own, by_chain)
    certificates = np.where(
        own <= by_chain,
        rows["fingerprint"].to_numpy(dtype=object),
        np.array([*blamed, None], dtype=object)[code],
    )
    return ends, certificates


def _last_path(paths: tuple[TrustPath, ...], now: int) -> TrustPath:
    """Return the path that holds last, without a gap from now on; one without an end where none
    holds.
    """
    last = TrustPath((), 0, now)
    for path in sorted(paths, key=lambda path: path.not_before):
        if path.not_before <= last.not_after + 1 and path.not_after > last.not_after:
            last = path
    return (
        last if last.certificates or last.not_after > now else TrustPath((), 0, _NEVER)
    )


__all__ = ["endings", "forecast", "latest"]
