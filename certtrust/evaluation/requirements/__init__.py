"""The rules, one file per rule or family; what a rule lacks is an error at import.

Sentences of the article are numbered through from its title, fragments and headings included;
sections are 1 introduction, 2 browser, 3.1 H.323/TLS by password, 3.2 H.323/TLS by certificate.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from ...errors import CerttrustError
from ...schema import ATTEMPTS
from ...texts.sentences import sentences
from .rule import NAMES, STALE, Rule

__all__ = [
    "BY_CODE",
    "HYGIENE",
    "NAMES",
    "OPINION",
    "RULES",
    "SCENARIOS",
    "STALE",
    "Rule",
]

MODULES = (
    "clock",
    "tls_only",
    "tls_versions",
    "trust",
    "validity",
    "names",
    "weak_keys",
    "prefixes",
    "client_usage",
    "browsers",
)
"""The files of this folder that hold rules, in the order in which the rules are listed."""

POSSIBLE = ("browser", "h323-password", "h323-certificate")
"""The scenarios of the article."""

OPINION = "hygiene."
"""What the codes of opinions begin with; these never decide a verdict."""

_SENTENCES = (
    *("title", "requirement", "citation", "has", "why"),
    *("remedy", "unknown", "missing", "not_checked"),
)
_FOLDER = "certtrust/evaluation/requirements"
_TEXTS = "certtrust/texts/en.toml"


def _listed() -> tuple[Rule, ...]:
    """Return the rules of all files in this folder.

    Raises
    ------
    CerttrustError
        If a file of this folder is not listed, or a listed one is absent or holds no rules.
    """
    files = {module.name for module in pkgutil.iter_modules(__path__)} - {"rule"}
    forgotten = sorted(files - set(MODULES))
    if forgotten:
        raise CerttrustError(
            f"{_FOLDER}/{forgotten[0]}.py is not listed in MODULES of {_FOLDER}/__init__.py"
        )
    absent = [name for name in MODULES if name not in files]
    if absent:
        raise CerttrustError(
            f"MODULES of {_FOLDER}/__init__.py lists {absent[0]!r}, but there is no {absent[0]}.py"
        )
    rules: list[Rule] = []
    for name in MODULES:
        module: Any = import_module(f"{__name__}.{name}")
        if not getattr(module, "RULES", ()):
            raise CerttrustError(
                f"{_FOLDER}/{name}.py holds no RULES, the tuple of its rules"
            )
        rules += module.RULES
    return tuple(rules)


def _defects(rule: Rule) -> Iterable[str]:
    """Yield what a rule lacks, a sentence each."""
    opinion = rule.code.startswith(OPINION)
    if not rule.scenarios:
        yield (
            "has no place in a scenario: give `required` "
            "(or `shown`, for an opinion) with a number"
        )
    unknown = sorted(set(rule.scenarios) - set(POSSIBLE))
    if unknown:
        yield f"names a scenario that there is not: {unknown[0]!r}; there are {', '.join(POSSIBLE)}"
    if opinion == bool(rule.required) or opinion != bool(rule.shown):
        yield (
            f"is required by a scenario, or shown as an "
            f"opinion and then called {OPINION}..., not both"
        )
    columns = sorted(set(rule.needs) - set(ATTEMPTS.names))
    if columns or not rule.needs:
        yield (
            f"needs a column that attempts do not have: {columns[0]!r}"
            if columns
            else "says not what it needs"
        )
    if rule.of_names and not set(rule.needs) <= set(NAMES):
        yield "is said to look at names alone, but needs further columns"
    words = {rule.stale, rule.stale_if_seen} - {None}
    if not opinion and (rule.stale is None or not words <= set(STALE)):
        yield (
            f"does not say what is probably `stale` where "
            f"the log contradicts it: one of {', '.join(STALE)}"
        )
    own = sentences()["rules"].get(rule.code, {})
    missing = [name for name in _SENTENCES if not own.get(name)]
    if missing:
        yield f'has no sentence `{missing[0]}` in [rules."{rule.code}"] of {_TEXTS}'


def _checked(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Return the rules as they are.

    Raises
    ------
    CerttrustError
        If one of them lacks something, or two claim the same code or place.
    """
    claimed: dict[object, str] = {}
    for rule in rules:
        for defect in _defects(rule):
            raise CerttrustError(f"the rule {rule.code!r} {defect}")
        ranks = [
            (kind, *item)
            for kind in ("required", "shown")
            for item in getattr(rule, kind).items()
        ]
        for claim in (rule.code, *ranks):
            if claim in claimed:
                raise CerttrustError(
                    f"the rules {claimed[claim]!r} and {rule.code!r} claim the same: {claim}"
                )
            claimed[claim] = rule.code
    return rules


RULES: tuple[Rule, ...] = _checked(_listed())

BY_CODE: dict[str, Rule] = {rule.code: rule for rule in RULES}


def _ordered(kind: str, scenario: str) -> tuple[str, ...]:
    ranks = {
        rule.code: getattr(rule, kind)[scenario]
        for rule in RULES
        if scenario in getattr(rule, kind)
    }
    return tuple(sorted(ranks, key=lambda code: ranks[code]))


SCENARIOS: dict[str, tuple[str, ...]] = {
    scenario: _ordered("required", scenario) for scenario in POSSIBLE
}
"""What each scenario requires, in the order in which a failure is named as the cause."""

HYGIENE: dict[str, tuple[str, ...]] = {
    scenario: _ordered("shown", scenario) for scenario in POSSIBLE
}
"""Opinions that are shown beside a scenario and never decide its verdict."""
