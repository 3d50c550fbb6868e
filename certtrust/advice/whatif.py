"""What-ifs: the same fleet under another rule of the house, and the difference of two results."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pandas as pd

from ..errors import CerttrustError
from ..fleet import Fleet
from ..schema import FLAG, TRUST, conform

CHANGES = ("broken", "repaired", "now unknown", "now known", "other cause", "gone", "new")
"""Kinds of difference between two verdicts of one attempt, the worst first."""


def what_if(
    fleet: Fleet,
    *,
    trust: pd.DataFrame | None = None,
    tls_only: bool | None = None,
    authentication: str | None = None,
    retire: str | Sequence[str] | None = None,
) -> Fleet:
    """Return a copy of the fleet with another configuration, to be judged like any other.

    Parameters
    ----------
    fleet : Fleet
        It is not changed.
    trust : DataFrame, optional
        Table TRUST: the trust lists instead of those that are there; entries without pbx stand in every list.
    tls_only : bool, optional
        "TLS only" set (or cleared) at every device entry.
    authentication : {"certificate", "password"}, optional
        How every registration over H.323 authenticates: "certificate" = password authentication is gone.
    retire : str or sequence of str, optional
        CAs by fingerprint, or by common name, that leave every trust list. What hangs on them stays trusted
        where another CA of its chain is in the list: that is the page's rule, and no retired CA changes it.

    Returns
    -------
    Fleet

    Raises
    ------
    CerttrustError
        If a CA to retire is in no list, or `authentication` is another word.

    Notes
    -----
    Another moment is asked of `check` itself: `check(attempts(fleet), at="2028-01-01")`.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.link(ct.simulate(40, seed=2, faults={}))
    >>> before = ct.check(ct.attempts(fleet))

    Which registrations end when nobody may log in with a password any more?

    >>> after = ct.check(ct.attempts(what_if(fleet, authentication="certificate")))
    >>> set(changes(before, after)["change"].unique()) <= {"broken", "now unknown"}
    True

    When every device entry says "TLS only", when the lists hold one CA alone, when a CA is retired, and in 2071:

    >>> strict = ct.check(ct.attempts(what_if(fleet, tls_only=True)))
    >>> one_ca = ct.check(ct.attempts(what_if(fleet, trust=fleet.trust.head(1).assign(pbx=None))))
    >>> retired = ct.check(ct.attempts(what_if(fleet, retire=fleet.trust["fingerprint"].iloc[0])))
    >>> later = ct.check(ct.attempts(fleet), at="2071-01-01")
    >>> bool((later["verdict"] == "pass").sum() < (before["verdict"] == "pass").sum())
    True
    """
    if trust is not None:
        fleet = dataclasses.replace(fleet, trust=conform(trust, TRUST))
    if retire is not None:
        fleet = dataclasses.replace(fleet, trust=_without(fleet.trust, [retire] if isinstance(retire, str) else retire))
    if tls_only is not None:
        flags = pd.Series(tls_only, index=fleet.devices.index, dtype=FLAG)
        fleet = dataclasses.replace(fleet, devices=fleet.devices.assign(tls_only=flags))
    if authentication is not None:
        fleet = dataclasses.replace(fleet, registrations=_authenticating(fleet.registrations, authentication))
    return fleet


def _without(trust: pd.DataFrame, retired: Sequence[str]) -> pd.DataFrame:
    """Take the CAs out of every list; a list that becomes empty stays a known one."""
    gone = pd.Series(data=False, index=trust.index)
    for name in retired:
        meant = trust["fingerprint"].eq(name.lower()) | trust["subject_cn"].eq(name)
        if not meant.any():
            raise CerttrustError(f"no trust list holds {name!r}; give the fingerprint or the common name of an entry")
        gone |= meant.fillna(value=False).astype(bool)
    kept = trust[~gone]
    emptied = trust.loc[gone & ~trust["pbx"].fillna("").isin(kept["pbx"].fillna("")), ["pbx"]].drop_duplicates()
    return pd.concat([kept, conform(emptied.assign(parse_error="the list is empty"), TRUST)], ignore_index=True)


def _authenticating(registrations: pd.DataFrame, authentication: str) -> pd.DataFrame:
    if authentication not in ("certificate", "password"):
        raise CerttrustError(f"authentication={authentication!r}; a device authenticates by certificate or by password")
    other = registrations["protocol"].astype("str").str.startswith("SIP").fillna(value=False).astype(bool)
    told = registrations["authentication"].astype("str").where(other, authentication)
    return registrations.assign(authentication=told.astype("category"))


def changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """List the attempts whose verdict or cause differs between two results.

    Parameters
    ----------
    before, after : DataFrame
        Table RESULTS of the same attempts, told by their labels; rows that only one of them has are listed too.

    Returns
    -------
    DataFrame
        One row per attempt that changed, the worst change first: attempt (its label), device, pbx, change
        (category: broken = passed and fails now, repaired, now unknown, now known = passes now and was not
        decided, other cause, gone, new), verdict_before, verdict_after, cause_before, cause_after. An attempt
        that was not decided and fails now is broken.

    Raises
    ------
    CerttrustError
        If a label occurs twice in one of the results.

    Examples
    --------
    >>> import certtrust as ct
    >>> attempts = ct.attempts(ct.simulate(20, seed=1, faults={}))
    >>> now, then = ct.check(attempts), ct.check(attempts, at="2071-01-01")
    >>> changes(now, then)["change"].unique().tolist()
    ['broken']
    >>> len(changes(now, now))
    0
    """
    if not (before.index.is_unique and after.index.is_unique):
        raise CerttrustError(
            "labels occur more than once in the index of the results, so that attempts cannot be told apart; "
            "give the fleet's frame a new index by reset_index(drop=True), and judge it again"
        )
    labels = before.index.append(after.index.difference(before.index, sort=False))
    sides: dict[str, Any] = {}
    for side, results in (("before", before), ("after", after)):
        for name in ("verdict", "cause"):
            # A cause that only the log states belongs to what was observed, and no what-if changes that.
            column = results[name].where(results["verdict"] == "fail") if name == "cause" else results[name]
            sides[f"{name}_{side}"] = column.astype("str").reindex(labels)
    frame = pd.DataFrame(sides, index=labels)
    was, now = frame["verdict_before"], frame["verdict_after"]
    kinds: dict[str, Any] = {
        "other cause": (was == "fail") & (now == "fail") & (frame["cause_before"] != frame["cause_after"]),
        "repaired": (was == "fail") & (now == "pass"),
        "now unknown": was.isin(["pass", "fail"]) & (now == "unknown"),
        "now known": (was == "unknown") & (now == "pass"),
        "broken": was.isin(["pass", "unknown"]) & (now == "fail"),
        "gone": ~labels.isin(after.index),
        "new": ~labels.isin(before.index),
    }
    change = pd.Series(pd.NA, index=labels, dtype="str")
    for kind, rows in kinds.items():
        change = change.mask(rows, kind)
    who = pd.concat([before[["device", "pbx"]], after.loc[labels[len(before) :], ["device", "pbx"]]])
    worded = pd.Categorical(change, categories=list(CHANGES), ordered=True)
    found = pd.concat([who.assign(change=worded), frame], axis="columns")
    found = found[found["change"].notna()].sort_values("change", kind="stable")
    return found.rename_axis("attempt").reset_index()
