"""Text that is seldom looked at: in a file without a name, mapped into memory where it is read."""

from __future__ import annotations

import mmap
import sys
import tempfile
from typing import Any

import pyarrow as pa

from .arrow import one_chunk

_ALIGNED = 64
"""Where buffers of Arrow begin: at multiples of so many bytes."""


def on_disk(texts: Any) -> Any:
    """Return the same Arrow text with its bytes in a temporary file.

    The file has no name, nobody else can open it, and it is gone with the last array that it
    holds. Where there is no room for it, the text stays in memory.

    Parameters
    ----------
    texts : ChunkedArray of large_string
        The text.

    Returns
    -------
    LargeStringArray
        Equal text, in one chunk.

    Examples
    --------
    >>> on_disk(pa.chunked_array([["one", None], ["two"]], pa.large_string())).to_pylist()
    ['one', None, 'two']
    """
    text = one_chunk(texts)
    if sys.platform == "emscripten" or not text.nbytes:
        return text
    try:
        with tempfile.TemporaryFile(prefix="certtrust-") as file:
            spans = [_written(file, part) for part in text.buffers()]
            file.flush()
            content = pa.py_buffer(
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            )
    except (OSError, ValueError):
        return text
    parts = [span and content.slice(*span) for span in spans]
    return pa.Array.from_buffers(
        text.type, len(text), parts, text.null_count, text.offset
    )


def _written(file: Any, part: Any) -> tuple[int, int] | None:
    """Write a buffer where Arrow may read it in place; return its start and size."""
    if part is None:
        return None
    start = -(-file.tell() // _ALIGNED) * _ALIGNED
    file.seek(start)
    file.write(part)
    return start, part.size
