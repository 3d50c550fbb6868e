"""Metrics for Prometheus, in its text format, for node_exporter's textfile collector."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ..arrays.arrow import as_mask
from ..errors import CerttrustError
from ..texts.sentences import say
from ..texts.visible import encodable
from .renewals import LATER, UNREAD
from .status import Status, expect_status

_PREFIX = "certtrust_"
_OF_CERTIFICATE = ("role", "device", "subject_cn", "issuer_cn", "fingerprint")


def metrics(status: Status) -> str:
    """Return the numbers of a fleet in Prometheus' text format (0.0.4).

    Parameters
    ----------
    status : Status
        From `certtrust.monitoring.status`.

    Returns
    -------
    str
        Gauges: `certtrust_devices` by outcome (pass, fail, unknown), `certtrust_failing_devices` by
        PBX and cause, `certtrust_certificates` by role and bucket, `certtrust_unread`,
        `certtrust_judged_timestamp_seconds`, and
        `certtrust_certificate_not_after_timestamp_seconds` for each CA, and for each certificate of
        a device that ends within the last bucket or has ended. Labels that do not apply are empty.
        There are no timestamps, which the textfile collector refuses.

    Raises
    ------
    CerttrustError
        If the library prometheus-client is not installed.

    Examples
    --------
    >>> import certtrust as ct
    >>> from certtrust.monitoring import status
    >>> 'certtrust_devices{outcome="fail"}' in metrics(status(ct.simulate(20, seed=1)))
    True
    """
    try:
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.core import GaugeMetricFamily
    except ImportError:
        message = say("errors.monitoring.no_library", library="prometheus-client")
        raise CerttrustError(message) from None

    status = expect_status(status)

    class Collector:
        def collect(self) -> Iterator[Any]:
            for name, labels, samples in _families(status):
                words = say(f"monitoring.metrics.{name}")
                family = GaugeMetricFamily(_PREFIX + name, words, labels=labels)
                for values, number in samples:
                    family.add_metric([encodable(value) for value in values], number)
                yield family

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    return str(generate_latest(registry).decode())


_Family = tuple[str, list[str], list[tuple[list[str], float]]]


def _families(status: Status) -> Iterator[_Family]:
    """Yield the name, the labels, and the samples of each metric."""
    outcomes = {
        "fail": status.failing_devices,
        "unknown": status.undecided_devices,
    }
    outcomes["pass"] = status.devices - sum(outcomes.values())
    yield (
        "devices",
        ["outcome"],
        [([word], float(count)) for word, count in sorted(outcomes.items())],
    )
    failing = status.failing
    keys = [failing["pbx"].fillna(""), failing["cause"].astype("str").fillna("")]
    counts = failing.groupby(keys)["device"].nunique()
    yield (
        "failing_devices",
        ["pbx", "cause"],
        list(_samples(counts)),
    )
    rows = status.renewals
    readable = rows[as_mask(rows["role"].notna())]
    counts = readable.groupby(["role", "bucket"], observed=True).size()
    yield (
        "certificates",
        ["role", "bucket"],
        list(_samples(counts)),
    )
    yield "unread", [], [([], float(status.unread))]
    yield "judged_timestamp_seconds", [], [([], status.at.timestamp())]
    listed = readable[
        as_mask(readable["role"] == "CA")
        | ~as_mask(readable["bucket"].isin([LATER, UNREAD]))
    ]
    yield (
        "certificate_not_after_timestamp_seconds",
        list(_OF_CERTIFICATE),
        list(_ends(listed)),
    )


def _samples(counts: Any) -> Iterator[tuple[list[str], float]]:
    """Yield the keys and the number of each group."""
    for key, count in counts.items():
        yield [str(part) for part in key], float(count)


def _ends(rows: pd.DataFrame) -> Iterator[tuple[list[str], float]]:
    """Yield the labels and the end of each certificate whose end is known."""
    rows = rows[rows["ends"].notna()]
    seconds = rows["ends"].astype("int64") / 1_000_000
    labels = rows[list(_OF_CERTIFICATE)].astype("str").fillna("")
    # Two certificates of a listing, without fingerprints, may have the same labels.
    for values, second in dict(
        zip(labels.itertuples(index=False, name=None), seconds, strict=True)
    ).items():
        yield list(values), float(second)
