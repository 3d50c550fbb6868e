"""Intervals of failure: from the record that a registration failed to the one that it is up."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import schema
from ..names.device_ids import same_spelling

_IDENTITY = ["pbx", "serial", "hardware_id", "registration_name", "code", "module"]
_FROM_FIRST_RECORD = ["state", "reason", "protocol"]


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
    needed = [*_IDENTITY, *_FROM_FIRST_RECORD, "time", "matched_by"]
    registrations = schema.expect(registrations, schema.REGISTRATIONS, needed)
    records = registrations[registrations["state"].notna()]
    failed = (records["state"].astype("str") != "up").to_numpy()
    matched_by = records["matched_by"].astype("str")
    cleared = (matched_by == "clear").fillna(False).to_numpy(bool)
    key = _keys(records)
    time = records["time"].dt.tz_convert(None).to_numpy("M8[us]")
    order = np.lexsort((np.arange(len(records)), time, key))
    key, failed, cleared = key[order], failed[order], cleared[order]
    begins = np.ones(len(order), bool)
    begins[1:] = (key[1:] != key[:-1]) | ~failed[:-1]
    starts = np.flatnonzero(begins)
    stops = np.append(starts[1:], len(order)) - 1
    # An "up" of its own is no failure; only the clear of an alarm that the log lacks is.
    kept = failed[starts] | cleared[starts]
    starts, stops = starts[kept], stops[: len(kept)][kept]
    is_closed, has_begun = ~failed[stops], failed[starts]
    first, last = order[starts], order[stops]
    table: pd.DataFrame = (
        records[[*_IDENTITY, *_FROM_FIRST_RECORD]].iloc[first].reset_index(drop=True)
    )
    start = pd.Series(pd.DatetimeIndex(time[first], tz="UTC")).where(has_begun)
    end = pd.Series(pd.DatetimeIndex(time[last], tz="UTC")).where(is_closed)
    status = np.select([~has_begun, is_closed], ["unbegun", "closed"], "open")
    table = table.assign(
        start=start,
        end=end,
        duration=end - start,
        records=stops - starts + np.where(is_closed, 0, 1),
        first=records.index.to_numpy()[first],
        last=records.index.to_numpy()[last],
        status=pd.Categorical(status, ["closed", "open", "unbegun"]),
    )
    return table.sort_values(
        "start", kind="stable", na_position="first", ignore_index=True
    )


def _keys(records: pd.DataFrame) -> np.ndarray:
    """Return a number for each registration; a record without a time gets one of its own."""
    identity = records[_IDENTITY].astype("str").fillna("")
    for name in ("serial", "hardware_id", "registration_name"):
        identity[name] = same_spelling(identity[name])
    key = identity.groupby(_IDENTITY, sort=False).ngroup().to_numpy()
    timeless = records["time"].isna().to_numpy()
    return np.where(timeless, len(records) + np.arange(len(records)), key)
