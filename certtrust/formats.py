"""What a reader needs of a format: a name, how to recognise it, and how to read it.

Certificates, devices and registrations come in many formats. Each is one module of a folder and
one line in that folder's list; the reader tries the formats in the order of the list.
"""

from __future__ import annotations

import codecs
import io
import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, BinaryIO, NamedTuple, Protocol, cast

import pandas as pd

from . import limits
from .errors import CerttrustError

HEAD = 1 << 16
"""Bytes of a file's beginning that a format may look at."""


TRUE = frozenset({
    "true", "1", "on", "yes", "y", "x", "ja", "j", "wahr", "ein", "an", "aktiv", "aktiviert",
    "active", "enabled", "✓", "✔", "☑",
})  # fmt: skip
FALSE = frozenset({
    "false", "0", "off", "no", "n", "nein", "falsch", "aus", "inaktiv", "deaktiviert",
    "inactive", "disabled", "✗", "✘", "☐",
})  # fmt: skip
"""How files of all kinds write a flag, in lower case."""


class About(NamedTuple):
    """What a format may need to know about a file beyond its bytes."""

    name: str
    modified: pd.Timestamp | None = None
    options: Mapping[str, Any] = {}
    """What the reader was called with, such as passwords or patterns of messages."""


class Format(Protocol):
    """A module that reads one format."""

    NAME: str

    def sniff(self, head: bytes) -> bool:
        """Return True where a file that begins with these bytes is of this format."""

    def read(self, stream: BinaryIO, about: About) -> Iterator[Any]:
        """Yield what the file holds, in order; what cannot be read is yielded with its reason."""


def listed(
    package: str, names: Sequence[str], *, helpers: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the formats of a folder by their names, in the order of its list.

    Parameters
    ----------
    package : str
        The folder, as a dotted name.
    names : sequence of str
        The modules that are formats, in the order in which a file is tried for them.
    helpers : iterable of str
        The modules of the folder that are not formats.

    Raises
    ------
    CerttrustError
        If a module is not in the list or lacks a part of a format; the message says which.
    """
    modules = {
        module.name
        for module in pkgutil.iter_modules(import_module(package).__path__)
    }
    if absent := [name for name in names if name not in modules]:
        raise CerttrustError(
            f"{package} lists the format {absent[0]}, but has no {absent[0]}.py"
        )
    if forgotten := sorted(modules - {*names, *helpers}):
        raise CerttrustError(
            f"{package}.{forgotten[0]} is not in the list of formats of {package}"
        )
    formats = {}
    for name in names:
        module = import_module(f"{package}.{name}")
        for part in ("NAME", "sniff", "read"):
            if not hasattr(module, part):
                raise CerttrustError(
                    f"{package}.{name} is listed as a format but has no {part}"
                )
        if module.NAME in formats:
            raise CerttrustError(
                f"two formats are called {module.NAME!r}; {package}.{name} needs another NAME"
            )
        formats[module.NAME] = module
    return formats


def recognise(formats: Iterable[Any], head: bytes) -> Any | None:
    """Return the first format that recognises the beginning of a file, or None."""
    return next((form for form in formats if form.sniff(head)), None)


def begin(stream: BinaryIO) -> tuple[bytes, BinaryIO]:
    """Return the first bytes of a stream, up to HEAD, and a stream that still begins with them."""
    head = b""
    while len(head) < HEAD and (piece := stream.read(HEAD - len(head))):
        head += piece
    if stream.seekable():
        stream.seek(0)
        return head, stream
    return head, rejoined(head, stream)


def rejoined(head: bytes, rest: BinaryIO) -> BinaryIO:
    """Return a stream that begins with bytes that were read already."""
    return io.BufferedReader(cast(Any, _Rejoined(head, rest)), HEAD)


class _Rejoined(io.RawIOBase):
    """A stream whose beginning has been read already."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = io.BytesIO(head)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._head.read(len(buffer)) or self._rest.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


@lru_cache(maxsize=4)
def as_text(head: bytes) -> str:
    """Return the beginning of a text file as text: UTF-8 or UTF-16, else lines of Latin-1."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "replace")
    text = head.decode("utf-8-sig", "replace")
    if "\ufffd" not in text:
        return text
    # As readers do, line by line: what is no UTF-8 is most often of one byte a letter.
    lines = head.removeprefix(codecs.BOM_UTF8).split(b"\n")
    return "\n".join(map(_line_as_text, lines))


def _line_as_text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        is_cut = error.reason == "unexpected end of data"
        return line.decode("utf-8", "replace") if is_cut else line.decode("latin-1")


def is_too_deep(value: Any) -> bool:
    """Return True where lists and objects of JSON are nested deeper than `limits.NESTING`.

    Examples
    --------
    >>> is_too_deep([{"a": [1]}])
    False
    """
    level = [value]
    for _ in range(limits.NESTING):
        inside = (
            part.values() if isinstance(part, dict) else part
            for part in level
            if isinstance(part, dict | list)
        )
        level = [
            part
            for parts in inside
            for part in parts
            if isinstance(part, dict | list)
        ]
        if not level:
            return False
    return True


def too_deep() -> str:
    """Return the reason of what `is_too_deep`."""
    return f"nested more than {limits.NESTING} levels deep"


DECISIVE = frozenset({"state", "tls_only", "reverse_proxy"})
"""Columns on which a verdict rests: of two different values none is read."""


def twice(name: str) -> str:
    """Return the note on a row in which two columns of one name say different things."""
    if name in DECISIVE:
        return (
            f"the column {name} is there twice, with different values; none is read"
        )
    return (
        f"the column {name} is there twice, with different values; the first is read"
    )
