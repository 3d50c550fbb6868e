"""What data are missing for a verdict, and what data are probably out of date."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..arrays.arrow import as_mask
from ..arrays.grouping import Codes
from ..evaluation.check import expect_results, required
from ..evaluation.requirements import BY_CODE, SCENARIOS, STALE
from ..evaluation.wire import STALE_BY_PROOF, doubted
from ..texts.device_labels import labels_of
from ..texts.labels import plural
from ..texts.sentences import fill, say, sentences, spoken
from .phrases import fill_by_kind, the_pbx

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
    "TLS version",
    "authentication",
    "URL",
    "rule",
    "other data",
)
"""What data may be missing; "rule" = the article is silent about such a registration."""


def missing(results: pd.DataFrame, *, lang: str | None = None) -> pd.DataFrame:
    """List the data that are missing to decide the attempts without a verdict.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS.
    lang : str, optional
        The language of the sentences, such as `de`; by default that of `certtrust.language`.

    Returns
    -------
    DataFrame
        One row per kind of data and PBX, most attempts first: what (category, one of
        `MISSING`), pbx, devices, attempts, sentence (what is missing and where to get it). An
        attempt that lacks several kinds counts under each.

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
    with spoken(lang):
        return _missing(results)


def _missing(results: pd.DataFrame) -> pd.DataFrame:
    results = expect_results(results)
    return missing_in_words(missing_counts(results, np.arange(len(results)))["pbx"])


def missing_counts(
    results: pd.DataFrame, positions: Codes
) -> dict[str, pd.DataFrame]:
    """Count the attempts without a verdict by what they lack.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS, of a fleet or of a part of one.
    positions : array of int
        Where each row stands in the whole.

    Returns
    -------
    dict of DataFrame
        By PBX (`pbx`), and at all of them together (`anywhere`): what, pbx, devices, attempts,
        position (the first of these).
    """
    is_open = (results["verdict"] == "unknown").to_numpy()
    rows = results[is_open]
    lacks = pd.DataFrame(lacking(rows))
    kind, row = np.nonzero(lacks.to_numpy(dtype=bool).T)
    lacking_rows = (
        rows[["pbx", "device"]]
        .iloc[row]
        .assign(what=lacks.columns[kind], position=positions[is_open][row])
    )
    return {
        "pbx": _counts(lacking_rows),
        "anywhere": _counts(
            lacking_rows.assign(
                pbx=pd.Series(None, index=lacking_rows.index, dtype="str")
            )
        ),
    }


def _counts(rows: pd.DataFrame) -> pd.DataFrame:
    grouped = rows.groupby(["what", "pbx"], dropna=False, sort=False, observed=True)
    return grouped.agg(
        devices=("device", "nunique"),
        attempts=("device", "size"),
        position=("position", "min"),
    ).reset_index()


def missing_in_words(*counts: pd.DataFrame) -> pd.DataFrame:
    """Return what `missing` does, given the counts of a fleet or of each of its parts.

    Each device is in one part.
    """
    together = pd.concat(counts, ignore_index=True)
    grouped = together.groupby(["what", "pbx"], dropna=False, sort=False)
    sums = grouped.agg(
        devices=("devices", "sum"),
        attempts=("attempts", "sum"),
        position=("position", "min"),
    ).reset_index()
    kind = pd.Index(MISSING).get_indexer(pd.Index(sums["what"]))
    order = np.lexsort((sums["position"], kind, -sums["attempts"]))
    counted = sums.iloc[order].reset_index(drop=True)
    words = sentences()
    at = fill(words["advice"]["where"]["at"], counted.astype({"pbx": "str"}))
    values = counted.assign(
        who=_who(counted),
        at=at.where(counted["pbx"].notna(), ""),
        the_pbx=the_pbx(counted["pbx"]),
    )
    counted["sentence"] = fill_by_kind(words["missing"], counted["what"], values)
    counted["what"] = pd.Categorical(counted["what"], categories=list(MISSING))
    return counted[["what", "pbx", "devices", "attempts", "sentence"]]


def _who(counts: pd.DataFrame) -> list[str]:
    """Return how many devices the data are missing of or, where none is known, attempts."""
    return [
        plural(devices, "device")
        if devices
        else say("advice.unnamed attempts", count=attempts)
        for devices, attempts in zip(
            counts["devices"], counts["attempts"], strict=True
        )
    ]


