"""One certificate, explained: the same attempt, the same rules, step by step."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import certifi
import numpy as np
import pandas as pd

from ..certificates.reading import read_certificates
from ..certificates.trust_lists import read_trust_list
from ..errors import CerttrustError
from ..evaluation.attempts import browser_attempts
from ..evaluation.check import check, required
from ..evaluation.ownership import identities
from ..evaluation.rules import BY_CODE, HYGIENE, SCENARIOS
from ..fleet import Fleet
from ..names import device_ids
from ..schema import ATTEMPTS, CERTIFICATES, DEVICES, REGISTRATIONS, TRUST, conform, empty
from ..trust import trust_state
from .findings import explain, present

Certificates = bytes | str | Path | pd.DataFrame | Iterable[bytes | str | Path]

_ELSEWHERE = {"device", "serial", "model", "source"}
_PRESENTED = (
    "parse_error",
    *(name for name in CERTIFICATES.names if name in ATTEMPTS.names and name not in _ELSEWHERE),
)
"""What an attempt takes over from its certificate; of the same names as the others are facts of the registration."""

_AUTHENTICATION = {"h323-password": "password", "h323-certificate": "certificate"}
_STEP = ("code", "title", "requirement", "citation", "has", "passed", "why", "remedy")
_MARKS = {"pass": "✓", "fail": "✗", "unknown": "?"}
_COLOURS = {"pass": "#00695c", "fail": "#b3261e", "unknown": "#6b5900"}


@dataclass(frozen=True)
class Diagnosis:
    """What the rules say about one certificate; renders itself in a notebook and in a terminal.

    Parameters
    ----------
    verdict : str
        "pass", "fail" or "unknown".
    steps : DataFrame
        One row per rule that the scenario requires, in the order of the causes, then hygiene: code, title,
        requirement, citation, has (what is there), passed (boolean, <NA> = unknown), why, remedy.
    path : list of str
        Fingerprints from the certificate to the trusted entry; empty where it is not trusted.
    result : DataFrame
        The one row of table RESULTS that this was made from.
    """

    verdict: str
    scenario: str
    steps: pd.DataFrame
    path: list[str]
    result: pd.DataFrame

    @property
    def names(self) -> list[str]:
        """The names that the certificate has: its CN, DNS names and IP addresses."""
        row = self.result.iloc[0]
        lists = [found for found in (row["dns_names"], row["ip_addresses"]) if isinstance(found, list | np.ndarray)]
        own = [row["subject_cn"]] if isinstance(row["subject_cn"], str) else []
        return list(dict.fromkeys([*own, *(name for found in lists for name in found)]))

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
        lines = [f"{_MARKS[self.verdict]} {self.scenario}: {self.verdict}"]
        for step in self._steps():
            lines.append(f"{_MARKS[step['word']]} {step['code']}: {step['requirement']}")
            lines += [f"    {step[text]}" for text in ("why", "remedy") if step[text]]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        rows = "".join(_html_row(step) for step in self._steps())
        headings = "".join(
            f"<th style='text-align:left'>{heading}</th>"
            for heading in ("verdict", "what is required", "what is there", "why", "what to do")
        )
        return (
            f"<div><p><strong style='color:{_COLOURS[self.verdict]}'>{_MARKS[self.verdict]} "
            f"{html.escape(self.scenario)}: {self.verdict}</strong></p>"
            f"<table><thead><tr>{headings}</tr></thead><tbody>{rows}</tbody></table></div>"
        )

    def _steps(self) -> list[dict[str, Any]]:
        steps = self.steps.assign(word=self.steps["passed"].map(_word, na_action=None))
        return [dict(zip(steps.columns, values, strict=True)) for values in steps.itertuples(index=False)]


def _html_row(step: dict[str, Any]) -> str:
    cells = (step["has"], step["why"], step["remedy"])
    return (
        f"<tr><td style='color:{_COLOURS[step['word']]};font-weight:bold;white-space:nowrap'>"
        f"{_MARKS[step['word']]} {step['word']}</td><td style='text-align:left'>{html.escape(step['requirement'])}"
        f"<br><small>{html.escape(step['code'])} · {html.escape(step['citation'])}</small></td>"
        + "".join(f"<td style='text-align:left'>{html.escape(cell)}</td>" for cell in cells)
        + "</tr>"
    )


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
    links: pd.DataFrame | None = None,
) -> Diagnosis:
    """Explain whether one certificate fits a scenario of the page, step by step.

    Parameters
    ----------
    certificate : bytes, PEM text, path or DataFrame
        The certificate; where several are given, the first is judged and the others belong to its chain.
    scenario : {"browser", "h323-password", "h323-certificate"}
        What the certificate is used for.
    registration_name, hardware_id : str, optional
        What the device registers as.
    url : str, optional
        What the browser opens; needed for "browser".
    trust : as certificate, optional
        The trust list: of the PBX, where None means that it is not known, and an empty one trusts nothing; of
        the browser, where None means the public list of certifi.
    tls_only : bool, optional
        Whether "TLS only" is set for the device; None = not known.
    authentication : {"password", "certificate"}, optional
        Follows from the scenario; may be given to say so.
    chain : as certificate, optional
        Further certificates that were presented with it.
    at : Timestamp or str, optional
        The moment to judge at, UTC; by default now.
    links : DataFrame, optional
        Table LINKS, for who asks again and again about the same certificates; what is missing in it is verified.

    Returns
    -------
    Diagnosis

    Raises
    ------
    CerttrustError
        If there is no certificate in `certificate`, the scenario is not known, or what it needs was not given.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(20, seed=1)
    >>> ct.diagnose(fleet.certificates.head(1), scenario="h323-password", tls_only=False).verdict
    'pass'
    """
    told = {"registration_name": registration_name, "hardware_id": hardware_id, "url": url}
    for name, value in {"scenario": scenario, "authentication": authentication, **told}.items():
        if not (isinstance(value, str) or (pd.api.types.is_scalar(value) and pd.isna(value))):
            raise CerttrustError(f"{name}={value!r} is no text; give a str, or leave it out where it is not known")
    if scenario not in SCENARIOS:
        raise CerttrustError(f"scenario={scenario!r} is not one of the page's: {', '.join(SCENARIOS)}")
    expected = _AUTHENTICATION.get(scenario)
    if authentication is not None and authentication != expected:
        raise CerttrustError(f"authentication={authentication!r} does not go with scenario={scenario!r}")
    if scenario == "browser" and not url:
        raise CerttrustError("scenario='browser' needs url=, the address that the browser opens")
    if not (tls_only is None or isinstance(tls_only, (bool, np.bool_))):
        raise CerttrustError(f"tls_only={tls_only!r}; give True or False, or None where it is not known")
    presented = _presented(certificate, chain)
    if scenario == "browser":
        listed = read_trust_list(certifi.where()) if trust is None else _trust_list(trust)
        asked = browser_attempts(presented, {presented["fingerprint"].iloc[0]: str(url)}, listed, links=links)
    else:
        listed = empty(TRUST) if trust is None else _trust_list(trust)
        asked = _registered(presented, listed, registration_name, hardware_id, scenario, links)
        asked["tls_only"] = pd.array([tls_only], dtype="boolean")
    return explained(check(asked, at=at))


def explained(result: pd.DataFrame) -> Diagnosis:
    """Explain one row of RESULTS, such as a registration that a log holds.

    Parameters
    ----------
    result : DataFrame
        A single row of table RESULTS. Where its scenario is not known, the steps of both H.323 scenarios follow;
        where the page has no rule for it (SIP, or no authentication), there are none.

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
    if len(result) != 1:
        raise CerttrustError(f"one row of results is explained at a time, not {len(result)}; use findings() for many")
    known = result["scenario"].iloc[0]
    asked = required(result)
    possible = [name for name in _AUTHENTICATION if asked[SCENARIOS[name][-1]].all()]
    scenarios = [known] if isinstance(known, str) else possible
    codes = dict.fromkeys(code for part in (SCENARIOS, HYGIENE) for name in scenarios for code in part[name])
    steps = pd.DataFrame([_step(result, code) for code in codes], columns=list(_STEP))
    steps["passed"] = steps["passed"].astype("boolean")
    path = trust_state.path_at(result, result["judged_at"]).iloc[0]
    named = " or ".join(scenarios) or "no scenario of the page"
    return Diagnosis(result["verdict"].iloc[0], named, steps, list(path), result)


