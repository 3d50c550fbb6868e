"""Which devices an update to 16r1 locks out, by model and firmware."""

from __future__ import annotations

import pandas as pd

from ..arrays.arrow import as_mask
from ..errors import CerttrustError
from ..evaluation.attempts import attempts
from ..evaluation.ownership import Ownership
from ..evaluation.requirements.tls_versions import PROFILES
from ..evaluation.tls_versions import highest_versions, speaks
from ..fleet import Fleet, expect_fleet
from ..texts.labels import either
from ..texts.sentences import say
from .what_if import with_endpoints


def tls_readiness(
    fleet: Fleet,
    *,
    tls_profile: str = "normal",
    endpoints: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Count the devices that a TLS profile locks out, by model and firmware.

    Parameters
    ----------
    fleet : Fleet
        What was read; its handshakes show which versions of TLS devices speak.
    tls_profile : {"normal", "strict"}
        The TLS profile of every PBX: "normal", the default from 16r1 on, takes TLS 1.2 and 1.3,
        "strict" TLS 1.3 alone.
    endpoints : DataFrame, optional
        Devices that were asked themselves, as in `certtrust.what_if`.

    Returns
    -------
    DataFrame
        One row per model and firmware, most devices locked out first: model, firmware, devices,
        ready, locked_out, unknown (which version they speak was not seen), lowest (the oldest
        of their highest versions). Counted are devices of the log and of device entries that
        are not known to register without TLS alone.

    Raises
    ------
    CerttrustError
        If `tls_profile` is another word.

    Examples
    --------
    >>> import certtrust as ct
    >>> readiness = tls_readiness(ct.simulate(20, seed=1))
    >>> bool((readiness["unknown"] == readiness["devices"]).all())
    True
    """
    fleet = expect_fleet(fleet)
    if tls_profile not in PROFILES:
        profiles, word = either(list(PROFILES)), repr(tls_profile)
        raise CerttrustError(
            say("errors.advice.tls_profile", word=word, profiles=profiles)
        )
    if endpoints is not None:
        fleet = with_endpoints(fleet, endpoints)
    devices = _devices(fleet)
    version = pd.Series(None, index=devices.index, dtype="str")
    if fleet.handshakes is not None and len(fleet.handshakes):
        highest = highest_versions(fleet.handshakes, Ownership.of(fleet))
        version = devices["device"].map(highest).astype("str")
    holds = speaks(version, PROFILES[tls_profile])
    rows = devices.assign(
        ready=as_mask(holds),
        locked_out=as_mask(~holds),
        unknown=holds.isna(),
        lowest=version,
    )
    table = rows.groupby(["model", "firmware"], dropna=False, as_index=False).agg(
        devices=("device", "nunique"),
        ready=("ready", "sum"),
        locked_out=("locked_out", "sum"),
        unknown=("unknown", "sum"),
        lowest=("lowest", "min"),
    )
    by = ["locked_out", "unknown", "model", "firmware"]
    ordered = table.sort_values(
        by, ascending=[False, False, True, True], kind="stable", ignore_index=True
    )
    return ordered.astype({"lowest": "str"})


def _devices(fleet: Fleet) -> pd.DataFrame:
    """Return one row per device that may register over TLS: device, model, firmware."""
    columns = ["device", "model", "firmware"]
    logged, entered = (
        attempts(fleet, of=of)[[*columns, "protocol"]].dropna(subset=["device"])
        for of in ("log", "devices")
    )
    plain = logged["protocol"].notna() & (logged["protocol"] != "H.323/TLS")
    only_plain = plain.groupby(logged["device"]).all()
    rows = pd.concat([logged, entered])
    rows = rows[~rows["device"].isin(only_plain.index[only_plain])]
    rows = rows.sort_values(columns, na_position="last")
    return rows.drop_duplicates("device", ignore_index=True)[columns]
