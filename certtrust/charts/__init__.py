"""Charts of a fleet: one function each, which draws on `ax` or on a figure of its own and returns the Axes."""

from __future__ import annotations

from ..texts.labels import cause_label
from .causes import causes
from .combinations import broken_together, combinations
from .compared import compared
from .drawing.palette import cause_colours
from .drawing.sheet import alternative_text, blank, figure_of, style
from .expiry import expiries, expiry
from .forecast import forecast
from .heatmap import causes_by_group, heatmap
from .name_fit import name_fit, name_relations
from .remedies import remedies
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
