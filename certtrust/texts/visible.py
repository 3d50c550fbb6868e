"""Text from files as a sentence can hold it: on one line, and nothing in it that cannot be seen.

Control characters steer terminals, marks of direction turn a line around, and a line end inside a
name makes two lines of one. All of them are replaced where data meets a sentence; the tables keep
what was read.
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow.compute as pc

REPLACEMENT = "\ufffd"
"""Stands for a character that cannot be seen."""

_BREAK = "\r\n|[\t-\r\x1c-\x1e\x85\u2028\u2029]"
"""Line ends and tabs, as a pattern that `re` and Arrow read alike."""

_RANGES = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ue000-\uf8ff\ufdd0-\ufdef\ufeff\uffa0"
    "\ufff0-\ufffc\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Control characters, what Unicode asks to leave out when drawn, private and no characters."""

_INVISIBLE = f"[{_RANGES}]"
_SURROGATE = re.compile("[\ud800-\udfff]")
_BREAKS_IN_TEXT = re.compile(_BREAK)
_INVISIBLE_IN_TEXT = re.compile(f"[{_RANGES}\ud800-\udfff]")


def encodable(text: str) -> str:
    r"""Return the text with surrogates without their partner replaced, which no file can hold.

    Examples
    --------
    >>> encodable("a\ud800")
    'a\ufffd'
    """
    return _SURROGATE.sub(REPLACEMENT, text)


def visible(text: object) -> str:
    r"""Return the text with what cannot be seen replaced; line feeds and tabs stay.

    Examples
    --------
    >>> visible("gnp\u202e.exe\n")
    'gnp\ufffd.exe\n'
    """
    return _INVISIBLE_IN_TEXT.sub(REPLACEMENT, str(text))


def one_line(text: object) -> str:
    r"""Return the text on one line: line ends are blanks, what cannot be seen is replaced.

    Examples
    --------
    >>> one_line("a\r\nb\x1b[2J")
    'a b\ufffd[2J'
    """
    return visible(_BREAKS_IN_TEXT.sub(" ", str(text)))


def each_on_one_line(texts: Any) -> Any:
    r"""Return Arrow text with `one_line` of each value.

    Examples
    --------
    >>> import pyarrow as pa
    >>> each_on_one_line(pa.array(["a\nb", None])).to_pylist()
    ['a b', None]
    """
    if not pc.any(pc.match_substring_regex(texts, f"{_BREAK}|{_INVISIBLE}")).as_py():
        return texts
    lines = pc.replace_substring_regex(texts, _BREAK, " ")
    return pc.replace_substring_regex(lines, _INVISIBLE, REPLACEMENT)
