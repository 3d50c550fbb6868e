"""The report: one self-contained page, with the same content as JSON, CSV and pictures."""

from __future__ import annotations

from .content import Report, explain_fleet
from .exports import as_json, write_report
from .head import has_verdict, head, head_lines
from .page import page
from .summary_text import summary_lines

STEPS = ("reading", "signatures", "attempts", "remedies", "names", "charts")
"""What takes time in a report, in order, for a progress bar; `[report.steps]` has their words."""

__all__ = [
    "STEPS",
    "Report",
    "as_json",
    "explain_fleet",
    "has_verdict",
    "head",
    "head_lines",
    "page",
    "summary_lines",
    "write_report",
]
