"""Time a report of a large simulated fleet, step by step: `python benchmarks/report.py
[devices] [attempts] [--json FILE]`.

The fleet is that of `benchmarks/advice.py`, which keeps it in build/; its links are verified
again here. Prints the seconds of each step, the written files with their sizes, and the peak
memory of the process.
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import tempfile
import time
from pathlib import Path

import figures
from advice import fleet_of

from certtrust.report import explain_fleet, write_report


def main() -> None:
    """Make the fleet, then print the time of each step of its report, and the files."""
    parser = argparse.ArgumentParser(description="Time a report step by step.")
    parser.add_argument("devices", type=int, nargs="?", default=100_000)
    parser.add_argument("attempts", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    devices, attempts = options.devices, options.attempts
    fleet = dataclasses.replace(fleet_of(devices, attempts), links=None)
    print(f"{fleet}, made; peak so far {_peak():.1f} GB")
    steps: list[tuple[str, float]] = []
    begin = time.perf_counter()
    report = explain_fleet(
        fleet, step=lambda name: steps.append((name, time.perf_counter()))
    )
    steps.append(("writing the page and its tables", time.perf_counter()))
    with tempfile.TemporaryDirectory() as folder:
        written = write_report(
            report,
            Path(folder) / "report.html",
            json_path=Path(folder) / "report.json",
        )
        end = time.perf_counter()
        for (name, start), (_, stop) in zip(
            steps, [*steps[1:], ("", end)], strict=True
        ):
            print(f"{stop - start:7.1f} s  {name}")
        print(
            f"{end - begin:7.1f} s  in total, without reading; peak {_peak():.1f} GB"
        )
        work = f"report of {devices:,} devices and {attempts:,} attempts, without reading"
        note = f"{_peak():.1f} GB of memory"
        figures.write(
            options.json, [figures.Figure(work, end - begin, "s", note=note)]
        )
        for path in written:
            print(f"{path.stat().st_size / 1e6:7.2f} MB {path.name}")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
