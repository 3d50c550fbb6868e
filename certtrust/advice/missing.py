"""What the data lack for a verdict, and which of them are probably out of date."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import CerttrustError
from ..evaluation.check import expect_results, required
from ..evaluation.rules import SCENARIOS
from ..texts.labels import plural
from ..texts.sentences import fill, say, sentences
from .phrases import fill_each, the_pbx

MISSING = (
    "certificate",
    "readable certificate",
    "trust list",
    "registration name",
    "hardware ID",
    "TLS only flag",
    "protocol",
    "reverse proxy",
    "clock",
    "authentication",
    "URL",
    "rule",
    "other data",
)
"""What may be missing to decide; "rule" = the article says nothing about such a registration."""

STALE = ("trust list", "certificate", "device entry", "clock")
"""Which data a contradiction puts in doubt."""

_DOUBTED = {
    "time.clock": "clock",
    "transport.tls_only": "device entry",
    "password.tls_only": "device entry",
    "certificate.trust": "certificate",
    "browser.trust": "certificate",
    "time.validity": "certificate",
    "certificate.name": "certificate",
    "browser.name": "certificate",
}
"""Which data are probably stale where a rule is broken and the registration succeeded all the
same.
"""

_DOUBTED_IF_NAMED = {"certificate.trust": "trust list", "browser.trust": "trust list"}
"""The same where the log names the certificate by its fingerprint, so that it is that very
certificate.
"""

_NO_DOUBT = sorted(
    {code for codes in SCENARIOS.values() for code in codes} - _DOUBTED.keys()
)
if _NO_DOUBT:
    raise CerttrustError(
        f"which data are probably stale where {', '.join(_NO_DOUBT)} is broken and a "
        f"registration succeeds all the "
        f"same? Add that to _DOUBTED in {__name__}, one of {', '.join(STALE)} for each rule"
    )


def missing(results: pd.DataFrame) -> pd.DataFrame:
    """List what is missing to decide the attempts without a verdict.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS.

    Returns
    -------
    DataFrame
        One row per kind of data and PBX, most attempts first: what (category, one of
        `MISSING`), pbx, devices, attempts, sentence (what is missing and where to get it). An
        attempt that lacks several things counts under each.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(40, seed=1, faults={})
    >>> no_trust = fleet.trust.head(0)
    >>> fleet = ct.Fleet(fleet.certificates, no_trust, fleet.devices, fleet.registrations)
    >>> results = ct.check(ct.attempts(fleet))
    >>> "trust list" in set(missing(results)["what"])
    True
    """
    results = expect_results(results)
    rows = results[results["verdict"] == "unknown"]
    parts = [
        rows.loc[lacks, ["pbx", "device"]].assign(what=what)
        for what, lacks in lacking(rows).items()
    ]
    grouped = pd.concat(parts).groupby(
        ["what", "pbx"], dropna=False, sort=False, observed=True
    )
    counts = grouped.agg(
        devices=("device", "nunique"), attempts=("device", "size")
    ).reset_index()
    counts = counts.sort_values(
        "attempts", ascending=False, kind="stable", ignore_index=True
    )
    words = sentences()
    at = fill(words["advice"]["where"]["at"], counts.astype({"pbx": "str"})).where(
        counts["pbx"].notna(), ""
    )
    spoken_of = counts.assign(who=_who(counts), at=at, the_pbx=the_pbx(counts["pbx"]))
    counts["sentence"] = fill_each(words["missing"], counts["what"], spoken_of)
    counts["what"] = pd.Categorical(counts["what"], categories=list(MISSING))
    return counts[["what", "pbx", "devices", "attempts", "sentence"]]


def _who(counts: pd.DataFrame) -> list[str]:
    """Return whose data are missing: so many devices or, where none is known, attempts."""
    pairs = zip(counts["devices"], counts["attempts"], strict=True)
    return [
        plural(devices, "device")
        if devices
        else say("advice.unnamed attempts", count=attempts)
        for devices, attempts in pairs
    ]


_EXPLAINED = (
    "certificate.trust",
    "browser.trust",
    "certificate.name",
    "browser.name",
    "time.validity",
    "transport.tls_only",
    "password.tls_only",
    "time.clock",
)
"""The rules of which `lacking` knows what they miss where they cannot be decided."""


def lacking(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Return for each kind of data which of the undecided attempts lack it."""
    asked = required(rows)
    undecided = {code: rows[code].isna() & asked[code] for code in asked}
    trust = undecided["certificate.trust"] | undecided["browser.trust"]
    named = undecided["certificate.name"] | undecided["browser.name"]
    of_certificate = trust | named | undecided["time.validity"]
    state = rows["trust_state"].astype("str")
    no_certificate = of_certificate & (
        rows["subject_cn"].isna()
        & rows["not_after"].isna()
        & rows["certificate_error"].isna()
    )
    unreadable = (
        of_certificate
        & ~no_certificate
        & ((trust & (state == "unreadable")) | undecided["time.validity"])
    )
    by_name = undecided["certificate.name"] & rows["subject_cn"].notna()
    nameless = rows["registration_name"].isna() & rows["hardware_id"].isna()
    entry = (undecided["transport.tls_only"] | undecided["password.tls_only"]) & rows[
        "tls_only"
    ].isna()
    locked = undecided["transport.tls_only"] & rows["tls_only"].notna()
    plain = rows["protocol"].isin(["H.323/TCP", "H.323/UDP"])
    by_password = undecided["password.tls_only"] & rows["tls_only"].notna()
    open_scenario = rows["scenario"].isna()
    outside = open_scenario & ~asked["time.clock"]
    other = [
        undecided[code].to_numpy()
        for codes in SCENARIOS.values()
        for code in codes
        if code not in _EXPLAINED
    ]
    return {
        "certificate": no_certificate,
        "readable certificate": unreadable,
        "trust list": trust & (state == "no trust list"),
        "registration name": by_name & nameless,
        "hardware ID": by_name & ~nameless,
        "TLS only flag": entry,
        "protocol": locked & ~plain,
        "reverse proxy": (locked & plain) | by_password,
        "clock": undecided["time.clock"],
        "authentication": open_scenario & ~outside,
        "URL": undecided["browser.name"] & rows["url"].isna(),
        "rule": outside,
        "other data": pd.Series(
            np.any([np.zeros(len(rows), dtype=bool), *other], axis=0), index=rows.index
        ),
    }


