"""Starts JupyterLab or Voila on a folder, waits until it answers, and stops it again."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STARTUP = 90
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}
"""No news from the network, every cell in the page, and a file that is saved only when the test
says so.
"""


@dataclass(frozen=True)
class Server:
    """A running server: its address and the file that its log goes to."""

    url: str
    log: Path


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: list[str],
    folder: Path,
    log: Path,
    url: str,
    ready: str,
    *,
    theme: str = "light",
) -> Iterator[Server]:
    """Run a server in a folder as long as the context lasts, light or dark."""
    home = log.parent / f"{log.stem}-home"
    themes = {"theme": f"JupyterLab {theme.title()}"}
    themed = {"@jupyterlab/apputils-extension/themes": themes}
    for name, settings in {**SETTINGS, **themed}.items():
        file = home / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=environment,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(process, url + ready, log)
            yield Server(url, log)
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + STARTUP
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(
                f"the server ended with {process.returncode}:\n{log.read_text(errors='replace')}"
            )
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310 - an address of our own
                return
        except urllib.error.HTTPError:
            return  # it answers, if only to say no
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise RuntimeError(
        f"{address} did not answer within {STARTUP} s:\n{log.read_text(errors='replace')}"
    )


@contextmanager
def jupyterlab(
    folder: Path, log: Path, *, application: str = "jupyterlab", theme: str = "light"
) -> Iterator[Server]:
    """Run JupyterLab, or Notebook 7, on a folder, without a token and without a browser of its
    own.
    """
    port = free_port()
    command = [
        application,
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--IdentityProvider.token=",
    ]
    command += [
        f"--ServerApp.root_dir={folder}",
        "--allow-root",
        "--ServerApp.log_level=WARN",
    ]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    # So that a test can ask whether the kernel is there.
    command += [
        "--LabApp.expose_app_in_browser=True",
        "--JupyterNotebookApp.expose_app_in_browser=True",
    ]
    address = f"http://127.0.0.1:{port}"
    with running(command, folder, log, address, "/api/status", theme=theme) as server:
        yield server


@contextmanager
def voila(notebook: Path, log: Path, *, theme: str = "light") -> Iterator[Server]:
    """Serve one notebook as a dashboard."""
    port = free_port()
    command = [
        "voila",
        notebook.name,
        "--no-browser",
        f"--port={port}",
        "--Voila.ip=127.0.0.1",
        f"--theme={theme}",
    ]
    # Notebook 7 may be installed beside Voila, whose page has no use for its menu.
    command += [
        "--VoilaConfiguration.extension_denylist=@jupyter-notebook/lab-extension"
    ]
    with running(
        command, notebook.parent, log, f"http://127.0.0.1:{port}", "/static/"
    ) as server:
        yield server
