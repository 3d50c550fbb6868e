"""The report in sentences: what fails, how much of it is explained, and what to do first."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from ..evaluation.check import counted
from ..texts.labels import listed, percent, plural
from .content import PAIRS, Report


class Summary(NamedTuple):
    """The numbers of the summary."""

    devices: int
    failing_devices: int
    attempts: int
    failed: int
    by_rule: int
    by_log: int
    unexplained: int
    observed: bool
    first: pd.Timestamp | None
    last: pd.Timestamp | None


def summarise(report: Report) -> Summary:
    """Count what the summary says."""
    results = report.results
    failed = counted(results[["device", "cause", "observed", "verdict"]])
    by_rule = int((failed["verdict"] == "fail").sum())
    unexplained = int((failed["cause"].astype("str") == "unexplained").sum())
    times = results["time"].dropna()
    return Summary(
        devices=int(results["device"].nunique()),
        failing_devices=int(failed["device"].nunique()),
        attempts=len(results),
        failed=len(failed),
        by_rule=by_rule,
        by_log=len(failed) - by_rule - unexplained,
        unexplained=unexplained,
        observed=bool((results["observed"] == "failed").any()),
        first=times.min() if len(times) else None,
        last=times.max() if len(times) else None,
    )


def day(moment: pd.Timestamp) -> str:
    """Return the day in words.

    Examples
    --------
    >>> day(pd.Timestamp("2026-03-02 10:11", tz="UTC"))
    '2 March 2026'
    """
    return f"{moment.day} {moment:%B %Y}"


def span(summary: Summary) -> str:
    """Return the time that the attempts cover, or nothing where none has a time."""
    if summary.first is None or summary.last is None:
        return ""
    first, last = day(summary.first), day(summary.last)
    return f" on {first}" if first == last else f" from {first} to {last}"


def what_fails(report: Report) -> str:
    """Return the first sentence of the report."""
    summary = summarise(report)
    if not summary.attempts:
        return "There is nothing to judge: neither a registration nor a device was read."
    if report.of == "devices":
        known = plural(summary.devices, "known device")
        opening = f"No registration log was read, so each of the {known} was judged as if it registered now."
        if not summary.failed:
            return f"{opening} No rule is broken."
        return f"{opening} {plural(summary.failing_devices, 'device')} would fail."
    everything = (
        f"{plural(summary.attempts, 'registration attempt')} of {plural(summary.devices, 'device')}{span(summary)}"
    )
    if not summary.failed:
        return f"None of the {everything} failed, and no rule is broken."
    return (
        f"{summary.failing_devices:,} of {plural(summary.devices, 'device')} fail to register: "
        f"{summary.failed:,} of {plural(summary.attempts, 'attempt')}{span(summary)}."
    )


def why(report: Report) -> str:
    """Return how much is explained, and the most frequent causes."""
    summary = summarise(report)
    if not summary.failed:
        return ""
    share = percent(summary.by_rule / summary.failed)
    said = [f"{summary.by_rule:,} ({share}) break a rule that these registrations have to keep"]
    if summary.by_log:
        said.append(
            f"{summary.by_log:,} ({percent(summary.by_log / summary.failed)}) have another cause that the log states"
        )
    if summary.unexplained:
        said.append(f"{summary.unexplained:,} ({percent(summary.unexplained / summary.failed)}) stay unexplained")
    failures = "predicted failures" if not summary.observed else "failures"
    return f"Of the {plural(summary.failed, failures[:-1])}, {listed(said)}."


def top_causes(report: Report, count: int = 3) -> str:
    """Return the most frequent causes with their shares.

    Examples
    --------
    >>> import certtrust as ct
    >>> from certtrust.report import explain_fleet
    >>> "%" in top_causes(explain_fleet(ct.simulate(20, seed=1), periods=1))
    True
    """
    first = report.causes.head(count)
    total = int(report.causes["attempts"].sum())
    named = [
        f"{title} ({percent(size / total)})" for title, size in zip(first["title"], first["attempts"], strict=True)
    ]
    return ", ".join(named) or "none"


def first_remedy(report: Report) -> str:
    """Return what to do first and what it repairs, or that there is nothing to do."""
    if report.remedies.empty:
        return "none of the known remedies repairs a failure" if len(report.failing) else "nothing to repair"
    first = report.remedies.iloc[0]
    repaired = f"{plural(int(first['attempts']), 'attempt')} of {plural(int(first['devices']), 'device')}"
    return f"{str(first['step']).rstrip('.')}: repairs {repaired}"


def impersonations(report: Report) -> str:
    """Return how many devices others may register as."""
    pairs = report.impersonations
    if pairs.empty:
        return "No trusted certificate begins with its CN the name of another device."
    doors = plural(pairs["fingerprint"].nunique(), "trusted certificate")
    counted = plural(pairs["victim"].nunique(), "device")
    more = "at least " if len(pairs) == PAIRS else ""
    return (
        f"The PBX lets a device in whose name begins with the CN of its certificate. {doors} may so register as "
        f"another device: {more}{plural(len(pairs), 'pair')} of a certificate and one of {counted}."
    )


def summary_lines(report: Report) -> list[str]:
    """Return five lines for a terminal: devices, attempts, failures explained, the top causes, the first remedy."""
    summary = summarise(report)
    attempted = "attempts" if report.of == "log" else "attempts that devices would make (there is no log)"
    explained = f"{summary.by_rule:,} of {summary.failed:,} by a rule"
    if summary.by_log:
        explained += f", {summary.by_log:,} more by the log itself"
    return [
        f"Devices:       {summary.devices:,}, of which {summary.failing_devices:,} fail",
        f"Attempts:      {summary.attempts:,} {attempted}{span(summary)}, of which {summary.failed:,} failed",
        f"Explained:     {explained if summary.failed else 'nothing to explain'}",
        f"Top causes:    {top_causes(report)}",
        f"First remedy:  {first_remedy(report)}",
    ]
