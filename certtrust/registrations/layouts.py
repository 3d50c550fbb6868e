"""Where the stamp stands in the lines of a log, as a sample of the file shows it.

Collectors and programs put their stamp at the beginning of a line, or behind a bracket, a
counter, a host. Forms that mean a time wherever they begin a line need no sample; digits that
may be anything are taken for a time only where most lines of a sample have them at one place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from .stamp_forms import BY_SAMPLE, MAY_BEGIN, STATED, UNIX, Form

PRI = r"(?:<[0-9]{1,3}>)"
NEW = rf"^(?:{PRI}1 |1 [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T)"
OLD = (
    rf"^{PRI}?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
    rf"[ 0-9][0-9] [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}} "
)
ISO = rf"^{PRI}?[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}\S* "
LAYOUTS = (NEW, OLD, ISO)
"""The layouts of syslog, which need no sample."""
_STANDARD = re.compile("|".join(LAYOUTS))
ANY_LAYOUT = re.compile("|".join((*LAYOUTS, f"^{PRI}")))

_LINES = 50
"""Lines of a sample that are looked at."""
_WORDS = 5
"""Words that may stand before a stamp."""
_FEW_WORDS = 1
_ENOUGH = 3
"""Lines that have to agree on a stamp behind more than a word, or on bare digits."""


class Learned(NamedTuple):
    """A stamp that was found by a sample: its form, and how many words stand before it."""

    form: Form
    words: int

    @property
    def pattern(self) -> str:
        """The pattern of a whole line; the group `rest` is what follows the stamp."""
        return line_pattern(self.form, self.words)


def line_pattern(form: Form, words: int = 0) -> str:
    """Return the pattern of a line with a stamp behind so many words."""
    lead = rf"^{PRI}?[ \t]*(?:[^ \t]+[ \t]+){{{words}}}[\[(\"'*.]{{0,2}}"
    return rf"(?s){lead}{form.pattern}(?P<rest>(?:[^0-9A-Za-z].*)?)$"


MAY_BE_STAMPED = rf"^{PRI}?[ \t]*[\[(\"'*.]{{0,2}}{MAY_BEGIN}"
"""How a line begins that may have a stamp at its beginning."""


def learned(sample: str) -> Learned | None:
    r"""Return where and how most lines of a sample have their stamp, None where they have none.

    Examples
    --------
    >>> lines = [f"{number} [081109 20361{number}] up" for number in range(5)]
    >>> stamp = learned("\n".join(lines))
    >>> stamp.form.name, stamp.words
    ('yymmdd hhmmss', 1)
    """
    lines = [line.rstrip("\r") for line in sample.split("\n")[: 2 * _LINES]]
    lines = [
        line
        for line in lines
        if line.strip() and line[0] != "{" and not _STANDARD.match(line)
    ][:_LINES]
    if not lines:
        return None
    for words in range(_WORDS + 1):
        counts = {form: _count(lines, form, words) for form in BY_SAMPLE}
        form = max(counts, key=lambda form: counts[form])
        if 2 * counts[form] < len(lines) or not counts[form]:
            continue
        is_sure = form in STATED if words <= _FEW_WORDS else False
        if is_sure or counts[form] >= _ENOUGH:
            return Learned(form, words)
    return None


def _count(lines: Sequence[str], form: Form, words: int) -> int:
    pattern = re.compile(line_pattern(form, words))
    matches = [match for line in lines if (match := pattern.match(line))]
    if form is UNIX:
        return sum(_is_unix_time(match["unix"]) for match in matches)
    return sum(_is_date(match.groupdict()) for match in matches)


def _is_unix_time(digits: str) -> bool:
    """Return True for the years 2001 to 2096, which begin with these digits in any unit."""
    return digits[0] in "123"


def _is_date(parts: dict[str, str | None]) -> bool:
    """Return True where the numbers can be those of a date and a time."""

    def fits(name: str, least: int, most: int) -> bool:
        return least <= int(parts.get(name) or least) <= most

    return (
        fits("month", 1, 12) and fits("day", 1, 31) and fits("hour", 0, 23)
        and fits("minute", 0, 59) and fits("second", 0, 60)
        and fits("first", 1, 31) and fits("other", 1, 31)
    )  # fmt: skip
