"""Names of files and folders made of names that strangers chose."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_LONGEST = 60
_RESERVED = {
    *("con", "prn", "aux", "nul", "conin$", "conout$", "clock$"),
    *(f"{port}{number}" for port in ("com", "lpt") for number in range(10)),
}
"""What Windows takes for a device, whatever ending follows."""


def file_names(names: Iterable[str]) -> dict[str, str]:
    """Return a name of a file for each name, distinct on every file system.

    Letters, digits, `-`, `_` and dots inside stay; all else becomes `_`. None is empty, begins
    or ends with a dot, or is one that Windows keeps for itself. Where two would be one file,
    also to a system that ignores case, the later ones in order of the alphabet get a number.

    Examples
    --------
    >>> file_names(["hq", "HQ", "../etc", "con"])
    {'../etc': 'etc', 'HQ': 'HQ', 'con': '_con', 'hq': 'hq-2'}
    """
    made: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(set(names)):
        stem = _safe(name)
        unique, number = stem, 1
        while unique.casefold() in taken:
            number += 1
            unique = f"{stem}-{number}"
        taken.add(unique.casefold())
        made[name] = unique
    return made


def _safe(name: str) -> str:
    plain = unicodedata.normalize("NFKC", name)
    kept = "".join(
        letter if letter.isalnum() or letter in "-_." else "_" for letter in plain
    )
    # NFC once more: macOS takes composed and decomposed letters for one name.
    stem = unicodedata.normalize("NFC", kept).strip("._- ")[:_LONGEST].rstrip("._- ")
    stem = stem or "_"
    return f"_{stem}" if stem.partition(".")[0].casefold() in _RESERVED else stem
