"""Common: what every part of a fleet has to know, and the part that each row goes to.

Nothing here needs the whole of the certificates or of the log: any slice of rows will do that
keeps bundles whole, so that a cluster can read, key and deal slice by slice.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..arrays.arrow import as_mask
from ..arrays.grouping import (
    Codes,
    distinct,
    distinct_rows,
    factorize_codes,
    factorize_rows,
    first_positions,
)
from ..evaluation.attempts import owners_of
from ..evaluation.ownership import Ownership, own_cns, per_text
from ..names import device_ids
from ..schema import CERTIFICATES, empty
from ..trust import trust_state
from ..trust.links import claims

IDENTITY = (
    "serial",
    "hardware_id",
    "registration_name",
    "interface",
    "pbx",
    "fingerprint",
    "matched_by",
)
"""What a line of a log says about whose it is."""

_SERIALS = {
    "certificates": ("device", "serial"),
    "registrations": ("serial",),
    "devices": ("serial", "hardware_id"),
}

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Contribution:
    """What a slice of a fleet adds to what is common.

    Parameters
    ----------
    serials : Series of str
        The serials in it, to which hardware IDs of other slices may belong.
    issuers : Series of str
        The issuers of its certificates, those that signed themselves aside.
    """

    serials: pd.Series
    issuers: pd.Series


def contribution(
    *,
    certificates: pd.DataFrame | None = None,
    registrations: pd.DataFrame | None = None,
    devices: pd.DataFrame | None = None,
) -> Contribution:
    r"""Return what some rows of a fleet add to what is common.

    Examples
    --------
    >>> import certtrust as ct
    >>> log = ct.read_registrations("time,state,serial\n0,up,0090332f688a\n")
    >>> contribution(registrations=log).serials.tolist()
    ['0090332f688a']
    """
    frames = {
        "certificates": certificates,
        "registrations": registrations,
        "devices": devices,
    }
    texts = [
        frame[column]
        for name, frame in frames.items()
        if frame is not None
        for column in _SERIALS[name]
    ]
    serials = device_ids.serials(distinct(*texts)).dropna()
    return Contribution(distinct(serials), _issuers_of_others(certificates))


def _issuers_of_others(certificates: pd.DataFrame | None) -> pd.Series:
    if certificates is None:
        return pd.Series(dtype="str")
    by_itself = as_mask(certificates["is_self_signed"])
    return distinct(certificates["issuer"][~by_itself])


@dataclass(frozen=True, eq=False)
class Common:
    """What every part of a fleet has to know; small beside certificates and logs.

    Parameters
    ----------
    serials : Series of str
        All serials of the fleet.
    issuers : Series of str
        All issuers of certificates that did not sign themselves.
    devices : DataFrame
        Table DEVICES, whole.
    """

    serials: pd.Series
    issuers: pd.Series
    devices: pd.DataFrame

    @classmethod
    def of(
        cls,
        contributions: Iterable[Contribution],
        *,
        trust: pd.DataFrame,
        devices: pd.DataFrame,
    ) -> Common:
        """Return what the contributions of all slices, trust lists and device entries make."""
        every = [
            *contributions,
            contribution(devices=devices),
            Contribution(pd.Series(dtype="str"), _issuers_of_others(trust)),
        ]
        return cls(
            distinct(*(one.serials for one in every)),
            distinct(*(one.issuers for one in every)),
            devices,
        )

    @cached_property
    def ownership(self) -> Ownership:
        """Who owns what, as far as device entries and serials tell without certificates."""
        return Ownership(empty(CERTIFICATES), self.devices, self.serials)

    @property
    def entered(self) -> pd.Series:
        """The device of each device entry."""
        return self.ownership.entered

    def registration_keys(
        self, rows: pd.DataFrame, presenters: pd.Series | None = None
    ) -> pd.Series:
        """Return the key of each row of a log: its device, else its PBX, else "".

        Parameters
        ----------
        rows : DataFrame
            Columns `IDENTITY`.
        presenters : Series of str, optional
            The device that alone presents a certificate, by fingerprint: it tells whose a
            connection is that was seen on the wire.
        """
        code, first = factorize_rows(rows, IDENTITY)
        cases = rows[list(IDENTITY)].iloc[first]
        keys = self.case_keys(cases, presenters)
        return pd.Series(keys.array.take(code), index=rows.index)

    def case_keys(
        self, cases: pd.DataFrame, presenters: pd.Series | None = None
    ) -> pd.Series:
        """Return what `registration_keys` does, for rows of which few are alike."""
        if presenters is None:
            presenters = pd.Series(dtype="str")
        owners = owners_of(cases, self.ownership, presenters)
        return owners.fillna("at " + cases["pbx"]).fillna("")

    def device_keys(self) -> pd.Series:
        """Return the key of each device entry: its device, else its PBX, else ""."""
        return self.entered.fillna("at " + self.devices["pbx"]).fillna("")

    def certificate_facts(self, certificates: pd.DataFrame) -> pd.DataFrame:
        """Return what decides where each certificate is needed.

        Parameters
        ----------
        certificates : DataFrame
            Table CERTIFICATES, or some of its rows with their whole bundles.

        Returns
        -------
        DataFrame
            Index of `certificates`; key (the device that it names, else its bundle), device
            (whose own it is, missing where nothing tells), is_common (it may have issued others:
            every part needs it) and is_companion (whatever came with it cannot be judged
            without it).
        """
        ownership = self.ownership.among(certificates)
        by_file = per_text(ownership.identity, certificates["device"])
        cns = own_cns(certificates)
        leaves = ownership.leaves
        device = pd.Series(None, index=range(len(certificates)), dtype="str")
        device.iloc[leaves["row"].to_numpy()] = leaves["device"].array
        common = self._may_issue(certificates)
        return pd.DataFrame(
            {
                "key": by_file.fillna(cns).fillna(certificates["bundle"]).fillna(""),
                "device": device.array,
                "is_common": common,
                "is_companion": common
                | trust_state.unread(certificates)
                | _shows_issuer(certificates),
            },
            index=certificates.index,
        )

    def _may_issue(self, certificates: pd.DataFrame) -> Mask:
        """Return which certificates may stand above another one, of whatever part."""
        subjects = certificates["subject"]
        named: Mask = first_positions(subjects, self.issuers) >= 0
        others = np.flatnonzero(claims(certificates) & ~named)
        spelled = per_text(_spelling, subjects.iloc[others])
        named[others] = first_positions(spelled, self._spellings) >= 0
        return named

    @cached_property
    def _spellings(self) -> pd.Series:
        return distinct(_spelling(self.issuers))


def _spelling(names: pd.Series) -> pd.Series:
    """Return names in a form that is equal at least where the names compare equal."""
    return names.map(
        lambda name: "+".join(sorted(re.split(r"[,+]", _letters(name)))),
        na_action="ignore",
    ).astype("str")


def _letters(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\s\\]", "", folded)


def _shows_issuer(certificates: pd.DataFrame) -> Mask:
    """Return one certificate for each issuer in each bundle: it shows that the issuer is no leaf.

    One that issued itself shows nothing.
    """
    rows = np.flatnonzero(as_mask(certificates["self_issued"].ne(other=True)))
    part = certificates[["bundle", "issuer"]].iloc[rows]
    _, first = factorize_codes(*(pd.factorize(part[name])[0] for name in part))
    shows: Mask = np.zeros(len(certificates), dtype=bool)
    shows[rows[first]] = True
    return shows


def part_numbers(keys: pd.Series, count: int) -> Codes:
    """Return the number of the part that each key belongs to, the same in every process.

    Examples
    --------
    >>> part_numbers(pd.Series(["0090332f688a", "0090332f688b"]), 1).tolist()
    [0, 0]
    """
    code, texts = pd.factorize(keys.astype("str"))
    hashed = pd.util.hash_array(np.asarray(texts, dtype=object), categorize=False)
    return np.asarray(hashed % np.uint64(count), dtype=np.int64)[code]


def named(rows: pd.DataFrame, keys: pd.Series) -> pd.DataFrame:
    """Return each certificate that a log names with each key that it is named for, once.

    Returns
    -------
    DataFrame
        fingerprint (in lower case), key.
    """
    pairs = pd.DataFrame(
        {"fingerprint": rows["fingerprint"].str.lower(), "key": keys.array}
    )
    return distinct_rows(pairs[pairs["fingerprint"].notna()])
