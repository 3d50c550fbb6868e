"""`certtrust handshakes`: the TLS connections of packet captures and monitors' logs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..texts.sentences import say
from .report import need_folder
from .terminal import FAIL, PASS, UNKNOWN, Parser, tell

if TYPE_CHECKING:
    import pandas as pd

NAME = "handshakes"


def add(command: Parser) -> None:
    """Add the arguments of the command."""
    command.epilog = say("cli.handshakes.epilog")
    command.add("files", metavar="file", nargs="+")
    command.add("--port", type=_port, action="append", metavar="number")
    command.add("--csv", metavar="file")
    command.add("--json", action="store_true")
    command.set_defaults(run=run)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 1 << 16:
        raise argparse.ArgumentTypeError(say("errors.cli.port", text=repr(text)))
    return int(text)


def run(given: argparse.Namespace) -> int:
    """Read and list; return the exit status."""
    from ..captures import REGISTRATION_PORT, handshakes
    from ..report.connections_text import connection_lines
    from ..schema import HANDSHAKES
    from ..table_files import write_csv

    need_folder(given.csv)
    seen = handshakes(given.files, port=given.port or REGISTRATION_PORT)
    if given.csv:
        write_csv(seen, HANDSHAKES, given.csv)
    tell(_json_lines(seen) if given.json else "\n".join(connection_lines(seen)))
    connections = seen[seen["outcome"].notna()]
    if connections.empty:
        return UNKNOWN
    refused = connections["outcome"].astype("str").str.startswith("refused")
    return FAIL if refused.any() else PASS


def _json_lines(seen: pd.DataFrame) -> str:
    """Return a JSON object per connection; moments are ISO 8601 in UTC, what is missing is null."""
    return str(
        seen.to_json(orient="records", date_format="iso", date_unit="us", lines=True)
    ).rstrip("\n")
