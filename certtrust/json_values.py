"""JSON values that stand one after the other in a text, in time in proportion to it.

An object in which a key has different values is `Ambiguous`; all of them can be read from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .column_names import presentable
from .formats import is_too_deep, too_deep

_IN_VAIN = 8
"""How many times the size of a text may be read in vain before each line is read by itself."""
_SEPARATORS = re.compile(r"[ \t\r\n,\ufeff]*")
_SEPARATORS_IN_LISTS = re.compile(r"[ \t\r\n,\ufeff\[\]]*")
_SPACE = re.compile(r"\s*")


_SHOWN_KEYS, _SHOWN = 5, 40
"""How many keys a note names, and how many characters of each."""


class Ambiguous(dict[str, Any]):
    """An object some of whose keys have different values: the first ones, and the `others`."""

    def __init__(
        self, first_values: Mapping[str, Any], others: list[tuple[str, Any]]
    ) -> None:
        super().__init__(first_values)
        self.others = others

    def __eq__(self, other: object) -> bool:
        others = getattr(other, "others", None)
        return super().__eq__(other) and self.others == others

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None


def loads(text: str | bytes) -> Any:
    """Return the JSON value of a text, as `json.loads`; its objects may be `Ambiguous`.

    Examples
    --------
    >>> value = loads('{"id": null, "id": 1, "id": 2, "id": 1}')
    >>> value, value.others
    ({'id': 1}, [('id', 2)])
    """
    if isinstance(text, str) and not text.startswith("\ufeff"):
        return _DECODER.decode(text)
    return json.loads(text, object_pairs_hook=object_of)


def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of keys and values: of each key the first value that is not empty."""
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    value, others = {}, []
    for key, item in pairs:
        kept = value.setdefault(key, item)
        if kept is item or _is_empty(item):
            continue
        if _is_empty(kept):
            value[key] = item
        elif type(kept) is not type(item) or kept != item:
            others.append((key, item))
    return Ambiguous(value, others) if others else value


def _is_empty(item: Any) -> bool:
    return item is None or (isinstance(item, str) and not item.strip())


_DECODER = json.JSONDecoder(object_pairs_hook=object_of)


def dumps(value: Any) -> str:
    """Return a value as JSON on one line, with all values of `Ambiguous` objects."""
    return _written(value) if twins(value) else json.dumps(value, ensure_ascii=False)


def _written(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    pairs = [*value.items(), *getattr(value, "others", ())]
    parts = (f"{json.dumps(key)}: {_written(item)}" for key, item in pairs)
    return f"{{{', '.join(parts)}}}"


def all_values(value: dict[str, Any], key: str) -> list[Any]:
    """Return the different values that a key has in an object, none where it is not there."""
    others = getattr(value, "others", ())
    return (
        [value[key], *(item for name, item in others if name == key)]
        if key in value
        else []
    )


def twins(value: Any) -> list[str]:
    """Return the keys that have different values anywhere in a value, with dots if further in.

    Examples
    --------
    >>> twins(loads('{"user": [{"cn": "a", "cn": "b"}], "id": 1, "id": "1"}'))
    ['id', 'user.cn']
    """
    keys: dict[str, None] = {}
    waiting: list[tuple[_Path, Any]] = []
    if isinstance(value, dict | list):
        waiting.append(((), value))
    while waiting:
        path, part = waiting.pop()
        if isinstance(part, Ambiguous):
            keys |= dict.fromkeys(_dotted((path, key)) for key, _ in part.others)
        if isinstance(part, dict):
            children = [((path, key), item) for key, item in part.items()]
        else:
            children = [(path, item) for item in part]
        waiting += [
            child for child in reversed(children) if isinstance(child[1], dict | list)
        ]
    return list(keys)


_Path = tuple[Any, ...]
"""The path of an object and its key in it; nothing for the outermost one."""


def _dotted(path: _Path) -> str:
    names: list[str] = []
    while path:
        path, key = path
        shown = key[:_SHOWN]
        names.append(shown if presentable(shown) else "?")
    return ".".join(reversed(names))


def note_on_twins(keys: Iterable[str], unread: Iterable[str] = ()) -> str | None:
    """Return the note on a record in which keys have different values; None without such keys.

    Parameters
    ----------
    keys : iterable of str
        The keys that have different values.
    unread : iterable of str
        Those among them of which no value is read.

    Examples
    --------
    >>> note_on_twins(["hw"])
    'given twice with different values, of which the first is read: hw'
    """
    not_read = dict.fromkeys(unread)
    first = [key for key in keys if key not in not_read]
    notes = []
    if first:
        names = shown_keys(first)
        notes.append(
            f"given twice with different values, of which the first is read: {names}"
        )
    if not_read:
        names = shown_keys(list(not_read))
        notes.append(
            f"given twice with different values, of which none is read: {names}"
        )
    return "; ".join(notes) or None


def shown_keys(keys: list[str]) -> str:
    """Return the first keys of a list for a note."""
    return ", ".join(
        [*keys[:_SHOWN_KEYS], *(["..."] if len(keys) > _SHOWN_KEYS else [])]
    )


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
