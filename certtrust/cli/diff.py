"""`certtrust diff`: what changed between two states of a fleet."""

from __future__ import annotations

import argparse
from typing import Any

from ..texts.sentences import say
from .passwords import add_passwords, passwords
from .report import need_folder
from .sources import options
from .terminal import FAIL, PASS, UNKNOWN, Parser, tell

NAME = "diff"


def add(command: Parser) -> None:
    """Add the arguments of the command."""
    command.epilog = say("cli.diff.epilog")
    command.add("old", metavar="old")
    command.add("new", metavar="new")
    command.add("-o", "--output", "--html", metavar="file")
    command.add("--json", action="store_true")
    command.add("--old-at", metavar="date")
    command.add("--new-at", metavar="date")
    command.add("--column", metavar="column", action="append", default=[])
    command.add("--pattern", metavar="pattern", action="append")
    command.add("--timezone", metavar="zone")
    add_passwords(command)
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Compare and tell; return the exit status."""
    from ..history import diff
    from ..report.changes_page import difference_json, difference_page
    from ..whole_files import write_whole

    need_folder(given.output)
    how: dict[str, Any] = {**options(given), "password": passwords(given)}
    difference = diff(
        given.old,
        given.new,
        old_at=given.old_at,
        new_at=given.new_at,
        options=how,
    )
    if given.output:
        write_whole(given.output, difference_page(difference).encode())
    if given.json:
        tell(difference_json(difference).rstrip("\n"))
    else:
        tell(str(difference))
        if given.output:
            tell(say("cli.diff.written", path=given.output))
    if difference.old.is_nothing or difference.new.is_nothing:
        return UNKNOWN
    return FAIL if len(difference.newly_failing) else PASS
