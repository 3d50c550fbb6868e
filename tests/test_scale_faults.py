"""A cluster that loses a worker, its scheduler or its files: it goes on, or stops with a reason."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import certtrust as ct
from certtrust.errors import CerttrustError
from certtrust.registrations import read_registrations
from certtrust.testing import assert_frames_equal

distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.exhaustive

FLEET = "data/fleet"
AT = "2026-10-09"
BIN = Path(sys.executable).parent


@pytest.fixture
def cluster():
    """Two worker processes of one thread, for one test alone."""
    client = ct.scale.connect(workers=2)
    yield client
    client.close()


@pytest.fixture(scope="module")
def expected():
    """The results of one machine."""
    return ct.check(ct.attempts(ct.read_fleet(FLEET)), at=AT)


def _results():
    fleet = ct.scale.read_fleet(FLEET, part_bytes=60_000)
    return fleet, ct.scale.check(ct.scale.attempts(fleet, parts=6), at=AT)


@pytest.mark.parametrize("share", [0, 0.5, 0.9])
def test_a_worker_that_is_killed_costs_time_alone(cluster, expected, share):
    """Wherever the work stands, the results are those of one machine, and all rows are there."""
    fleet, lazy = _results()
    results = lazy.persist()
    futures = distributed.futures_of(results)
    deadline = time.monotonic() + 200
    wanted = share * len(futures)
    while time.monotonic() < deadline:
        done = sum(future.status == "finished" for future in futures)
        is_begun = any(cluster.processing().values())
        if done >= wanted if share else is_begun:
            break
        time.sleep(0.01)
    victim = next(iter(cluster.run(os.getpid).values()))
    os.kill(victim, signal.SIGKILL)
    assert_frames_equal(ct.scale.collect(results), expected)
    assert ct.scale.account(fleet, results)["complete"].all()
    assert_frames_equal(ct.scale.causes(results), ct.causes(expected))


def test_a_worker_without_memory_is_named(tmp_path):
    """What does not fit is tried again, and then is an error that says what to do."""
    line = "1700000000,up,0090332f688a," + "x" * 3_000 + "\n"
    log = "time,state,serial,details\n" + line * 20_000
    (tmp_path / "log.csv").write_text(log)
    with distributed.Client(
        n_workers=1,
        threads_per_worker=1,
        memory_limit="260MB",
        dashboard_address=":0",
        silence_logs=50,
    ):
        rows = ct.scale.read_registrations(f"{tmp_path}/*", part_bytes=1 << 30)
        with pytest.raises(CerttrustError, match="memory did not suffice"):
            ct.scale.collect(rows)


@pytest.mark.usefixtures("cluster")
def test_a_file_that_vanishes_or_is_torn_costs_its_own_rows(tmp_path):
    """Between the plan and the reading, also where it is divided by lines."""
    line = "1700000000,up,0090332f688a\n"
    for name in ("a", "b", "c"):
        path = tmp_path / f"{name}.csv"
        path.write_text("time,state,serial\n" + line * 10_000)
    torn = (tmp_path / "b.csv").read_bytes()
    (tmp_path / "b.csv").write_bytes(torn[:-9])
    rows = ct.scale.read_registrations(f"{tmp_path}/*.csv", part_bytes=70_000)
    assert rows.npartitions > 6
    (tmp_path / "c.csv").unlink()
    whole = ct.scale.collect(rows)
    of_file = whole.groupby("source")
    assert of_file.size().tolist() == [10_000, 10_000, 1]
    assert of_file["parse_error"].count().tolist()[0] == 0
    assert "unreadable file" in whole["parse_error"].iloc[-1]
    expected = read_registrations(f"{tmp_path}/*.csv")
    assert_frames_equal(whole[whole["source"] != f"{tmp_path}/c.csv"], expected)


@pytest.fixture
def by_hand(tmp_path):
    """A scheduler and a worker that were started by the commands of Dask."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    started = []

    def start(*command, **more):
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli." + command[0], *command[1:]],
            env={**env, **more},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    scheduler = start(
        "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"
    )
    address = ""
    for line in scheduler.stdout:
        if match := re.search(r"Scheduler at: +(tcp://\S+)", line):
            address = match[1]
            break
    yield address, start, scheduler
    for process in reversed(started):
        process.kill()
        process.wait()
        process.stdout.close()


def _worker(start, address, **more):
    options = ["--nthreads", "1", "--no-nanny", "--no-dashboard"]
    return start("dask_worker", address, *options, **more)


def test_a_scheduler_that_is_gone_is_an_error_and_no_endless_wait(by_hand):
    """It names what to do; a call after it does so too."""
    address, start, scheduler = by_hand
    _worker(start, address)
    client = ct.scale.connect(address)
    client.wait_for_workers(1, timeout=60)
    _, lazy = _results()
    results = lazy.persist()
    scheduler.kill()
    with pytest.raises(CerttrustError, match="scheduler"):
        ct.scale.collect(results)
    with pytest.raises(CerttrustError, match="scheduler"):
        ct.scale.causes(results)
    with pytest.raises(CerttrustError, match="scheduler"):
        ct.scale.read_fleet(FLEET)
    client.close()


def test_a_worker_of_another_version_is_named(by_hand, tmp_path):
    """A worker that has no certtrust, or another one, answers with what it has."""
    address, start, _ = by_hand
    (tmp_path / "certtrust").mkdir()
    (tmp_path / "certtrust" / "__init__.py").write_text('__version__ = "0.0.7"\n')
    paths = [str(tmp_path), *filter(None, sys.path)]
    _worker(start, address, PYTHONPATH=os.pathsep.join(paths))
    with distributed.Client(address) as waiting:
        waiting.wait_for_workers(1, timeout=60)
    with pytest.raises(CerttrustError, match=r"needs certtrust .*0\.0\.7"):
        ct.scale.connect(address)