def lacking(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Return which of the undecided attempts lack each kind of data."""
    applies = required(rows)
    deciding = {code for codes in SCENARIOS.values() for code in codes}
    undecided = {code: rows[code].isna() & applies[code] for code in deciding}
    certificate_trust = undecided.pop("certificate.trust")
    certificate_name = undecided.pop("certificate.name")
    browser_name = undecided.pop("browser.name")
    validity = undecided.pop("time.validity")
    transport = undecided.pop("transport.tls_only")
    password = undecided.pop("password.tls_only")
    clock = undecided.pop("time.clock")
    version = undecided.pop("transport.tls_version")
    trust = certificate_trust | undecided.pop("browser.trust")
    state = rows["trust_state"].astype("str")
    has_no_certificate = (
        rows["subject_cn"].isna()
        & rows["not_after"].isna()
        & rows["certificate_error"].isna()
    )
    is_unreadable = (trust & (state == "unreadable")) | validity
    by_name = certificate_name & rows["subject_cn"].notna()
    nameless = rows["registration_name"].isna() & rows["hardware_id"].isna()
    no_flag = rows["tls_only"].isna()
    plain = rows["protocol"].isin(["H.323/TCP", "H.323/UDP"])
    open_scenario = rows["scenario"].isna()
    outside = open_scenario & ~applies["time.clock"]
    return {
        "certificate": has_no_certificate
        & (trust | certificate_name | browser_name | validity),
        "readable certificate": is_unreadable & ~has_no_certificate,
        "trust list": trust & (state == "no trust list"),
        "registration name": by_name & nameless,
        "hardware ID": by_name & ~nameless,
        "TLS only flag": (transport | password) & no_flag,
        "protocol": transport & ~no_flag & ~plain,
        "reverse proxy": ((transport & plain) | password) & ~no_flag,
        "clock": clock,
        "TLS version": version,
        "authentication": open_scenario & ~outside,
        "URL": browser_name & rows["url"].isna(),
        "rule": outside,
        "other data": pd.DataFrame(undecided, index=rows.index).any(axis="columns"),
    }


def contradictions(results: pd.DataFrame, *, lang: str | None = None) -> pd.DataFrame:
    """List the attempts that went otherwise than the rules say, and what is probably stale.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS.
    lang : str, optional
        The language of the sentences, such as `de`; by default that of `certtrust.language`.

    Returns
    -------
    DataFrame
        One row per such attempt: attempt (its label), device, pbx, code (the first failed
        rule of what succeeded; the cause that the wire proves of what was refused though the
        rule holds), stale (category, one of `STALE`), sentence.

    Notes
    -----
    The log and the wire show what happened, so it is the configuration that is wrong. Where the
    log names the certificate by its fingerprint, the trust list is in doubt; where the
    certificate was taken from the device's files, a newer one may be in use. Which data a rule
    puts in doubt is part of the rule. Registrations that should not have been possible may also
    be an intruder's, see `certtrust.impersonations`.

    Examples
    --------
    >>> import certtrust as ct
    >>> results = ct.check(ct.attempts(ct.simulate(20, seed=1)), at="2071-01-01")
    >>> "certificate" in set(contradictions(results)["stale"])
    True
    """
    with spoken(lang):
        return _contradictions(results)


def _contradictions(results: pd.DataFrame) -> pd.DataFrame:
    results = expect_results(results)
    succeeded = (results["observed"] == "up") & (results["verdict"] == "fail")
    proven = doubted(results)
    rows = results[succeeded | proven.notna()]
    proven = proven[as_mask(succeeded | proven.notna())]
    code = rows["cause"].astype("str")
    seen = (rows["certificate_by"] == "fingerprint").astype(bool)
    stale = code.map({code: rule.stale for code, rule in BY_CODE.items()})
    stale_if_seen = code.map(
        {code: rule.stale_if_seen for code, rule in BY_CODE.items()}
    )
    stale = stale_if_seen.where(seen).fillna(stale)
    stale = stale.mask(proven.notna(), proven.map(STALE_BY_PROOF))
    words = sentences()
    until = fill(words["advice"]["until"], rows).where(rows["not_after"].notna(), "")
    values = rows.assign(
        device=labels_of(rows)
        .where(rows["device"].notna())
        .fillna(words["advice"]["unnamed device"]),
        the_pbx=the_pbx(rows["pbx"]),
        subject_name=rows["subject_cn"]
        .fillna(rows["subject"])
        .fillna(words["advice"]["unnamed certificate"]),
        until=until,
    )
    by_success = fill_by_kind(words["stale"], stale.mask(proven.notna()), values)
    by_proof = fill_by_kind(words["stale_on_wire"], proven, values)
    return pd.DataFrame(
        {
            "attempt": rows.index,
            "device": rows["device"].array,
            "pbx": rows["pbx"].array,
            "code": code.array,
            "stale": pd.Categorical(stale, categories=list(STALE)),
            "sentence": by_success.where(proven.isna(), by_proof).array,
        }
    )
