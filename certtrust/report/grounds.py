"""What a report rests on: how much of the files was understood, and what was not first."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

import pandas as pd

from ..fleet import FOLDERS, Fleet
from ..fleet.accounts import understood
from ..registrations import pattern_coverage
from ..texts.labels import listed, plural
from ..texts.sentences import say
from ..texts.translation import translated_text

SHOWN = 160
"""Characters of a line or a pattern that a sentence shows."""


class Grounds(NamedTuple):
    """How much was understood, counted.

    Parameters
    ----------
    files : int or None
        How many files there were; None where the tables were not read from files.
    certificates, devices, states, connections : int
        Certificates, trust lists included, device entries, log lines with a state, and TLS
        connections of captures.
    lines, lines_understood : int
        Lines of logs, and those that a format or a pattern matched.
    first : str
        The first thing that was not understood, with its place; "" where there is none.
    pattern : str
        What `certtrust.pattern_coverage` proposes for the commonest line that was not; "" where
        there is none.
    """

    files: int | None
    certificates: int
    devices: int
    states: int
    connections: int
    lines: int
    lines_understood: int
    first: str
    pattern: str

    @property
    def is_nothing(self) -> bool:
        """Neither a certificate nor a device nor a state nor a connection."""
        counts = (self.certificates, self.devices, self.states, self.connections)
        return not any(counts)

    @property
    def is_little(self) -> bool:
        """Less than half of the lines of the logs."""
        return 2 * self.lines_understood < self.lines


def grounds(fleet: Fleet) -> Grounds:
    """Count what was understood of a fleet's files.

    Examples
    --------
    >>> import certtrust as ct
    >>> grounds(ct.read_fleet(b"phone 12 went away")).is_nothing
    True
    """
    log = fleet.registrations
    has_state = log["state"].notna()
    is_understood = understood(log, "registrations") | has_state
    others = log[~is_understood]
    is_little = 2 * len(others) > len(log)
    return Grounds(
        files=None if fleet.sources is None else fleet.sources["source"].nunique(),
        certificates=sum(
            int(understood(frame, "certificates").sum())
            for frame in (fleet.certificates, fleet.trust)
        ),
        devices=int(understood(fleet.devices, "devices").sum()),
        states=int(has_state.sum()),
        connections=0
        if fleet.handshakes is None
        else int(fleet.handshakes["outcome"].notna().sum()),
        lines=len(log),
        lines_understood=int(is_understood.sum()),
        first=_first(fleet, others if is_little else others.head(0)),
        pattern=_pattern(others) if is_little else "",
    )


def _first(fleet: Fleet, lines: pd.DataFrame) -> str:
    """Return the first line that was not understood, else the first file."""
    lines = lines[lines["raw"].notna()]
    if len(lines):
        line = lines.iloc[0]
        text = str(line["raw"])[:SHOWN]
        return say(
            "report.grounds.line", file=line["source"], line=line["line"], text=text
        )
    sources = fleet.sources
    if sources is None:
        return ""
    empty = sources[(sources["understood"] == 0) & sources["not_understood"].notna()]
    if empty.empty:
        return ""
    file = empty.iloc[0]
    reason = translated_text(str(file["not_understood"]))[:SHOWN]
    return say("report.grounds.file", file=file["source"], reason=reason)


def _pattern(lines: pd.DataFrame) -> str:
    """Return a regular expression for the commonest shape of lines that nothing matched."""
    proposed = pattern_coverage(lines[lines["raw"].notna()], shapes=1)["regex"]
    proposed = proposed.dropna()
    return str(proposed.iloc[0])[:SHOWN] if len(proposed) else ""


def sentences_of(ground: Grounds, name: str) -> list[str]:
    """Return what has to be said before anything else: that nothing or little was understood.

    Examples
    --------
    >>> import certtrust as ct
    >>> sentences_of(grounds(ct.read_fleet(b"phone 12 went away")), "logs")[0]
    'Nothing in 1 file was understood: there is no certificate, device or registration in it.'
    """
    if ground.files == 0 and ground.is_nothing:
        return [say("report.grounds.no_files", name=name)]
    if ground.is_nothing:
        files = plural(ground.files or 0, "file")
        key = "nothing" if ground.files else "empty"
        words = [say(f"report.grounds.{key}", files=files, count=ground.files or 0)]
    elif ground.is_little:
        lines = plural(ground.lines, "log line")
        count = ground.lines_understood
        words = [say("report.grounds.little", lines=lines, count=count)]
    else:
        return []
    if ground.first:
        words.append(say("report.grounds.first", first=ground.first))
    if ground.pattern:
        words.append(say("report.grounds.pattern", pattern=ground.pattern))
    return words


def files_in_words(fleet: Fleet) -> list[str]:
    r"""Return what the files were taken for, then each guess and each file that was not used.

    Examples
    --------
    >>> import certtrust as ct
    >>> files_in_words(ct.read_fleet("time,state,serial\n0,up,0090332f688a\n"))
    ['1 file: 1 log.']
    """
    sources = fleet.sources
    if sources is None or sources.empty:
        return []
    is_unused = sources["taken_for"].isna()
    is_guess = sources["is_guess"].fillna(value=False)
    by_key = {
        "guess": sources[is_guess & (sources["taken_for"] == "trust")],
        "text": sources[sources["decided_by"] == "text"],
        "headings": sources[sources["unread_headings"].notna()],
        "unused": sources[is_unused],
    }
    lines = [_counted(sources)]
    for key, files in by_key.items():
        rows = files.head(MENTIONED).to_dict("records")
        lines += [say(f"report.files.{key}", **_words(row)) for row in rows]
        if len(files) > MENTIONED:
            lines.append(say(f"report.files.more.{key}", count=len(files)))
    return lines


MENTIONED = 3
"""Files of a kind that are named; the table of sources has all."""


def _counted(sources: pd.DataFrame) -> str:
    counts = sources["taken_for"].astype("str").fillna("unused").value_counts()
    parts = [
        plural(int(counts[kind]), f"{kind} file")
        for kind in (*FOLDERS, "handshakes", "unused")
        if kind in counts
    ]
    files = plural(sources["source"].nunique(), "file")
    return say("report.files.all", files=files, parts=listed(parts))


def _words(file: dict[Hashable, Any]) -> dict[str, str]:
    """Return the words that sentences about a file are filled with."""
    has_pbx = isinstance(file["pbx"], str)
    why = file["decided_by"]
    return {
        "file": str(file["source"]),
        "reason": translated_text(str(file["not_understood"])),
        "headings": str(file["unread_headings"]),
        "why": say(f"report.files.why.{why}") if isinstance(why, str) else "",
        "list": say(
            f"report.files.{'one' if has_pbx else 'every'}_list", pbx=str(file["pbx"])
        ),
    }
