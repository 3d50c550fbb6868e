"""`certtrust certificates`: an inventory of the certificates in any files."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from ..texts.dates import days as in_figures
from ..texts.labels import plural
from ..texts.sentences import say
from ..texts.translation import translated
from .passwords import add_passwords, asked_passwords, passwords
from .table import as_text
from .terminal import PASS, UNKNOWN, Parser, tell

if TYPE_CHECKING:
    import pandas as pd

NAME = "certificates"
COLUMNS = (
    "device",
    "subject_cn",
    "issuer_cn",
    "not_after",
    "days_left",
    "key",
    "is_ca",
    "source",
)
"""What the table shows; as CSV and JSON it has the columns of CERTIFICATES without the DER."""


def add(command: Parser) -> None:
    """Add the arguments of the command."""
    command.add("paths", metavar="path", nargs="+")
    form = command.add_mutually_exclusive_group()
    for option in ("--csv", "--json"):
        argument = form.add_argument(option, action="store_true")
        argument.help = say(f"cli.certificates.{argument.dest}")
    add_passwords(command)
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Read and list; return the exit status."""
    from ..certificates.reading import read_certificates

    words = passwords(given)
    # The names of files in one folder are told as they stand in it.
    source = given.paths[0] if len(given.paths) == 1 else given.paths
    certificates = read_certificates(source, password=words)
    files = dict(iter(certificates.groupby("source")))
    if more := asked_passwords({str(name): rows for name, rows in files.items()}):
        certificates = read_certificates(source, password=[*words, *more])
    if given.csv:
        _write_csv(certificates)
    elif given.json:
        tell(_as_json(certificates))
    else:
        tell("\n".join(_lines(certificates)))
    return PASS if certificates["fingerprint"].notna().any() else UNKNOWN


def _lines(certificates: pd.DataFrame) -> list[str]:
    """Return the head, the table, and what could not be read."""
    from ..certificates.reading import days_left

    is_read = certificates["fingerprint"].notna()
    read, others = certificates[is_read], certificates[~is_read]
    days = days_left(read)
    counts = {
        "certificates": plural(len(read), "certificate"),
        "files": plural(certificates["source"].nunique(), "file"),
        "expired": int((days < 0).sum()),
    }
    lines = [say("cli.certificates.head", **counts)]
    if len(read):
        bits = read["key_size"].astype("str").fillna("")
        shown = read.assign(
            not_after=in_figures(read["not_after"]),
            days_left=days.floordiv(1).astype("Int64"),
            key=(read["key_type"].astype("str").fillna("") + " " + bits).str.strip(),
        )
        lines += ["", *as_text(shown[list(COLUMNS)])]
    remarks = translated(others["parse_error"])
    reasons = zip(others["source"], remarks, strict=True)
    lines += [
        say("cli.certificates.unread", file=file, reason=reason)
        for file, reason in reasons
    ]
    return lines


def _write_csv(certificates: pd.DataFrame) -> None:
    """Write CSV that a spreadsheet opens without running anything in it."""
    from ..tables_for_people import guarded_csv

    data = guarded_csv(certificates.drop(columns="der"))
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(data.decode("utf-8-sig"))
        return
    sys.stdout.flush()
    buffer.write(data)
    buffer.flush()


def _as_json(certificates: pd.DataFrame) -> str:
    records = json.loads(
        certificates.drop(columns="der").to_json(
            orient="records", date_format="iso", default_handler=str
        )
    )
    return json.dumps(records, indent=2)
