"""Under the limits of Pyodide, Python in a browser: no threads, no processes, no `ssl`.

They are simulated in an interpreter of its own: starting a thread or a process raises what it
raises there, and the modules that are not there cannot be imported. Pyodide itself is not run.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIMITS = textwrap.dedent(
    """
    import importlib.abc, subprocess, sys, threading

    ABSENT = {"ssl", "_ssl", "_multiprocessing", "_posixshmem"}

    class Absent(importlib.abc.MetaPathFinder):
        def find_spec(self, name, path=None, target=None):
            if name in ABSENT:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    def no_thread(*_args, **_options):
        raise RuntimeError("can't start new thread")

    def no_process(*_args, **_options):
        raise OSError(138, "emscripten does not support processes.")

    sys.meta_path.insert(0, Absent())
    threading.Thread.start = no_thread
    subprocess.Popen.__init__ = no_process
    assert not ABSENT & set(sys.modules)
    """
)


def under_limits(code: str) -> str:
    """Return what a program prints that runs under the limits; it must not fail or warn."""
    command = [sys.executable, "-W", "error", "-c", LIMITS + textwrap.dedent(code)]
    process = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=120
    )
    assert process.returncode == 0, process.stderr[-3000:]
    return process.stdout


JUDGED = """
    import certtrust as ct
    fleet = ct.read_fleet("data/fleet")
    results = ct.check(ct.attempts(fleet))
    print(len(results), results["verdict"].value_counts().to_dict())
"""


@pytest.mark.exhaustive
def test_the_limits_are_those_of_pyodide() -> None:
    """The simulation refuses what Pyodide refuses."""
    for code, error in (
        ("import ssl", "No module named 'ssl'"),
        ("import _multiprocessing", "No module named '_multiprocessing'"),
        ("threading.Thread(target=print).start()", "can't start new thread"),
        ("subprocess.run(['true'])", "does not support processes"),
    ):
        with pytest.raises(AssertionError, match=error):
            under_limits(code)


@pytest.mark.exhaustive
def test_a_fleet_is_judged_as_elsewhere() -> None:
    """The package is imported, reads the example fleet and comes to the same verdicts."""
    command = [sys.executable, "-c", textwrap.dedent(JUDGED)]
    elsewhere = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert under_limits(JUDGED) == elsewhere.stdout


@pytest.mark.exhaustive
def test_advice_charts_widgets_and_the_page_work() -> None:
    """Remedies, a chart, each widget and the report need no thread either, with many rows too."""
    printed = under_limits(
        """
        import matplotlib
        matplotlib.use("agg")
        import certtrust as ct
        from certtrust.arrays import threads
        threads._MANY = 1
        fleet = ct.link(ct.simulate(30, seed=1))
        results = ct.check(ct.attempts(fleet))
        actions = ct.remedies(fleet, results)
        ct.findings(results), ct.forecast(fleet, periods=2)
        ct.charts.themed(ct.charts.causes, results)
        ct.widgets.FleetExplorer(fleet, results=results, actions=actions)
        ct.widgets.WhatIf(fleet)
        print(ct.widgets.CertificateTester(fleet=fleet).diagnosis.verdict)
        """
    )
    assert printed.strip() in ("pass", "fail", "unknown")


def test_what_starts_threads_can_do_without(monkeypatch) -> None:
    """Where a thread cannot start, the work is done in turn, with the same results in order."""
    import threading

    from certtrust.arrays import threads
    from certtrust.registrations import line_format

    def refused(_self) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    threads.can_start.cache_clear()
    try:
        assert threads.parallel_map(len, ["one", "three"], rows=10**9) == [3, 5]
        assert threads.run_both(lambda: 1, lambda: 2, rows=10**9) == (1, 2)
        assert list(line_format._in_order(len, ["one", "three"], 4)) == [3, 5]
    finally:
        threads.can_start.cache_clear()
