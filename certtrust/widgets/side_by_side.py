"""Two certificates side by side, what differs in bold."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ..explanation.diagnosis import Diagnosis
from ..texts.markup import Markup, tag
from ..texts.sentences import say, sentences
from .styling import DASH, MARKS
from .tables import cell, label


def compared_html(
    held: pd.Series,
    chosen: pd.Series,
    answers: tuple[Diagnosis | None, Diagnosis | None],
) -> Markup:
    """Return two rows of CERTIFICATES as a table, with their verdicts.

    Parameters
    ----------
    held, chosen : Series
        Rows of table CERTIFICATES.
    answers : tuple of Diagnosis or None
        What the rules say of each, with what was entered when it was judged.
    """
    facts: dict[str, str] = sentences()["widgets"]["tester"]["facts"]
    rows = [
        _row(words, _words(held[name]), _words(chosen[name]))
        for name, words in facts.items()
        if name in held and name in chosen
    ]
    verdicts = [_verdict(answer) for answer in answers]
    rows.insert(0, _row(label("verdict"), *verdicts))
    heads = [
        tag("th", say(f"widgets.tester.{name}"), scope="col")
        for name in ("held", "chosen")
    ]
    head = tag("thead", tag("tr", tag("td"), heads))
    table = tag("table", head, tag("tbody", rows), class_="ct-table")
    name = say("widgets.tester.side_by_side")
    return tag(
        "div", table, class_="ct-wide", role="region", tabindex="0", aria_label=name
    )


def _row(name: str, held: str, chosen: str) -> Markup:
    cells = [
        tag("td", tag("bdi", words), class_="ct-long") for words in (held, chosen)
    ]
    differs = "ct-differs" if held != chosen else None
    return tag("tr", tag("th", name, scope="row"), cells, class_=differs)


def _words(value: Any) -> str:
    return cell(value)


def _verdict(answer: Diagnosis | None) -> str:
    if answer is None:
        return DASH
    words = say(f"widgets.values.verdict.{answer.verdict}")
    return f"{MARKS[answer.verdict]} {words}"
