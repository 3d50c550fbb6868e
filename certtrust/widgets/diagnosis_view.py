"""One diagnosis in HTML and in words: the verdict, its steps, the chain as a tree, and the call that gives it."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from ..evaluation.rules import HYGIENE, SCENARIOS
from ..explanation.diagnosis import Diagnosis, _step
from ..texts.markup import Content, Markup, tag
from ..trust import trust_state
from .styling import MARKS, day, verdict_of

SCENARIO_LABELS = {
    "h323-certificate": "Registration over H.323/TLS, with the device's certificate",
    "h323-password": "Registration over H.323/TLS, with user name and password",
    "browser": "A browser opens the device (HTTPS or secure websocket)",
}
"""The scenarios in the page's terms."""

_ANSWERS = {
    "h323-certificate": ("The PBX accepts this registration", "The PBX refuses this registration"),
    "h323-password": ("The PBX accepts this registration", "The PBX refuses this registration"),
    "browser": ("The browser accepts the device", "The browser refuses the device"),
}
_LONGEST_CHAIN = 12


def answer(diagnosis: Diagnosis) -> str:
    """Return the verdict as a sentence with its first reason."""
    good, bad = _ANSWERS[diagnosis.scenario]
    if diagnosis.verdict == "pass":
        return f"{good}."
    required = diagnosis.steps[~diagnosis.steps["code"].str.startswith("hygiene.")]
    if diagnosis.verdict == "unknown":
        return "The data do not tell yet."
    return f"{bad}: {_lower(required.loc[required['passed'].eq(other=False), 'title'].iloc[0])}."


def _lower(title: str) -> str:
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def of_result(result: pd.DataFrame) -> Diagnosis:
    """Return the diagnosis of one row of RESULTS, by its scenario or, where that is not known, by the stricter one."""
    scenario = result["scenario"].iloc[0]
    scenario = scenario if isinstance(scenario, str) else "h323-certificate"
    steps = pd.DataFrame([_step(result, code) for code in (*SCENARIOS[scenario], *HYGIENE[scenario])])
    steps["passed"] = steps["passed"].astype("boolean")
    path = trust_state.path_at(result, result["judged_at"]).iloc[0]
    return Diagnosis(str(result["verdict"].iloc[0]), scenario, steps, list(path), result)


def asking(wish: str) -> Markup:
    """Return what is still needed, in the place of a verdict."""
    return tag("div", tag("b", "Nothing to judge yet"), tag("div", wish), class_="ct-verdict", role="status")


def verdict_html(diagnosis: Diagnosis) -> Markup:
    """Return the verdict in large letters, with the reason and what to do first."""
    open_steps = diagnosis.steps[diagnosis.steps["passed"].ne(other=True).fillna(value=True)]
    decisive = open_steps[~open_steps["code"].str.startswith("hygiene.")]
    if diagnosis.verdict == "fail":
        decisive = decisive[decisive["passed"].notna()]
    lines = [] if decisive.empty else [tag("div", decisive["why"].iloc[0]), tag("div", decisive["remedy"].iloc[0])]
    judged = f"Judged at {diagnosis.result['judged_at'].iloc[0]:%Y-%m-%d %H:%M} UTC."
    return tag(
        "div",
        tag("b", f"{MARKS[diagnosis.verdict]} {answer(diagnosis)}"),
        lines,
        tag("small", judged, class_="ct-soft"),
        class_=f"ct-verdict ct-{diagnosis.verdict}",
        role="status",
    )


def steps_html(diagnosis: Diagnosis) -> Markup:
    """Return each requirement with what is there, and where it is not met, why and what to do."""
    required: list[Markup] = []
    advice: list[Markup] = []
    for step in _rows(diagnosis.steps):
        (advice if step.code.startswith("hygiene.") else required).append(_item(step))
    further = tag(
        "details", tag("summary", f"Good practice ({len(advice)} points, none decides the verdict)"), _list(advice)
    )
    return Markup(_list(required) + (further if advice else ""))


def _rows(frame: pd.DataFrame) -> list[Any]:
    return list(frame.itertuples(index=False))


def _list(items: list[Markup]) -> Markup:
    return tag("ol", items, class_="ct-steps")


def _item(step: Any) -> Markup:
    word = verdict_of(step.passed)
    facts: list[tuple[str, str]] = [("There is", step.has), ("Why", step.why), ("What to do", step.remedy)]
    return tag(
        "li",
        tag("b", MARKS[word], class_=f"ct-mark ct-{word}", aria_label=word, role="img"),
        tag("div", step.requirement),
        tag("dl", [(tag("dt", name), tag("dd", value)) for name, value in facts if value]),
        tag("small", f"{step.code} · {step.citation}"),
    )


class Node(NamedTuple):
    """A certificate of the chain; `fingerprint` is missing where the chain lacks it."""

    name: str
    note: str
    listed: bool
    fingerprint: str | None
    warning: str = ""


def chain(
    diagnosis: Diagnosis, certificates: pd.DataFrame, trust: pd.DataFrame | None, links: pd.DataFrame | None = None
) -> list[Node]:
    """Return the chain from the certificate upwards: to the trusted entry, else as far as it is known.

    Parameters
    ----------
    diagnosis : Diagnosis
        Of the first of `certificates`.
    certificates, trust : DataFrame
        What was presented, the judged certificate first, and the trust list (None = not known).
    links : DataFrame, optional
        Table LINKS; what is missing in it is verified.

    Returns
    -------
    list of Node
        The judged certificate first; the last one has no fingerprint where its issuer is not at hand.
    """
    listed = trust if trust is not None else certificates.head(0)
    known = pd.concat([certificates, listed]).drop_duplicates("fingerprint").set_index("fingerprint", drop=False)
    moment = diagnosis.result["judged_at"].iloc[0]
    prints = diagnosis.path or _upwards(certificates, listed, known, links)
    entries = set(listed["fingerprint"].dropna())
    nodes = [_node(known.loc[each], each in entries, moment) for each in prints if each in known.index]
    top = known.loc[prints[-1]] if prints and prints[-1] in known.index else None
    if top is not None and not diagnosis.path and top["self_issued"] is not True and not bool(top["self_issued"]):
        missing = top["issuer_cn"] if isinstance(top["issuer_cn"], str) else top["issuer"]
        nodes.append(
            Node(str(missing), "not at hand: neither presented nor in the list", listed=False, fingerprint=None)
        )
    return nodes


