"""What the sentences of advice share: one template per kind of row, and the name of a PBX."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ..texts.sentences import fill, sentences


def fill_by_kind(
    templates: Mapping[str, str], kind: pd.Series, values: pd.DataFrame
) -> pd.Series:
    """Return the template of each row's kind, filled with the row's values.

    Examples
    --------
    >>> rows = pd.DataFrame({"device": ["a", "b"]})
    >>> templates = {"up": "{device} works", "down": "{device} fails"}
    >>> fill_by_kind(templates, pd.Series(["down", "up"]), rows).tolist()
    ['a fails', 'b works']
    """
    filled = pd.Series(index=range(len(values)), dtype="str")
    for name, rows in values.groupby(kind.array, sort=False).indices.items():
        filled.iloc[rows] = fill(templates[str(name)], values.iloc[rows]).array
    return filled.set_axis(values.index)


def the_pbx(pbx: pd.Series) -> pd.Series:
    """Return how to speak of each PBX: by its name where that is known."""
    words = sentences()["advice"]["where"]
    frame = pd.DataFrame({"pbx": pbx.astype("str")})
    return fill(words["pbx"], frame).where(pbx.notna(), words["unnamed pbx"])
