"""The part of a fleet that decides about some of its attempts, so that a change of it can be
judged quickly.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from ..arrays.grouping import distinct
from ..evaluation.attempts import joined
from ..evaluation.ownership import Ownership
from ..fleet import Fleet
from ..names import device_ids
from .remedies.fleet_copy import among

Source = Literal["log", "devices"]


@dataclass(frozen=True)
class Excerpt:
    """Some attempts of a fleet, with all that they depend on."""

    fleet: Fleet
    """The part that matters; it is changed, and handed to `attempts`."""
    serials: pd.Series
    """The serials of the whole fleet, which a hardware ID may belong to."""
    registered: pd.Series
    """The device of each registration of the part."""
    entered: pd.Series
    """The device of each of its device entries."""
    of: Source
    labels: pd.Index
    """The labels of the attempts."""

    @classmethod
    def take(
        cls,
        fleet: Fleet,
        ownership: Ownership,
        attempts: pd.DataFrame,
        of: Source,
        new_names: pd.Series | None = None,
    ) -> Excerpt:
        """Choose what of a fleet the chosen attempts depend on.

        Parameters
        ----------
        fleet : Fleet
            With links.
        ownership : Ownership
            Who owns what in it.
        attempts : DataFrame
            The chosen ones: device, registration_name and fingerprint, with the labels of the
            fleet's rows.
        of : {"log", "devices"}
            What they were made of.
        new_names : Series of str, optional
            Further names that a change may let them register by.
        """
        registration_names = attempts["registration_name"]
        names = distinct(
            registration_names, *([] if new_names is None else [new_names])
        )
        # An entry has the flags of its device, tells which device a name is of, and that its
        # PBX has entries.
        entries = among(ownership.entered, distinct(attempts["device"])) | among(
            fleet.devices["user"], names
        )
        entries |= ~fleet.devices["pbx"].duplicated().to_numpy()
        log = fleet.registrations.drop(
            columns=["raw", "details", "remote_address"], errors="ignore"
        )
        part = dataclasses.replace(
            fleet,
            certificates=_certificates(fleet, ownership.leaves, attempts),
            devices=fleet.devices[entries],
            registrations=log.loc[attempts.index] if of == "log" else log.head(0),
        )
        registered = attempts["device"] if of == "log" else attempts["device"].head(0)
        return cls(
            part,
            ownership.serials,
            registered,
            ownership.entered[entries],
            of,
            attempts.index,
        )

    def attempts(self, changed: Fleet) -> pd.DataFrame:
        """Return the attempts as they would be in a changed copy of the part."""
        new = device_ids.serials(distinct(changed.certificates["device"])).dropna()
        ownership = Ownership.of(changed, pd.concat([self.serials, new]))
        tried = joined(changed, ownership, self.of)
        chosen: pd.DataFrame = tried if self.of == "log" else tried.loc[self.labels]
        return chosen


def _certificates(
    fleet: Fleet, own: pd.DataFrame, attempts: pd.DataFrame
) -> pd.DataFrame:
    """Return the certificates that the attempts may present or be trusted by, with all that
    came with them.
    """
    fingerprints = fleet.certificates["fingerprint"]
    links: Any = fleet.links
    is_ca = fleet.certificates["is_ca"].fillna(value=False).to_numpy(dtype=bool)
    issuing = is_ca | among(fingerprints, links["issuer"])
    chosen = issuing & ~fingerprints.duplicated().to_numpy()
    chosen |= among(fingerprints, attempts["fingerprint"])
    chosen[own["first_row"].to_numpy()[among(own["device"], attempts["device"])]] = True
    bundles = fleet.certificates["bundle"]
    return fleet.certificates[chosen | among(bundles, bundles[chosen])]
