"""An opinion: a CN that begins a registration name ends at a boundary of it."""

from __future__ import annotations

import pandas as pd
import pyarrow.compute as pc

from ...arrays.arrow import as_mask, text
from ...names import matching
from ...names.device_ids import SOFT_CLIENT
from .rule import Rule, certificate_is_known


def _ends_at_a_boundary(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    names, cns = text(attempts["registration_name"]), text(attempts["subject_cn"])
    # The hardware ID of a soft client counts in upper and in lower case.
    soft = as_mask(pc.match_substring_regex(names, f"^{SOFT_CLIENT}$"))
    folded = (
        pc.if_else(soft, pc.utf8_lower(column), column) for column in (names, cns)
    )
    inside = matching.ends_inside(*folded).set_axis(attempts.index)
    return (~inside).where(certificate_is_known(attempts))


RULES = (
    Rule(
        code="hygiene.prefix",
        needs=("registration_name", "subject_cn", "subject"),
        holds=_ends_at_a_boundary,
        shown={"h323-certificate": 30},
        of_names=True,
    ),
)
