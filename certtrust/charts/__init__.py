"""Charts of a fleet: each function draws on `ax`, or on a figure of its own, and returns the Axes.

`CHARTS` has them all. A chart is one module and one line here; the order of the lines is that of
the page.
"""

from __future__ import annotations

from ..texts.labels import cause_label
from .drawing.palette import cause_colours
from .drawing.record import Chart, charts_of
from .drawing.sheet import alternative_text, blank, figure_of, style

# isort: off
from .causes import causes as causes
from .remedies import remedies as remedies
from .timeline import failures_over_time, timeline as timeline
from .since_when import first_failures, since_when as since_when
from .heatmap import causes_by_group, heatmap as heatmap
from .combinations import broken_together, combinations as combinations
from .compared import compared as compared
from .ladder import ladder as ladder
from .trust_tree import issuer_tree, trust_tree as trust_tree
from .name_fit import name_fit as name_fit, name_relations
from .expiry import expiries, expiry as expiry
from .forecast import forecast as forecast
from .trend import trend as trend
# isort: on

from .figures.dashboard import dashboard
from .figures.themed import themed

CHARTS: dict[str, Chart] = charts_of(__name__, list(globals().values()))
"""The charts by name, in the order of the page: what `report` and `--png` draw."""

__all__ = [
    "CHARTS",
    "alternative_text",
    "blank",
    "broken_together",
    "cause_colours",
    "cause_label",
    "causes_by_group",
    "dashboard",
    "expiries",
    "failures_over_time",
    "figure_of",
    "first_failures",
    "issuer_tree",
    "name_relations",
    "style",
    "trend",
    "themed",
    *CHARTS,
]
