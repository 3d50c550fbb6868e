"""Trust lists of PBXs: the certificates that a PBX accepts, as rows of TRUST.

A PBX offers its whole list as one PEM file; entries are single certificates or CAs.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from ..schema import TRUST, conform
from ..sources import is_content
from .blocks import NOTHING
from .passwords import Passwords
from .reading import read_rows

EMPTY = "the list is empty"
"""The `parse_error` of the one row of a list that holds nothing."""


def read_trust_list(
    source: Any,
    *,
    pbx: str | None = None,
    password: Passwords = None,
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Read the trust list of a PBX, or of several PBXs from a directory.

    Parameters
    ----------
    source : path, glob, directory, bytes, str of PEM, or an iterable of these
        Certificates in any form that `read_certificates` reads. In a directory each file is the
        list of the PBX that the file is named after: `hq.pem` is the list of `hq`.
    pbx : str, optional
        The PBX that every entry belongs to; without it, entries that do not come from a directory
        belong to every PBX. A saved table TRUST names the PBX of each row itself.
    password : str, bytes, a sequence of these or a function, optional
        Passwords of PKCS#12 files, as in `read_certificates`.
    columns : dict, optional
        What headings of one's own mean in a table of certificates, as in `read_certificates`.

    Returns
    -------
    DataFrame
        Table TRUST: the columns of CERTIFICATES and `pbx`. An empty list is one row without
        certificate, whose `parse_error` is "the list is empty". What cannot be read of a list
        is a row with its reason and without certificate: the list is known in part, or not at
        all.

    Raises
    ------
    SourceError
        If a path or glob names nothing.

    Examples
    --------
    >>> read_trust_list(b"", pbx="hq")["pbx"].tolist()
    ['hq']
    """
    entries = read_entries(source, password, columns)
    if entries.empty and pbx is not None:
        entries = read_entries(b"")
    owner = entries["pbx"]
    if pbx is not None:
        owner = pd.Series(pbx, index=entries.index, dtype="str")
    elif _is_directory(source):
        owner = owner.fillna(entries["source"].map(list_name).astype("str"))
    return conform(entries.assign(pbx=owner.mask(owner == "")), TRUST)


def named_lists(entries: pd.DataFrame, owners: Mapping[str, str]) -> pd.DataFrame:
    """Return the entries of several lists, each of the PBX that `owners` has for its source.

    A list that `owners` does not have is that of every PBX.
    """
    named = entries["source"].map(owners).astype("str")
    owner = entries["pbx"].fillna(named)
    return conform(entries.assign(pbx=owner.mask(owner == "")), TRUST)


def read_entries(
    source: Any,
    password: Passwords = None,
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return the rows of lists; `pbx` is missing unless a saved table states it."""
    entries = read_rows(source, password=password, columns=columns)
    nothing = entries["parse_error"] == NOTHING
    return entries.assign(parse_error=entries["parse_error"].mask(nothing, EMPTY))


def _is_directory(source: Any) -> bool:
    return (
        isinstance(source, str | PathLike)
        and not is_content(str(source))
        and Path(source).is_dir()
    )


def list_name(name: str) -> str:
    """Return the PBX that a file of a directory is named after: `hq` for hq.pem, hq.pem.gz."""
    return PurePosixPath(name.removesuffix(".gz")).stem
