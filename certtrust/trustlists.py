"""Trust lists of PBXs: which certificates a PBX accepts, as rows of TRUST.

A PBX lets its whole list be downloaded as one PEM file; entries are single certificates or CAs.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from .certificates import read_certificates
from .schema import TRUST, conform


def read_trust_list(source: Any, *, pbx: str | None = None) -> pd.DataFrame:
    """Read the trust list of a PBX, or of several PBXs from a directory.

    Parameters
    ----------
    source : path, glob, directory, bytes, str of PEM, or an iterable of these
        Certificates in any form that `read_certificates` reads. In a directory each file is the list
        of the PBX that the file is named after: `hq.pem` is the list of `hq`.
    pbx : str, optional
        The PBX that every entry belongs to; without it, entries that do not come from a directory
        belong to every PBX.

    Returns
    -------
    DataFrame
        Table TRUST: the columns of CERTIFICATES and `pbx`.

    Raises
    ------
    SourceError
        If a path or glob names nothing.

    Examples
    --------
    >>> read_trust_list(b"", pbx="hq")["pbx"].tolist()
    ['hq']
    """
    entries = read_certificates(source)
    if pbx is not None:
        owner = pd.Series(pbx, index=entries.index, dtype="str")
    elif isinstance(source, str | Path) and Path(source).is_dir():
        owner = entries["source"].map(lambda name: PurePosixPath(name).stem).astype("str")
    else:
        owner = pd.Series(None, index=entries.index, dtype="str")
    return conform(entries.assign(pbx=owner), TRUST)
