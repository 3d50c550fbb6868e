"""What the sentences of advice share: one template per kind of row, and who is spoken of."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ..texts.sentences import fill, sentences


def fill_each(templates: Mapping[str, str], kind: pd.Series, frame: pd.DataFrame) -> pd.Series:
    """Fill for each row the template of its kind.

    Examples
    --------
    >>> rows = pd.DataFrame({"device": ["a", "b"]})
    >>> fill_each({"up": "{device} works", "down": "{device} fails"}, pd.Series(["down", "up"]), rows).tolist()
    ['a fails', 'b works']
    """
    sentence = pd.Series("", index=pd.RangeIndex(len(frame)), dtype="str")
    positions = pd.Series(kind.to_numpy(), dtype="object")
    for name, rows in positions.groupby(positions, sort=False):
        sentence.iloc[rows.index] = fill(templates[str(name)], frame.iloc[rows.index]).array
    return sentence.set_axis(frame.index)


def the_pbx(pbx: pd.Series) -> pd.Series:
    """Return a PBX as it is spoken of, by its name where that is known."""
    words = sentences()["advice"]["where"]
    frame = pd.DataFrame({"pbx": pbx.astype("str")})
    return fill(words["pbx"], frame).where(pbx.notna(), words["unnamed pbx"])
