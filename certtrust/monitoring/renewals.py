"""The certificates that a fleet uses, and how soon each has to be renewed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral

import numpy as np
import pandas as pd

from ..answer_tables import RENEWALS
from ..arrays.arrow import as_mask
from ..errors import CerttrustError
from ..evaluation.check import moment_of
from ..evaluation.ownership import Ownership
from ..fleet import Fleet, expect_fleet, link
from ..schema import CERTIFICATES, conform
from ..texts.sentences import say

WEEKS = (1, 2, 4, 6, 8, 12)
"""Bounds of the buckets of devices' certificates."""
MONTHS = (6, 12, 18, 24, 30)
"""Bounds of the buckets of CAs."""

ENDED, LATER, UNREAD = "ended", "later", "not known"
_DAY = 86_400_000_000
_LEVELS = 64
_LAST = pd.Timestamp("9999-12-31 23:59:59", tz="UTC").as_unit("us")


def renewals(
    fleet: Fleet,
    *,
    at: pd.Timestamp | str | None = None,
    weeks: Sequence[int] = WEEKS,
    months: Sequence[int] = MONTHS,
) -> pd.DataFrame:
    """List the certificates in use by how soon they have to be renewed.

    Parameters
    ----------
    fleet : Fleet
        What was read. Of a device the newest certificate counts: an older one needs no renewal.
    at : Timestamp or str, optional
        The moment to count from; now by default.
    weeks : sequence of int
        Bounds of the buckets of devices' certificates, ascending.
    months : sequence of int
        Bounds of the buckets of CAs, ascending: those of trust lists, and of the chains of devices.

    Returns
    -------
    DataFrame
        One row per certificate, the earliest end first, what could not be read last: ends,
        days_left, bucket (ordered category), role, device, devices, fingerprint, subject_cn,
        issuer_cn, source, parse_error.

    Raises
    ------
    CerttrustError
        If bounds are no ascending whole numbers above 0, or `at` is no time.

    Examples
    --------
    >>> import certtrust as ct
    >>> coming = renewals(ct.simulate(20, seed=1), weeks=(4, 52))
    >>> coming["bucket"].cat.categories.tolist()[:4]
    ['ended', '4 weeks', '52 weeks', '6 months']
    """
    fleet = link(expect_fleet(fleet))
    now = moment_of(pd.Timestamp.now("UTC") if at is None else at)
    bounds = {
        "weeks": _ascending("weeks", weeks),
        "months": _ascending("months", months),
    }
    owned = _owned(fleet)
    rows = pd.concat(
        [_of_devices(owned), _of_authorities(fleet, owned), _unread(fleet)],
        ignore_index=True,
    )
    rows = rows.rename(columns={"not_after": "ends"})
    ends = rows["ends"].astype("datetime64[us, UTC]")
    # In integers, as the year 9999 is out of reach of a Timedelta in nanoseconds.
    left = (ends.astype("int64").where(ends.notna()) - _microseconds(now)) / _DAY
    buckets = _buckets(ends, left, rows["role"] == "CA", now, bounds)
    rows = conform(rows.assign(ends=ends, days_left=left, bucket=buckets), RENEWALS)
    order = ["ends", "role", "fingerprint", "source"]
    ordered = rows.sort_values(order, kind="stable", ignore_index=True)
    return ordered.assign(role=pd.Categorical(ordered["role"], ["device", "CA"]))[
        RENEWALS.names
    ]


def _ascending(name: str, bounds: Sequence[int]) -> list[int]:
    values = list(bounds) if isinstance(bounds, Iterable) else [None]
    whole = all(
        isinstance(bound, Integral) and not isinstance(bound, bool)
        for bound in values
    )
    if not whole or any(b <= a for a, b in zip([0, *values], values, strict=False)):
        raise CerttrustError(
            say("errors.monitoring.bounds", name=name, bounds=repr(bounds))
        )
    if name == "months" and values and values[-1] > 1200:
        raise CerttrustError(
            say("errors.monitoring.bounds", name=name, bounds=repr(bounds))
        )
    return [int(bound) for bound in values]


def _owned(fleet: Fleet) -> pd.DataFrame:
    """Return the newest certificate of each device: device, and columns of CERTIFICATES."""
    own = Ownership.of(fleet).own_certificates
    rows = fleet.certificates.iloc[own["row"]].assign(device=own["device"].array)
    rows = rows[rows["fingerprint"].notna() | rows["not_after"].notna()]
    rows = rows.sort_values(["not_before", "fingerprint"], na_position="first")
    return rows.drop_duplicates("device", keep="last")


