"""Reasons: why attempts failed and what would help, in words."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ..arrays.arrow import as_mask
from ..evaluation.rules import BY_CODE
from ..evaluation.wire import seen_on_wire
from ..explanation.findings import explain, filled
from ..texts.sentences import sentences


def reasons(failed: pd.DataFrame) -> dict[str, pd.Series]:
    """Return `why` and `remedy` in words for the cause of each row."""
    why = pd.Series("", index=failed.index, dtype="str")
    remedy = pd.Series("", index=failed.index, dtype="str")
    cause = failed["cause"].astype("str")
    for name in cause.dropna().unique():
        rows = failed[cause == name]
        if name == "unexplained":
            on_wire = seen_on_wire(rows)
            parts = [
                (some, _filled(sentences()[table][name], some))
                for table, some in (
                    ("causes", rows[~on_wire]),
                    ("proofs", rows[on_wire]),
                )
            ]
        elif name not in BY_CODE:
            texts = sentences()["causes"].get(name, {"why": "", "remedy": ""})
            parts = [(rows, _filled(texts, rows))]
        else:
            # What the wire proves although the rule holds, or is undecided, by the data here.
            only_proven = (rows["evidence"] == "wire") & ~as_mask(~rows[name])
            broken, proven = rows[~only_proven], rows[only_proven]
            parts = []
            if len(broken):
                parts.append((broken, explain(broken, BY_CODE[name])))
            if len(proven):
                parts.append((proven, _filled(sentences()["proofs"][name], proven)))
        for part, words in parts:
            why[part.index], remedy[part.index] = words["why"], words["remedy"]
    return {"why": why, "remedy": remedy}


def _filled(texts: Mapping[str, str], rows: pd.DataFrame) -> dict[str, pd.Series]:
    return {part: filled(texts[part], rows) for part in ("why", "remedy")}
