"""Since when devices fail: the first failure of each, beside the ends of CAs and other events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import numpy as np
import pandas as pd

from ..arrays.arrow import as_mask
from ..evaluation.check import counted
from ..fleet import Fleet
from ..schema import CERTIFICATES, RESULTS, expect
from ..texts.dates import fields
from ..texts.labels import percent, plural, series
from ..texts.sentences import say
from .drawing.marks import Mark, draw_marks, marks_height
from .drawing.record import Canvas, chart
from .drawing.sheet import sheet
from .drawing.stack import (
    HEIGHT,
    MARGINS,
    OTHER_CAUSES,
    draw_stack,
    kinds_that_fit,
    stack_colours,
    stack_legend,
)
from .timeline import floor, main_period, step

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = ["device", "cause", "time", "observed", "verdict"]
MOST = 6
"""How many events are marked."""


def first_failures(results: pd.DataFrame) -> pd.DataFrame:
    """Return since when each device fails for each cause.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS; attempts without a time are left out.

    Returns
    -------
    DataFrame
        One row per device and cause, the earliest first: device, cause, since (its first failed
        attempt, UTC), worked_before (whether the log shows that it registered before).

    Examples
    --------
    >>> import certtrust as ct
    >>> first = first_failures(ct.check(ct.attempts(ct.simulate(20, seed=1))))
    >>> bool(first["since"].is_monotonic_increasing)
    True
    """
    timed = expect(results, RESULTS, COLUMNS)[COLUMNS]
    timed = timed[timed["time"].notna() & timed["device"].notna()]
    failed = counted(timed)
    by_cause = failed.groupby(["device", "cause"], observed=True, sort=False)["time"]
    first = by_cause.min().rename("since").reset_index()
    up = timed[timed["observed"] == "up"].groupby("device", sort=False)["time"].min()
    # Reindexed and not mapped, so that no device at all leaves times as well.
    worked_before = up.reindex(first["device"]).array < first["since"].array
    first = first.assign(worked_before=np.asarray(worked_before, dtype=bool))
    return first.sort_values("since", kind="stable", ignore_index=True)


class _Begun(NamedTuple):
    """First failures within the main period of a log, that period, and devices without one."""

    first: pd.DataFrame
    period: tuple[Any, Any]
    undated: int


def _numbers_of(results: pd.DataFrame) -> _Begun:
    results = expect(results, RESULTS, COLUMNS)
    period = main_period(results["time"])
    first = first_failures(results)
    first = first[first["since"].between(*period)]
    failing = counted(results[COLUMNS])["device"].dropna().unique()
    return _Begun(first, period, len(set(failing) - set(first["device"].unique())))


def _of_report(report: Any) -> dict[str, Any]:
    return {"begun": _numbers_of(report.results), "fleet": report.fleet}


def _drawn(
    begun: _Begun,
    fleet: Fleet | None = None,
    *,
    events: pd.DataFrame | None = None,
    top: int = 7,
    **canvas: Unpack[Canvas],
) -> Axes:
    first, period, undated = begun
    with sheet(**canvas) as page:
        steps = _steps(first, period, kinds_that_fit(page, top))
        tones = stack_colours([str(name) for name in steps.table], dark=page.dark)
        hidden = first["cause"].nunique() - len(
            [name for name in tones if name != OTHER_CAUSES]
        )
        marks = _marks(fleet, events, period) if tones else []
        if page.lay_out(
            "since_when",
            _title(first, steps),
            subtitle=_subtitle(first, undated) if tones else "",
            legend=stack_legend(tones, plural(hidden, "other cause")),
            content=HEIGHT if tones else 0,
            numbers=_numbers(steps, marks),
            left=MARGINS["left"],
            right=MARGINS["right"],
            bottom=MARGINS["bottom"] + marks_height(marks),
        ):
            draw_stack(page, steps.table, tones, steps.end)
            draw_marks(page, marks)
    return page.ax


@chart(section="where", feed=_of_report, draw_numbers=_drawn)
def since_when(
    results: pd.DataFrame,
    fleet: Fleet | None = None,
    *,
    events: pd.DataFrame | None = None,
    top: int = 7,
    **canvas: Unpack[Canvas],
) -> Axes:
    """Draw how many devices began to fail when, and for which cause, beside what happened then.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS. The numbers are those of `first_failures`.
    fleet : Fleet, optional
        The ends of its CAs are marked where they lie within the log.
    events : DataFrame, optional
        What else happened, such as changes of trust lists: time (UTC) and what (a few words).
    top : int
        How many causes get a colour of their own; the rest fold into one.
    **canvas
        Where and how to draw: ax, width, height, theme.

    Returns
    -------
    Axes
        One stack of steps; an empty frame gives axes with a headline only.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(20, seed=1)
    >>> changed = pd.DataFrame({"time": ["2026-10-12"], "what": ["New trust list at berlin"]})
    >>> ax = ct.charts.since_when(ct.check(ct.attempts(fleet)), fleet, events=changed)
    >>> "New trust list at berlin" in ct.charts.alternative_text(ax)
    True
    """
    return _drawn(_numbers_of(results), fleet, events=events, top=top, **canvas)


class _Steps(NamedTuple):
    """Devices that began to fail per stretch of time (rows) and cause (columns)."""

    table: pd.DataFrame
    freq: str
    end: Any


def _steps(first: pd.DataFrame, period: tuple[Any, Any], top: int) -> _Steps:
    """Count within the time of the whole log, so that a late begin is seen as such."""
    if first.empty:
        return _Steps(pd.DataFrame(), "D", pd.NaT)
    freq = step(pd.Series(period))
    begins = floor(pd.DatetimeIndex(period), freq)
    starts = pd.date_range(begins[0], begins[1], freq=freq, name="start")
    sizes = first["cause"].astype("str").value_counts()
    kept = list(sizes.index[:top])
    cause = first["cause"].astype("str")
    cause = cause.where(cause.isin(kept), OTHER_CAUSES)
    stretch = starts.get_indexer(floor(pd.DatetimeIndex(first["since"]), freq))
    table = {
        name: np.bincount(stretch[(cause == name).to_numpy()], minlength=len(starts))
        for name in [*kept, *([OTHER_CAUSES] if len(sizes) > top else [])]
    }
    end = starts[-1] + pd.tseries.frequencies.to_offset(freq)
    return _Steps(pd.DataFrame(table, index=starts), freq, end)


def _marks(
    fleet: Fleet | None,
    events: pd.DataFrame | None,
    period: tuple[Any, Any],
) -> list[Mark]:
    """Return what happened within the log, in its order."""
    happened: list[tuple[pd.Timestamp, str]] = []
    if fleet is not None:
        columns = ["fingerprint", "subject_cn", "not_after"]
        cas = pd.concat(
            [
                frame.loc[as_mask(frame["is_ca"]), columns]
                for frame in (fleet.certificates, fleet.trust)
            ]
        )
        cas = cas.drop_duplicates("fingerprint").dropna(subset="not_after")
        cas = expect(cas, CERTIFICATES, ["not_after"])
        happened += [
            (end, say("charts.since_when.ca", name=_name(name)))
            for name, end in zip(cas["subject_cn"], cas["not_after"], strict=True)
        ]
    if events is not None:
        times = pd.to_datetime(events["time"], utc=True)
        happened += list(zip(times, events["what"].astype(str), strict=True))
    inside = [event for event in happened if period[0] <= event[0] <= period[1]]
    return [
        Mark(time, say("charts.since_when.event", what=what, **fields(time)))
        for time, what in sorted(inside)[:MOST]
    ]


def _name(name: object) -> str:
    return name if isinstance(name, str) and name else say("charts.expiry.unnamed")


def _title(first: pd.DataFrame, steps: _Steps) -> str:
    if first.empty:
        return say("charts.since_when.nothing")
    sums = steps.table.sum(axis=1)
    most = pd.DatetimeIndex(sums.index)[int(sums.to_numpy().argmax())]
    begun = floor(pd.DatetimeIndex(first["since"]), steps.freq) == most
    devices = first.loc[begun, "device"].nunique()
    return say(
        "charts.since_when.title",
        devices=plural(devices, "device"),
        when=say(f"charts.timeline.when.{steps.freq}", **fields(most)),
        share=percent(devices / first["device"].nunique()),
    )


def _subtitle(first: pd.DataFrame, undated: int) -> str:
    before = first.loc[first["worked_before"], "device"].nunique()
    shown = first["device"].nunique()
    parts = [say("charts.since_when.subtitle", before=before, devices=shown)]
    if undated:
        devices = plural(undated, "device")
        parts.append(say("charts.since_when.undated", devices=devices))
    return series(parts)


def _numbers(steps: _Steps, marks: list[Mark]) -> str:
    sums = steps.table.sum(axis=1)
    begun = [
        say("charts.since_when.row", devices=int(size), **fields(date))
        for date, size in zip(pd.DatetimeIndex(steps.table.index), sums, strict=True)
        if size
    ]
    return series([*begun, *(mark.words for mark in marks)])
