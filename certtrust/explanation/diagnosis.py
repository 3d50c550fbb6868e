"""One certificate, explained: the same attempt, the same rules, step by step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import certifi
import numpy as np
import pandas as pd

from ..arrays.arrow import as_mask
from ..certificates.passwords import Passwords
from ..certificates.reading import read_certificates
from ..certificates.trust_lists import EMPTY, read_trust_list
from ..errors import CerttrustError
from ..evaluation.attempts import browser_attempts
from ..evaluation.check import check, expect_results, required
from ..evaluation.ownership import Ownership, leaves
from ..evaluation.requirements import BY_CODE, HYGIENE, SCENARIOS
from ..fleet import Fleet
from ..names import device_ids
from ..schema import (
    ATTEMPTS,
    CERTIFICATES,
    DEVICES,
    LINKS,
    REGISTRATIONS,
    TRUST,
    conform,
    empty,
    expect,
)
from ..texts.labels import either
from ..texts.markup import NO_MATH, Markup, tag
from ..texts.sentences import current_language, language, say, sentences, spoken
from ..texts.translation import FRAMES, translated
from ..texts.visible import encodable, one_line
from ..trust import trust_state
from .findings import explain, listed_names, present

Certificates = bytes | str | Path | pd.DataFrame | Iterable[bytes | str | Path]

_ELSEWHERE = {"device", "serial", "model", "source"}
_PRESENTED = (
    "parse_error",
    *(
        name
        for name in CERTIFICATES.names
        if name in ATTEMPTS.names and name not in _ELSEWHERE
    ),
)
"""The columns of an attempt that are its certificate's; the rest are the registration's."""

_AUTHENTICATION = {"h323-password": "password", "h323-certificate": "certificate"}
_STEP = ("code", "title", "requirement", "citation", "has", "passed", "why", "remedy")
_MARKS = {"pass": "✓", "fail": "✗", "unknown": "?"}
_COLOURS = {"pass": "#00695c", "fail": "#b3261e", "unknown": "#6b5900"}
_LEFT = "text-align:left"


@dataclass(frozen=True)
class Diagnosis:
    """What the rules say about one certificate; shows itself in a notebook and in a terminal.

    Parameters
    ----------
    verdict : str
        "pass", "fail" or "unknown".
    steps : DataFrame
        One row per rule that the scenario requires, in the order of the causes, then hygiene: code,
        title, requirement, citation, has (what is there), passed (boolean, <NA> = unknown), why,
        remedy.
    path : list of str
        Fingerprints from the certificate to the trusted entry; empty where it is not trusted.
    result : DataFrame
        The one row of table RESULTS that this was made from.
    lang : str
        The language that it was made in, and that it shows itself in.
    """

    verdict: str
    scenario: str
    steps: pd.DataFrame
    path: list[str]
    result: pd.DataFrame
    lang: str = field(default_factory=current_language)

    @property
    def names(self) -> list[str]:
        """The names that the certificate has: its CN, DNS names and IP addresses."""
        row = self.result.iloc[0]
        cn = row["subject_cn"]
        names = [cn] if isinstance(cn, str) else []
        for column in ("dns_names", "ip_addresses"):
            names += listed_names(row[column])
        return list(dict.fromkeys(names))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON."""
        steps = self.steps.astype("object").where(self.steps.notna(), None)
        return {
            "verdict": self.verdict,
            "scenario": self.scenario,
            "judged_at": self.result["judged_at"].iloc[0].isoformat(),
            "names": self.names,
            "trust_state": _plain(self.result["trust_state"].iloc[0]),
            "path": self.path,
            "steps": steps.to_dict(orient="records"),
        }

    def __str__(self) -> str:
        with spoken(self.lang):
            return self._as_text()

    def _as_text(self) -> str:
        lines = [self._head()]
        for step in self._steps():
            lines.append(say("diagnosis.step", mark=_MARKS[step["word"]], **step))
            words = [one_line(step[text]) for text in ("why", "remedy")]
            lines += [f"    {text}" for text in words if text]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        with spoken(self.lang):
            return self._as_html()

    def _as_html(self) -> str:
        heads = [
            tag("th", head, style=_LEFT)
            for head in sentences()["diagnosis"]["columns"].values()
        ]
        head = tag("strong", self._head(), style=f"color:{_COLOURS[self.verdict]}")
        body = tag("tbody", [_html_row(step) for step in self._steps()])
        table = tag("table", tag("thead", tag("tr", heads)), body)
        return tag("div", tag("p", head), table, class_=NO_MATH)

    def _head(self) -> str:
        verdict = say(f"verdicts.{self.verdict}")
        return say(
            "diagnosis.head",
            mark=_MARKS[self.verdict],
            scenario=self.scenario,
            verdict=verdict,
        )

    def _steps(self) -> list[dict[str, Any]]:
        steps = self.steps.assign(
            word=self.steps["passed"].map(_word, na_action=None)
        )
        return [
            dict(zip(steps.columns, values, strict=True))
            for values in steps.itertuples(index=False)
        ]


