"""Words of the form `key=value` in many texts at once."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .columns import TEXT, Columns, scattered
from .spans import Places, Spans, parted

_QUOTED = re.compile(r'(?:^|(?<=[\s,;]))([A-Za-z_][\w.-]*)=(?:"([^"]*)"|([^\s"]*))')


def pairs(text: Any, separator: str, keys: dict[str, str]) -> Columns:
    """Return the values of known keys, one array per name.

    Parameters
    ----------
    text : Arrow array of text
        Words that a separator parts.
    separator : str
        One character.
    keys : dict
        Name of the array by the lower-case spelling of a key; of a name that occurs again the first value counts.

    Returns
    -------
    dict of Arrow arrays
        By name; a name that occurs in no text is absent.
    """
    return _columns(*parted(text, separator, "="), keys, len(text))


def pairs_with_quotes(text: Any, keys: dict[str, str]) -> Columns:
    """Return the same for words that blanks part and whose values may stand in double quotes, with blanks in them.

    Commas and semicolons behind a value are no part of it.
    """
    row, key, value = parted(text, " ", "=")
    value = value.without_last(b",;")
    quoted = np.unique(row[value.letter(0) == ord('"')])
    if not len(quoted):
        return _columns(row, key, value, keys, len(text))
    plain = ~np.isin(row, quoted)
    found = [_found(line, keys) for line in text.take(pa.array(quoted)).to_pylist()]
    names = dict.fromkeys(name for each in found for name in each)
    by_hand = {name: pa.array([each.get(name) for each in found], TEXT) for name in names}
    others = _columns(row[plain], key.only(plain), value.only(plain), keys, len(text))
    return scattered([(None, others), (quoted, by_hand)], len(text))


def _columns(row: Places, key: Spans, value: Spans, keys: dict[str, str], count: int) -> Columns:
    """Return the values of known keys, of which each is in a row."""
    names = list(dict.fromkeys(keys.values()))
    known = pc.fill_null(pc.index_in(pc.ascii_lower(key.text()), pa.array(keys, TEXT)), -1).to_numpy()
    number = np.array([*map(names.index, keys.values()), -1])[known]
    made: Columns = {}
    for each, name in enumerate(names):
        words = np.flatnonzero(number == each)
        if len(words):
            words = words[np.diff(row[words], prepend=-1) > 0]
            made[name] = _placed(value.only(words), row[words], count)
    return made


def _placed(values: Spans, rows: Places, count: int) -> Any:
    """Return values as the text of some rows, missing in all others."""
    start, stop, has = np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count, bool)
    start[rows], stop[rows], has[rows] = values.start, values.stop, True
    return Spans(values.octets, start, stop).text(has)


def _found(line: str, keys: dict[str, str]) -> dict[str, str]:
    made: dict[str, str] = {}
    for key, quoted, bare in _QUOTED.findall(line):
        if name := keys.get(key.lower()):
            made.setdefault(name, quoted or bare.rstrip(",;"))
    return made