def _node(row: Any, listed: bool, moment: pd.Timestamp) -> Node:
    name = row["subject_cn"] if isinstance(row["subject_cn"], str) and row["subject_cn"] else row["subject"]
    warning = ""
    if pd.notna(row["not_after"]) and row["not_after"] < moment:
        warning = "expired"
    elif pd.notna(row["not_before"]) and row["not_before"] > moment:
        warning = "not yet valid"
    return Node(str(name), f"{day(row['not_before'])} to {day(row['not_after'])}", listed, row["fingerprint"], warning)


def _upwards(
    certificates: pd.DataFrame, listed: pd.DataFrame, known: pd.DataFrame, links: pd.DataFrame | None
) -> list[str]:
    """Follow verified signatures from the first certificate as far as they lead."""
    links = trust_state.link(certificates, listed, links)
    verified = links[links["verified"].fillna(value=False).astype(bool) & (links["child"] != links["issuer"])]
    above = verified.drop_duplicates("child").set_index("child")["issuer"]
    prints = [certificates["fingerprint"].iloc[0]]
    while (issuer := above.get(prints[-1])) is not None and issuer not in prints and len(prints) < _LONGEST_CHAIN:
        prints.append(issuer)
    return [each for each in prints if each in known.index]


def tree_html(nodes: list[Node]) -> Markup:
    """Return the chain as a tree, its root on top, with the trusted entry marked."""
    if not nodes:
        return Markup("")
    inner: Content = None
    for place, node in enumerate(nodes):
        inner = tag("ul", tag("li", _box(node, leaf=place == 0), inner))
    return tag("div", inner, class_="ct-tree", role="group", aria_label="Certificate chain, its root first")


def _box(node: Node, *, leaf: bool) -> Markup:
    kind = "ct-listed" if node.listed else "ct-absent" if node.fingerprint is None else ""
    return tag(
        "span",
        tag("bdi", node.name),
        tag("span", " ★ in the trust list", class_="ct-badge") if node.listed else None,
        tag("span", f" {node.warning}", class_="ct-alarm") if node.warning else None,
        tag("small", ("the device's certificate, " if leaf else "") + node.note),
        class_=f"ct-node {kind}".strip(),
    )


def tree_text(nodes: list[Node]) -> str:
    """Return the chain as indented lines, its root on top.

    Examples
    --------
    >>> print(tree_text([Node("phone", "2020 to 2030", False, "aa"), Node("CA", "2010 to 2040", True, "bb")]))
    CA (2010 to 2040) [in the trust list]
      phone (2020 to 2030)
    """
    lines = []
    for depth, node in enumerate(reversed(nodes)):
        marks = (" [in the trust list]" if node.listed else "") + (f" [{node.warning}]" if node.warning else "")
        lines.append(f"{'  ' * depth}{node.name} ({node.note}){marks}")
    return "\n".join(lines)


def explanation(diagnosis: Diagnosis, nodes: list[Node]) -> str:
    """Return the whole explanation as plain text, to be copied into a mail or a ticket."""
    moment = f"Judged at {diagnosis.result['judged_at'].iloc[0]:%Y-%m-%d %H:%M} UTC."
    title = SCENARIO_LABELS[diagnosis.scenario]
    steps = "\n".join(str(diagnosis).splitlines()[1:])
    return "\n\n".join([f"{title}\n{answer(diagnosis)}\n{moment}", steps, f"Chain:\n{tree_text(nodes)}"])


def python_call(certificate: str, **options: Any) -> str:
    """Return the call of `certtrust.diagnose` with these arguments; what is None is left out.

    Examples
    --------
    >>> print(python_call("tester.certificates", scenario="browser", url="https://192.0.2.7/", tls_only=None))
    ct.diagnose(
        tester.certificates,
        scenario='browser',
        url='https://192.0.2.7/',
    )
    """
    given = [f"    {name}={value!r}," for name, value in options.items() if value is not None]
    return "\n".join(["ct.diagnose(", f"    {certificate},", *given, ")"])


class Code(str):
    """Text that stands in a call as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


_COPY = (
    "const b=this,t=b.nextElementSibling.textContent,o=b.textContent,"
    "f=()=>{const a=document.createElement('textarea');a.value=t;document.body.append(a);a.select();"
    "document.execCommand('copy');a.remove()};"
    "navigator.clipboard?navigator.clipboard.writeText(t).catch(f):f();"
    "b.textContent='Copied';setTimeout(()=>{b.textContent=o},1500)"
)


def copyable(label: str, text: str) -> Markup:
    """Return a button that copies the text, and the text itself behind a fold, for where a button cannot copy."""
    return tag(
        "div",
        tag("button", f"Copy {label}", type="button", class_="ct-copy", onclick=Markup(_COPY)),
        tag("span", text, hidden=True),
        tag("details", tag("summary", f"Show {label}"), tag("pre", text, class_="ct-text", tabindex="0")),
    )
