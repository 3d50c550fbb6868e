"""Attempts -> results: the rules applied, a verdict, a cause; then findings, counts of causes, and the comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from . import browsers, chains
from .errors import CerttrustError, MissingColumnError
from .rules import RULES, SCENARIOS, Rule
from .schema import ATTEMPTS, RESULTS, TRUST_STATES
from .texts import fill

LOG_CAUSES = ("wrong_password", "unknown_user", "already_registered", "timeout", "unexplained")
"""Causes that the log states, or that remain, where no rule is broken."""

FAILED_STATES = ("timeout", "rejected", "unauthorized", "down")

_STATED_BY_REASON = {
    "401": "wrong_password",
    "404": "unknown_user",
    "503": "already_registered",
    "invalidAlias": "unknown_user",
    "duplicateAlias": "already_registered",
}
_STATED_BY_STATE = {"unauthorized": "wrong_password", "timeout": "timeout"}

CAUSES = pd.CategoricalDtype([rule.code for rule in RULES if not rule.code.startswith("hygiene.")] + list(LOG_CAUSES))
VERDICTS = pd.CategoricalDtype(["pass", "fail", "unknown"])
OBSERVATIONS = pd.CategoricalDtype(["up", "failed"])
EVIDENCE = pd.CategoricalDtype(["log", "rule"])


def check(attempts: pd.DataFrame, *, at: pd.Series | pd.Timestamp | str | None = None) -> pd.DataFrame:
    """Judge each attempt by the rules that its scenario requires.

    Parameters
    ----------
    attempts : DataFrame
        Table ATTEMPTS.
    at : Timestamp, str or Series, optional
        The moment to judge at (UTC where no time zone is given), one for all or one per row; by default the
        row's own time, else now.

    Returns
    -------
    DataFrame
        Table RESULTS: the attempts with one boolean column per rule (<NA> where the scenario does not require
        it or the data do not tell), `verdict`, `cause`, `evidence`, `observed` and `explained`.

    Raises
    ------
    MissingColumnError
        If `attempts` lacks a column of the table, since it was not made by `attempts` or `browser_attempts`.

    Notes
    -----
    Where the scenario is not known, the attempt is judged under both H.323 scenarios, and has a verdict only
    where they agree. No signature is verified here: another moment costs no cryptography.

    Examples
    --------
    >>> import certtrust as ct
    >>> results = ct.check(ct.attempts(ct.simulate(20, seed=1)))
    >>> set(results["verdict"]) <= {"pass", "fail", "unknown"}
    True
    """
    missing = [column.name for column in ATTEMPTS if column.name not in attempts]
    if missing:
        raise MissingColumnError(
            f"the frame lacks the columns {', '.join(missing)}; make it with attempts() or browser_attempts()"
        )
    moment = _moment(attempts, at)
    judged = attempts.assign(judged_at=moment, **chains.trust_at(attempts, moment))
    scenario = judged["scenario"]
    asked = {name: (scenario == name).astype(bool) for name in SCENARIOS}
    undecided = scenario.isna() & ~_outside_the_page(judged)
    asked["h323-password"] |= undecided
    asked["h323-certificate"] |= undecided
    outcome = {rule.code: _applied(rule, judged, moment, asked) for rule in RULES}
    verdicts = {name: _verdict(outcome, codes, asked[name]) for name, codes in SCENARIOS.items()}
    verdict, cause = _agreed(verdicts, scenario, undecided)
    observed = _observed(judged)
    failed = (observed == "failed").astype(bool)
    stated = _stated(judged).where(failed)
    by_rule = cause.notna()
    unset_clock = (cause == "time.clock") & judged["clock_unset"].fillna(value=False).astype(bool)
    cause = cause.fillna(stated).fillna(pd.Series("unexplained", index=judged.index, dtype="str").where(failed))
    evidence = pd.Series("rule", index=judged.index, dtype="str").where(by_rule & ~unset_clock)
    evidence = evidence.mask(unset_clock | (~by_rule & stated.notna()), "log")
    explained = (verdict == "fail").astype("boolean").where(failed & (verdict != "unknown"))
    ours = {*RESULTS.names, *outcome}
    extra = {str(name): judged[name] for name in judged if name not in ours}
    return pd.DataFrame(
        {
            **{column.name: judged[column.name] for column in (*ATTEMPTS, *RESULTS.only("judged_at"))},
            **outcome,
            "verdict": verdict.astype(VERDICTS),
            "cause": cause.astype(CAUSES),
            "evidence": evidence.astype(EVIDENCE),
            "observed": observed,
            "explained": explained,
            **extra,
        },
        index=judged.index,
    )


def _moment(attempts: pd.DataFrame, at: pd.Series | pd.Timestamp | str | None) -> pd.Series:
    now = pd.Timestamp.now("UTC").as_unit("us")
    if at is None:
        return attempts["time"].fillna(now)
    try:
        if isinstance(at, pd.Series):
            own = pd.to_datetime(at, utc=True).dt.as_unit("us").reindex(attempts.index)
            return own.fillna(attempts["time"]).fillna(now)
        one = pd.Timestamp(at)
        moment = one.tz_localize("UTC") if one.tzinfo is None else one.tz_convert("UTC")
    except (ValueError, TypeError) as error:
        raise CerttrustError(f"at={at!r} is not a moment; give a date such as '2027-01-01' or a Timestamp") from error
    if pd.isna(moment):
        raise CerttrustError("at=NaT is not a moment; leave it out to judge each row at its own time")
    return pd.Series(moment.as_unit("us"), index=attempts.index)


def _outside_the_page(attempts: pd.DataFrame) -> pd.Series:
    """Tell which attempts the page says nothing about: other protocols, and none of its two authentications."""
    words = attempts["protocol"].astype("category").cat.categories
    other_protocol = attempts["protocol"].isin([word for word in words if str(word).startswith("SIP")])
    return other_protocol | (attempts["authentication"] == "none").astype(bool)


def _applied(rule: Rule, judged: pd.DataFrame, moment: pd.Series, asked: dict[str, pd.Series]) -> pd.Series:
    where = pd.Series(data=False, index=judged.index)
    for scenario in rule.scenarios:
        where |= asked[scenario]
    if not where.any():
        return pd.Series(pd.NA, index=judged.index, dtype="boolean")
    outcome = rule.holds(judged, moment)
    return outcome if where.all() else outcome.where(where)


def _verdict(outcome: dict[str, pd.Series], codes: tuple[str, ...], asked: pd.Series) -> pd.DataFrame:
    """Return `verdict` and `cause` of the rows that are judged under a scenario; missing elsewhere."""
    broken = pd.Series(data=False, index=asked.index)
    unknown = pd.Series(data=False, index=asked.index)
    cause = pd.Series(pd.NA, index=asked.index, dtype="str")
    for code in codes:
        fails = outcome[code].eq(other=False).fillna(value=False).astype(bool) & asked
        cause = cause.mask(fails & ~broken, code)
        broken |= fails
        unknown |= outcome[code].isna() & asked
    verdict = pd.Series("pass", index=asked.index, dtype="str").where(asked)
    verdict = verdict.mask(unknown, "unknown").mask(broken, "fail")
    return pd.DataFrame({"verdict": verdict, "cause": cause})


def _agreed(
    verdicts: dict[str, pd.DataFrame], scenario: pd.Series, undecided: pd.Series
) -> tuple[pd.Series, pd.Series]:
    """Return the verdict and the broken rule of each row; where the scenario is open, only what all agree on."""
    verdict = pd.Series("unknown", index=scenario.index, dtype="str")
    cause = pd.Series(pd.NA, index=scenario.index, dtype="str")
    for name, judged in verdicts.items():
        rows = scenario == name
        verdict = verdict.mask(rows, judged["verdict"])
        cause = cause.mask(rows, judged["cause"])
    one, other = verdicts["h323-password"], verdicts["h323-certificate"]
    agree = undecided & (one["verdict"] == other["verdict"])
    verdict = verdict.mask(agree, one["verdict"])
    cause = cause.mask(agree, one["cause"].where(one["cause"] == other["cause"], other["cause"]))
    return verdict, cause


def _observed(attempts: pd.DataFrame) -> pd.Series:
    state = attempts["state"]
    codes = np.where(state == "up", 0, np.where(state.isin(FAILED_STATES), 1, -1))
    return pd.Series(pd.Categorical.from_codes(codes, dtype=OBSERVATIONS), index=attempts.index)


def _stated(attempts: pd.DataFrame) -> pd.Series:
    """Return the cause that the log itself states, by its reason, else by its state."""
    codes, reasons = pd.factorize(attempts["reason"])
    reason = pd.Series(reasons, dtype="str")
    by_code = reason.str.extract(r"^(?:SIP[ /]?)?(\d{3})\b", expand=False).map(_STATED_BY_REASON)
    by_reason = reason.map(_STATED_BY_REASON).fillna(by_code).astype("str").reindex(codes).set_axis(attempts.index)
    return by_reason.fillna(attempts["state"].astype("str").map(_STATED_BY_STATE).astype("str"))


def required(results: pd.DataFrame, code: str) -> pd.Series:
    """Tell for which rows the rule is required by the scenario, or by one of the possible ones."""
    scenario = results["scenario"]
    open_scenario = scenario.isna() & ~_outside_the_page(results)
    by_name = [name for name, codes in SCENARIOS.items() if code in codes]
    h323 = any(name.startswith("h323") for name in by_name)
    return scenario.isin(by_name) | (open_scenario & h323)


def findings(results: pd.DataFrame) -> pd.DataFrame:
    """List every broken or undecided rule of every attempt, with the reason and the remedy in words.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS.

    Returns
    -------
    DataFrame
        One row per attempt and rule that it breaks (`passed` False) or that cannot be decided (`passed` <NA>):
        attempt (label in the index of `results`), device, pbx, scenario, code, passed, requirement, citation,
        why, remedy. Hygiene rules are listed where they are broken only.

    Examples
    --------
    >>> import certtrust as ct
    >>> found = ct.findings(ct.check(ct.attempts(ct.simulate(20, seed=1))))
    >>> found["passed"].eq(True).any()
    np.False_
    """
    parts = []
    for rule in RULES:
        passed = results[rule.code]
        hygiene = rule.code.startswith("hygiene.")
        broken = passed.eq(other=False).fillna(value=False).astype(bool)
        undecided = passed.isna() & required(results, rule.code) if not hygiene else broken
        found = results[broken | undecided]
        if found.empty:
            continue
        explained = explain(found, rule)
        parts.append(
            pd.DataFrame(
                {
                    "attempt": found.index,
                    "device": found["device"],
                    "pbx": found["pbx"],
                    "scenario": found["scenario"],
                    "code": rule.code,
                    "passed": found[rule.code],
                    "requirement": rule.sentences["requirement"],
                    "citation": rule.citation,
                    **explained,
                }
            )
        )
    if not parts:
        names = ["attempt", "device", "pbx", "scenario", "code", "passed", "requirement", "citation", "why", "remedy"]
        return pd.DataFrame({name: pd.Series(dtype="boolean" if name == "passed" else "str") for name in names})
    together = pd.concat(parts, ignore_index=True)
    order = pd.Series(range(len(results)), index=results.index)
    return together.iloc[together["attempt"].map(order).argsort(kind="stable")].reset_index(drop=True)


def explain(found: pd.DataFrame, rule: Rule) -> dict[str, pd.Series]:
    """Return `why` and `remedy` in words for rows of RESULTS that break the rule, or that it cannot decide."""
    texts = rule.sentences
    why = pd.Series("", index=found.index, dtype="str")
    remedy = pd.Series("", index=found.index, dtype="str")
    undecided = found[rule.code].isna()
    variant = rule.variant(found, found["judged_at"]) if rule.variant else pd.Series(pd.NA, index=found.index)
    known = {name: {**texts, **wording} for name, wording in texts.get("variants", {}).items()}
    wordings = variant.where(variant.isin(known.keys()), "").mask(undecided, "?")
    for name in wordings.unique():
        rows = found[wordings == name]
        if name == "?":
            words = {"why": texts["unknown"], "remedy": f"Add what is missing to decide: {texts['missing']}."}
        else:
            words = known.get(name, texts)
        why[rows.index] = fill(words["why"], _worded(rows, words["why"]))
        remedy[rows.index] = fill(words["remedy"], _worded(rows, words["remedy"]))
    return {"why": why, "remedy": remedy}


def present(results: pd.DataFrame, rule: Rule) -> pd.Series:
    """Return in words what the rows of RESULTS hold of that which the rule looks at."""
    template = rule.sentences["has"]
    return fill(template, _worded(results, template))


def _names(rows: pd.DataFrame, *, with_cn: bool) -> pd.Series:
    cns = rows["subject_cn"].astype("object") if with_cn else [None] * len(rows)
    lists = zip(cns, rows["dns_names"], rows["ip_addresses"], strict=True)
    named = [
        ", ".join(dict.fromkeys([*([cn] if isinstance(cn, str) else []), *_listed(dns), *_listed(addresses)])) or "none"
        for cn, dns, addresses in lists
    ]
    return pd.Series(named, index=rows.index, dtype="str")


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else []


_DERIVED: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "clock": lambda rows: rows["clock_unset"].map({True: "not set", False: "set"}),
    "registered_as": lambda rows: rows["registration_name"].fillna(rows["hardware_id"]),
    "the_pbx": lambda rows: ("the PBX " + rows["pbx"].astype("str")).fillna("the PBX"),
    "trust_meaning": lambda rows: rows["trust_state"].astype("str").map(TRUST_STATES),
    "certificate_names": lambda rows: _names(rows, with_cn=True),
    "alternative_names": lambda rows: _names(rows, with_cn=False),
    "browser_why": lambda rows: browsers.browser_verdict(rows, rows["judged_at"])["why"],
}


def _worded(rows: pd.DataFrame, template: str) -> pd.DataFrame:
    """Add those columns in words that the template asks for."""
    needed = {name: words(rows) for name, words in _DERIVED.items() if f"{{{name}}}" in template}
    return rows.assign(**needed)


def counted(results: pd.DataFrame) -> pd.DataFrame:
    """Return the attempts that `causes` counts: observed failures, and predicted ones where nothing was observed."""
    predicted = results["observed"].isna() & (results["verdict"] == "fail")
    return results[(results["observed"] == "failed") | predicted]


def causes(results: pd.DataFrame, by: str | Sequence[str] | None = None) -> pd.DataFrame:
    """Count failed attempts and their devices per primary cause.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS.
    by : str or list of str, optional
        Columns of `results` to count within, such as "model" or ["pbx", "model"].

    Returns
    -------
    DataFrame
        The columns of `by`, then cause, evidence (log: stated there; rule: predicted from configuration; missing:
        unexplained), attempts, devices, and share of the attempts in their group; most attempts first. Counted
        are observed failures and, where nothing was observed, predicted ones. A device that fails for two
        causes counts under both.

    Raises
    ------
    MissingColumnError
        If `results` has no column of a name in `by`.

    Examples
    --------
    >>> import certtrust as ct
    >>> results = ct.check(ct.attempts(ct.simulate(20, seed=1)))
    >>> ct.causes(results, by="pbx").columns.tolist()
    ['pbx', 'cause', 'evidence', 'attempts', 'devices', 'share']
    """
    groups = [] if by is None else [by] if isinstance(by, str) else list(by)
    absent = [name for name in groups if name not in results]
    if absent:
        raise MissingColumnError(f"the results have no column {', '.join(map(repr, absent))} to count by")
    failed = counted(results)
    keys = [*groups, "cause", "evidence"]
    grouped = failed.groupby(keys, observed=True, dropna=False, sort=False)
    counts = grouped.agg(attempts=("cause", "size"), devices=("device", "nunique")).reset_index()
    total = counts.groupby(groups, dropna=False, observed=True)["attempts"].transform("sum") if groups else len(failed)
    counts["share"] = (counts["attempts"] / total).astype("float64")
    ranked = counts.sort_values([*groups, "attempts"], ascending=[True] * len(groups) + [False], kind="stable")
    return ranked.reset_index(drop=True)


def compare(results: pd.DataFrame) -> pd.DataFrame:
    """Count attempts by what the rules predict and what the log shows.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS.

    Returns
    -------
    DataFrame
        Index `predicted`: pass, fail, unknown; columns `observed`: up, failed, not observed. Predicted fail and
        observed failed is explained; predicted pass and observed failed is unexplained; predicted fail and
        observed up is contradicted: some of the data are probably stale.

    Examples
    --------
    >>> import certtrust as ct
    >>> ct.compare(ct.check(ct.attempts(ct.simulate(20, seed=1)))).index.tolist()
    ['pass', 'fail', 'unknown']
    """
    predicted = results["verdict"].astype("str").rename("predicted")
    observed = results["observed"].astype("str").fillna("not observed").rename("observed")
    table = pd.crosstab(predicted, observed)
    return table.reindex(
        index=pd.Index(VERDICTS.categories, name="predicted"),
        columns=pd.Index(["up", "failed", "not observed"], name="observed"),
        fill_value=0,
    )
