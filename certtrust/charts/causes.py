"""Ranked causes: why registrations fail, the most frequent first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import pandas as pd

from ..evaluation.check import causes as count_causes
from ..texts.labels import cause_label, percent, plural, series, with_share
from ..texts.sentences import say
from .drawing.palette import OTHER, cause_colours, colour
from .drawing.record import Canvas, chart
from .drawing.rows import (
    Part,
    Row,
    capacity,
    draw_rows,
    natural_height,
    with_unit,
)
from .drawing.sheet import Key, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@chart(section="why", feed=lambda report: {"results": report.results})
def causes(results: pd.DataFrame, *, top: int = 12, **canvas: Unpack[Canvas]) -> Axes:
    """Draw how many failed attempts each cause explains, ranked, with share, devices and evidence.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS, from `certtrust.check`. The numbers are those of `certtrust.causes(results)`.
    top : int
        How many causes get a row of their own; the rest fold into one row that says how many they
        are.
    **canvas
        Where and how to draw: ax, width, height, theme.

    Returns
    -------
    Axes
        One row per cause; an empty frame gives axes with a headline only.

    Examples
    --------
    >>> import certtrust as ct
    >>> results = ct.check(ct.attempts(ct.read_fleet("data/fleet")))
    >>> ct.charts.causes(results).get_title().count("failed attempts")
    1
    """
    results = results[["device", "cause", "evidence", "observed", "verdict"]]
    by_evidence = count_causes(results)
    counts = count_causes(results.assign(evidence="any"))
    total = int(counts["attempts"].sum())
    with sheet(**canvas) as page:
        shown = max(min(top, capacity(page, top)), 1)
        rows = [
            _row(count, by_evidence, total, page.dark)
            for _, count in counts.head(shown).iterrows()
        ]
        if len(counts) > shown:
            rows[-1] = _folded(counts.iloc[shown - 1 :], total, page.dark)
        if page.lay_out(
            "causes",
            _title(results, counts, total),
            subtitle=_subtitle(results, total),
            legend=_legend(by_evidence, page.ink.muted),
            content=natural_height(rows),
            numbers=_numbers(counts, total),
        ):
            most = int(counts["attempts"].iloc[0])
            value = with_share(plural(most, "attempt"), most, total)
            draw_rows(page, with_unit(rows, value))
    return page.ax


def _row(count: pd.Series, by_evidence: pd.DataFrame, total: int, dark: bool) -> Row:
    cause, attempts = str(count["cause"]), int(count["attempts"])
    tone = cause_colours([cause], dark=dark)[cause]
    parts = by_evidence[by_evidence["cause"] == cause].sort_values("evidence")
    sizes = zip(parts["attempts"], parts["evidence"], strict=True)
    bars = [Part(float(size), tone, evidence == "rule") for size, evidence in sizes]
    devices = plural(int(count["devices"]), "device")
    return Row(
        cause_label(cause), with_share(attempts, attempts, total), bars, devices
    )


def _folded(rest: pd.DataFrame, total: int, dark: bool) -> Row:
    attempts = int(rest["attempts"].sum())
    bar = Part(attempts, colour(OTHER, dark=dark))
    label = plural(len(rest), "other cause")
    return Row(label, with_share(attempts, attempts, total), [bar])


def _legend(by_evidence: pd.DataFrame, ink: str) -> list[Key]:
    """Return what hatching means, where something is hatched."""
    evidence = by_evidence["evidence"]
    if not (evidence == "rule").any():
        return []
    stated = "proven" if (evidence == "wire").any() else "stated"
    if evidence.isna().any():
        stated += "_or_unexplained"
    return [
        Key(ink, say("charts.causes.predicted"), hatched=True),
        Key(ink, say(f"charts.causes.{stated}")),
    ]


def _title(results: pd.DataFrame, counts: pd.DataFrame, total: int) -> str:
    if not total:
        return say("charts.causes.nothing")
    observed = (results["observed"] == "failed").any()
    failures = plural(total, "failed attempt" if observed else "predicted failure")
    cause, share = (
        counts["cause"].iloc[0],
        percent(counts["attempts"].iloc[0] / total),
    )
    form = "unexplained" if cause == "unexplained" else "title"
    return say(
        f"charts.causes.{form}",
        cause=cause_label(cause),
        share=share,
        failures=failures,
    )


def _subtitle(results: pd.DataFrame, total: int) -> str:
    attempts = plural(len(results), "attempt")
    if not total:
        return say("charts.causes.judged", attempts=attempts)
    is_down = (results["observed"] != "up").fillna(value=True)
    failing = results.loc[results["cause"].notna() & is_down, "device"].nunique()
    return say(
        "charts.causes.subtitle",
        failing=plural(failing, "device"),
        devices=results["device"].nunique(),
        failed=total,
        attempts=attempts,
    )


def _numbers(counts: pd.DataFrame, total: int) -> str:
    sizes = zip(counts["cause"], counts["attempts"], strict=True)
    return series(
        say(
            "charts.causes.row",
            cause=cause_label(cause),
            attempts=size,
            share=percent(size / total),
        )
        for cause, size in sizes
    )
