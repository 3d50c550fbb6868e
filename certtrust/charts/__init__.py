"""Charts of a fleet: one function each, which draws on `ax` or on a figure of its own and returns the Axes."""

from __future__ import annotations

from .causes import causes
from .labels import cause_label
from .palette import cause_colours
from .sheet import alternative_text, blank

__all__ = ["alternative_text", "blank", "cause_colours", "cause_label", "causes"]