def _html_row(step: dict[str, Any]) -> Markup:
    word = step["word"]
    verdict = tag(
        "td",
        f"{_MARKS[word]} ",
        say(f"verdicts.{word}"),
        style=f"color:{_COLOURS[word]};font-weight:bold;white-space:nowrap",
    )
    source = tag("small", f"{step['code']} \u00b7 {step['citation']}")
    cells = (
        [step["requirement"], tag("br"), source],
        step["has"],
        step["why"],
        step["remedy"],
    )
    return tag("tr", verdict, [tag("td", cell, style=_LEFT) for cell in cells])


def _plain(value: Any) -> Any:
    return None if pd.isna(value) else value


def _word(passed: Any) -> str:
    return "unknown" if pd.isna(passed) else "pass" if passed else "fail"


def diagnose(
    certificate: Certificates,
    *,
    scenario: str,
    registration_name: str | None = None,
    hardware_id: str | None = None,
    url: str | None = None,
    trust: Certificates | None = None,
    tls_only: bool | None = None,
    authentication: str | None = None,
    chain: Certificates = (),
    at: pd.Timestamp | str | None = None,
    password: Passwords = None,
    links: pd.DataFrame | None = None,
    lang: str | None = None,
) -> Diagnosis:
    """Explain whether one certificate fits a scenario of the article, step by step.

    Parameters
    ----------
    certificate : bytes, PEM text, path or DataFrame
        The certificate; where several are given, in whatever order, the one that issued none of
        the others is judged, and these belong to its chain.
    scenario : {"browser", "h323-password", "h323-certificate"}
        What the certificate is used for.
    registration_name, hardware_id : str, optional
        What the device registers as.
    url : str, optional
        What the browser opens; needed for "browser".
    trust : as certificate, optional
        The trust list: of the PBX, where None means that it is not known, and an empty one
        trusts nothing; of the browser, where None means the public list of certifi. Empty text
        is as good as None.
    tls_only : bool, optional
        Whether "TLS only" is set for the device; None = not known.
    authentication : {"password", "certificate"}, optional
        Follows from the scenario; may be given to say so.
    chain : as certificate, optional
        Further certificates that were presented with it.
    at : Timestamp or str, optional
        The moment to judge at, UTC; by default now.
    password : str, bytes, a sequence of these or a function, optional
        Of PKCS#12 files among all that is given, as in `read_certificates`.
    links : DataFrame, optional
        Table LINKS, for repeated calls about the same certificates; what is missing in it is
        verified.
    lang : str, optional
        The language of the sentences, such as `de`; by default that of `certtrust.language`.

    Returns
    -------
    Diagnosis

    Raises
    ------
    CerttrustError
        If there is no certificate in `certificate`, the scenario is not known, or what it needs was
        not given.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(20, seed=1)
    >>> ct.diagnose(fleet.certificates.head(1), scenario="h323-password", tls_only=False).verdict
    'pass'
    """
    with spoken(lang):
        _check_scenario(scenario, authentication)
        registration_name, hardware_id, url = (
            _text(name, value)
            for name, value in (
                ("registration_name", registration_name),
                ("hardware_id", hardware_id),
                ("url", url),
            )
        )
        if scenario == "browser" and not url:
            raise CerttrustError(say("errors.diagnosis.url"))
        if not (tls_only is None or isinstance(tls_only, (bool, np.bool_))):
            raise CerttrustError(
                say("errors.diagnosis.tls_only", tls_only=repr(tls_only))
            )
        links = None if links is None else expect(links, LINKS)
        registration_name, hardware_id, url = (
            text if text is None or pd.isna(text) else encodable(text)
            for text in (registration_name, hardware_id, url)
        )
        presented = _presented(certificate, chain, password)
        trust = None if _is_nothing(trust) else trust
        if scenario == "browser":
            if trust is None:
                listed = read_trust_list(certifi.where())
            else:
                listed = _trust_list(trust, password)
            urls = {presented["fingerprint"].iloc[0]: str(url)}
            attempt = browser_attempts(presented, urls, listed, links=links)
        else:
            listed = empty(TRUST) if trust is None else _trust_list(trust, password)
            attempt = _registered(
                presented, listed, registration_name, hardware_id, scenario, links
            )
            attempt["tls_only"] = pd.array([tls_only], dtype="boolean")
        return explained(check(attempt, at=at))


