"""`certtrust bundle`: a fleet in one folder, to be sent to whoever looks into a case."""

from __future__ import annotations

import argparse

from ..texts.sentences import say
from .passwords import add_passwords
from .sources import add_sources, read
from .terminal import PASS, UNKNOWN, Parser, tell

NAME = "bundle"


def add(command: Parser) -> None:
    """Add the arguments of the command."""
    add_sources(command)
    command.add("-o", "--output", metavar="directory", default="bundle")
    command.add("--pseudonymise", action="store_true")
    add_passwords(command)
    command.epilog = say("cli.bundle.epilog")
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Read and write; return the exit status."""
    from ..handover.bundle import write_bundle
    from .simulate import new_directory

    target = new_directory(given.output)
    fleet = read(given)
    files = write_bundle(fleet, target, pseudonyms=given.pseudonymise)
    names = {path.name for path in files}
    tell(say("cli.bundle.written", path=target, file=files[0]))
    for name in ("left-out.csv", "differing.csv"):
        if name in names:
            key = name.removesuffix(".csv").replace("-", "_")
            tell(say(f"bundle.{key}", file=name))
    if not given.pseudonymise:
        tell(say("bundle.names"))
    tables = (fleet.certificates, fleet.trust, fleet.devices, fleet.registrations)
    return PASS if any(len(table) for table in tables) else UNKNOWN
