"""Attempts -> results: the rules applied, a verdict and a cause; then counts of causes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..arrays import threads
from ..arrays.arrow import as_mask, flags
from ..arrays.grouping import factorize_rows
from ..errors import CerttrustError, MissingColumnError
from ..schema import ATTEMPTS, RESULTS, expect
from ..texts.sentences import say
from ..trust import trust_state
from .requirements import NAMES, OPINION, RULES, SCENARIOS, Rule
from .wire import OF_TLS, REFUSED, WIRE_CAUSES, proven, seen_on_wire

LOG_CAUSES = (
    "wrong_password",
    "unknown_user",
    "already_registered",
    "timeout",
    *WIRE_CAUSES,
    "unexplained",
)
"""Causes that the log or the wire states, or that remain, where no rule is broken."""

FAILED_STATES = ("timeout", "rejected", "unauthorized", "down")

_STATED_BY_REASON = {
    "401": "wrong_password",
    "404": "unknown_user",
    "503": "already_registered",
    "invalidAlias": "unknown_user",
    "duplicateAlias": "already_registered",
}
_STATED_BY_STATE = {"unauthorized": "wrong_password", "timeout": "timeout"}

CAUSES = pd.CategoricalDtype(
    [rule.code for rule in RULES if not rule.code.startswith(OPINION)]
    + list(LOG_CAUSES)
)
VERDICTS = pd.CategoricalDtype(["pass", "fail", "unknown"])
OBSERVATIONS = pd.CategoricalDtype(["up", "failed"])
EVIDENCE = pd.CategoricalDtype(["log", "rule", "wire"])
_PASS, _FAIL, _UNKNOWN = range(3)
_UP, _FAILED = range(2)
_LOG, _RULE, _WIRE = range(3)
_CODE: dict[str, int] = {cause: code for code, cause in enumerate(CAUSES.categories)}
_COUNTED = ("device", "observed", "verdict", "cause", "evidence")
_ISO_DATE = r"\d{4}(?:-?\d{2}(?:-?\d{2})?)?(?![\d./])"
_H323 = ("h323-password", "h323-certificate")

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]


def expect_results(results: pd.DataFrame) -> pd.DataFrame:
    """Return table RESULTS that a caller passed, with its dtypes, see `certtrust.schema.expect`."""
    return expect(results, RESULTS, (*RESULTS.names, *(rule.code for rule in RULES)))


def check(
    attempts: pd.DataFrame, *, at: pd.Series | pd.Timestamp | str | None = None
) -> pd.DataFrame:
    """Judge each attempt by the rules that its scenario requires.

    Parameters
    ----------
    attempts : DataFrame
        Table ATTEMPTS.
    at : Timestamp, str or Series, optional
        The moment to judge at (UTC where no time zone is given), one for all or one per row; by
        default the row's own time, else now.

    Returns
    -------
    DataFrame
        Table RESULTS: the attempts with one boolean column per rule (<NA> where the scenario
        does not require it or the data do not tell), `verdict`, `cause`, `evidence`, `observed`
        and `explained`.

    Raises
    ------
    MissingColumnError
        If `attempts` lacks a column of the table, since it was not made by `attempts` or
        `browser_attempts`.

    Notes
    -----
    Where the scenario is not known, the attempt is judged under both H.323 scenarios, and has a
    verdict only where they agree. No signature is verified here: another moment costs no
    cryptography.

    Examples
    --------
    >>> import certtrust as ct
    >>> results = ct.check(ct.attempts(ct.simulate(20, seed=1)))
    >>> set(results["verdict"]) <= {"pass", "fail", "unknown"}
    True
    """
    attempts = expect(attempts, ATTEMPTS)
    moment = _moment(attempts, at)
    trust = trust_state.trust_at(attempts, moment)
    failures = trust_state.failures(trust["trust_state"], attempts["trust_detail"])
    judged = attempts.assign(judged_at=moment, **trust, **failures)
    applies = _applies(judged)
    outcome = _outcomes(judged, moment, applies)
    verdict, broken = _agreed(outcome, judged["scenario"], applies)
    observed = _observed(judged)
    failed = observed == _FAILED
    cause = np.where(failed & (broken < 0), _stated(judged, failed), broken)
    cause, by_wire = _proven(judged, failed, outcome, cause)
    unset_clock = (cause == _CODE["time.clock"]) & as_mask(judged["clock_unset"])
    by_log = unset_clock | (failed & (broken < 0) & (cause != _CODE["unexplained"]))
    evidence = np.where(by_log, _LOG, np.where(broken >= 0, _RULE, -1))
    evidence = np.where(by_wire, _WIRE, evidence)
    explained = flags(verdict == _FAIL, ~failed | (verdict == _UNKNOWN), judged.index)
    ours = {*RESULTS.names, *outcome}
    extra = {str(name): judged[name] for name in judged if name not in ours}
    return pd.DataFrame(
        {
            **{
                column.name: judged[column.name]
                for column in (*ATTEMPTS, *RESULTS.only("judged_at"))
            },
            **outcome,
            "verdict": pd.Categorical.from_codes(verdict, dtype=VERDICTS),
            "cause": pd.Categorical.from_codes(cause, dtype=CAUSES),
            "evidence": pd.Categorical.from_codes(evidence, dtype=EVIDENCE),
            "observed": pd.Categorical.from_codes(observed, dtype=OBSERVATIONS),
            "explained": explained,
            **extra,
        },
        index=judged.index,
    )


def _moment(
    attempts: pd.DataFrame, at: pd.Series | pd.Timestamp | str | None
) -> pd.Series:
    now = pd.Timestamp.now("UTC").as_unit("us")
    if at is None:
        return attempts["time"].fillna(now)
    if not isinstance(at, pd.Series):
        return pd.Series(moment_of(at), index=attempts.index)
    if not at.index.equals(attempts.index) and not at.index.is_unique:
        raise CerttrustError(say("errors.evaluation.labels_of_at"))
    try:
        own = pd.to_datetime(
            at, utc=True, format="ISO8601" if at.dtype == "str" else None
        ).dt.as_unit("us")
        own = own if own.index.equals(attempts.index) else own.reindex(attempts.index)
    except (ValueError, TypeError) as error:
        raise CerttrustError(
            say("errors.evaluation.no_moment", at=repr(at))
        ) from error
    return own.fillna(attempts["time"]).fillna(now)


def moment_of(at: pd.Timestamp | str) -> pd.Timestamp:
    """Return a moment that a caller gives, UTC where it has no zone; text is an ISO 8601 date."""
    if isinstance(at, str) and not re.match(_ISO_DATE, at.strip()):
        raise CerttrustError(say("errors.evaluation.year_first", at=repr(at)))
    try:
        given = pd.Timestamp(at)
        moment: pd.Timestamp = (
            given.tz_convert("UTC") if given.tzinfo else given.tz_localize("UTC")
        )
    except (ValueError, TypeError) as error:
        raise CerttrustError(
            say("errors.evaluation.no_moment", at=repr(at))
        ) from error
    if pd.isna(moment):
        raise CerttrustError(say("errors.evaluation.moment_missing"))
    return moment.as_unit("us")


def _applies(judged: pd.DataFrame) -> dict[str, Flags]:
    """Return for each scenario the attempts that it applies to.

    Where the scenario is not known, both of H.323 do.
    """
    scenario = judged["scenario"]
    applies = {name: as_mask(scenario == name) for name in SCENARIOS}
    is_open = scenario.isna().to_numpy() & ~_outside_the_article(judged)
    return {
        name: mask | is_open if name in _H323 else mask
        for name, mask in applies.items()
    }


def _outside_the_article(attempts: pd.DataFrame) -> Flags:
    """Return the attempts that the article says nothing about: SIP, and no authentication."""
    words = attempts["protocol"].astype("category").cat.categories
    others = [word for word in words if str(word).startswith("SIP")]
    other_protocol = attempts["protocol"].isin(others)
    return as_mask(other_protocol | (attempts["authentication"] == "none"))


def _outcomes(
    judged: pd.DataFrame, moment: pd.Series, applies: dict[str, Flags]
) -> dict[str, pd.Series]:
    """Return the outcome of each rule, missing where it is in no scenario of the attempt."""
    code, first = factorize_rows(judged, NAMES)
    names, moment_of_names = judged[list(NAMES)].iloc[first], moment.iloc[first]

    def outcome(rule: Rule) -> pd.Series:
        rows = np.any([applies[scenario] for scenario in rule.scenarios], axis=0)
        if not rows.any():
            return pd.Series(pd.NA, index=judged.index, dtype="boolean")
        if rule.of_names:
            holds = _flags(rule, rule.holds(names, moment_of_names))
            values = pd.Series(holds.array.take(code), index=judged.index)
        else:
            values = _flags(rule, rule.holds(judged, moment))
        return values if rows.all() else values.where(rows)

    outcomes = threads.parallel_map(outcome, RULES, len(judged))
    return dict(zip((rule.code for rule in RULES), outcomes, strict=True))


def _flags(rule: Rule, holds: pd.Series) -> pd.Series:
    """Return what a rule found, which has to be able to say that it does not know."""
    if holds.dtype != "boolean":
        raise CerttrustError(
            f"the rule {rule.code} returns {holds.dtype}, not boolean: `as_flags` makes it"
        )
    return holds


def _verdict(
    outcome: dict[str, pd.Series], rules: tuple[str, ...], applies: Flags
) -> tuple[Codes, Codes]:
    """Return the verdict and the first broken rule (-1 = none) under one scenario."""
    unknown = np.zeros(len(applies), dtype=bool)
    first = np.full(len(applies), -1, dtype=np.int8)
    for rule in rules:
        fails = applies & as_mask(~outcome[rule])
        first[fails & (first < 0)] = _CODE[rule]
        unknown |= outcome[rule].isna().to_numpy()
    return np.where(first >= 0, _FAIL, np.where(unknown, _UNKNOWN, _PASS)), first


def _agreed(
    outcome: dict[str, pd.Series], scenario: pd.Series, applies: dict[str, Flags]
) -> tuple[Codes, Codes]:
    """Return the verdict and the broken rule of each row; for an open scenario what both say."""
    verdict = np.full(len(scenario), _UNKNOWN, dtype=np.int8)
    broken = np.full(len(scenario), -1, dtype=np.int8)
    judged = {
        name: _verdict(outcome, rules, applies[name])
        for name, rules in SCENARIOS.items()
    }
    for name, (verdicts, first) in judged.items():
        rows = as_mask(scenario == name)
        verdict[rows], broken[rows] = verdicts[rows], first[rows]
    by_password, by_certificate = (judged[name] for name in _H323)
    is_open = scenario.isna().to_numpy() & applies[_H323[0]] & applies[_H323[1]]
    agree = is_open & (by_password[0] == by_certificate[0])
    verdict[agree], broken[agree] = by_certificate[0][agree], by_certificate[1][agree]
    return verdict, broken


def _observed(attempts: pd.DataFrame) -> Codes:
    state = attempts["state"]
    return np.where(
        as_mask(state == "up"), _UP, np.where(state.isin(FAILED_STATES), _FAILED, -1)
    )


def _stated(attempts: pd.DataFrame, failed: Flags) -> Codes:
    """Return the cause that the log states for what failed, by its reason, else its state."""
    columns = ["reason", "state"]
    failures = attempts[columns][failed]
    code, first = factorize_rows(failures, columns)
    reason, state = (failures[name].iloc[first].astype("str") for name in columns)
    response = reason.str.extract(r"^(?:SIP[ /]?)?(\d{3})\b", expand=False)
    by_reason = reason.map(_STATED_BY_REASON).fillna(response.map(_STATED_BY_REASON))
    causes = by_reason.fillna(state.map(_STATED_BY_STATE)).fillna("unexplained")
    stated = np.full(len(attempts), _CODE["unexplained"], dtype=np.int8)
    stated[failed] = causes.map(_CODE).to_numpy(dtype=np.int8)[code]
    return stated


def _proven(
    judged: pd.DataFrame, failed: Flags, outcome: dict[str, pd.Series], cause: Codes
) -> tuple[Codes, Flags]:
    """Return the causes with those that the wire proves, and where it does."""
    on_wire = seen_on_wire(judged) & failed
    if not on_wire.any():
        return cause, on_wire
    proof = proven(judged, failed, outcome)
    code = proof.map(_CODE).fillna(-1).to_numpy(dtype=np.int8)
    of_tls = [_CODE[rule] for rule in OF_TLS]
    # Refused for a reason that is not told: a rule of TLS that is broken is the better cause.
    explained = (code == _CODE[REFUSED]) & np.isin(cause, of_tls)
    by_wire = (code >= 0) & ~explained
    return np.where(by_wire, code, cause), by_wire


def required(results: pd.DataFrame) -> dict[str, Flags]:
    """Return for each rule the rows that require it, by their scenario or a possible one."""
    applies = _applies(results)
    required = {rule.code: np.zeros(len(results), dtype=bool) for rule in RULES}
    for scenario, rules in SCENARIOS.items():
        for rule in rules:
            required[rule] |= applies[scenario]
    return required


def counted(results: pd.DataFrame) -> pd.DataFrame:
    """Return what `causes` counts: failures, predicted ones where nothing was observed."""
    predicted = results["observed"].isna() & (results["verdict"] == "fail")
    return results[(results["observed"] == "failed") | predicted]


def causes(
    results: pd.DataFrame, by: str | Sequence[str] | None = None
) -> pd.DataFrame:
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
        The columns of `by`, then cause, evidence (log: stated there; wire: by an alert of TLS;
        rule: predicted from configuration; missing: unexplained), attempts, devices, and share
        of the attempts in their group; most attempts first. Counted are observed failures and,
        where nothing was observed, predicted ones. A device that fails for two causes counts
        under both.

    Raises
    ------
    MissingColumnError
        If `results` has no column of a name in `by`.

    Notes
    -----
    An example of each cause, in the words of `findings` and of the report:

    time.clock
        The clock of 009033afc4ee was not set when it tried to register: the log shows time 0
        or the year 1970.
    transport.tls_only
        009033d1c878 registered over H.323/TCP, but "TLS only" is set for it at the PBX berlin.
    password.tls_only
        00903355c3d7 logs in with a password, but "TLS only" is set for it at the PBX berlin.
    transport.tls_version
        009033c21b04 supports TLS 1.1 at most, which the TLS profile "normal" of the PBX berlin
        refuses.
    certificate.trust
        The certificate of 0090336f4fdf (0090336f4fdf, issued by Example Devices CA) is not
        trusted by the PBX mainz: the chain reaches its root, but none of its certificates is
        in the list.
    time.validity
        The certificate of 009033ddbd8d is valid from 2019-02-19 to 2026-02-19, but not
        at 2026-10-09 13:31 UTC.
    certificate.name
        009033ba01eb registers as kitchen-55, which does not begin with the CN 009033ba01eb of
        its certificate.
    browser.trust
        The browser does not trust the certificate for https://192.0.2.7/ (0090332f688a, issued
        by Example Devices CA): the chain ends before its root, and none of its certificates
        is in the list.
    browser.name
        https://192.0.2.7/ is not among the names of the certificate: 0090332f688a.
    wrong_password
        The log says that 0090338b733f gave no password or a wrong one.
    unknown_user
        The log says that the PBX does not know the name ward-24.
    already_registered
        The log says that another registration already uses the name reception.
    timeout
        The registration of 009033843bfa timed out.
    certificate_refused
        The PBX 192.0.2.2 refused the certificate of 0090339ab312 in the TLS handshake;
        its alert (bad_certificate) does not say why.
    no_certificate
        0090332d1c70 presented no certificate, and the PBX 192.0.2.2 requires one.
    tls_version
        The PBX 192.0.2.2 accepts none of the TLS versions that 009033aa10e2 offers.
    unexplained
        The registration of 00903337d94e failed, and neither a rule nor the log says why.

    Examples
    --------
    >>> import certtrust as ct
    >>> results = ct.check(ct.attempts(ct.simulate(20, seed=1)))
    >>> ct.causes(results, by="pbx").columns.tolist()
    ['pbx', 'cause', 'evidence', 'attempts', 'devices', 'share']
    """
    results = expect(results, RESULTS, _COUNTED)
    groups = groups_of(results, by)
    keys = list(dict.fromkeys([*groups, "cause", "evidence"]))
    failed = counted(
        results[list(dict.fromkeys([*keys, "device", "observed", "verdict"]))]
    )
    grouped = failed.groupby(keys, observed=True, dropna=False, sort=False)
    counts = grouped.agg(attempts=("cause", "size"), devices=("device", "nunique"))
    return ranked(counts.reset_index(), groups)


