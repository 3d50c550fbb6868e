"""Owners: which device a log line, a device entry or a certificate belongs to, and which
certificate it presents.

A device is named by its serial, else by its hardware ID, else by the name that it registers with.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..arrays.arrow import true
from ..arrays.grouping import Codes, combine, distinct, places, places_of_rows
from ..fleet import Fleet
from ..names import device_ids
from ..trust import trust_state

_INTERFACE = r"(?:-[^\n]*)?\n?"
OWNING = (
    "fingerprint",
    "bundle",
    "device",
    "position",
    "subject",
    "subject_cn",
    "issuer",
    "self_issued",
    "is_ca",
    "not_before",
)
"""What tells whose own a certificate is."""


def identities(fleet: Fleet) -> tuple[pd.Series, pd.Series]:
    """Return the device that each registration, and each device entry, belongs to.

    A device is named by its serial, else by its hardware ID, else by its registration name.
    """
    serials = by_tail(known_serials(fleet))
    entries = identify(fleet.devices, serials)
    return owner(
        fleet.registrations, fleet.devices.assign(device=entries), serials
    ), entries


class Whose(NamedTuple):
    """Whose the device entries and the certificates of a fleet are."""

    serials: pd.Series
    """Each serial that stands anywhere in the fleet."""
    tails: pd.Series
    """See `by_tail`."""
    entered: pd.Series
    """The device of each device entry."""
    held: pd.DataFrame
    """See `held_by`; with the place of each certificate."""


def whose(fleet: Fleet, serials: pd.Series | None = None) -> Whose:
    """Tell whose the entries and certificates are; `serials` are those that a hardware ID may
    belong to.
    """
    serials = known_serials(fleet) if serials is None else serials
    tails = by_tail(serials)
    entered = identify(fleet.devices, tails)
    return Whose(
        serials, tails, entered, held_by(numbered(fleet.certificates), tails, entered)
    )


def owner(rows: pd.DataFrame, devices: pd.DataFrame, serials: pd.Series) -> pd.Series:
    """Return the device of each row: by what it says of itself, else by its user object, else
    by its name.
    """
    by_itself = _serial_in_name(rows).fillna(identify(rows, serials))
    return by_itself.fillna(_by_user(rows, devices)).fillna(_by_name(rows, serials))


def _serial_in_name(rows: pd.DataFrame) -> pd.Series:
    """Return the serial that a row without one registers by, where it ends as its hardware ID
    does.
    """
    silent = np.flatnonzero(
        rows["serial"].isna()
        & rows["hardware_id"].notna()
        & rows["registration_name"].notna()
    )
    named = rows[["hardware_id", "registration_name"]].iloc[silent]
    in_name = per_text(
        lambda text: device_ids.leading_serials(text, _INTERFACE),
        named["registration_name"],
    )
    tail = per_text(
        lambda text: device_ids.hardware_ids(text)["tail"], named["hardware_id"]
    )
    found = pd.Series(None, index=rows.index, dtype="str")
    found.iloc[silent] = in_name.where(in_name.str.slice(6) == tail).array
    return found


def known_serials(fleet: Fleet) -> pd.Series:
    """Return each serial that stands anywhere in the fleet."""
    texts = [
        fleet.devices["serial"],
        fleet.devices["hardware_id"],
        fleet.registrations["serial"],
    ]
    return device_ids.serials(
        distinct(*texts, fleet.certificates["device"], fleet.certificates["serial"])
    ).dropna()


def by_tail(serials: pd.Series) -> pd.Series:
    """Map the last three octets to the serial, where just one of the serials ends so."""
    each = distinct(serials)
    tails = each.str.slice(6)
    several = tails.duplicated(keep=False)
    return each[~several].set_axis(pd.Index(tails[~several]))


def per_text(function: Any, text: pd.Series) -> pd.Series:
    """Apply a function of a Series of text to its distinct values only."""
    codes, values = pd.factorize(text.astype("str"))
    result = function(pd.Series(values, dtype="str"))
    return pd.Series(result.array.take(codes, allow_fill=True), index=text.index)


def _canonical(text: pd.Series, serials: pd.Series) -> pd.Series:
    found = device_ids.spellings(text)
    place = places(found["tail"], serials.index.to_series())
    by_tail = pd.Series(serials.array.take(place, allow_fill=True), index=text.index)
    return by_tail.fillna(found["spelled"])


def identify(frame: pd.DataFrame, serials: pd.Series) -> pd.Series:
    """Return the device's identity: its serial, else the serial that its hardware ID belongs
    to, else that ID.
    """
    by_hardware_id = per_text(
        lambda text: _canonical(text, serials), frame["hardware_id"]
    )
    return per_text(device_ids.serials, frame["serial"]).fillna(by_hardware_id)


def _by_name(rows: pd.DataFrame, serials: pd.Series) -> pd.Series:
    """Identify rows by the registration name: a serial (with an interface), a hardware ID, else
    the name itself.
    """

    def canonical(text: pd.Series) -> pd.Series:
        return device_ids.leading_serials(text, _INTERFACE).fillna(
            _canonical(text, serials)
        )

    names = device_ids.without_interface(
        rows["registration_name"].astype("str"), rows["interface"].astype("str")
    )
    return per_text(canonical, names)


def _by_user(rows: pd.DataFrame, devices: pd.DataFrame) -> pd.Series:
    """Identify rows by the user object of that registration name, where it has a single device."""
    users = devices[["pbx", "user", "device"]].dropna().drop_duplicates()
    users = users[~users.duplicated(["pbx", "user"], keep=False)]
    found = places_of_rows(
        (rows["pbx"], rows["registration_name"]), (users["pbx"], users["user"])
    )
    return pd.Series(
        users["device"].array.take(found, allow_fill=True), index=rows.index
    )


def leaves(certificates: pd.DataFrame) -> pd.DataFrame:
    """Return the certificates that issue no other one of their bundle: those that devices
    present as their own.
    """
    certificates = certificates[
        certificates["fingerprint"].notna() | certificates["subject"].notna()
    ]
    name, _ = pd.factorize(pd.concat([certificates["subject"], certificates["issuer"]]))
    bundle, _ = pd.factorize(certificates["bundle"])
    number, first = combine(np.tile(bundle, 2), name)
    subject, issuer = np.split(number, 2)
    issues = np.zeros(len(first), dtype=bool)
    issues[issuer[true(certificates["self_issued"].ne(other=True))]] = True
    return certificates[~issues[subject]]


def held_by(
    certificates: pd.DataFrame, serials: pd.Series, names: pd.Series
) -> pd.DataFrame:
    """Return the leaves with the device that presents each, by its file or its CN."""
    found = leaves(certificates)
    own_cn = found["subject_cn"].astype("str").str.strip().str.lower()
    names_device = (places(own_cn, names) >= 0) | true(
        own_cn.str.fullmatch(device_ids.SOFT_CLIENT)
    )
    by_file = per_text(lambda text: _canonical(text, serials), found["device"])
    return found.assign(device=by_file.fillna(own_cn.where(names_device)))


def owned(held: pd.DataFrame, serials: pd.Series) -> pd.DataFrame:
    """Return the leaves of devices, without the CAs that merely came with one, in an order of
    their own.
    """
    held = held.dropna(subset=["device"])
    is_ca = true(held["is_ca"])
    if is_ca.any():
        foreign = (
            per_text(lambda text: _canonical(text, serials), held["subject_cn"])
            != held["device"]
        )
        others = held[~is_ca]
        beside = (
            places_of_rows(
                (held["device"], held["bundle"]), (others["device"], others["bundle"])
            )
            >= 0
        )
        held = held[~(is_ca & foreign.to_numpy(dtype=bool) & beside)]
    # Of several that were issued in the same second, not the order of files decides.
    return held.sort_values("fingerprint", kind="stable")


def unread_of(certificates: pd.DataFrame, serials: pd.Series) -> pd.DataFrame:
    """Return one unreadable certificate of each device of which a file could not be read in
    full.
    """
    rows = trust_state.unread(certificates) & certificates["device"].notna().to_numpy()
    listed_only = (
        certificates["der"].isna() & certificates["subject"].notna()
    ).to_numpy()
    place = np.flatnonzero(rows & ~listed_only)
    broken = (
        certificates[["source", "fingerprint", "device"]]
        .iloc[place]
        .assign(place=place)
    )
    broken["device"] = per_text(
        lambda text: _canonical(text, serials), broken["device"]
    )
    return broken.sort_values(["source", "fingerprint"]).drop_duplicates("device")


def first_arrivals(certificates: pd.DataFrame) -> Codes:
    """Return for each row of certificates the place of the one that stands for all of its
    fingerprint.
    """
    place = np.arange(len(certificates))
    again = (
        certificates["fingerprint"].duplicated(keep=False)
        & certificates["fingerprint"].notna()
    )
    if again.any():
        rows = certificates.loc[again.to_numpy(), ["fingerprint", "bundle", "position"]]
        rows = rows.assign(place=np.flatnonzero(again)).sort_values(
            ["fingerprint", "bundle", "position"]
        )
        first = rows.groupby("fingerprint", sort=False)["place"].transform("first")
        place[rows["place"]] = first
    return place


def numbered(certificates: pd.DataFrame) -> pd.DataFrame:
    """Return what tells a device's own certificate, with the place of each row."""
    return certificates[list(OWNING)].assign(place=first_arrivals(certificates))


