"""The article's name rule: a device registers by a name that begins with the CN of its certificate.

A device's serial and its hardware ID are one name in two spellings: `0090332f688a` and
`IP222-2f-68-8a`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..arrays.arrow import as_mask, flags, text
from . import device_ids
from .certificate_names import (
    REFUSED,
    common_names,
    reader_reported,
    subject_is_unread,
)
from .prefixes import begins, usable

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]

_INTERFACE = "(?:[^0-9A-Za-z](?s:.*))?"
_BEGINS_HARDWARE_ID = "^[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*-?$"
_BEGINS_SERIAL = "^[0-9a-f]{1,11}$"
_SOFT_CLIENT = f"^{device_ids.SOFT_CLIENT}$"
_NOTHING = pa.scalar(None, pa.large_string())
_OCTETS = 6  # digits of a serial before those that the hardware ID repeats


def certificate_fits_registration(attempts: pd.DataFrame) -> pd.Series:
    """Return for each attempt whether its registration name starts with the certificate's CN.

    Parameters
    ----------
    attempts : DataFrame
        As for `registration_fit`.

    Returns
    -------
    Series of boolean
        Column `fits` of `registration_fit`.
    """
    return registration_fit(attempts)["fits"]


def registration_fit(attempts: pd.DataFrame) -> pd.DataFrame:
    """Return whether each registration name starts with the CN, and what that was inferred from.

    Parameters
    ----------
    attempts : DataFrame
        Columns registration_name, hardware_id, serial, interface, subject_cn; where they are there,
        device, name_by, subject for the CNs beside the last, and certificate_error.

    Returns
    -------
    DataFrame
        Index of `attempts`.

        - fits (boolean): False where the certificate has no CN; missing where there is no
          certificate, its subject could not be read or cryptography refuses it, where no name
          is known, and where the CN may begin a spelling that is not known.
        - inferred_from (str): "serial" or "hardware ID", where the CN fits only the other
          spelling and nothing gives that one but the last three octets.

    Notes
    -----
    A missing registration name is the article's default: the serial, and for an interface of a
    gateway serial-interface. With several CNs any will do. How a CN is compared stands in
    `begins_with_cn`.

    A name of the device's own choice is all that counts for it. A device that registers by its
    serial or its hardware ID, or without a name, passes where the CN begins either, in upper or
    lower case. Both end in the same three octets, so at least these are known of a spelling that
    is not.

    Examples
    --------
    >>> attempts = pd.DataFrame({
    ...     "registration_name": ["0090332f688a", "room-1"], "serial": "0090332f688a",
    ...     "hardware_id": None, "interface": None, "subject_cn": "IP222-2f-68-8a"})
    >>> registration_fit(attempts).fillna("").values.tolist()
    [[True, 'serial'], [False, '']]
    """
    names = _names(attempts)
    rows, cns = common_names(attempts)
    begins_name = begins(names.take(pa.array(rows)), cns)
    by_name = _mask(rows[begins_name], len(attempts))
    # In a fleet that works few certificates are left to compare with the other spelling.
    rest = np.flatnonzero(~begins_name & ~by_name[rows] & as_mask(usable(cns)))
    devices = _devices(attempts, names, rows[rest])
    own = np.flatnonzero(devices.registers_by_own_name)
    by_own, from_serial, from_hardware_id, unknown = (
        _mask(rows[rest[own[matches]]], len(attempts))
        for matches in _compare(devices.take(own), cns.take(pa.array(rest[own])))
    )
    inferred = (from_serial | from_hardware_id) & ~by_own
    fits = by_name | by_own | inferred
    inferred |= by_name & _default_is_inferred(attempts)
    unknown |= subject_is_unread(attempts)
    unknown |= reader_reported(attempts, "(?:^|; )subject: ")
    refused = reader_reported(attempts, REFUSED)
    source = pd.Series(np.where(from_serial, "serial", "hardware ID"), attempts.index)
    return pd.DataFrame(
        {
            "fits": flags(fits, (unknown & ~fits) | refused, attempts.index),
            "inferred_from": source.astype("str").where(inferred & ~refused),
        }
    )


def registers_by_device(attempts: pd.DataFrame) -> Mask:
    """Return where a device registers by a serial, by a hardware ID, or without a name.

    Parameters
    ----------
    attempts : DataFrame
        Columns registration_name, hardware_id, serial, interface and, where it is there, device.

    Notes
    -----
    A serial or a hardware ID counts even where the log or the device's entry has another one:
    what follows from the name alone still follows when more is known.

    Examples
    --------
    >>> names = ["0090332f688a-TEL1", "00903300002b", "room-1", None]
    >>> attempts = pd.DataFrame({"registration_name": names, "hardware_id": None, "interface": None,
    ...                          "serial": ["0090332f688a"] * 3 + [None]})
    >>> registers_by_device(attempts).tolist()
    [True, True, False, False]
    """
    devices = _devices(attempts, _names(attempts))
    return devices.name_is_a_device | _registers_by_known_name(devices)


def registers_by_own_name(attempts: pd.DataFrame) -> Mask:
    """Return where a device registers by its own serial, by its own hardware ID, or without a name.

    Parameters
    ----------
    attempts : DataFrame
        As for `registers_by_device`.

    Examples
    --------
    >>> names = ["0090332f688a-TEL1", "00903300002b", "room-1", None]
    >>> attempts = pd.DataFrame({"registration_name": names, "hardware_id": None, "interface": None,
    ...                          "serial": ["0090332f688a"] * 3 + [None]})
    >>> registers_by_own_name(attempts).tolist()
    [True, False, False, False]
    """
    return _registers_by_known_name(_devices(attempts, _names(attempts)))


class _Devices(NamedTuple):
    """The devices behind attempts, with both spellings of each one's name, as far as known."""

    registers_by_own_name: Mask
    """By one of the two, or without a name."""
    name_is_a_device: Mask
    """The registration name is a serial or a hardware ID, be it another device's."""
    serial: Any
    hardware_id: Any
    tail: Any
    """The last three octets of the hardware ID."""
    joined_serial: Any
    """A serial of the fleet that only the last three octets join to the hardware ID."""

    def take(self, rows: Rows) -> _Devices:
        """Return some of them, numbered anew."""
        return _Devices(
            self.registers_by_own_name[rows],
            self.name_is_a_device[rows],
            *(column.take(pa.array(rows)) for column in self[2:]),
        )


