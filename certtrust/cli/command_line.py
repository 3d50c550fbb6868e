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
from ..texts.sentences import say, sentences
from . import (
    certificates,
    check,
    columns,
    fetch,
    handshakes,
    listen,
    report,
    rules,
    simulate,
    start,
)
from .terminal import PASS, Parser, misuse

COMMANDS = (
    *(report, check, certificates, handshakes, fetch, listen),
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
    with _own_words():
        given = _parser(_secrets(given_arguments)).parse_args(given_arguments)
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
        return misuse(say("errors.cli.stopped"))
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


def _secrets(arguments: Sequence[str]) -> list[str]:
    """Return what may be a password among the arguments: the value of any option with a p."""
    secrets = []
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=False):
        option, equals, value = argument.partition("=")
        if option.startswith(("-p", "--p")) and option != "--png":
            secrets.append(value if equals else following)
    return sorted(filter(None, secrets), key=len, reverse=True)


def _parser(secrets: Sequence[str]) -> Parser:
    parser = Parser(secrets=secrets, prog="certtrust", epilog=say("cli.epilog"))
    parser.add(
        "--version", action="version", version=f"certtrust {version('certtrust')}"
    )
    commands = parser.add_subparsers(
        title=say("cli.commands"), required=True, metavar=say("cli.metavars.command")
    )
    for command in COMMANDS:
        name = command.NAME
        short = say(f"cli.{name}.short")
        added = commands.add_parser(name, words=name, help=short, secrets=secrets)
        added.epilog = say("cli.epilog")
        command.add(added)
    return parser
