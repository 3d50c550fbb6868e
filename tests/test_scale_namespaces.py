"""Scheduler and workers, started by hand with Dask's own commands in network namespaces of their
own, serve notebook 06.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_notebooks import FOLDER, notebook_of, outputs, text_of

pytest.importorskip("distributed")

pytestmark = pytest.mark.exhaustive

BIN = Path(sys.executable).parent
BRIDGE, NETWORK = "certtrust0", "198.51.100"
MACHINES = {
    "certtrust-scheduler": 10,
    "certtrust-worker-1": 11,
    "certtrust-worker-2": 12,
}
ADDRESS = f"tcp://{NETWORK}.10:8786"
NOTEBOOK = FOLDER / "06-a-cluster.ipynb"


def _ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, capture_output=True, text=True)


@pytest.fixture
def machines():
    """Three network namespaces, and this one, at one bridge."""
    if shutil.which("ip") is None:
        pytest.skip("there is no command ip")
    made = _ip("link", "add", BRIDGE, "type", "bridge", check=False)
    if made.returncode:
        pytest.skip(f"no network namespaces here: {made.stderr.strip()}")
    try:
        _ip("addr", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        for name, number in MACHINES.items():
            inside, outside = f"ctin{number}", f"ctout{number}"
            _ip("netns", "add", name)
            _ip("link", "add", outside, "type", "veth", "peer", "name", inside)
            _ip("link", "set", outside, "master", BRIDGE, "up")
            _ip("link", "set", inside, "netns", name)
            within = ("netns", "exec", name, "ip")
            _ip(*within, "addr", "add", f"{NETWORK}.{number}/24", "dev", inside)
            _ip(*within, "link", "set", inside, "up")
            _ip(*within, "link", "set", "lo", "up")
        yield
    finally:
        for name in MACHINES:
            _ip("netns", "del", name, check=False)
        _ip("link", "del", BRIDGE, check=False)


@pytest.fixture
def commands(machines, tmp_path):  # noqa: ARG001
    """Start `dask scheduler` and two `dask worker`, each in its namespace."""
    env = {**os.environ, "PYTHONPATH": str(FOLDER.parent)}
    started = []

    def start(machine, *command):
        log = (tmp_path / f"{machine}.log").open("w")
        process = subprocess.Popen(
            ["ip", "netns", "exec", machine, str(BIN / "dask"), *command],
            env=env,
            cwd=tmp_path,
            stdout=log,
            stderr=log,
        )
        started.append((process, log))

    start(
        "certtrust-scheduler",
        "scheduler",
        "--host",
        f"{NETWORK}.10",
        "--port",
        "8786",
    )
    time.sleep(1)
    for machine, number in list(MACHINES.items())[1:]:
        host = f"{NETWORK}.{number}"
        options = ["--host", host, "--nthreads", "1", "--nworkers", "1"]
        start(machine, "worker", ADDRESS, *options)
    yield tmp_path
    for process, log in reversed(started):
        process.terminate()
        process.wait(20)
        log.close()


def test_a_cluster_started_by_hand_serves_the_notebook(commands):
    """The notebook has the outputs that it is stored with, made by workers at other addresses."""
    import distributed

    with distributed.Client(ADDRESS, timeout=60) as waiting:
        waiting.wait_for_workers(2, timeout=120)
        hosts = {
            worker["host"] for worker in waiting.scheduler_info()["workers"].values()
        }
    assert hosts == {f"{NETWORK}.11", f"{NETWORK}.12"}
    from nbclient import NotebookClient

    stored, notebook = notebook_of(NOTEBOOK), notebook_of(NOTEBOOK)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    fleet, _ = first.source.split("\n")
    fleet = fleet.replace("../data", str(FOLDER.parent / "data"))
    first.source = f"{fleet}\nSCHEDULER = {ADDRESS!r}"
    os.environ["TQDM_DISABLE"] = "1"
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", store_widget_state=False
    ).execute(cwd=str(FOLDER))
    for (cell, was), (_, now) in zip(outputs(stored), outputs(notebook), strict=True):
        # A notebook that was written has its kinds of output in alphabetical order.
        now["data"] = dict(sorted(now.get("data", {}).items()))
        assert text_of(was) == text_of(now), cell.source
    for number in (11, 12):
        log = (commands / f"certtrust-worker-{number - 10}.log").read_text()
        assert "Registered to:" in log
