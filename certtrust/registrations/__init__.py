"""Registration logs of any documented format as one table."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa

from . import columns
from .reading import tables

__all__ = ["read_registrations"]


def read_registrations(
    source: Any,
    *,
    format: str | None = None,  # noqa: A002 - the public name
    patterns: Any = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read registration logs into one row per line or record."""
    found = tables(source, form=format, patterns=patterns, workers=workers, progress=progress)
    return columns.frame(pa.concat_tables([columns.SCHEMA.empty_table(), *found]))
