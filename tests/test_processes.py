"""Processes: jobs in several interpreters, and what becomes of them when one ends."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pandas as pd
import pytest
import worker_jobs

import certtrust as ct
from certtrust import processes
from certtrust.arrays import grouping
from certtrust.errors import CerttrustError
from certtrust.texts import sentences

ROOT = Path(ct.__file__).parents[1]


def test_results_come_in_the_order_of_jobs_from_other_processes():
    """Any function of the package will do; the language and the bounds go along."""
    jobs = [pd.Series(["a", None, "b", "a"]), pd.Series(["c"])]
    with ct.language("de"):
        counts = list(processes.run(len, ["", "abc"], workers=1))
        distinct = list(processes.run(grouping.distinct, jobs, workers=2))
        words = list(
            processes.run(sentences.say, ["findings.the_device"] * 3, workers=2)
        )

    assert counts == [0, 3]
    assert [texts.tolist() for texts in distinct] == [["a", "b"], ["c"]]
    with ct.language("de"):
        assert words == [sentences.say("findings.the_device")] * 3


@pytest.mark.exhaustive
def test_what_a_call_raises_is_raised_here():
    """It is the same error with the same words, and no worker is left."""
    with pytest.raises(CerttrustError, match="the tables are") as caught:
        list(processes.run(ct.columns, ["no such table"], workers=2))

    assert type(caught.value).__name__ == "UnknownTableError"


def run_script(body, **options):
    """Run a script that has no guard against being imported again."""
    script = textwrap.dedent(body)
    return subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def _is_running(number):
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _wait_for_end(numbers, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(map(_is_running, numbers)):
        time.sleep(0.05)
    return [number for number in numbers if _is_running(number)]


SLOW = """
    import worker_jobs
    from certtrust import processes
    made = processes._Worker.__init__
    def noted(self):
        made(self)
        print(self._process.pid, flush=True)
    processes._Worker.__init__ = noted
    list(processes.run(worker_jobs.slept, [600.0, 600.0], workers=2))
"""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
@pytest.mark.exhaustive
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_no_worker_outlives_its_program(end):
    """Whether it is interrupted or killed, its workers end with it, in the middle of a job."""
    program = run_script(SLOW, start_new_session=True)
    assert program.stdout is not None
    numbers = [int(program.stdout.readline()) for _ in range(2)]

    if end == signal.SIGINT:
        os.killpg(program.pid, end)
    else:
        program.send_signal(end)
    program.wait(timeout=30)
    program.communicate()

    assert _wait_for_end(numbers) == []


@pytest.mark.exhaustive
@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_job_whose_process_is_killed_is_done_again(tmp_path):
    """Once; where the next process ends as well, an error says so."""
    path = tmp_path / "once"
    path.touch()
    jobs = [str(path), ""]

    assert list(processes.run(worker_jobs.killed_once, jobs, workers=2)) == jobs
    with pytest.raises(CerttrustError, match=r"ended twice .* status -9"):
        list(processes.run(worker_jobs.killed, jobs, workers=2))


@pytest.mark.exhaustive
def test_answers_are_told_from_what_a_job_prints():
    """Also what cannot be sent has an answer: an error in words."""
    assert list(processes.run(worker_jobs.printed, ["one", "two"], workers=2)) == [
        "one",
        "two",
    ]
    with pytest.raises(CerttrustError, match="lambda"):
        list(processes.run(worker_jobs.unsendable, [1, 2], workers=2))
    with pytest.raises(CerttrustError, match="this and that"):
        list(processes.run(worker_jobs.awkward, [1, 2], workers=2))


def test_without_processes_the_calls_are_made_here(monkeypatch):
    """As in a browser, in a worker, or where the system refuses to start one."""

    def refused(*_args, **_options):
        raise OSError

    monkeypatch.setattr(subprocess, "Popen", refused)
    assert list(processes.run(len, ["ab", ""], workers=2)) == [2, 0]
    monkeypatch.setattr(processes, "_inside_worker", True)
    assert list(processes.run(lambda job: job, [1], workers=2)) == [1]
    assert processes.cores() == 1
