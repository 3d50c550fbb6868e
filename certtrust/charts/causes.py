"""Ranked causes: why registrations fail, the most frequent first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Unpack

import pandas as pd

from ..evaluation.check import causes as count_causes
from ..schema import RESULTS, expect
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
from .drawing.stack import OTHER_CAUSES, kinds_that_fit, stack_colours, stack_legend
from .heatmap import UNKNOWN, causes_by_group, group_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = ["device", "cause", "evidence", "observed", "verdict"]
ALIASES = {"issuer": "issuer_cn"}
COLOURS = 7
"""How many causes get a colour of their own where rows are groups."""


class _Ranked(NamedTuple):
    """Causes by attempts, the same by evidence, and what the headline says of all attempts."""

    counts: pd.DataFrame
    by_evidence: pd.DataFrame
    is_observed: bool
    subtitle: str


def _numbers_of(results: pd.DataFrame) -> _Ranked:
    results = expect(results, RESULTS, COLUMNS)[COLUMNS]
    counts = count_causes(results.assign(evidence="any"))
    return _Ranked(
        counts,
        count_causes(results),
        bool((results["observed"] == "failed").any()),
        _subtitle(results, int(counts["attempts"].sum())),
    )


def _drawn(ranked: _Ranked, *, top: int = 12, **canvas: Unpack[Canvas]) -> Axes:
    counts, by_evidence, is_observed, subtitle = ranked
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
            _title(counts, total, is_observed=is_observed),
            subtitle=subtitle,
            legend=_legend(by_evidence, page.ink.muted),
            content=natural_height(rows, page),
            numbers=_numbers(counts, total),
        ):
            most = int(counts["attempts"].iloc[0])
            value = with_share(plural(most, "attempt"), most, total)
            draw_rows(page, with_unit(rows, value))
    return page.ax


@chart(
    section="why",
    feed=lambda report: {"ranked": _numbers_of(report.results)},
    draw_numbers=_drawn,
)
def causes(
    results: pd.DataFrame,
    by: str | None = None,
    *,
    top: int = 12,
    **canvas: Unpack[Canvas],
) -> Axes:
    """Draw how many failed attempts each cause explains, ranked, with share, devices and evidence.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS, from `certtrust.check`. The numbers are those of
        `certtrust.causes(results, by=by)`.
    by : str, optional
        A column of `results`, such as "model", "firmware", "issuer_cn" or "pbx": one row for each
        of its values then, with the causes as colours. "issuer" is short for "issuer_cn".
    top : int
        How many causes, or values of `by`, get a row of their own; the rest fold into one row that
        says how many they are.
    **canvas
        Where and how to draw: ax, width, height, theme.

    Returns
    -------
    Axes
        One row per cause or value; an empty frame gives axes with a headline only.

    Raises
    ------
    MissingColumnError
        If `results` has no column `by`.

    Examples
    --------
    >>> import certtrust as ct
    >>> results = ct.check(ct.attempts(ct.read_fleet("data/fleet")))
    >>> ct.charts.causes(results).get_title().count("failed attempts")
    1
    """
    if by is not None:
        return _by_group(results, ALIASES.get(str(by), by), top, canvas)
    return _drawn(_numbers_of(results), top=top, **canvas)


def _by_group(results: pd.DataFrame, by: str, top: int, canvas: Canvas) -> Axes:
    """Draw a row for each value of a column, the causes as parts of its bar."""
    counts = causes_by_group(results, by)
    of = results[by].astype("str").fillna(UNKNOWN).value_counts()
    total = int(counts.to_numpy().sum())
    named = {"word": by, "head": by, **group_words(by)}
    with sheet(**canvas) as page:
        shown = max(min(top, capacity(page, top)), 1)
        named_causes = min(COLOURS, kinds_that_fit(page, COLOURS))
        hidden = max(len(counts) - named_causes, 0)
        if hidden:
            rest = counts.iloc[named_causes:].sum().to_frame(OTHER_CAUSES).T
            counts = pd.concat([counts.iloc[:named_causes], rest])
        tones = stack_colours([str(cause) for cause in counts.index], dark=page.dark)
        names = list(counts.columns)
        folded = names[shown - 1 :] if len(names) > shown else []
        rows = [
            _group_row(counts[name], _group_name(name, named), int(of[name]), tones)
            for name in names[: len(names) - len(folded)]
        ]
        if folded:
            more = say("charts.causes.other_groups", count=len(folded))
            sums = counts[folded].sum(axis=1)
            rows.append(_group_row(sums, more, int(of[folded].sum()), tones))
        if page.lay_out(
            "causes",
            _group_title(counts, total, named),
            subtitle=say("charts.causes.by_subtitle", **named) if rows else "",
            legend=stack_legend(tones, plural(hidden, "other cause")),
            content=natural_height(rows, page),
            numbers=series(
                say(
                    "charts.causes.row",
                    cause=_group_name(name, named),
                    attempts=int(counts[name].sum()),
                    share=percent(counts[name].sum() / int(of[name])),
                )
                for name in names[:30]
            ),
        ):
            draw_rows(page, rows)
    return page.ax


def _group_row(
    sizes: pd.Series, name: str, attempts: int, tones: dict[str, str]
) -> Row:
    parts = [Part(float(sizes[cause]), tone) for cause, tone in tones.items()]
    failed = int(sizes.sum())
    fraction = say("charts.heatmap.of", failed=failed, attempts=attempts)
    return Row(name, with_share(fraction, failed, attempts), parts)


def _group_name(group: object, named: dict[str, str]) -> str:
    if group == UNKNOWN:
        return say("charts.causes.unknown", **named)
    return str(group)


def _group_title(counts: pd.DataFrame, total: int, named: dict[str, str]) -> str:
    if not total:
        return say("charts.causes.nothing")
    first = counts.columns[0]
    return say(
        "charts.causes.by_title",
        group=_group_name(first, named),
        failures=int(counts[first].sum()),
        total=total,
    )


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


def _title(counts: pd.DataFrame, total: int, *, is_observed: bool) -> str:
    if not total:
        return say("charts.causes.nothing")
    failures = plural(total, "failed attempt" if is_observed else "predicted failure")
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
    devices = results["device"].nunique()
    if not (total and devices):
        return say("charts.causes.judged", attempts=attempts)
    is_down = (results["observed"] != "up").fillna(value=True)
    failing = results.loc[results["cause"].notna() & is_down, "device"].nunique()
    return say(
        "charts.causes.subtitle",
        failing=failing,
        devices=plural(devices, "device"),
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
