"""When registrations fail: failures per day (or minute, or month), stacked by cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from ..errors import CerttrustError
from ..evaluation.check import counted
from ..texts.labels import percent, plural
from .drawing.sheet import WIDTH, Key, Sheet, sheet
from .drawing.stack import BOTTOM, HEIGHT, LEFT, OTHER_CAUSES, RIGHT, draw_stack, stack_colours, stack_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BINS = 130
_NEEDED = ["time", "cause", "observed", "verdict"]


class _Step(NamedTuple):
    """A width of a bin: what pandas calls it, what people call it, and how it is written."""

    freq: str
    word: str
    written: str
    width: pd.Timedelta


_STEPS = (
    _Step("min", "minute", "at %-d %B %Y, %H:%M", pd.Timedelta(minutes=1)),
    _Step("10min", "ten minutes", "at %-d %B %Y, %H:%M", pd.Timedelta(minutes=10)),
    _Step("h", "hour", "at %-d %B %Y, %H:00", pd.Timedelta(hours=1)),
    _Step("D", "day", "on %-d %B %Y", pd.Timedelta(days=1)),
    _Step("W-MON", "week", "in the week of %-d %B %Y", pd.Timedelta(days=7)),
    _Step("MS", "month", "in %B %Y", pd.Timedelta(days=31)),
    _Step("YS", "year", "in %Y", pd.Timedelta(days=366)),
)


def failures_over_time(results: pd.DataFrame, *, freq: str | None = None, top: int = 7) -> pd.DataFrame:
    """Count failed attempts per stretch of time and cause.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS; rows without a time are left out.
    freq : {"min", "10min", "h", "D", "W-MON", "MS", "YS"}, optional
        Length of a stretch; by default the shortest that gives at most 130 of them.
    top : int
        How many causes get a column of their own.

    Returns
    -------
    DataFrame
        Index: the begin of each stretch (UTC, without gaps). Columns: `logged` (all attempts, failed or not; 0 =
        the log has a gap), then one per cause, the most frequent first, and `other` where more were folded.

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
    times = results["time"].dropna()
    step = _chosen(times, freq)
    failed = counted(results[_NEEDED])
    failed = failed[failed["time"].notna()]
    sizes = failed["cause"].astype("str").value_counts()
    kept = list(sizes.index[:top])
    cause = failed["cause"].astype("str").where(failed["cause"].isin(kept), OTHER_CAUSES)
    if times.empty:
        return pd.DataFrame({"logged": pd.Series(dtype="int64")}, index=pd.DatetimeIndex([], tz="UTC", name="start"))
    begins = _floor(pd.DatetimeIndex(times).tz_convert("UTC"), step)
    starts = pd.date_range(begins.min(), begins.max(), freq=step.freq, name="start")
    place = pd.Series(starts.get_indexer(begins), index=times.index)
    table = {"logged": np.bincount(place, minlength=len(starts))}
    for name in [*kept, *([OTHER_CAUSES] if len(sizes) > top else [])]:
        table[name] = np.bincount(place[cause.index[cause == name]], minlength=len(starts))
    return pd.DataFrame(table, index=starts)


def _chosen(times: pd.Series, freq: str | None) -> _Step:
    known = {step.freq: step for step in _STEPS}
    if freq is not None:
        if freq not in known:
            raise CerttrustError(f"freq={freq!r} is not known; give one of {', '.join(known)}")
        return known[freq]
    span = times.max() - times.min() if len(times) else pd.Timedelta(0)
    return next((step for step in _STEPS if span / step.width <= MOST_BINS), _STEPS[-1])


def _floor(times: pd.DatetimeIndex, step: _Step) -> pd.DatetimeIndex:
    if step.freq == "W-MON":
        days = times.floor("D")
        return days - pd.to_timedelta(days.day_of_week, unit="D")
    if step.freq in ("MS", "YS"):
        return times.tz_localize(None).to_period(step.freq[0]).to_timestamp().tz_localize("UTC")
    return times.floor(step.freq)


def timeline(
    results: pd.DataFrame,
    *,
    freq: str | None = None,
    top: int = 7,
    ax: Axes | None = None,
    width: float = WIDTH,
    height: float | None = None,
    theme: str | None = None,
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
    ax, width, height, theme
        As for `certtrust.charts.causes`.

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
    with sheet(ax, width=width, height=height, theme=theme) as page:
        if page.wish is not None:
            top = max(1, min(top, int(page.wish // 30)))
        results = results[_NEEDED]
        counts = failures_over_time(results, freq=freq, top=top)
        step = _chosen(results["time"].dropna(), freq)
        colours = stack_colours([str(name) for name in counts.columns[1:]], dark=page.dark)
        gaps = (counts["logged"] == 0).to_numpy()
        hidden = counted(results)["cause"].nunique() - len(colours) + (OTHER_CAUSES in colours)
        legend = stack_legend(colours, plural(hidden, "other cause"))
        legend += [Key(page.ink.line, "no log", hatched=True)] if gaps.any() else []
        title, subtitle = _headline(counts, step), _subtitle(results, counts, step)
        page.lay_out(
            title,
            subtitle=subtitle,
            legend=legend if colours else (),
            content=HEIGHT if colours else 30.0,
            alt=f"Stacked steps over time. {title}. {subtitle}.",
            left=LEFT if colours else 0.0,
            right=RIGHT if colours else 0.0,
            bottom=BOTTOM if colours else 0.0,
        )
        if colours:
            end = counts.index[-1] + pd.tseries.frequencies.to_offset(step.freq)
            _shade_gaps(page, gaps, draw_stack(page, counts, colours, end))
        else:
            page.say("No failed attempt has a time.")
        return page.ax


def _shade_gaps(page: Sheet, gaps: np.ndarray[Any, Any], edges: np.ndarray[Any, Any]) -> None:
    for first, last in _runs(gaps):
        page.ax.axvspan(
            edges[first], edges[last], facecolor="none", edgecolor=page.ink.line, hatch="/////", linewidth=0, zorder=0
        )


def _runs(flags: np.ndarray[Any, Any]) -> list[tuple[int, int]]:
    """Return begin and end (exclusive) of each run of true flags."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _headline(counts: pd.DataFrame, step: _Step) -> str:
    failed = counts.drop(columns="logged").sum(axis=1)
    total = int(failed.sum())
    if not total:
        return "No failed attempts over time"
    worst = pd.DatetimeIndex(failed.index)[int(failed.to_numpy().argmax())]
    when = worst.strftime(step.written.replace("%-d", str(worst.day)))
    if len(failed) == 1:
        return f"{plural(total, 'failed attempt')} {when}"
    return f"Most failures {when}: {int(failed.max()):,} of {total:,}"


def _subtitle(results: pd.DataFrame, counts: pd.DataFrame, step: _Step) -> str:
    gaps = int((counts["logged"] == 0).sum())
    said = [f"Failed attempts per {step.word}"] if len(counts) else []
    if gaps:
        said.append(f"the log is silent for {percent(gaps / len(counts))} of the time")
    timeless = int(counted(results)["time"].isna().sum())
    if timeless:
        said.append(f"{plural(timeless, 'failure')} without a time not shown")
    return "; ".join(said)
