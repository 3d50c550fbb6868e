"""From any files to a fleet: each file goes to the reader of what it holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from .. import captures, schema
from ..captures import REGISTRATION_PORT
from ..certificates.containers.wire import blocks as wire_blocks
from ..certificates.passwords import Passwords
from ..certificates.reading import from_blocks, read_certificates
from ..certificates.trust_lists import (
    list_name,
    named_lists,
    read_entries,
    read_trust_list,
)
from ..devices import read_devices
from ..errors import SourceError
from ..registrations import of_handshakes, read_registrations
from ..sources import Source, is_content, sources
from ..texts.sentences import say
from . import accounts, kinds
from .accounts import Account
from .intake import Intake, Reader, pbx_in
from .keeping import read_and_keep
from .kept import options_key
from .kinds import CERTIFICATES, DEVICES, HANDSHAKES, REGISTRATIONS, TRUST
from .tables import FOLDERS, Fleet, read_saved, saved_tables


def read_fleet(
    source: Any,
    *,
    trust: Any = None,
    password: Passwords = None,
    columns: Mapping[str, str] | None = None,
    timezone: Any = None,
    patterns: Any = None,
    port: int | Iterable[int] = REGISTRATION_PORT,
    pbx: str | Mapping[str, str] | None = None,
    keep: str | os.PathLike[str] | None = None,
) -> Fleet:
    """Read a fleet from whatever files there are; what a file holds decides what it is.

    Parameters
    ----------
    source : path, glob, directory, bytes, str, open file, or an iterable of these
        Certificates, trust lists, PBX objects, logs, and packet captures or logs of Zeek and
        Suricata in any mixture, also in nested folders and in ZIP or tar archives. Or a
        directory that `Fleet.save` wrote. The folders `certificates/`, `trust/` (one list per
        PBX, named after it), `devices/`, `registrations/` and `captures/` help where content
        does not tell, above all trust lists from other certificates.
    trust : as `source`, or a mapping from the name of a PBX to it, optional
        The trust lists. A file that is named after a PBX of the data is its list, any other
        one that of every PBX. Without it, a file is taken for a trust list if its folder or
        its name says so, if it is named after a PBX of the data or, where there is no other
        list, if it holds nothing but CAs; all but the first are guesses.
    password : str, bytes, a sequence of these or a function, optional
        Passwords of PKCS#12 files, as in `read_certificates`. A file that none of them opens is
        a row that says so.
    columns : mapping from a heading to the name of a column, optional
        What headings of your own tables mean, as in `read_devices`.
    timezone : optional
        The zone of times that name none, as in `read_registrations`.
    patterns : regular expression, or several in a list or by name in a dict, optional
        What messages of logs are searched for, as in `read_registrations`.
    port : int or several, optional
        TCP ports of H.323/TLS, on which a connection in a capture is a registration.
    pbx : str or mapping of address to name, optional
        What the PBX of such connections is called; else it is the address of the server.
    keep : path, optional
        A folder of its own, outside of the files, that keeps what is read and which signatures
        are right. The next run with the same options reads only files that are new or changed,
        and verifies only what is new; what it returns is the same. A file is unchanged if its
        size, the time of its last change to the nanosecond, the time of its last change of
        status and its number in the file system are as they were, or else if its size, the time
        of its last change and the SHA-256 of its content are. Captures, key stores that ask for
        a password, and content that is no file are read each time. After another version of
        certtrust, or if the folder is damaged, all files are read again.

    Returns
    -------
    Fleet
        Its `sources` account for every file: what it was taken for, why, and what of it was
        not understood. A saved fleet comes back as it was saved, any other one without links;
        `link` adds them. With `keep` they are there, and `kept_since` of the sources says which
        files were not read again.

    Raises
    ------
    SourceError
        If a path or glob names nothing, or a directory holds a saved fleet that is not whole
        or lies beside other folders of a fleet; or if `keep` is a folder that holds anything
        else, lies within the files, belongs to another user or is open to all.

    Notes
    -----
    An attempt that stands in a log and in a capture is two rows of the registrations.

    Examples
    --------
    >>> fleet = read_fleet("data/fleet")
    >>> fleet.trust["pbx"].nunique() > 1
    True
    >>> int((fleet.sources["taken_for"] == "trust").sum())
    4
    """
    if (saved := _saved(source)) is not None:
        return saved
    own = kinds.columns_of(columns)
    options = {"columns": own, "timezone": timezone, "patterns": patterns}
    read = partial(
        _read,
        source,
        trust=trust,
        own=own,
        timezone=timezone,
        patterns=patterns,
        port=port,
        pbx=pbx,
        read_entries_of=partial(read_devices, columns=own.get(DEVICES)),
    )
    intake = Intake(is_apart=_apart(source, trust), own=own)
    if keep is None:
        return read(intake, password=password)
    _expect_outside(keep, source)
    return read_and_keep(read, intake, keep, options_key(options), password)


def read_small_tables(source: Any, read_entries_of: Reader) -> Fleet:
    """Return what `read_fleet` does; whoever calls it reads the device entries of files."""
    intake = Intake(is_apart=_apart(source, None))
    return _read(source, intake, read_entries_of=read_entries_of)


def _read(
    source: Any,
    intake: Intake,
    *,
    trust: Any = None,
    password: Passwords = None,
    own: kinds.Own = MappingProxyType({}),
    timezone: Any = None,
    patterns: Any = None,
    port: int | Iterable[int] = REGISTRATION_PORT,
    pbx: str | Mapping[str, str] | None = None,
    read_entries_of: Reader = read_devices,
) -> Fleet:
    """Return the fleet of files, which the intake sorts."""

    def certificates_of(files: Iterable[Source]) -> pd.DataFrame:
        return read_certificates(
            files, password=password, columns=own.get(CERTIFICATES)
        )

    certificates = certificates_of(intake.files(source))
    waiting: dict[str, Reader] = {
        CERTIFICATES: certificates_of,
        DEVICES: read_entries_of,
        REGISTRATIONS: partial(
            read_registrations,
            columns=own.get(REGISTRATIONS),
            timezone=timezone,
            patterns=patterns,
        ),
    }
    first = {CERTIFICATES: certificates}
    parts = {
        kind: intake.each(kind, read, first.get(kind))
        for kind, read in waiting.items()
    }
    entries = intake.each(TRUST, lambda files: read_entries(files, password=password))
    handshakes = _add_captures(intake, parts, port, pbx)
    frames = {kind: _joined(part, kind) for kind, part in parts.items()}
    names = _pbx_names(frames)
    stated = _stated_lists(trust, names, password)
    owners = intake.owners(names)
    lists = [
        *stated,
        *(named_lists(part, owners) for part in entries),
    ]
    if trust is None:
        frames[CERTIFICATES], guessed = _guessed_lists(
            frames[CERTIFICATES], intake.accounts, names, has_list=bool(lists)
        )
        lists.append(guessed)
    frames[TRUST] = _joined(lists, TRUST)
    counted = frames if handshakes is None else {**frames, HANDSHAKES: handshakes}
    table = accounts.table(
        [*intake.accounts, *accounts.of_argument(stated)], counted, intake.counted
    )
    return Fleet(**frames, handshakes=handshakes, sources=table)


def _add_captures(
    intake: Intake,
    parts: dict[str, list[pd.DataFrame]],
    port: int | Iterable[int],
    pbx: str | Mapping[str, str] | None,
) -> pd.DataFrame | None:
    """Add the certificates and registrations of captures; return their connections."""
    files = intake.waiting(HANDSHAKES)
    if not files:
        return None
    wire = captures.read(files, port=port)
    seen = wire.handshakes()
    parts[CERTIFICATES].append(from_blocks(wire_blocks(wire)))
    parts[REGISTRATIONS].append(of_handshakes(seen, port=port, pbx=pbx))
    return captures.handshakes_frame(wire)


def _pbx_names(frames: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Return the PBXs of devices and registrations, by their names in lower case."""
    names = pd.concat([frames[DEVICES]["pbx"], frames[REGISTRATIONS]["pbx"]])
    return {str(name).lower(): str(name) for name in names.dropna().unique()}


