"""When certificates end: those of devices counted per quarter, each CA on a line of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import numpy as np
import pandas as pd

from ..schema import CERTIFICATES, expect
from ..texts.dates import fields, in_utc
from ..texts.labels import plural, series
from ..texts.sentences import number, say
from .drawing.palette import BAD, CAUSE_COLOURS, colour
from .drawing.record import Canvas, chart
from .drawing.sheet import SMALL, Key, Sheet, sheet
from .drawing.text import plain, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BARS, CA_ROW = 130.0, 30.0
COLUMNS = ["fingerprint", "subject_cn", "not_after", "is_ca"]
YEARS = 10
"""How far the drawing reaches to either side of today, if certificates end so far away."""
TONES = {
    "expired": BAD,
    "soon": CAUSE_COLOURS["time.validity"],
    "later": CAUSE_COLOURS["certificate.trust"],
}
"""Colour of a certificate by when it ends."""
SOON = pd.Timedelta(days=365)


def expiries(
    certificates: pd.DataFrame, *, today: pd.Timestamp | str | None = None
) -> pd.DataFrame:
    """Return when each distinct certificate ends.

    Parameters
    ----------
    certificates : DataFrame
        Table CERTIFICATES or TRUST, or both one after another; a certificate that occurs often
        counts once.
    today : Timestamp or str, optional
        The moment to count from, UTC; by default now.

    Returns
    -------
    DataFrame
        One row per certificate with a known end, the earliest first: fingerprint, subject_cn, role
        ("CA" or "device"), not_after, state ("expired", "soon" = within a year, "later").

    Examples
    --------
    >>> import certtrust as ct
    >>> ends = expiries(ct.simulate(20, seed=1).certificates)
    >>> sorted(ends["role"].unique())
    ['CA', 'device']
    """
    now = _now(today)
    certificates = expect(certificates, CERTIFICATES, COLUMNS)
    ending = certificates[certificates["not_after"].notna()]
    ending = ending.drop_duplicates("fingerprint")
    end = ending["not_after"]
    is_ca = ending["is_ca"].fillna(value=False).astype(bool)
    state = np.select([end < now, end < now + SOON], ["expired", "soon"], "later")
    shown = ending[["fingerprint", "subject_cn"]].assign(
        role=np.where(is_ca, "CA", "device"), not_after=end, state=state
    )
    return shown.sort_values("not_after", kind="stable").reset_index(drop=True)


def _now(today: pd.Timestamp | str | None) -> pd.Timestamp:
    return pd.Timestamp.now("UTC") if today is None else in_utc(today)


@chart(
    section="certificates",
    feed=lambda report: {
        "certificates": pd.concat(
            [report.fleet.certificates, report.fleet.trust], ignore_index=True
        ),
        "today": report.at,
    },
)
def expiry(
    certificates: pd.DataFrame,
    *,
    today: pd.Timestamp | str | None = None,
    top: int = 6,
    **canvas: Unpack[Canvas],
) -> Axes:
    """Draw when certificates end: devices as bars per quarter, CAs below, today marked.

    Parameters
    ----------
    certificates : DataFrame
        Table CERTIFICATES or TRUST, or both one after another. The numbers are those of `expiries`.
    today : Timestamp or str, optional
        The moment to count from, UTC; by default now.
    top : int
        How many CAs get a line, those that end first; the subtitle says how many do not.
    **canvas
        Where and how to draw: ax, width, height, theme.

    Returns
    -------
    Axes
        Bars and lines over time, at most ten years to either side; an empty frame gives axes with a
        headline only.

    Examples
    --------
    >>> import certtrust as ct
    >>> "expired" in ct.charts.expiry(ct.simulate(20, seed=1).certificates).get_title()
    True
    """
    now = _now(today)
    ends = expiries(certificates, today=now)
    cas, devices = ends[ends["role"] == "CA"], ends[ends["role"] == "device"]
    with sheet(**canvas) as page:
        rows = top if page.wish is None else max(0, int((page.wish - 90) // CA_ROW))
        shown = cas.head(min(top, rows))
        tones = {state: colour(pair, dark=page.dark) for state, pair in TONES.items()}
        if page.lay_out(
            "expiry",
            _title(devices, cas),
            subtitle=_subtitle(cas, shown) if len(ends) else "",
            legend=[
                Key(tone, say(f"charts.expiry.states.{state}"))
                for state, tone in tones.items()
            ],
            content=BARS + 14 + CA_ROW * len(shown) if len(ends) else 0,
            numbers=_numbers(devices, cas),
            left=30.0,
            right=14.0,
            bottom=18.0,
        ):
            _draw(page, devices, shown, now, tones)
    return page.ax


class _Axis(NamedTuple):
    """The time that is drawn, in whole quarters, and its width in points."""

    edges: pd.DatetimeIndex
    wide: float

    def x(self, moment: pd.Timestamp) -> float:
        """Return the moment's distance from the left in points; outside, that of the edge."""
        share = (moment - self.edges[0]) / (self.edges[-1] - self.edges[0])
        return float(min(max(share, 0.0), 1.0) * self.wide)


