"""Ranked causes: why registrations fail, the most frequent first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ..evaluation.check import causes as count_causes
from ..texts.labels import cause_label, percent, plural
from .drawing.palette import OTHER, cause_colours, colour
from .drawing.rows import Part, Row, capacity, draw_rows, natural_height
from .drawing.sheet import WIDTH, Key, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def causes(
    results: pd.DataFrame,
    *,
    top: int = 12,
    ax: Axes | None = None,
    width: float = WIDTH,
    height: float | None = None,
    theme: str | None = None,
) -> Axes:
    """Draw how many failed attempts each cause explains, ranked, with share, devices and evidence.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS, from `certtrust.check`. The numbers are those of `certtrust.causes(results)`.
    top : int
        How many causes get a row of their own; the rest fold into one row that says how many they are.
    ax : Axes, optional
        Where to draw; a new figure without it. Axes that fill their whole figure leave its margins, and its
        height where `height` is not given, to the chart.
    width, height : float
        Size of a new figure in inches; without a height the chart takes what it needs.
    theme : {"light", "dark"}, optional
        Colours; without it the background of `ax` decides, and a new figure is light.

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
    with sheet(ax, width=width, height=height, theme=theme) as page:
        shown = min(top, capacity(page, top), len(counts))
        rows = [_row(counts, place, by_evidence, page.dark) for place in range(shown)]
        if shown < len(counts):
            rest = counts.iloc[max(shown - 1, 0) :]
            rows[max(shown - 1, 0) :] = [_folded(rest, total, page.dark)] if shown else []
        title = headline(counts, noun(results))
        hatched = (by_evidence["evidence"] == "rule").any()
        unexplained = by_evidence["evidence"].isna().any()
        legend = [
            Key(page.ink.muted, "predicted by a rule", hatched=True),
            Key(page.ink.muted, "stated by the log" + (", or unexplained" if unexplained else "")),
        ]
        page.lay_out(
            title,
            subtitle=_subtitle(results, total),
            legend=legend if hatched and total else (),
            content=natural_height(rows),
            alt=_alternative(title, counts, total),
        )
        if rows:
            draw_rows(page, rows)
        else:
            page.say("There is no failed attempt, and no rule predicts one.")
        return page.ax


def headline(counts: pd.DataFrame, failed: str = "failed attempts") -> str:
    """Return the chart's message: the first cause and its share of all."""
    total = int(counts["attempts"].sum())
    if not total:
        return "No failed attempts"
    first = counts.iloc[0]
    share = percent(first["attempts"] / total)
    if first["cause"] == "unexplained":
        return f"{share} of {total:,} {failed} are not explained by the data"
    return f"{cause_label(first['cause'])} explains {share} of {total:,} {failed}"


def noun(results: pd.DataFrame) -> str:
    """Return what is counted: failed attempts, or predictions where the log shows no failure at all."""
    return "failed attempts" if (results["observed"] == "failed").any() else "predicted failures"


def _row(counts: pd.DataFrame, place: int, by_evidence: pd.DataFrame, dark: bool) -> Row:
    count = counts.iloc[place]
    cause, attempts = str(count["cause"]), int(count["attempts"])
    tone = cause_colours([cause], dark=dark)[cause]
    parts = by_evidence[by_evidence["cause"] == cause].sort_values("evidence")
    bars = [
        Part(float(size), tone, how == "rule") for size, how in zip(parts["attempts"], parts["evidence"], strict=True)
    ]
    short = f"{attempts:,} \u00b7 {percent(attempts / counts['attempts'].sum())}"
    value = short if place else short.replace(" \u00b7", " attempts \u00b7" if attempts != 1 else " attempt \u00b7")
    return Row(cause_label(cause), value, bars, plural(int(count["devices"]), "device"), short=short)


def _folded(rest: pd.DataFrame, total: int, dark: bool) -> Row:
    attempts = int(rest["attempts"].sum())
    value = f"{attempts:,} \u00b7 {percent(attempts / total)}"
    return Row(plural(len(rest), "other cause"), value, [Part(attempts, colour(OTHER, dark=dark))])


def _subtitle(results: pd.DataFrame, total: int) -> str:
    if not total:
        return f"{plural(len(results), 'attempt')} judged"
    failing = results.loc[results["cause"].notna() & (results["observed"] != "up").fillna(value=True), "device"]
    return (
        f"{plural(failing.nunique(), 'device')} of {results['device'].nunique():,} fail, "
        f"in {total:,} of {plural(len(results), 'attempt')}."
    )


def _alternative(title: str, counts: pd.DataFrame, total: int) -> str:
    sizes = zip(counts["cause"], counts["attempts"], strict=True)
    listed = "; ".join(f"{cause_label(cause)} {size:,} ({percent(size / total)})" for cause, size in sizes)
    return f"Ranked bars. {title}. {listed}." if listed else f"Ranked bars, empty. {title}."
