"""Intervals of failure: from the record that says that a registration failed to the one that
says it is up again.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..names.device_ids import same_spelling

_WHO = ["pbx", "serial", "hardware_id", "registration_name", "code", "module"]
_TOLD = ["state", "reason", "protocol"]


def intervals(registrations: pd.DataFrame) -> pd.DataFrame:
    r"""Pair the failures of each registration with its return, and alarms with their clears.

    Records belong together that agree in PBX, device, registration name, event code and module.
    A failure that is repeated before the return is one interval.

    Parameters
    ----------
    registrations : DataFrame
        Table REGISTRATIONS, of any order.

    Returns
    -------
    DataFrame
        One row per interval, by start: pbx, serial, hardware_id, registration_name, code,
        module, state, reason and protocol (as the first record says), start, end, duration,
        records (how many say that it failed), first and last (index labels of the records that
        begin and end it), and status: closed, open (no return in the log), unbegun (a clear
        without its alarm; start is missing). A record without a time stands alone.

    Examples
    --------
    >>> from certtrust import read_registrations
    >>> log = read_registrations(
    ...     "time,serial,state\n100000000,0090332f688a,down\n100000060,0090332f688a,up\n")
    >>> intervals(log)[["status", "duration"]].values.tolist()
    [['closed', Timedelta('0 days 00:01:00')]]
    """
    told = registrations[registrations["state"].notna()]
    failed = (told["state"].astype("str") != "up").to_numpy()
    cleared = (told["matched_by"].astype("str") == "clear").fillna(False).to_numpy(bool)
    key = _keys(told)
    time = told["time"].dt.tz_convert(None).to_numpy("M8[us]")
    order = np.lexsort((np.arange(len(told)), time, key))
    key, failed, cleared = key[order], failed[order], cleared[order]
    ends = ~failed
    begins = np.ones(len(order), bool)
    begins[1:] = (key[1:] != key[:-1]) | ends[:-1]
    starts = np.flatnonzero(begins)
    stops = np.append(starts[1:], len(order)) - 1
    is_closed, has_failed = ends[stops[: len(starts)]], failed[starts]
    # An "up" of its own is no failure; only the clear of an alarm that the log lacks is.
    kept = has_failed | cleared[starts]
    starts, stops, is_closed, has_failed = (
        starts[kept],
        stops[: len(kept)][kept],
        is_closed[kept],
        has_failed[kept],
    )
    return _rows(told, time, order, starts, stops, is_closed, has_failed)


def _keys(told: pd.DataFrame) -> np.ndarray:
    """Return a number for each registration; a record without a time gets one of its own."""
    who = told[_WHO].astype("str").fillna("")
    for name in ("serial", "hardware_id", "registration_name"):
        who[name] = same_spelling(who[name])
    key = who.groupby(_WHO, sort=False).ngroup().to_numpy()
    alone = told["time"].isna().to_numpy()
    return np.where(alone, len(told) + np.arange(len(told)), key)


def _rows(
    told: pd.DataFrame,
    time: np.ndarray,
    order: np.ndarray,
    starts: np.ndarray,
    stops: np.ndarray,
    is_closed: np.ndarray,
    has_failed: np.ndarray,
) -> pd.DataFrame:
    first, last = order[starts], order[stops]
    made: pd.DataFrame = told[[*_WHO, *_TOLD]].iloc[first].reset_index(drop=True)
    start = pd.Series(pd.DatetimeIndex(time[first], tz="UTC")).where(has_failed)
    end = pd.Series(pd.DatetimeIndex(time[last], tz="UTC")).where(is_closed)
    status = np.select([~has_failed, is_closed], ["unbegun", "closed"], "open")
    made = made.assign(
        start=start,
        end=end,
        duration=end - start,
        records=stops - starts + np.where(is_closed, 0, 1),
        first=told.index.to_numpy()[first],
        last=told.index.to_numpy()[last],
        status=pd.Categorical(status, ["closed", "open", "unbegun"]),
    )
    return made.sort_values(
        "start", kind="stable", na_position="first", ignore_index=True
    )