def _devices(
    attempts: pd.DataFrame, names: Any, rows: Rows | None = None
) -> _Devices:
    """Return the devices of all attempts, or of some rows."""
    selected = pa.array(np.arange(len(attempts)) if rows is None else rows)
    names = names.take(selected)

    def column(name: str) -> Any:
        return text(attempts[name]).take(selected)

    stated_serial = device_ids.as_serials(column("serial"))
    stated = device_ids.parts(column("hardware_id"))
    joined = (
        device_ids.as_serials(column("device"))
        if "device" in attempts
        else stated_serial
    )
    is_serial = pc.is_valid(stated.serial)
    stated_tail = pc.if_else(is_serial, _NOTHING, stated.tail)
    serial = pc.coalesce(stated_serial, stated.serial)
    hardware_id = pc.if_else(is_serial, _NOTHING, column("hardware_id"))
    names = device_ids.without_interface(names, column("interface"))
    name = device_ids.parts(names)
    serial_in_name = device_ids.serials_before(names, _INTERFACE)
    octets = pc.coalesce(_last_octets(serial_in_name), name.tail)
    has_hardware_id = as_mask(pc.is_valid(hardware_id))
    # Without octets of the device nothing shows that a name with octets is its own.
    has_octets = (
        as_mask(pc.is_valid(pc.coalesce(serial, stated_tail))) | ~has_hardware_id
    )
    own = has_octets & as_mask(pc.is_valid(octets))
    own &= _agree(serial, serial_in_name) & _agree(_last_octets(serial), octets)
    own &= _agree(stated_tail, octets)
    own |= as_mask(pc.is_null(names)) | as_mask(pc.equal(serial_in_name, serial))
    own |= ~as_mask(is_serial) & as_mask(pc.equal(name.spelling, stated.spelling))
    is_soft_client = as_mask(pc.match_substring_regex(names, _SOFT_CLIENT))
    soft = is_soft_client & ~has_hardware_id
    own |= soft & as_mask(pc.is_null(serial))
    by_name = pc.if_else(
        pa.array(as_mask(pc.is_valid(name.tail)) | soft), names, _NOTHING
    )
    tail = pc.if_else(pa.array(has_hardware_id), stated_tail, name.tail)
    return _Devices(
        own,
        is_soft_client | as_mask(pc.is_valid(octets)),
        pc.coalesce(serial, serial_in_name),
        pc.coalesce(hardware_id, by_name),
        tail,
        pc.if_else(pc.equal(_last_octets(joined), tail), joined, _NOTHING),
    )


