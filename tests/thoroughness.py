"""How many examples a property test draws: a quarter by default, all in `make check-all`."""

import os

SHARE = float(os.environ.get("CERTTRUST_EXAMPLES", "0.25"))


def examples(count: int) -> int:
    """Return how many of `count` examples to draw in this run."""
    return max(5, round(count * SHARE))
