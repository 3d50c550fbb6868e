"""`certtrust start`: lays out the notebooks and the example fleet, and says how to go on."""

from __future__ import annotations

import argparse
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from ..errors import CerttrustError
from ..texts.sentences import say
from .simulate import new_directory
from .terminal import PASS, Parser, tell

NAME = "start"
_PACKAGE = Path(__file__).parents[1]
PLACES = (_PACKAGE / "start_files", _PACKAGE.parent)
"""Where the files lie: in an installed wheel, and in a checkout."""
FOLDERS = ("notebooks", "data")
_UNNEEDED = ("refresh.py", "pictures", ".*", "__pycache__", "*.html")


def add(command: Parser) -> None:
    """Add the arguments of the command."""
    command.add("directory", metavar="directory")
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Copy the files; return the exit status."""
    target = new_directory(given.directory)
    source = next(
        (
            place
            for place in PLACES
            if all((place / name).is_dir() for name in FOLDERS)
        ),
        None,
    )
    if source is None:
        raise CerttrustError(say("errors.cli.no_start_files"))
    for name in FOLDERS:
        ignore = shutil.ignore_patterns(*_UNNEEDED)
        shutil.copytree(source / name, target / name, ignore=ignore)
    has_lab = find_spec("jupyterlab") is not None
    tell(
        say(
            f"cli.start.{'with' if has_lab else 'without'}_lab",
            path=target,
            fleet=target / "data" / "fleet",
            python=Path(sys.executable).name,
        )
    )
    return PASS
