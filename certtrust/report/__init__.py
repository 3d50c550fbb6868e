"""The report: one self-contained page, with the same content as JSON, CSV and pictures."""

from __future__ import annotations

from .content import Report, explain_fleet
from .exports import as_json, write_report
from .page import page
from .summary_text import summary_lines

STEPS = (
    "reading files",
    "checking signatures",
    "judging attempts",
    "counting causes",
    "searching remedies",
    "looking ahead",
    "drawing charts",
)
"""What takes time in a report, in order; for a progress bar."""

__all__ = ["STEPS", "Report", "as_json", "explain_fleet", "page", "summary_lines", "write_report"]
