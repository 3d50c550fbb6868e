"""Syslog as it is sent over TCP with counted octets (RFC 6587): `123 <134>1 ...`, on and on.

A message may hold line ends; in its row they are written as rsyslog writes them, `#012`. The
number of a line is that of the message. Where a count is wrong, the reading goes on at what next
looks like the beginning of a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO

from ...formats import About, begin
from ..line_format import log_of, read_blocks
from ..text import lines, private_keys
from . import syslog

NAME = "octets"
_BEGIN = re.compile(rb"[ \r\n\x00]*([1-9][0-9]{0,6}) (?=<[0-9]{1,3}>)")
_LATER = re.compile(rb"(?<![0-9])[1-9][0-9]{0,6} <[0-9]{1,3}>")
_MESSAGES = 20_000
"""Messages that are read at a time."""


def sniff(head: bytes) -> bool:
    """Return True where the first message is as long as its count says."""
    match = _BEGIN.match(head)
    if match is None:
        return False
    end = match.end() + int(match[1])
    rest = head[end:].lstrip(b" \r\n\x00")
    # A count that leads beyond what is there may be one of the lines before it.
    return _BEGIN.match(head[end:]) is not None or (not rest and end <= len(head) + 1)


def read(stream: BinaryIO, about: About) -> Iterator[Any]:
    """Yield the messages as tables of bounded size, in order."""
    head, stream = begin(stream)
    log = log_of(head, about)
    yield from read_blocks(syslog.parse, _blocks(stream.read()), log, about)


def _blocks(data: bytes) -> Iterator[Any]:
    messages: list[bytes] = []
    for message in _messages(data):
        messages.append(message)
        if len(messages) == _MESSAGES:
            yield partial(_block, messages)
            messages = []
    if messages:
        yield partial(_block, messages)


def _block(messages: list[bytes]) -> lines.Block:
    (hidden,) = private_keys.hidden(iter([lines.Chunk(b"\n".join(messages), None)]))
    return lines.block(hidden)


def _messages(data: bytes) -> Iterator[bytes]:
    """Yield the messages of a stream, whatever stands between them too."""
    position = 0
    while position < len(data):
        match = _BEGIN.match(data, position)
        if match is not None:
            position = match.end() + int(match[1])
            message = data[match.end() : position]
        else:
            later = _LATER.search(data, position)
            end = len(data) if later is None else later.start()
            message, position = data[position:end], end
            if not message.strip():
                continue
        yield re.sub(rb"\r?\n", b"#012", message.rstrip(b"\r\n"))
