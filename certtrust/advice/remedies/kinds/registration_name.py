"""Rename a registration: to the CN of the device's own certificate, or to its serial."""

from __future__ import annotations

import pandas as pd

from ....arrays.arrow import as_mask
from ....arrays.grouping import first_row_positions
from ....evaluation.attempts import by_serial
from ....evaluation.ownership import per_text
from ....names import device_ids, matching
from ...joins import values_at
from ..failures import Failures, Flags, Proposals
from ..fleet_copy import FleetCopy
from ..remedy import Remedy

_NAME = "certificate.name"
_PASSWORD = "password.tls_only"  # noqa: S105 - the code of a rule


def _default_names(devices: pd.Series, interfaces: pd.Series) -> pd.Series:
    serial = per_text(device_ids.serials, devices)
    return serial.where(interfaces.isna(), serial + "-" + interfaces.astype("str"))


def _propose(failures: Failures) -> Proposals:
    """Return proposals that mend the name and, where the new one shows it, settle the login."""
    chosen = failures.broken(_NAME) & failures.logged
    rows = failures.rows[chosen]
    default = _default_names(rows["device"], rows["interface"])
    begins = matching.begins_with_cn(default, rows["subject_cn"])
    new = default.where(as_mask(begins), rows["subject_cn"].str.strip())
    is_other = ~as_mask(new == rows["registration_name"])
    settled = failures.undecided(_PASSWORD)
    settled[chosen] &= _is_by_certificate(rows, new)
    chosen[chosen] = _holds_its_own(rows) & is_other
    names = {
        "name": failures.rows["registration_name"],
        "value": new.reindex(failures.rows.index),
    }
    settled &= chosen
    return {
        _NAME: failures.proposals(chosen, "device", **names),
        _PASSWORD: failures.proposals(settled, "device", **names),
    }


def _holds_its_own(rows: pd.DataFrame) -> Flags:
    """Return which present a certificate of their device or user, whose CN they may take."""
    cn = rows["subject_cn"]
    spelled = device_ids.same_spelling(cn)
    own = (spelled == rows["device"]) | (
        spelled == device_ids.same_spelling(rows["hardware_id"])
    )
    return as_mask(own | ((cn == rows["user"]) & cn.notna()))


def _is_by_certificate(rows: pd.DataFrame, name: pd.Series) -> Flags:
    """Return where an unknown authentication can only be by certificate under that name."""
    over_tls = rows["protocol"] == "H.323/TLS"
    return as_mask(
        by_serial(name, rows["device"]) & rows["scenario"].isna() & over_tls
    )


def _rename(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """Return the copy where the device registers as `value` instead of `name`."""
    rows = copy.fleet.registrations
    default = _default_names(copy.registered, rows["interface"])
    name = rows["registration_name"].fillna(default).fillna("")
    position = first_row_positions(
        (copy.registered, name), (actions["device"], actions["name"].fillna(""))
    )
    new = values_at(actions["value"], position, rows.index)
    return copy.with_registrations(
        registration_name=new.fillna(rows["registration_name"])
    )


REMEDIES = (
    Remedy(
        "rename",
        cost=3000,
        meets=(_NAME, _PASSWORD),
        needs=("device", "value"),
        propose=_propose,
        carry_out=_rename,
    ),
)
