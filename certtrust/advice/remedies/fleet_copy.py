"""A copy of a fleet in which actions are carried out, and the certificates that actions are
made of.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...arrays.grouping import Codes, places, places_of_rows
from ...errors import CerttrustError
from ...fleet import Fleet
from ...schema import CERTIFICATES, TRUST, conform
from ...texts.sentences import say

FOREVER = pd.Timestamp("9999-12-31T23:59:59Z").as_unit("us")
"""The end that RFC 5280, section 4.1.2.5, gives to a certificate without a well-defined one."""


@dataclasses.dataclass(frozen=True)
class FleetCopy:
    """A fleet in the making, with the device of each registration and of each device entry.

    Every method returns another copy; none changes this one.
    """

    fleet: Fleet
    registered: pd.Series
    entered: pd.Series

    def having(self, **frames: pd.DataFrame) -> FleetCopy:
        """Return the copy with other frames."""
        return dataclasses.replace(
            self, fleet=dataclasses.replace(self.fleet, **frames)
        )

    def registering(self, **columns: pd.Series) -> FleetCopy:
        """Return the copy with other columns of its registrations."""
        return self.having(registrations=self.fleet.registrations.assign(**columns))

    def flagging(self, actions: pd.DataFrame, flag: str, *, value: bool) -> FleetCopy:
        """Return the copy with a flag at the device entries that the actions are for."""
        rows = self.fleet.devices
        chosen = _actions_of(self.entered, rows["pbx"], actions) >= 0
        flags = rows[flag].astype("boolean").mask(chosen, other=value)
        return self.having(devices=rows.assign(**{flag: flags}))

    def listing(self, entries: pd.DataFrame) -> FleetCopy:
        """Return the copy with further entries in its trust lists."""
        trust = pd.concat(
            [conform(self.fleet.trust, TRUST), conform(entries, TRUST)],
            ignore_index=True,
        )
        return self.having(trust=trust)

    def registrations_of(self, actions: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Return which registrations are of the devices of the actions."""
        return among(self.registered, actions["device"])

    def actions_of_registrations(self, actions: pd.DataFrame) -> Codes:
        """Return for each registration the position of its action, -1 where there is none.

        That is the action for its device at its PBX, or for its device where either leaves out
        the PBX.
        """
        pbx = self.fleet.registrations["pbx"]
        position = _actions_of(self.registered, pbx, actions)
        open_pbx = (pbx.isna() & (position < 0)).to_numpy()
        position[open_pbx] = places(self.registered[open_pbx], actions["device"])
        return position

    def entries_for(self, actions: pd.DataFrame) -> pd.DataFrame:
        """Return the certificate of each action as an entry of the list of its PBX.

        Raises
        ------
        CerttrustError
            If the fleet does not have one of the certificates.
        """
        wanted = actions["fingerprint"].drop_duplicates()
        frames = (self.fleet.trust, self.fleet.certificates)
        matches = [
            conform(frame[among(frame["fingerprint"], wanted)], CERTIFICATES)
            for frame in frames
        ]
        certificates = pd.concat([frame[CERTIFICATES.names] for frame in matches])
        certificates = certificates.drop_duplicates("fingerprint").set_index(
            "fingerprint", drop=False
        )
        absent = wanted[~among(wanted, certificates["fingerprint"])]
        if len(absent):
            raise CerttrustError(
                say("errors.advice.certificate", fingerprint=absent.iloc[0])
            )
        entries = certificates.loc[actions["fingerprint"]].reset_index(drop=True)
        return conform(entries.assign(pbx=actions["pbx"].to_numpy()), TRUST)


def _actions_of(device: pd.Series, pbx: pd.Series, actions: pd.DataFrame) -> Codes:
    """Return for each device at a PBX the position of its action there, else of its action at
    every PBX, else -1.
    """
    position = places_of_rows((device, pbx), (actions["device"], actions["pbx"]))
    everywhere = np.flatnonzero(actions["pbx"].isna())
    by_device = places(device, actions["device"].iloc[everywhere])
    return np.where(position < 0, np.append(everywhere, -1)[by_device], position)


def among(texts: pd.Series, values: pd.Series) -> npt.NDArray[np.bool_]:
    """Return which texts are among the values; a missing one is not."""
    return places(texts, values) >= 0


def taken(values: pd.Series, position: Codes, index: pd.Index) -> pd.Series:
    """Return the value at each position, missing for -1."""
    return pd.Series(values.array.take(position, allow_fill=True), index=index)


_COLUMNS = (
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
)


def known_certificates(fleet: Fleet) -> pd.DataFrame:
    """Return every certificate of the fleet once, whether presented or listed, with its
    fingerprint as index.

    It has the columns that actions are made of.
    """
    frames = [frame[list(_COLUMNS)] for frame in (fleet.trust, fleet.certificates)]
    both = pd.concat(frames, ignore_index=True)
    once = both[both["fingerprint"].notna() & ~both["fingerprint"].duplicated()]
    return once.set_axis(pd.Index(once["fingerprint"], name=None))
