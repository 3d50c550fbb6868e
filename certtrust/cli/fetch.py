"""`certtrust fetch`: the certificates of many endpoints, into a folder that can be resumed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..errors import CerttrustError
from ..texts.labels import plural
from ..texts.sentences import number, say
from . import endpoints
from .terminal import MISUSE, PASS, UNKNOWN, Parser, tell

if TYPE_CHECKING:
    import pandas as pd

NAME = "fetch"
_SHOWN = 10
"""Entries that name no host, of which so many are told."""


def add(command: Parser) -> None:
    """Add the arguments of the command."""
    command.epilog = say("cli.fetch.epilog")
    command.add("hosts", metavar="hosts", nargs="*")
    command.add("--fleet", metavar="path", action="append", default=[])
    command.add("-o", "--output", metavar="directory", required=True)
    endpoints.add_port(command, 443)
    endpoints.add_starttls(command)
    command.add("--concurrency", type=endpoints.count, metavar="number", default=64)
    command.add("--rate", type=endpoints.seconds, metavar="number", default=200.0)
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Ask, write and tell; return the exit status."""
    from ..endpoints.fetch import fetch_fleet
    from ..endpoints.targets import entries
    from ..fleet import read_fleet

    sources = [*given.hosts, *map(read_fleet, given.fleet)]
    if not sources:
        raise CerttrustError(say("errors.cli.name_hosts"))
    listed = [entry for source in sources for entry in entries(source)]
    if not listed:
        files = ", ".join([*given.hosts, *given.fleet])
        raise CerttrustError(say("errors.cli.no_hosts", files=files))
    certificates, endpoints = fetch_fleet(
        listed,
        port=given.port,
        concurrency=given.concurrency,
        timeout=given.timeout,
        rate=given.rate,
        starttls=given.starttls,
        folder=given.output,
    )
    tell("\n".join(_lines(certificates, endpoints, given.output)))
    if endpoints.attrs["interrupted"]:
        return MISUSE
    return PASS if certificates["fingerprint"].notna().any() else UNKNOWN


def _lines(
    certificates: pd.DataFrame, endpoints: pd.DataFrame, folder: str
) -> list[str]:
    counts = endpoints["outcome"].value_counts()
    lines = [
        say(
            "cli.fetch.head",
            endpoints=plural(len(endpoints), "endpoint"),
            certificates=plural(
                certificates["fingerprint"].dropna().nunique(), "certificate"
            ),
        )
    ]
    lines += [
        say(
            "cli.fetch.outcome",
            count=number(count),
            outcome=say(f"endpoints.outcomes.{outcome}"),
        )
        for outcome, count in counts[counts > 0].items()
    ]
    before = endpoints.attrs.get("before", 0)
    if before:
        lines.append(
            say(
                "cli.fetch.before",
                endpoints=plural(before, "endpoint"),
                folder=folder,
            )
        )
    weak = endpoints["weaknesses"].map(lambda words: bool(words), na_action="ignore")
    if (count := int(weak.eq(other=True).sum())) > 0:
        lines.append(say("cli.fetch.weak", endpoints=plural(count, "endpoint")))
    others = endpoints["error"][
        endpoints["outcome"].isna() & endpoints["asked_at"].isna()
    ]
    others = others[others != say("endpoints.interrupted")]
    lines += [say("cli.fetch.unread", reason=reason) for reason in others[:_SHOWN]]
    if len(others) > _SHOWN:
        lines.append(say("cli.fetch.more", count=len(others) - _SHOWN))
    key = "stopped" if endpoints.attrs["interrupted"] else "written"
    left = int((endpoints["error"] == say("endpoints.interrupted")).sum())
    return [*lines, say(f"cli.fetch.{key}", folder=folder, left=number(left))]
