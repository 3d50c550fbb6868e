"""Passwords of key stores: from the command line, from files, and from who sits at the terminal."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CerttrustError
from ..texts.sentences import say
from .terminal import Parser

if TYPE_CHECKING:
    import pandas as pd

_LOCKED = "^PKCS#12: .*[Pp]assword"
"""What the reason of a file begins with that none of the passwords opened."""


def add_passwords(command: Parser) -> None:
    """Add the options that give passwords."""
    command.add("--password", metavar="password", action="append", default=[])
    command.add("--password-file", metavar="file", action="append", default=[])


def passwords(given: argparse.Namespace) -> list[str]:
    """Return the passwords of the command line, and of each file its lines."""
    words = list(given.password)
    for path in given.password_file:
        try:
            lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise CerttrustError(say("errors.cli.password_file", path=path)) from None
        words += [line for line in lines if line]
    return words


def asked_passwords(
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
