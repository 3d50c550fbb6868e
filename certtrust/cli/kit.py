"""`certtrust kit`: a plan as files for those who carry it out."""

from __future__ import annotations

import argparse

from ..texts.labels import plural
from ..texts.sentences import say
from .passwords import add_passwords
from .sources import add_sources, read
from .terminal import FAIL, PASS, UNKNOWN, Parser, tell

NAME = "kit"


def add(command: Parser) -> None:
    """Add the arguments of the command."""
    add_sources(command)
    command.add("-o", "--output", metavar="directory", default="kit")
    command.add("--leave-out", metavar="kind", action="append", default=[])
    add_passwords(command)
    command.epilog = say("cli.kit.epilog")
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Read, judge, plan and write; return the exit status."""
    from ..advice.remedies.actions import check_kinds
    from ..advice.remedies.kinds import KINDS
    from ..advice.remedies.plan import remedies
    from ..evaluation.attempts import attempts
    from ..evaluation.check import check
    from ..fleet import link
    from ..handover.kit import kit
    from .simulate import new_directory

    target = new_directory(given.output)
    check_kinds(given.leave_out)
    fleet = link(read(given))
    has_log = bool(len(fleet.registrations))
    results = check(attempts(fleet, of="log" if has_log else "devices"))
    kinds = [kind for kind in KINDS if kind not in given.leave_out]
    plan = remedies(fleet, results, kinds=kinds)
    files = kit(fleet, plan, target)
    count = plural(len(plan), "action")
    tell(say("cli.kit.written", actions=count, file=files[0]))
    if not len(results):
        tell(say("cli.kit.nothing"))
        return UNKNOWN
    return FAIL if len(plan) or (results["verdict"] == "fail").any() else PASS