def groups_of(results: pd.DataFrame, by: str | Sequence[str] | None) -> list[str]:
    """Return the columns to count within, each once.

    Raises
    ------
    MissingColumnError
        If the results lack one of them.
    """
    groups = [] if by is None else [by] if isinstance(by, str) else list(by)
    absent = [name for name in groups if name not in results]
    if absent:
        raise MissingColumnError(
            say("errors.evaluation.no_column", columns=", ".join(map(repr, absent)))
        )
    return list(dict.fromkeys(groups))


def ranked(counts: pd.DataFrame, groups: list[str]) -> pd.DataFrame:
    """Return counts of causes with their shares, most attempts first within each group."""
    attempts = counts["attempts"]
    total: Any = attempts.sum()
    if groups:
        within = counts.groupby(groups, dropna=False, observed=True)["attempts"]
        total = within.transform("sum")
    counts["share"] = (attempts / total).astype("float64")
    order = counts.sort_values(
        [*groups, "attempts"], ascending=[True] * len(groups) + [False], kind="stable"
    )
    return order.reset_index(drop=True)


def compare(results: pd.DataFrame, *, of: str = "attempts") -> pd.DataFrame:
    """Count attempts by what the rules predict and what the log shows.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS.
    of : {"attempts", "wire"}
        "wire": what alerts of TLS prove, cause by cause, against what the rules say of it.

    Returns
    -------
    DataFrame
        Index `predicted`: pass, fail, unknown; columns `observed`: up, failed, not observed.
        Predicted fail and observed failed is explained; predicted pass and observed failed is
        unexplained; predicted fail and observed up is contradicted: some of the data are
        probably stale. Of the wire: index `proven`, the causes that alerts prove; columns
        `predicted`: fail, unknown, pass, by that rule alone, and by trust and validity together
        where the alert names no rule. A proof that is predicted to pass is a contradiction, see
        `certtrust.contradictions`.

    Raises
    ------
    CerttrustError
        If `of` is neither of the two.

    Examples
    --------
    >>> import certtrust as ct
    >>> ct.compare(ct.check(ct.attempts(ct.simulate(20, seed=1)))).index.tolist()
    ['pass', 'fail', 'unknown']
    """
    if of == "wire":
        return _compared_with_wire(results)
    if of != "attempts":
        raise CerttrustError(say("errors.evaluation.compared", of=repr(of)))
    results = expect(results, RESULTS, ("verdict", "observed"))
    predicted, observed = (
        results[name].astype(dtype).cat.codes.to_numpy().astype(np.int64)
        for name, dtype in (("verdict", VERDICTS), ("observed", OBSERVATIONS))
    )
    words = [*OBSERVATIONS.categories, "not observed"]
    observed[observed < 0] = len(OBSERVATIONS.categories)
    judged = predicted >= 0
    counts = np.bincount(
        predicted[judged] * len(words) + observed[judged],
        minlength=len(VERDICTS.categories) * len(words),
    )
    return pd.DataFrame(
        counts.reshape(-1, len(words)),
        index=pd.Index(VERDICTS.categories, name="predicted"),
        columns=pd.Index(words, name="observed"),
    )


def _compared_with_wire(results: pd.DataFrame) -> pd.DataFrame:
    results = expect(results, RESULTS, ("cause", "evidence", *OF_TLS))
    rows = results[as_mask(results["evidence"] == "wire")]
    proven = rows["cause"].astype("str").rename("proven")
    holds = rows[OF_TLS[0]]
    for rule in OF_TLS[1:]:
        holds = holds & rows[rule]
    for rule in OF_TLS:
        holds = holds.mask(as_mask(proven == rule), rows[rule])
    words = {True: "pass", False: "fail"}
    predicted = holds.map(words).astype("str").fillna("unknown").rename("predicted")
    table = pd.crosstab(proven, predicted)
    order = [cause for cause in (*OF_TLS, *WIRE_CAUSES) if cause in table.index]
    return table.reindex(
        index=pd.Index(order, name="proven", dtype="str"),
        columns=pd.Index(["fail", "unknown", "pass"], name="predicted"),
        fill_value=0,
    )