def _check_scenario(scenario: str, authentication: str | None) -> None:
    """Raise where there is no such scenario, or where it is of another authentication."""
    if _text("scenario", scenario) not in SCENARIOS:
        choices = ", ".join(SCENARIOS)
        words = {"scenario": repr(scenario), "choices": choices}
        raise CerttrustError(say("errors.diagnosis.scenario", **words))
    stated = _text("authentication", authentication)
    if stated is not None and stated != _AUTHENTICATION.get(scenario):
        words = {"authentication": repr(stated), "scenario": repr(scenario)}
        raise CerttrustError(say("errors.diagnosis.authentication", **words))


def _text(name: str, value: Any) -> str | None:
    """Return an argument as text that UTF-8 can hold, None where it is missing."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    raise CerttrustError(
        say("errors.diagnosis.no_text", name=name, value=repr(value))
    )


def explained(result: pd.DataFrame, *, lang: str | None = None) -> Diagnosis:
    """Explain one row of RESULTS, such as a registration that a log holds.

    Parameters
    ----------
    result : DataFrame
        A single row of table RESULTS. Where its scenario is not known, the steps of both H.323
        scenarios follow; where the article has no rule for it (SIP, or no authentication), there
        are none.
    lang : str, optional
        The language of the sentences, such as `de`; by default that of `certtrust.language`.

    Returns
    -------
    Diagnosis

    Raises
    ------
    CerttrustError
        If there is not just one row.

    Examples
    --------
    >>> import certtrust as ct
    >>> results = ct.check(ct.attempts(ct.simulate(20, seed=1)))
    >>> ct.explained(results.head(1)).verdict == results["verdict"].iloc[0]
    True
    """
    with spoken(lang):
        return _explained(result)


def _explained(result: pd.DataFrame) -> Diagnosis:
    result = expect_results(result)
    if len(result) != 1:
        raise CerttrustError(say("errors.diagnosis.one_row", rows=len(result)))
    scenarios = _scenarios(result)
    codes = dict.fromkeys(
        code
        for codes_by_scenario in (SCENARIOS, HYGIENE)
        for name in scenarios
        for code in codes_by_scenario[name]
        if _asks(code, result)
    )
    steps = pd.DataFrame([_step(result, code) for code in codes], columns=list(_STEP))
    steps["passed"] = steps["passed"].astype("boolean")
    path = trust_state.path_at(result, result["judged_at"]).iloc[0]
    scenario = either(scenarios) or say("diagnosis.no_scenario")
    return Diagnosis(result["verdict"].iloc[0], scenario, steps, list(path), result)


def _asks(code: str, result: pd.DataFrame) -> bool:
    """Return False for a rule that asks nothing of this row, since what it is about is not set."""
    column = BY_CODE[code].only_where
    return column is None or bool(result[column].notna().iloc[0])


def _scenarios(result: pd.DataFrame) -> list[str]:
    """Return the scenario of a row of results, or the possible ones where it is not known."""
    scenario = result["scenario"].iloc[0]
    if isinstance(scenario, str):
        return [scenario]
    is_required = required(result)
    return [
        name for name in _AUTHENTICATION if is_required[SCENARIOS[name][-1]].all()
    ]


def _is_nothing(given: Certificates | None) -> bool:
    """Return True for empty text, as forms and variables that nobody filled in hold it."""
    return isinstance(given, str) and not given.strip()


def _read(certificates: Certificates, password: Passwords) -> pd.DataFrame:
    if isinstance(certificates, pd.DataFrame):
        return expect(certificates, CERTIFICATES)
    if _is_nothing(certificates) or (
        isinstance(certificates, (list, tuple)) and not certificates
    ):
        return empty(CERTIFICATES)
    return read_certificates(certificates, password=password)


def _leaf_first(certificates: pd.DataFrame) -> pd.DataFrame:
    """Return the certificates with the one on top that issued none of the others, best no CA."""
    together = certificates.assign(bundle="given").reset_index(drop=True)
    readable = together["fingerprint"].notna()
    candidates = leaves(together)
    candidates = candidates[candidates["fingerprint"].notna()]
    no_ca = candidates[~as_mask(candidates["is_ca"])]
    first = [*no_ca.index, *candidates.index, *together.index[readable]][:1]
    rest = together.index.difference(first, sort=False)
    return certificates.iloc[[*first, *rest]]


def _presented(
    certificate: Certificates, chain: Certificates, password: Passwords
) -> pd.DataFrame:
    own = _read(certificate, password)
    if own["fingerprint"].isna().all():
        remarks = translated(own["parse_error"])
        reasons = "; ".join(remarks.dropna().unique())
        key = "no_certificate_reasons" if reasons else "no_certificate"
        raise CerttrustError(say(f"errors.diagnosis.{key}", reasons=reasons))
    together = pd.concat(
        [_leaf_first(own), _read(chain, password)], ignore_index=True
    )
    return together.assign(bundle="given", position=range(len(together)))


def _trust_list(trust: Certificates, password: Passwords) -> pd.DataFrame:
    """Return the list as every PBX's; one without entries is still a list, which trusts nothing."""
    listed = _read(trust, password)
    if listed.empty:
        listed = pd.DataFrame({"parse_error": [EMPTY]})
    return conform(listed.drop(columns="pbx", errors="ignore"), TRUST)


