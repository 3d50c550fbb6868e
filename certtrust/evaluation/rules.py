"""The reference of the rules, made from the records that enforce them."""

from __future__ import annotations

import pandas as pd

from ..schema import TRUSTED_STATES as TRUSTED
from ..texts.sentences import spoken
from .requirements import BY_CODE, HYGIENE, NAMES, RULES, SCENARIOS, Rule

__all__ = [
    "BY_CODE",
    "HYGIENE",
    "NAMES",
    "RULES",
    "SCENARIOS",
    "TRUSTED",
    "Rule",
    "rules",
]


def rules(*, lang: str | None = None) -> pd.DataFrame:
    """Return every rule: what it demands, where that stands, what it needs and what it does not
    check.

    Parameters
    ----------
    lang : str, optional
        The language of the sentences, such as `de`; by default that of `certtrust.language`.

    Returns
    -------
    DataFrame
        One row per rule: code, scenario (those that require or show it, joined by a comma),
        title, requirement, citation, needs (columns of an attempt), remedy, not_checked (with
        the reason) and reading (what was decided where the article is silent, and what another
        reading would give; empty where nothing was).

    Examples
    --------
    >>> rules().set_index("code").loc["browser.name", "scenario"]
    'browser'
    """
    with spoken(lang):
        return _rules()


def _rules() -> pd.DataFrame:
    rows = [
        {
            "code": rule.code,
            "scenario": ", ".join(rule.scenarios),
            "title": texts["title"],
            "requirement": texts["requirement"],
            "citation": rule.citation,
            "needs": ", ".join(rule.needs),
            "remedy": texts["remedy"],
            "not_checked": texts["not_checked"],
            "reading": texts.get("reading", ""),
        }
        for rule, texts in ((rule, rule.sentences) for rule in RULES)
    ]
    return pd.DataFrame(rows)
