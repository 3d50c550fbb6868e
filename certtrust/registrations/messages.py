"""What a message says about a registration, by patterns that the user can teach."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .columns import TEXT, Columns


def read(text: Any, patterns: Any) -> Columns:
    """Return the columns that the patterns find in messages, and by which pattern in `matched_by`."""
    return {"matched_by": pa.nulls(len(text), TEXT)}


def merged(made: Columns, said: Columns) -> Columns:
    """Complete the columns of an envelope by those of its message; what the message says comes first."""
    both = {name: pc.coalesce(said[name], made[name]) for name in said if name in made}
    return made | said | both
