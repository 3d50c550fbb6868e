"""The article's name rule: a device registers by a name that begins with the CN of its certificate.

A device's serial and its hardware ID are one name in two spellings: `0090332f688a` and
`IP222-2f-68-8a`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from ..arrays.arrow import bits, flags, true
from .certificate_names import REFUSED, common_names, reader_reported, subject_is_unread
from .device_ids import (
    SOFT_CLIENT,
    hardware_ids,
    leading_serials,
    same_spelling,
    serials,
    without_interface,
)
from .prefixes import begins_with_cn, usable

Mask = npt.NDArray[np.bool_]

_INTERFACE = "(?:[^0-9A-Za-z](?s:.*))?"
_BEGINS_HARDWARE_ID = "[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*-?"
_BEGINS_SERIAL = "[0-9a-f]{1,11}"
_TOLD = ("hardware_id", "serial", "interface", "device")


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
    """Return for each attempt whether its registration name starts with the CN, and what was
    inferred for it.

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
          spelling and nothing tells that one but the last three octets.

    Notes
    -----
    A missing registration name is the article's default: the serial, and for an interface of a
    gateway serial-interface. With several CNs any will do. How a CN is compared stands in
    `begins_with_cn`.

    A name of the device's own choice is all that counts for it. Who registers by its serial or
    its hardware ID, or without a name, passes where the CN begins either, in upper or lower
    case. Both end in the same three octets, so of a spelling that is not known at least these
    are.

    Examples
    --------
    >>> attempts = pd.DataFrame({
    ...     "registration_name": ["0090332f688a", "room-1"], "serial": "0090332f688a",
    ...     "hardware_id": None, "interface": None, "subject_cn": "IP222-2f-68-8a"})
    >>> registration_fit(attempts).fillna("").values.tolist()
    [[True, 'serial'], [False, '']]
    """
    name = _names(attempts)
    rows, cns = common_names(attempts)
    begins = true(begins_with_cn(name.iloc[rows], cns))
    by_name = np.zeros(len(attempts), dtype=bool)
    by_name[rows[begins]] = True
    # In a fleet that works few certificates are left to compare with the other spelling.
    rest = np.flatnonzero(~begins & ~by_name[rows] & bits(usable(cns)))
    rest_of_cns = pd.Series(cns.take(pa.array(rest)).to_pandas(), dtype="str")
    spellings = _spellings(attempts.iloc[rows[rest]], name.iloc[rows[rest]])
    own = np.flatnonzero(spellings.own)
    compared = _compare(spellings.at(own), rest_of_cns.iloc[own].reset_index(drop=True))
    by_own, from_serial, from_hardware_id, unknown = np.zeros(
        (4, len(attempts)), dtype=bool
    )
    for mask, matches in zip(
        (by_own, from_serial, from_hardware_id, unknown), compared, strict=True
    ):
        mask[rows[rest[own[matches]]]] = True
    inferred = (from_serial | from_hardware_id) & ~by_own
    fits = by_name | by_own | inferred
    inferred |= by_name & _default_is_inferred(attempts)
    unknown |= subject_is_unread(attempts) | reader_reported(
        attempts, "(?:^|; )subject: "
    )
    refused = reader_reported(attempts, REFUSED)
    source = pd.Series(
        np.where(from_serial, "serial", "hardware ID"), index=attempts.index
    )
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
    A serial or a hardware ID counts even where the log or the device's entry tells another one:
    what follows from the name alone still follows when more is known.

    Examples
    --------
    >>> names = ["0090332f688a-TEL1", "00903300002b", "room-1", None]
    >>> attempts = pd.DataFrame({"registration_name": names, "hardware_id": None, "interface": None,
    ...                          "serial": ["0090332f688a"] * 3 + [None]})
    >>> registers_by_device(attempts).tolist()
    [True, True, False, False]
    """
    spellings = _spellings(attempts, _names(attempts))
    return spellings.names_a_device | _is_own(spellings)


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
    return _is_own(_spellings(attempts, _names(attempts)))


def _is_own(spellings: _Spellings) -> Mask:
    known = (
        spellings.serial.notna()
        | spellings.hardware_id.notna()
        | spellings.joined_serial.notna()
    )
    return spellings.own & known.to_numpy()


def _names(attempts: pd.DataFrame) -> pd.Series:
    """Return the name that each attempt registers by: its own, else the default one."""
    name = attempts["registration_name"].astype("str")
    silent = np.flatnonzero(name.isna())
    serial, interface = (
        attempts[column].iloc[silent].astype("str")
        for column in ("serial", "interface")
    )
    name = name.copy()
    name.iloc[silent] = serial.where(interface.isna(), serial + "-" + interface)
    return name


def _default_is_inferred(attempts: pd.DataFrame) -> Mask:
    """Return where a default name was made of a serial that only the last three octets join to
    the device.
    """
    if "name_by" not in attempts:
        return np.zeros(len(attempts), dtype=bool)
    by_default = (attempts["name_by"] == "default").to_numpy(dtype=bool)
    return (
        by_default
        & attempts["serial"].isna().to_numpy()
        & attempts["hardware_id"].notna().to_numpy()
    )


