"""`certtrust simulate`: a synthetic fleet to try things on."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import CerttrustError
from ..texts.labels import plural
from ..texts.sentences import say
from .terminal import PASS, Parser, tell

NAME = "simulate"


def add(command: Parser) -> None:
    """Add the arguments of the command."""
    command.add("directory", metavar="directory")
    command.add("--devices", type=_devices, default=200, metavar="number")
    command.add("--seed", type=_seed, default=0, metavar="number")
    command.add("--capture", action="store_true")
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Simulate and write; return the exit status."""
    from ..fleet import CAPTURES
    from ..simulation import simulate, write, write_capture

    target = new_directory(given.directory)
    fleet = simulate(given.devices, seed=given.seed)
    write(fleet, target)
    if given.capture:
        folder = target / CAPTURES
        folder.mkdir()
        write_capture(fleet, folder / "trace.pcap", seed=given.seed)
    devices = plural(len(fleet.devices), "device")
    tell(say("cli.simulate.written", devices=devices, path=target))
    return PASS


def new_directory(path: str) -> Path:
    """Return the path of a directory that is new or empty.

    Raises
    ------
    CerttrustError
        If something is there.
    """
    target = Path(path)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise CerttrustError(say("errors.cli.not_empty", path=target))
    return target


def _devices(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(say("errors.cli.devices", text=repr(text)))
    return int(text)


def _seed(text: str) -> int:
    if not text.removeprefix("-").isdecimal():
        raise argparse.ArgumentTypeError(say("errors.cli.seed", text=repr(text)))
    return int(text)
