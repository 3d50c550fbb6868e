"""The command line: finds the command, runs it, and puts mistakes into one line."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from ..errors import CerttrustError
from ..texts.sentences import language, languages, say, sentences
from . import (
    bundle,
    certificates,
    check,
    columns,
    diff,
    fetch,
    handshakes,
    kit,
    listen,
    report,
    rules,
    simulate,
    start,
    trend,
    watch,
)
from .terminal import MISUSE, PASS, Parser, misuse

COMMANDS = (
    *(report, check, certificates, handshakes, fetch, listen),
    *(kit, bundle, diff, trend, watch),
    *(rules, columns, simulate, start),
)
"""The modules of the commands; each has NAME, `add(parser)` and what `run` it sets."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows the name of the program; by default that of this process.

    Returns
    -------
    int
        0 pass, or no failure; 1 fail, or some failures; 2 a command that could not be carried out;
        3 unknown, or nothing understood.

    Examples
    --------
    >>> main(["check", "no-such-file.pem", "--scenario", "browser", "--url", "https://192.0.2.7/"])
    2
    """
    given_arguments = sys.argv[1:] if arguments is None else list(arguments)
    status_of_misuse = _status_of_misuse(given_arguments)
    try:
        with language(_language(given_arguments)):
            return _run(given_arguments, status_of_misuse)
    except CerttrustError as error:
        misuse(str(error))
        return status_of_misuse


def _status_of_misuse(arguments: Sequence[str]) -> int:
    own = {command.NAME: getattr(command, "MISUSE", MISUSE) for command in COMMANDS}
    named = next(filter(own.__contains__, arguments), None)
    return own.get(named, MISUSE)


def _language(arguments: Sequence[str]) -> str:
    """Return the language of `--lang`, else that of the environment if it is one of ours.

    It has to be known before the parser is made, whose help is in that language.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--lang", nargs="?")
    given = parser.parse_known_args(arguments)[0].lang
    if given:
        return str(given)
    variables = map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))
    code = next(filter(None, variables), "")[:2].lower()
    return code if code in languages() else "en"


def _run(given_arguments: Sequence[str], status_of_misuse: int) -> int:
    with _own_words():
        parser = _parser(_secrets(given_arguments), status_of_misuse)
        given = parser.parse_args(given_arguments)
    try:
        status: int = given.run(given)
    except BrokenPipeError:
        # Whoever read the output has enough of it; Python would complain again when it closes
        # the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PASS
    except CerttrustError as error:
        return misuse(str(error))
    except OSError as error:
        where = f"{error.filename!s}: " if error.filename else ""
        return misuse(f"{where}{error.strerror or error}")
    except KeyboardInterrupt:
        misuse(say("errors.cli.stopped"))
        return status_of_misuse
    return status


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


_NO_SECRETS = ("--pattern", "--png", "--port", "--prometheus", "--pseudonymise")
"""Options with a p whose values may be repeated in messages."""


def _secrets(arguments: Sequence[str]) -> list[str]:
    """Return what may be a password among the arguments: the value of any option with a p.

    Whoever mistypes --password has given it nevertheless.
    """
    secrets = []
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=False):
        option, equals, value = argument.partition("=")
        if option.startswith(("-p", "--p")) and option not in _NO_SECRETS:
            secrets.append(value if equals else following)
    return sorted(filter(None, secrets), key=len, reverse=True)


def _parser(secrets: Sequence[str], status_of_misuse: int = MISUSE) -> Parser:
    shared: dict[str, Any] = {
        "secrets": secrets,
        "status_of_misuse": status_of_misuse,
    }
    parser = Parser(prog="certtrust", epilog=say("cli.epilog"), **shared)
    parser.add(
        "--version", action="version", version=f"certtrust {version('certtrust')}"
    )
    commands = parser.add_subparsers(
        title=say("cli.commands"), required=True, metavar=say("cli.metavars.command")
    )
    for command in COMMANDS:
        name = command.NAME
        short = say(f"cli.{name}.short")
        added = commands.add_parser(name, words=name, help=short, **shared)
        added.epilog = say("cli.epilog")
        command.add(added)
    return parser
