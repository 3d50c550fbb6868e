"""Charts of a fleet: one function each, which draws on `ax` or on a figure of its own and returns the Axes."""

from __future__ import annotations

from .causes import causes
from .combinations import broken_together, combinations
from .compared import compared
from .heatmap import causes_by_group, heatmap
from .labels import cause_label
from .palette import cause_colours
from .sheet import alternative_text, blank, figure_of, style
from .timeline import failures_over_time, timeline

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
    "failures_over_time",
    "figure_of",
    "heatmap",
    "style",
    "timeline",
]
