"""What a user pastes or uploads, as certificates; a private key is counted and goes no further."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

from ..certificates.reading import read_certificates
from ..certificates.requests import is_request, read_request
from ..errors import CerttrustError
from ..schema import CERTIFICATES, empty
from ..texts.labels import plural
from ..texts.sentences import say
from ..texts.translation import translated_text

_PKCS12 = (".p12", ".pfx")


class Reading(NamedTuple):
    """The certificates in what was given, and what there is to say about them."""

    certificates: pd.DataFrame
    notes: tuple[str, ...]
    requests: Mapping[str, bool] = MappingProxyType({})
    """Of the certificates those that are requests yet, by fingerprint: is its signature valid?"""


def read(contents: Mapping[str, bytes], *, password: str | None = None) -> Reading:
    """Read certificates from named contents.

    Parameters
    ----------
    contents : mapping of str to bytes
        Name of each file, or of what was pasted, and its bytes.
    password : str, optional
        For PKCS#12 files.

    Returns
    -------
    Reading
        Readable certificates only, and requests for one, with their file's name as `source`;
        `notes` say what could not be read, and count each private key that was dropped.

    Examples
    --------
    >>> read({"notes.txt": b"hello"}).notes[0]
    'notes.txt: no certificate is found'
    """
    frames, notes = [empty(CERTIFICATES)], []
    requests: dict[str, bool] = {}
    for name, data in contents.items():
        if is_request(data):
            try:
                request = read_request(data)
            except CerttrustError as problem:
                words = {"name": name, "reason": problem}
                notes.append(say("widgets.reading.request_unread", **words))
                continue
            frames.append(request.certificate.assign(source=name, bundle=name))
            requests[request.certificate["fingerprint"].iloc[0]] = request.is_signed
            notes.append(say("widgets.reading.request", name=name))
            continue
        try:
            certificates = read_certificates(data, password=password or None)
        except CerttrustError as problem:
            notes.append(say("widgets.reading.unread", name=name, reason=problem))
            continue
        reading = readable(certificates.assign(source=name, bundle=name), name)
        frames.append(reading.certificates)
        notes += reading.notes
        if name.lower().endswith(_PKCS12) and len(reading.certificates):
            notes.append(say("widgets.reading.container", name=name))
    return Reading(pd.concat(frames, ignore_index=True), tuple(notes), requests)


def readable(certificates: pd.DataFrame, name: str) -> Reading:
    """Return the rows that hold a certificate, and in words why the others hold none.

    Parameters
    ----------
    certificates : DataFrame
        Table CERTIFICATES.
    name : str
        What they came from.
    """
    holds_one = is_readable(certificates)
    kept = certificates[holds_one]
    others = certificates.loc[~holds_one, "parse_error"].dropna()
    is_key = others.str.contains("private key")
    notes = list(_notes(name, kept, others[~is_key]))
    if is_key.any():
        keys = plural(int(is_key.sum()), "private key")
        notes.append(say("widgets.reading.keys_dropped", name=name, keys=keys))
    return Reading(kept, tuple(notes))


def _notes(name: str, kept: pd.DataFrame, unread: pd.Series) -> Iterator[str]:
    certificates = plural(len(kept), "certificate")
    if kept.empty and unread.empty:
        yield say("widgets.reading.nothing", name=name)
    elif kept.empty:
        reason = translated_text(unread.iloc[0])
        yield say("widgets.reading.unread", name=name, reason=reason)
    elif unread.empty:
        yield say("widgets.reading.read", name=name, certificates=certificates)
    else:
        counts = {
            "certificates": certificates,
            "blocks": plural(len(unread), "block"),
        }
        reason = translated_text(unread.iloc[0])
        yield say("widgets.reading.read_in_part", name=name, reason=reason, **counts)
    partly_read = kept["parse_error"].dropna()
    if len(partly_read):
        counted = plural(len(partly_read), "certificate")
        reason = translated_text(partly_read.iloc[0])
        yield say("widgets.reading.not_in_full", certificates=counted, reason=reason)


def is_readable(certificates: pd.DataFrame) -> pd.Series:
    """Return True for rows that hold a certificate: one with bytes whose subject could be read."""
    return certificates["fingerprint"].notna() & certificates["subject"].notna()
