"""Attempts: each registration, or each browser access, with its certificate, its device and the trust outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import certifi
import numpy as np
import pandas as pd

from . import browsers, chains, identity
from .arrow import true
from .errors import CerttrustError
from .fleet import Fleet
from .groups import Codes, alike, combine, distinct, places
from .schema import ATTEMPTS, REGISTRATIONS, TRUST, conform
from .trustlists import read_trust_list

_DEVICE_COLUMNS = ("user", "model", "firmware", "location", "tls_only", "reverse_proxy")
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
    "extended_key_usage",
)
_OWNING = (
    "fingerprint",
    "bundle",
    "device",
    "position",
    "subject",
    "subject_cn",
    "issuer",
    "self_issued",
    "is_ca",
    "not_before",
)
"""What tells whose own a certificate is."""
_AS_SAID = ("serial", "interface", "protocol", "authentication", "via_reverse_proxy")
_SAID = ("pbx", "hardware_id", "registration_name", "fingerprint", *_AS_SAID)
"""What a registration says of itself, beside its time and its outcome; the first four may be completed."""
_SPEAKING = ("state", "registration_name", "protocol", "authentication", "fingerprint")


def attempts(fleet: Fleet, of: Literal["log", "devices"] = "log") -> pd.DataFrame:
    """Join every registration with its certificate, its device entry and the trust outcome.

    Parameters
    ----------
    fleet : Fleet
        The frames to join; with links (`certtrust.link`) no signature is verified again.
    of : {"log", "devices"}
        "log": one attempt per registration. "devices": one would-be attempt per device entry over H.323/TLS
        with a set clock, by its default registration name, for who has no log (yet).

    Returns
    -------
    DataFrame
        Table ATTEMPTS, one row per registration (or device), in that order and with that index; columns that the
        registrations hold beyond their table follow. Log lines that say nothing of a registration (no state,
        name, protocol, authentication or fingerprint) are none, and stay in `fleet.registrations` alone.

    Notes
    -----
    The certificate is the one that the log names by fingerprint, else the device's newest one already issued
    at that time; `certificate_by` tells which. A hardware ID is joined to a serial by its three last octets
    where only one serial of the fleet ends so (inferred from two documented pairs).

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(20, seed=1)
    >>> len(ct.attempts(fleet, of="devices")) == len(fleet.devices)
    True
    """
    if of not in ("log", "devices"):
        raise CerttrustError(f"of={of!r}; attempts are made of 'log' or of 'devices'")
    rows = _registered(fleet.registrations) if of == "log" else _would_be(fleet.devices)
    serials = _known_serials(fleet)
    devices = fleet.devices.assign(device=_identify(fleet.devices, serials))
    # Devices try again and again in the same way: what does not depend on the time is found once for all tries.
    same, first = alike(rows, _SAID)
    cases = rows[list(_SAID)].iloc[first].reset_index(drop=True)
    cases["device"] = _owner(cases, devices, serials)
    cases = _with_default_name(_with_device(cases, devices))
    cases["scenario"] = _scenario(cases, of)
    held = _owned(_held(_numbered(fleet.certificates), serials, devices["device"]), serials)
    place = _presented(cases, same, rows["time"], fleet.certificates, held, or_next=of == "devices")
    number, first = combine(same, place)
    known = _with_certificate(cases.iloc[same[first]].reset_index(drop=True), fleet.certificates, place[first])
    known = _with_trust_paths(known, fleet.certificates, fleet.trust, fleet.links)
    known = known.drop(columns=list(_AS_SAID)).take(number).set_axis(rows.index)
    return conform(_with_trust(rows.assign(**{str(name): found for name, found in known.items()})), ATTEMPTS)


def _registered(registrations: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows that speak of a registration: logs hold other lines, too, and such that cannot be read."""
    spoken = np.any([registrations[column].notna() for column in _SPEAKING], axis=0)
    dropped = [column for column in REGISTRATIONS.names if column not in ATTEMPTS.names]
    rows = registrations.drop(columns=dropped, errors="ignore")
    return rows if spoken.all() else rows.loc[spoken]


