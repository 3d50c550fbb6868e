"""Actions: changes to a fleet as rows of data, and the copy of a fleet in which they had been carried out."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...arrays.grouping import Codes, places, places_of_rows
from ...errors import CerttrustError, MissingColumnError
from ...evaluation.attempts import speaking
from ...evaluation.ownership import identities, per_text
from ...fleet import Fleet
from ...names import device_ids
from ...schema import CERTIFICATES, MOMENT, TEXT, TRUST, conform
from ...x509.structure import outline

KINDS = (
    "set clock",
    "trust",
    "renew",
    "rename",
    "reissue",
    "use certificate",
    "use TLS",
    "allow reverse proxy",
    "renew CA",
    "find CA",
    "enrol",
    "clear TLS only",
)
"""What can be done, most welcome first: of two kinds that repair as much, `remedies` takes the earlier one."""

COLUMNS: dict[str, Any] = {
    "pbx": TEXT,
    "device": TEXT,
    "fingerprint": TEXT,
    "name": TEXT,
    "value": TEXT,
    "since": MOMENT,
}
"""What an action consists of beside its kind; each kind reads some of it."""

_NEEDED: dict[str, tuple[str, ...]] = {
    "set clock": ("device",),
    "trust": ("fingerprint",),
    "renew": ("fingerprint",),
    "rename": ("device", "value"),
    "reissue": ("fingerprint", "value"),
    "use certificate": ("device",),
    "use TLS": ("device",),
    "allow reverse proxy": ("device",),
    "renew CA": ("fingerprint",),
    "find CA": ("name",),
    "enrol": ("device", "value"),
    "clear TLS only": ("device",),
}

FOREVER = pd.Timestamp("9999-12-31T23:59:59Z").as_unit("us")
"""The end that RFC 5280, section 4.1.2.5, gives to a certificate without a well-defined one."""

_LONG_AGO = pd.Timestamp("1970-01-01T00:00:00Z").as_unit("us")


@dataclasses.dataclass(frozen=True)
class _Copy:
    """A fleet in the making, with the device of each registration and of each device entry."""

    fleet: Fleet
    registered: pd.Series
    entered: pd.Series

    def having(self, **frames: pd.DataFrame) -> _Copy:
        return dataclasses.replace(self, fleet=dataclasses.replace(self.fleet, **frames))


def apply(fleet: Fleet, actions: pd.DataFrame) -> Fleet:
    """Return a copy of the fleet in which the actions had been carried out before its log was written.

    Parameters
    ----------
    fleet : Fleet
        It is not changed.
    actions : DataFrame
        Rows of `remedies`, or any frame with the column action and those that its kinds read:

        =================== ==================================================================================
        set clock           device: its registrations have a valid time
        trust               pbx, fingerprint: the certificate enters the PBX's list; pbx missing: every list
        find CA             pbx, name (issuer), value (its key identifier): a CA whose certificate is not at
                            hand enters the list; stood in for by the known certificates that it signed
        renew CA            pbx, fingerprint: a CA certificate of the same name and key, without an end, enters
                            the list
        renew               fingerprint, since: valid from then on (at the latest), without an end
        reissue             fingerprint, value, since: renewed, with this CN
        enrol               pbx, device, value, since: registers by a certificate with this CN that the PBX trusts
        use certificate     pbx, device: registers by its certificate instead of a password
        rename              device, name, value: registers as `value` instead of `name`
        use TLS             device: registers over H.323/TLS
        clear TLS only      pbx, device: the flag of the device entry (of each one, where pbx is missing)
        allow reverse proxy pbx, device: the flag of the device entry (of each one, where pbx is missing)
        =================== ==================================================================================

    Returns
    -------
    Fleet
        What would have been, to be judged by `check(attempts(...))` like any other. Nothing can be signed
        here: a renewed or reissued certificate keeps its fingerprint, its signature and so its place in
        chains and lists, and only its dates and its CN are replaced in the frame.

    Raises
    ------
    MissingColumnError
        If there is no column action.
    CerttrustError
        If an action is of no known kind, lacks what its kind cannot do without, or is to trust a certificate
        that the fleet does not have.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(20, seed=1, faults={"time.clock": 0.2})
    >>> device = ct.attempts(fleet).query("clock_unset")["device"].iloc[0]
    >>> better = apply(fleet, pd.DataFrame({"action": ["set clock"], "device": [device]}))
    >>> int(fleet.registrations["clock_unset"].sum()) > int(better.registrations["clock_unset"].sum())
    True
    """
    registered, entered = identities(fleet)
    return applied(fleet, actions, registered, entered)


def applied(fleet: Fleet, actions: pd.DataFrame, registered: pd.Series, entered: pd.Series) -> Fleet:
    """Do what `apply` does, where the device of each registration and of each device entry is known already."""
    # A log line that says nothing of a registration is no attempt, and must not become one.
    copy = _Copy(fleet, registered.where(speaking(fleet.registrations)), entered)
    for kind, chosen in _conformed(actions).groupby("action", sort=False):
        copy = _DO[str(kind)](copy, chosen)
    return copy.fleet


def _conformed(actions: pd.DataFrame) -> pd.DataFrame:
    if "action" not in actions:
        raise MissingColumnError("the actions lack the column action; it names the kind of each")
    kinds = actions["action"].astype("str")
    unknown = sorted(set(kinds.dropna().unique()) - set(KINDS)) or (["(missing)"] if kinds.isna().any() else [])
    if unknown:
        raise CerttrustError(f"{', '.join(unknown)}: no such action; there are {', '.join(KINDS)}")
    columns = {
        name: actions[name].astype(dtype) if name in actions else pd.Series(pd.NA, index=actions.index, dtype=dtype)
        for name, dtype in COLUMNS.items()
    }
    for kind, needed in _NEEDED.items():
        for name in needed:
            if (columns[name].isna() & (kinds == kind)).any():
                raise CerttrustError(f"an action {kind!r} lacks its {name}; it needs {' and '.join(needed)}")
    return pd.DataFrame({"action": kinds, **columns})


def among(texts: pd.Series, values: pd.Series) -> npt.NDArray[np.bool_]:
    """Tell which texts are among the values; a missing one is not."""
    return places(texts, values) >= 0


def taken(values: pd.Series, place: Codes, index: pd.Index) -> pd.Series:
    """Return the value at each place, missing for -1."""
    return pd.Series(values.array.take(place, allow_fill=True), index=index)


def _set_clock(copy: _Copy, actions: pd.DataFrame) -> _Copy:
    rows = copy.fleet.registrations
    meant = among(copy.registered, actions["device"])
    return copy.having(registrations=rows.assign(clock_unset=rows["clock_unset"].mask(meant, other=False)))


def _use_tls(copy: _Copy, actions: pd.DataFrame) -> _Copy:
    rows = copy.fleet.registrations
    protocol = rows["protocol"].astype("str")
    meant = among(copy.registered, actions["device"]) & protocol.str.startswith("H.323").fillna(value=False).astype(
        bool
    )
    return copy.having(registrations=rows.assign(protocol=protocol.mask(meant, "H.323/TLS").astype("category")))


def _use_certificate(copy: _Copy, actions: pd.DataFrame) -> _Copy:
    rows = copy.fleet.registrations
    authentication = rows["authentication"].astype("str").mask(_at(copy, actions), "certificate")
    return copy.having(registrations=rows.assign(authentication=authentication.astype("category")))


def _at(copy: _Copy, actions: pd.DataFrame) -> pd.Series:
    """Tell which registrations are of the device at the PBX of an action; a registration may leave the PBX out."""
    rows = copy.fleet.registrations
    anywhere = among(copy.registered, actions.loc[actions["pbx"].isna(), "device"])
    there = places_of_rows(_pair(copy.registered, rows["pbx"]), _pair(actions["device"], actions["pbx"])) >= 0
    unsaid = rows["pbx"].isna() & among(copy.registered, actions["device"])
    return unsaid | anywhere | there


def _pair(one: pd.Series, other: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return keys in which a missing part equals another missing part."""
    return one.fillna(""), other.fillna("")


