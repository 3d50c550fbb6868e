"""What a user pastes or uploads, as certificates; a private key is counted and goes no further."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from ..certificates.reading import read_certificates
from ..errors import CerttrustError
from ..schema import CERTIFICATES, empty
from ..texts.labels import plural

_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----")
_PKCS12 = (".p12", ".pfx")


@dataclass(frozen=True)
class Reading:
    """The certificates that were found, and what is to be said about them."""

    certificates: pd.DataFrame
    notes: tuple[str, ...]


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
        Readable certificates only, with their file's name as `source`; what could not be read is told in `notes`,
        and so is each private key that was dropped.

    Examples
    --------
    >>> read({"notes.txt": b"hello"}).notes[0]
    'notes.txt: no certificate is found'
    """
    frames, notes = [], []
    for name, data in contents.items():
        found, problem = _read_one(name, data, password)
        readable = found[found["fingerprint"].notna()]
        frames.append(readable)
        notes.append(_summary(name, readable, found, problem))
        if dropped := len(_PRIVATE_KEY.findall(data)):
            notes.append(f"{name}: {plural(dropped, 'private key')} dropped at once; nothing of it is kept or saved.")
        elif name.lower().endswith(_PKCS12) and len(readable):
            notes.append(f"{name}: only the certificates were kept; a private key in it was dropped at once.")
    kept = [frame for frame in frames if len(frame)]
    certificates = pd.concat(kept, ignore_index=True) if kept else empty(CERTIFICATES)
    return Reading(certificates, tuple(notes))


def _read_one(name: str, data: bytes, password: str | None) -> tuple[pd.DataFrame, str]:
    try:
        found = read_certificates(data, password=password or None)
    except CerttrustError as problem:
        return empty(CERTIFICATES), str(problem)
    return found.assign(source=name, bundle=name), ""


def _summary(name: str, readable: pd.DataFrame, found: pd.DataFrame, problem: str) -> str:
    unread = found.loc[~found.index.isin(readable.index), "parse_error"].dropna()
    unread = unread[~unread.str.contains("private key")]
    reason = problem or (str(unread.iloc[0]) if len(unread) else "")
    if readable.empty:
        return f"{name}: no certificate in it." if not reason else f"{name}: {reason}"
    text = f"{name}: {plural(len(readable), 'certificate')} read."
    if len(unread):
        text += f" {plural(len(unread), 'block')} could not be read: {reason}."
    odd = readable["parse_error"].dropna()
    return f"{text} {plural(len(odd), 'certificate')} not in full: {odd.iloc[0]}." if len(odd) else text
