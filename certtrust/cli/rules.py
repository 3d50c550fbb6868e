"""`certtrust rules`: what each rule demands, and where that stands."""

from __future__ import annotations

import argparse
import json

from ..texts.sentences import say
from .terminal import PASS, Parser, tell

NAME = "rules"


def add(command: Parser) -> None:
    """Add the arguments of the command."""
    command.add("--json", action="store_true")
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """List the rules; return the exit status."""
    from ..evaluation.rules import rules

    table = rules()
    if given.json:
        tell(json.dumps(table.to_dict(orient="records"), indent=2))
    else:
        records = table.to_dict(orient="records")
        tell(
            "\n\n".join(
                say(
                    "cli.rules.rule",
                    **{str(name): text for name, text in rule.items()},
                )
                for rule in records
            )
        )
    return PASS
