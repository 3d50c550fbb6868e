"""The first screen of the page: what fails, why, what to do first, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ..charts.drawing.palette import CAUSE_COLOURS, OTHER
from ..texts.labels import percent, plural
from ..texts.markup import Content, Markup, join, phrase, tag
from ..texts.sentences import say
from . import summary_text
from .content import Report
from .head import head

CAUSES = 5
"""Causes that the first screen names; a section has all."""

ACTIONS = 3
"""Actions that the first screen names; a section has all."""


def answer(report: Report) -> Markup:
    """Return the first screen; a sentence that needs more room links to its section."""
    first = head(report)
    lead, *rest = first.sentences
    heading = "heading" if len(report.results) else "inventory"
    columns = [_why(report), _actions(report), _missing(first.missing)]
    return join(
        [
            tag("h1", phrase(f"report.page.{heading}", name=tag("bdi", report.name))),
            tag("p", lead, class_="lead"),
            [tag("p", words) for words in rest],
            _impersonation(report),
            tag("div", columns, class_="answer"),
            [tag("p", tag("small", words)) for words in first.files],
            tag("p", tag("small", _notes(report)), class_="notes"),
        ]
    )


def cause_style(code: str) -> str:
    """Return the style of what is marked with the colour of a cause."""
    light, _ = CAUSE_COLOURS.get(code, OTHER)
    return f"--cause: var(--c{light[1:]}, {light})"


def _part(name: str, *contents: Content) -> Markup:
    heading = tag("h2", say(name), id=f"answer-{name.split('.')[-1]}")
    labelled = f"answer-{name.split('.')[-1]}"
    return tag("section", heading, *contents, aria_labelledby=labelled)


def _why(report: Report) -> Markup | None:
    causes = report.causes
    if causes.empty:
        return None
    total = int(causes["attempts"].sum())
    items = [_cause(cause, total) for _, cause in causes.head(CAUSES).iterrows()]
    rest = len(causes) - len(items)
    several = causes["devices"].sum() > summary_text.summarise(report).failing_devices
    return _part(
        "report.answer.why",
        tag("ul", items, class_="causes"),
        tag("p", tag("small", say("report.answer.several"))) if several else None,
        _link("why", say("report.answer.further_causes", count=rest))
        if rest
        else None,
    )


def _cause(cause: pd.Series, total: int) -> Markup:
    attempts, devices = int(cause["attempts"]), int(cause["devices"])
    share = percent(attempts / total)
    numbers = say(
        "report.answer.devices",
        devices=plural(devices, "device"),
        attempts=f"{plural(attempts, 'failed attempt')} ({share})",
    )
    title = str(cause["title"])
    bar = tag("span", class_="bar", style=f"width: {100 * attempts / total:.1f}%")
    return tag(
        "li",
        tag("a", title, href="#devices", data_cause=title),
        tag("small", numbers),
        bar,
        style=cause_style(str(cause["cause"])),
    )


def _actions(report: Report) -> Markup | None:
    actions = report.remedies
    if report.results.empty:
        return None
    if actions.empty:
        return _part("report.answer.first", tag("p", _no_action(report)))
    items = [
        tag("li", tag("bdi", action["step"]), " ", tag("small", _repairs(action)))
        for _, action in actions.head(ACTIONS).iterrows()
    ]
    every = say("report.answer.all_actions", count=len(actions))
    return _part("report.answer.first", tag("ol", items), _link("first", every))


def _no_action(report: Report) -> str:
    if len(report.failing):
        return say("report.answer.no_remedy")
    is_open = (report.results["verdict"] == "unknown").any()
    return say(f"report.answer.{'not_judged' if is_open else 'nothing_to_repair'}")


def _repairs(action: pd.Series) -> str:
    attempts, devices = int(action["attempts"]), int(action["devices"])
    if not attempts:
        return say("report.answer.repairs_nothing")
    return say(
        "report.answer.repairs",
        attempts=plural(attempts, "attempt"),
        devices=plural(devices, "device"),
    )


def _missing(words: list[str]) -> Markup | None:
    if not words:
        return None
    items = [tag("li", tag("bdi", sentence)) for sentence in words]
    return _part("report.missing.heading", tag("ul", items))


def _impersonation(report: Report) -> Markup | None:
    """Return the certificate that opens most devices, a finding that no failure shows."""
    words = summary_text.worst_impersonation(report)
    if not words:
        return None
    more = tag("a", say("report.page.details"), href="#impersonations")
    return tag("p", tag("bdi", words), " ", more, class_="alert")


def _notes(report: Report) -> Iterator[Content]:
    if count := len(report.problems):
        yield tag("a", say("report.answer.unread", count=count), href="#inputs")
        yield " "
    yield tag("a", say("report.answer.counted"), href="#counts")


def _link(anchor: str, words: str) -> Markup:
    return tag("p", tag("a", words, href=f"#{anchor}"))