def _registered(
    presented: pd.DataFrame,
    listed: pd.DataFrame,
    registration_name: str | None,
    hardware_id: str | None,
    scenario: str,
    links: pd.DataFrame | None,
) -> pd.DataFrame:
    """Return the attempt that presents this very certificate, so nothing is looked up."""
    names = {"hardware_id": [hardware_id], "registration_name": [registration_name]}
    registration = conform(pd.DataFrame(names), REGISTRATIONS)
    fleet = Fleet(presented, listed, empty(DEVICES), registration)
    device = Ownership.of(fleet).owners(registration)
    default = device_ids.serials(device)
    names_stated = registration["registration_name"]
    name_by = pd.Series(["default"], dtype="str").where(default.notna())
    own = presented[list(_PRESENTED)].head(1).reset_index(drop=True)
    with language(FRAMES):
        outcome = trust_state.judge(
            own.assign(pbx=pd.Series([None], dtype="str")), presented, listed, links
        )
    attempt = own.rename(columns={"parse_error": "certificate_error"}).assign(
        device=device.fillna(say("diagnosis.device")),
        hardware_id=registration["hardware_id"],
        registration_name=names_stated.fillna(default),
        name_by=name_by.mask(names_stated.notna(), "log"),
        certificate_by="fingerprint",
        clock_unset=False,
        protocol="H.323/TLS",
        authentication=_AUTHENTICATION[scenario],
        via_reverse_proxy=False,
        scenario=scenario,
        trust_paths=outcome["trust_paths"],
        trust_failure=outcome["trust_failure"].mask(
            own["fingerprint"].isna(), "unreadable"
        ),
        trust_detail=outcome["trust_detail"],
    )
    return conform(attempt, ATTEMPTS)


def _step(result: pd.DataFrame, code: str) -> dict[str, Any]:
    rule = BY_CODE[code]
    passed = result[code].iloc[0]
    words = {} if _word(passed) == "pass" else explain(result, rule)
    return {
        "code": code,
        "title": rule.sentences["title"],
        "requirement": rule.sentences["requirement"],
        "citation": rule.citation,
        "has": present(result, rule).iloc[0],
        "passed": passed,
        **{name: words[name].iloc[0] if words else "" for name in ("why", "remedy")},
    }