def _registers_by_known_name(devices: _Devices) -> Mask:
    spellings = devices.serial, devices.hardware_id, devices.joined_serial
    return devices.registers_by_own_name & as_mask(
        pc.is_valid(pc.coalesce(*spellings))
    )


def _names(attempts: pd.DataFrame) -> Any:
    """Return the name that each attempt registers by: its own, else the default one."""
    serial, interface = text(attempts["serial"]), text(attempts["interface"])
    with_interface = pc.binary_join_element_wise(
        serial, interface, pa.scalar("-", pa.large_string())
    )
    default = pc.if_else(pc.is_null(interface), serial, with_interface)
    return pc.coalesce(text(attempts["registration_name"]), default)


def _default_is_inferred(attempts: pd.DataFrame) -> Mask:
    """Return where only the last three octets join the serial of a default name to the device."""
    if "name_by" not in attempts:
        return np.zeros(len(attempts), dtype=bool)
    by_default = (attempts["name_by"] == "default").to_numpy(dtype=bool)
    only_hardware_id = attempts["serial"].isna() & attempts["hardware_id"].notna()
    return by_default & only_hardware_id.to_numpy()


def _mask(rows: Rows, count: int) -> Mask:
    mask = np.zeros(count, dtype=bool)
    mask[rows] = True
    return mask


def _last_octets(serials: Any) -> Any:
    return pc.utf8_slice_codeunits(serials, _OCTETS)


def _agree(texts: Any, others: Any) -> Mask:
    """Return where two texts are equal, or one of them is missing."""
    return as_mask(pc.fill_null(pc.equal(texts, others), fill_value=True))


def _compare(devices: _Devices, cns: Any) -> tuple[Mask, Mask, Mask, Mask]:
    """Return how each CN fits its device's own names, as four masks.

    It begins a spelling that is known; a hardware ID that is inferred from the serial; a serial
    that is inferred from the hardware ID; or may begin a spelling that is not known.
    """
    cn = device_ids.parts(cns)
    lower = pc.utf8_lower(cns)
    digits = pc.replace_substring_regex(lower, "[:.-]", "")
    last_digits = _last_octets(digits)
    lower_hardware_id = pc.utf8_lower(devices.hardware_id)
    pairs = (
        (devices.serial, cns),
        (devices.hardware_id, cns),
        (lower_hardware_id, lower),
        (devices.joined_serial, cns),
        (devices.tail, last_digits),
    )
    names, beginnings = (pa.concat_arrays(side) for side in zip(*pairs, strict=True))
    *begins_known, begins_joined, begins_octets = begins(names, beginnings).reshape(
        len(pairs), -1
    )
    no_serial, no_hardware_id, no_tail, not_joined = (
        as_mask(pc.is_null(spelling)) for spelling in devices[2:]
    )
    only_serial = no_hardware_id & ~no_serial
    from_serial = as_mask(pc.equal(cn.tail, _last_octets(devices.serial)))
    may_be_hardware_id = only_serial & as_mask(pc.is_null(cn.tail))
    may_be_hardware_id &= as_mask(pc.match_substring_regex(cns, _BEGINS_HARDWARE_ID))
    only_hardware_id = no_serial & ~no_tail
    same_octets = as_mask(pc.equal(_last_octets(cn.serial), devices.tail))
    from_hardware_id = np.where(not_joined, same_octets, begins_joined)
    may_be_serial = only_hardware_id & not_joined
    may_be_serial &= as_mask(pc.match_substring_regex(digits, _BEGINS_SERIAL))
    may_be_serial &= as_mask(pc.equal(last_digits, "")) | begins_octets
    return (
        np.any(begins_known, axis=0),
        only_serial & from_serial,
        only_hardware_id & from_hardware_id,
        may_be_hardware_id | may_be_serial | (no_serial & no_hardware_id),
    )
