"""`certtrust watch`: a plug-in for Nagios and its kin, metrics for Prometheus, and a calendar."""

from __future__ import annotations

import argparse

from ..errors import CerttrustError
from ..texts.sentences import say
from ..texts.visible import one_line
from .passwords import add_passwords, passwords
from .report import need_folder
from .sources import options
from .terminal import Parser, tell

NAME = "watch"
MISUSE = 3
"""A plug-in's UNKNOWN: 2, which other commands exit with, means CRITICAL to who calls it."""


def add(command: Parser) -> None:
    """Add the arguments of the command."""
    command.epilog = say("cli.watch.epilog")
    command.add("source", metavar="path", nargs="+")
    command.add("--warning", type=_days, default=28, metavar="number")
    command.add("--critical", type=_days, default=14, metavar="number")
    command.add("--ca-warning", type=_days, default=180, metavar="number")
    command.add("--ca-critical", type=_days, default=60, metavar="number")
    command.add("--failing-warning", type=_count, default=0, metavar="number")
    command.add("--failing-critical", type=_count, metavar="number")
    command.add("--prometheus", metavar="file")
    command.add("--ics", metavar="file")
    command.add("--weeks", type=_numbers, metavar="numbers")
    command.add("--months", type=_numbers, metavar="numbers")
    command.add("--at", metavar="date")
    command.add("--trust", metavar="file", action="append")
    command.add("--column", metavar="column", action="append", default=[])
    command.add("--pattern", metavar="pattern", action="append")
    command.add("--timezone", metavar="zone")
    add_passwords(command)
    command.set_defaults(run=run)


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not 0 <= days < float("inf"):
        raise argparse.ArgumentTypeError(say("errors.cli.days", text=repr(text)))
    return days


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(say("errors.cli.count", text=repr(text)))
    return int(text)


def _numbers(text: str) -> list[int]:
    return [_count(part.strip()) for part in text.split(",")]


def run(given: argparse.Namespace) -> int:
    """Read, judge and tell; return a plug-in's exit code, whatever happens."""
    try:
        return _watch(given)
    except (CerttrustError, OSError) as problem:
        reason = str(problem)
    except Exception as problem:  # a traceback would be taken for a warning
        reason = f"{type(problem).__name__}: {problem}"
    reason = one_line(reason).replace("|", "\u00a6")
    tell(f"CERTTRUST UNKNOWN - {reason}")
    return MISUSE


def _watch(given: argparse.Namespace) -> int:
    from ..fleet import read_fleet
    from ..monitoring import (
        MONTHS,
        WEEKS,
        Thresholds,
        calendar,
        metrics,
        plugin_status,
        status,
    )
    from ..whole_files import write_whole

    for path in (given.prometheus, given.ics):
        need_folder(path)
    thresholds = Thresholds(
        warning=given.warning,
        critical=given.critical,
        ca_warning=given.ca_warning,
        ca_critical=given.ca_critical,
        failing_warning=given.failing_warning,
        failing_critical=given.failing_critical,
    )
    source = given.source[0] if len(given.source) == 1 else given.source
    fleet = read_fleet(source, password=passwords(given), **options(given))
    watched = status(
        fleet,
        at=given.at,
        weeks=given.weeks or WEEKS,
        months=given.months or MONTHS,
    )
    if given.prometheus:
        write_whole(given.prometheus, metrics(watched).encode())
    if given.ics:
        write_whole(given.ics, calendar(watched.renewals))
    code, text = plugin_status(watched, thresholds)
    tell(text)
    return code
