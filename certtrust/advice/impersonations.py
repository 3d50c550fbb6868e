"""Impersonations: certificates that would let their holder register as somebody else, shared names and shared keys."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import unicodedata
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from .. import chains, names
from ..attempts import holders as presented
from ..attempts import identities
from ..fleet import Fleet, link
from ..groups import Codes, combine, distinct, places
from ..identity import HARDWARE_ID, SERIAL
from ..outline import outline
from ..rules import TRUSTED
from .actions import among
from .trusting import spread

LIMIT = 1_000_000
"""Pairs that are listed at most."""

_OWN_NAME = re.compile(rf"(?:(?:{SERIAL})(?:[^0-9A-Za-z].*)?|{HARDWARE_ID})", re.DOTALL)

_OCTETS = re.compile(r"([0-9a-f]{2}[:-]){5}[0-9a-f]{2}|([0-9a-f]{4}\.){2}[0-9a-f]{4}")


def impersonations(fleet: Fleet, *, at: pd.Timestamp | str | None = None, limit: int = LIMIT) -> pd.DataFrame:
    """List the pairs of a trusted certificate and another device that its holder may register as.

    Parameters
    ----------
    fleet : Fleet
        The fleet.
    at : Timestamp or str, optional
        The moment at which the certificate has to be trusted and valid; by default now.
    limit : int
        Pairs that are listed at most. Where there are more, those of the certificates that open most devices
        are cut short, all at the same number; `opens` still counts them all.

    Returns
    -------
    DataFrame
        One row per pair and PBX, the certificate that opens most devices first: fingerprint, subject_cn, device
        (who holds it; missing where that is not known), pbx (which trusts it, and where the other one
        registers), trust_state, opens (devices that it opens there), victim (the other device), name (its
        name that begins with the CN).

    Notes
    -----
    The page lets a device in whose registration name, or hardware ID, begins with the CN of its trusted
    certificate, and a prefix is soon short: a CN of `0090` begins the serial of every device. Names are those of the
    PBX objects (user, hardware ID, serial) and those seen in the log; they are sorted once, and each CN finds its
    range in them by bisection. Names are compared as in `certtrust.names.begins_with_cn`.

    Not checked: whether the other device's entry asks for a password besides.

    Examples
    --------
    >>> import certtrust as ct
    >>> pairs = impersonations(ct.simulate(60, seed=5), at=ct.simulation.NOW)
    >>> pairs["opens"].is_monotonic_decreasing
    True
    """
    fleet = fleet if fleet.links is not None else link(fleet)
    moment = pd.Timestamp.now("UTC") if at is None else pd.Timestamp(at)
    moment = (moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")).as_unit("us")
    log, registered, entered = _seen(fleet)
    victims = _names(fleet.devices, entered, log, registered)
    certificates, holders = _holders(fleet, log, registered)
    valid = (certificates["not_before"] <= moment) & (moment <= certificates["not_after"])
    opened = _opened(certificates[valid], victims)
    doors = _doors(certificates[valid], holders, opened)
    doors = _trusted(fleet, doors, moment)
    return _listed(doors, holders, opened, limit)


def _seen(fleet: Fleet) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Return what the log shows of names and certificates, each once, its devices, and those of the device entries."""
    columns = ["pbx", "serial", "hardware_id", "registration_name", "interface", "fingerprint"]
    _, first = combine(*(pd.factorize(fleet.registrations[name])[0] for name in columns))
    log = fleet.registrations.iloc[first]
    registered, entered = identities(dataclasses.replace(fleet, registrations=log))
    return log, registered, entered


def _names(entries: pd.DataFrame, entered: pd.Series, log: pd.DataFrame, registered: pd.Series) -> pd.DataFrame:
    """Return every name of every device at its PBX once: pbx, device, name."""
    parts = []
    for frame, device, columns in (
        (entries, entered, ("user", "hardware_id", "serial")),
        (log, registered, ("registration_name", "hardware_id", "serial")),
    ):
        parts += [pd.DataFrame({"pbx": frame["pbx"], "device": device, "name": frame[column]}) for column in columns]
    return _once(pd.concat(parts, ignore_index=True).dropna())


def _once(frame: pd.DataFrame) -> pd.DataFrame:
    """Return each distinct row once."""
    _, first = combine(*(pd.factorize(frame[name])[0] for name in frame))
    return frame.iloc[first].reset_index(drop=True)


