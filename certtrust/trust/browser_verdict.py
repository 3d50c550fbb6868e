"""Would today's browsers accept this certificate for that URL, and if not, why not.

The article is of 2017, and browsers have become stricter since. They want

- names: an entry of the subject alternative name, never the CN; for an address an iPAddress
  entry; no wildcard over a whole public suffix;
- a path after RFC 5280, section 6.1, to an entry of their list, every certificate of it valid
  in time. The entry is bound by its own extensions like the CAs below it, but its signature
  does not matter. A certificate that is itself in the list needs no path if it is self-signed,
  and gains nothing otherwise;
- purposes, keys, algorithms and an encoding of today: see `certtrust.trust.browser_policy`.

Not checked, as these concern the browsers' built-in roots only: certificate transparency and
the longest validity. Nor, for want of data: revocation, policy constraints, and public suffixes
beyond the common ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..arrays.arrow import as_mask, flags, text
from ..arrays.grouping import factorize_codes, object_codes
from ..names import hosts as _hosts
from ..names import matching
from ..names.certificate_names import Kind, entries
from ..schema import UNDECIDED_STATES
from ..texts.labels import series
from ..texts.sentences import fill, say, sentences
from . import trust_state
from .browser_policy import to_ca, to_entry, to_server
from .paths import from_data

_NOBODY = "\0"
"""The name of no PBX: its list takes what browsers do not take from their list."""

# The suffixes below which most countries register; the whole list of public suffixes is ten
# thousand long.
_WIDE_WILDCARD = r"^\*\.(?:ac|co|com|edu|gob|gov|go|mil|ne|net|nom|or|org)\.[a-z]{2}$"


class BrowserView(NamedTuple):
    """What browsers make of a certificate and its chain, whatever the URL and the moment."""

    paths: Sequence[Any]
    """The ways to their list that they would take."""
    failure: str | None
    """The trust state while none of these holds."""
    why: str
    """The same in words."""
    objection: str
    """What they object to in the certificate itself; empty where nothing."""


def browser_paths(
    attempts: pd.DataFrame,
    certificates: pd.DataFrame,
    trust: pd.DataFrame,
    links: pd.DataFrame | None = None,
) -> pd.Series:
    """Return for each attempt the ways to the browser's list that browsers would take.

    Parameters
    ----------
    attempts : DataFrame
        Columns fingerprint, bundle, pbx and trust_paths, as table ATTEMPTS is made.
    certificates, trust : DataFrame
        Tables CERTIFICATES and TRUST.
    links : DataFrame, optional
        Table LINKS; what is missing in it is verified.

    Returns
    -------
    Series of dict
        With the index of `attempts`; the fields of BrowserView as plain values.
    """
    served = certificates[
        certificates["fingerprint"].isin(set(attempts["fingerprint"]))
    ]
    cas = certificates[certificates["is_ca"].fillna(value=False).astype(bool)]
    to_servers = {
        fingerprint: to_server(der) for fingerprint, der in _distinct(served)
    }
    to_cas = {fingerprint: to_ca(der) for fingerprint, der in _distinct(cas)}
    to_entries = {fingerprint: to_entry(der) for fingerprint, der in _distinct(trust)}
    own = trust["fingerprint"].isin(list(to_servers))
    may_stand_alone = trust["is_self_signed"].fillna(value=False) | trust[
        "is_ca"
    ].fillna(value=False)
    # What browsers refuse stays at hand, as what holds for a key holds for all of its
    # certificates, but it is neither presented nor listed.
    barred = _refused(trust, to_entries).mask(own, ~may_stand_alone.astype(bool))
    judged = trust_state.judge(
        attempts[["fingerprint", "bundle", "pbx"]],
        certificates.assign(
            bundle=certificates["bundle"].mask(_refused(certificates, to_cas))
        ),
        trust.assign(pbx=trust["pbx"].mask(barred, _NOBODY)),
        trust_state.link(certificates, trust) if links is None else links,
    )
    objections = {**to_cas, **to_entries}
    views: dict[Any, dict[str, Any]] = {}
    cells = np.empty(len(attempts), dtype=object)
    columns = (
        attempts["fingerprint"],
        judged["trust_paths"],
        judged["trust_failure"],
        attempts["trust_paths"],
    )
    for row, (fingerprint, paths, failure, all_paths) in enumerate(
        zip(*columns, strict=True)
    ):
        key = fingerprint, id(paths), failure, id(all_paths)
        if key not in views:
            state = None if pd.isna(failure) else str(failure)
            why = _why(state, from_data(paths), from_data(all_paths), objections)
            view = BrowserView(paths, state, why, to_servers.get(fingerprint, ""))
            views[key] = view._asdict()
        cells[row] = views[key]
    return pd.Series(cells, index=attempts.index, dtype="object")


def _refused(frame: pd.DataFrame, objections: dict[str, str]) -> pd.Series:
    return frame["fingerprint"].isin(
        [fingerprint for fingerprint, objection in objections.items() if objection]
    )


def _distinct(frame: pd.DataFrame) -> Any:
    rows = frame[["fingerprint", "der"]].dropna().drop_duplicates("fingerprint")
    return zip(rows["fingerprint"], rows["der"], strict=True)


def _why(
    state: str | None,
    paths: tuple[trust_state.TrustPath, ...],
    all_paths: tuple[trust_state.TrustPath, ...],
    objections: dict[str, str],
) -> str:
    """Return why browsers take no path.

    It is what they object to in one that the article allows, else what any verifier says.
    """
    meanings: dict[str, str] = sentences()["trust_states"]
    if not paths and all_paths and not all_paths[0].certificates:
        return say("trust.browsers.listed_as_itself")
    if not paths and all_paths:
        reasons = [
            objections.get(fingerprint, "")
            for fingerprint in all_paths[0].certificates
        ]
        above = [
            say("trust.browsers.above", reason=reason) for reason in reasons if reason
        ]
        return series(above) or meanings["unknown CA"]
    return meanings[state] if state else ""


def browser_verdict(attempts: pd.DataFrame, moment: pd.Series) -> pd.DataFrame:
    """Return whether today's browsers accept the certificate for the URL, and why not.

    Parameters
    ----------
    attempts : DataFrame
        Columns url, dns_names, ip_addresses, not_before, not_after, fingerprint and browser_paths.
    moment : Series
        UTC time stamps with that index.

    Returns
    -------
    DataFrame
        Index of `attempts`; accepted (boolean, missing where it is not known) and why
        (every reason against it, joined by semicolons; missing where there is none).
    """
    code, views = _views(attempts["browser_paths"])
    moment = moment.dt.floor("s")
    trust = trust_state.trust_at(_trust_columns(attempts, code, views), moment)[
        "trust_state"
    ].astype("str")
    undecided = trust.isna() | trust.isin(UNDECIDED_STATES)
    early, late = attempts["not_before"] > moment, attempts["not_after"] < moment
    untimed = (
        attempts["not_before"].isna() | attempts["not_after"].isna() | moment.isna()
    )
    fits = _fits(attempts)
    fits = fits.mask(
        ~fits & (attempts["fingerprint"].isna() | (trust == "no certificate"))
    )
    objection = _of_rows(views, code, lambda view: view.objection, attempts.index)
    trusted = trust.isin(["listed", "chain"])
    untimely = pd.Series(say("trust.browsers.early"), attempts.index, dtype="str")
    untimely = untimely.where(early, say("trust.browsers.late"))
    reasons = {
        "name": (_no_name(attempts), ~fits.fillna(value=True).astype(bool)),
        "objection": (objection, objection != ""),
        "time": (untimely, early | late),
        "trust": (
            _of_rows(views, code, lambda view: view.why, attempts.index),
            ~trusted & ~undecided,
        ),
    }
    why = pd.Series("", index=attempts.index, dtype="str")
    for reason, applies in reasons.values():
        why = why.mask(applies.to_numpy(dtype=bool), why + "; " + reason)
    refused = why != ""
    unknown = fits.isna() | undecided | untimed
    accepted = (~refused).astype("boolean").mask(unknown & ~refused)
    return pd.DataFrame(
        {"accepted": accepted, "why": why.str.removeprefix("; ").where(refused)},
        index=attempts.index,
    )


def _views(column: pd.Series) -> tuple[np.ndarray, list[BrowserView]]:
    """Return the code of each row's view, and the view of each code."""
    code, first = factorize_codes(object_codes(column))
    return code, [_view(column.iloc[row]) for row in first]


