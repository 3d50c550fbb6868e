"""Words of the form `key=value` in many texts at once."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .field_values import TEXT
from .text.spans import Delimiters, Positions, Spans, Words, as_mask, split_at_mark

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

Twins = dict[str, Positions]
"""The texts that give a name two different values."""


class Pairs(NamedTuple):
    """The values of each name, the first ones of each text, and where others contradict them."""

    values: Values
    twins: Twins


def pairs(spans: Spans, delimiters: Delimiters, keys: dict[str, str]) -> Pairs:
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
    Pairs
        By name; a name that occurs in no text is absent.
    """
    return _by_name(*split_at_mark(spans, delimiters), keys, len(spans.start))


def pairs_with_quotes(
    spans: Spans, delimiters: Delimiters, keys: dict[str, str]
) -> Pairs:
    """Return the values of words between blanks, which double quotes may hold together.

    Commas and semicolons behind a value are no part of it.
    """
    template = _template(spans, delimiters.marks)
    (values, twins), explained = _by_template(spans, delimiters, keys, template)
    if explained.sum() < len(delimiters.marks):
        begin, end = (
            np.searchsorted(delimiters.marks, edge)
            for edge in (spans.start, spans.stop)
        )
        rest = np.flatnonzero(explained < end - begin)
        others = _of_any_form(spans.take(rest), delimiters, keys)
        nothing = spans.where(np.zeros(len(explained), bool))
        for name in values | others.values:
            new = others.values.get(name, nothing.take(rest))
            values[name] = values.get(name, nothing).replaced(rest, new)
        twins = _together(
            twins, {name: rest[at] for name, at in others.twins.items()}
        )
    values = {name: value for name, value in values.items() if value.present.any()}
    return Pairs(values, twins)


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
) -> tuple[Pairs, Positions]:
    """Return the values where a template fits, and how many marks of each text it explains."""
    words = Words(spans, delimiters)
    values: Values = {}
    twins: Twins = {}
    explained = np.zeros(len(spans.start), np.int64)
    for index, key in template:
        word = words.at(index)
        fits = word.starts_with(key + b"=")
        if name := keys.get(key.decode("latin-1").lower()):
            value = word.skip(len(key) + 1).rstrip(b",;")
            fits &= value.byte_at(0) != ord('"')
            if name in values:
                # The template begins with the last word: the first value of a name stays.
                again = np.flatnonzero(fits & values[name].present)
                is_other = _differ(values[name].take(again), value.take(again))
                twins = _together(twins, {name: again[is_other]})
                values[name] = values[name].replaced(fits, value.take(fits))
            else:
                values[name] = value.where(fits)
        explained += fits
    return Pairs(values, twins), explained


def _together(twins: Twins, others: Twins) -> Twins:
    """Return the texts with twins of either, without names that have none."""
    nothing = np.zeros(0, np.int64)
    every = {
        name: np.union1d(twins.get(name, nothing), others.get(name, nothing))
        for name in twins | others
    }
    return {name: rows for name, rows in every.items() if len(rows)}


def _differ(values: Spans, others: Spans) -> Positions:
    """Return where two values differ, whatever their case."""
    texts = (pc.ascii_lower(value.text()) for value in (values, others))
    return np.flatnonzero(as_mask(pc.not_equal(*texts)))


def _of_any_form(spans: Spans, delimiters: Delimiters, keys: dict[str, str]) -> Pairs:
    """Return the values of texts of any form."""
    count = len(spans.start)
    row, key, value = split_at_mark(spans, _with_other_separators(spans, delimiters))
    value = value.rstrip(b",;|")
    quoted = np.unique(row[value.byte_at(0) == ord('"')])
    if not len(quoted):
        return _by_name(row, key, value, keys, count)
    plain = ~np.isin(row, quoted)
    plain_words = key.take(plain), value.take(plain)
    values, twins = _by_name(row[plain], *plain_words, keys, count)
    with_quotes, twins_with_quotes = _quoted(spans, quoted, keys)
    for name, (rows, spans_of_rows) in with_quotes.items():
        if name in values:
            values[name] = values[name].replaced(rows, spans_of_rows)
        else:
            values[name] = spans_of_rows.scatter(rows, count)
    return Pairs(values, _together(twins, twins_with_quotes))


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
) -> Pairs:
    """Return the values of `key=value` words, each of which is in a row, by name."""
    names = list(dict.fromkeys(keys.values()))
    indices = pc.index_in(pc.ascii_lower(key.text()), pa.array(keys, TEXT))
    code_of_key = np.array([*map(names.index, keys.values()), -1])
    codes = code_of_key[pc.fill_null(indices, -1).to_numpy()]
    values: Values = {}
    twins: Twins = {}
    for code, name in enumerate(names):
        words = np.flatnonzero(codes == code)
        if not len(words):
            continue
        is_first = np.diff(row[words], prepend=-1) > 0
        first, again = words[is_first], words[~is_first]
        values[name] = value.take(first).scatter(row[first], count)
        if len(again):
            is_other = _differ(value.take(again), values[name].take(row[again]))
            twins = _together(twins, {name: row[again[is_other]]})
    return Pairs(values, twins)


def _quoted(
    spans: Spans, rows: Positions, keys: dict[str, str]
) -> tuple[dict[str, tuple[Positions, Spans]], Twins]:
    """Return the rows and the values of each name in texts with quotes, and their twins."""
    edges: dict[str, dict[int, tuple[int, int]]] = {}
    twins: dict[str, list[int]] = {}
    starts, stops = spans.start[rows].tolist(), spans.stop[rows].tolist()
    for row, start, stop in zip(rows.tolist(), starts, stops, strict=True):
        text = spans.data[start:stop].tobytes()
        for match in _QUOTED.finditer(text):
            name = keys.get(match[1].decode().lower())
            if name is None:
                continue
            if match[2] is not None:
                begin, end = match.span(2)
            else:
                begin = match.start(3)
                end = begin + len(match[3].rstrip(b",;"))
            edge = (start + begin, start + end)
            first = edges.setdefault(name, {}).setdefault(row, edge)
            value = text[first[0] - start : first[1] - start]
            if value.lower() != text[begin:end].lower():
                twins.setdefault(name, []).append(row)
    values = {
        name: (
            np.array(list(by_row)),
            Spans(spans.data, *np.array(list(by_row.values())).T),
        )
        for name, by_row in edges.items()
    }
    return values, {name: np.array(rows) for name, rows in twins.items()}
