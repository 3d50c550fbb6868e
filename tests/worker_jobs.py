"""Functions that worker processes are given in tests."""

import os
import signal
import sys
import time
from pathlib import Path


def slept(seconds):
    """Wait, and return nothing."""
    time.sleep(seconds)


def killed_once(path):
    """Kill this process where the file is there, which is removed first; "" is no file."""
    if path and Path(path).exists():
        Path(path).unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return path


def killed(path):
    """Kill this process whenever there is a path."""
    if path:
        os.kill(os.getpid(), signal.SIGKILL)
    return path


def printed(text):
    """Print, which must not get in the way of answers."""
    sys.stdout.write(text)
    sys.stdout.flush()
    os.write(1, b"raw")
    return text


def unsendable(_job):
    """Return what no other process can be given."""
    return lambda: None


class AwkwardError(Exception):
    """An error that cannot be made again from its words."""

    def __init__(self, one, other):
        super().__init__(f"{one} and {other}")


def awkward(_job):
    """Raise an error that cannot be made again from its words."""
    raise AwkwardError("this", "that")
