"""The report in sentences: what fails, how much of it is explained, and what to do first."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from ..advice.phrases import the_pbx
from ..arrays.grouping import distinct_rows
from ..evaluation.check import counted
from ..evaluation.ownership import Ownership
from ..texts.dates import day
from ..texts.device_labels import LABELLED_BY, labels_by_device
from ..texts.labels import listed, percent, plural
from ..texts.sentences import say
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
    unknown: int
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
        unknown=int((results["verdict"] == "unknown").sum()),
        observed=bool((results["observed"] == "failed").any()),
        first=times.min() if len(times) else None,
        last=times.max() if len(times) else None,
    )


def span(summary: Summary) -> str:
    """Return the time that the attempts cover, or nothing where none has a time."""
    if summary.first is None or summary.last is None:
        return ""
    first, last = day(summary.first), day(summary.last)
    return say(
        f"report.span.{'day' if first == last else 'days'}", first=first, last=last
    )


def what_fails(report: Report) -> str:
    """Return the first sentence of the report."""
    summary = summarise(report)
    values = {
        "failing": plural(summary.failing_devices, "device"),
        "failing_number": summary.failing_devices,
        "devices": plural(summary.devices, "device"),
        "known": plural(summary.devices, "known device"),
        "failed": summary.failed,
        "attempts": plural(summary.attempts, "attempt"),
        "registrations": plural(summary.attempts, "registration attempt"),
        "span": span(summary),
        "unknown": summary.unknown,
    }
    open_outcome = "open"
    if report.of == "devices" and summary.unknown == summary.attempts:
        open_outcome = "unknown"
    outcome = "fine" if not summary.unknown else open_outcome
    if summary.failed:
        outcome = "fail" if summary.devices or report.of == "devices" else "unnamed"
    return say(
        f"report.lead.{report.of}.{outcome if summary.attempts else 'nothing'}",
        **values,
    )


def why(report: Report) -> str:
    """Return how much is explained, and the most frequent causes."""
    summary = summarise(report)
    if not summary.failed:
        return ""
    counts = {
        "by_rule": summary.by_rule,
        "by_log": summary.by_log,
        "unexplained": summary.unexplained,
    }
    parts = [
        say(f"report.why.{kind}", count=count, share=percent(count / summary.failed))
        for kind, count in counts.items()
        if count or kind == "by_rule"
    ]
    failures = plural(
        summary.failed, "failure" if summary.observed else "predicted failure"
    )
    return say("report.why.all", failures=failures, parts=listed(parts))


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
        say("report.terminal.cause", cause=title, share=percent(attempts / total))
        for title, attempts in zip(first["title"], first["attempts"], strict=True)
    ]
    return say("lists.between").join(named) or say("report.terminal.no_cause")


def first_remedy(report: Report) -> str:
    """Return what to do first and what it repairs, or that there is nothing to do."""
    if report.remedies.empty:
        has_open = (report.results["verdict"] == "unknown").any()
        nothing = "not_judged" if has_open else "nothing_to_repair"
        return say(
            f"report.terminal.{'no_remedy' if len(report.failing) else nothing}"
        )
    first = report.remedies.iloc[0]
    return say(
        "report.terminal.action",
        step=str(first["step"]).rstrip("."),
        attempts=plural(int(first["attempts"]), "attempt"),
        devices=plural(int(first["devices"]), "device"),
    )


def impersonations(report: Report) -> str:
    """Return how many devices others may register as."""
    pairs = report.impersonations
    if pairs.empty:
        return say("report.impersonations.none")
    return say(
        f"report.impersonations.{'at_least' if len(pairs) == PAIRS else 'all'}",
        certificates=plural(pairs["fingerprint"].nunique(), "trusted certificate"),
        pairs=plural(len(pairs), "pair"),
        devices=plural(pairs["victim"].nunique(), "device"),
    )


def worst_impersonation(report: Report) -> str:
    """Return which certificate opens most other devices, or nothing where none opens one."""
    pairs = report.impersonations
    if pairs.empty:
        return ""
    worst = pairs.iloc[0]
    words = {"device": device_names(report, pairs.head(1)["device"]).iloc[0]}
    key = "certificate" if isinstance(words["device"], str) else "certificate_alone"
    sentences = [
        say(
            "report.impersonations.worst",
            certificate=say(
                f"report.impersonations.{key}", cn=worst["subject_cn"], **words
            ),
            count=int(worst["opens"]),
            the_pbx=the_pbx(pairs.head(1)["pbx"]).iloc[0],
        )
    ]
    if more := pairs["fingerprint"].nunique() - 1:
        sentences.append(say("report.impersonations.more", count=more))
    return " ".join(sentences)


def device_names(report: Report, devices: pd.Series) -> pd.Series:
    """Return how people name devices that the report speaks of by their identity."""
    results = report.results.reindex(columns=[*LABELLED_BY])
    is_narrow = not set(LABELLED_BY) <= set(report.results)
    if is_narrow or not devices.dropna().isin(results["device"]).all():
        # An impersonator may be able to register as a device that never tried to.
        entered = Ownership.of(report.fleet).entered
        entries = report.fleet.devices[[*LABELLED_BY[1:]]].assign(device=entered)
        results = pd.concat([results, entries])
    rows = distinct_rows(results[results["device"].isin(devices.dropna())])
    labels = devices.map(labels_by_device(rows)).astype("str")
    return labels.fillna(devices)


def summary_lines(report: Report) -> list[str]:
    """Return five lines for a terminal: devices, attempts, explained, top causes, first remedy."""
    summary = summarise(report)
    explained = "by_log" if summary.by_log else "by_rule"
    if not summary.failed:
        explained = "nothing_to_explain"
    values = {
        **summary._asdict(),
        "span": span(summary),
        "all_attempts": plural(summary.attempts, "attempt"),
        "unchecked": say("report.terminal.unchecked", unknown=summary.unknown)
        if summary.unknown
        else "",
        "explained": say(f"report.terminal.{explained}", **summary._asdict()),
        "causes": top_causes(report),
        "remedy": first_remedy(report),
    }
    attempts = f"attempts_{report.of}"
    lines = ("devices", attempts, "explained", "top_causes", "first_remedy")
    return [say(f"report.terminal.{line}", **values) for line in lines]
