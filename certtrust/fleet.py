"""A fleet: its certificates, trust lists, PBX objects and registration logs, side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from . import schema, table_files
from .certificates.passwords import Passwords
from .certificates.reading import read_certificates
from .certificates.trust_lists import read_trust_list
from .devices import read_devices
from .errors import CerttrustError, SourceError
from .registrations import read_registrations
from .texts.sentences import say
from .trust import trust_state
from .whole_files import UNFINISHED

FOLDERS = ("certificates", "trust", "devices", "registrations")
"""The folders of a fleet directory; each may be absent, and then its table is empty."""
TABLES = {name: schema.TABLES[name.upper()] for name in (*FOLDERS, "links")}
"""The tables of a fleet that `Fleet.save` writes, by the names of their files."""


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

    def save(self, directory: str | Path) -> Path:
        """Write the tables as Parquet, links included; `read_fleet` gives the same fleet.

        Parameters
        ----------
        directory : path
            A new or an empty one, or one that holds a saved fleet, which is replaced.

        Returns
        -------
        Path
            The directory.

        Raises
        ------
        SourceError
            If the directory holds anything else, which would be read with the fleet or lost.

        Examples
        --------
        >>> import tempfile
        >>> fleet = link(read_fleet("data/fleet"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     read_fleet(fleet.save(folder)).links.equals(fleet.links)
        True
        """
        root = Path(directory)
        if root.exists() and (
            not root.is_dir() or any(map(_is_foreign, root.iterdir()))
        ):
            raise SourceError(
                say("errors.reading.no_place_to_save", path=repr(str(directory)))
            )
        root.mkdir(parents=True, exist_ok=True)
        for name, table in TABLES.items():
            frame, path = getattr(self, name), root / f"{name}.parquet"
            if frame is None:
                path.unlink(missing_ok=True)
                continue
            table_files.write_parquet(frame, table, path)
        return root


def _is_foreign(path: Path) -> bool:
    """Return True for what belongs to no saved fleet, and is not left of a killed `save`."""
    tables = {f"{name}.parquet" for name in TABLES}
    return path.name not in tables and path.suffix != UNFINISHED


def read_fleet(
    directory: str | Path, *, password: Passwords = None, timezone: Any = None
) -> Fleet:
    """Read a fleet from a directory of four folders, or one that `Fleet.save` wrote.

    Parameters
    ----------
    directory : path
        `certificates/` holds certificate files of any shape (a file name may carry the device's
        serial or hardware ID), `trust/` one file per PBX, named after it, `devices/` PBX
        objects and `registrations/` logs. A folder that is absent gives an empty table. A saved
        fleet is the Parquet files of its tables instead.
    password : str, bytes, a sequence of these or a function, optional
        Passwords of PKCS#12 files, as in `read_certificates`. A file that none of them opens is
        a row that says so.
    timezone : str or tzinfo, optional
        The time zone of log lines that name none, as in `read_registrations`.

    Returns
    -------
    Fleet
        A saved fleet as it was saved, else one without links; `link` adds them.

    Raises
    ------
    SourceError
        If the directory does not exist, has neither the folders nor a saved fleet, or has both.

    Examples
    --------
    >>> read_fleet("data/fleet").trust["pbx"].nunique() > 1
    True
    """
    root = Path(directory)
    folders = ", ".join(FOLDERS)
    if not root.is_dir():
        raise SourceError(
            say(
                "errors.reading.no_directory",
                path=repr(str(directory)),
                folders=folders,
            )
        )
    present = {name: root / name for name in FOLDERS if (root / name).is_dir()}
    saved = {
        name: path for name in TABLES if (path := root / f"{name}.parquet").is_file()
    }
    if present and saved:
        raise SourceError(
            say(
                "errors.reading.two_fleets",
                path=repr(str(directory)),
                folders=folders,
            )
        )
    if saved:
        return _saved(root, saved)
    if not present:
        raise SourceError(
            say(
                "errors.reading.no_folders",
                path=repr(str(directory)),
                folders=folders,
            )
        )
    readers: dict[str, tuple[Callable[[Path], pd.DataFrame], schema.Table]] = {
        "certificates": (
            partial(read_certificates, password=password),
            schema.CERTIFICATES,
        ),
        "trust": (partial(read_trust_list, password=password), schema.TRUST),
        "devices": (read_devices, schema.DEVICES),
        "registrations": (
            partial(read_registrations, timezone=timezone),
            schema.REGISTRATIONS,
        ),
    }
    frames = {
        name: reader(present[name]) if name in present else schema.empty(table)
        for name, (reader, table) in readers.items()
    }
    return Fleet(**frames)


def _saved(root: Path, files: dict[str, Path]) -> Fleet:
    if absent := [name for name in FOLDERS if name not in files]:
        raise SourceError(
            say(
                "errors.reading.half_a_fleet",
                path=repr(str(root)),
                table=f"{absent[0]}.parquet",
            )
        )
    return Fleet(
        **{
            name: table_files.read_parquet(path, TABLES[name])
            for name, path in files.items()
        }
    )


def expect_fleet(fleet: Fleet) -> Fleet:
    """Return a fleet that a caller made, its frames with the dtypes of their tables.

    Raises
    ------
    CerttrustError
        If it is no fleet, or a frame is not its table, see `certtrust.schema.expect`.
    """
    if not isinstance(fleet, Fleet):
        kind = type(fleet).__name__
        raise CerttrustError(say("errors.frames.no_fleet", kind=kind))
    frames = {
        name: schema.expect(getattr(fleet, name), table)
        for name, table in TABLES.items()
        if name != "links" or fleet.links is not None
    }
    is_same = all(frame is getattr(fleet, name) for name, frame in frames.items())
    return fleet if is_same else dataclasses.replace(fleet, **frames)


def link(fleet: Fleet) -> Fleet:
    """Return the same fleet with its issuer links verified, for reuse by later judgements.

    Only signatures that `fleet.links` does not know yet are verified.

    Examples
    --------
    >>> fleet = link(read_fleet("data/fleet"))
    >>> fleet.links.columns.tolist()
    ['child', 'issuer', 'verified']
    """
    fleet = expect_fleet(fleet)
    links = trust_state.link(fleet.certificates, fleet.trust, links=fleet.links)
    return dataclasses.replace(fleet, links=links)
