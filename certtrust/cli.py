"""The command line: explain a fleet, check one certificate, or make a synthetic fleet."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from .errors import CerttrustError
from .evaluation.rules import SCENARIOS
from .schema import HANDSHAKES
from .texts.labels import plural
from .texts.sentences import say, sentences
from .texts.visible import one_line, visible

if TYPE_CHECKING:
    import pandas as pd

NONE_FAIL, SOME_FAIL, MISUSE, UNKNOWN = range(4)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows the name of the program; by default that of this process.

    Returns
    -------
    int
        0 where the rules predict no failure, 1 where they predict some, 2 where the command was not
        usable, 3 where nothing was understood.

    Examples
    --------
    >>> main(["check", "no-such-file.pem", "--scenario", "browser", "--url", "https://192.0.2.7/"])
    2
    """
    given_arguments = sys.argv[1:] if arguments is None else list(arguments)
    with _own_words():
        given = _parser(_secrets(given_arguments)).parse_args(given_arguments)
    try:
        status: int = given.run(given)
    except BrokenPipeError:
        # Whoever read the output has enough of it; Python would complain again when it closes
        # the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NONE_FAIL
    except CerttrustError as error:
        return _misuse(str(error))
    except OSError as error:
        where = f"{error.filename!s}: " if error.filename else ""
        return _misuse(f"{where}{error.strerror or error}")
    except KeyboardInterrupt:
        return _misuse(say("errors.cli.stopped"))
    return status


def _misuse(message: str) -> int:
    _write(sys.stderr, f"certtrust: {one_line(message)}")
    return MISUSE


def _say(text: str) -> None:
    _write(sys.stdout, text)


def _write(stream: TextIO, text: str) -> None:
    """Write text, with what would steer a terminal, or cannot be encoded, replaced."""
    encoding = stream.encoding or "utf-8"
    stream.write(visible(text).encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()


@contextmanager
def _own_words() -> Iterator[None]:
    """Let argparse say the sentences of `[cli.argparse]` instead of its own, which are English."""
    words = sentences()["cli"]["argparse"]

    def translated(message: Any) -> Any:
        own_words = words.get(message)
        if own_words is None:
            return message
        return re.sub(
            r"\{(\w*)\}",
            lambda name: f"%({name[1]})s" if name[1] else "%s",
            own_words,
        )

    own = vars(argparse)["_"]
    vars(argparse)["_"] = translated
    try:
        yield
    finally:
        vars(argparse)["_"] = own


def _secrets(arguments: Sequence[str]) -> list[str]:
    """Return what may be a password among the arguments: the value of any option with a p."""
    secrets = []
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=False):
        option, equals, value = argument.partition("=")
        if option.startswith(("-p", "--p")) and option != "--png":
            secrets.append(value if equals else following)
    return sorted(filter(None, secrets), key=len, reverse=True)


class _Parser(argparse.ArgumentParser):
    """A parser whose words stand in `[cli.COMMAND]`, an argument's under its destination.

    `secrets` are not to be repeated in its messages.
    """

    def __init__(
        self, words: str = "certtrust", *, secrets: Sequence[str] = (), **options: Any
    ) -> None:
        self.words = words
        self.secrets = secrets
        super().__init__(description=say(f"cli.{words}.description"), **options)

    def add(self, *names: str, metavar: str | None = None, **options: Any) -> None:
        """Add an argument with its help, and the word that stands for its value."""
        argument = self.add_argument(*names, **options)
        argument.help = say(f"cli.{self.words}.{argument.dest}")
        argument.metavar = say(f"cli.metavars.{metavar}") if metavar else None

    def error(self, message: str) -> NoReturn:
        for secret in self.secrets:
            alone = rf"(?<![\w-]){re.escape(secret)}(?![\w-])"
            message = re.sub(alone, "***", message)
        self.exit(
            MISUSE,
            f"certtrust: {message}\n{say('cli.help', command=f'{self.prog} --help')}\n",
        )