def _rename(copy: _Copy, actions: pd.DataFrame) -> _Copy:
    rows = copy.fleet.registrations
    serial = per_text(device_ids.serials, copy.registered)
    default = serial.where(rows["interface"].isna(), serial + "-" + rows["interface"].astype("str"))
    now = rows["registration_name"].fillna(default)
    found = places_of_rows(_pair(copy.registered, now), _pair(actions["device"], actions["name"]))
    renamed = rows["registration_name"].mask(found >= 0, taken(actions["value"], found, rows.index))
    return copy.having(registrations=rows.assign(registration_name=renamed))


def _clear_tls_only(copy: _Copy, actions: pd.DataFrame) -> _Copy:
    return _flagged(copy, actions, "tls_only", value=False)


def _allow_reverse_proxy(copy: _Copy, actions: pd.DataFrame) -> _Copy:
    return _flagged(copy, actions, "reverse_proxy", value=True)


def _flagged(copy: _Copy, actions: pd.DataFrame, flag: str, *, value: bool) -> _Copy:
    rows = copy.fleet.devices
    anywhere = among(copy.entered, actions.loc[actions["pbx"].isna(), "device"])
    there = places_of_rows(_pair(copy.entered, rows["pbx"]), _pair(actions["device"], actions["pbx"])) >= 0
    return copy.having(devices=rows.assign(**{flag: rows[flag].astype("boolean").mask(anywhere | there, other=value)}))


