"""Partitions: a fleet dealt by device to parts that are judged by themselves, like small fleets.

What concerns a single device stands in its part; what is common to all is small, and every part
has it. `common.py` says what is common and which part a row goes to, `split.py` deals a fleet that
is at hand, `judged.py` puts the answers of the parts together again.
"""

from __future__ import annotations

from .common import Common, Contribution, contribution, named, part_numbers
from .judged import judge, together
from .split import Part, Split, split

__all__ = [
    "Common",
    "Contribution",
    "Part",
    "Split",
    "contribution",
    "judge",
    "named",
    "part_numbers",
    "split",
    "together",
]
