"""Where a certificate would be accepted: the list of every PBX, in every scenario."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ..evaluation.rules import SCENARIOS
from ..explanation.diagnosis import Diagnosis, diagnose
from ..texts.markup import Markup, tag
from ..texts.sentences import say
from .styling import MARKS

COLUMNS = ["pbx", "scenario", "verdict", "reason"]


def accepted(
    certificates: pd.DataFrame, lists: pd.DataFrame, *, url: str = "", **options: Any
) -> pd.DataFrame:
    """Judge a certificate by the trust list of every PBX, in every scenario.

    Parameters
    ----------
    certificates : DataFrame
        Table CERTIFICATES: the judged certificate first, then its chain.
    lists : DataFrame
        Table TRUST; entries without a PBX count at every one.
    url : str
        What a browser opens; without it there is no verdict for browsers, who have a list of their
        own.
    **options
        registration_name, hardware_id, tls_only, at and links, as for `certtrust.diagnose`.

    Returns
    -------
    DataFrame
        One row per PBX and scenario: pbx, scenario, verdict, reason (the first requirement that is
        not met, or that cannot be decided; empty where it passes).
    """
    names = sorted(lists["pbx"].dropna().astype(str).unique())
    shared = lists["pbx"].isna()
    moment = {name: options.pop(name) for name in ("at", "links") if name in options}
    by_list: dict[tuple[frozenset[str], str], Diagnosis] = {}
    rows = []
    for pbx in names:
        own = lists[(lists["pbx"] == pbx).fillna(value=False) | shared]
        entries = frozenset(own["fingerprint"].dropna())
        for scenario in reversed(SCENARIOS):
            if scenario == "browser":
                continue
            # Many PBXs share one list, and one answer.
            key = (entries, scenario)
            if key not in by_list:
                by_list[key] = diagnose(
                    certificates,
                    scenario=scenario,
                    trust=own.drop(columns="pbx"),
                    **options,
                    **moment,
                )
            rows.append((pbx, scenario, *_answer(by_list[key])))
    if url and len(names):
        browser = _answer(
            diagnose(certificates, scenario="browser", url=url, **moment)
        )
        rows += [(pbx, "browser", *browser) for pbx in names]
    return pd.DataFrame(rows, columns=COLUMNS)


def _answer(diagnosis: Diagnosis) -> tuple[str, str]:
    """Return the verdict and the title of what decides it."""
    if diagnosis.verdict == "pass":
        return diagnosis.verdict, ""
    steps = diagnosis.steps[~diagnosis.steps["code"].str.startswith("hygiene.")]
    passed = steps["passed"]
    failing = passed.eq(other=False).fillna(value=False)
    decisive = steps[failing if diagnosis.verdict == "fail" else passed.isna()]
    title = decisive["title"].iloc[0] if len(decisive) else ""
    return diagnosis.verdict, str(title)


def accepted_html(answers: pd.DataFrame) -> Markup:
    """Return the answers as a table: a row per PBX, a column per scenario."""
    if answers.empty:
        return tag("p", say("widgets.tester.no_lists"), class_="ct-hint")
    scenarios = list(dict.fromkeys(answers["scenario"]))
    heads = [
        tag("th", say(f"widgets.tester.scenarios.{name}"), scope="col")
        for name in scenarios
    ]
    body = []
    for pbx, rows in answers.groupby("pbx", sort=False):
        by_scenario = rows.set_index("scenario")
        cells = [
            _cell(by_scenario.loc[name, "verdict"], by_scenario.loc[name, "reason"])
            for name in scenarios
        ]
        name = tag("th", tag("bdi", pbx), scope="row")
        body.append(tag("tr", name, cells))
    count = answers["pbx"].nunique()
    caption = tag("caption", say("widgets.tester.accepted_caption", count=count))
    head = tag(
        "thead", tag("tr", tag("th", say("widgets.columns.pbx"), scope="col"), heads)
    )
    table = tag("table", caption, head, tag("tbody", body), class_="ct-table")
    return tag(
        "div",
        table,
        class_="ct-wide",
        role="region",
        tabindex="0",
        aria_label=say("widgets.tester.accepted"),
    )


def _cell(verdict: str, reason: str) -> Markup:
    words = say(f"widgets.values.verdict.{verdict}")
    detail = [tag("br"), tag("small", reason)] if reason else None
    return tag(
        "td", MARKS[verdict], " ", words, detail, class_=f"ct-long ct-cell-{verdict}"
    )
