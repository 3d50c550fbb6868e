"""What-ifs: the same fleet under other settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..arrays.arrow import as_mask
from ..errors import CerttrustError, MissingColumnError
from ..evaluation.requirements.tls_versions import PROFILES
from ..fleet import Fleet, expect_fleet
from ..schema import HANDSHAKES, TRUST, conform, expect
from ..schema import PROFILES as TLS_PROFILES
from ..texts.labels import either
from ..texts.sentences import say

EVERY = ""
"""Stands for every PBX."""


@dataclass(frozen=True)
class Settings:
    """Another configuration of a fleet.

    Parameters
    ----------
    trust : DataFrame
        Table TRUST: the trust lists instead of those of the fleet.
    tls_only : mapping of str to bool
        "TLS only" at all device entries of a PBX, or of `EVERY` one; a PBX's own setting wins.
    authentication : mapping of str to {"certificate", "password", None}
        How all registrations at a PBX authenticate that are not known to be SIP; None = the log
        does not say.
    """

    trust: pd.DataFrame
    tls_only: Mapping[str, bool] = field(default_factory=dict)
    authentication: Mapping[str, str | None] = field(default_factory=dict)

    def applied(self, fleet: Fleet, pbx: pd.Series | None = None) -> Fleet:
        """Return a copy of the fleet with these settings.

        Parameters
        ----------
        fleet : Fleet
            It is not changed.
        pbx : Series of str, optional
            The PBX of each registration, where it is known from more than the log.
        """
        devices, log = fleet.devices, fleet.registrations
        if self.tls_only:
            flags = _with_settings(devices["tls_only"], devices["pbx"], self.tls_only)
            devices = devices.assign(tls_only=flags.astype("boolean"))
        if self.authentication:
            current = log["authentication"].astype("str")
            pbx = log["pbx"] if pbx is None else pbx
            changed = _with_settings(current, pbx, self.authentication)
            # The article says nothing about how SIP authenticates.
            is_sip = as_mask(log["protocol"].astype("str").str.startswith("SIP"))
            changed = changed.mask(is_sip, current)
            log = log.assign(authentication=changed.astype("category"))
        return dataclasses.replace(
            fleet, trust=self.trust, devices=devices, registrations=log
        )


def _with_settings(
    values: pd.Series, pbx: pd.Series, settings: Mapping[str, Any]
) -> pd.Series:
    """Return the values with the setting for every PBX, then those for single PBXs."""
    for name in sorted(settings, key=lambda name: name != EVERY):
        rows = np.full(len(values), name == EVERY) | as_mask(pbx == name)
        values = values.mask(rows, settings[name])
    return values


def what_if(
    fleet: Fleet,
    *,
    trust: pd.DataFrame | None = None,
    tls_only: bool | None = None,
    authentication: str | None = None,
    retire: str | Sequence[str] | None = None,
    tls_profile: str | None = None,
    endpoints: pd.DataFrame | None = None,
) -> Fleet:
    """Return a copy of the fleet with another configuration, to judge like any other.

    Parameters
    ----------
    fleet : Fleet
        It is not changed.
    trust : DataFrame, optional
        Table TRUST: the trust lists instead of those that are there; entries without pbx are in
        every list.
    tls_only : bool, optional
        "TLS only" set (or cleared) at every device entry.
    authentication : {"certificate", "password"}, optional
        How every registration over H.323 authenticates: "certificate" = password authentication
        is gone.
    retire : str or sequence of str, optional
        CAs by fingerprint, or by common name, to take out of every trust list. Certificates
        below them stay trusted where another CA of their chain is in the list, as the article
        says.
    tls_profile : {"normal", "strict"}, optional
        The TLS profile of every PBX from 16r1 on: "normal", its default, takes TLS 1.2 and 1.3,
        "strict" TLS 1.3 alone. The highest version that a device speaks is known where a
        connection of the fleet's handshakes, or an endpoint, shows it; elsewhere a registration
        that would pass otherwise becomes unknown.
    endpoints : DataFrame, optional
        Devices that were asked themselves: columns tls_version and certificates (fingerprints,
        leaf first), and if there asked_at, of table ENDPOINTS.

    Returns
    -------
    Fleet

    Raises
    ------
    CerttrustError
        If a CA to retire is in no list, or `authentication` or `tls_profile` is another word.

    Notes
    -----
    To judge at another moment, use `check(attempts(fleet), at="2028-01-01")`.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.link(ct.simulate(40, seed=2, faults={}))
    >>> before = ct.check(ct.attempts(fleet))

    Which registrations end when nobody may log in with a password any more?

    >>> after = ct.check(ct.attempts(what_if(fleet, authentication="certificate")))
    >>> set(ct.changes(before, after)["change"].unique()) <= {"broken", "now unknown"}
    True

    When every device entry says "TLS only", when the lists hold one CA alone, when a CA is
    retired, and in 2071:

    >>> strict = ct.check(ct.attempts(what_if(fleet, tls_only=True)))
    >>> one_ca = ct.check(ct.attempts(what_if(fleet, trust=fleet.trust.head(1).assign(pbx=None))))
    >>> retired = ct.check(ct.attempts(what_if(fleet, retire=fleet.trust["fingerprint"].iloc[0])))
    >>> later = ct.check(ct.attempts(fleet), at="2071-01-01")
    >>> bool((later["verdict"] == "pass").sum() < (before["verdict"] == "pass").sum())
    True

    After an update to 16r1, as far as captures show which version a device speaks:

    >>> updated = ct.check(ct.attempts(what_if(fleet, tls_profile="normal")))
    >>> "transport.tls_version" in updated
    True
    """
    fleet = expect_fleet(fleet)
    if authentication not in (None, "certificate", "password"):
        raise CerttrustError(
            say("errors.advice.authentication", word=repr(authentication))
        )
    if tls_profile not in (None, *PROFILES):
        profiles = either(list(PROFILES))
        word = repr(tls_profile)
        raise CerttrustError(
            say("errors.advice.tls_profile", word=word, profiles=profiles)
        )
    if tls_profile is not None:
        own = conform(pd.DataFrame({"tls_profile": [tls_profile]}), TLS_PROFILES)
        fleet = dataclasses.replace(fleet, profiles=own)
    if endpoints is not None:
        fleet = with_endpoints(fleet, endpoints)
    if all(setting is None for setting in (trust, tls_only, authentication, retire)):
        return fleet
    lists = fleet.trust if trust is None else conform(trust, TRUST)
    if retire is not None:
        lists = _without_cas(lists, [retire] if isinstance(retire, str) else retire)
    return Settings(
        lists,
        {} if tls_only is None else {EVERY: tls_only},
        {} if authentication is None else {EVERY: authentication},
    ).applied(fleet)


def with_endpoints(fleet: Fleet, endpoints: pd.DataFrame) -> Fleet:
    """Return the fleet with endpoints that were asked among its handshakes.

    Parameters
    ----------
    fleet : Fleet
        It is not changed.
    endpoints : DataFrame
        Columns tls_version and certificates, and if there host, port and asked_at.
    """
    rows = expect(endpoints, HANDSHAKES, ["tls_version"])
    if "certificates" not in rows:
        raise MissingColumnError(say("errors.advice.endpoints"))
    names = {
        "certificates": "server_certificates",
        "asked_at": "time",
        "host": "server",
    }
    kept = [*names, "tls_version"]
    rows = rows[[name for name in kept if name in rows]].rename(columns=names)
    # Who asks offers the newest version there is.
    rows = conform(rows.assign(offered_version="TLS 1.3"), HANDSHAKES)
    before = [] if fleet.handshakes is None else [fleet.handshakes]
    together = conform(pd.concat([*before, rows], ignore_index=True), HANDSHAKES)
    return dataclasses.replace(fleet, handshakes=together)


def _without_cas(trust: pd.DataFrame, cas: Sequence[str]) -> pd.DataFrame:
    """Return the lists without some CAs, given by fingerprint or common name."""
    removed = np.zeros(len(trust), dtype=bool)
    for name in cas:
        matches = as_mask(
            trust["fingerprint"].eq(name.lower()) | trust["subject_cn"].eq(name)
        )
        if not matches.any():
            raise CerttrustError(say("errors.advice.retired", name=name))
        removed |= matches
    return without_entries(trust, removed)


def without_entries(
    trust: pd.DataFrame, removed: npt.NDArray[np.bool_]
) -> pd.DataFrame:
    """Return the lists without some entries; a list that becomes empty stays a known one.

    Examples
    --------
    >>> lists = pd.DataFrame({"pbx": ["hq", "hq", "hotel"], "fingerprint": ["00", "01", "00"]})
    >>> left = without_entries(lists, np.array([True, False, True]))
    >>> left[["pbx", "fingerprint", "parse_error"]].fillna("-").values.tolist()
    [['hq', '01', '-'], ['hotel', '-', 'the list is empty']]
    """
    kept = trust[~removed]
    emptied = trust.loc[~trust["pbx"].isin(kept["pbx"]), ["pbx"]].drop_duplicates()
    emptied = conform(emptied.assign(parse_error="the list is empty"), TRUST)
    return conform(pd.concat([kept, emptied], ignore_index=True), TRUST)
