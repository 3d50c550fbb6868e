"""`certtrust columns`: the columns of a table with their meaning, or which tables there are."""

from __future__ import annotations

import argparse
import json

from ..texts.sentences import current_language, say
from ..texts.translation import words_of_frames
from .table import as_text
from .terminal import PASS, Parser, tell

NAME = "columns"
_WIDEST = 110


def add(command: Parser) -> None:
    """Add the arguments of the command."""
    command.add("table", metavar="table", nargs="?")
    command.add("--json", action="store_true")
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """List the columns; return the exit status."""
    from ..answer_tables import columns, tables

    table = tables() if given.table is None else columns(given.table)
    if given.json:
        tell(json.dumps(table.to_dict(orient="records"), indent=2))
        return PASS
    words = words_of_frames("columns", current_language())
    in_words = {
        name: table[name].replace(words)
        for name in ("row", "meaning")
        if name in table
    }
    lines = as_text(table.assign(**in_words), widest=_WIDEST)
    if given.table is None:
        lines += ["", say("cli.columns.more")]
    tell("\n".join(lines))
    return PASS
