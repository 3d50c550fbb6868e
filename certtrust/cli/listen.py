"""`certtrust listen`: what certificate a phone presents, and what a trust list makes of it."""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING, Any

from ..texts.labels import plural
from ..texts.sentences import say
from . import endpoints
from .passwords import add_passwords, passwords
from .terminal import FAIL, PASS, UNKNOWN, Parser, tell

if TYPE_CHECKING:
    import pandas as pd

    from ..endpoints.bench import Bench

NAME = "listen"
_STATUS = {"pass": PASS, "fail": FAIL, "unknown": UNKNOWN}


def add(command: Parser) -> None:
    """Add the arguments of the command."""
    command.epilog = say("cli.listen.epilog")
    endpoints.add_port(command, 1300)
    command.add("--address", metavar="address", default="127.0.0.1")
    command.add("--trust", metavar="file", action="append", default=[])
    command.add("--registration-name", metavar="name")
    command.add("--certificate", metavar="file")
    command.add("--seconds", type=endpoints.seconds, metavar="seconds")
    command.add("--count", type=endpoints.count, metavar="number")
    command.add("--timeout", type=endpoints.seconds, metavar="seconds", default=10.0)
    command.add("--json", action="store_true")
    add_passwords(command)
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Listen and tell of each phone; return the exit status."""
    import warnings

    from ..endpoints.bench import listen
    from .check import read_files

    words = passwords(given)
    trust = read_files(given.trust, words) if given.trust else None
    with warnings.catch_warnings():
        # It is told below, as a sentence.
        warnings.simplefilter("ignore", UserWarning)
        bench = listen(
            given.port,
            address=given.address,
            certificate=given.certificate,
            password=words[0] if words else None,
            timeout=given.timeout,
        )
    with bench:
        if not given.json:
            tell("\n".join(_head(bench, trust)))
        statuses = _follow(bench, given, trust)
    if not given.json:
        counted = plural(len(bench), "connection")
        tell(say("cli.listen.end", connections=counted))
        if bench.unread:
            tell(say("cli.listen.unread", count=bench.unread))
    return max(statuses, key=(PASS, UNKNOWN, FAIL).index, default=UNKNOWN)


def _head(bench: Bench, trust: pd.DataFrame | None) -> list[str]:
    lines = [say("cli.listen.head", endpoint=bench.endpoint)]
    lines += [bench.warning] if bench.warning else []
    if trust is None:
        lines.append(say("cli.listen.no_trust"))
    return lines


def _follow(
    bench: Bench, given: argparse.Namespace, trust: pd.DataFrame | None
) -> list[int]:
    """Tell of connections as they come, until the end that was asked for."""
    end = None if given.seconds is None else time.monotonic() + given.seconds
    statuses: list[int] = []
    try:
        while given.count is None or len(statuses) < given.count:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                break
            before = time.monotonic()
            seen = bench.wait(left, connections=len(statuses) + 1)
            if seen == len(statuses) and (
                left is None or time.monotonic() - before < left / 2
            ):
                break
            statuses += [
                _tell(bench, number, given, trust)
                for number in range(len(statuses), seen)
            ]
    except KeyboardInterrupt:
        pass
    return statuses


def _tell(
    bench: Bench, number: int, given: argparse.Namespace, trust: pd.DataFrame | None
) -> int:
    """Tell of one connection; return the exit status that it alone would give."""
    from ..explanation.presented import of_phone

    phone = of_phone(bench, number, trust, given.registration_name)
    if given.json:
        tell(json.dumps(phone.to_dict(), default=str))
    else:
        tell("\n".join(["", *phone.lines()]))
    verdict: Any = phone.diagnosis and phone.diagnosis.verdict
    return _STATUS[verdict] if verdict else UNKNOWN
