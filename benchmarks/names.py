"""Time the name rules on a million pairs, and compare with plain Python for one pair at a time.

Run `python benchmarks/names.py [pairs] [--json FILE]`. The values are like those of a fleet:
serials with and without an interface as registration names, host names under one domain,
addresses. Prints nanoseconds per pair, the median of five runs, and checks that both give the
same answers.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import figures
import numpy as np
import pandas as pd

import certtrust as ct
from certtrust.names import hosts

RUNS = 5
LOOPED = 50_000


def one_host(pattern: str, host: str) -> bool:
    """Compare one pair as `names.host_matches` does."""
    presented, wanted = hosts.pattern(pattern), hosts.host(host)
    if presented is None or wanted is None:
        return False
    if presented.startswith("*."):
        return wanted.partition(".")[2] == presented[2:]
    return presented == wanted


def one_address(pattern: str, host: str) -> bool:
    """Compare an iPAddress entry with one host."""
    presented = hosts.address(pattern)
    return presented is not None and presented == hosts.host(host)


def one_prefix(name: str, cn: str) -> bool:
    """Compare one pair exactly, as `names.begins_with_cn` does where case does not matter."""
    return bool(cn.strip()) and "\0" not in cn and name.startswith(cn)


def nanoseconds(work: Callable[[], Any], pairs: int) -> float:
    """Return the median time per pair."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times) / pairs * 1e9


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairs", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    pairs = options.pairs
    random = np.random.default_rng(0)
    serial = pd.Series(
        [f"{number:012x}" for number in random.integers(0, 2**48, pairs)], dtype="str"
    )
    interface = serial + "-TEL1"
    mixed = serial.where(random.random(pairs) < 0.9, serial.iloc[::-1].to_numpy())
    host = "p" + serial + ".example.com"
    wildcard = pd.Series(["*.example.com"] * pairs, dtype="str")
    octets = random.integers(0, 256, (pairs, 3))
    address = pd.Series(
        [f"10.{second}.{third}.{fourth}" for second, third, fourth in octets],
        dtype="str",
    )
    cases: list[
        tuple[
            str,
            pd.Series,
            pd.Series,
            Callable[..., pd.Series],
            Callable[[str, str], bool],
        ]
    ] = [
        (
            "CN begins the name",
            interface,
            serial,
            ct.names.begins_with_cn,
            one_prefix,
        ),
        (
            "one in ten does not",
            interface,
            mixed,
            ct.names.begins_with_cn,
            one_prefix,
        ),
        ("host by host name", host, host, ct.names.host_matches, one_host),
        ("host by wildcard", wildcard, host, ct.names.host_matches, one_host),
        ("host with a port", host, host + ":8443", ct.names.host_matches, one_host),
        (
            "address",
            address,
            address,
            lambda left, right: ct.names.host_matches(left, right, kind="ip"),
            one_address,
        ),
    ]
    print(
        f"{pairs:,} pairs, nanoseconds per "
        f"pair\n{'':<24}{'columns':>9}{'one by one':>12}{'ratio':>8}"
    )
    measured = []
    for label, left, right, columns, single in cases:
        sample = list(zip(left[:LOOPED], right[:LOOPED], strict=True))
        assert columns(left[:LOOPED], right[:LOOPED]).tolist() == [
            single(*pair) for pair in sample
        ]
        vectorised = nanoseconds(
            lambda left=left, right=right, columns=columns: columns(left, right),
            pairs,
        )  # type: ignore[misc]
        looped = nanoseconds(
            lambda sample=sample, single=single: [single(*pair) for pair in sample],
            len(sample),
        )  # type: ignore[misc]
        print(
            f"{label:<24}{vectorised:>9.0f}{looped:>12.0f}{looped / vectorised:>8.1f}",
            flush=True,
        )
        measured.append(
            figures.Figure(
                work=f"{pairs:,} names compared: {label}",
                value=vectorised,
                unit="ns each",
                against={"one by one in Python": looped},
            )
        )
    figures.write(options.json, measured)


if __name__ == "__main__":
    main()