def _renew(copy: _Copy, actions: pd.DataFrame) -> _Copy:
    rows = copy.fleet.certificates
    first = actions.sort_values("since").drop_duplicates("fingerprint")
    found = places(rows["fingerprint"], first["fingerprint"])
    since, meant = taken(first["since"], found, rows.index), found >= 0
    begun = rows["not_before"].mask(meant & (since < rows["not_before"]), since)
    return copy.having(certificates=rows.assign(not_before=begun, not_after=rows["not_after"].mask(meant, FOREVER)))


def _reissue(copy: _Copy, actions: pd.DataFrame) -> _Copy:
    copy = _renew(copy, actions)
    rows = copy.fleet.certificates
    names = taken(actions["value"], places(rows["fingerprint"], actions["fingerprint"]), rows.index)
    meant = names.notna()
    return copy.having(
        certificates=rows.assign(
            subject_cn=rows["subject_cn"].mask(meant, names),
            subject=rows["subject"].mask(meant, "CN=" + names.str.replace(r"([,+\"\\<>;=#])", r"\\\1", regex=True)),
        )
    )


def _enrol(copy: _Copy, actions: pd.DataFrame) -> _Copy:
    """Give each device a certificate that stands in its PBX's list: who issues it cannot be known here."""
    planned = pd.DataFrame(
        {
            "fingerprint": [
                hashlib.sha256(f"planned for {device} at {pbx}".encode(errors="replace")).hexdigest()
                for device, pbx in zip(actions["device"], actions["pbx"].fillna(""), strict=True)
            ],
            "source": "planned",
            "bundle": "planned " + actions["device"].to_numpy() + " " + actions["pbx"].fillna("").to_numpy(),
            "position": 0,
            "device": actions["device"].to_numpy(),
            "subject": "CN=" + actions["value"].to_numpy(),
            "subject_cn": actions["value"].to_numpy(),
            "issuer": "CN=a CA that the PBX trusts",
            "issuer_cn": "a CA that the PBX trusts",
            "not_before": actions["since"].fillna(_LONG_AGO).array,
            "not_after": FOREVER,
            "is_ca": False,
            "self_issued": False,
        }
    )
    certificates = pd.concat([copy.fleet.certificates, conform(planned, CERTIFICATES)], ignore_index=True)
    trust = _listing(copy.fleet.trust, conform(planned.assign(pbx=actions["pbx"].to_numpy()), TRUST))
    rows = copy.fleet.registrations
    found = places_of_rows(_pair(copy.registered, rows["pbx"]), _pair(actions["device"], actions["pbx"]))
    unsaid = (rows["pbx"].isna() & (found < 0)).to_numpy()
    found[unsaid] = places(copy.registered[unsaid], actions["device"])
    presented = rows["fingerprint"].mask(found >= 0, taken(planned["fingerprint"], found, rows.index))
    copy = copy.having(certificates=certificates, trust=trust, registrations=rows.assign(fingerprint=presented))
    return _use_certificate(copy, actions)


