"""A fleet at two moments, or at many: what changed between them, and the trend."""

from __future__ import annotations

from .difference import Difference, diff, difference
from .runs import trend
from .saved import FORMAT, read_state, state_of_json, state_tables
from .state import State, state_of

__all__ = [
    "FORMAT",
    "Difference",
    "State",
    "diff",
    "difference",
    "read_state",
    "state_of",
    "state_of_json",
    "state_tables",
    "trend",
]
