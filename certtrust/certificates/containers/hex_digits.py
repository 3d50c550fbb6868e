"""DER in hex: in one line, in lines of a dump or a router's configuration, with blanks, colons or 0x between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from ...formats import About
from ..blocks import Item
from . import contents

NAME = "hex digits"

_BETWEEN = rb"(?:[\s:,]|0x|\\x)*"
_DER = re.compile(rb"(?<![0-9A-Fa-f])30%b8[0-4]%b(?:[0-9A-Fa-f]{2}%b){100,}" % ((_BETWEEN,) * 3))
_NO_DIGITS = re.compile(rb"0x|\\x|[^0-9A-Fa-f]")


def sniff(head: bytes) -> bool:
    """Return True where a long run of hex digits begins as DER."""
    return _DER.search(head) is not None


def read(stream: BinaryIO, about: About) -> Iterator[Item]:
    """Yield what each run of digits holds."""
    for run in _DER.findall(stream.read()):
        yield from contents(bytes.fromhex(_NO_DIGITS.sub(b"", run).decode("ascii")), about)
