"""A fleet: its certificates, trust lists, PBX objects and registration logs, side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from . import schema
from .certificates.reading import read_certificates
from .certificates.trust_lists import read_trust_list
from .devices import read_devices
from .errors import SourceError
from .registrations import read_registrations
from .trust import trust_state

FOLDERS = ("certificates", "trust", "devices", "registrations")
"""The folders of a fleet directory; each may be absent, and then its table is empty."""


@dataclass(frozen=True)
class Fleet:
    """The frames that describe a fleet; a what-if is `dataclasses.replace(fleet, trust=...)`.

    Parameters
    ----------
    certificates, trust, devices, registrations : DataFrame
        Tables CERTIFICATES, TRUST, DEVICES and REGISTRATIONS; see `certtrust.columns`.
    links : DataFrame, optional
        Table LINKS: signature checks already made, see `certtrust.link`.
    """

    certificates: pd.DataFrame
    trust: pd.DataFrame
    devices: pd.DataFrame
    registrations: pd.DataFrame
    links: pd.DataFrame | None = None

    def __repr__(self) -> str:
        sizes = ", ".join(f"{len(getattr(self, name))} {name}" for name in FOLDERS)
        return f"Fleet({sizes})"


def read_fleet(directory: str | Path) -> Fleet:
    """Read a fleet from a directory with the folders certificates, trust, devices and registrations.

    Parameters
    ----------
    directory : path
        `certificates/` holds certificate files of any shape (a file name may carry the device's serial or
        hardware ID), `trust/` one file per PBX, named after it, `devices/` PBX objects and
        `registrations/` logs. A folder that is absent gives an empty table.

    Returns
    -------
    Fleet
        Without links; `link` adds them.

    Raises
    ------
    SourceError
        If the directory does not exist or has none of the four folders.

    Examples
    --------
    >>> read_fleet("data/fleet").trust["pbx"].nunique() > 1
    True
    """
    root = Path(directory)
    if not root.is_dir():
        raise SourceError(f"{str(directory)!r} is not a directory; give the folder that holds {', '.join(FOLDERS)}")
    present = {name: root / name for name in FOLDERS if (root / name).is_dir()}
    if not present:
        raise SourceError(f"{str(directory)!r} has none of the folders {', '.join(FOLDERS)}; put your files into them")
    readers: dict[str, tuple[Callable[[Path], pd.DataFrame], schema.Table]] = {
        "certificates": (read_certificates, schema.CERTIFICATES),
        "trust": (read_trust_list, schema.TRUST),
        "devices": (read_devices, schema.DEVICES),
        "registrations": (read_registrations, schema.REGISTRATIONS),
    }
    frames = {
        name: reader(present[name]) if name in present else schema.empty(table)
        for name, (reader, table) in readers.items()
    }
    return Fleet(**frames)


def link(fleet: Fleet) -> Fleet:
    """Return the same fleet with its issuer links verified, kept for reuse by every later judgement.

    Only signatures that `fleet.links` does not know yet are verified.

    Examples
    --------
    >>> fleet = link(read_fleet("data/fleet"))
    >>> fleet.links.columns.tolist()
    ['child', 'issuer', 'verified']
    """
    links = trust_state.link(fleet.certificates, fleet.trust, known=fleet.links)
    return dataclasses.replace(fleet, links=links)
