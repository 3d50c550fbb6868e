"""Renewals as an iCalendar file: one entry per CA and week."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pandas as pd

from ..answer_tables import RENEWALS
from ..arrays.arrow import as_mask
from ..errors import CerttrustError
from ..evaluation.check import moment_of
from ..schema import expect
from ..texts.labels import plural
from ..texts.sentences import say
from ..texts.visible import one_line
from .renewals import ENDED, LATER, UNREAD

_SPACE = uuid.UUID("6f6d5d0e-3b1c-5c8e-9a39-2c1d0e1b7a44")
"""Of identifiers of entries, which are the same whenever the calendar is made anew."""
_DEVICE_REMINDERS = (30, 7)
_CA_REMINDERS = (180, 30)
_SHOWN = 30


def calendar(
    renewals: pd.DataFrame, *, made: pd.Timestamp | str | None = None
) -> bytes:
    """Return what has to be renewed as an iCalendar file (RFC 5545).

    Parameters
    ----------
    renewals : DataFrame
        From `certtrust.renewals`.
    made : Timestamp or str, optional
        When the calendar was made, by default now.

    Returns
    -------
    bytes
        One all-day entry for each issuer and week in which certificates of devices end, on the day
        of the first of them, and one for each CA that ends, on that day; with reminders 30 and 7
        days before, and 180 and 30 days before the end of a CA. What ends beyond the last bucket,
        what has ended, and what could not be read has no entry. An entry keeps its identifier when
        the calendar is made anew, so that importing it again moves nothing.

    Raises
    ------
    CerttrustError
        If the library icalendar is not installed.

    Examples
    --------
    >>> import certtrust as ct
    >>> coming = ct.renewals(ct.simulate(20, seed=1), weeks=(500,))
    >>> calendar(coming).splitlines()[0]
    b'BEGIN:VCALENDAR'
    """
    try:
        from icalendar import Alarm, Calendar, Event
    except ImportError:
        message = say("errors.monitoring.no_library", library="icalendar")
        raise CerttrustError(message) from None
    stamp = moment_of(pd.Timestamp.now("UTC") if made is None else made)
    whole = Calendar()
    whole.add("prodid", "-//certtrust//renewals//EN")
    whole.add("version", "2.0")
    whole.add("calscale", "GREGORIAN")
    whole.add("x-wr-calname", say("monitoring.calendar.name"))
    for entry in _entries(renewals):
        event = Event()
        event.add("uid", str(uuid.uuid5(_SPACE, entry["key"])))
        event.add("dtstamp", stamp.floor("s").to_pydatetime())
        event.add("dtstart", entry["day"])
        if entry["day"] < date.max:
            event.add("dtend", entry["day"] + timedelta(days=1))
        event.add("summary", entry["summary"])
        event.add("description", entry["description"])
        event.add("transp", "TRANSPARENT")
        for days in entry["reminders"]:
            alarm = Alarm()
            alarm.add("action", "DISPLAY")
            alarm.add("description", entry["summary"])
            alarm.add("trigger", timedelta(days=-days))
            event.add_component(alarm)
        whole.add_component(event)
    return bytes(whole.to_ical())


def _entries(renewals: pd.DataFrame) -> Iterator[dict[str, Any]]:
    renewals = expect(renewals, RENEWALS)
    bucket = renewals["bucket"].astype("str")
    rows = renewals[~as_mask(bucket.isin([ENDED, LATER, UNREAD]))]
    rows = rows[rows["ends"].notna()]
    days = rows["ends"].dt.date
    is_ca = as_mask(rows["role"] == "CA")
    for row, day in zip(rows[is_ca].to_dict("records"), days[is_ca], strict=True):
        yield _of_ca(row, day)
    devices = rows[~is_ca].assign(
        day=days[~is_ca],
        week=[_monday(day) for day in days[~is_ca]],
        issuer=rows.loc[~is_ca, "issuer_cn"].fillna(""),
    )
    groups: Any = devices.groupby(["week", "issuer"])
    for (week, issuer), group in groups:
        yield _of_week(str(issuer), week, group)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _of_ca(row: dict[Any, Any], day: date) -> dict[str, Any]:
    name = _name(row["subject_cn"])
    devices = plural(int(row["devices"]), "device")
    return {
        "key": f"CA {row['fingerprint']}",
        "day": day,
        "summary": say("monitoring.calendar.ca", name=name),
        "description": say(
            "monitoring.calendar.ca_description",
            name=name,
            issuer=_name(row["issuer_cn"]),
            devices=devices,
            fingerprint=str(row["fingerprint"]),
        ),
        "reminders": _CA_REMINDERS,
    }


def _of_week(issuer: str, week: date, rows: pd.DataFrame) -> dict[str, Any]:
    count = len(rows)
    issued_by = _name(issuer or None)
    summary = say("monitoring.calendar.week", count=count, issuer=issued_by)
    names = rows["device"].fillna(rows["subject_cn"])
    lines = [
        say("monitoring.calendar.row", day=day.isoformat(), name=_name(name))
        for day, name in zip(
            rows["day"].head(_SHOWN), names.head(_SHOWN), strict=True
        )
    ]
    if count > _SHOWN:
        lines.append(say("monitoring.more", count=count - _SHOWN))
    return {
        "key": f"week {week.isoformat()} {issuer}",
        "day": min(rows["day"]),
        "summary": summary,
        "description": "\n".join([summary, *lines]),
        "reminders": _DEVICE_REMINDERS,
    }


def _name(name: object) -> str:
    return one_line(name) if isinstance(name, str) else say("values.missing")
