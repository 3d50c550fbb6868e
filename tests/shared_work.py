"""Work that the processes of a test run share."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

_LONGEST = 900.0
"""Seconds that a process waits for another one."""


def once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]
) -> Path:
    """Return a folder that `make` fills in one process, while the others wait for it."""
    own = factory.getbasetemp()
    root = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, done = root / name, root / f"{name}-done"
    try:
        folder.mkdir()
    except FileExistsError:
        until = time.monotonic() + _LONGEST
        while not done.exists() and time.monotonic() < until:
            time.sleep(0.1)
        problem = done.read_text(encoding="utf-8")
        assert not problem, problem
        return folder
    problem = "another process failed"
    try:
        make(folder)
        problem = ""
    finally:
        done.with_suffix(".new").write_text(problem, encoding="utf-8")
        done.with_suffix(".new").rename(done)
    return folder
