"""The command line: explain a fleet, check one certificate, or make a synthetic fleet."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn, TextIO

from .errors import CerttrustError
from .evaluation.rules import SCENARIOS

NONE_FAIL, SOME_FAIL, MISUSE = 0, 1, 2

_EPILOG = "Exit status: 0 = no predicted failure, 1 = some, 2 = the command could not be carried out."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows the name of the program; by default that of this process.

    Returns
    -------
    int
        0 where the rules predict no failure, 1 where they predict some, 2 where the command was not usable.

    Examples
    --------
    >>> main(["check", "no-such-file.pem", "--scenario", "browser", "--url", "https://192.0.2.7/"])
    2
    """
    given = _parser().parse_args(arguments)
    try:
        status: int = given.run(given)
    except BrokenPipeError:
        # Whoever read the output has enough of it; Python would complain again when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NONE_FAIL
    except CerttrustError as error:
        return _misuse(str(error))
    except OSError as error:
        where = f"{error.filename!s}: " if error.filename else ""
        return _misuse(f"{where}{error.strerror or error}")
    except KeyboardInterrupt:
        return _misuse("stopped before it was done")
    return status


def _misuse(message: str) -> int:
    _write(sys.stderr, f"certtrust: {message}")
    return MISUSE


def _say(text: str) -> None:
    _write(sys.stdout, text)


