"""Words of the form `key=value` in many texts at once."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .field_values import TEXT
from .text.spans import Cuts, Places, Spans, Words, parted

_QUOTED = re.compile(rb'(?:^|(?<=[\s,;]))([A-Za-z_][\w.-]*)=(?:"([^"]*)"|([^\s"]*))')

_SAMPLE = 20
"""Texts that are looked at to learn the form of all."""
_PLACES, _LONGEST = 24, 32
"""Words of a text that may be told by their place, and letters of their keys."""

Named = dict[str, Spans]
"""The values of each name, missing where a text has none."""


def pairs(spans: Spans, cuts: Cuts, keys: dict[str, str]) -> Named:
    """Return the values of known keys.

    Parameters
    ----------
    spans : Spans
        Texts in the order of their bytes, none missing.
    cuts : Cuts
        Where the words are parted, and where the equals signs stand.
    keys : dict
        Name by the lower-case spelling of a key; of a name that occurs again the first value
        counts.

    Returns
    -------
    dict of Spans
        By name; a name that occurs in no text is absent.
    """
    return _named(*parted(spans, cuts), keys, len(spans.start))


def pairs_with_quotes(spans: Spans, cuts: Cuts, keys: dict[str, str]) -> Named:
    """Return the same for words that blanks part and whose values may stand in double quotes,
    with blanks in them.

    Commas and semicolons behind a value are no part of it.
    """
    found, told = _alike(spans, cuts, keys, _template(spans, cuts.marks))
    if told.sum() < len(cuts.marks):
        marks = np.searchsorted(cuts.marks, spans.stop) - np.searchsorted(
            cuts.marks, spans.start
        )
        rest = np.flatnonzero(told < marks)
        others = _any(spans.only(rest), cuts, keys)
        nothing = spans.where(np.zeros(len(marks), bool))
        for name in found | others:
            found[name] = found.get(name, nothing).replaced(
                rest, others.get(name, nothing.only(rest))
            )
    return {name: values for name, values in found.items() if values.present.any()}


def _template(spans: Spans, marks: Places) -> list[tuple[int, bytes]]:
    """Return which keys stand in which places of a sample of the texts, the last place first.

    What writes a log has few forms of messages, so that the words in one place mostly have the
    same key.
    """
    some = marks[:: max(1, len(marks) // _SAMPLE)]
    rows = np.unique(np.searchsorted(spans.stop, some))
    sample = spans.only(rows[rows < len(spans.stop)])
    seen: dict[int, Counter[bytes]] = {}
    for start, stop in zip(sample.start.tolist(), sample.stop.tolist(), strict=True):
        for place, each in enumerate(
            spans.octets[start:stop].tobytes().split(b" ", _PLACES)[:_PLACES]
        ):
            key, mark, _ = each.partition(b"=")
            if mark and len(key) <= _LONGEST:
                seen.setdefault(place, Counter())[key] += 1
    return [
        (place, keys.most_common(1)[0][0])
        for place, keys in sorted(seen.items(), reverse=True)
    ]


def _alike(
    spans: Spans, cuts: Cuts, keys: dict[str, str], template: list[tuple[int, bytes]]
) -> tuple[Named, Places]:
    """Return the values where a template holds, and how many marks of each text it told the
    meaning of.
    """
    words = Words(spans, cuts)
    found: Named = {}
    told = np.zeros(len(spans.start), np.int64)
    for place, key in template:
        word = words.at(place)
        has = word.begins(key + b"=")
        if name := keys.get(key.decode("latin-1").lower()):
            value = word.later(len(key) + 1).without_last(b",;")
            has &= value.letter(0) != ord('"')
            # Places come from the last to the first, so the first value of a name is the one
            # that stays.
            found[name] = (
                found[name].replaced(has, value.only(has))
                if name in found
                else value.where(has)
            )
        told += has
    return found, told


def _any(spans: Spans, cuts: Cuts, keys: dict[str, str]) -> Named:
    """Return the values of texts of any form."""
    row, key, value = parted(spans, cuts)
    value = value.without_last(b",;")
    quoted = np.unique(row[value.letter(0) == ord('"')])
    if not len(quoted):
        return _named(row, key, value, keys, len(spans.start))
    plain = ~np.isin(row, quoted)
    made = _named(
        row[plain], key.only(plain), value.only(plain), keys, len(spans.start)
    )
    for name, (rows, values) in _by_hand(spans, quoted, keys).items():
        made[name] = (
            made[name].replaced(rows, values)
            if name in made
            else values.spread(rows, len(spans.start))
        )
    return made


def _named(
    row: Places, key: Spans, value: Spans, keys: dict[str, str], count: int
) -> Named:
    """Return the values of known keys, of which each is in a row."""
    names = list(dict.fromkeys(keys.values()))
    known = pc.fill_null(
        pc.index_in(pc.ascii_lower(key.text()), pa.array(keys, TEXT)), -1
    ).to_numpy()
    number = np.array([*map(names.index, keys.values()), -1])[known]
    made: Named = {}
    for each, name in enumerate(names):
        words = np.flatnonzero(number == each)
        if len(words):
            words = words[np.diff(row[words], prepend=-1) > 0]
            made[name] = value.only(words).spread(row[words], count)
    return made


def _by_hand(
    spans: Spans, rows: Places, keys: dict[str, str]
) -> dict[str, tuple[Places, Spans]]:
    """Return the rows and the values of each name in texts with quotes."""
    places: dict[str, dict[int, tuple[int, int]]] = {}
    for row, start, stop in zip(
        *(each.tolist() for each in (rows, spans.start[rows], spans.stop[rows])),
        strict=True,
    ):
        for found in _QUOTED.finditer(spans.octets[start:stop].tobytes()):
            if name := keys.get(found[1].decode().lower()):
                begin, end = found.span(2 if found[2] is not None else 3)
                end = (
                    end if found[2] is not None else begin + len(found[3].rstrip(b",;"))
                )
                places.setdefault(name, {}).setdefault(
                    row, (start + begin, start + end)
                )
    return {
        name: (
            np.array(list(found)),
            Spans(spans.octets, *np.array(list(found.values())).T),
        )
        for name, found in places.items()
    }
