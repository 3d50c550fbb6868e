"""A copy of a fleet in which actions are carried out, and the certificates for actions."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...arrays.grouping import Codes, first_positions, first_row_positions
from ...errors import CerttrustError
from ...fleet import Fleet
from ...schema import CERTIFICATES, TRUST, conform
from ...texts.sentences import say
from ..joins import among

FOREVER = pd.Timestamp("9999-12-31T23:59:59Z").as_unit("us")
"""The end that RFC 5280, section 4.1.2.5, gives to a certificate without a well-defined one."""


@dataclasses.dataclass(frozen=True)
class FleetCopy:
    """A fleet with the device of each registration and of each device entry.

    The methods return another copy; none changes this one.
    """

    fleet: Fleet
    registered: pd.Series
    entered: pd.Series

    def with_frames(self, **frames: pd.DataFrame) -> FleetCopy:
        """Return the copy with other frames."""
        fleet = dataclasses.replace(self.fleet, **frames)
        return dataclasses.replace(self, fleet=fleet)

    def with_registrations(self, **columns: pd.Series) -> FleetCopy:
        """Return the copy with other columns of its registrations."""
        registrations = self.fleet.registrations.assign(**columns)
        return self.with_frames(registrations=registrations)

    def with_flag(
        self, actions: pd.DataFrame, flag: str, *, value: bool
    ) -> FleetCopy:
        """Return the copy with a flag set or cleared at the device entries of the actions."""
        rows = self.fleet.devices
        chosen = _action_positions(self.entered, rows["pbx"], actions) >= 0
        flags = rows[flag].astype("boolean").mask(chosen, other=value)
        return self.with_frames(devices=rows.assign(**{flag: flags}))

    def with_trust_entries(self, entries: pd.DataFrame) -> FleetCopy:
        """Return the copy with further entries in its trust lists."""
        lists = [conform(frame, TRUST) for frame in (self.fleet.trust, entries)]
        return self.with_frames(trust=pd.concat(lists, ignore_index=True))

    def registrations_of(self, actions: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Return which registrations are of the devices of the actions."""
        return among(self.registered, actions["device"])

    def actions_of_registrations(self, actions: pd.DataFrame) -> Codes:
        """Return the position of each registration's action, -1 where there is none.

        That is the action for its device at its PBX, or for its device where either leaves out
        the PBX.
        """
        pbx = self.fleet.registrations["pbx"]
        position = _action_positions(self.registered, pbx, actions)
        anywhere = (pbx.isna() & (position < 0)).to_numpy()
        position[anywhere] = first_positions(
            self.registered[anywhere], actions["device"]
        )
        return position

    def entries_for(self, actions: pd.DataFrame) -> pd.DataFrame:
        """Return the certificate of each action as an entry of the list of its PBX.

        Raises
        ------
        CerttrustError
            If the fleet does not have one of the certificates.
        """
        fingerprints = actions["fingerprint"]
        certificates = pd.concat(
            [
                conform(
                    frame[among(frame["fingerprint"], fingerprints)], CERTIFICATES
                )
                for frame in (self.fleet.trust, self.fleet.certificates)
            ]
        )[CERTIFICATES.names]
        position = first_positions(fingerprints, certificates["fingerprint"])
        if (position < 0).any():
            absent = fingerprints[position < 0].iloc[0]
            raise CerttrustError(say("errors.advice.certificate", fingerprint=absent))
        entries = certificates.iloc[position].reset_index(drop=True)
        return conform(entries.assign(pbx=actions["pbx"].to_numpy()), TRUST)


def _action_positions(
    device: pd.Series, pbx: pd.Series, actions: pd.DataFrame
) -> Codes:
    """Return the position of the action for each device at a PBX, -1 where there is none.

    The action for that PBX comes before that for every PBX.
    """
    position = first_row_positions((device, pbx), (actions["device"], actions["pbx"]))
    everywhere = np.flatnonzero(actions["pbx"].isna())
    by_device = first_positions(device, actions["device"].iloc[everywhere])
    return np.where(position < 0, np.append(everywhere, -1)[by_device], position)


_COLUMNS = [
    "fingerprint",
    "subject",
    "subject_cn",
    "issuer",
    "issuer_cn",
    "not_before",
    "not_after",
    "is_ca",
    "authority_key_id",
    "der",
]


def certificates_by_fingerprint(fleet: Fleet) -> pd.DataFrame:
    """Return each certificate of the fleet once, presented or listed, indexed by fingerprint.

    It has the columns that actions are made of.
    """
    both = pd.concat([fleet.trust[_COLUMNS], fleet.certificates[_COLUMNS]])
    both = both.dropna(subset="fingerprint").drop_duplicates("fingerprint")
    return both.set_axis(pd.Index(both["fingerprint"], name=None))
