"""PEM or base64 escaped as in a URL, which is how proxies pass it on in a header."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import unquote_to_bytes

from ...formats import About
from ..blocks import Item
from . import contents

NAME = "URL-escaped text"

_DASH = rb"(?:-|%2[dD])"
_BEGIN = re.compile(rb"%b{5}BEGIN(?:%%20|\+)" % _DASH)
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/=\s,]|%2[bBfFcC]|%3[dD]|%0[aAdD])+")


def sniff(head: bytes) -> bool:
    """Return True where a BEGIN line or base64 has escapes."""
    return b"%" in head and (
        _BEGIN.search(head) is not None or _BASE64.fullmatch(head) is not None
    )


def read(stream: BinaryIO, about: About) -> Iterator[Item]:
    """Yield what the text holds once its escapes are undone."""
    data = stream.read()
    if b"BEGIN+" in data:
        data = data.replace(b"+", b" ")
    yield from contents(unquote_to_bytes(data).replace(b",", b"\n"), about)