def _read(certificates: Certificates) -> pd.DataFrame:
    if isinstance(certificates, pd.DataFrame):
        return conform(certificates, CERTIFICATES)
    if isinstance(certificates, (list, tuple)) and not certificates:
        return empty(CERTIFICATES)
    return read_certificates(certificates)


def _presented(certificate: Certificates, chain: Certificates) -> pd.DataFrame:
    own = _read(certificate)
    if own["fingerprint"].isna().all():
        reasons = "; ".join(own["parse_error"].dropna().unique())
        raise CerttrustError(
            "there is no certificate in what was given; give PEM text, DER bytes, a path or a frame"
            + (f" ({reasons})" if reasons else "")
        )
    together = pd.concat([own, _read(chain)], ignore_index=True)
    return together.assign(bundle="given", position=range(len(together)))


def _trust_list(trust: Certificates) -> pd.DataFrame:
    """Return the list as every PBX's; one without entries is still a list, which trusts nothing."""
    listed = _read(trust)
    if listed["fingerprint"].notna().any():
        return conform(listed.drop(columns="pbx", errors="ignore"), TRUST)
    return conform(pd.DataFrame({"parse_error": ["the list is empty"]}), TRUST)


def _registered(
    presented: pd.DataFrame,
    listed: pd.DataFrame,
    registration_name: str | None,
    hardware_id: str | None,
    scenario: str,
    links: pd.DataFrame | None,
) -> pd.DataFrame:
    """Return the attempt that presents this very certificate: nothing is looked up, so nothing has to be joined."""
    said = {"hardware_id": [hardware_id], "registration_name": [registration_name]}
    registration = conform(pd.DataFrame(said), REGISTRATIONS)
    device = identities(Fleet(presented, listed, empty(DEVICES), registration))[0]
    own = presented[list(_PRESENTED)].head(1).reset_index(drop=True)
    default = device_ids.serials(device).iloc[0]
    outcome = trust_state.judge(own.assign(pbx=pd.Series([None], dtype="str")), presented, listed, links)
    return conform(
        own.rename(columns={"parse_error": "certificate_error"}).assign(
            device=device.fillna("the device"),
            hardware_id=registration["hardware_id"],
            registration_name=default if registration_name is None else registration_name,
            name_by="log" if registration_name is not None else None if pd.isna(default) else "default",
            certificate_by="fingerprint",
            clock_unset=False,
            protocol="H.323/TLS",
            authentication=_AUTHENTICATION[scenario],
            via_reverse_proxy=False,
            scenario=scenario,
            trust_paths=outcome["trust_paths"],
            trust_failure=outcome["trust_failure"].mask(own["fingerprint"].isna(), "unreadable"),
        ),
        ATTEMPTS,
    )


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
