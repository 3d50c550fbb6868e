"""Private keys in a log: their lines stay lines, and none of their letters is read.

A key is told by the label of its PEM. One in DER, or in base64 without a label, cannot be told from
other letters of a log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .lines import Chunk

HIDDEN = b"(a line of a private key)"
"""What stands for each line of a private key."""

_MARK = b"PRIVATE KEY"
_BEGIN = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY")
_END = re.compile(rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_OF_A_KEY = re.compile(
    rb"[A-Za-z0-9+/=]*|(?:Proc-Type|DEK-Info): .*|.*[A-Za-z0-9+/=]{16}", re.DOTALL
)
"""Base64, behind whatever a log puts before it, or a header: others end a key without END."""


def without_keys(text: str) -> str:
    """Return a text of one line without the letters of private keys."""
    return _hidden(text.encode("utf-8", "replace"), False)[0].decode()


def hidden(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Yield chunks of lines in which the lines of private keys in PEM are replaced."""
    is_inside = False
    for chunk in chunks:
        if not is_inside and _MARK not in chunk.data:
            yield chunk
            continue
        lines = []
        for line in chunk.data.split(b"\n"):
            kept, is_inside = _hidden(line, is_inside)
            lines.append(kept)
        yield chunk._replace(data=b"\n".join(lines))


def _hidden(line: bytes, is_inside: bool) -> tuple[bytes, bool]:
    """Return a line without parts of keys, and whether a key goes on in the next one."""
    kept = b""
    if is_inside:
        end = _END.search(line)
        if end is None and _OF_A_KEY.fullmatch(line.strip()):
            return HIDDEN, True
        if end is not None:
            kept, line = HIDDEN, line[end.end() :]
    while begin := _BEGIN.search(line):
        kept += line[: begin.start()] + HIDDEN
        end = _END.search(line, begin.end())
        if end is None:
            return kept, True
        line = line[end.end() :]
    return kept + line, False
