"""A fleet: its certificates, trust lists, PBX objects and registration logs, side by side.

`read_fleet` sorts files by what they hold (`kinds.py`), lets the reader of each kind read its
own, and accounts for every file in `Fleet.sources`.
"""

from __future__ import annotations

from .reading import read_fleet
from .tables import CAPTURES, FOLDERS, TABLES, Fleet, expect_fleet, link

__all__ = [
    "CAPTURES",
    "FOLDERS",
    "TABLES",
    "Fleet",
    "expect_fleet",
    "link",
    "read_fleet",
]
