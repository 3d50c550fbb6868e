"""An opinion: a CN that begins a registration name ends at a boundary of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...arrays.arrow import true
from ...names import matching
from ...names.device_ids import SOFT_CLIENT
from .rule import Rule, certificate_is_known


def _ends_at_a_boundary(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    name, cn = attempts["registration_name"], attempts["subject_cn"]
    inside = matching.ends_inside(name, cn)
    # The hardware ID of a soft client counts in upper and in lower case.
    soft = np.flatnonzero(true(name.str.fullmatch(SOFT_CLIENT)))
    in_any_case = matching.ends_inside(
        name.iloc[soft].str.lower(), cn.iloc[soft].str.lower()
    )
    inside.iloc[soft] = inside.iloc[soft] | in_any_case
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