def identities(fleet: Fleet) -> tuple[pd.Series, pd.Series]:
    """Return the device that each registration, and each device entry, belongs to.

    A device is named by its serial, else by its hardware ID, else by its registration name.
    """
    serials = _known_serials(fleet)
    entries = _identify(fleet.devices, serials)
    return _owner(fleet.registrations, fleet.devices.assign(device=entries), serials), entries


def _owner(rows: pd.DataFrame, devices: pd.DataFrame, serials: pd.Series) -> pd.Series:
    return _identify(rows, serials).fillna(_by_user(rows, devices)).fillna(_by_name(rows, serials))


def _would_be(devices: pd.DataFrame) -> pd.DataFrame:
    kept = devices[["pbx", "serial", "hardware_id", "source"]].copy()
    kept["protocol"] = "H.323/TLS"
    kept["clock_unset"] = pd.array([False] * len(kept), dtype="boolean")
    kept["via_reverse_proxy"] = pd.array([False] * len(kept), dtype="boolean")
    return conform(kept, ATTEMPTS)[
        [*kept.columns, "time", "registration_name", "interface", "authentication", "fingerprint", "state"]
    ]


def _known_serials(fleet: Fleet) -> pd.Series:
    """Map the last three octets to the serial, where the fleet knows just one serial that ends so."""
    texts = [fleet.devices["serial"], fleet.devices["hardware_id"], fleet.registrations["serial"]]
    texts += [fleet.certificates["device"], fleet.certificates["serial"]]
    serials = identity.serials(pd.concat([text.drop_duplicates() for text in texts])).dropna().drop_duplicates()
    tails = pd.Series(serials.to_numpy(), index=serials.str.slice(6).to_numpy(), dtype="str")
    return tails[~tails.index.duplicated(keep=False)]


def _distinct(function: Any, text: pd.Series) -> pd.Series:
    """Apply a function of a Series of text to its distinct values only."""
    codes, values = pd.factorize(text.astype("str"))
    result = function(pd.Series(values, dtype="str"))
    return pd.Series(result.reindex(codes).to_numpy(), index=text.index, dtype="str")


def _canonical(text: pd.Series, serials: pd.Series) -> pd.Series:
    spelled = identity.same_spelling(text)
    by_tail = identity.hardware_ids(text)["tail"].map(serials).astype("str")
    return by_tail.fillna(spelled)


def _identify(frame: pd.DataFrame, serials: pd.Series) -> pd.Series:
    """Return the device's identity: its serial, else the serial that its hardware ID belongs to, else that ID."""
    by_hardware_id = _distinct(lambda text: _canonical(text, serials), frame["hardware_id"])
    return _distinct(identity.serials, frame["serial"]).fillna(by_hardware_id)


def _by_name(rows: pd.DataFrame, serials: pd.Series) -> pd.Series:
    """Identify rows by the registration name: a serial (with an interface), a hardware ID, else the name itself."""

    def canonical(text: pd.Series) -> pd.Series:
        prefix = text.str.extract(rf"^({identity.SERIAL})(?:-.*)?$", expand=False)
        return identity.serials(prefix).fillna(_canonical(text, serials))

    return _distinct(canonical, rows["registration_name"])


def _by_user(rows: pd.DataFrame, devices: pd.DataFrame) -> pd.Series:
    """Identify rows by the user object of that registration name, where it has a single device."""
    users = devices[["pbx", "user", "device"]].dropna().drop_duplicates()
    users = users[~users.duplicated(["pbx", "user"], keep=False)]
    index = pd.MultiIndex.from_frame(users[["pbx", "user"]])
    found = index.get_indexer(pd.MultiIndex.from_arrays([rows["pbx"], rows["registration_name"]]))
    return _take(users[["device"]], found, rows.index)["device"]


def _take(frame: pd.DataFrame, positions: np.ndarray[Any, Any], index: pd.Index) -> pd.DataFrame:
    """Take rows by position; -1 gives a row of missing values."""
    taken = frame.reset_index(drop=True).reindex(positions)
    taken.index = index
    return taken