class _Spellings(NamedTuple):
    """The two spellings of devices, as far as they are known."""

    own: Mask
    """The device registers by one of them, or without a name."""
    names_a_device: Mask
    """The registration name is a serial or a hardware ID, be it another device's."""
    serial: pd.Series
    hardware_id: pd.Series
    joined_serial: pd.Series
    """A serial that only the last three octets join to the hardware ID, where the fleet holds
    it.
    """

    def at(self, rows: npt.NDArray[np.int64]) -> _Spellings:
        """Return some of them, numbered anew."""
        columns = (self.serial, self.hardware_id, self.joined_serial)
        masks = (self.own[rows], self.names_a_device[rows])
        return _Spellings(
            *masks, *(column.iloc[rows].reset_index(drop=True) for column in columns)
        )


def _spellings(attempts: pd.DataFrame, name: pd.Series) -> _Spellings:
    name = name.reset_index(drop=True)
    said = {
        column: attempts[column].astype("str").reset_index(drop=True)
        for column in _TOLD
        if column in attempts
    }
    name = without_interface(name, said["interface"])
    in_hardware_id = serials(said["hardware_id"])
    serial = serials(said["serial"]).fillna(in_hardware_id)
    hardware_id = said["hardware_id"].where(in_hardware_id.isna())
    serial_as_name = leading_serials(name, _INTERFACE)
    tail_as_name = hardware_ids(name)["tail"]
    octets = serial_as_name.str.slice(6).fillna(tail_as_name)
    tail = hardware_ids(hardware_id)["tail"]
    # Without octets of the device nothing tells that a name with octets is its own.
    comparable = serial.notna() | tail.notna() | hardware_id.isna()
    agrees = (
        comparable.to_numpy()
        & _equal_or_missing(serial, serial_as_name)
        & _equal_or_missing(serial.str.slice(6), octets)
        & _equal_or_missing(tail, octets)
    )
    own = name.isna().to_numpy() | (octets.notna().to_numpy() & agrees)
    own |= true(serial_as_name == serial) | true(
        same_spelling(name) == same_spelling(hardware_id)
    )
    names_soft_client = true(name.str.fullmatch(SOFT_CLIENT))
    soft = names_soft_client & hardware_id.isna().to_numpy()
    own |= soft & serial.isna().to_numpy()
    tail = tail.where(hardware_id.notna(), tail_as_name)
    hardware_id = hardware_id.fillna(name.where(tail_as_name.notna() | soft))
    joined = serials(said.get("device", said["serial"]))
    return _Spellings(
        own,
        names_soft_client | octets.notna().to_numpy(),
        serial.fillna(serial_as_name),
        hardware_id,
        joined.where(joined.str.slice(6) == tail),
    )


def _equal_or_missing(one: pd.Series, other: pd.Series) -> Mask:
    return true((one == other) | one.isna() | other.isna())


def _compare(device: _Spellings, cns: pd.Series) -> tuple[Mask, Mask, Mask, Mask]:
    """Compare each CN with both spellings of its device.

    Returned are the masks of those that begin a known one, a hardware ID that is inferred from
    the serial, a serial that is inferred from the hardware ID, and those that may begin what is
    not known.
    """
    begins = true(begins_with_cn(device.serial, cns)) | true(
        begins_with_cn(device.hardware_id, cns)
    )
    begins |= true(begins_with_cn(device.hardware_id.str.lower(), cns.str.lower()))
    own = device.own
    no_serial, no_hardware_id = (
        known.isna().to_numpy() for known in (device.serial, device.hardware_id)
    )
    tail_of_cn = hardware_ids(cns)["tail"]
    only_serial = own & no_hardware_id & ~no_serial
    from_serial = only_serial & true(tail_of_cn == device.serial.str.slice(6))
    may_be_hardware_id = only_serial & tail_of_cn.isna().to_numpy()
    may_be_hardware_id &= true(cns.str.fullmatch(_BEGINS_HARDWARE_ID))
    tail = hardware_ids(device.hardware_id)["tail"]
    only_hardware_id = own & no_serial & tail.notna().to_numpy()
    joined = only_hardware_id & device.joined_serial.notna().to_numpy()
    not_joined = only_hardware_id & ~joined
    from_hardware_id = joined & true(begins_with_cn(device.joined_serial, cns))
    from_hardware_id |= not_joined & true(serials(cns).str.slice(6) == tail)
    digits = cns.str.lower().str.replace("[:.-]", "", regex=True)
    last_digits = digits.str.slice(6)
    may_be_serial = not_joined & true(digits.str.fullmatch(_BEGINS_SERIAL))
    may_be_serial &= true(last_digits == "") | true(begins_with_cn(tail, last_digits))
    nothing_known = own & no_serial & no_hardware_id
    return (
        own & begins,
        from_serial,
        from_hardware_id,
        may_be_hardware_id | may_be_serial | nothing_known,
    )
