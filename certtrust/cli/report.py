"""`certtrust report`: explain a fleet in one page, from whatever files there are."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CerttrustError
from ..tables_for_people import DIALECTS
from ..texts.sentences import say
from .passwords import add_passwords, asked_passwords, passwords
from .sources import add_sources, options
from .terminal import FAIL, PASS, UNKNOWN, Parser, tell

if TYPE_CHECKING:
    import pandas as pd

NAME = "report"
_BAR = "{desc}: {bar} {n_fmt}/{total_fmt} [{elapsed}] {postfix}"


def add(command: Parser) -> None:
    """Add the arguments of the command."""
    add_sources(command)
    command.add("-o", "--output", metavar="file", default="report.html")
    command.add("--keep", metavar="directory")
    command.add("--json", metavar="file")
    command.add("--png", metavar="directory")
    command.add("--excel", choices=sorted(DIALECTS))
    command.add("--xlsx", metavar="file")
    command.add("--at", metavar="date")
    add_passwords(command)
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Read, judge and write; return the exit status."""
    from tqdm.auto import tqdm

    from ..evaluation.check import moment_of
    from ..fleet import read_fleet
    from ..fleet.keeping import in_words
    from ..report import STEPS, explain_fleet, has_verdict, head_lines, write_report

    how = options(given) | ({} if given.keep is None else {"keep": given.keep})
    at = None if given.at is None else moment_of(given.at)
    words = passwords(given)
    output = Path(given.output)
    for path in (output, given.json, given.xlsx):
        need_folder(path)
    with tqdm(
        total=len(STEPS),
        desc="certtrust",
        delay=2,
        disable=None,
        leave=False,
        bar_format=_BAR,
    ) as bar:

        def step(name: str) -> None:
            bar.set_postfix_str(say(f"report.steps.{name}"), refresh=False)
            bar.update()

        step("reading")
        source = given.source[0] if len(given.source) == 1 else given.source
        fleet = read_fleet(source, password=words, **how)
        files = {
            f"{kind}/{source}": rows
            for kind in ("certificates", "trust")
            for source, rows in _unread(getattr(fleet, kind)).groupby("source")
        }
        if more := asked_passwords(files, hide=bar.clear):
            fleet = read_fleet(source, password=[*words, *more], **how)
        report = explain_fleet(fleet, name=_name(given.source), at=at, step=step)
        step("charts")
        written = write_report(
            report,
            output,
            json_path=given.json,
            pictures=given.png,
            dialect=DIALECTS.get(given.excel),
            xlsx_path=given.xlsx,
        )
    tell("\n".join(head_lines(report, str(written[0]))))
    if given.keep is not None:
        tell(in_words(fleet))
    has_failure = (report.results["verdict"] == "fail") | (
        report.results["observed"] == "failed"
    )
    if has_failure.any():
        return FAIL
    is_open = len(report.results) and not has_verdict(report.results)
    return UNKNOWN if report.grounds.is_nothing or is_open else PASS


def _unread(rows: pd.DataFrame) -> pd.DataFrame:
    """Return where those rows stand, and why, that could not be read."""
    return rows.loc[rows["parse_error"].notna(), ["source", "parse_error"]]


def _name(paths: list[str]) -> str:
    """Return what the fleet is called: as its folder or file, or as the first of several."""
    path = Path(paths[0]).resolve()
    return path.name if path.is_dir() else path.stem


def need_folder(path: str | Path | None) -> None:
    """Refuse before the work what could not be written after it."""
    if path is None:
        return
    target = Path(path)
    if target.is_dir():
        raise CerttrustError(
            say("errors.cli.folder", path=target, example=target / "report.html")
        )
    if not target.absolute().parent.is_dir():
        raise CerttrustError(
            say("errors.cli.no_folder", path=target, folder=target.parent)
        )
