"""The command line, one module per command."""

from .command_line import main

__all__ = ["main"]
