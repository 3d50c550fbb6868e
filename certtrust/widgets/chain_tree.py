"""The chain of a certificate as a tree, its root on top: in HTML and as plain text."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from ..explanation.diagnosis import Diagnosis
from ..texts.markup import Content, Markup, tag
from ..texts.sentences import say
from ..texts.visible import one_line
from ..trust import trust_state
from .styling import day, title_of

_LONGEST_CHAIN = 12


class Node(NamedTuple):
    """A certificate of the chain; `fingerprint` is missing where the chain lacks it."""

    name: str
    note: str
    listed: bool
    fingerprint: str | None
    warning: str = ""


def chain(
    diagnosis: Diagnosis,
    certificates: pd.DataFrame,
    trust: pd.DataFrame | None,
    links: pd.DataFrame | None = None,
) -> list[Node]:
    """Return the chain from the certificate upwards: to the trusted entry, else as far as it leads.

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
        The judged certificate first; the last one has no fingerprint where its issuer is not at
        hand.
    """
    listed = trust if trust is not None else certificates.head(0)
    at_hand = pd.concat([certificates, listed]).drop_duplicates("fingerprint")
    rows = at_hand.set_index("fingerprint", drop=False)
    path = diagnosis.path or _upwards(certificates, listed, links)
    rows = rows.loc[
        [fingerprint for fingerprint in path if fingerprint in rows.index]
    ]
    moment = diagnosis.result["judged_at"].iloc[0]
    entries = set(listed["fingerprint"].dropna())
    nodes = [
        _node(row, position, entries, moment)
        for position, (_, row) in enumerate(rows.iterrows())
    ]
    leads_on = rows["self_issued"].ne(other=True).fillna(value=True).tail(1).any()
    if leads_on and not diagnosis.path:
        top = rows.iloc[-1]
        names = [
            name for name in top[["issuer_cn", "issuer"]] if isinstance(name, str)
        ]
        issuer = names[0] if names else "?"
        missing = say("widgets.chain.missing")
        nodes.append(Node(issuer, missing, listed=False, fingerprint=None))
    return nodes


def _node(row: Any, position: int, entries: set[str], moment: pd.Timestamp) -> Node:
    warning = ""
    if pd.notna(row["not_after"]) and row["not_after"] < moment:
        warning = say("widgets.chain.expired")
    elif pd.notna(row["not_before"]) and row["not_before"] > moment:
        warning = say("widgets.chain.not_yet_valid")
    validity = "widgets.chain.validity" if position else "widgets.chain.own_validity"
    note = say(validity, begin=day(row["not_before"]), end=day(row["not_after"]))
    fingerprint = row["fingerprint"]
    return Node(title_of(row), note, fingerprint in entries, fingerprint, warning)


def _upwards(
    certificates: pd.DataFrame,
    listed: pd.DataFrame,
    links: pd.DataFrame | None,
) -> list[str]:
    """Follow verified signatures from the first certificate as far as they lead."""
    links = trust_state.link(certificates, listed, links)
    verified = links["verified"].fillna(value=False)
    links = links[verified & (links["child"] != links["issuer"])]
    issuers = links.drop_duplicates("child").set_index("child")["issuer"]
    path = [certificates["fingerprint"].iloc[0]]
    while len(path) < _LONGEST_CHAIN:
        issuer = issuers.get(path[-1])
        if issuer is None or issuer in path:
            break
        path.append(issuer)
    return path


def tree_html(nodes: list[Node]) -> Markup:
    """Return the chain as a tree, its root on top, with the trusted entry marked."""
    inner: Content = None
    for node in nodes:
        inner = tag("ul", tag("li", _box(node), inner))
    return tag(
        "div",
        inner,
        class_="ct-tree",
        role="group",
        aria_label=say("widgets.chain.title"),
    )


def _box(node: Node) -> Markup:
    kind = " ct-listed" if node.listed else "" if node.fingerprint else " ct-absent"
    badge = tag("span", " ★ ", say("widgets.chain.listed"), class_="ct-badge")
    return tag(
        "span",
        tag("bdi", node.name),
        badge if node.listed else None,
        tag("span", " ", node.warning, class_="ct-alarm") if node.warning else None,
        tag("small", node.note),
        class_="ct-node" + kind,
    )


def tree_text(nodes: list[Node]) -> str:
    """Return the chain as indented lines, its root on top.

    Examples
    --------
    >>> leaf = Node("phone", "2020 to 2030", False, "aa")
    >>> root = Node("CA", "2010 to 2040", True, "bb")
    >>> print(tree_text([leaf, root]))
    CA (2010 to 2040) [in the trust list]
      phone (2020 to 2030)
    """
    lines = []
    for depth, node in enumerate(reversed(nodes)):
        marks = [say("widgets.chain.listed")] if node.listed else []
        marks += [node.warning] if node.warning else []
        marked = "".join(f" [{mark}]" for mark in marks)
        lines.append(f"{'  ' * depth}{one_line(node.name)} ({node.note}){marked}")
    return "\n".join(lines)