def _guessed_lists(
    certificates: pd.DataFrame,
    files: list[Account],
    names: Mapping[str, str],
    *,
    has_list: bool,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the certificates without those of files that are probably trust lists, and these."""
    loose = {
        file.source: position
        for position, file in enumerate(files)
        if file.may_be_list
    }
    rows = certificates[certificates["source"].isin(list(loose))]
    owners: dict[str, str | None] = {}
    for source in rows["source"].unique():
        owner = pbx_in(list_name(source), names)
        if owner is not None:
            owners[source] = owner
            _note(files, loose[source], "name", owner)
    if not owners and not has_list:
        for source in _only_authorities(rows):
            owners[source] = None
            _note(files, loose[source], "CAs only", None)
    is_listed = certificates["source"].isin(list(owners))
    listed = certificates[is_listed]
    owner_of_row = listed["source"].map(owners).astype("str")
    return (
        certificates[~is_listed].reset_index(drop=True),
        schema.conform(listed.assign(pbx=owner_of_row), schema.TRUST),
    )


def _note(
    files: list[Account], position: int, decided_by: str, pbx: str | None
) -> None:
    files[position] = replace(
        files[position],
        taken_for=TRUST,
        decided_by=decided_by,
        pbx=pbx,
        is_guess=True,
    )


def _only_authorities(rows: pd.DataFrame) -> list[str]:
    """Return the files whose readable certificates are CAs, and none a device's.

    A root of version 1 or 2 cannot say that it is a CA; that it issued itself is taken for it.
    """
    readable = rows[rows["fingerprint"].notna() & rows["subject"].notna()]
    old_root = (readable["version"] < 3) & readable["self_issued"]
    is_authority = readable["is_ca"].fillna(value=False) | old_root.fillna(
        value=False
    )
    is_authority &= readable["device"].isna()
    by_file = is_authority.astype(bool).groupby(readable["source"], sort=False).all()
    return by_file.index[by_file].tolist()


def _stated_lists(
    trust: Any, names: Mapping[str, str], password: Passwords
) -> list[pd.DataFrame]:
    """Return the lists that a caller gave, one frame for each of its PBXs."""
    if trust is None:
        return []
    if isinstance(trust, Mapping):
        return [
            read_trust_list(content, pbx=pbx, password=password)
            for pbx, content in trust.items()
        ]
    files = list(sources(trust))
    owners = {
        file.name: owner
        for file in files
        if (owner := pbx_in(list_name(file.name), names)) is not None
    }
    return [named_lists(read_entries(files, password=password), owners)]


def _apart(source: Any, trust: Any) -> Callable[[str], bool]:
    """Return a test for files of `source` that `trust` names as well: they are read as lists."""
    given = trust.values() if isinstance(trust, Mapping) else (trust,)
    flat = [
        item
        for items in given
        for item in (items if isinstance(items, list | tuple) else (items,))
    ]
    paths = {os.path.realpath(item) for item in flat if _is_path(item)}
    root = source if _is_path(source) and os.path.isdir(source) else ""
    if not paths:
        return lambda _name: False
    return lambda name: os.path.realpath(os.path.join(root, name)) in paths


def _is_path(item: Any) -> bool:
    if isinstance(item, str) and ("\0" in item or is_content(item)):
        return False
    return isinstance(item, str | os.PathLike)


def _expect_outside(keep: str | os.PathLike[str], source: Any) -> None:
    """Raise SourceError where a folder to keep what is read lies within what is read."""
    given = source if isinstance(source, list | tuple) else [source]
    folders = [Path(item).resolve() for item in given if _is_path(item)]
    path = Path(keep).resolve()
    if any(folder == path or folder in path.parents for folder in folders):
        raise SourceError(say("errors.reading.keep_within", path=repr(str(keep))))


def _saved(source: Any) -> Fleet | None:
    """Return a fleet that was saved in a directory, None where it holds anything else."""
    if not _is_path(source):
        return None
    root = Path(source)
    try:
        files = saved_tables(root) if root.is_dir() else {}
    except ValueError:
        return None
    if not files or not (set(FOLDERS) <= set(files) or _is_all(root, files)):
        return None
    if any((root / name).is_dir() for name in FOLDERS):
        folders = ", ".join(FOLDERS)
        raise SourceError(
            say("errors.reading.two_fleets", path=repr(str(source)), folders=folders)
        )
    return read_saved(root, files)


def _is_all(root: Path, files: Mapping[str, Path]) -> bool:
    """Return True where a directory has several tables of a saved fleet, and nothing else."""
    return len(files) > 1 and set(root.iterdir()) == set(files.values())


def _joined(frames: list[pd.DataFrame], kind: str) -> pd.DataFrame:
    table = schema.TABLES[kind.upper()]
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    if len(filled) == 1:
        return schema.conform(filled[0], table)
    joined = pd.concat([schema.empty(table), *filled], ignore_index=True)
    return schema.conform(joined, table)
