"""What single tables tell without the others: certificates, devices or a log alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from ..advice import shared_keys, shared_names
from ..arrays.arrow import as_mask
from ..certificates.reading import days_left
from ..devices import shared_hardware_ids
from ..evaluation.attempts import attempts
from ..evaluation.check import check
from ..evaluation.ownership import leaves
from ..evaluation.requirements import BY_CODE
from ..fleet import Fleet
from ..schema import DEVICES, TRUSTED_STATES, conform
from ..texts.labels import listed, plural
from ..texts.sentences import number, say

SOON = 90
"""Days before its end from which on a certificate is said to end soon."""
LISTS = 3
"""Trust lists that certificates are tried against."""
REASONS = 3
"""Reasons of a log that are named."""
WEAK = ("hygiene.weak_key", "hygiene.weak_signature")


def own_certificates(fleet: Fleet) -> pd.DataFrame:
    """Return the distinct certificates of devices: those that issued no other one beside them."""
    own = leaves(fleet.certificates)
    own = own[own["fingerprint"].notna() & own["subject"].notna()]
    is_mere_ca = as_mask(own["is_ca"]) & own["device"].isna()
    return own[~is_mere_ca].drop_duplicates("fingerprint", ignore_index=True)


def issuers(fleet: Fleet, at: pd.Timestamp) -> pd.DataFrame:
    """Return who issued the certificates of devices, the issuer of most of them first.

    Parameters
    ----------
    fleet : Fleet
        What was read.
    at : Timestamp
        The moment to judge at.

    Returns
    -------
    DataFrame
        One row per issuer: issuer, certificates, expired, ends_soon (within 90 days), weak
        (key or hash below today's strength), first_end, last_end.

    Examples
    --------
    >>> import certtrust as ct
    >>> now = pd.Timestamp("2026-01-01", tz="UTC")
    >>> table = issuers(ct.simulate(20, seed=1), now)
    >>> table["certificates"].is_monotonic_decreasing
    True
    """
    own = own_certificates(fleet)
    days = days_left(own, at)
    weak = pd.concat(
        [BY_CODE[code].holds(own, days).eq(other=False) for code in WEAK],
        axis="columns",
    )
    rows = own.assign(
        issuer=own["issuer_cn"]
        .fillna(own["issuer"])
        .fillna(say("report.issuers.unnamed")),
        expired=days < 0,
        ends_soon=(days >= 0) & (days < SOON),
        weak=weak.fillna(value=False).any(axis="columns"),
    )
    grouped = rows.groupby("issuer", sort=False)
    table = grouped.agg(
        certificates=("fingerprint", "size"),
        expired=("expired", "sum"),
        ends_soon=("ends_soon", "sum"),
        weak=("weak", "sum"),
        first_end=("not_after", "min"),
        last_end=("not_after", "max"),
    )
    return table.reset_index().sort_values(
        ["certificates", "issuer"], ascending=[False, True], ignore_index=True
    )


def of_certificates(fleet: Fleet, at: pd.Timestamp) -> Iterator[str]:
    """Yield what certificates alone tell: how many, from whom, their ends, keys and twins."""
    table = issuers(fleet, at)
    if table.empty:
        return
    sums = table[["certificates", "expired", "ends_soon", "weak"]].sum()
    main = table.iloc[0]
    yield say(
        "report.inventory.issuers",
        certificates=plural(int(sums["certificates"]), "device certificate"),
        issuers=plural(len(table), "issuer"),
        first=str(main["issuer"]),
        count=int(main["certificates"]),
    )
    yield say(
        "report.inventory.ends",
        expired=int(sums["expired"]),
        soon=int(sums["ends_soon"]),
        days=SOON,
        weak=int(sums["weak"]),
    )
    yield from _trusted(fleet, at)
    if count := len(shared_names(fleet)):
        yield say("report.inventory.shared_names", count=count)
    if count := int(shared_keys(fleet)["key"].nunique()):
        yield say("report.inventory.shared_keys", count=count)


def _trusted(fleet: Fleet, at: pd.Timestamp) -> Iterator[str]:
    """Yield how many devices present a certificate that each trust list trusts."""
    devices = own_certificates(fleet)["device"].dropna().unique()
    entries = conform(pd.DataFrame({"hardware_id": devices}), DEVICES)
    lists = fleet.trust[fleet.trust["fingerprint"].notna()]
    # A list of every PBX belongs to each of the others, and stands alone only without them.
    owners = lists["pbx"].dropna().unique().tolist() or [None][: len(lists)]
    for pbx in owners[:LISTS]:
        listed = lists if pbx is None else lists[lists["pbx"].fillna(pbx) == pbx]
        alone = replace(
            fleet,
            trust=listed.assign(pbx=pd.Series(index=listed.index, dtype="str")),
            devices=entries,
            registrations=fleet.registrations.head(0),
        )
        state = check(attempts(alone, of="devices"), at=at)["trust_state"]
        yield say(
            f"report.inventory.trusted_by_{'every' if pbx is None else 'one'}",
            count=int(state.isin(TRUSTED_STATES).sum()),
            devices=plural(len(state), "device"),
            pbx=str(pbx),
        )


def of_devices(fleet: Fleet) -> Iterator[str]:
    """Yield what devices alone tell: how many, their flags, and hardware IDs that stand twice."""
    devices = fleet.devices
    entries = devices[devices["hardware_id"].notna() | devices["serial"].notna()]
    if entries.empty:
        return
    flag = entries["tls_only"]
    yield say(
        "report.inventory.flags",
        devices=plural(len(entries), "device entry"),
        tls=int(flag.eq(other=True).sum()),
        open=int(flag.eq(other=False).sum()),
        unknown=int(flag.isna().sum()),
        proxy=int(entries["reverse_proxy"].eq(other=True).sum()),
    )
    twins = shared_hardware_ids(devices)
    if len(twins):
        count = int(twins["identity"].nunique())
        first = str(twins["identity"].iloc[0])
        yield say("report.inventory.shared_ids", count=count, first=first)


def of_log(fleet: Fleet) -> Iterator[str]:
    """Yield what a log alone tells: its states, and the reasons it states most often."""
    log = fleet.registrations
    states = log["state"].value_counts()
    parts = [f"{state} {number(count)}" for state, count in states.items() if count]
    if parts:
        yield say("report.inventory.states", states=listed(parts))
    reasons = log["reason"].value_counts().head(REASONS)
    parts = [
        f"{reason} {number(count)}" for reason, count in reasons.items() if count
    ]
    if parts:
        yield say("report.inventory.reasons", reasons=listed(parts))
