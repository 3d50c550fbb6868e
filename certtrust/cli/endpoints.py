"""What commands share that ask endpoints: hosts as they are typed, and numbers."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from ..texts.sentences import say
from .terminal import Parser

_HOST = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.%\w-]+\]|[^\s:/\\]+)(?::(?P<port>[0-9]{1,5}))?"
)
_BARE = re.compile(r"(?:[\w-]+\.)+[\w-]+|localhost|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+")
_FILES = frozenset(
    (
        *(".pem", ".crt", ".cer", ".der", ".txt", ".p7b", ".p7c", ".p12", ".pfx"),
        *(
            ".zip",
            ".csv",
            ".json",
            ".xml",
            ".pcap",
            ".pcapng",
            ".log",
            ".key",
            ".jks",
        ),
        *(".parquet", ".xlsx", ".gz", ".tgz", ".tar", ".cert", ".certs", ".ca"),
    )
)
"""Endings of files; what ends in one is no host, even if there is no such file."""


class Endpoint(NamedTuple):
    """A host and a port, as they were typed."""

    host: str
    port: int
    url: str
    """What a browser would open."""


def endpoint(name: str) -> Endpoint | None:
    """Return what is written as HOST, HOST:PORT or a URL, and is no file.

    Examples
    --------
    >>> endpoint("phone.example")
    Endpoint(host='phone.example', port=443, url='https://phone.example/')
    >>> endpoint("[::1]:1300").url, endpoint("phone.pem"), endpoint("c:12")
    ('https://[::1]:1300/', None, None)
    """
    if _exists(name):
        return None
    if name.lower().startswith(("https://", "wss://")):
        return _of_url(name)
    parts = _HOST.fullmatch(name)
    if parts is None:
        # An IPv6 address without brackets has no port.
        bare = _BARE.fullmatch(name) if name.count(":") > 1 else None
        return bare and Endpoint(name, 443, f"https://[{name}]/")
    host, port = parts["host"], parts["port"]
    is_host = port is not None or host.startswith("[") or _is_bare(host)
    # A drive of Windows is one letter, and no host's name.
    if not is_host or len(host) == 1:
        return None
    return Endpoint(host, int(port or 443), f"https://{name}/")


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):
        return False


def _is_bare(host: str) -> bool:
    return bool(_BARE.fullmatch(host)) and Path(host).suffix.lower() not in _FILES


def _of_url(url: str) -> Endpoint | None:
    try:
        parts = urlsplit(url)
        return parts.hostname and Endpoint(parts.hostname, parts.port or 443, url)  # type: ignore[return-value]
    except ValueError:
        return None


def add_port(command: Parser, default: int) -> None:
    """Add `--port`."""
    command.add("--port", type=port, metavar="number", default=default)


def add_starttls(command: Parser) -> None:
    """Add `--starttls` and `--timeout`."""
    command.add("--starttls", choices=["auto", "no", "ldap", "smtp"], default="auto")
    command.add("--timeout", type=seconds, metavar="seconds", default=5.0)


def port(text: str) -> int:
    """Return a TCP port."""
    if not text.isdecimal() or not 0 < int(text) < 1 << 16:
        raise argparse.ArgumentTypeError(say("errors.cli.port", text=repr(text)))
    return int(text)


def seconds(text: str) -> float:
    """Return a number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(say("errors.cli.above_0", text=repr(text)))
    return value


def count(text: str) -> int:
    """Return a whole number from 1 on."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(say("errors.cli.above_0", text=repr(text)))
    return int(text)
