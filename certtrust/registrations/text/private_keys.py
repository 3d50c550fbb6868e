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
_LONGEST = 4096
"""Lines of a key at most, so that one without its end does not hide a log."""


def hidden(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Yield chunks of lines in which the lines of private keys in PEM are replaced."""
    left = 0
    for chunk in chunks:
        if not left and _MARK not in chunk.data:
            yield chunk
            continue
        lines = []
        for line in chunk.data.split(b"\n"):
            kept, left = _hidden(line, left)
            lines.append(kept)
        yield chunk._replace(data=b"\n".join(lines))


def _hidden(line: bytes, left: int) -> tuple[bytes, int]:
    """Return a line without parts of a key, and how many lines of a key may follow."""
    kept = b""
    if left:
        end = _END.search(line)
        if end is None:
            return HIDDEN, left - 1
        kept, line = HIDDEN, line[end.end() :]
    while begin := _BEGIN.search(line):
        kept += line[: begin.start()] + HIDDEN
        end = _END.search(line, begin.end())
        if end is None:
            return kept, _LONGEST
        line = line[end.end() :]
    return kept + line, 0