def _parser(secrets: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(secrets=secrets, prog="certtrust", epilog=say("cli.epilog"))
    parser.add(
        "--version", action="version", version=f"certtrust {version('certtrust')}"
    )
    commands = parser.add_subparsers(
        title=say("cli.commands"), required=True, metavar=say("cli.metavars.command")
    )
    for name, add in (
        ("report", _add_report),
        ("check", _add_check),
        ("handshakes", _add_handshakes),
        ("simulate", _add_simulate),
    ):
        short = say(f"cli.{name}.short")
        add(commands.add_parser(name, words=name, help=short, secrets=secrets))
    return parser


def _add_report(command: _Parser) -> None:
    command.epilog = say("cli.epilog")
    command.add("directory", metavar="directory")
    command.add("-o", "--output", metavar="file", default="report.html")
    command.add("--json", metavar="file")
    command.add("--png", metavar="directory")
    command.add("--at", metavar="date")
    _add_passwords(command)
    command.set_defaults(run=_report)


def _add_check(command: _Parser) -> None:
    command.epilog = say("cli.epilog")
    command.add("certificate", metavar="certificate")
    command.add("--scenario", required=True, choices=list(SCENARIOS))
    command.add("--registration-name", metavar="name")
    command.add("--hardware-id", metavar="id")
    command.add("--url", metavar="url")
    command.add("--trust", metavar="file", action="append")
    command.add("--chain", metavar="file", action="append", default=[])
    command.add("--tls-only", action=argparse.BooleanOptionalAction, default=None)
    command.add("--authentication", choices=["password", "certificate"])
    command.add("--at", metavar="date")
    command.add("--json", action="store_true")
    _add_passwords(command)
    command.set_defaults(run=_check)


def _add_passwords(command: _Parser) -> None:
    command.add("--password", metavar="password", action="append", default=[])
    command.add("--password-file", metavar="file", action="append", default=[])


def _add_handshakes(command: _Parser) -> None:
    command.epilog = say("cli.handshakes.epilog")
    command.add("files", metavar="file", nargs="+")
    command.add("--port", type=_port, action="append", metavar="number")
    command.add("--csv", metavar="file")
    command.add("--json", action="store_true")
    command.set_defaults(run=_handshakes)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 1 << 16:
        raise argparse.ArgumentTypeError(say("errors.cli.port", text=repr(text)))
    return int(text)


def _add_simulate(command: _Parser) -> None:
    command.add("directory", metavar="directory")
    command.add("--devices", type=_devices, default=200, metavar="number")
    command.add("--seed", type=_seed, default=0, metavar="number")
    command.add("--capture", action="store_true")
    command.set_defaults(run=_simulate)


def _devices(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(say("errors.cli.devices", text=repr(text)))
    return int(text)


def _seed(text: str) -> int:
    if not text.removeprefix("-").isdecimal():
        raise argparse.ArgumentTypeError(say("errors.cli.seed", text=repr(text)))
    return int(text)


def _report(given: argparse.Namespace) -> int:
    from tqdm.auto import tqdm

    from .fleet import read_fleet
    from .report import STEPS, explain_fleet, summary_lines, write_report

    passwords = _passwords(given)
    output = Path(given.output)
    for path in (output, given.json):
        _need_folder(path)
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
        fleet = read_fleet(given.directory, password=passwords)
        files = {
            f"{kind}/{source}": rows
            for kind in ("certificates", "trust")
            for source, rows in getattr(fleet, kind).groupby("source")
        }
        if more := _asked_passwords(files, hide=bar.clear):
            fleet = read_fleet(given.directory, password=[*passwords, *more])
        report = explain_fleet(
            fleet, name=Path(given.directory).resolve().name, at=given.at, step=step
        )
        step("charts")
        written = write_report(
            report, output, json_path=given.json, pictures=given.png
        )
    _say(
        "\n".join(
            [say("report.terminal.page", path=written[0]), *summary_lines(report)]
        )
    )
    return SOME_FAIL if (report.results["verdict"] == "fail").any() else NONE_FAIL


_BAR = "{desc}: {bar} {n_fmt}/{total_fmt} [{elapsed}] {postfix}"


def _need_folder(path: str | Path | None) -> None:
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


def _check(given: argparse.Namespace) -> int:
    from .certificates.reading import read_certificates
    from .explanation.diagnosis import diagnose

    files = [given.certificate, *(given.trust or []), *given.chain]
    for path in files:
        if not Path(path).is_file():
            raise CerttrustError(say("errors.cli.no_file", path=path))
    passwords = _passwords(given)
    if sys.stdin.isatty():
        rows = {
            path: read_certificates(Path(path), password=passwords) for path in files
        }
        passwords += _asked_passwords(rows)
    diagnosis = diagnose(
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
        password=passwords,
    )
    _say(
        json.dumps(diagnosis.to_dict(), indent=2, default=str)
        if given.json
        else str(diagnosis)
    )
    return SOME_FAIL if diagnosis.verdict == "fail" else NONE_FAIL


def _passwords(given: argparse.Namespace) -> list[str]:
    """Return the passwords of the command line, and of each file its lines."""
    passwords = list(given.password)
    for path in given.password_file:
        try:
            lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise CerttrustError(say("errors.cli.password_file", path=path)) from None
        passwords += [line for line in lines if line]
    return passwords


def _asked_passwords(
    files: Mapping[str, pd.DataFrame], hide: Callable[[], object] = lambda: None
) -> list[str]:
    """Return a password for each file whose rows say that it needs one, if there is a terminal.

    An empty answer leaves the file as it is: a row with its reason.
    """
    if not sys.stdin.isatty():
        return []
    answers = []
    for name, rows in files.items():
        if rows["parse_error"].str.contains(_LOCKED).eq(other=True).any():
            hide()
            question = say("cli.ask_password", file=name)
            answers.append(getpass.getpass(question, stream=sys.stderr))
    return [answer for answer in answers if answer]


_LOCKED = "^PKCS#12: .*[Pp]assword"
"""What the reason of a file begins with that none of the passwords opened."""


def _handshakes(given: argparse.Namespace) -> int:
    from .captures import REGISTRATION_PORT, handshakes
    from .report.connections_text import connection_lines
    from .table_files import write_csv

    _need_folder(given.csv)
    seen = handshakes(given.files, port=given.port or REGISTRATION_PORT)
    if given.csv:
        write_csv(seen, HANDSHAKES, given.csv)
    if given.json:
        _say(_json_lines(seen))
    else:
        _say("\n".join(connection_lines(seen)))
    connections = seen[seen["outcome"].notna()]
    if connections.empty:
        return UNKNOWN
    refused = connections["outcome"].astype("str").str.startswith("refused")
    return SOME_FAIL if refused.any() else NONE_FAIL


def _json_lines(seen: pd.DataFrame) -> str:
    """Return a JSON object per connection; moments are ISO 8601 in UTC, what is missing is null."""
    return str(
        seen.to_json(orient="records", date_format="iso", date_unit="us", lines=True)
    ).rstrip("\n")


def _simulate(given: argparse.Namespace) -> int:
    from .fleet import CAPTURES
    from .simulation import simulate, write, write_capture

    target = Path(given.directory)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise CerttrustError(say("errors.cli.not_empty", path=target))
    fleet = simulate(given.devices, seed=given.seed)
    write(fleet, target)
    if given.capture:
        folder = target / CAPTURES
        folder.mkdir()
        write_capture(fleet, folder / "trace.pcap", seed=given.seed)
    _say(
        say(
            "cli.simulate.written",
            devices=plural(len(fleet.devices), "device"),
            path=target,
        )
    )
    return NONE_FAIL


if __name__ == "__main__":
    sys.exit(main())
