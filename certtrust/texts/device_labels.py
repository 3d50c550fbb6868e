"""How a device is named to people: who uses it, their number, and its serial."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..arrays.arrow import text
from .sentences import joined, sentences
from .visible import each_on_one_line

LABELLED_BY = ("device", "long_name", "number", "user")
"""The columns that a label is made of, those of ATTEMPTS and RESULTS."""

_RIGHT_TO_LEFT = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]"
"""Hebrew, Arabic and their like: digits behind them would be drawn before them, out of order."""


def labels_of(rows: pd.DataFrame) -> pd.Series:
    """Return how the device of each row is named to people.

    Parameters
    ----------
    rows : DataFrame
        Any table with a column `device`; of `long_name`, `number` and `user` those that it has.

    Returns
    -------
    Series
        Text, with the index of `rows`, see `device_labels`.

    Examples
    --------
    >>> rows = pd.DataFrame({"device": ["0090332f688a"], "long_name": ["Mara Peters"]})
    >>> labels_of(rows).tolist()
    ['Mara Peters, 0090332f688a']
    """
    persons = (rows.get(name) for name in LABELLED_BY[1:])
    return device_labels(rows["device"], *persons)


def labels_by_device(rows: pd.DataFrame) -> pd.Series:
    """Return how each device of a table is named to people, once.

    Parameters
    ----------
    rows : DataFrame
        As of `labels_of`.

    Returns
    -------
    Series
        One label per device, which is its index. Where a device has several labels, one with a
        person counts before the bare device, then the first by alphabet.

    Examples
    --------
    >>> rows = pd.DataFrame({"device": ["a", "a"], "long_name": [None, "Mara Peters"]})
    >>> labels_by_device(rows).to_dict()
    {'a': 'Mara Peters, a'}
    """
    named = pd.DataFrame({"device": rows["device"], "label": labels_of(rows)})
    named = named.dropna().drop_duplicates()
    named["is_bare"] = named["label"] == named["device"]
    first = named.sort_values(["is_bare", "label"]).drop_duplicates("device")
    return first.set_index("device")["label"]


def device_labels(
    device: pd.Series,
    long_name: pd.Series | None = None,
    number: pd.Series | None = None,
    user: pd.Series | None = None,
) -> pd.Series:
    r"""Return how each device is named to people, such as `Mara Peters (10003), 0090332f688a`.

    Parameters
    ----------
    device : Series
        Text: the serial or the hardware ID, as in the column `device` of RESULTS.
    long_name, number, user : Series, optional
        Text of the same length: long name, extension and registration name of the user object.
        A user stands in where there is no long name.

    Returns
    -------
    Series
        Text, with the index of `device`. Parts that are missing or blank are left out, as is a name
        that only repeats the device or the number; missing where there is no part at all. Every
        label is one line, and characters that cannot be seen or that turn a line around are
        replaced as by `certtrust.texts.visible.one_line`. The device comes first where the name is
        written from right to left, since its digits would be drawn in another order behind it.

    Examples
    --------
    >>> device = pd.Series(["0090332f688a", "0090332f688b", "IP222-2f-68-8c", None])
    >>> names = pd.Series(["Mara Peters", None, "IP222-2f-68-8c", "Jo\u202e"])
    >>> device_labels(device, names, pd.Series(["10003", "10004", " ", None])).tolist()[:2]
    ['Mara Peters (10003), 0090332f688a', 'number 10004, 0090332f688b']
    >>> device_labels(device, names).tolist()[2:]
    ['IP222-2f-68-8c', 'Jo\ufffd']
    """
    serial = _part(device, len(device))
    extension = _part(number, len(device))
    person = pc.coalesce(
        *(
            _unless_it_repeats(_part(names, len(device)), serial, extension)
            for names in (long_name, user)
        )
    )
    whole = _filled("person", person=person, number=extension)
    alone = _filled("number", number=extension)
    person = pc.coalesce(whole, person, alone)
    both = pc.if_else(
        pc.match_substring_regex(person, _RIGHT_TO_LEFT),
        _filled("right_to_left", person=person, device=serial),
        _filled("device", person=person, device=serial),
    )
    label = pc.coalesce(both, person, serial)
    return pd.Series(pd.array(label, dtype="str"), index=device.index)


def _part(values: pd.Series | None, rows: int) -> Any:
    """Return values as Arrow text of one line each; what is blank is missing."""
    if values is None:
        return pa.nulls(rows, pa.large_string())
    is_category = isinstance(values.dtype, pd.CategoricalDtype)
    words = text(values.astype("str") if is_category else values)
    words = pc.utf8_trim_whitespace(each_on_one_line(words))
    return pc.if_else(pc.equal(words, ""), pa.scalar(None, pa.large_string()), words)


def _unless_it_repeats(names: Any, *parts: Any) -> Any:
    """Return the names, missing where one is what another part says anyway."""
    repeats = np.zeros(len(names), dtype=bool)
    for part in parts:
        same = pc.equal(pc.utf8_lower(names), pc.utf8_lower(part))
        repeats |= pc.fill_null(same, fill_value=False).to_numpy(zero_copy_only=False)
    return pc.if_else(pa.array(repeats), pa.scalar(None, pa.large_string()), names)


def _filled(key: str, **words: Any) -> Any:
    """Return the sentence filled, missing where one of its parts is."""
    rows = len(next(iter(words.values())))
    return text(joined(sentences()["device_labels"][key], words, rows))