def _of_devices(owned: pd.DataFrame) -> pd.DataFrame:
    """Return one row per certificate that devices present."""
    # A certificate of a listing has no fingerprint: its device stands for it.
    key = owned["fingerprint"].fillna(owned["device"])
    devices = owned.groupby(key)["device"]
    rows = owned.assign(devices=key.map(devices.nunique()), role="device")
    rows = rows[~key.duplicated()]
    return rows.assign(device=rows["device"].where(rows["devices"] == 1))[_COLUMNS]


def _of_authorities(fleet: Fleet, owned: pd.DataFrame) -> pd.DataFrame:
    """Return one row per CA of the trust lists and of devices' chains."""
    below = _devices_below(fleet, owned)
    both = pd.concat([fleet.trust, fleet.certificates], ignore_index=True)
    both = both[both["fingerprint"].notna()].drop_duplicates("fingerprint")
    listed = both["fingerprint"].isin(fleet.trust["fingerprint"])
    chosen = listed | both["fingerprint"].isin(below.index)
    # A device's own certificate in a trust list is listed as that of the device.
    chosen &= ~both["fingerprint"].isin(owned["fingerprint"])
    rows = both[chosen]
    devices = rows["fingerprint"].map(below).fillna(0).astype("int64")
    return rows.assign(devices=devices, role="CA", device=None)[_COLUMNS]


def _devices_below(fleet: Fleet, owned: pd.DataFrame) -> pd.Series:
    """Return how many devices have each issuer in their chain, by its fingerprint."""
    links = fleet.links
    assert links is not None  # noqa: S101 - `link` has made them
    signed = links.loc[as_mask(links["verified"]), ["child", "issuer"]]
    signed = signed[signed["child"] != signed["issuer"]].drop_duplicates()
    pairs = owned[["device", "fingerprint"]].dropna()
    pairs = pairs.rename(columns={"fingerprint": "child"})
    chains = pairs.iloc[:0].rename(columns={"child": "issuer"})
    for _ in range(_LEVELS):
        above = pairs.merge(signed, on="child")[["device", "issuer"]]
        seen = len(chains)
        chains = pd.concat([chains, above]).drop_duplicates(ignore_index=True)
        if len(chains) == seen:
            break
        pairs = chains.iloc[seen:].rename(columns={"issuer": "child"})
    return chains.groupby("issuer")["device"].nunique()


def _unread(fleet: Fleet) -> pd.DataFrame:
    """Return the blocks of which not even the end is known."""
    parts = []
    for name in ("certificates", "trust"):
        rows: pd.DataFrame = getattr(fleet, name)
        is_empty = rows["parse_error"].eq("the list is empty")
        unread = rows["parse_error"].notna() & rows["not_after"].isna() & ~is_empty
        parts.append(rows.loc[as_mask(unread), CERTIFICATES.names])
    together = pd.concat(parts, ignore_index=True)
    return together.assign(devices=None, role=None)[_COLUMNS]


_COLUMNS = [
    *("not_after", "role", "device", "devices", "fingerprint"),
    *("subject_cn", "issuer_cn", "source", "parse_error"),
]


def _buckets(
    ends: pd.Series,
    left: pd.Series,
    is_ca: pd.Series,
    now: pd.Timestamp,
    bounds: dict[str, list[int]],
) -> pd.Categorical:
    """Return the first bound that each certificate ends within."""
    names = {
        unit: [_bound(count, unit) for count in counts]
        for unit, counts in bounds.items()
    }
    categories = [ENDED, *names["weeks"], *names["months"], LATER, UNREAD]
    words = np.full(len(ends), LATER, dtype=object)
    reach = {
        unit: [_later(now, count, unit) for count in counts]
        for unit, counts in bounds.items()
    }
    of_ca = as_mask(is_ca)
    for unit, chosen in (("weeks", ~of_ca), ("months", of_ca)):
        for name, moment in reversed(
            list(zip(names[unit], reach[unit], strict=True))
        ):
            words[chosen & as_mask(ends <= moment)] = name
    words[as_mask(left < 0)] = ENDED
    words[ends.isna().to_numpy()] = UNREAD
    return pd.Categorical(words, list(dict.fromkeys(categories)), ordered=True)


def _microseconds(moment: pd.Timestamp) -> int:
    return int(
        pd.Series([moment]).astype("datetime64[us, UTC]").astype("int64").iloc[0]
    )


def _later(moment: pd.Timestamp, count: int, unit: str) -> pd.Timestamp:
    """Return the moment so many weeks or months later, at most the last one that there is."""
    try:
        if unit == "weeks":
            return moment + pd.Timedelta(weeks=count)
        later: pd.Timestamp = moment + pd.DateOffset(months=count)
    except (OverflowError, ValueError):
        return _LAST
    return later


def _bound(count: int, unit: str) -> str:
    return f"{count} {unit if count > 1 else unit.removesuffix('s')}"
