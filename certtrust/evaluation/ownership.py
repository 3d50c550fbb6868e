"""Ownership: which device a log line, a device entry or a certificate belongs to.

A device is named by its serial, else by its hardware ID, else by the name that it registers with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ..arrays.arrow import as_mask, text
from ..arrays.grouping import (
    Codes,
    distinct,
    factorize_codes,
    first_positions,
    first_row_positions,
)
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
"""The columns of a certificate that show which device it belongs to."""


@dataclass(eq=False)
class Ownership:
    """The devices of a fleet, and what belongs to each; every question is answered once."""

    certificates: pd.DataFrame
    devices: pd.DataFrame
    serials: pd.Series
    """Each serial of the fleet, which a hardware ID may belong to."""

    @classmethod
    def of(cls, fleet: Fleet, serials: pd.Series | None = None) -> Ownership:
        """Return the ownership in a fleet, or in a part of one that has further serials."""
        if serials is None:
            serials = device_ids.serials(
                distinct(
                    fleet.devices["serial"],
                    fleet.devices["hardware_id"],
                    fleet.registrations["serial"],
                    fleet.certificates["device"],
                    fleet.certificates["serial"],
                )
            ).dropna()
        return cls(fleet.certificates, fleet.devices, serials)

    def among(self, certificates: pd.DataFrame) -> Ownership:
        """Return the ownership of other certificates among the same devices.

        What the device entries and serials say by themselves is not found again.
        """
        other = Ownership(certificates, self.devices, self.serials)
        vars(other).update(
            serial_by_tail=self.serial_by_tail, entered=self.entered, users=self.users
        )
        return other

    def prepared(self) -> Ownership:
        """Return itself once `leaves` is there, so that a second thread can make it."""
        _ = self.leaves
        return self

    @cached_property
    def serial_by_tail(self) -> pd.Series:
        """The serial of each three last octets with which just one serial ends, by these."""
        serials = distinct(self.serials)
        tails = serials.str.slice(6)
        several = tails.duplicated(keep=False)
        return serials[~several].set_axis(pd.Index(tails[~several]))

    @cached_property
    def entered(self) -> pd.Series:
        """The device of each device entry."""
        return self._by_itself(self.devices)

    @cached_property
    def users(self) -> pd.DataFrame:
        """The users of each PBX that have just one device, and that device."""
        users = self.devices[["pbx", "user"]].assign(device=self.entered)
        users = users.dropna().drop_duplicates()
        return users[~users.duplicated(["pbx", "user"], keep=False)]

    @cached_property
    def leaves(self) -> pd.DataFrame:
        """The certificates that devices present: OWNING, and two positions in `certificates`.

        `device` is the one that the file or the CN names, `row` a certificate's own position,
        `first_row` that of the row that stands for all of its fingerprint.
        """
        numbered = self.certificates[list(OWNING)].assign(
            row=np.arange(len(self.certificates)), first_row=self._first_rows
        )
        presented = leaves(numbered)
        own_cn = own_cns(presented)
        names_device = (first_positions(own_cn, self.entered) >= 0) | as_mask(
            own_cn.str.fullmatch(device_ids.SOFT_CLIENT)
        )
        by_file = per_text(self.identity, presented["device"])
        return presented.assign(device=by_file.fillna(own_cn.where(names_device)))

    @cached_property
    def own_certificates(self) -> pd.DataFrame:
        """The leaves of devices, without the CAs that merely came with one.

        They are sorted: of several that were issued in the same second, not the order of files
        decides.
        """
        owned = self.leaves.dropna(subset=["device"])
        is_ca = as_mask(owned["is_ca"])
        if is_ca.any():
            others = owned[~is_ca]
            came_with = first_row_positions(
                (owned["device"], owned["bundle"]),
                (others["device"], others["bundle"]),
            )
            names_other = (
                per_text(self.identity, owned["subject_cn"]) != owned["device"]
            )
            foreign = names_other.to_numpy(dtype=bool) & (came_with >= 0)
            owned = owned[~(is_ca & foreign)]
        return owned.sort_values("fingerprint", kind="stable")

    @cached_property
    def presenters(self) -> pd.Series:
        """The device of each certificate that no other one presents, by fingerprint."""
        owned = self.leaves[["fingerprint", "device"]].dropna().drop_duplicates()
        owned = owned[~owned.duplicated("fingerprint", keep=False)]
        return owned.set_index("fingerprint")["device"]

    def owners(self, rows: pd.DataFrame) -> pd.Series:
        """Return the device of each row of a log.

        It is what the row says of itself, else that of its user object, else that of its name.
        """
        device = self._serial_in_name(rows).fillna(self._by_itself(rows))
        return device.fillna(self._by_user(rows)).fillna(self._by_name(rows))

    def certificate_rows(
        self, cases: pd.DataFrame, case: Codes, time: pd.Series, *, or_next: bool
    ) -> Codes:
        """Return the position of the certificate that each attempt presents, -1 for none.

        Parameters
        ----------
        cases : DataFrame
            Columns device and fingerprint of attempts that are alike but for their times.
        case : array of int, n values
            The case of each attempt.
        time : Series, n values
            When each was made; missing = now.
        or_next : bool
            Whether a device without a certificate by then presents the first one that follows.

        Notes
        -----
        It is the one that the log names, else the device's newest one. Which one is the newest
        is not known where a file of the device could not be read: then its row is returned.
        """
        named = cases["fingerprint"].str.lower()
        row = first_positions(named, self.certificates["fingerprint"])
        row = np.append(self._first_rows, -1)[row][case]
        silent = np.flatnonzero(named.isna().to_numpy()[case])
        own = self.own_certificates
        owners = distinct(own["device"])
        row[silent] = _newest_issued(
            first_positions(cases["device"], owners)[case[silent]],
            time.iloc[silent],
            own.assign(owner=first_positions(own["device"], owners)),
            or_next=or_next,
        )
        unread = self.unread
        broken = first_positions(cases["device"], unread["device"])[case[silent]]
        row[silent] = np.where(
            broken >= 0, np.append(unread["row"], -1)[broken], row[silent]
        )
        return row

    @cached_property
    def _first_rows(self) -> Codes:
        """For each certificate the position of the row that stands for its fingerprint."""
        first = np.arange(len(self.certificates))
        fingerprints = self.certificates["fingerprint"]
        again = fingerprints.duplicated(keep=False) & fingerprints.notna()
        if again.any():
            order = ["fingerprint", "bundle", "position"]
            copies = self.certificates.loc[again.to_numpy(), order]
            copies = copies.assign(row=np.flatnonzero(again)).sort_values(order)
            by_fingerprint = copies.groupby("fingerprint", sort=False)["row"]
            first[copies["row"]] = by_fingerprint.transform("first")
        return first

    @cached_property
    def unread(self) -> pd.DataFrame:
        """One unreadable certificate of each device that has one: device and row."""
        certificates = self.certificates
        listed_only = certificates["der"].isna() & certificates["subject"].notna()
        unread = trust_state.unread(certificates) & ~listed_only.to_numpy()
        row = np.flatnonzero(unread & certificates["device"].notna().to_numpy())
        broken = certificates[["source", "fingerprint", "device"]].iloc[row]
        device = per_text(self.identity, broken["device"])
        broken = broken.assign(row=row, device=device)
        return broken.sort_values(["source", "fingerprint"]).drop_duplicates("device")

    def identity(self, texts: pd.Series) -> pd.Series:
        """Return the serial that a hardware ID belongs to, else each text in its one spelling."""
        parts = device_ids.parts(texts)
        tails = pd.Series(pd.array(parts.tail, dtype="str"))
        position = first_positions(tails, self.serial_by_tail.index.to_series())
        serial = self.serial_by_tail.array.take(position, allow_fill=True)
        spelling = pd.Series(pd.array(parts.spelling, dtype="str"), index=texts.index)
        return pd.Series(serial, index=texts.index).fillna(spelling)

    def _by_itself(self, rows: pd.DataFrame) -> pd.Series:
        """Return the serial of each row, else the device of its hardware ID."""
        by_hardware_id = per_text(self.identity, rows["hardware_id"])
        return per_text(device_ids.serials, rows["serial"]).fillna(by_hardware_id)

    def _by_user(self, rows: pd.DataFrame) -> pd.Series:
        """Return the device of the user object of that name, where it has just one."""
        users = self.users
        position = first_row_positions(
            (rows["pbx"], rows["registration_name"]), (users["pbx"], users["user"])
        )
        device = users["device"].array.take(position, allow_fill=True)
        return pd.Series(device, index=rows.index)

    def _by_name(self, rows: pd.DataFrame) -> pd.Series:
        """Return the device that the registration name is: by serial, hardware ID, or itself."""

        def identity(names: pd.Series) -> pd.Series:
            serials = device_ids.leading_serials(names, _INTERFACE)
            return serials.fillna(self.identity(names))

        names = device_ids.without_interface(
            text(rows["registration_name"]), text(rows["interface"])
        )
        return per_text(identity, pd.Series(pd.array(names, dtype="str"), rows.index))

    @staticmethod
    def _serial_in_name(rows: pd.DataFrame) -> pd.Series:
        """Return the serial in the name of a row without one, where its hardware ID ends alike."""
        names = rows["registration_name"].where(rows["serial"].isna())
        serial = per_text(
            lambda names: device_ids.leading_serials(names, _INTERFACE), names
        )
        tail = per_text(
            lambda ids: device_ids.hardware_ids(ids)["tail"], rows["hardware_id"]
        )
        return serial.where(serial.str.slice(6) == tail)


def per_text(
    function: Callable[[pd.Series], pd.Series], texts: pd.Series
) -> pd.Series:
    """Return a function of a Series of text, applied to its distinct values only."""
    codes, values = pd.factorize(texts.astype("str"))
    result = function(pd.Series(values, dtype="str"))
    return pd.Series(result.array.take(codes, allow_fill=True), index=texts.index)


def own_cns(certificates: pd.DataFrame) -> pd.Series:
    """Return the CNs in the spelling in which one may be the name of a device."""
    return certificates["subject_cn"].astype("str").str.strip().str.lower()


def leaves(certificates: pd.DataFrame) -> pd.DataFrame:
    """Return the certificates that issue no other one of their bundle.

    They are those that devices present as their own.
    """
    named = certificates["fingerprint"].notna() | certificates["subject"].notna()
    certificates = certificates[named]
    name, _ = pd.factorize(
        pd.concat([certificates["subject"], certificates["issuer"]])
    )
    bundle, _ = pd.factorize(certificates["bundle"])
    number, first = factorize_codes(np.tile(bundle, 2), name)
    subject, issuer = np.split(number, 2)
    issues = np.zeros(len(first), dtype=bool)
    issues[issuer[as_mask(certificates["self_issued"].ne(other=True))]] = True
    return certificates[~issues[subject]]


def _newest_issued(
    owner: Codes, time: pd.Series, certificates: pd.DataFrame, *, or_next: bool
) -> Codes:
    """Return the row of each owner's newest certificate issued by a time, -1 for none.

    Parameters
    ----------
    owner : array of int, n values
        A number from 0 for each attempt, -1 where it has no owner.
    time : Series, n values
        When each was made.
    certificates : DataFrame
        Columns owner (of the same numbers), not_before and first_row.
    or_next : bool
        Whether the first one to be issued after that time will do where there is none.

    Notes
    -----
    Owner and date make one number each, so that a single search finds what was issued last.
    """
    dated = certificates.dropna(subset=["not_before"])
    days, rank = np.unique(_microseconds(dated["not_before"]), return_inverse=True)
    width = len(days) + 1
    key = dated["owner"].to_numpy() * width + rank + 1
    order = np.argsort(key, kind="stable")
    end = np.array([-1])
    key = np.concatenate([key[order], end])
    row = np.concatenate([dated["first_row"].to_numpy()[order], end])
    moment = _microseconds(time.fillna(pd.Timestamp.now("UTC").as_unit("us")))
    wanted = owner * width + np.searchsorted(days, moment, side="right")
    after = np.searchsorted(key[:-1], wanted, side="right")
    newest = np.where(key[after - 1] // width == owner, after - 1, -1)
    if or_next:
        has_next = (newest < 0) & (key[after] // width == owner)
        newest = np.where(has_next, after, newest)
    rows: Codes = np.where(owner >= 0, row[newest], -1)
    return rows


def _microseconds(moments: pd.Series) -> Codes:
    return np.asarray(
        moments.astype("datetime64[us, UTC]").astype("int64"), dtype=np.int64
    )