def _write(stream: TextIO, text: str) -> None:
    """Write text that may hold names from anywhere: what would steer a terminal, or cannot be encoded, is replaced."""
    shown = "".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in text)
    encoding = stream.encoding or "utf-8"
    stream.write(shown.encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(MISUSE, f"certtrust: {message}\nFor help: {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="certtrust",
        description="Explain why innovaphone phones and gateways fail to register.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"certtrust {version('certtrust')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_report(commands)
    _add_check(commands)
    _add_simulate(commands)
    return parser


def _add_report(commands: argparse._SubParsersAction[_Parser]) -> None:
    command = commands.add_parser(
        "report",
        help="explain a whole fleet in one HTML page",
        description="Read a fleet's files, judge every registration, and write one HTML page that needs no network. "
        "The complete tables are written beside it as CSV.",
        epilog=_EPILOG,
    )
    command.add_argument(
        "directory",
        metavar="DIRECTORY",
        help="folder with certificates/, trust/ (one list per PBX), devices/ and registrations/; each may be absent",
    )
    command.add_argument(
        "-o", "--output", metavar="FILE", default="report.html", help="the page (default: report.html)"
    )
    command.add_argument("--json", metavar="FILE", help="the whole content for programs as well")
    command.add_argument("--png", metavar="DIRECTORY", help="the charts as pictures as well, light and dark")
    command.add_argument("--at", metavar="DATE", help="judge at this date (UTC), not each attempt at its own time")
    command.set_defaults(run=_report)


def _add_check(commands: argparse._SubParsersAction[_Parser]) -> None:
    command = commands.add_parser(
        "check",
        help="check one certificate, step by step",
        description="Tell whether one certificate fits a scenario: what is required, what it has, why, and what to do.",
        epilog=_EPILOG,
    )
    command.add_argument("certificate", metavar="CERTIFICATE", help="PEM or DER file; further ones in it are its chain")
    command.add_argument("--scenario", required=True, choices=list(SCENARIOS), help="what the certificate is used for")
    command.add_argument("--registration-name", metavar="NAME", help="the name that the device registers with")
    command.add_argument(
        "--hardware-id", metavar="ID", help="the hardware ID that it registers with, such as IP222-2f-68-8a"
    )
    command.add_argument("--url", help="the address that the browser opens")
    command.add_argument(
        "--trust", metavar="FILE", action="append", help="trust list of the PBX (or of the browser); may be repeated"
    )
    command.add_argument(
        "--chain",
        metavar="FILE",
        action="append",
        default=[],
        help="further certificates presented with it; may be repeated",
    )
    command.add_argument(
        "--tls-only",
        action=argparse.BooleanOptionalAction,
        default=None,
        help='whether "TLS only" is set for the device',
    )
    command.add_argument("--authentication", choices=["password", "certificate"], help="follows from the scenario")
    command.add_argument("--at", metavar="DATE", help="judge at this date (UTC; default: now)")
    command.add_argument("--json", action="store_true", help="write the result as JSON")
    command.set_defaults(run=_check)


def _add_simulate(commands: argparse._SubParsersAction[_Parser]) -> None:
    command = commands.add_parser(
        "simulate",
        help="make a synthetic fleet to try things on",
        description="Write a synthetic fleet with real certificates and known causes of failure.",
    )
    command.add_argument("directory", metavar="DIRECTORY", help="a new or empty folder")
    command.add_argument("--devices", type=_positive, default=200, metavar="N", help="how many devices (default: 200)")
    command.add_argument("--seed", type=int, default=0, metavar="N", help="another seed, another fleet (default: 0)")
    command.set_defaults(run=_simulate)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of devices; give a whole number from 1 on")
    return int(text)


def _report(given: argparse.Namespace) -> int:
    from tqdm.auto import tqdm

    from .fleet import read_fleet
    from .report import STEPS, explain_fleet, summary_lines, write_report

    output = Path(given.output)
    for path in (output, given.json):
        _need_folder(path)
    with tqdm(total=len(STEPS), desc="certtrust", delay=2, disable=None, leave=False, bar_format=_BAR) as bar:

        def step(name: str) -> None:
            bar.set_postfix_str(name, refresh=False)
            bar.update()

        step("reading files")
        fleet = read_fleet(given.directory)
        report = explain_fleet(fleet, name=Path(given.directory).resolve().name, at=given.at, step=step)
        step("drawing charts")
        written = write_report(report, output, json_path=given.json, pictures=given.png)
    _say(f"Report:        {written[0]}")
    for line in summary_lines(report):
        _say(line)
    return SOME_FAIL if (report.results["verdict"] == "fail").any() else NONE_FAIL


_BAR = "{desc}: {bar} {n_fmt}/{total_fmt} [{elapsed}] {postfix}"


def _need_folder(path: str | Path | None) -> None:
    """Refuse before the work what could not be written after it."""
    if path is None:
        return
    target = Path(path)
    if target.is_dir():
        raise CerttrustError(f"{target} is a folder; name the file to write, such as {target / 'report.html'}")
    if not target.absolute().parent.is_dir():
        raise CerttrustError(
            f"{target} cannot be written, since the folder {target.parent} does not exist; make it first"
        )


def _check(given: argparse.Namespace) -> int:
    from .explanation.diagnosis import diagnose

    for path in (given.certificate, *(given.trust or []), *given.chain):
        if not Path(path).is_file():
            raise CerttrustError(f"there is no file {path}")
    found = diagnose(
        Path(given.certificate),
        scenario=given.scenario,
        registration_name=given.registration_name,
        hardware_id=given.hardware_id,
        url=given.url,
        trust=None if given.trust is None else [Path(path) for path in given.trust],
        tls_only=given.tls_only,
        authentication=given.authentication,
        chain=[Path(path) for path in given.chain],
        at=given.at,
    )
    _say(json.dumps(found.to_dict(), indent=2, default=str) if given.json else str(found))
    return SOME_FAIL if found.verdict == "fail" else NONE_FAIL


def _simulate(given: argparse.Namespace) -> int:
    from .simulation import simulate, write

    target = Path(given.directory)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise CerttrustError(f"{target} is there already and not an empty folder; name a new one")
    fleet = simulate(given.devices, seed=given.seed)
    write(fleet, target)
    _say(f"{fleet} written to {target}; explain it with: certtrust report {target}")
    return NONE_FAIL


if __name__ == "__main__":
    sys.exit(main())
