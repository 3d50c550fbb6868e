"""Charts of a fleet: one function each, which draws on `ax` or on a figure of its own and returns the Axes."""

from __future__ import annotations

from .causes import causes
from .combinations import broken_together, combinations
from .compared import compared
from .expiry import expiries, expiry
from .forecast import forecast
from .heatmap import causes_by_group, heatmap
from .labels import cause_label
from .name_fit import name_fit, name_relations
from .palette import cause_colours
from .remedies import remedies
from .sheet import alternative_text, blank, figure_of, style
from .timeline import failures_over_time, timeline
from .trust_tree import issuer_tree, trust_tree

__all__ = [
    "alternative_text",
    "blank",
    "broken_together",
    "cause_colours",
    "cause_label",
    "causes",
    "causes_by_group",
    "combinations",
    "compared",
    "expiries",
    "expiry",
    "failures_over_time",
    "figure_of",
    "forecast",
    "heatmap",
    "issuer_tree",
    "name_fit",
    "name_relations",
    "remedies",
    "style",
    "timeline",
    "trust_tree",
]
