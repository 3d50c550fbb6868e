"""What each number of devices and certificates on the page counts, so that none contradicts."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ..texts.dates import day
from ..texts.sentences import say
from .content import Report
from .inventory import own_certificates
from .summary_text import summarise


def counts(report: Report) -> pd.DataFrame:
    """Return the numbers on the page that could be taken for one another.

    Parameters
    ----------
    report : Report
        From `explain_fleet`.

    Returns
    -------
    DataFrame
        One row per number: number, what (it counts, in words).

    Examples
    --------
    >>> import certtrust as ct
    >>> from certtrust.report import explain_fleet
    >>> counts(explain_fleet(ct.simulate(20, seed=1), periods=1)).columns.tolist()
    ['number', 'what']
    """
    rows = [
        (size, say(f"report.counts.rows.{name}", **words))
        for name, size, words in _numbers(report)
    ]
    return pd.DataFrame(rows, columns=["number", "what"])


def _numbers(report: Report) -> Iterator[tuple[str, int, dict[str, str]]]:
    """Yield the name of each number, the number, and what fills its sentence."""
    results, devices = report.results, report.fleet.devices
    if len(results):
        summary = summarise(report)
        of_log = report.of == "log"
        yield ("log_devices" if of_log else "would_be"), summary.devices, {}
        yield "failing", summary.failing_devices, {}
        fails = results["verdict"] == "fail"
        yield "predicted", int(results.loc[fails, "device"].nunique()), {}
    if len(report.remedies):
        together = int(report.remedies["devices_cumulative"].iloc[-1])
        yield "repairable", together, {}
    if len(report.forecast):
        first = report.forecast["date"].min()
        at_first = report.forecast["date"] == first
        at_once = report.forecast.loc[at_first, "devices"]
        yield "forecast", int(at_once.sum()), {"date": day(first)}
    if unnamed := int(results["device"].isna().sum()):
        yield "unnamed", unnamed, {}
    has_name = devices["hardware_id"].notna() | devices["serial"].notna()
    if entries := int(has_name.sum()):
        yield "entries", entries, {}
    if certificates := len(own_certificates(report.fleet)):
        yield "certificates", certificates, {}
