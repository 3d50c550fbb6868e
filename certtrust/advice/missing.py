"""Gaps: what the data lack for a verdict, and which of them are probably out of date."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..evaluation.check import required
from ..texts.sentences import fill, sentences, shown

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
)
"""What may be missing to decide; "rule" = the page says nothing about such a registration."""

STALE = ("trust list", "certificate", "device entry", "clock")
"""Which data a contradiction puts in doubt."""


def missing(results: pd.DataFrame) -> pd.DataFrame:
    """List what is missing to decide the attempts without a verdict.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS.

    Returns
    -------
    DataFrame
        One row per kind of data and PBX, most attempts first: what (category, one of `MISSING`),
        pbx, devices, attempts, sentence (what is missing and where to get it). An attempt that lacks several
        things counts under each.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(40, seed=1, faults={})
    >>> results = ct.check(ct.attempts(ct.Fleet(fleet.certificates, fleet.trust.head(0), fleet.devices,
    ...                                         fleet.registrations)))
    >>> "trust list" in set(missing(results)["what"])
    True
    """
    rows = results[results["verdict"] == "unknown"]
    parts = [rows.loc[lacking, ["pbx", "device"]].assign(what=what) for what, lacking in _lacking(rows).items()]
    together = pd.concat(parts) if parts else rows[["pbx", "device"]].assign(what="")
    grouped = together.groupby(["what", "pbx"], dropna=False, sort=False, observed=True)
    counts = grouped.agg(devices=("device", "nunique"), attempts=("device", "size")).reset_index()
    counts = counts.sort_values("attempts", ascending=False, kind="stable", ignore_index=True)
    words = sentences()["missing"]
    meant = counts.assign(
        who=_who(counts), at=(" at the PBX " + counts["pbx"].astype("str")).fillna(""), the_pbx=_the_pbx(counts["pbx"])
    )
    sentence = pd.Series("", index=counts.index, dtype="str")
    for what in counts["what"].unique():
        chosen = meant[meant["what"] == what]
        sentence[chosen.index] = fill(words[what], chosen)
    what = pd.Categorical(counts["what"], categories=list(MISSING))
    return counts.assign(what=what, sentence=sentence)[["what", "pbx", "devices", "attempts", "sentence"]]


def _the_pbx(pbx: pd.Series) -> pd.Series:
    return ("the PBX " + pbx.astype("str")).fillna("the PBX")


def _who(counts: pd.DataFrame) -> pd.Series:
    devices = counts["devices"].astype("str") + " devices"
    nameless = counts["attempts"].astype("str") + " attempts by unnamed devices"
    nameless = nameless.mask(counts["attempts"] == 1, "1 attempt by an unnamed device")
    return devices.mask(counts["devices"] == 1, "1 device").mask(counts["devices"] == 0, nameless)


def _lacking(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Tell for each kind of data which of the undecided attempts lack it."""
    asked = required(rows)
    undecided = {code: rows[code].isna() & asked[code] for code in asked}
    trust = undecided["certificate.trust"] | undecided["browser.trust"]
    named = undecided["certificate.name"] | undecided["browser.name"]
    of_certificate = trust | named | undecided["time.validity"]
    state = rows["trust_state"].astype("str")
    no_certificate = of_certificate & (
        rows["subject_cn"].isna() & rows["not_after"].isna() & rows["certificate_error"].isna()
    )
    unreadable = of_certificate & ~no_certificate & ((trust & (state == "unreadable")) | undecided["time.validity"])
    by_name = undecided["certificate.name"] & rows["subject_cn"].notna()
    nameless = rows["registration_name"].isna() & rows["hardware_id"].isna()
    entry = (undecided["transport.tls_only"] | undecided["password.tls_only"]) & rows["tls_only"].isna()
    locked = undecided["transport.tls_only"] & rows["tls_only"].notna()
    plain = rows["protocol"].isin(["H.323/TCP", "H.323/UDP"])
    by_password = undecided["password.tls_only"] & rows["tls_only"].notna()
    open_scenario = rows["scenario"].isna()
    outside = open_scenario & ~asked["time.clock"]
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
    }


def contradictions(results: pd.DataFrame) -> pd.DataFrame:
    """List the attempts that succeeded although the rules predict a failure, and the data that are probably stale.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS.

    Returns
    -------
    DataFrame
        One row per such attempt: attempt (its label), device, pbx, code (the first failed rule), stale
        (category, one of `STALE`), sentence.

    Notes
    -----
    The log tells what happened, so it is the configuration that is wrong. Where the log names the certificate
    by its fingerprint, the trust list is in doubt; where the certificate was taken from the device's
    files, a newer one may be in use. Registrations that should not have been possible may also be an intruder's,
    see `certtrust.impersonations`.

    Examples
    --------
    >>> import certtrust as ct
    >>> results = ct.check(ct.attempts(ct.simulate(20, seed=1)), at="2071-01-01")
    >>> "certificate" in set(contradictions(results)["stale"])
    True
    """
    rows = results[(results["observed"] == "up") & (results["verdict"] == "fail")]
    code = rows["cause"].astype("str")
    stale = pd.Series("device entry", index=rows.index, dtype="str")
    stale = stale.mask(code == "time.clock", "clock")
    stale = stale.mask(code.isin(["time.validity", "certificate.name", "browser.name"]), "certificate")
    trust = code.isin(["certificate.trust", "browser.trust"])
    stale = stale.mask(trust, "certificate").mask(trust & (rows["certificate_by"] == "fingerprint"), "trust list")
    words = sentences()["stale"]
    sentence = pd.Series("", index=rows.index, dtype="str")
    meant = rows.assign(
        device=rows["device"].astype("str").fillna("An unnamed device"),
        the_pbx=_the_pbx(rows["pbx"]),
        subject_name=rows["subject_cn"].fillna(rows["subject"]).fillna("without a name"),
        until=(", until " + shown(rows["not_after"])).fillna(""),
    )
    for what in stale.unique():
        chosen = np.flatnonzero(stale == what)
        sentence.iloc[chosen] = fill(words[what], meant.iloc[chosen]).array
    return pd.DataFrame(
        {
            "attempt": rows.index,
            "device": rows["device"].array,
            "pbx": rows["pbx"].array,
            "code": code.array,
            "stale": pd.Categorical(stale, categories=list(STALE)),
            "sentence": sentence.array,
        }
    )
