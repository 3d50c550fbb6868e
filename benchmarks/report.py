"""Time a report of a large fleet, from files to files: `python benchmarks/report.py [DEVICES ...]
[--json FILE]`.

Each fleet is that of `large_fleet.py`, kept in build/, with ten attempts per device, and is read
and explained in a process of its own. Prints the seconds of each step, the peak memory of that
process and of those that it starts, and, for several fleets, what a further device costs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import figures
import large_fleet

import certtrust as ct
from certtrust.report import explain_fleet, write_report

SIZES = [10_000, 100_000]
EVERY = 1.0
"""Seconds between two looks at the memory; each takes 50 ms where 10 GB are held."""


def main() -> None:
    """Explain fleets of several sizes, and print what each step takes."""
    parser = argparse.ArgumentParser(description="Time a report step by step.")
    parser.add_argument("devices", type=int, nargs="*", default=SIZES)
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--here", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        print(json.dumps(explained(options.here)))
        return
    build = Path("build")
    build.mkdir(exist_ok=True)
    measured: dict[int, dict[str, Any]] = {}
    for devices in sorted(options.devices):
        folder = large_fleet.write(devices, build / f"fleet-{devices}")
        measured[devices] = in_its_process(folder)
        _print(devices, measured[devices])
    reports = [_figure(devices, one) for devices, one in measured.items()]
    figures.write(options.json, [*reports, *_further(measured)])


def in_its_process(folder: Path) -> dict[str, Any]:
    """Return what `explained` does, with the peak memory of its process and of its children."""
    peak = 0
    with subprocess.Popen(
        [sys.executable, __file__, "--here", str(folder)], stdout=subprocess.PIPE
    ) as process:
        done = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not done.wait(EVERY):
                peak = max(peak, memory(process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        output, _ = process.communicate()
        done.set()
        watcher.join()
    if process.returncode:
        raise SystemExit(process.returncode)
    return {**json.loads(output.splitlines()[-1]), "memory": peak}


def memory(pid: int) -> int:
    """Return the bytes that a process and its children hold, what they share once (Linux)."""
    total = 0
    for one in [pid, *descendants(pid)]:
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:  # it has ended
            continue
        total += sum(
            int(line.split()[1]) for line in lines if line.startswith("Pss:")
        )
    return total << 10


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that they have."""
    children = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children += [int(child) for child in task.read_text().split()]
        except OSError:
            continue
    return [one for child in children for one in (child, *descendants(child))]


def explained(folder: Path) -> dict[str, Any]:
    """Read, explain and write in this process; return the seconds of each step."""
    steps: list[tuple[str, float]] = []

    def step(name: str) -> None:
        steps.append((name, time.perf_counter()))

    tables = read_tables(folder, step)
    attempts = len(tables["registrations"])
    report = explain_fleet(ct.Fleet(**tables), step=step)
    step("writing")
    with tempfile.TemporaryDirectory() as place:
        page = Path(place) / "report.html"
        written = write_report(report, page, json_path=page.with_suffix(".json"))
        sizes = {
            path.name: path.stat().st_size
            for path in written
            if path.suffix in (".html", ".json")
        }
    step("end")
    seconds: dict[str, float] = {}
    for (name, begin), (_, end) in itertools.pairwise(steps):
        seconds[name] = seconds.get(name, 0) + end - begin
    used = os.times()
    return {
        "attempts": attempts,
        "pbxs": int(tables["devices"]["pbx"].nunique()),
        "seconds": seconds,
        "cpu": used.user + used.system + used.children_user + used.children_system,
        "written": sizes,
        "failing": len(report.failing),
    }


def read_tables(folder: Path, step: Callable[[str], None]) -> dict[str, Any]:
    """Return the four tables of a fleet, each read as a step of its own."""
    readers: dict[str, Callable[..., Any]] = {
        "certificates": ct.read_certificates,
        "trust": ct.read_trust_list,
        "devices": ct.read_devices,
        "registrations": ct.read_registrations,
    }
    tables = {}
    for name, read in readers.items():
        step(f"reading {name}")
        tables[name] = read(folder / name)
    return tables


def _print(devices: int, one: dict[str, Any]) -> None:
    print(f"{devices:,} devices, {one['attempts']:,} attempts, {one['pbxs']} PBXs")
    for name, seconds in one["seconds"].items():
        print(f"{seconds:7.1f} s  {name}")
    total = sum(one["seconds"].values())
    print(
        f"{total:7.1f} s  in total ({one['cpu']:.0f} s of processors);"
        f" {one['memory'] / 1e9:.2f} GB; {one['failing']:,} failing rows"
    )
    for name, size in one["written"].items():
        print(f"{size / 1e6:7.2f} MB {name}", flush=True)


def _figure(devices: int, one: dict[str, Any]) -> figures.Figure:
    return figures.Figure(
        work=f"files to report: {devices:,} devices, {one['attempts']:,} attempts,"
        f" {one['pbxs']} PBXs",
        value=sum(one["seconds"].values()),
        unit="s",
        note=f"{one['memory'] / 1e9:.1f} GB of memory",
    )


def _further(measured: dict[int, dict[str, Any]]) -> list[figures.Figure]:
    """Return what a further device costs between the smallest and the largest fleet."""
    if len(measured) < 2:
        return []
    (few, small), *_, (many, large) = measured.items()
    seconds, held = (
        (large_sum - small_sum) / (many - few)
        for large_sum, small_sum in (
            (sum(large["seconds"].values()), sum(small["seconds"].values())),
            (large["memory"], small["memory"]),
        )
    )
    print(f"a further device: {seconds * 1e6:.0f} us, {held / 1e3:.1f} kB")
    return [
        figures.Figure(
            work=f"a further device, from {few:,} to {many:,}",
            value=seconds * 1e6,
            unit="µs",
            note=f"{held / 1e3:.1f} kB of memory",
        )
    ]


if __name__ == "__main__":
    main()
