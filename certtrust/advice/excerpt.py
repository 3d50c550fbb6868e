"""The part of a fleet that decides some of its attempts, so that a change is judged quickly."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from ..arrays.arrow import as_mask
from ..arrays.grouping import distinct
from ..evaluation.attempts import joined
from ..evaluation.ownership import Ownership
from ..fleet import Fleet
from ..names import device_ids
from .joins import among

Source = Literal["log", "devices"]


@dataclass(frozen=True)
class Excerpt:
    """Some attempts of a fleet, with all that they depend on."""

    fleet: Fleet
    """The part that matters: change a copy of it, and pass that to `attempts`."""
    serials: pd.Series
    """All serials of the whole fleet, to which a hardware ID may belong."""
    registered: pd.Series
    """The device of each registration in the part."""
    entered: pd.Series
    """The device of each device entry in the part."""
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
        """Return the part of a fleet that some attempts depend on.

        Parameters
        ----------
        fleet : Fleet
            With links.
        ownership : Ownership
            Who owns what in the fleet.
        attempts : DataFrame
            Columns device, registration_name and fingerprint, labelled like the fleet's rows.
        of : {"log", "devices"}
            What the attempts were made from.
        new_names : Series of str, optional
            Further names by which the devices may register after a change.
        """
        names = [attempts["registration_name"]]
        if new_names is not None:
            names.append(new_names)
        # An entry carries the flags of its device, says whose a user name is, and shows that
        # its PBX has entries at all.
        entries = (
            among(ownership.entered, distinct(attempts["device"]))
            | among(fleet.devices["user"], distinct(*names))
            | ~fleet.devices["pbx"].duplicated().to_numpy()
        )
        log = fleet.registrations.drop(
            columns=["raw", "details", "remote_address"], errors="ignore"
        )
        logged = attempts if of == "log" else attempts.head(0)
        part = dataclasses.replace(
            fleet,
            certificates=_certificates(fleet, ownership.leaves, attempts),
            devices=fleet.devices[entries],
            registrations=log.loc[logged.index],
        )
        return cls(
            part,
            ownership.serials,
            logged["device"],
            ownership.entered[entries],
            of,
            attempts.index,
        )

    def attempts(self, changed: Fleet) -> pd.DataFrame:
        """Return the attempts as they would be in a changed copy of the part."""
        new = device_ids.serials(distinct(changed.certificates["device"])).dropna()
        ownership = Ownership.of(changed, pd.concat([self.serials, new]))
        attempts = joined(changed, ownership, self.of)
        return attempts if self.of == "log" else attempts.loc[self.labels]


def _certificates(
    fleet: Fleet, own: pd.DataFrame, attempts: pd.DataFrame
) -> pd.DataFrame:
    """Return what the attempts may present or be trusted by, and all that came with it."""
    certificates, links = fleet.certificates, fleet.links
    assert links is not None  # noqa: S101 - the caller has linked the fleet
    fingerprints, bundles = certificates["fingerprint"], certificates["bundle"]
    issuing = as_mask(certificates["is_ca"]) | among(fingerprints, links["issuer"])
    chosen = issuing & ~fingerprints.duplicated().to_numpy()
    chosen |= among(fingerprints, attempts["fingerprint"])
    chosen[own["first_row"].to_numpy()[among(own["device"], attempts["device"])]] = (
        True
    )
    return certificates[chosen | among(bundles, bundles[chosen])]
