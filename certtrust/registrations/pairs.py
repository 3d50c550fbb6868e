"""Words of the form `key=value` in many texts at once."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .field_values import TEXT
from .text.spans import Delimiters, Positions, Spans, Words, split_at_mark

_QUOTED = re.compile(
    rb"(?:^|(?<=[\s,;|]))([A-Za-z_][\w.-]*)="
    rb'(?:"([^"]*)"|((?:[^\s",;|]|[,;|](?![A-Za-z_][\w.-]*=))*))'
)
_BETWEEN = b",;|\t"
"""What may part words beside blanks, where a key follows it."""
_IS_KEY = np.zeros(256, bool)
_IS_KEY[
    list(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
] = True

_SAMPLE = 20
"""Texts that are looked at to learn the form of all."""
_TEMPLATE_WORDS = 24
"""Words of a text that a template covers."""
_LONGEST_KEY = 32

Values = dict[str, Spans]
"""The values of each name, missing where a text has none."""


def pairs(spans: Spans, delimiters: Delimiters, keys: dict[str, str]) -> Values:
    """Return the values of the keys.

    Parameters
    ----------
    spans : Spans
        Texts in the order of their bytes, none missing.
    delimiters : Delimiters
        Where the words are separated, and where the equals signs stand.
    keys : dict
        Name by the lower-case spelling of a key; of a name that occurs again the first value
        counts.

    Returns
    -------
    dict of Spans
        By name; a name that occurs in no text is absent.
    """
    return _by_name(*split_at_mark(spans, delimiters), keys, len(spans.start))


def pairs_with_quotes(
    spans: Spans, delimiters: Delimiters, keys: dict[str, str]
) -> Values:
    """Return the values of words between blanks, which double quotes may hold together.

    Commas and semicolons behind a value are no part of it.
    """
    template = _template(spans, delimiters.marks)
    values, explained = _by_template(spans, delimiters, keys, template)
    if explained.sum() < len(delimiters.marks):
        begin, end = (
            np.searchsorted(delimiters.marks, edge)
            for edge in (spans.start, spans.stop)
        )
        rest = np.flatnonzero(explained < end - begin)
        others = _of_any_form(spans.take(rest), delimiters, keys)
        nothing = spans.where(np.zeros(len(explained), bool))
        for name in values | others:
            new = others.get(name, nothing.take(rest))
            values[name] = values.get(name, nothing).replaced(rest, new)
    return {name: value for name, value in values.items() if value.present.any()}


def _template(spans: Spans, marks: Positions) -> list[tuple[int, bytes]]:
    """Return the commonest key at each index of the words of a sample, the last index first.

    What writes a log has few forms of messages, so that the words at one index mostly have the
    same key.
    """
    rows = np.unique(
        np.searchsorted(spans.stop, marks[:: max(1, len(marks) // _SAMPLE)])
    )
    sample = spans.take(rows[rows < len(spans.stop)])
    counts: dict[int, Counter[bytes]] = {}
    for start, stop in zip(sample.start.tolist(), sample.stop.tolist(), strict=True):
        words = spans.data[start:stop].tobytes().split(b" ", _TEMPLATE_WORDS)
        for index, word in enumerate(words[:_TEMPLATE_WORDS]):
            key, mark, _ = word.partition(b"=")
            if mark and len(key) <= _LONGEST_KEY:
                counts.setdefault(index, Counter())[key] += 1
    return [
        (index, keys.most_common(1)[0][0])
        for index, keys in sorted(counts.items(), reverse=True)
    ]


def _by_template(
    spans: Spans,
    delimiters: Delimiters,
    keys: dict[str, str],
    template: list[tuple[int, bytes]],
) -> tuple[Values, Positions]:
    """Return the values where a template fits, and how many marks of each text it explains."""
    words = Words(spans, delimiters)
    values: Values = {}
    explained = np.zeros(len(spans.start), np.int64)
    for index, key in template:
        word = words.at(index)
        fits = word.starts_with(key + b"=")
        if name := keys.get(key.decode("latin-1").lower()):
            value = word.skip(len(key) + 1).rstrip(b",;")
            fits &= value.byte_at(0) != ord('"')
            # The template begins with the last word, so that the first value of a name stays.
            values[name] = (
                values[name].replaced(fits, value.take(fits))
                if name in values
                else value.where(fits)
            )
        explained += fits
    return values, explained


def _of_any_form(
    spans: Spans, delimiters: Delimiters, keys: dict[str, str]
) -> Values:
    """Return the values of texts of any form."""
    count = len(spans.start)
    row, key, value = split_at_mark(spans, _with_other_separators(spans, delimiters))
    value = value.rstrip(b",;|")
    quoted = np.unique(row[value.byte_at(0) == ord('"')])
    if not len(quoted):
        return _by_name(row, key, value, keys, count)
    plain = ~np.isin(row, quoted)
    values = _by_name(row[plain], key.take(plain), value.take(plain), keys, count)
    for name, (rows, spans_of_rows) in _quoted(spans, quoted, keys).items():
        if name in values:
            values[name] = values[name].replaced(rows, spans_of_rows)
        else:
            values[name] = spans_of_rows.scatter(rows, count)
    return values


def _with_other_separators(spans: Spans, delimiters: Delimiters) -> Delimiters:
    """Return the delimiters with each comma, semicolon, bar or tab that a key follows."""
    begin, end = (
        np.searchsorted(delimiters.marks, edge) for edge in (spans.start, spans.stop)
    )
    row = np.repeat(np.arange(len(begin)), end - begin)
    # The marks of each row, which need not follow those of the row before.
    first = np.repeat(begin - np.append(0, np.cumsum(end - begin)[:-1]), end - begin)
    marks = delimiters.marks[first + np.arange(len(row))]
    before, start = marks - 1, spans.start[row]
    for _ in range(_LONGEST_KEY):
        inside = (before >= start) & _IS_KEY[spans.data[before]]
        if not inside.any():
            break
        before = before - inside
    is_separator = (before >= start) & (before < marks - 1)
    is_separator &= np.isin(spans.data[before], list(_BETWEEN))
    if not is_separator.any():
        return delimiters
    separators = np.union1d(delimiters.separators, before[is_separator])
    return Delimiters(separators, delimiters.marks)


def _by_name(
    row: Positions, key: Spans, value: Spans, keys: dict[str, str], count: int
) -> Values:
    """Return the values of `key=value` words, each of which is in a row, by name."""
    names = list(dict.fromkeys(keys.values()))
    indices = pc.index_in(pc.ascii_lower(key.text()), pa.array(keys, TEXT))
    code_of_key = np.array([*map(names.index, keys.values()), -1])
    codes = code_of_key[pc.fill_null(indices, -1).to_numpy()]
    values: Values = {}
    for code, name in enumerate(names):
        words = np.flatnonzero(codes == code)
        if len(words):
            first = words[np.diff(row[words], prepend=-1) > 0]
            values[name] = value.take(first).scatter(row[first], count)
    return values


def _quoted(
    spans: Spans, rows: Positions, keys: dict[str, str]
) -> dict[str, tuple[Positions, Spans]]:
    """Return the rows and the values of each name in texts with quotes."""
    edges: dict[str, dict[int, tuple[int, int]]] = {}
    starts, stops = spans.start[rows].tolist(), spans.stop[rows].tolist()
    for row, start, stop in zip(rows.tolist(), starts, stops, strict=True):
        for match in _QUOTED.finditer(spans.data[start:stop].tobytes()):
            name = keys.get(match[1].decode().lower())
            if name is None:
                continue
            if match[2] is not None:
                begin, end = match.span(2)
            else:
                begin = match.start(3)
                end = begin + len(match[3].rstrip(b",;"))
            edges.setdefault(name, {}).setdefault(row, (start + begin, start + end))
    return {
        name: (
            np.array(list(by_row)),
            Spans(spans.data, *np.array(list(by_row.values())).T),
        )
        for name, by_row in edges.items()
    }
