"""Words of the form `key=value` in many texts at once."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .columns import NOTHING, TEXT, Columns, scattered

_LOOKED_AT = 64
"""Words of a text that are looked at, so that a line of nothing but words costs no more than others."""
_SAMPLE = 64
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
    words = pc.split_pattern(text, separator, max_splits=_LOOKED_AT)
    flat, start = words.flatten(), words.offsets.to_numpy()
    sizes = np.minimum(np.diff(start), _LOOKED_AT)
    made: Columns = {}
    # Lines of one program have the same words in the same places, so a place is looked at in all texts at once.
    for place in range(sizes.max(initial=0)):
        at = pa.array(start[:-1] + place, mask=sizes <= place)
        _add_in_place(made, flat.take(at), keys)
    return made


def _add_in_place(made: Columns, words: Any, keys: dict[str, str]) -> None:
    """Add the values of known keys among the words that stand in one place of their texts."""
    sample = {word.partition("=")[0] for word in words.slice(0, _SAMPLE).drop_null().to_pylist() if "=" in word}
    for key in sorted(key for key in sample if key.lower() in keys):
        words = _taken(made, words, pc.starts_with(words, f"{key}="), key, keys)
    # What no key of the sample begins may still begin with a known key.
    if not pc.any(pc.greater(pc.find_substring(words, "="), 0)).as_py():
        return
    if pc.any(pc.match_substring_regex(words, f"^(?i:{'|'.join(map(re.escape, keys))})=")).as_py():
        for key in keys:
            words = _taken(made, words, pc.match_substring_regex(words, f"^(?i:{re.escape(key)})="), key, keys)


def _taken(made: Columns, words: Any, has: Any, key: str, keys: dict[str, str]) -> Any:
    """Add the values of the words that have a key, and return the others."""
    values = pc.if_else(has, pc.utf8_slice_codeunits(words, len(key) + 1), NOTHING)
    name = keys[key.lower()]
    made[name] = pc.coalesce(made[name], values) if name in made else values
    return pc.if_else(has, NOTHING, words)


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
