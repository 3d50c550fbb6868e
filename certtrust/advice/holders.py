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
    """The certificates that devices present, their holders, and the devices' names, as numbers."""

    certificates: pd.DataFrame
    """Each one once: fingerprint, subject, subject_cn, not_before, not_after, refused."""
    bundles: pd.DataFrame
    """certificate, bundle: what each one came with, once or more."""
    holders: pd.DataFrame
    """certificate, device; a certificate without a known holder has no row."""
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
        sole = np.full(len(self.certificates), -1, dtype=np.int64)
        sole[certificate] = device
        sole[np.bincount(certificate, minlength=len(sole)) > 1] = -1
        return sole


def holdings(fleet: Fleet) -> Holdings:
    """Return who holds which certificate of files, lists and log, and the devices' names."""
    slim = dataclasses.replace(
        fleet,
        registrations=distinct_rows(fleet.registrations[list(_LOG)]),
        certificates=fleet.certificates[[*_CERTIFICATES]],
    )
    log, entries = slim.registrations, slim.devices
    ownership = Ownership.of(slim)
    registered, leaves = threads.run_both(
        lambda: ownership.owners(log),
        lambda: _leaves(slim, ownership),
        len(fleet.registrations),
    )
    pbxs = distinct(entries["pbx"], log["pbx"])
    devices = distinct(ownership.entered, registered, leaves["device"])
    by_line = first_positions(registered, devices)
    by_entry = first_positions(ownership.entered, devices)
    names, texts = _names(slim, by_line, by_entry, devices, pbxs)
    certificate, first = factorize_codes(pd.factorize(leaves["fingerprint"])[0])
    certificates = leaves.iloc[first].reset_index(drop=True)
    logged = first_positions(
        log["fingerprint"].str.lower(), certificates["fingerprint"]
    )
    by_file = first_positions(leaves["device"], devices)
    holders = _stated_holders((certificate, by_file), (logged, by_line))
    holders = _with_namesakes(holders, certificates, names, texts, devices)
    own = _presented_as_own(leaves, np.isin(certificate, holders["certificate"]))
    refused = as_mask(certificates["parse_error"].str.startswith(REFUSED))
    bundles = pd.DataFrame(
        {"certificate": certificate[own], "bundle": leaves["bundle"].array[own]}
    )
    certificates = certificates.assign(refused=refused)[[*_SHOWN]]
    return _numbered_anew(
        Holdings(certificates, bundles, holders, names, pbxs, devices, texts)
    )


def _stated_holders(*pairs: tuple[Codes, Codes]) -> pd.DataFrame:
    """Return the pairs of a certificate and a device that files and the log state, once each."""
    certificate, device = (np.concatenate(part) for part in zip(*pairs, strict=True))
    is_pair = (certificate >= 0) & (device >= 0)
    holders = {"certificate": certificate[is_pair], "device": device[is_pair]}
    return distinct_rows(pd.DataFrame(holders))


def _with_namesakes(
    holders: pd.DataFrame,
    certificates: pd.DataFrame,
    names: pd.DataFrame,
    texts: pd.Series,
    devices: pd.Series,
) -> pd.DataFrame:
    """Add, for certificates without a holder, the devices that their CN names in full."""
    count = np.bincount(holders["certificate"], minlength=len(certificates))
    without = np.flatnonzero(count == 0)
    cns = certificates["subject_cn"].iloc[without]
    namesakes = _named_in_full(cns, names, texts, devices)
    namesakes = namesakes.assign(certificate=without[namesakes["certificate"]])
    return pd.concat([holders, namesakes], ignore_index=True)


def _numbered_anew(held: Holdings) -> Holdings:
    """Keep the certificates that came in some bundle, and number them from 0."""
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
    """Return each name of each device at its PBX once, and the distinct names.

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
    """Return the one value of each owner from 0 to `count`, -1 where there are several or none.

    The last one stands for owner -1, who has none.
    """
    both_known = (owner >= 0) & (value >= 0)
    owner, value = owner[both_known], value[both_known]
    only = np.full(count + 1, -1, dtype=np.int64)
    only[owner] = value
    only[owner[only[owner] != value]] = -1
    return only


def _named_in_full(
    cns: pd.Series, names: pd.DataFrame, texts: pd.Series, devices: pd.Series
) -> pd.DataFrame:
    """Return the devices that a CN names in full: certificate (position in `cns`), device."""
    named = names[["text", "device"]].sort_values("text")
    text, device = named["text"].to_numpy(), named["device"].to_numpy()
    wanted = first_positions(cns, texts)
    start = np.searchsorted(text, wanted)
    owner, number = repeat_ranges(
        np.where(wanted < 0, 0, np.searchsorted(text, wanted, side="right") - start)
    )
    spelled = first_positions(device_ids.same_spelling(cns), devices)
    is_device = np.flatnonzero(spelled >= 0)
    pairs = {
        "certificate": np.concatenate([owner, is_device]),
        "device": np.concatenate([device[start[owner] + number], spelled[is_device]]),
    }
    return distinct_rows(pd.DataFrame(pairs))


def _presented_as_own(
    leaves: pd.DataFrame, is_held: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Return True for what is no CA, and for a CA that a device presents as its own.

    A CA that merely came with a certificate is none of these.
    """
    is_ca = leaves["is_ca"].fillna(value=False).to_numpy(dtype=bool)
    own = ~is_ca
    beside = first_positions(leaves["bundle"][is_ca], leaves["bundle"][own]) >= 0
    own[is_ca] = is_held[is_ca] & ~beside
    return own
