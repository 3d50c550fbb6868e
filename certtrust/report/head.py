"""The first screen: how far the report can be relied on, what fails, and what is missing."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from ..texts.sentences import say
from . import inventory, summary_text
from .content import Report
from .grounds import Grounds, files_in_words, sentences_of

MISSING_SHOWN = 4
"""Kinds of missing data that the first screen names; the most attempts first."""


class Head(NamedTuple):
    """The sentences of the first screen.

    Parameters
    ----------
    grounds : list of str
        That nothing, or little, was understood; empty where most was.
    story : list of str
        What fails, and how much of it is explained.
    facts : list of str
        What the tables tell by themselves, where others are missing.
    missing : list of str
        What data are missing, for how many devices, and where to get them.
    files : list of str
        What the files were taken for.
    """

    grounds: list[str]
    story: list[str]
    facts: list[str]
    missing: list[str]
    files: list[str]

    @property
    def sentences(self) -> list[str]:
        """What is said, in order; the first sentence is the lead."""
        return [*self.grounds, *self.story, *self.facts]


def head(report: Report) -> Head:
    """Return the sentences of the first screen.

    Examples
    --------
    >>> import certtrust as ct
    >>> from certtrust.report import explain_fleet
    >>> head(explain_fleet(ct.read_fleet(b"what is this"), periods=1)).sentences[0]
    'Nothing in 1 file was understood: there is no certificate, device or registration in it.'
    """
    has_story = bool(len(report.results)) and not report.grounds.is_nothing
    story = [summary_text.what_fails(report), summary_text.why(report)]
    return Head(
        sentences_of(report.grounds, report.name),
        list(filter(None, story)) if has_story else [],
        [] if report.grounds.is_nothing else _facts(report),
        missing_in_words(report),
        files_in_words(report.fleet),
    )


def _facts(report: Report) -> list[str]:
    if report.results.empty:
        return [*inventory.of_certificates(report.fleet, report.at)] or [
            say("report.inventory.no_leaf")
        ]
    if report.of == "devices":
        return [*inventory.of_devices(report.fleet)]
    is_alone = report.grounds.certificates == 0
    return [*inventory.of_log(report.fleet)] if is_alone else []


def missing_in_words(report: Report) -> list[str]:
    """Return what is missing for a verdict; without attempts, the tables that are empty."""
    grounds: Grounds = report.grounds
    if len(report.results):
        shown = report.missing.head(MISSING_SHOWN)
        words = shown["sentence"].tolist()
        rest = len(report.missing) - len(shown)
        return [*words, say("report.missing.more", count=rest)] if rest else words
    empty = {
        "registrations": not grounds.states,
        "devices": not grounds.devices,
        "certificates": report.fleet.certificates["fingerprint"].isna().all(),
        "trust": report.fleet.trust["fingerprint"].isna().all(),
    }
    return [
        say(f"report.missing.{name}") for name, is_empty in empty.items() if is_empty
    ]


def head_lines(report: Report, page: str) -> list[str]:
    """Return the lines for a terminal: the first screen, and where the page is."""
    first = head(report)
    # The five lines tell what the story tells, unless the grounds come first.
    beginning = first.grounds or first.sentences[:1]
    summary = summary_text.summary_lines(report) if first.story else []
    rest = first.story + first.facts if first.grounds else first.facts
    return [
        *beginning,
        say("report.terminal.page", path=page),
        *(say("report.terminal.files", words=words) for words in first.files),
        *summary,
        *(words for words in rest if words not in beginning),
        *(say("report.terminal.missing", words=words) for words in first.missing),
    ]


def has_verdict(results: pd.DataFrame) -> bool:
    """Return True where a rule decided an attempt, or the log shows how it went."""
    decided = results["verdict"].isin(["pass", "fail"]) | results["observed"].notna()
    return bool(decided.any())
