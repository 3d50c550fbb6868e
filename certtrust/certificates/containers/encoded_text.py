"""Text in UTF-16 or UTF-32, or with a byte-order mark: the same text in UTF-8 is read."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from ...formats import About
from ..blocks import Item
from . import contents

NAME = "text in UTF-16 or UTF-32"

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_LOOKED_AT, _SHARE = 256, 0.9


def sniff(head: bytes) -> bool:
    """Return True where a byte-order mark or zeros between letters reveal the encoding."""
    return _encoding(head) is not None


def read(stream: BinaryIO, about: About) -> Iterator[Item]:
    """Yield what the text holds."""
    data = stream.read()
    if data.startswith(codecs.BOM_UTF8):
        yield from contents(data.removeprefix(codecs.BOM_UTF8), about)
        return
    text = data.decode(_encoding(data) or "utf-16", "replace").removeprefix("\ufeff")
    yield from contents(text.encode("utf-8", "replace"), about)


def _encoding(head: bytes) -> str | None:
    if head.startswith(tuple(_MARKS)):
        return next(
            encoding for mark, encoding in _MARKS.items() if head.startswith(mark)
        )
    if head.startswith(b"0"):
        return None
    start = head[:_LOOKED_AT]
    if 0 not in start:
        return None
    for width, encoding in ((4, "utf-32"), (2, "utf-16")):
        for order, letter in (("le", 0), ("be", width - 1)):
            others = [start[at::width] for at in range(width) if at != letter]
            if start[letter::width].count(0) == 0 and all(
                _are_mostly_zeros(octets) for octets in others
            ):
                return f"{encoding}-{order}"
    return None


def _are_mostly_zeros(octets: bytes) -> bool:
    return len(octets) > 1 and octets.count(0) >= _SHARE * len(octets)
