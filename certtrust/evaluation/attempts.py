"""Attempts: each registration, or each browser access, with its certificate, its device and the
trust outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import certifi
import numpy as np
import numpy.typing as npt
import pandas as pd

from ..arrays.arrow import as_mask
from ..arrays.grouping import Codes, factorize_codes, factorize_rows, first_positions, first_row_positions
from ..certificates.trust_lists import read_trust_list
from ..errors import CerttrustError
from ..fleet import Fleet
from ..names import device_ids
from ..names.registration_fit import registers_by_device
from ..schema import ATTEMPTS, REGISTRATIONS, TRUST, conform
from ..texts.sentences import say
from ..trust import browser_verdict, trust_state
from .ownership import (
    Whose,
    leaves,
    owned,
    owner,
    per_text,
    presented,
    unread_of,
    whose,
)

_FLAGS = ("tls_only", "reverse_proxy")
_DEVICE_COLUMNS = ("user", "model", "firmware", "location", *_FLAGS)
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
_AS_SAID = ("interface", "protocol", "authentication", "via_reverse_proxy")
_SAID = ("pbx", "hardware_id", "registration_name", "fingerprint", "serial", *_AS_SAID)
"""What a registration says of itself, beside its time and its outcome; the first five may be
completed.
"""
_SPEAKING = ("state", "registration_name", "protocol", "authentication", "fingerprint")


def attempts(fleet: Fleet, of: Literal["log", "devices"] = "log") -> pd.DataFrame:
    """Join every registration with its certificate, its device entry and the trust outcome.

    Parameters
    ----------
    fleet : Fleet
        The frames to join; with links (`certtrust.link`) no signature is verified again.
    of : {"log", "devices"}
        "log": one attempt per registration. "devices": one would-be attempt per device entry
        over H.323/TLS with a set clock, by its default registration name, for who has no log
        (yet).

    Returns
    -------
    DataFrame
        Table ATTEMPTS, one row per registration (or device), in that order and with that index;
        columns that the registrations hold beyond their table follow. Log lines that say
        nothing of a registration (no state, name, protocol, authentication or fingerprint) are
        none, and stay in `fleet.registrations` alone.

    Notes
    -----
    The certificate is the one that the log names by fingerprint, else the device's newest one
    already issued at that time; `certificate_by` tells which. A hardware ID is joined to a
    serial by its three last octets where only one serial of the fleet ends so (inferred from
    two documented pairs).

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(20, seed=1)
    >>> len(ct.attempts(fleet, of="devices")) == len(fleet.devices)
    True
    """
    if of not in ("log", "devices"):
        raise CerttrustError(say("errors.evaluation.of", of=repr(of)))
    return joined(fleet, whose(fleet), of)


def joined(fleet: Fleet, known: Whose, of: str) -> pd.DataFrame:
    """Do what `attempts` does, where it is known already whose entries and certificates are."""
    rows = _registered(fleet.registrations) if of == "log" else _would_be(fleet.devices)
    devices = fleet.devices.assign(device=known.entered)
    # Devices try again and again in the same way: what does not depend on the time is found
    # once for all tries.
    same, first = factorize_rows(rows, _SAID)
    cases = rows[list(_SAID)].iloc[first].reset_index(drop=True)
    cases["device"] = owner(cases, devices, known.tails)
    cases = _with_default_name(_with_device(cases, devices))
    cases["scenario"] = scenarios(cases)
    held = owned(known.held, known.tails)
    unread = unread_of(fleet.certificates, known.tails)
    place = presented(
        cases,
        same,
        rows["time"],
        fleet.certificates,
        held,
        unread,
        or_next=of == "devices",
    )
    number, first = factorize_codes(same, place)
    cases = _with_certificate(
        cases.iloc[same[first]].reset_index(drop=True), fleet.certificates, place[first]
    )
    cases = _with_trust_paths(cases, fleet.certificates, fleet.trust, fleet.links)
    cases = cases.drop(columns=list(_AS_SAID)).take(number).set_axis(rows.index)
    return conform(
        _at_its_time(
            rows.assign(**{str(name): found for name, found in cases.items()})
        ),
        ATTEMPTS,
    )


def speaking(registrations: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell which rows speak of a registration: logs hold other lines, too, and such that cannot
    be read.
    """
    spoken: npt.NDArray[np.bool_] = np.any(
        [registrations[column].notna() for column in _SPEAKING], axis=0
    )
    return spoken