def _holders(fleet: Fleet, log: pd.DataFrame, registered: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the leaves of files and lists, each certificate once, and who holds each: fingerprint, device."""
    columns = ["fingerprint", "bundle", "device", "subject", "subject_cn", "not_before", "not_after", "is_ca", "der"]
    found = presented(dataclasses.replace(fleet, registrations=log))[[*columns, "dns_names", "ip_addresses"]]
    listed = fleet.trust[found.columns].assign(bundle=None, device=None).astype({"bundle": "str", "device": "str"})
    both = pd.concat([found, listed], ignore_index=True)
    both = both[both["fingerprint"].notna() & ~both["is_ca"].fillna(value=False).astype(bool)]
    seen = pd.DataFrame({"fingerprint": log["fingerprint"].str.lower(), "device": registered})
    seen = seen[among(seen["fingerprint"], both["fingerprint"])]
    holders = _once(pd.concat([both[["fingerprint", "device"]], seen], ignore_index=True).dropna())
    return both[~both["fingerprint"].duplicated()].reset_index(drop=True), holders


def _opened(certificates: pd.DataFrame, victims: pd.DataFrame) -> pd.DataFrame:
    """Return for each distinct CN the devices whose names begin with it, once per PBX: cn, pbx, device, name, group."""
    cns = pd.Series(sorted({cn for cn in _common_names(certificates)["name"] if _usable(cn)}), dtype="str")
    plain = [unicodedata.normalize("NFC", name) for name in victims["name"]]
    own = np.array([_OWN_NAME.fullmatch(name) is not None for name in plain], dtype=bool)
    composed = [unicodedata.normalize("NFC", cn) for cn in cns]
    exactly = _begun(composed, plain)
    folded = _begun([_folded(cn) for cn in composed], [_folded(name) for name in np.array(plain, dtype=object)[own]])
    cn, name = (
        np.concatenate(parts) for parts in zip(exactly, (folded[0], np.flatnonzero(own)[folded[1]]), strict=True)
    )
    found = victims.iloc[name].reset_index(drop=True)
    pbx, device = (pd.factorize(found[column])[0] for column in ("pbx", "device"))
    group, _ = combine(cn, pbx)
    _, first = combine(group, device)
    return found.assign(cn=cns.array[cn], group=group).iloc[first].reset_index(drop=True)


def _common_names(certificates: pd.DataFrame) -> pd.DataFrame:
    """Return every CN of every certificate: fingerprint, name."""
    every_name: Callable[[pd.DataFrame], pd.DataFrame] = names  # type: ignore[assignment]  # the module is callable
    table = every_name(certificates)
    return table.loc[table["kind"] == "cn", ["fingerprint", "name"]].drop_duplicates()


def _usable(cn: str) -> bool:
    return bool(cn.strip()) and not set(cn) & {"\0", "\ufffd"}


def _folded(name: str) -> str:
    """Spell serials and hardware IDs in one way, as certtrust.names does."""
    lower = name.lower() if name.isascii() else re.sub("[A-Z]+", lambda capitals: capitals[0].lower(), name)
    if lower[2:3] not in (":", "-") and lower[4:5] != ".":
        return lower
    octets = _OCTETS.match(lower)
    return re.sub("[:.-]", "", octets[0]) + lower[octets.end() :] if octets else lower


def _begun(prefixes: list[str], texts: list[str]) -> tuple[Codes, Codes]:
    """Return all pairs of a prefix and a text that begins with it, by bisection in the sorted texts."""
    encoded = np.empty(len(texts), dtype=object)
    encoded[:] = [text.encode("utf-8", "surrogatepass") for text in texts]
    order = np.argsort(encoded, kind="stable")
    ordered = encoded[order]
    wanted = np.empty(len(prefixes), dtype=object)
    wanted[:] = [prefix.encode("utf-8", "surrogatepass") for prefix in prefixes]
    start = np.searchsorted(ordered, wanted)
    end = np.searchsorted(ordered, wanted + b"\xff") if len(wanted) else start  # no byte of UTF-8 is so high
    owner, number = spread(end - start)
    return owner, order[start[owner] + number]


def _doors(certificates: pd.DataFrame, holders: pd.DataFrame, opened: pd.DataFrame) -> pd.DataFrame:
    """Return the certificates that open devices of others, once per CN and PBX, with their number and their group."""
    groups = opened.groupby(["cn", "pbx", "group"], sort=False).size().rename("size").reset_index()
    doors = _common_names(certificates).rename(columns={"name": "cn"}).merge(groups, on="cn")
    own = doors[["fingerprint", "group"]].merge(holders, on="fingerprint").merge(opened, on=["group", "device"])
    own_count = own.groupby(["fingerprint", "group"]).size()
    index = pd.MultiIndex.from_frame(doors[["fingerprint", "group"]])
    doors["own"] = own_count.reindex(index, fill_value=0).to_numpy()
    doors["opens"] = doors["size"] - doors["own"]
    return doors[doors["opens"] > 0].merge(certificates[["fingerprint", "bundle"]], on="fingerprint")


def _trusted(fleet: Fleet, doors: pd.DataFrame, moment: pd.Timestamp) -> pd.DataFrame:
    judged = chains.judge(doors, fleet.certificates, fleet.trust, fleet.links).assign(fingerprint=doors["fingerprint"])
    state = chains.trust_at(judged, pd.Series(moment, index=judged.index))["trust_state"]
    return doors.assign(trust_state=state)[state.isin(TRUSTED).to_numpy()]


def _listed(doors: pd.DataFrame, holders: pd.DataFrame, opened: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Write out the pairs, as many of each certificate as the limit leaves room for."""
    doors = doors.sort_values(
        ["opens", "cn", "pbx", "fingerprint"], ascending=[False, True, True, True], ignore_index=True
    )
    most = _room(doors["opens"].to_numpy(), limit)
    door, number = spread(np.minimum(doors["size"].to_numpy(), most + doors["own"].to_numpy()))
    order = np.argsort(opened["group"].to_numpy(), kind="stable")
    start = np.searchsorted(opened["group"].to_numpy()[order], doors["group"].to_numpy())
    victim = opened.iloc[order[start[door] + number]].reset_index(drop=True)
    pairs = doors[["fingerprint", "cn", "pbx", "trust_state", "opens"]].iloc[door].reset_index(drop=True)
    pairs = pairs.assign(victim=victim["device"], name=victim["name"], _door=door)
    pairs = pairs[~_held(pairs, holders)]
    pairs = pairs[(pairs.groupby("_door").cumcount() < most).to_numpy()].head(limit)
    device = holders.drop_duplicates("fingerprint").set_index("fingerprint")["device"]
    return pd.DataFrame(
        {
            "fingerprint": pairs["fingerprint"],
            "subject_cn": pairs["cn"],
            "device": pairs["fingerprint"].map(device).astype("str"),
            **{name: pairs[name] for name in ("pbx", "trust_state", "opens", "victim", "name")},
        }
    ).reset_index(drop=True)


def _held(pairs: pd.DataFrame, holders: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell which victims hold the certificate themselves."""
    certificates, devices = distinct(holders["fingerprint"]), distinct(holders["device"])
    own = places(holders["fingerprint"], certificates) * len(devices) + places(holders["device"], devices)
    device = places(pairs["victim"], devices)
    asked = places(pairs["fingerprint"], certificates) * len(devices) + device
    return np.isin(asked, own) & (device >= 0)


def _room(counts: Codes, limit: int) -> int:
    """Return how many of each count may be kept so that their sum stays within the limit, but at least 1."""
    low, high = 1, int(counts.max(initial=1))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if np.minimum(counts, middle).sum() <= limit else (low, middle - 1)
    return low


def shared_names(fleet: Fleet) -> pd.DataFrame:
    """List the CNs that more than one key carries among the certificates of devices.

    Parameters
    ----------
    fleet : Fleet
        The fleet.

    Returns
    -------
    DataFrame
        One row per CN, the most keys first: subject_cn, keys, certificates, devices (known holders). A device
        whose certificate was replaced has its CN with two keys as well.

    Examples
    --------
    >>> import certtrust as ct
    >>> shared_names(ct.simulate(30, seed=1)).columns.tolist()
    ['subject_cn', 'keys', 'certificates', 'devices']
    """
    log, registered, _ = _seen(fleet)
    certificates, holders = _holders(fleet, log, registered)
    table = _common_names(certificates).merge(_keys(certificates), on="fingerprint")
    table = table.merge(holders, on="fingerprint", how="left")
    grouped = table.groupby("name", sort=False)
    counts = grouped.agg(
        keys=("key", "nunique"), certificates=("fingerprint", "nunique"), devices=("device", "nunique")
    )
    counts = counts[counts["keys"] > 1].rename_axis("subject_cn").reset_index()
    return counts.sort_values(["keys", "subject_cn"], ascending=[False, True], ignore_index=True)


def shared_keys(fleet: Fleet) -> pd.DataFrame:
    """List the keys that more than one device holds: what one of them can prove, the others can prove as well.

    Parameters
    ----------
    fleet : Fleet
        The fleet.

    Returns
    -------
    DataFrame
        One row per key and device, the key with most devices first: key (SHA-256 of its SubjectPublicKeyInfo in
        hex), devices (how many hold it), device, fingerprint, subject_cn.

    Examples
    --------
    >>> import certtrust as ct
    >>> shared_keys(ct.simulate(30, seed=1)).columns.tolist()
    ['key', 'devices', 'device', 'fingerprint', 'subject_cn']
    """
    log, registered, _ = _seen(fleet)
    certificates, holders = _holders(fleet, log, registered)
    table = _keys(certificates).merge(holders, on="fingerprint")
    table = table.merge(certificates[["fingerprint", "subject_cn"]], on="fingerprint")
    table["devices"] = table.groupby("key")["device"].transform("nunique")
    table = table[table["devices"] > 1].drop_duplicates(["key", "device", "fingerprint"])
    table = table.sort_values(["devices", "key", "device"], ascending=[False, True, True], ignore_index=True)
    return table[["key", "devices", "device", "fingerprint", "subject_cn"]]


def _keys(certificates: pd.DataFrame) -> pd.DataFrame:
    """Return the key of each certificate whose DER can be taken apart: fingerprint, key."""
    there = certificates[np.array([isinstance(der, bytes) for der in certificates["der"]], dtype=bool)]
    parts = [outline(der) for der in there["der"]]
    keys = [None if each is None else hashlib.sha256(each.public_key).hexdigest() for each in parts]
    return pd.DataFrame({"fingerprint": there["fingerprint"].array, "key": pd.array(keys, dtype="str")}).dropna()