def _agreed(devices: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Keep one row per key, with missing values where the entries of that key disagree."""
    grouped = devices.groupby(keys, sort=False, dropna=True)
    distinct = grouped[list(_DEVICE_COLUMNS)].nunique()
    return grouped[list(_DEVICE_COLUMNS)].first().mask(distinct > 1)


def _with_device(rows: pd.DataFrame, devices: pd.DataFrame) -> pd.DataFrame:
    """Add the columns of the device entry: that of the row's PBX, else the device's only one."""
    known = devices.dropna(subset=["device"])
    objects = known[["device", "pbx"]].drop_duplicates()
    only_pbx = objects[~objects.duplicated("device", keep=False)].set_index("device")["pbx"]
    foreign = rows["pbx"].notna() & ~rows["pbx"].isin(set(known["pbx"].dropna()))
    rows = rows.assign(pbx=rows["pbx"].fillna(rows["device"].map(only_pbx).astype("str")))
    per_pbx = _agreed(known, ["device", "pbx"])
    anywhere = _agreed(known, ["device"])
    exact = per_pbx.index.get_indexer(pd.MultiIndex.from_arrays([rows["device"], rows["pbx"]]))
    loose = anywhere.index.get_indexer(pd.Index(rows["device"]))
    loose[~(foreign | rows["pbx"].isna()).to_numpy()] = -1
    found = _take(per_pbx, exact, rows.index)
    fallback = _take(anywhere, loose, rows.index)
    for column in _DEVICE_COLUMNS:
        rows[column] = found[column].where(exact >= 0, fallback[column])
    # What the PBX knows the device by; a row that names what it registers with keeps its own.
    hardware_ids = known.drop_duplicates("device").set_index("device")["hardware_id"]
    silent = rows["registration_name"].isna() & rows["hardware_id"].isna()
    rows["hardware_id"] = rows["hardware_id"].mask(silent, rows["device"].map(hardware_ids).astype("str"))
    return rows


def _with_default_name(rows: pd.DataFrame) -> pd.DataFrame:
    """Fill the default registration name: the serial, for a gateway's interface followed by its name."""
    serial = _distinct(identity.serials, rows["device"])
    default = serial.where(rows["interface"].isna(), serial + "-" + rows["interface"].astype("str"))
    by_default = rows["registration_name"].isna() & default.notna()
    name_by = pd.Series("log", index=rows.index, dtype="str").where(rows["registration_name"].notna())
    return rows.assign(
        registration_name=rows["registration_name"].mask(by_default, default),
        name_by=name_by.mask(by_default, "default"),
    )


def _scenario(rows: pd.DataFrame, of: str) -> pd.Series:
    """Tell the scenario: by the log's authentication, else by TLS only or a registration by hardware ID."""
    protocol = rows["protocol"].astype("str")
    authentication = rows["authentication"].astype("str")
    via_proxy = (rows["via_reverse_proxy"] & rows["reverse_proxy"]).fillna(value=False).astype(bool)
    tls_only = rows["tls_only"].fillna(value=False).astype(bool) & ~via_proxy
    serial = _distinct(identity.serials, rows["device"])
    by_serial = rows["registration_name"].str.slice(stop=12).str.lower() == serial
    named = (rows["name_by"] == "log") | (of == "devices")
    by_hardware_id = (by_serial & named) | (rows["registration_name"].isna() & rows["hardware_id"].notna())
    certificate = tls_only | (by_hardware_id.fillna(value=False).astype(bool) & (protocol == "H.323/TLS"))
    scenario = pd.Series("h323-certificate", index=rows.index, dtype="str").where(certificate)
    scenario = scenario.mask(authentication == "certificate", "h323-certificate")
    scenario = scenario.mask(authentication == "password", "h323-password")
    outside = protocol.str.startswith("SIP").fillna(False).astype(bool) | (authentication == "none")
    return scenario.mask(outside)


def leaves(certificates: pd.DataFrame) -> pd.DataFrame:
    """Return the certificates that issue no other one of their bundle: those that devices present as their own."""
    certificates = certificates[certificates["fingerprint"].notna() | certificates["subject"].notna()]
    name, _ = pd.factorize(pd.concat([certificates["subject"], certificates["issuer"]]))
    bundle, _ = pd.factorize(certificates["bundle"])
    subject, issuer = np.split(combine(np.tile(bundle, 2), name)[0], 2)
    return certificates[~np.isin(subject, issuer[true(certificates["self_issued"].ne(other=True))])]


def _held(certificates: pd.DataFrame, serials: pd.Series, names: pd.Series) -> pd.DataFrame:
    """Return the leaves with the device that presents each, by its file or its CN."""
    found = leaves(certificates)
    own_cn = found["subject_cn"].astype("str").str.strip().str.lower()
    by_file = _distinct(lambda text: _canonical(text, serials), found["device"])
    return found.assign(device=by_file.fillna(own_cn.where(places(own_cn, names) >= 0)))


def holders(fleet: Fleet) -> pd.DataFrame:
    """Return the leaves with the device that presents each, missing where neither its file nor its CN tells."""
    serials = _known_serials(fleet)
    return _held(fleet.certificates, serials, _identify(fleet.devices, serials))


def _owned(held: pd.DataFrame, serials: pd.Series) -> pd.DataFrame:
    """Return one leaf per device and bundle: rather the one whose CN is the device, and rather no CA."""
    foreign_cn = _distinct(lambda text: _canonical(text, serials), held["subject_cn"]) != held["device"]
    ranked = held.assign(_foreign=foreign_cn, _ca=held["is_ca"].fillna(value=False).astype(bool))
    ranked = ranked.dropna(subset=["device"]).sort_values(["_foreign", "_ca", "position"], kind="stable")
    return ranked.drop_duplicates(["device", "bundle"]).drop(columns=["_foreign", "_ca"])


def _numbered(certificates: pd.DataFrame) -> pd.DataFrame:
    """Return what tells a device's own certificate, with the place of each row."""
    return certificates[list(_OWNING)].assign(place=np.arange(len(certificates)))


def _presented(
    cases: pd.DataFrame,
    same: Codes,
    time: pd.Series,
    certificates: pd.DataFrame,
    held: pd.DataFrame,
    *,
    or_next: bool,
) -> Codes:
    """Return the place of each row's certificate: the one that its log line names, else the device's newest one."""
    named = cases["fingerprint"].str.lower()
    first_held = places(named, held["fingerprint"])
    place = np.where(
        first_held >= 0, np.append(held["place"], -1)[first_held], places(named, certificates["fingerprint"])
    )[same]
    silent = np.flatnonzero(named.isna().to_numpy()[same])
    owners = distinct(held["device"])
    place[silent] = _newest_issued(
        places(cases["device"], owners)[same[silent]],
        time.iloc[silent],
        held.assign(owner=places(held["device"], owners)),
        or_next=or_next,
    )
    return place


def _newest_issued(owner: Codes, time: pd.Series, held: pd.DataFrame, *, or_next: bool) -> Codes:
    """Return the place of the owner's newest certificate issued by that time, or -1; owners are numbers from 0.

    Owner and date make one number each, so that a single search finds what was issued last.
    """
    dated = held.dropna(subset=["not_before"]).sort_values("not_before", kind="stable")
    days, rank = np.unique(_microseconds(dated["not_before"]), return_inverse=True)
    width = len(days) + 1
    key = dated["owner"].to_numpy() * width + rank + 1
    order = np.argsort(key, kind="stable")
    ends = np.array([-1])
    key, found = np.concatenate([key[order], ends]), np.concatenate([dated["place"].to_numpy()[order], ends])
    moment = _microseconds(time.fillna(pd.Timestamp.now("UTC").as_unit("us")))
    after = np.searchsorted(key[:-1], owner * width + np.searchsorted(days, moment, side="right"), side="right")
    place = np.where(key[after - 1] // width == owner, after - 1, -1)
    if or_next:
        place = np.where((place < 0) & (key[after] // width == owner), after, place)
    return np.where(owner >= 0, found[place], -1)


def _microseconds(moments: pd.Series) -> Codes:
    return moments.astype("datetime64[us, UTC]").astype("int64").to_numpy()


def _with_certificate(cases: pd.DataFrame, certificates: pd.DataFrame, place: Codes) -> pd.DataFrame:
    """Add the certificate at that place, and how it was found."""
    named = cases["fingerprint"].str.lower()
    found = _take(certificates[["fingerprint", "bundle", "parse_error", *_CERTIFICATE_COLUMNS]], place, cases.index)
    found = found.rename(columns={"parse_error": "certificate_error"})
    by = pd.Series("device", index=cases.index, dtype="str").mask(named.notna(), "fingerprint")
    found["certificate_by"] = by.where(place >= 0).astype("category")
    found["fingerprint"] = found["fingerprint"].fillna(named)
    return cases.drop(columns="fingerprint").join(found)


def _with_trust_paths(
    cases: pd.DataFrame, certificates: pd.DataFrame, trust: pd.DataFrame, links: pd.DataFrame | None
) -> pd.DataFrame:
    """Add the ways to the trust list, judged once per distinct certificate, bundle and PBX."""
    questions = cases[["fingerprint", "bundle", "pbx"]]
    known = cases["bundle"].notna()
    questions = questions.assign(fingerprint=questions["fingerprint"].where(known))
    outcome = chains.judge(questions, certificates, trust, links)
    # A listing tells names and dates of a certificate, and holds nothing that could be verified.
    listing = known & cases["fingerprint"].isna()
    failure = outcome["trust_failure"].mask(listing, "unreadable")
    return cases.assign(trust_paths=outcome["trust_paths"], trust_failure=failure)


def _with_trust(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the trust outcome at the row's own time."""
    at_its_time = chains.trust_at(rows, rows["time"].fillna(pd.Timestamp.now("UTC").as_unit("us")))
    return rows.assign(trust_state=at_its_time["trust_state"], trusted_by=at_its_time["trusted_by"])


def browser_attempts(
    certificates: pd.DataFrame, urls: str | Sequence[str] | Mapping[str, str], trust: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Make one attempt per certificate that a server presents and URL that a browser opens.

    Parameters
    ----------
    certificates : DataFrame
        Table CERTIFICATES: what the servers present; certificates of one bundle may complete a chain.
    urls : str, sequence of str, or mapping
        One URL for every presented certificate; or one URL each, in order; or several URLs for a single
        certificate; or a mapping from `device`, `bundle` or `fingerprint` to the URL.
    trust : DataFrame, optional
        Table TRUST: the browser's list. By default the public list of certifi.

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
    >>> browser_attempts(certificates.head(1), "https://192.0.2.7/", certificates.tail(1))["scenario"].tolist()
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
                f"{len(listed)} URLs for {len(served)} presented certificates; "
                "give one URL, one per certificate, or a mapping from device to URL"
            )
        served = served.assign(url=pd.Series(listed, index=served.index, dtype="str"))
    served = served.reset_index(drop=True).rename(columns={"parse_error": "certificate_error"})
    kept = ["device", "fingerprint", "bundle", "url", "certificate_error", "source", *_CERTIFICATE_COLUMNS]
    rows = conform(served[kept].assign(scenario="browser", certificate_by="url"), ATTEMPTS)
    everyone = trust.assign(pbx=pd.Series(pd.NA, index=trust.index, dtype="str"))
    links = chains.link(certificates, everyone)
    rows = _with_trust(_with_trust_paths(rows, certificates, everyone, links))
    rows["browser_paths"] = browsers.browser_paths(rows, certificates, everyone, links)
    return conform(rows, ATTEMPTS)


def _served(certificates: pd.DataFrame) -> pd.DataFrame:
    """Return what a server presents as its own: the leaves, without CAs that merely came with one."""
    found = leaves(certificates)
    is_ca = found["is_ca"].fillna(value=False).astype(bool)
    beside_a_leaf = found["bundle"].isin(found.loc[~is_ca, "bundle"])
    return found[~(is_ca & beside_a_leaf)]
