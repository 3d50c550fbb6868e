"""Attempts: registrations and browser accesses with certificate, device and trust outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import certifi
import numpy as np
import numpy.typing as npt
import pandas as pd

from ..arrays.arrow import as_mask
from ..arrays.grouping import (
    Codes,
    factorize_codes,
    factorize_rows,
    first_positions,
    first_row_positions,
)
from ..certificates.trust_lists import read_trust_list
from ..errors import CerttrustError
from ..fleet import Fleet, expect_fleet
from ..names import device_ids
from ..names.registration_fit import registers_by_device
from ..schema import (
    ATTEMPTS,
    CERTIFICATES,
    LINKS,
    REGISTRATIONS,
    TRUST,
    conform,
    expect,
)
from ..texts.sentences import language, say
from ..texts.translation import FRAMES
from ..trust import browser_verdict, trust_state
from .ownership import Ownership, leaves, per_text
from .tls_versions import highest_versions
from .wire import Mask, seen_on_wire

_FLAGS = ("tls_only", "reverse_proxy")
_PERSON = ("user", "long_name", "number")
_DEVICE_COLUMNS = (*_PERSON, "model", "firmware", "location", *_FLAGS)
_CERTIFICATE_COLUMNS = (
    "subject",
    "subject_cn",
    "issuer",
    "issuer_cn",
    "dns_names",
    "ip_addresses",
    "not_before",
    "not_after",
    "self_issued",
    "key_type",
    "key_size",
    "signature_hash",
    "signature_algorithm",
    "key_usage",
    "extended_key_usage",
)
_ONLY_HERE = (
    "interface",
    "protocol",
    "authentication",
    "via_reverse_proxy",
    "matched_by",
)
_STATED = (
    "pbx",
    "hardware_id",
    "registration_name",
    "fingerprint",
    "serial",
    *_ONLY_HERE,
)
"""What a registration states of itself, beside its time and its outcome."""
_OF_REGISTRATIONS = (
    "state",
    "registration_name",
    "protocol",
    "authentication",
    "fingerprint",
)
"""The columns of which a row about a registration has at least one."""


def attempts(fleet: Fleet, of: Literal["log", "devices"] = "log") -> pd.DataFrame:
    """Join every registration with its certificate, its device entry and the trust outcome.

    Parameters
    ----------
    fleet : Fleet
        The frames to join; with links (`certtrust.link`) no signature is verified again.
    of : {"log", "devices"}
        "log": one attempt per registration. "devices": one would-be attempt per device entry
        over H.323/TLS with a set clock, by its default registration name, for a fleet without
        a log.

    Returns
    -------
    DataFrame
        Table ATTEMPTS, one row per registration (or device), in that order and with that index;
        further columns of the registrations follow. Log lines that say nothing of a
        registration (no state, name, protocol, authentication or fingerprint) are
        none, and stay in `fleet.registrations` alone.

    Notes
    -----
    The certificate is the one that the log names by fingerprint, else the device's newest one
    already issued at that time; `certificate_by` says which. A hardware ID is joined to a
    serial by its three last octets where only one serial of the fleet ends so (inferred from
    two documented pairs).

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(20, seed=1)
    >>> len(ct.attempts(fleet, of="devices")) == len(fleet.devices)
    True
    """
    fleet = expect_fleet(fleet)
    if of not in ("log", "devices"):
        raise CerttrustError(say("errors.evaluation.of", of=repr(of)))
    return joined(fleet, Ownership.of(fleet), of)


def joined(fleet: Fleet, ownership: Ownership, of: str) -> pd.DataFrame:
    """Return what `attempts` does, where the ownership in the fleet is known already."""
    rows = (
        _registered(fleet.registrations) if of == "log" else _would_be(fleet.devices)
    )
    # Devices repeat the same attempt again and again: what does not depend on the time is found
    # once for all of them.
    code, first = factorize_rows(rows, _STATED)
    cases = rows[list(_STATED)].iloc[first].reset_index(drop=True)
    cases["device"] = owners_of(cases, ownership)
    address = cases["pbx"]
    cases["pbx"] = address.mask(_is_address(cases, fleet))
    cases = _with_device(cases, fleet.devices.assign(device=ownership.entered))
    cases["pbx"] = cases["pbx"].fillna(address)
    cases = _with_default_name(cases)
    cases["scenario"] = scenarios(cases)
    cases = _with_tls(cases, fleet, ownership)
    certificate = ownership.certificate_rows(
        cases, code, rows["time"], or_next=of == "devices"
    )
    number, first = factorize_codes(code, certificate)
    cases = _with_certificate(
        cases.iloc[code[first]].reset_index(drop=True),
        fleet.certificates,
        certificate[first],
    )
    cases = _with_trust_paths(cases, fleet.certificates, fleet.trust, fleet.links)
    cases = cases.drop(columns=list(_ONLY_HERE)).take(number).set_axis(rows.index)
    rows = rows.assign(**{str(name): column for name, column in cases.items()})
    return conform(_at_its_time(rows), ATTEMPTS)


def owners_of(
    cases: pd.DataFrame, ownership: Ownership, presenters: pd.Series | None = None
) -> pd.Series:
    """Return the device of each case; one that was seen on the wire is known by its certificate.

    Parameters
    ----------
    cases : DataFrame
        What lines of a log say of themselves.
    ownership : Ownership
        Who owns what in the fleet.
    presenters : Series of str, optional
        By default `Ownership.presenters`, which needs the certificates.
    """
    owners = ownership.owners(cases)
    unnamed = owners.isna() & seen_on_wire(cases)
    if not unnamed.any():
        return owners
    if presenters is None:
        presenters = ownership.presenters
    position = first_positions(
        cases["fingerprint"].where(unnamed), presenters.index.to_series()
    )
    by_certificate = presenters.array.take(position, allow_fill=True)
    return owners.fillna(pd.Series(by_certificate, index=cases.index, dtype="str"))


def _is_address(cases: pd.DataFrame, fleet: Fleet) -> Mask:
    """Return where the PBX of a connection is just the address of the server."""
    on_wire = seen_on_wire(cases)
    if not on_wire.any():
        return on_wire
    names = pd.concat([fleet.devices["pbx"], fleet.trust["pbx"]])
    return on_wire & ~as_mask(cases["pbx"].isin(names.dropna()))


def is_registration(registrations: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which rows are about a registration: logs hold other and unreadable lines, too."""
    columns = [registrations[column].notna() for column in _OF_REGISTRATIONS]
    mask: npt.NDArray[np.bool_] = np.any(columns, axis=0)
    return mask


