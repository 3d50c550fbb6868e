"""One diagnosis in HTML and in words: the verdict, its steps, and the call that gives it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ..explanation.diagnosis import Diagnosis
from ..texts.markup import Markup, join, tag
from ..texts.sentences import say
from .chain_tree import Node, tree_text
from .styling import MARKS, minute


def answer(diagnosis: Diagnosis) -> str:
    """Return the verdict as a sentence with its first reason."""
    kind = "browser" if diagnosis.scenario == "browser" else "registration"
    if diagnosis.steps.empty:
        return say("widgets.diagnosis.no_rule")
    if diagnosis.verdict == "unknown":
        return say("widgets.diagnosis.undecided")
    if diagnosis.verdict == "pass":
        return say(f"widgets.diagnosis.{kind}.pass")
    return say(
        f"widgets.diagnosis.{kind}.fail", reason=_decisive(diagnosis)["title"].iloc[0]
    )


def _decisive(diagnosis: Diagnosis) -> pd.DataFrame:
    """Return the requirements that the verdict depends on: the broken ones, else the open ones."""
    required = diagnosis.steps[~_hygiene(diagnosis)]
    broken = required["passed"].eq(other=False).fillna(value=False)
    open_ones = required["passed"].ne(other=True).fillna(value=True)
    return required[broken if diagnosis.verdict == "fail" else open_ones]


def _hygiene(diagnosis: Diagnosis) -> pd.Series:
    return diagnosis.steps["code"].str.startswith("hygiene.").astype(bool)


def _judged_at(diagnosis: Diagnosis) -> str:
    return say(
        "widgets.shared.judged_at", at=minute(diagnosis.result["judged_at"].iloc[0])
    )


def asking(request: str) -> Markup:
    """Return what is still needed, where the verdict will stand."""
    nothing = tag("b", say("widgets.diagnosis.no_verdict"))
    return tag(
        "div", nothing, tag("div", request), class_="ct-verdict", role="status"
    )


def verdict_html(diagnosis: Diagnosis) -> Markup:
    """Return the verdict in large letters, with the reason and what to do first."""
    reasons = _decisive(diagnosis)[["why", "remedy"]].head(1).to_numpy().ravel()
    return tag(
        "div",
        tag("b", MARKS[diagnosis.verdict], " ", answer(diagnosis)),
        [tag("div", words) for words in reasons],
        tag("small", _judged_at(diagnosis), class_="ct-soft"),
        class_=f"ct-verdict ct-{diagnosis.verdict}",
        role="status",
    )


def steps_html(diagnosis: Diagnosis) -> Markup:
    """Return each requirement with what is there, and where it is not met, why and what to do."""
    hygiene = _hygiene(diagnosis)
    required, advice = (
        tag("ol", map(_item, diagnosis.steps[rows].itertuples()), class_="ct-steps")
        for rows in (~hygiene, hygiene)
    )
    heading = say("widgets.diagnosis.good_practice", count=int(hygiene.sum()))
    further = tag("details", tag("summary", heading), advice)
    return join([required, further if hygiene.any() else None])


def _item(step: Any) -> Markup:
    verdict = "unknown" if pd.isna(step.passed) else "pass" if step.passed else "fail"
    spoken = say(f"widgets.values.verdict.{verdict}")
    facts = {name: getattr(step, name) for name in ("has", "why", "remedy")}
    return tag(
        "li",
        tag(
            "b",
            MARKS[verdict],
            class_=f"ct-mark ct-{verdict}",
            aria_label=spoken,
            role="img",
        ),
        tag("div", step.requirement),
        tag("dl", [_fact(name, words) for name, words in facts.items() if words]),
        tag(
            "small",
            say("widgets.diagnosis.rule", code=step.code, citation=step.citation),
        ),
    )


def _fact(name: str, words: str) -> Markup:
    return join([tag("dt", say(f"widgets.diagnosis.{name}")), tag("dd", words)])


def explanation(diagnosis: Diagnosis, nodes: list[Node]) -> str:
    """Return the whole explanation as plain text, to be copied into a mail or a ticket."""
    head = [
        say(f"widgets.diagnosis.scenarios.{diagnosis.scenario}"),
        answer(diagnosis),
        _judged_at(diagnosis),
    ]
    steps = str(diagnosis).splitlines()[1:]
    tree = [say("widgets.chain.heading"), tree_text(nodes)]
    return "\n\n".join("\n".join(part) for part in (head, steps, tree))


def python_call(certificate: str, **options: Any) -> str:
    """Return the call of `certtrust.diagnose` with these arguments; what is None is left out.

    Examples
    --------
    >>> print(python_call("tester.certificates", url="https://192.0.2.7/", tls_only=None))
    ct.diagnose(
        tester.certificates,
        url='https://192.0.2.7/',
    )
    """
    options = {name: value for name, value in options.items() if value is not None}
    arguments = [f"    {name}={value!r}," for name, value in options.items()]
    return "\n".join(["ct.diagnose(", f"    {certificate},", *arguments, ")"])


class Code(str):
    """Text that stands in a call as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


_COPY = Markup(
    "const b=this,t=b.nextElementSibling.textContent,o=b.textContent,"
    "f=()=>{const a=document.createElement('textarea');"
    "a.value=t;document.body.append(a);a.select();document.execCommand('copy');a.remove()};"
    "navigator.clipboard?navigator.clipboard.writeText(t).catch(f):f();"
    "b.textContent=b.dataset.copied;setTimeout(()=>{b.textContent=o},1500)"
)


def copyable(key: str, text: str) -> Markup:
    """Return a button that copies the text, and the text behind a fold for where it cannot.

    `key` is a table of the file of sentences with the words `copy` and `show`.
    """
    script = {"onclick": _COPY, "data_copied": say("widgets.tester.copied")}
    button = tag(
        "button", say(f"{key}.copy"), type="button", class_="ct-copy", **script
    )
    shown = tag("pre", text, class_="ct-text", tabindex="0")
    fold = tag("details", tag("summary", say(f"{key}.show")), shown)
    return tag("div", button, tag("span", text, hidden=True), fold)
