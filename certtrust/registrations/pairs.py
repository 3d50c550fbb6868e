"""Words of the form `key=value` in many texts at once."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .columns import TEXT, Columns, scattered

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
    names = list(dict.fromkeys(keys.values()))
    name_of_key = np.array([names.index(name) for name in keys.values()])
    words = pc.split_pattern(text, separator)
    parts = pc.split_pattern(words.flatten(), "=", max_splits=1)
    flat, start = parts.flatten(), parts.offsets.to_numpy()
    spelled = pc.ascii_lower(flat.take(pa.array(start[:-1])))
    key = pc.index_in(spelled, pa.array(list(keys), TEXT))
    hits = np.flatnonzero(pc.is_valid(key).to_numpy(zero_copy_only=False) & (np.diff(start) == 2))[::-1]
    rows = pc.list_parent_indices(words).to_numpy()[hits]
    name = name_of_key[key.take(pa.array(hits)).to_numpy()]
    made: Columns = {}
    for number in np.unique(name):
        at = np.full(len(text), -1)
        # The hits stand in reverse, so that the first of a row is written last.
        at[rows[name == number]] = start[hits[name == number]] + 1
        made[names[number]] = flat.take(pa.array(at, mask=at < 0))
    return made


def pairs_with_quotes(text: Any, keys: dict[str, str]) -> Columns:
    """Return the same for words that blanks part and whose values may stand in double quotes, with blanks in them."""
    quoted = pc.fill_null(pc.match_substring_regex(text, '="'), False).to_numpy(zero_copy_only=False)
    if not quoted.any():
        return _bare(text, keys)
    rows, others = np.flatnonzero(quoted), np.flatnonzero(~quoted)
    found = [_found(line, keys) for line in text.take(pa.array(rows)).to_pylist()]
    names = dict.fromkeys(name for each in found for name in each)
    by_hand = {name: pa.array([each.get(name) for each in found], TEXT) for name in names}
    return scattered([(rows, by_hand), (others, _bare(text.take(pa.array(others)), keys))], len(text))


def _bare(text: Any, keys: dict[str, str]) -> Columns:
    return {name: pc.utf8_rtrim(values, ",;") for name, values in pairs(text, " ", keys).items()}


def _found(line: str, keys: dict[str, str]) -> dict[str, str]:
    made: dict[str, str] = {}
    for key, quoted, bare in _QUOTED.findall(line):
        if name := keys.get(key.lower()):
            made.setdefault(name, quoted or bare.rstrip(",;"))
    return made
