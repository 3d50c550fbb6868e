"""Rename a registration: it registers as the CN of its own certificate, or by its serial."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ....arrays.arrow import true
from ....arrays.grouping import places_of_rows
from ....evaluation.attempts import by_serial
from ....evaluation.ownership import per_text
from ....names import device_ids, matching
from ..failures import Failures, Flags, Proposals
from ..fleet_copy import FleetCopy, taken
from ..remedy import Remedy

_NAME = "certificate.name"
_PASSWORD = "password.tls_only"  # noqa: S105 - the code of a rule


def _default_names(devices: pd.Series, interfaces: pd.Series) -> pd.Series:
    serial = per_text(device_ids.serials, devices)
    return serial.where(interfaces.isna(), serial + "-" + interfaces.astype("str"))


def _proposed(failures: Failures) -> Proposals:
    """Mend the name and, where the new one says how the device authenticates, settle that as
    well.
    """
    chosen = failures.broken(_NAME) & failures.logged
    rows = failures.rows[chosen]
    default = _default_names(rows["device"], rows["interface"])
    begins = matching.begins_with_cn(default, rows["subject_cn"])
    new = default.where(true(begins), rows["subject_cn"].str.strip())
    another = (new != rows["registration_name"]).fillna(value=True).to_numpy(dtype=bool)
    settles = np.zeros(len(chosen), dtype=bool)
    settles[chosen] = _by_certificate(rows, new)
    chosen[chosen] = _holds_its_own(rows) & another
    names = {
        "name": failures.rows["registration_name"],
        "value": new.reindex(failures.rows.index),
    }
    settled = chosen & settles & failures.undecided(_PASSWORD)
    return {
        _NAME: failures.proposals(chosen, "device", **names),
        _PASSWORD: failures.proposals(settled, "device", **names),
    }


def _holds_its_own(rows: pd.DataFrame) -> Flags:
    """Return which carry their own certificate, or one of their user: the CN of another one is
    not a name to take.
    """
    cn = rows["subject_cn"]
    spelled = device_ids.same_spelling(cn)
    own = (spelled == rows["device"]) | (
        spelled == device_ids.same_spelling(rows["hardware_id"])
    )
    return true(own | ((cn == rows["user"]) & cn.notna()))


def _by_certificate(rows: pd.DataFrame, name: pd.Series) -> Flags:
    """Return where it is not known how the device authenticates, and is by certificate once it
    has that name.
    """
    over_tls = rows["protocol"] == "H.323/TLS"
    return true(by_serial(name, rows["device"]) & rows["scenario"].isna() & over_tls)


def _rename(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """The device registers as `value` instead of `name`."""
    rows = copy.fleet.registrations
    now = rows["registration_name"].fillna(
        _default_names(copy.registered, rows["interface"])
    )
    wanted = (actions["device"], actions["name"].fillna(""))
    position = places_of_rows((copy.registered, now.fillna("")), wanted)
    renamed = rows["registration_name"].mask(
        position >= 0, taken(actions["value"], position, rows.index)
    )
    return copy.registering(registration_name=renamed)


REMEDIES = (
    Remedy(
        "rename",
        cost=3000,
        meets=(_NAME, _PASSWORD),
        needs=("device", "value"),
        propose=_proposed,
        carry_out=_rename,
    ),
)