def _axis(ends: pd.Series, now: pd.Timestamp, wide: float) -> _Axis:
    reach = pd.Timedelta(days=366 * YEARS)
    near = ends[(ends > now - reach) & (ends < now + reach)]
    first = min(near.min() if len(near) else now, now - pd.Timedelta(days=183))
    last = max(near.max() if len(near) else now, now + pd.Timedelta(days=731))
    begin = pd.Timestamp(first.year, 3 * ((first.month - 1) // 3) + 1, 1, tz="UTC")
    return _Axis(
        pd.date_range(begin, last + pd.Timedelta(days=92), freq="QS").as_unit("us"),
        wide,
    )


def _draw(
    page: Sheet,
    devices: pd.DataFrame,
    cas: pd.DataFrame,
    now: pd.Timestamp,
    tones: dict[str, str],
) -> None:
    ax = page.ax
    wide, high = page.room
    row = min(CA_ROW, (high - 60) / len(cas)) if len(cas) else 0.0
    bars = high - 14 - row * len(cas)
    axis = _axis(pd.concat([devices["not_after"], cas["not_after"]]), now, wide)
    ax.set_xlim(0, wide)
    ax.set_ylim(high, 0)
    ax.spines["bottom"].set_visible(False)
    _bars(page, devices, axis, bars, tones)
    for line, (name, end, state) in enumerate(
        zip(cas["subject_cn"], cas["not_after"], cas["state"], strict=True)
    ):
        base = bars + 14 + (line + 1) * row
        _ca_line(page, name, end, axis, base, tones[state])
        _today(page, axis.x(now), base - 11, base - 1)
    _today(page, axis.x(now), 14, bars)
    page.note(
        say("charts.expiry.today"),
        (axis.x(now), 7),
        ha="center",
        va="center",
        color=page.ink.text,
    )
    years = [
        pd.Timestamp(year, 1, 1, tz="UTC")
        for year in range(axis.edges[0].year, axis.edges[-1].year + 1)
    ]
    inside = [year for year in years if axis.edges[0] <= year <= axis.edges[-1]]
    every = max(1, int(np.ceil(len(inside) * 42 / wide)))
    ax.set_xticks(
        [axis.x(year) for year in inside[::every]],
        [str(year.year) for year in inside[::every]],
    )


def _today(page: Sheet, x: float, top: float, bottom: float) -> None:
    dashed: Any = {"linewidth": 1, "linestyle": (0, (3, 2))}
    page.ax.plot([x, x], [top, bottom], color=page.ink.text, zorder=4, **dashed)


def _bars(
    page: Sheet,
    devices: pd.DataFrame,
    axis: _Axis,
    bars: float,
    tones: dict[str, str],
) -> None:
    """Draw the bars, their scale at the left, and how many certificates end still later."""
    ax, top = page.ax, 26.0
    drawn = devices[
        (devices["not_after"] >= axis.edges[0])
        & (devices["not_after"] < axis.edges[-1])
    ]
    slots = np.searchsorted(axis.edges, drawn["not_after"], side="right") - 1
    counts = {
        name: np.bincount(
            slots[drawn["state"] == name], minlength=len(axis.edges) - 1
        )
        for name in tones
    }
    highest = max(int(np.sum(list(counts.values()), axis=0).max()), 1)
    marks = np.array([axis.x(edge) for edge in axis.edges])
    floor = np.full(len(axis.edges) - 1, bars)
    for name, sizes in counts.items():
        ceiling = floor - sizes / highest * (bars - top)
        ax.stairs(
            ceiling, marks, baseline=floor, fill=True, color=tones[name], linewidth=0
        )
        floor = ceiling
    ax.set_yticks([])
    ax.axhline(bars, color=page.ink.line, linewidth=0.8)
    ax.axhline(top, color=page.ink.grid, linewidth=0.8, zorder=0)
    page.note(number(highest), (0, top), xytext=(-5, 0), ha="right", va="center")
    page.note("0", (0, bars), xytext=(-5, 0), ha="right", va="center")
    earlier = int((devices["not_after"] < axis.edges[0]).sum())
    if earlier:
        page.note(
            say("charts.expiry.before", count=earlier),
            (0, 18),
            va="center",
            color=page.ink.text,
        )
    later = int((devices["not_after"] >= axis.edges[-1]).sum())
    if later:
        page.note(
            say("charts.expiry.beyond", count=later),
            (axis.wide, 18),
            ha="right",
            va="center",
            color=page.ink.text,
        )


def _ca_line(
    page: Sheet, name: object, end: pd.Timestamp, axis: _Axis, base: float, tone: str
) -> None:
    ca = shorten(plain(_ca_name(name)), axis.wide - 75, SMALL)
    words = say("charts.expiry.ca", name=ca, **fields(end))
    page.note(words, (0, base - 14), va="baseline", color=page.ink.text)
    x, marker = axis.x(end), ">" if end >= axis.edges[-1] else "D"
    page.ax.plot(
        [0, x], [base - 6, base - 6], color=tone, linewidth=2, solid_capstyle="butt"
    )
    look: Any = {"s": 30, "color": tone, "marker": marker, "linewidths": 0}
    page.ax.scatter([x], [base - 6], zorder=3, clip_on=False, **look)


def _ca_name(name: object) -> str:
    return name if isinstance(name, str) and name else say("charts.expiry.unnamed")


def _title(devices: pd.DataFrame, cas: pd.DataFrame) -> str:
    if devices.empty and cas.empty:
        return say("charts.expiry.nothing")
    expired, soon = (
        int((devices["state"] == name).sum()) for name in ("expired", "soon")
    )
    title = say(
        "charts.expiry.title",
        count=expired,
        devices=plural(len(devices), "device certificate"),
        soon=say("charts.expiry.soon", count=soon),
    )
    late = int((cas["state"] == "expired").sum())
    return say("charts.expiry.late", title=title, count=late) if late else title


def _subtitle(cas: pd.DataFrame, shown: pd.DataFrame) -> str:
    parts = [say("charts.expiry.subtitle")]
    if len(shown):
        form = "first_of" if len(cas) > len(shown) else "first"
        parts.append(say(f"charts.expiry.{form}", count=len(shown), cas=len(cas)))
    return series(parts)


def _numbers(devices: pd.DataFrame, cas: pd.DataFrame) -> str:
    years = devices["not_after"].dt.year.value_counts().sort_index()
    ends = zip(cas["subject_cn"][:10], cas["not_after"], strict=False)
    return say(
        "charts.expiry.numbers",
        years=series(
            say("charts.expiry.year", year=str(year), devices=devices)
            for year, devices in years.items()
        ),
        cas=series(
            say("charts.expiry.ca", name=_ca_name(name), **fields(end))
            for name, end in ends
        ),
    )