def contradictions(results: pd.DataFrame) -> pd.DataFrame:
    """List the attempts that succeeded although the rules predict a failure, and the data that
    are probably stale.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS.

    Returns
    -------
    DataFrame
        One row per such attempt: attempt (its label), device, pbx, code (the first failed
        rule), stale (category, one of `STALE`), sentence.

    Notes
    -----
    The log tells what happened, so it is the configuration that is wrong. Where the log names
    the certificate by its fingerprint, the trust list is in doubt; where the certificate was
    taken from the device's files, a newer one may be in use. Registrations that should not have
    been possible may also be an intruder's, see `certtrust.impersonations`.

    Examples
    --------
    >>> import certtrust as ct
    >>> results = ct.check(ct.attempts(ct.simulate(20, seed=1)), at="2071-01-01")
    >>> "certificate" in set(contradictions(results)["stale"])
    True
    """
    results = expect_results(results)
    rows = results[(results["observed"] == "up") & (results["verdict"] == "fail")]
    code = rows["cause"].astype("str")
    by_fingerprint = (rows["certificate_by"] == "fingerprint").astype(bool)
    named = code.map(_DOUBTED_IF_NAMED).where(by_fingerprint)
    stale = named.fillna(code.map(_DOUBTED))
    words = sentences()
    until = fill(words["advice"]["until"], rows).where(rows["not_after"].notna(), "")
    spoken_of = rows.assign(
        device=rows["device"].astype("str").fillna(words["advice"]["unnamed device"]),
        the_pbx=the_pbx(rows["pbx"]),
        subject_name=rows["subject_cn"]
        .fillna(rows["subject"])
        .fillna(words["advice"]["unnamed certificate"]),
        until=until,
    )
    return pd.DataFrame(
        {
            "attempt": rows.index,
            "device": rows["device"].array,
            "pbx": rows["pbx"].array,
            "code": code.array,
            "stale": pd.Categorical(stale, categories=list(STALE)),
            "sentence": fill_each(words["stale"], stale, spoken_of).array,
        }
    )