def _registered(registrations: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows that speak of a registration."""
    spoken = speaking(registrations)
    dropped = [column for column in REGISTRATIONS.names if column not in ATTEMPTS.names]
    rows = registrations.drop(columns=dropped, errors="ignore")
    return rows if spoken.all() else rows.loc[spoken]


def _would_be(devices: pd.DataFrame) -> pd.DataFrame:
    kept = devices[["pbx", "serial", "hardware_id", "source"]].copy()
    kept["protocol"] = "H.323/TLS"
    kept["clock_unset"] = pd.array([False] * len(kept), dtype="boolean")
    kept["via_reverse_proxy"] = pd.array([False] * len(kept), dtype="boolean")
    return conform(kept, ATTEMPTS)[
        [
            *kept.columns,
            "time",
            "registration_name",
            "interface",
            "authentication",
            "fingerprint",
            "state",
        ]
    ]


def _take(
    frame: pd.DataFrame, positions: np.ndarray[Any, Any], index: pd.Index
) -> pd.DataFrame:
    """Take rows by position; -1 gives a row of missing values."""
    taken = frame.reset_index(drop=True).reindex(positions)
    taken.index = index
    return taken


def _agreed(devices: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Keep one row per key, with missing values where the entries disagree, and flags where one
    is silent.
    """
    devices = devices.dropna(subset=keys)[[*keys, *_DEVICE_COLUMNS]]
    several = devices.duplicated(keys, keep=False)
    if not several.any():
        return devices
    grouped = devices[several].groupby(keys, sort=False)
    values = grouped.nunique()
    agreed = grouped.first().mask(values > 1)
    flags = list(_FLAGS)
    one_is_silent = grouped[flags].count().lt(grouped.size(), axis=0)
    agreed[flags] = agreed[flags].mask(one_is_silent)
    agreed = agreed.reset_index()
    return pd.concat([devices[~several], agreed], ignore_index=True)


def _with_device(rows: pd.DataFrame, devices: pd.DataFrame) -> pd.DataFrame:
    """Add the columns of the device entry: that of the row's PBX, else the device's only one."""
    known = devices.dropna(subset=["device"])
    objects = known[["device", "pbx"]].drop_duplicates()
    only = objects[~objects.duplicated("device", keep=False)]
    only_pbx = _take(only, first_positions(rows["device"], only["device"]), rows.index)["pbx"]
    rows = rows.assign(pbx=rows["pbx"].fillna(only_pbx))
    per_pbx = _agreed(known, ["device", "pbx"])
    anywhere = _agreed(known, ["device"])
    exact = first_row_positions(
        (rows["device"], rows["pbx"]), (per_pbx["device"], per_pbx["pbx"])
    )
    loose = first_positions(rows["device"], anywhere["device"])
    loose[places(rows["pbx"], known["pbx"]) >= 0] = -1
    found = _take(per_pbx, exact, rows.index)
    fallback = _take(anywhere, loose, rows.index)
    for column in _DEVICE_COLUMNS:
        rows[column] = found[column].where(exact >= 0, fallback[column])
    spellings = _entered_spellings(known)
    by_device = _take(
        spellings, first_positions(rows["device"], spellings["device"]), rows.index
    )
    return rows.assign(
        **{
            name: rows[name].fillna(by_device[name])
            for name in ("serial", "hardware_id")
        }
    )


def _entered_spellings(devices: pd.DataFrame) -> pd.DataFrame:
    """Return the serial and the hardware ID that the entries of each device agree on."""
    is_serial = device_ids.serials(devices["hardware_id"]).notna()
    named = pd.DataFrame(
        {
            "device": devices["device"],
            "serial": devices["serial"],
            "hardware_id": devices["hardware_id"].mask(is_serial),
        }
    )
    parts = []
    for name in ("serial", "hardware_id"):
        entered = named[["device", name]].dropna()
        spelled = device_ids.same_spelling(entered[name])
        distinct_values = pd.DataFrame(
            {"device": entered["device"], "spelled": spelled}
        ).drop_duplicates()
        several = distinct_values.loc[distinct_values.duplicated("device"), "device"]
        entered = entered[~entered["device"].isin(several)].drop_duplicates("device")
        parts.append(entered.set_index("device")[name])
    return pd.concat(parts, axis=1).reset_index()


def _with_default_name(rows: pd.DataFrame) -> pd.DataFrame:
    """Fill the default registration name: the serial, for a gateway's interface followed by its
    name.
    """
    serial = per_text(device_ids.serials, rows["device"])
    default = serial.where(
        rows["interface"].isna(), serial + "-" + rows["interface"].astype("str")
    )
    by_default = rows["registration_name"].isna() & default.notna()
    name_by = pd.Series("log", index=rows.index, dtype="str").where(
        rows["registration_name"].notna()
    )
    return rows.assign(
        registration_name=rows["registration_name"].mask(by_default, default),
        name_by=name_by.mask(by_default, "default"),
    )


def by_serial(registration_names: pd.Series, devices: pd.Series) -> pd.Series:
    """Tell which registration names begin with the serial of their device; over TLS that is by
    certificate.
    """
    return registration_names.str.slice(stop=12).str.lower() == per_text(
        device_ids.serials, devices
    )


def scenarios(rows: pd.DataFrame) -> pd.Series:
    """Return the scenario: by the log's authentication, else by TLS only or by what the device
    registers as.
    """
    protocol = rows["protocol"].astype("str")
    authentication = rows["authentication"].astype("str")
    tls_only = as_mask(rows["tls_only"]) & ~as_mask(
        rows["via_reverse_proxy"] & rows["reverse_proxy"]
    )
    by_certificate = tls_only | as_mask(authentication == "certificate")
    silent = np.flatnonzero(
        as_mask(protocol == "H.323/TLS")
        & ~by_certificate
        & authentication.isna().to_numpy()
    )
    by_certificate[silent] = registers_by_device(rows.iloc[silent])
    scenario = pd.Series("h323-certificate", index=rows.index, dtype="str").where(
        by_certificate
    )
    scenario = scenario.mask(authentication == "password", "h323-password")
    outside = as_mask(protocol.str.startswith("SIP")) | as_mask(authentication == "none")
    return scenario.mask(outside)


def _with_certificate(
    cases: pd.DataFrame, certificates: pd.DataFrame, place: Codes
) -> pd.DataFrame:
    """Add the certificate at that place, and how it was found."""
    named = cases["fingerprint"].str.lower()
    found = _take(
        certificates[["fingerprint", "bundle", "parse_error", *_CERTIFICATE_COLUMNS]],
        place,
        cases.index,
    )
    found = found.rename(columns={"parse_error": "certificate_error"})
    by = pd.Series("device", index=cases.index, dtype="str").mask(
        named.notna(), "fingerprint"
    )
    found["certificate_by"] = by.where(place >= 0).astype("category")
    found["fingerprint"] = found["fingerprint"].fillna(named)
    return cases.drop(columns="fingerprint").join(found)


def _with_trust_paths(
    cases: pd.DataFrame,
    certificates: pd.DataFrame,
    trust: pd.DataFrame,
    links: pd.DataFrame | None,
) -> pd.DataFrame:
    """Add the ways to the trust list, judged once per distinct certificate, bundle and PBX."""
    questions = cases[["fingerprint", "bundle", "pbx"]]
    known = cases["bundle"].notna()
    questions = questions.assign(fingerprint=questions["fingerprint"].where(known))
    outcome = trust_state.judge(questions, certificates, trust, links)
    # A listing tells names and dates of a certificate, and holds nothing that could be verified.
    listing = known & cases["fingerprint"].isna()
    failure = outcome["trust_failure"].mask(listing, "unreadable")
    reason = cases["certificate_error"].fillna(say("trust.reasons.only_listed"))
    detail = outcome["trust_detail"].mask(listing, reason)
    return cases.assign(
        trust_paths=outcome["trust_paths"], trust_failure=failure, trust_detail=detail
    )


def _at_its_time(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the trust outcome at the row's own time."""
    at_its_time = trust_state.trust_at(
        rows, rows["time"].fillna(pd.Timestamp.now("UTC").as_unit("us"))
    )
    state, trusted_by = at_its_time["trust_state"], at_its_time["trusted_by"]
    return rows.assign(
        trust_state=state,
        trusted_by=trusted_by,
        **trust_state.failures(state, rows["trust_detail"]),
    )


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
        Table ATTEMPTS with scenario "browser", judged "now" by `check` unless told otherwise.

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
    trust = read_trust_list(certifi.where()) if trust is None else conform(trust, TRUST)
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
                    "errors.evaluation.urls", urls=len(listed), certificates=len(served)
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
    rows["browser_paths"] = browser_verdict.browser_paths(
        rows, certificates, everyone, links
    )
    return conform(rows, ATTEMPTS)


def _served(certificates: pd.DataFrame) -> pd.DataFrame:
    """Return what a server presents as its own: the leaves, without CAs that merely came with
    one.
    """
    found = leaves(certificates)
    is_ca = found["is_ca"].fillna(value=False).astype(bool)
    beside_a_leaf = found["bundle"].isin(found.loc[~is_ca, "bundle"])
    return found[~(is_ca & beside_a_leaf)]
