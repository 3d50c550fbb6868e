"""`certtrust trend`: how many devices failed at each run of a history."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..texts.sentences import say
from .report import need_folder
from .terminal import FAIL, PASS, UNKNOWN, Parser, tell

NAME = "trend"


def add(command: Parser) -> None:
    """Add the arguments of the command."""
    command.epilog = say("cli.trend.epilog")
    command.add("folder", metavar="directory")
    command.add("-o", "--output", "--html", metavar="file")
    command.add("--png", metavar="file")
    command.add("--json", action="store_true")
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Read the runs and tell; return the exit status."""
    from ..history import trend
    from ..report.changes_page import trend_json, trend_lines, trend_page
    from ..report.figures import write_picture
    from ..whole_files import write_whole

    for path in (given.output, given.png):
        need_folder(path)
    runs = trend(given.folder)
    name = Path(given.folder).resolve().name
    if given.output:
        write_whole(given.output, trend_page(runs, name).encode())
    if given.png:
        from ..charts import trend as draw

        write_picture(lambda ax: draw(runs, ax=ax), Path(given.png))
    if given.json:
        tell(trend_json(runs).rstrip("\n"))
    else:
        tell("\n".join(trend_lines(runs)))
        if given.output:
            tell(say("cli.trend.written", path=given.output))
    dated = runs[runs["date"].notna()]
    if dated.empty:
        return UNKNOWN
    latest = dated.iloc[-1]
    if latest["failing"]:
        return FAIL
    return UNKNOWN if latest["undecided"] else PASS
