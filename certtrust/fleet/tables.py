"""The tables of a fleet side by side: as an object, saved to a folder, and with its links."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from .. import schema, table_files
from ..errors import CerttrustError, SourceError
from ..texts.sentences import say
from ..trust import trust_state
from ..whole_files import UNFINISHED

FOLDERS = ("certificates", "trust", "devices", "registrations")
"""The tables that every fleet has, named like the folders that a fleet's directory may have."""
CAPTURES = "captures"
"""The folder of packet captures, and of the logs of Zeek and Suricata."""
FURTHER = ("links", "handshakes", "profiles", "sources")
"""The tables that a fleet may lack."""
TABLES = {name: schema.TABLES[name.upper()] for name in (*FOLDERS, *FURTHER)}
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
    handshakes : DataFrame, optional
        Table HANDSHAKES: the TLS connections of captures, see `certtrust.handshakes`.
    profiles : DataFrame, optional
        Table PROFILES: the TLS profile of PBXs, in a what-if.
    sources : DataFrame, optional
        Table SOURCES: what each file was taken for. It tells where the tables came from, and is
        no part of what the fleet is: two fleets may be equal without it.
    """

    certificates: pd.DataFrame
    trust: pd.DataFrame
    devices: pd.DataFrame
    registrations: pd.DataFrame
    links: pd.DataFrame | None = None
    handshakes: pd.DataFrame | None = None
    profiles: pd.DataFrame | None = None
    sources: pd.DataFrame | None = field(default=None, compare=False)

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
        >>> from certtrust import read_fleet
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


def saved_tables(root: Path) -> dict[str, Path]:
    """Return the files in a directory that are named as `Fleet.save` names them, by table."""
    paths = {name: root / f"{name}.parquet" for name in TABLES}
    return {name: path for name, path in paths.items() if path.is_file()}


def read_saved(root: Path, files: dict[str, Path]) -> Fleet:
    """Return the fleet that `Fleet.save` wrote.

    Raises
    ------
    SourceError
        If a table is absent, or a file is not its table.
    """
    if absent := [name for name in FOLDERS if name not in files]:
        table = f"{absent[0]}.parquet"
        path = repr(str(root))
        raise SourceError(say("errors.reading.half_a_fleet", path=path, table=table))
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
        if name not in FURTHER or getattr(fleet, name) is not None
    }
    is_same = all(frame is getattr(fleet, name) for name, frame in frames.items())
    return fleet if is_same else dataclasses.replace(fleet, **frames)


def link(fleet: Fleet) -> Fleet:
    """Return the same fleet with its issuer links verified, for reuse by later judgements.

    Only signatures that `fleet.links` does not know yet are verified.

    Examples
    --------
    >>> from certtrust import read_fleet
    >>> fleet = link(read_fleet("data/fleet"))
    >>> fleet.links.columns.tolist()
    ['child', 'issuer', 'verified']
    """
    fleet = expect_fleet(fleet)
    links = trust_state.link(fleet.certificates, fleet.trust, links=fleet.links)
    return dataclasses.replace(fleet, links=links)
