"""Who holds which certificate, and by which names each device registers where."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..arrays import threads
from ..arrays.arrow import as_mask
from ..arrays.grouping import (
    Codes,
    distinct,
    distinct_rows,
    factorize_codes,
    first_positions,
    repeat_ranges,
)
from ..evaluation.ownership import OWNING, Ownership
from ..fleet import Fleet
from ..names import device_ids
from ..x509.reader import REFUSED

_LOG = (
    "pbx",
    "serial",
    "hardware_id",
    "registration_name",
    "interface",
    "fingerprint",
)
_CERTIFICATES = (*OWNING, "serial", "not_after", "parse_error")
_SHOWN = (
    "fingerprint",
    "subject",
    "subject_cn",
    "not_before",
    "not_after",
    "refused",
)


class Holdings(NamedTuple):
    """The certificates that devices present, who holds them, and the names of devices; all by
    number.
    """

    certificates: pd.DataFrame
    """Each one once: fingerprint, subject, subject_cn, not_before, not_after, refused."""
    bundles: pd.DataFrame
    """certificate, bundle: what each one came with, once or more."""
    holders: pd.DataFrame
    """certificate, device; a certificate that nobody is known to hold has no row."""
    names: pd.DataFrame
    """pbx (-1 where that is not known), device, text: each name of each device once."""
    pbxs: pd.Series
    devices: pd.Series
    texts: pd.Series

    @property
    def sole(self) -> Codes:
        """The device that alone holds each certificate, -1 where there is none."""
        certificate, device = (
            self.holders[name].to_numpy() for name in ("certificate", "device")
        )
        found = np.full(len(self.certificates), -1, dtype=np.int64)
        found[certificate] = device
        found[np.bincount(certificate, minlength=len(found)) > 1] = -1
        return found


def holdings(fleet: Fleet) -> Holdings:
    """Return who holds which certificate of files, trust lists and the log, and the names of
    all devices.
    """
    slim = dataclasses.replace(
        fleet,
        registrations=distinct_rows(fleet.registrations[list(_LOG)]),
        certificates=fleet.certificates[[*_CERTIFICATES]],
    )
    log, entries = slim.registrations, slim.devices
    ownership = Ownership.of(slim)
    entered = ownership.entered
    registered, leaves = threads.run_both(
        lambda: ownership.owners(log),
        lambda: _leaves(slim, ownership),
        len(fleet.registrations),
    )
    devices, pbxs = (
        distinct(entered, registered),
        distinct(entries["pbx"], log["pbx"]),
    )
    names, texts = _names(
        slim,
        first_positions(registered, devices),
        first_positions(entered, devices),
        devices,
        pbxs,
    )
    devices = distinct(devices, leaves["device"])
    certificate, first = factorize_codes(pd.factorize(leaves["fingerprint"])[0])
    certificates = leaves.iloc[first].reset_index(drop=True)
    of_leaves = {
        "certificate": certificate,
        "device": first_positions(leaves["device"], devices),
    }
    of_log = {
        "certificate": first_positions(
            log["fingerprint"].str.lower(), certificates["fingerprint"]
        ),
        "device": first_positions(registered, devices),
    }
    holders = pd.concat(
        [pd.DataFrame(of_leaves), pd.DataFrame(of_log)], ignore_index=True
    )
    holders = distinct_rows(holders[(holders >= 0).all(axis=1)])
    nobodys = np.flatnonzero(
        np.bincount(holders["certificate"], minlength=len(certificates)) == 0
    )
    by_name = _named(certificates["subject_cn"].iloc[nobodys], names, texts, devices)
    by_name = by_name.assign(certificate=nobodys[by_name["certificate"]])
    holders = pd.concat([holders, by_name], ignore_index=True)
    own = _presented_as_own(leaves, np.isin(certificate, holders["certificate"]))
    return _numbered_anew(
        Holdings(
            certificates.assign(
                refused=as_mask(certificates["parse_error"].str.startswith(REFUSED))
            )[[*_SHOWN]],
            pd.DataFrame(
                {
                    "certificate": certificate[own],
                    "bundle": leaves["bundle"].array[own],
                }
            ),
            holders,
            names,
            pbxs,
            devices,
            texts,
        )
    )


def _numbered_anew(held: Holdings) -> Holdings:
    """Keep the certificates that came in some bundle, numbered from 0, and sort by these
    numbers.
    """
    kept = np.unique(held.bundles["certificate"])
    number = np.full(len(held.certificates), -1, dtype=np.int64)
    number[kept] = np.arange(len(kept))
    bundles = held.bundles.assign(certificate=number[held.bundles["certificate"]])
    holders = held.holders.assign(certificate=number[held.holders["certificate"]])
    return held._replace(
        certificates=held.certificates.iloc[kept].reset_index(drop=True),
        bundles=distinct_rows(bundles).sort_values(
            "certificate", kind="stable", ignore_index=True
        ),
        holders=holders[holders["certificate"] >= 0].sort_values(
            ["certificate", "device"], ignore_index=True
        ),
    )


def _leaves(fleet: Fleet, ownership: Ownership) -> pd.DataFrame:
    """Return what devices present, with the one that its file or CN names, and all entries."""
    own = ownership.leaves
    presented = fleet.certificates.iloc[own["row"]].assign(device=own["device"].array)
    listed = fleet.trust[presented.columns].drop_duplicates("fingerprint")
    # An entry came with nothing, and the name of its file is that of the PBX.
    listed = listed.assign(bundle=None, device=None).astype(
        {"bundle": "str", "device": "str"}
    )
    both = pd.concat([presented, listed], ignore_index=True)
    return both[both["fingerprint"].notna()].reset_index(drop=True)


def _names(
    fleet: Fleet,
    registered: Codes,
    entered: Codes,
    devices: pd.Series,
    pbxs: pd.Series,
) -> tuple[pd.DataFrame, pd.Series]:
    """Return every name of every device at its PBX once, and the distinct names; the registered
    come first.

    By default a device registers by its serial, and an interface of a gateway by serial-interface.
    """
    log, entries = fleet.registrations, fleet.devices
    serial = device_ids.serials(devices)
    default, interface = (
        serial.reindex(codes).reset_index(drop=True)
        for codes in (entered, registered)
    )
    interface = interface + "-" + log["interface"].reset_index(drop=True)
    own = [entries["user"], entries["hardware_id"], entries["serial"], default]
    seen = [log["registration_name"], log["hardware_id"], log["serial"], interface]
    text, texts = pd.factorize(pd.concat([*own, *seen], ignore_index=True))
    here = first_positions(entries["pbx"], pbxs)
    there = first_positions(log["pbx"], pbxs)
    there = np.where(there < 0, _only(entered, here, len(devices))[registered], there)
    pbx, device = (
        np.concatenate([entry] * len(own) + [line] * len(seen))
        for entry, line in ((here, there), (entered, registered))
    )
    every = pd.DataFrame({"pbx": pbx, "device": device, "text": text})
    return distinct_rows(every[(device >= 0) & (text >= 0)]), pd.Series(texts)


def _only(owner: Codes, value: Codes, count: int) -> Codes:
    """Return the one value of each owner 0, 1, 2, ..., and -1 for who has several, or none; and
    for owner -1.
    """
    there = (owner >= 0) & (value >= 0)
    owner, value = owner[there], value[there]
    found = np.full(count + 1, -1, dtype=np.int64)
    found[owner] = value
    found[owner[found[owner] != value]] = -1
    return found


def _named(
    cns: pd.Series, names: pd.DataFrame, texts: pd.Series, devices: pd.Series
) -> pd.DataFrame:
    """Return the devices that a CN names in full: certificate (place in `cns`), device."""
    named = names[["text", "device"]].sort_values("text")
    text, device = named["text"].to_numpy(), named["device"].to_numpy()
    wanted = first_positions(cns, texts)
    start = np.searchsorted(text, wanted)
    owner, number = repeat_ranges(
        np.where(wanted < 0, 0, np.searchsorted(text, wanted, side="right") - start)
    )
    spelled = first_positions(device_ids.same_spelling(cns), devices)
    known = np.flatnonzero(spelled >= 0)
    found = {
        "certificate": np.concatenate([owner, known]),
        "device": np.concatenate([device[start[owner] + number], spelled[known]]),
    }
    return distinct_rows(pd.DataFrame(found))


def _presented_as_own(
    found: pd.DataFrame, held: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Tell which are no CAs, or a CA that a device presents as its own: it did not merely come
    with a certificate.
    """
    is_ca = found["is_ca"].fillna(value=False).to_numpy(dtype=bool)
    own = ~is_ca
    beside = first_positions(found["bundle"][is_ca], found["bundle"][own]) >= 0
    own[is_ca] = held[is_ca] & ~beside
    return own
