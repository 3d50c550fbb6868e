"""A fleet from files to causes: one single-threaded process against a Dask cluster of two.

`python benchmarks/scale.py [--devices N | --fleet DIRECTORY] [--workers 2] [--kill] [--json FILE]`

The cluster is one of this machine, its workers are processes with one thread each. Both read the
same files, and their results are compared row for row. With `--kill` a worker is killed half-way,
and the results have to be equal again.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from figures import Figure, write

import certtrust as ct
from certtrust.schema import RESULTS
from certtrust.table_files import read_parquet, write_parquet
from certtrust.testing import assert_frames_equal

HERE = Path(__file__).parent
AT = "2026-11-15"
"""The moment of all judgements, so that both judge at the same."""


class Taken(NamedTuple):
    """What a run took."""

    wall: float
    cpu: float
    memory: float
    """The peak of one process, in GB."""


def on_one_process(fleet: Path, out: Path) -> Taken:
    """Judge a fleet in a process of its own that has a single core, and keep its results."""
    command = [sys.executable, __file__, "--one", str(fleet), str(out)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return Taken(*map(float, answer.stdout.split()))


def judge_alone(fleet: Path, out: Path) -> None:
    """Do what `on_one_process` asks for, and print what it took."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    _warm()
    start, before = time.perf_counter(), time.process_time()
    read = ct.read_fleet(fleet)
    results = ct.check(ct.attempts(read), at=AT)
    causes = ct.causes(results)
    wall, cpu = time.perf_counter() - start, time.process_time() - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    write_parquet(results, RESULTS, out / "results.parquet")
    causes.to_parquet(out / "causes.parquet")
    print(wall, cpu, memory)


def on_cluster(
    fleet: Path, workers: int, kill_after: float | None
) -> tuple[Taken, pd.DataFrame, pd.DataFrame]:
    """Judge a fleet on a cluster of this machine; return what it took, results and causes."""
    import distributed

    with ct.scale.connect(workers=workers) as client:
        client.run(_warm)
        before = sum(client.run(time.process_time).values()) + time.process_time()
        timer = threading.Timer(kill_after or 0, _kill, [client])
        if kill_after is not None:
            timer.start()
        start = time.perf_counter()
        read = ct.scale.read_fleet(fleet)
        results = ct.scale.check(ct.scale.attempts(read), at=AT).persist()
        distributed.wait(results)
        causes = ct.scale.causes(results)
        wall = time.perf_counter() - start
        timer.cancel()
        cpu = sum(client.run(time.process_time).values()) + time.process_time()
        memory = max(client.run(_peak).values())
        whole = ct.scale.collect(results)
    return Taken(wall, cpu - before, memory), whole, causes


def _warm() -> None:
    """Import what a process needs, which it does once in its life."""
    ct.check(ct.attempts(ct.simulate(5, seed=1)))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _kill(client: object) -> None:
    """Kill the process of one worker, as if its machine was gone."""
    victim = next(iter(client.run(os.getpid).values()))
    os.kill(victim, 9)
    print(f"killed worker process {victim}", flush=True)


def main() -> None:
    """Compare both, and print how long they took."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--fleet", type=Path, help="a folder of `large_fleet.py`")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        judge_alone(*options.one)
        return
    with tempfile.TemporaryDirectory() as folder:
        fleet = options.fleet or Path(folder, "fleet")
        if options.fleet is None:
            command = [sys.executable, str(HERE / "large_fleet.py")]
            subprocess.run([*command, str(options.devices), str(fleet)], check=True)
        out = Path(folder, "one")
        out.mkdir()
        one = on_one_process(fleet, out)
        print(
            f"one process: {one.wall:.1f} s, {one.cpu:.1f} s CPU, {one.memory:.1f} GB"
        )
        expected = read_parquet(out / "results.parquet", RESULTS)
        causes = pd.read_parquet(out / "causes.parquet")
        runs = [("", None)]
        runs += [(", one killed half-way", one.wall / 3)] if options.kill else []
        figures = []
        devices = len(ct.read_devices(fleet / "devices"))
        for what, kill_after in runs:
            taken, results, own_causes = on_cluster(
                fleet, options.workers, kill_after
            )
            assert results.index.equals(expected.index)
            assert_frames_equal(results, expected)
            assert_frames_equal(own_causes, causes)
            workers = f"{options.workers} workers{what}"
            print(
                f"{workers}: {taken.wall:.1f} s, {taken.cpu:.1f} s CPU, "
                f"{taken.memory:.1f} GB each; {taken.wall / one.wall:.2f}x of one process; "
                f"{len(results):,} results equal row for row"
            )
            figures.append(
                Figure(
                    work=f"{devices:,} devices from files to causes, {workers}",
                    value=taken.wall,
                    unit="s",
                    against={"one single-threaded process": one.wall},
                    note=f"{taken.memory:.1f} GB in the larger worker",
                )
            )
        write(options.json, figures)


if __name__ == "__main__":
    main()