def _listing(trust: pd.DataFrame, entries: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([conform(trust, TRUST), entries], ignore_index=True)


_KNOWN = (
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
    """Return every certificate of the fleet once, whether presented or listed, with its fingerprint as index.

    It has the columns that actions are made of.
    """
    both = pd.concat([frame[list(_KNOWN)] for frame in (fleet.trust, fleet.certificates)], ignore_index=True)
    known = both[both["fingerprint"].notna() & ~both["fingerprint"].duplicated()]
    return known.set_axis(pd.Index(known["fingerprint"], name=None))


def _entries(copy: _Copy, actions: pd.DataFrame) -> pd.DataFrame:
    """Return the certificates of the actions as entries of the lists."""
    wanted = actions["fingerprint"].drop_duplicates()
    meant = [frame[among(frame["fingerprint"], wanted)] for frame in (copy.fleet.trust, copy.fleet.certificates)]
    known = pd.concat([conform(frame, CERTIFICATES)[CERTIFICATES.names] for frame in meant])
    known = known.drop_duplicates("fingerprint").set_index("fingerprint", drop=False)
    absent = wanted[~among(wanted, known["fingerprint"])]
    if len(absent):
        raise CerttrustError(
            f"the fleet has no certificate with the fingerprint {absent.iloc[0]}; it cannot be trusted"
        )
    found = known.loc[actions["fingerprint"]].reset_index(drop=True)
    return conform(found.assign(pbx=actions["pbx"].to_numpy()), TRUST)


def _trust(copy: _Copy, actions: pd.DataFrame) -> _Copy:
    return copy.having(trust=_listing(copy.fleet.trust, _entries(copy, actions)))


def _renew_ca(copy: _Copy, actions: pd.DataFrame) -> _Copy:
    entries = _entries(copy, actions)
    entries["der"] = [_without_end(der) for der in entries["der"]]
    entries["fingerprint"] = [hashlib.sha256(der).hexdigest() for der in entries["der"]]
    return copy.having(trust=_listing(copy.fleet.trust, entries.assign(not_after=FOREVER)))


def _without_end(der: bytes) -> bytes:
    """Return the certificate with the latest end that its form of writing dates can say; its signature is not true."""
    parts = outline(der)
    if parts is None:
        return der
    latest = {13: b"491231235959Z", 15: b"99991231235959Z"}
    text = parts.validity[-15:] if parts.validity[-16:-15] == b"\x0f" else parts.validity[-13:]
    return der.replace(parts.validity, parts.validity[: -len(text)] + latest[len(text)], 1)


def _find_ca(copy: _Copy, actions: pd.DataFrame) -> _Copy:
    known = copy.fleet.certificates.drop_duplicates("fingerprint")
    signed = known.merge(
        actions[["pbx", "name", "value"]], left_on=["issuer", "authority_key_id"], right_on=["name", "value"]
    )
    entries = conform(signed.drop(columns=["name", "value"]), TRUST)
    return copy.having(trust=_listing(copy.fleet.trust, entries))


_DO: dict[str, Callable[[_Copy, pd.DataFrame], _Copy]] = {
    "trust": _trust,
    "find CA": _find_ca,
    "renew CA": _renew_ca,
    "set clock": _set_clock,
    "use TLS": _use_tls,
    "use certificate": _use_certificate,
    "rename": _rename,
    "renew": _renew,
    "reissue": _reissue,
    "enrol": _enrol,
    "clear TLS only": _clear_tls_only,
    "allow reverse proxy": _allow_reverse_proxy,
}
