"""DER: one element or several, back to back or with padding between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from ...formats import About
from ..blocks import CERTIFICATE, Item, end_of, is_der, kind_of, of_der
from . import contents

NAME = "DER"

_PADDING = re.compile(rb"[\s\0\xff\x1a]*")
_SPACE = b"\t\n\v\f\r "
_BEGINNING = re.compile(rb"0[\x80-\x84]")
_LOOKED_AT, _MOST_LOOKS = 4096, 1000


def sniff(head: bytes) -> bool:
    """Return True where content begins as a SEQUENCE, after padding."""
    start = _after_padding(head, 0)
    return is_der(head[start:]) or (start > 0 and kind_of(head[start:]) is not None)


def read(stream: BinaryIO, about: About) -> Iterator[Item]:
    """Yield what DER holds, element by element; a note tells of bytes that belong to none."""
    data = stream.read()
    at = _after_padding(data, 0)
    while at < len(data):
        stop = end_of(data, at)
        following = _following(data, stop)
        between = data[stop:following].strip(_SPACE)
        count = "1 byte" if len(between) == 1 else f"{len(between):,} bytes"
        note = f"{count} after the certificate" if between else None
        yield from _noted(
            data[at:stop], note, about, alone=(at, stop) == (0, len(data))
        )
        at = following


def _noted(
    der: bytes, note: str | None, about: About, *, alone: bool
) -> Iterator[Item]:
    kind = kind_of(der)
    if kind == CERTIFICATE or alone:
        block = of_der(der, kind)
        yield block if block.der is None else block._replace(problem=note)
    else:
        yield from contents(der, about)


def _after_padding(data: bytes, at: int) -> int:
    padding = _PADDING.match(data, at)
    return padding.end() if padding else at


def _following(data: bytes, at: int) -> int:
    """Return where the next element of a known kind begins, else the end of the data."""
    start = _after_padding(data, at)
    if start == len(data) or kind_of(data[start : start + _LOOKED_AT]) is not None:
        return start
    for looks, beginning in enumerate(_BEGINNING.finditer(data, start)):
        if looks == _MOST_LOOKS:
            break
        if (
            kind_of(data[beginning.start() : beginning.start() + _LOOKED_AT])
            is not None
        ):
            return beginning.start()
    return len(data)
