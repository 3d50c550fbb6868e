"""The files of a fleet on the command line: what `certtrust report` takes, for other commands."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..errors import CerttrustError
from ..texts.sentences import say
from .passwords import asked_passwords, passwords
from .terminal import Parser

if TYPE_CHECKING:
    from ..fleet import Fleet


def add_sources(command: Parser) -> None:
    """Add the arguments that name the files, and say how to read them."""
    command.add("source", metavar="path", nargs="+")
    command.add("--trust", metavar="file", action="append")
    command.add("--column", metavar="column", action="append", default=[])
    command.add("--pattern", metavar="pattern", action="append")
    command.add("--timezone", metavar="zone")


def read(given: argparse.Namespace) -> Fleet:
    """Return the fleet of the files, once passwords have been asked for where one is missing."""
    from ..fleet import read_fleet

    words = passwords(given)
    source = given.source[0] if len(given.source) == 1 else given.source
    fleet = read_fleet(source, password=words, **options(given))
    files = {
        f"{kind}/{source}": rows
        for kind in ("certificates", "trust")
        for source, rows in getattr(fleet, kind).groupby("source")
    }
    if more := asked_passwords(files):
        fleet = read_fleet(source, password=[*words, *more], **options(given))
    return fleet


def options(given: argparse.Namespace) -> dict[str, Any]:
    """Return what `read_fleet` is told beyond files and passwords."""
    columns = {}
    for pair in given.column:
        heading, equals, name = pair.rpartition("=")
        if not equals:
            raise CerttrustError(say("errors.cli.column", pair=repr(pair)))
        columns[heading] = name
    words = {
        "trust": getattr(given, "trust", None),
        "columns": columns or None,
        "patterns": given.pattern,
        "timezone": given.timezone,
    }
    return {name: value for name, value in words.items() if value is not None}
