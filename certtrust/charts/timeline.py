"""When registrations fail: failures per day (or minute, or month), stacked by cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import numpy as np
import pandas as pd

from ..errors import CerttrustError
from ..evaluation.check import counted
from ..schema import RESULTS, expect
from ..texts.dates import day, fields
from ..texts.labels import percent, plural, series
from ..texts.sentences import say
from .drawing.record import Canvas, chart
from .drawing.sheet import Key, Sheet, sheet
from .drawing.stack import (
    HEIGHT,
    MARGINS,
    OTHER_CAUSES,
    draw_stack,
    kinds_that_fit,
    stack_colours,
    stack_legend,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BINS = 130
FEW = 4
"""Of fewer times than these none can be said to be a stray."""
COLUMNS = ["time", "cause", "observed", "verdict"]
STEPS = {
    "min": pd.Timedelta(minutes=1),
    "10min": pd.Timedelta(minutes=10),
    "h": pd.Timedelta(hours=1),
    "D": pd.Timedelta(days=1),
    "W-MON": pd.Timedelta(days=7),
    "MS": pd.Timedelta(days=31),
    "YS": pd.Timedelta(days=366),
}
"""The widths of a stretch of time, as pandas calls them, with their greatest length."""


def failures_over_time(
    results: pd.DataFrame, *, freq: str | None = None, top: int = 7
) -> pd.DataFrame:
    """Count failed attempts per stretch of time and cause.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS; rows without a time are left out, as are those outside `main_period`.
    freq : {"min", "10min", "h", "D", "W-MON", "MS", "YS"}, optional
        Length of a stretch; by default the shortest that gives at most 130 of them.
    top : int
        How many causes get a column of their own.

    Returns
    -------
    DataFrame
        Index: the begin of each stretch (UTC, without gaps). Columns: `logged` (all attempts,
        failed or not; 0 = the log has a gap), then one per cause, the most frequent first, and
        `other` where more were folded.

    Raises
    ------
    ValueError
        If `freq` is none of those named.

    Examples
    --------
    >>> import certtrust as ct
    >>> results = ct.check(ct.attempts(ct.simulate(20, seed=1)))
    >>> failures_over_time(results, freq="MS").columns[0]
    'logged'
    """
    return _folded(_numbers_of(results, freq), top)


class _Failures(NamedTuple):
    """Attempts per stretch of time: all, the failed ones, and these by cause, unfolded."""

    logged: pd.Series
    failed: pd.Series
    by_cause: pd.DataFrame
    freq: str
    causes: int
    remarks: list[str]


def _numbers_of(results: pd.DataFrame, freq: str | None = None) -> _Failures:
    """Count once what drawings of every size show."""
    results = expect(results, RESULTS, COLUMNS)[COLUMNS]
    period = main_period(results["time"])
    is_near = results["time"].between(*period).to_numpy()
    times = results["time"][is_near]
    freq = step(times, freq)
    starts = pd.DatetimeIndex([], tz="UTC", name="start")
    stretch = np.full(len(results), -1)
    if len(times):
        begins = floor(pd.DatetimeIndex([times.min(), times.max()]), freq)
        starts = pd.date_range(begins[0], begins[1], freq=freq, name="start")
        edges = starts.as_unit(times.dt.unit)
        stretch[is_near] = edges.searchsorted(pd.DatetimeIndex(times), "right") - 1
    failed = counted(results.assign(stretch=stretch))
    near = failed[failed["stretch"] >= 0]
    cause = near["cause"].astype("str")

    def sizes(stretches: Any) -> pd.Series:
        return pd.Series(np.bincount(stretches, minlength=len(starts)), starts)

    by_cause = {
        name: sizes(near["stretch"][(cause == name).to_numpy()])
        for name in cause.value_counts().index
    }
    return _Failures(
        sizes(stretch[is_near]),
        sizes(near["stretch"]),
        pd.DataFrame(by_cause, index=starts),
        freq,
        failed["cause"].nunique(),
        _remarks(failed["time"], period),
    )


def _folded(failures: _Failures, top: int) -> pd.DataFrame:
    """Return the table of `failures_over_time`."""
    kept = failures.by_cause.iloc[:, :top]
    table = pd.DataFrame(
        {"logged": failures.logged, **{str(name): kept[name] for name in kept}}
    )
    if failures.by_cause.shape[1] > top:
        table[OTHER_CAUSES] = failures.failed - kept.sum(axis=1).astype("int64")
    return table


def main_period(times: pd.Series) -> tuple[Any, Any]:
    """Return from when to when the log goes, strays such as a line of the year 2000 aside.

    Parameters
    ----------
    times : Series of datetime64, UTC
        Column `time` of RESULTS; missing ones are left out.

    Returns
    -------
    tuple of two Timestamps
        The first and the last time that lies within the span of the middle 98 per cent, or no
        further from it than it is long, and at least a day; NaT where there is no time.

    Examples
    --------
    >>> days = pd.Series(pd.date_range("2026-10-05", periods=28, tz="UTC"))
    >>> stray = pd.Series([pd.Timestamp("2000-01-01", tz="UTC")])
    >>> main_period(pd.concat([stray, days]))[0]
    Timestamp('2026-10-05 00:00:00+0000', tz='UTC')
    """
    in_order = times.dropna().sort_values(ignore_index=True)
    if len(in_order) < FEW:
        return (
            (in_order.iloc[0], in_order.iloc[-1])
            if len(in_order)
            else (pd.NaT, pd.NaT)
        )
    # The strays may be one line or one per cent of them; the middle has at least two lines.
    aside = max(1, len(in_order) // 100)
    first, last = in_order.iloc[aside], in_order.iloc[-1 - aside]
    reach = max(last - first, pd.Timedelta(days=1))
    near = in_order[(first - in_order <= reach) & (in_order - last <= reach)]
    return near.iloc[0], near.iloc[-1]


def step(times: pd.Series, freq: str | None = None) -> str:
    """Return the width that was given, or the shortest that gives few enough stretches."""
    if freq is not None:
        if freq not in STEPS:
            raise CerttrustError(
                say("errors.charts.freq", freq=repr(freq), choices=", ".join(STEPS))
            )
        return freq
    span = times.max() - times.min() if len(times) else pd.Timedelta(0)
    return next(
        (name for name, width in STEPS.items() if span / width <= MOST_BINS), "YS"
    )


def floor(times: pd.DatetimeIndex, freq: str) -> pd.DatetimeIndex:
    """Return the begin of the stretch of time in which each moment lies."""
    times = times.tz_convert("UTC")
    if freq == "W-MON":
        days = times.floor("D")
        return days - pd.to_timedelta(days.day_of_week, unit="D")
    if freq in ("MS", "YS"):
        return (
            times.tz_localize(None)
            .to_period(freq[0])
            .to_timestamp()
            .tz_localize("UTC")
        )
    return times.floor(freq)


def _drawn(failures: _Failures, *, top: int = 7, **canvas: Unpack[Canvas]) -> Axes:
    with sheet(**canvas) as page:
        counts = _folded(failures, kinds_that_fit(page, top))
        freq = failures.freq
        causes = [str(name) for name in counts.columns[1:]]
        colours = stack_colours(causes, dark=page.dark)
        gaps = (counts["logged"] == 0).to_numpy()
        named = len([cause for cause in causes if cause != OTHER_CAUSES])
        hidden = failures.causes - named
        legend = stack_legend(colours, plural(hidden, "other cause"))
        if gaps.any():
            no_log = say("charts.timeline.no_log")
            legend.append(Key(page.ink.line, no_log, hatched=True))
        subtitle = _subtitle(counts, freq, failures.remarks)
        if page.lay_out(
            "timeline",
            _title(counts, freq),
            subtitle=subtitle,
            legend=legend,
            content=HEIGHT if colours else 0,
            numbers=subtitle,
            **MARGINS,
        ):
            end = counts.index[-1] + pd.tseries.frequencies.to_offset(freq)
            _shade_gaps(page, gaps, draw_stack(page, counts, colours, end))
    return page.ax


@chart(
    section="where",
    feed=lambda report: {"failures": _numbers_of(report.results)},
    draw_numbers=_drawn,
)
def timeline(
    results: pd.DataFrame,
    *,
    freq: str | None = None,
    top: int = 7,
    **canvas: Unpack[Canvas],
) -> Axes:
    """Draw failed attempts over time, stacked by cause, with gaps of the log shaded.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS. The numbers are those of `failures_over_time`.
    freq : str, optional
        Length of a stretch, as for `failures_over_time`.
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
    >>> results = ct.check(ct.attempts(ct.simulate(20, seed=1)))
    >>> ct.charts.timeline(results).get_title().startswith("Most failures")
    True
    """
    return _drawn(_numbers_of(results, freq), top=top, **canvas)


def _shade_gaps(
    page: Sheet, gaps: np.ndarray[Any, Any], edges: np.ndarray[Any, Any]
) -> None:
    for first, last in _runs(gaps):
        page.ax.axvspan(
            edges[first],
            edges[last],
            facecolor="none",
            edgecolor=page.ink.line,
            hatch="/////",
            linewidth=0,
            zorder=0,
        )


def _runs(flags: np.ndarray[Any, Any]) -> list[tuple[int, int]]:
    """Return begin and end (exclusive) of each run of true flags."""
    edges = np.flatnonzero(
        np.diff(np.concatenate(([False], flags, [False])).astype(np.int8))
    )
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _title(counts: pd.DataFrame, freq: str) -> str:
    failed = counts.drop(columns="logged").sum(axis=1)
    total = int(failed.sum())
    if not total:
        return say("charts.timeline.nothing")
    worst = pd.DatetimeIndex(failed.index)[int(failed.to_numpy().argmax())]
    when = say(f"charts.timeline.when.{freq}", **fields(worst))
    if len(failed) == 1:
        return say(
            "charts.timeline.single",
            failures=plural(total, "failed attempt"),
            when=when,
        )
    return say(
        "charts.timeline.title", when=when, failures=int(failed.max()), total=total
    )


def _subtitle(counts: pd.DataFrame, freq: str, remarks: list[str]) -> str:
    parts = [say(f"charts.timeline.per.{freq}")] if len(counts) else []
    gaps = int((counts["logged"] == 0).sum())
    if gaps:
        parts.append(say("charts.timeline.silent", share=percent(gaps / len(counts))))
    return series([*parts, *remarks])


def _remarks(failed: pd.Series, period: tuple[Any, Any]) -> list[str]:
    """Say how many of the times of failures are not drawn."""
    parts = []
    outside = failed[failed.notna() & ~failed.between(*period)]
    if len(outside):
        parts.append(
            say(
                "charts.timeline.outside",
                failures=plural(len(outside), "failure"),
                when=_days(outside.min(), outside.max()),
            )
        )
    timeless = int(failed.isna().sum())
    if timeless:
        parts.append(
            say("charts.timeline.timeless", failures=plural(timeless, "failure"))
        )
    return parts


def _days(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """Return the day in words, or the first and the last."""
    begin, end = day(first), day(last)
    return say(
        f"charts.timeline.{'days' if begin == end else 'from_to'}",
        begin=begin,
        end=end,
    )
