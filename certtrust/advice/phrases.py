"""What the sentences of advice share: one template per kind of row, and who is spoken of."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..texts.sentences import fill, sentences


def fill_each(
    templates: Mapping[str, str], kind: pd.Series, frame: pd.DataFrame
) -> pd.Series:
    """Fill for each row the template of its kind.

    Examples
    --------
    >>> rows = pd.DataFrame({"device": ["a", "b"]})
    >>> templates = {"up": "{device} works", "down": "{device} fails"}
    >>> fill_each(templates, pd.Series(["down", "up"]), rows).tolist()
    ['a fails', 'b works']
    """
    code, names = pd.factorize(kind)
    order = np.argsort(code, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(code, minlength=len(names))))
    parts = [
        fill(templates[str(name)], frame.iloc[here])
        for name, here in zip(names, rows, strict=False)
    ]
    sentences_by_kind = pd.concat([pd.Series(dtype="str"), *parts])
    return pd.Series(sentences_by_kind.array.take(np.argsort(order)), index=frame.index)


def the_pbx(pbx: pd.Series) -> pd.Series:
    """Return a PBX as it is spoken of, by its name where that is known."""
    words = sentences()["advice"]["where"]
    frame = pd.DataFrame({"pbx": pbx.astype("str")})
    return fill(words["pbx"], frame).where(pbx.notna(), words["unnamed pbx"])
