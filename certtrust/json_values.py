"""JSON values that stand one after the other in a text, in time in proportion to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from .formats import is_too_deep, too_deep

_DECODER = json.JSONDecoder()
_IN_VAIN = 8
"""How many times the size of a text may be read in vain before each line is read by itself."""
_SEPARATORS = re.compile(r"[ \t\r\n,\ufeff]*")
_SEPARATORS_IN_LISTS = re.compile(r"[ \t\r\n,\ufeff\[\]]*")
_SPACE = re.compile(r"\s*")


class Value(NamedTuple):
    """A value or why there is none, and the number of the line that it begins in, from 1."""

    value: Any
    error: str | None
    line: int


def values(text: str, *, open_lists: bool = False) -> Iterator[Value]:
    """Yield the JSON values that stand one after the other in a text, and why a line is none.

    With `open_lists`, what stands in a list is yielded instead of the list.
    """
    separators = _SEPARATORS_IN_LISTS if open_lists else _SEPARATORS
    line, counted = 1, 0
    for piece in _pieces(text, separators):
        line += text.count("\n", counted, piece.start)
        counted = piece.start
        if piece.error is None:
            yield Value(piece.value, None, line)
        else:
            yield Value(None, f"line {line} is not JSON{piece.error}", line)


def share(head: str, *, is_whole: bool) -> float:
    r"""Return how much of a file's beginning is JSON objects and lists, from 0 to 1.

    What the beginning cuts off counts as a value, unless the file ends there.

    Examples
    --------
    >>> share('{"a": 1}\nno JSON', is_whole=True)
    0.5
    """
    covered = 0
    for piece in _pieces(head, _SEPARATORS, begins="{["):
        if piece.is_cut and not is_whole:
            covered += len(head) - piece.start
        elif piece.error is None:
            covered += piece.end - piece.start
    return min(1.0, covered / max(1, len(head.strip())))


class _Piece(NamedTuple):
    """A value and where it stands, or a line that is none, and whether the text cuts it off."""

    start: int
    end: int
    value: Any
    error: str | None
    is_cut: bool


def _pieces(
    text: str, separators: re.Pattern[str], begins: str = ""
) -> Iterator[_Piece]:
    """Yield the values of a text in order, of those only that begin with certain characters.

    The text is decoded in windows of whole lines, each twice as long as the one before while a
    value is cut off, so that the time is in proportion to the value: where decoding fails,
    Python's decoder counts the lines before that. What is read in vain beyond the first line of
    a value is bounded.
    """
    position = start = stop = 0
    window, budget = "", _IN_VAIN * len(text)
    while (position := _end(separators, text, position)) < len(text):
        if begins and text[position] not in begins:
            position = _line_end(text, position)
            continue
        if position >= stop:
            start, stop = position, _line_end(text, position)
            window = text[start:stop]
        value, end, error, is_cut = _decoded(window, position - start)
        if error is None:
            yield _Piece(position, start + end, value, None, False)
            position = start + end
        elif is_cut and stop < len(text) and 2 * (stop - position) <= budget:
            goal = min(2 * stop - position, len(text))
            start, stop = position, _line_end(text, goal)
            window = text[start:stop]
        else:
            budget -= stop - position
            end = _line_end(text, position)
            yield _Piece(position, end, None, error, is_cut and stop == len(text))
            position, stop = end, 0


def _decoded(window: str, start: int) -> tuple[Any, int, str | None, bool]:
    """Return a value, its end, what is wrong with it, and whether it is cut off."""
    try:
        value, end = _DECODER.raw_decode(window, start)
    except RecursionError:
        return None, start, f" that is read: {too_deep()}", False
    except json.JSONDecodeError as error:
        is_cut = _end(_SPACE, window, error.pos) == len(
            window
        ) or error.msg.startswith("Unterminated string")
        return None, start, f": {error.msg}", is_cut
    except ValueError as error:  # a number of thousands of digits
        return None, start, f": {error}", False
    if is_too_deep(value):
        return None, start, f" that is read: {too_deep()}", False
    return value, end, None, False


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    """Return where a pattern that always matches ends."""
    match = pattern.match(text, position)
    return match.end() if match else position


def _line_end(text: str, position: int) -> int:
    """Return where the next line begins."""
    return text.find("\n", position) + 1 or len(text)