def presented(
    cases: pd.DataFrame,
    same: Codes,
    time: pd.Series,
    certificates: pd.DataFrame,
    held: pd.DataFrame,
    unread: pd.DataFrame,
    *,
    or_next: bool,
) -> Codes:
    """Return the place of each row's certificate: the one that its log line names, else the
    device's newest one.

    Which one is the newest is not known where a file of the device could not be read: then its
    row is returned.
    """
    named = cases["fingerprint"].str.lower()
    place = np.append(first_arrivals(certificates), -1)[
        places(named, certificates["fingerprint"])
    ][same]
    silent = np.flatnonzero(named.isna().to_numpy()[same])
    owners = distinct(held["device"])
    place[silent] = _newest_issued(
        places(cases["device"], owners)[same[silent]],
        time.iloc[silent],
        held.assign(owner=places(held["device"], owners)),
        or_next=or_next,
    )
    broken = places(cases["device"], unread["device"])[same[silent]]
    place[silent] = np.where(
        broken >= 0, np.append(unread["place"], -1)[broken], place[silent]
    )
    return place


def _newest_issued(
    owner: Codes, time: pd.Series, held: pd.DataFrame, *, or_next: bool
) -> Codes:
    """Return the place of the owner's newest certificate issued by that time, or -1; owners are
    numbers from 0.

    Owner and date make one number each, so that a single search finds what was issued last.
    """
    dated = held.dropna(subset=["not_before"])
    days, rank = np.unique(_microseconds(dated["not_before"]), return_inverse=True)
    width = len(days) + 1
    key = dated["owner"].to_numpy() * width + rank + 1
    order = np.argsort(key, kind="stable")
    ends = np.array([-1])
    key, found = (
        np.concatenate([key[order], ends]),
        np.concatenate([dated["place"].to_numpy()[order], ends]),
    )
    moment = _microseconds(time.fillna(pd.Timestamp.now("UTC").as_unit("us")))
    after = np.searchsorted(
        key[:-1],
        owner * width + np.searchsorted(days, moment, side="right"),
        side="right",
    )
    place = np.where(key[after - 1] // width == owner, after - 1, -1)
    if or_next:
        place = np.where((place < 0) & (key[after] // width == owner), after, place)
    newest: Codes = np.where(owner >= 0, found[place], -1)
    return newest


def _microseconds(moments: pd.Series) -> Codes:
    return np.asarray(
        moments.astype("datetime64[us, UTC]").astype("int64"), dtype=np.int64
    )