def _registered(registrations: pd.DataFrame) -> pd.DataFrame:
    """Return the rows about a registration, without the columns that attempts do not have."""
    of_registration = is_registration(registrations)
    dropped = [
        column for column in REGISTRATIONS.names if column not in ATTEMPTS.names
    ]
    rows = registrations.drop(columns=dropped, errors="ignore")
    return rows if of_registration.all() else rows.loc[of_registration]


def _would_be(devices: pd.DataFrame) -> pd.DataFrame:
    """Return one row per device entry as a log would have it."""
    rows = devices[["pbx", "serial", "hardware_id", "source"]].assign(
        protocol="H.323/TLS", clock_unset=False, via_reverse_proxy=False
    )
    columns = [*rows.columns, "time", "state", *_STATED]
    return conform(rows, ATTEMPTS)[list(dict.fromkeys(columns))]


def _take(frame: pd.DataFrame, rows: Codes, index: pd.Index) -> pd.DataFrame:
    """Return rows by position; -1 gives a row of missing values."""
    return frame.reset_index(drop=True).reindex(rows).set_axis(index)


def _agreed(devices: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return one row per key, missing where its entries disagree or one lacks a flag."""
    devices = devices.dropna(subset=keys)[[*keys, *_DEVICE_COLUMNS]]
    several = devices.duplicated(keys, keep=False)
    if not several.any():
        return devices
    grouped = devices[several].groupby(keys, sort=False)
    distinct = grouped.nunique()
    agreed = grouped.first().mask(distinct > 1)
    flags = list(_FLAGS)
    one_lacks_it = grouped[flags].count().lt(grouped.size(), axis=0)
    agreed[flags] = agreed[flags].mask(one_lacks_it)
    # Of two persons, the name of one must not stand beside the number of the other.
    are_two = distinct[["user", "long_name"]].gt(1).any(axis="columns")
    agreed[["long_name", "number"]] = agreed[["long_name", "number"]].mask(are_two)
    return pd.concat([devices[~several], agreed.reset_index()], ignore_index=True)


def _with_device(rows: pd.DataFrame, devices: pd.DataFrame) -> pd.DataFrame:
    """Add the columns of the device entry: that of the row's PBX, else the device's only one."""
    devices = devices.dropna(subset=["device"])
    objects = devices[["device", "pbx"]].drop_duplicates()
    only = objects[~objects.duplicated("device", keep=False)]
    position = first_positions(rows["device"], only["device"])
    only_pbx = _take(only, position, rows.index)["pbx"]
    rows = rows.assign(pbx=rows["pbx"].fillna(only_pbx))
    per_pbx = _agreed(devices, ["device", "pbx"])
    anywhere = _agreed(devices, ["device"])
    exact = first_row_positions(
        (rows["device"], rows["pbx"]), (per_pbx["device"], per_pbx["pbx"])
    )
    loose = first_positions(rows["device"], anywhere["device"])
    loose[first_positions(rows["pbx"], devices["pbx"]) >= 0] = -1
    own = _take(per_pbx, exact, rows.index)
    fallback = _take(anywhere, loose, rows.index)
    for column in _DEVICE_COLUMNS:
        rows[column] = own[column].where(exact >= 0, fallback[column])
    spellings = _entered_spellings(devices)
    position = first_positions(rows["device"], spellings["device"])
    entered = _take(spellings, position, rows.index)
    for column in ("serial", "hardware_id"):
        rows[column] = rows[column].fillna(entered[column])
    return rows


def _entered_spellings(devices: pd.DataFrame) -> pd.DataFrame:
    """Return the serial and the hardware ID that the entries of each device agree on."""
    is_serial = device_ids.serials(devices["hardware_id"]).notna()
    entries = devices.assign(hardware_id=devices["hardware_id"].mask(is_serial))
    agreed = []
    for column in ("serial", "hardware_id"):
        entered = entries[["device", column]].dropna()
        spelling = device_ids.same_spelling(entered[column])
        distinct = entered.assign(**{column: spelling}).drop_duplicates()
        several = distinct.loc[distinct.duplicated("device"), "device"]
        entered = entered[~entered["device"].isin(several)].drop_duplicates("device")
        agreed.append(entered.set_index("device")[column])
    return pd.concat(agreed, axis=1).reset_index()


def _with_tls(
    cases: pd.DataFrame, fleet: Fleet, ownership: Ownership
) -> pd.DataFrame:
    """Add the TLS version that the device was seen to speak, and the TLS profile of the PBX."""
    nothing = pd.Series(None, index=cases.index, dtype="str")
    version, profile = nothing, nothing
    if fleet.handshakes is not None and len(fleet.handshakes):
        versions = highest_versions(fleet.handshakes, ownership)
        version = cases["device"].map(versions).astype("str")
    if fleet.profiles is not None and len(fleet.profiles):
        profiles = fleet.profiles.drop_duplicates("pbx", keep="last")
        profiles = profiles.astype({"tls_profile": "str"})
        own = profiles.dropna(subset=["pbx"]).set_index("pbx")["tls_profile"]
        profile = cases["pbx"].map(own).astype("str")
        for common in profiles.loc[profiles["pbx"].isna(), "tls_profile"]:
            profile = profile.fillna(common)
    return cases.assign(tls_version=version, tls_profile=profile)


def _with_default_name(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the default registration name: the serial, and behind it a gateway's interface."""
    serial = per_text(device_ids.serials, rows["device"])
    interface = rows["interface"]
    default = serial.where(interface.isna(), serial + "-" + interface.astype("str"))
    # Within TLS, nobody sees the name that is registered.
    default = default.mask(seen_on_wire(rows))
    names = rows["registration_name"]
    name_by = pd.Series("log", index=rows.index, dtype="str").where(names.notna())
    return rows.assign(
        registration_name=names.fillna(default),
        name_by=name_by.mask(names.isna() & default.notna(), "default"),
    )


def by_serial(registration_names: pd.Series, devices: pd.Series) -> pd.Series:
    """Return where registration names begin with the serial of their device.

    Over TLS these log in by certificate.
    """
    serial = per_text(device_ids.serials, devices)
    return registration_names.str.slice(stop=12).str.lower() == serial


def scenarios(rows: pd.DataFrame) -> pd.Series:
    """Return the scenario of each row of a log.

    It is that of the log's authentication, else of TLS only, else of the registration name.
    """
    protocol = rows["protocol"].astype("str")
    authentication = rows["authentication"].astype("str")
    by_proxy = as_mask(rows["via_reverse_proxy"] & rows["reverse_proxy"])
    by_certificate = as_mask(rows["tls_only"]) & ~by_proxy
    by_certificate |= as_mask(authentication == "certificate")
    over_tls = as_mask(protocol == "H.323/TLS")
    open_rows = np.flatnonzero(
        over_tls
        & ~by_certificate
        & authentication.isna().to_numpy()
        & ~seen_on_wire(rows)
    )
    by_certificate[open_rows] = registers_by_device(rows.iloc[open_rows])
    scenario = pd.Series("h323-certificate", index=rows.index, dtype="str")
    scenario = scenario.where(by_certificate)
    scenario = scenario.mask(authentication == "password", "h323-password")
    other_protocol = as_mask(protocol.str.startswith("SIP"))
    return scenario.mask(other_protocol | as_mask(authentication == "none"))


def _with_certificate(
    cases: pd.DataFrame, certificates: pd.DataFrame, row: Codes
) -> pd.DataFrame:
    """Add the certificate at each position, and how it was found."""
    named = cases["fingerprint"].str.lower()
    columns = ["fingerprint", "bundle", "parse_error", *_CERTIFICATE_COLUMNS]
    own = _take(certificates[columns], row, cases.index)
    own = own.rename(columns={"parse_error": "certificate_error"})
    by = pd.Series("device", index=cases.index, dtype="str")
    by = by.mask(named.notna(), "fingerprint").where(row >= 0)
    own["certificate_by"] = by.astype("category")
    own["fingerprint"] = own["fingerprint"].fillna(named)
    return cases.drop(columns="fingerprint").join(own)


def _with_trust_paths(
    cases: pd.DataFrame,
    certificates: pd.DataFrame,
    trust: pd.DataFrame,
    links: pd.DataFrame | None,
) -> pd.DataFrame:
    """Add the ways to the trust list, judged once per distinct certificate, bundle and PBX."""
    arrived = cases["bundle"].notna()
    leaves = cases[["fingerprint", "bundle", "pbx"]].assign(
        fingerprint=cases["fingerprint"].where(arrived)
    )
    # A listing has names and dates of a certificate, and nothing that could be verified.
    listing = arrived & cases["fingerprint"].isna()
    with language(FRAMES):
        outcome = trust_state.judge(leaves, certificates, trust, links)
        reason = cases["certificate_error"].fillna(say("trust.reasons.only_listed"))
    return cases.assign(
        trust_paths=outcome["trust_paths"],
        trust_failure=outcome["trust_failure"].mask(listing, "unreadable"),
        trust_detail=outcome["trust_detail"].mask(listing, reason),
    )


def _at_its_time(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the trust outcome at the row's own time."""
    now = pd.Timestamp.now("UTC").as_unit("us")
    outcome = trust_state.trust_at(rows, rows["time"].fillna(now))
    failures = trust_state.failures(outcome["trust_state"], rows["trust_detail"])
    return rows.assign(**outcome, **failures)


def browser_attempts(
    certificates: pd.DataFrame,
    urls: str | Sequence[str] | Mapping[str, str],
    trust: pd.DataFrame | None = None,
    *,
    links: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Make one attempt per certificate that a server presents and URL that a browser opens.

    Parameters
    ----------
    certificates : DataFrame
        Table CERTIFICATES: what the servers present; certificates of one bundle may complete a
        chain.
    urls : str, sequence of str, or mapping
        One URL for every presented certificate; or one URL each, in order; or several URLs for
        a single certificate; or a mapping from `device`, `bundle` or `fingerprint` to the URL.
    trust : DataFrame, optional
        Table TRUST: the browser's list. By default the public list of certifi.
    links : DataFrame, optional
        Table LINKS; what is missing in it is verified.

    Returns
    -------
    DataFrame
        Table ATTEMPTS with scenario "browser", judged "now" by `check` by default.

    Raises
    ------
    CerttrustError
        If the number of URLs fits neither one certificate nor all of them.

    Examples
    --------
    >>> import certtrust as ct
    >>> certificates = ct.simulate(5, seed=1).certificates
    >>> leaf, authority = certificates.head(1), certificates.tail(1)
    >>> attempts = browser_attempts(leaf, "https://192.0.2.7/", authority)
    >>> attempts["scenario"].tolist()
    ['browser']
    """
    certificates = expect(certificates, CERTIFICATES)
    if trust is None:
        trust = read_trust_list(certifi.where())
    trust = conform(expect(trust, TRUST, CERTIFICATES.names), TRUST)
    links = None if links is None else expect(links, LINKS)
    served = _served(certificates)
    if isinstance(urls, Mapping):
        url = pd.Series(pd.NA, index=served.index, dtype="str")
        for key in ("device", "bundle", "fingerprint"):
            url = url.fillna(served[key].map(urls).astype("str"))
        served = served[url.notna()].assign(url=url.dropna())
    else:
        listed = [urls] * len(served) if isinstance(urls, str) else list(urls)
        if len(served) == 1:
            served = served.loc[served.index.repeat(len(listed))]
        if len(served) != len(listed):
            raise CerttrustError(
                say(
                    "errors.evaluation.urls",
                    urls=len(listed),
                    certificates=len(served),
                )
            )
        served = served.assign(url=pd.Series(listed, index=served.index, dtype="str"))
    served = served.reset_index(drop=True).rename(
        columns={"parse_error": "certificate_error"}
    )
    kept = [
        "device",
        "fingerprint",
        "bundle",
        "url",
        "certificate_error",
        "source",
        *_CERTIFICATE_COLUMNS,
    ]
    rows = conform(
        served[kept].assign(scenario="browser", certificate_by="url"), ATTEMPTS
    )
    # A browser always has its list: where it holds nothing, or nothing that browsers take, it
    # trusts nobody.
    there = conform(pd.DataFrame(index=range(1)), TRUST)
    everyone = pd.concat(
        [trust.assign(pbx=pd.Series(pd.NA, index=trust.index, dtype="str")), there]
    )
    everyone = everyone.reset_index(drop=True)
    links = trust_state.link(certificates, everyone, links)
    rows = _at_its_time(_with_trust_paths(rows, certificates, everyone, links))
    with language(FRAMES):
        rows["browser_paths"] = browser_verdict.browser_paths(
            rows, certificates, everyone, links
        )
    return conform(rows, ATTEMPTS)


def _served(certificates: pd.DataFrame) -> pd.DataFrame:
    """Return what servers present as their own: leaves, without CAs that came with one."""
    served = leaves(certificates)
    is_ca = served["is_ca"].fillna(value=False).astype(bool)
    came_with_a_leaf = served["bundle"].isin(served.loc[~is_ca, "bundle"])
    return served[~(is_ca & came_with_a_leaf)]