def _view(cell: Any) -> BrowserView:
    """Return the view in a cell, also of a file that pandas read."""
    if not isinstance(cell, dict):
        return BrowserView((), "no certificate", "", "")
    return BrowserView(**{**cell, "paths": from_data(cell["paths"])})


def _of_rows(
    views: list[BrowserView],
    code: np.ndarray,
    part: Callable[[BrowserView], Any],
    index: pd.Index,
) -> pd.Series:
    parts = np.empty(len(views), dtype=object)
    parts[:] = [part(view) for view in views]
    return pd.Series(parts[code], index=index)


def _trust_columns(
    attempts: pd.DataFrame, code: np.ndarray, views: list[BrowserView]
) -> pd.DataFrame:
    paths = _of_rows(views, code, lambda view: view.paths, attempts.index)
    failure = _of_rows(views, code, lambda view: view.failure, attempts.index)
    return pd.DataFrame(
        {
            "fingerprint": attempts["fingerprint"],
            "trust_paths": paths,
            "trust_failure": failure,
        }
    )


def _fits(attempts: pd.DataFrame) -> pd.Series:
    """Return where an alternative name fits the host; missing where there is no host."""
    stated = text(matching.url_hosts(attempts["url"]))
    hosts = _hosts.from_hosts(stated)
    is_address = as_mask(pc.is_valid(_hosts.from_addresses(hosts)))
    fits = np.zeros(len(attempts), dtype=bool)
    columns: dict[Kind, str] = {"dns": "dns_names", "ip": "ip_addresses"}
    for kind, column in columns.items():
        rows, names = entries(attempts[column])
        matches = matching.host_matches(names, hosts.take(pa.array(rows)), kind=kind)
        spelled = _hosts.from_patterns(names)
        wide = as_mask(pc.match_substring_regex(spelled, _WIDE_WILDCARD))
        of_kind = is_address[rows] == (kind == "ip")
        fits[rows[as_mask(matches) & ~wide & of_kind]] = True
    return flags(fits, as_mask(pc.is_null(stated)), attempts.index)


def _no_name(attempts: pd.DataFrame) -> pd.Series:
    entries = attempts["dns_names"].str.len().fillna(0) + attempts[
        "ip_addresses"
    ].str.len().fillna(0)
    hosts = pd.DataFrame(
        {"host": matching.url_hosts(attempts["url"])}, index=attempts.index
    )
    misses = fill(sentences()["trust"]["browsers"]["misses"], hosts)
    return misses.where(entries > 0, say("trust.browsers.no_names"))
