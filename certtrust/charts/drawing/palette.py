"""One colour per cause, the same in every chart, distinguishable without full colour vision.

The colours were searched so that any two of a theme stay apart by at least 17 (CIE 1976 Lab) in
normal vision and in simulated protanopia, deuteranopia and tritanopia, and so that each stands out
from its background by a contrast of 3 or more. The tests compute both again.
"""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

CAUSE_COLOURS: dict[str, tuple[str, str]] = {
    "certificate.trust": ("#1765ba", "#6e9dff"),
    "certificate.name": ("#b04e00", "#db6710"),
    "time.validity": ("#ce8500", "#f4be0d"),
    "time.clock": ("#a14490", "#fb92d1"),
    "transport.tls_only": ("#008b56", "#41bf8a"),
    "password.tls_only": ("#4197e3", "#66e3ff"),
    "browser.trust": ("#332288", "#8065bc"),
    "browser.name": ("#710f57", "#b74c71"),
    "wrong_password": ("#735128", "#b8a65e"),
    "unknown_user": ("#9c9749", "#d3da66"),
    "already_registered": ("#3f3d2f", "#8c6c49"),
    "timeout": ("#616868", "#65949b"),
    "unexplained": ("#8196a1", "#d9f1ee"),
}
"""Colour of each cause on a light and on a dark background."""

OTHER = ("#c3c8ce", "#4b535d")
"""Colour of what is folded together, and of what has no cause."""

GOOD = ("#2e7d5b", "#5cc79a")
"""Colour of what works: a registration that is up, an entry of a trust list."""

BAD = ("#b3261e", "#ff8a80")
"""Colour of a failure whose cause does not matter at that place."""

FURTHER = (
    ("#5a7d9a", "#7fa8cc"),
    ("#8a6d9e", "#b79ad0"),
    ("#6f8f5f", "#9cc48a"),
    ("#a0705c", "#d39d87"),
    ("#4f8a8b", "#7cc4c5"),
)
"""Colours of causes that the package does not know; the name decides which, so that it stays."""


def colour(pair: tuple[str, str], *, dark: bool = False) -> str:
    """Return the colour of the pair for the background."""
    return pair[1] if dark else pair[0]


def cause_colours(causes: Iterable[str], *, dark: bool = False) -> dict[str, str]:
    """Return the colour of each cause as `#rrggbb`.

    Parameters
    ----------
    causes : iterable of str
        Causes as in `cause` of RESULTS; one that is not known by name gets a muted colour.
    dark : bool
        Whether the background is dark.

    Returns
    -------
    dict
        Cause -> colour, in the order of `causes`.

    Examples
    --------
    >>> cause_colours(["timeout", "certificate.trust"])
    {'timeout': '#616868', 'certificate.trust': '#1765ba'}
    """
    return {
        cause: colour(CAUSE_COLOURS.get(cause) or _muted(cause), dark=dark)
        for cause in dict.fromkeys(causes)
    }


def _muted(cause: str) -> tuple[str, str]:
    return FURTHER[crc32(cause.encode()) % len(FURTHER)]
