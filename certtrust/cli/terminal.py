"""What commands share: exit statuses, output that cannot steer a terminal, and their parser."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn, TextIO

from ..texts.sentences import say
from ..texts.visible import one_line, visible

PASS, FAIL, MISUSE, UNKNOWN = 0, 1, 2, 3
"""Exit statuses: of a verdict, or of a fleet without and with failures."""


def misuse(message: str) -> int:
    """Write why a command could not be carried out, and return its exit status."""
    write(sys.stderr, f"certtrust: {one_line(message)}")
    return MISUSE


def tell(text: str) -> None:
    """Write text to the terminal."""
    write(sys.stdout, text)


def write(stream: TextIO, text: str) -> None:
    """Write text, with what would steer a terminal, or cannot be encoded, replaced."""
    encoding = stream.encoding or "utf-8"
    stream.write(visible(text).encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()


class Parser(argparse.ArgumentParser):
    """A parser whose words stand in `[cli.COMMAND]`, an argument's under its destination.

    `secrets` are not to be repeated in its messages, and `status_of_misuse` is what it exits with.
    """

    def __init__(
        self,
        words: str = "certtrust",
        *,
        secrets: Sequence[str] = (),
        status_of_misuse: int = MISUSE,
        **options: Any,
    ) -> None:
        self.words = words
        self.secrets = secrets
        self.status_of_misuse = status_of_misuse
        super().__init__(description=say(f"cli.{words}.description"), **options)
        self.add_argument(
            "--lang", metavar=say("cli.metavars.language"), help=say("cli.lang")
        )

    def add(self, *names: str, metavar: str | None = None, **options: Any) -> None:
        """Add an argument with its help, and the word that stands for its value."""
        argument = self.add_argument(*names, **options)
        argument.help = say(f"cli.{self.words}.{argument.dest}")
        argument.metavar = say(f"cli.metavars.{metavar}") if metavar else None

    def error(self, message: str) -> NoReturn:
        """Exit as after a misuse, with the message and where to find help."""
        for secret in self.secrets:
            alone = rf"(?<![\w-]){re.escape(secret)}(?![\w-])"
            message = re.sub(alone, "***", message)
        self.exit(
            self.status_of_misuse,
            f"certtrust: {message}\n{say('cli.help', command=f'{self.prog} --help')}\n",
        )
