"""DER in hex: one line, a dump, a router's configuration; with blanks, colons or 0x between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from ...formats import About
from ..blocks import Item
from . import contents

NAME = "hex digits"

_BETWEEN = rb"(?:[\s:,]|0x|\\x)*"
_DER = re.compile(
    rb"(?<![0-9A-Fa-f])30%b8[0-4]%b(?:[0-9A-Fa-f]{2}%b){100,}" % ((_BETWEEN,) * 3)
)
_FIRST_LINE = re.compile(rb"(?m)^[ \t]*0{4,8}:?[ \t]+30 ?8[0-4]")
_LINE = re.compile(
    rb"(?m)^[ \t]*[0-9A-Fa-f]{4,8}:?[ \t]+"
    rb"(?:((?:[0-9A-Fa-f]{2} {1,2}){1,16})|((?:[0-9A-Fa-f]{4} )*[0-9A-Fa-f]{2,4}))(?: "
    rb"[^\r\n]*)?\r?$"
)
_NO_DIGITS = re.compile(rb"0x|\\x|[^0-9A-Fa-f]")


def sniff(head: bytes) -> bool:
    """Return True where a long run of hex digits begins as DER."""
    return _DER.search(_without_margins(head)) is not None


def read(stream: BinaryIO, about: About) -> Iterator[Item]:
    """Yield what each run of digits holds."""
    for run in _DER.findall(_without_margins(stream.read())):
        yield from contents(
            bytes.fromhex(_NO_DIGITS.sub(b"", run).decode("ascii")), about
        )


def _without_margins(text: bytes) -> bytes:
    """Return the digits of a dump, without the offsets before and the letters after them."""
    return (
        b"\n".join(map(b"".join, _LINE.findall(text)))
        if _FIRST_LINE.search(text)
        else text
    )
