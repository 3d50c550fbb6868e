"""What was read of a fleet's files, kept in a folder until the next run.

A file is unchanged if its size, the times of its last change and its number in the file system
are as they were, or else if its size, the time of its last change and the SHA-256 of its content
are. Times alone do not count where the file was changed within two seconds before it was read,
since a clock of files may be as coarse. What another version of certtrust kept, or one with other
options, is not used, and neither is a folder that is damaged: then every file is read again.

The folder holds `index.json`, which begins with its own SHA-256, and segments: folders with the
rows of the files that one run has read, as Parquet. A run writes a segment, then replaces the
index, then removes segments that the index does not name, so that a run that is ended half-way
changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import cryptography
import numpy as np
import pandas as pd
import pyarrow as pa

from .. import limits, table_files
from ..errors import CerttrustError, SourceError
from ..schema import LINKS, TABLES, empty
from ..sources import LocalFile, Unit
from ..texts.sentences import current_language, say
from ..whole_files import replacing
from .accounts import Account

INDEX = "index.json"
_FORMAT = 1
"""Raised when what stands in the folder changes."""
_COARSE = 2_500_000_000
"""Nanoseconds within which two changes of a file may have the same time."""
_MOST_SEGMENTS = 8
_LIVE = 0.5
"""Share of the rows of all segments below which they are written anew."""
_SEGMENT = re.compile(r"segment-[0-9a-f]{16}")


class Stamp(NamedTuple):
    """What a file system says of a file."""

    size: int
    modified: int
    changed: int
    number: int

    @classmethod
    def of(cls, path: str) -> Stamp | None:
        """Return the stamp of an ordinary file, None where there is none."""
        try:
            status = os.stat(path)
        except OSError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return cls(
            status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
        )

    def is_recent(self) -> bool:
        """Return True where another change could leave the same times."""
        return max(self.modified, self.changed) > time.time_ns() - _COARSE


class Rows(NamedTuple):
    """Consecutive rows of a table of a segment."""

    segment: str
    start: int
    stop: int


NO_ROWS = Rows("", 0, 0)
"""Of a file that gave none."""


@dataclass
class File:
    """A file that was read: when, what it was then, and what it gave."""

    path: str
    name: str
    stamp: Stamp
    sha256: str
    is_recent: bool
    read_at: str
    accounts: list[Account]
    names: list[str]
    """Of each account, the name of the file or archive member before its folder was cut."""
    rows: list[Rows | None]
    """Of each account."""


@dataclass
class Pending:
    """A file that is read in this run, and the accounts of it."""

    path: str
    name: str
    stamp: Stamp
    sha256: str | None
    positions: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    can_be_kept: bool = True


def options_key(options: Mapping[str, Any]) -> str:
    """Return a digest of everything but the files that rows depend on."""
    bounds = {name: value for name, value in vars(limits).items() if name.isupper()}
    about = {
        "format": _FORMAT,
        "code": _code(),
        "libraries": [cryptography.__version__, pa.__version__, pd.__version__],
        "python": platform.python_version(),
        "language": current_language(),
        "limits": bounds,
        "options": {name: _in_words(value) for name, value in options.items()},
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=1)
def _code() -> str:
    """Return a digest of certtrust itself, which differs between versions and states of one."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")) + sorted(package.rglob("*.toml")):
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _in_words(option: Any) -> Any:
    """Return an option in JSON; one that has no lasting words equals none of another run."""
    if isinstance(option, re.Pattern):
        return [repr(option.pattern), int(option.flags)]
    if isinstance(option, Mapping):
        return [[repr(key), _in_words(value)] for key, value in option.items()]
    if isinstance(option, list | tuple):
        return [_in_words(value) for value in option]
    return repr(option)


class Memory:
    """The folder, as this run finds it and leaves it.

    Parameters
    ----------
    directory : path
        A new or an empty folder, or one that an earlier run has filled.
    key : str
        What `options_key` returns.
    is_damaged : bool
        Whether nothing in the folder is to be used.

    Raises
    ------
    SourceError
        If the folder holds anything else, or belongs to another user or is open to all.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        key: str,
        *,
        is_damaged: bool = False,
    ) -> None:
        self.root = Path(directory)
        self.key = key
        self.pending: list[Pending] = []
        self.kept: list[tuple[File, list[int]]] = []
        self._expect_own_folder()
        index = {} if is_damaged else self._index()
        self.files = {
            (file.path, file.name): file
            for file in map(_file, index.get("files", ()))
        }
        self.segments: dict[str, dict[str, dict[str, Any]]] = index.get(
            "segments", {}
        )
        self.links: dict[str, Any] | None = index.get("links")

    def _expect_own_folder(self) -> None:
        path = repr(str(self.root))
        if not self.root.exists():
            return
        if not self.root.is_dir() or any(map(_is_foreign, self.root.iterdir())):
            raise SourceError(say("errors.reading.no_place_to_keep", path=path))
        status = self.root.stat()
        is_others = hasattr(os, "geteuid") and status.st_uid != os.geteuid()
        if is_others or (os.name == "posix" and status.st_mode & stat.S_IWOTH):
            raise SourceError(say("errors.reading.keep_of_others", path=path))

    def _index(self) -> dict[str, Any]:
        """Return the index, empty where there is none that can be used."""
        try:
            digest, _, content = (self.root / INDEX).read_bytes().partition(b"\n")
        except OSError:
            return {}
        if digest.decode("ascii", "replace") != hashlib.sha256(content).hexdigest():
            return {}
        index: dict[str, Any] = json.loads(content)
        return index if index.get("key") == self.key else {}

    # Files

    def unchanged(self, unit: Unit) -> File | None:
        """Return what is kept of a file that has not changed, None for any other.

        A file that has to be read is remembered until `save`.
        """
        if not isinstance(unit, LocalFile):
            return None
        path, name = os.path.realpath(unit.path), unit.name
        stamp = Stamp.of(path)
        if stamp is None:
            return None
        file = self.files.get((path, name))
        if file is not None and _is_same(file, path, stamp):
            file.stamp, file.is_recent = stamp, stamp.is_recent()
            return file
        digest = _sha256(path) if stamp.is_recent() else None
        self.pending.append(Pending(path, name, stamp, digest))
        return None

    def take(self, file: File, positions: list[int]) -> None:
        """Remember that the accounts at these positions are those of an unchanged file."""
        self.kept.append((file, positions))

    # Rows

    def table(
        self, kind: str, rows: Mapping[int, Rows]
    ) -> tuple[pd.DataFrame, dict[int, slice]]:
        """Return the kept rows of a kind, and where those of each account are among them."""
        table = TABLES[kind.upper()]
        frames: list[pd.DataFrame] = []
        begins: dict[str, int] = {}
        size = 0
        begins[NO_ROWS.segment] = 0
        for segment in dict.fromkeys(
            part.segment for part in rows.values() if part[1:] != (0, 0)
        ):
            frames.append(
                self._read(self.root / segment, kind, self.segments[segment][kind])
            )
            begins[segment] = size
            size += len(frames[-1])
        slices = {
            position: slice(
                begins[part.segment] + part.start, begins[part.segment] + part.stop
            )
            for position, part in rows.items()
        }
        if len(frames) == 1:
            return frames[0], slices
        return pd.concat([empty(table), *frames], ignore_index=True), slices

    def kept_links(self) -> pd.DataFrame | None:
        """Return the signature checks that were kept and have an answer."""
        if self.links is None:
            return None
        links = self._read(self.root / self.links["segment"], "links", self.links)
        return links[links["verified"].notna()].reset_index(drop=True)

    def _read(
        self, folder: Path, kind: str, about: Mapping[str, Any]
    ) -> pd.DataFrame:
        path = folder / f"{kind}.parquet"
        table = LINKS if kind == "links" else TABLES[kind.upper()]
        try:
            if _sha256(str(path)) != about["sha256"]:
                raise DamagedError
            return table_files.read_parquet(path, table)
        except (OSError, SourceError) as problem:
            raise DamagedError from problem

    # Writing

    def save(
        self,
        accounts: list[Account],
        frames: Mapping[str, pd.DataFrame],
        slices: Mapping[str, Mapping[int, slice]],
        links: pd.DataFrame,
    ) -> None:
        """Write what this run has read, and forget what is no longer there.

        Parameters
        ----------
        accounts : list of Account
            All of this run, as they were before trust lists were guessed.
        frames, slices : mapping by kind
            All rows of this run, and which are those of each account.
        links : DataFrame
            Table LINKS of the fleet.
        """
        new = [
            (pending, digest)
            for pending in self.pending
            if pending.can_be_kept
            and (digest := _digest_if_same(pending)) is not None
        ]
        new_rows = {position for pending, _ in new for position in pending.positions}
        kept_rows = {position for _, positions in self.kept for position in positions}
        if not self._is_worth_keeping(kept_rows, slices):
            new_rows |= kept_rows
        name = f"segment-{secrets.token_hex(8)}"
        made = self.root / name
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        made.mkdir()
        try:
            self._write(name, made, accounts, frames, slices, links, new, new_rows)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        self._remove_others()

    def _write(
        self,
        name: str,
        folder: Path,
        accounts: list[Account],
        frames: Mapping[str, pd.DataFrame],
        slices: Mapping[str, Mapping[int, slice]],
        links: pd.DataFrame,
        new: list[tuple[Pending, str]],
        new_rows: set[int],
    ) -> None:
        about: dict[str, dict[str, Any]] = {}
        places: dict[int, Rows] = {}
        for kind, frame in frames.items():
            order = [
                (position, rows)
                for position, rows in slices[kind].items()
                if position in new_rows
            ]
            at = 0
            for position, rows in order:
                size = rows.stop - rows.start
                places[position] = Rows(name, at, at + size) if size else NO_ROWS
                at += size
            if at:
                part = frame.iloc[positions_of(rows for _, rows in order)]
                about[kind] = _written(part.reset_index(drop=True), kind, folder)
        now = pd.Timestamp.now("UTC").isoformat()
        files = []
        for file, positions in self.kept:
            pairs = zip(positions, file.rows, strict=True)
            files.append(
                {**_plain(file), "rows": [places.get(at, old) for at, old in pairs]}
            )
        for pending, digest in new:
            file = File(
                pending.path,
                pending.name,
                pending.stamp,
                digest,
                pending.sha256 is not None,
                now,
                [accounts[position] for position in pending.positions],
                pending.names,
                [places.get(position) for position in pending.positions],
            )
            files.append(_plain(file))
        used = {
            rows[0] for file in files for rows in file["rows"] if rows is not None
        }
        self.segments = {
            segment: tables
            for segment, tables in {**self.segments, name: about}.items()
            if segment in used
        }
        self.links = {"segment": name, **_written(links, "links", folder)}
        index = {
            "key": self.key,
            "segments": self.segments,
            "links": self.links,
            "files": files,
        }
        content = json.dumps(index).encode()
        digest_of_index = hashlib.sha256(content).hexdigest().encode()
        with replacing(self.root / INDEX) as path:
            path.write_bytes(digest_of_index + b"\n" + content)

    def _is_worth_keeping(
        self, kept: set[int], slices: Mapping[str, Mapping[int, slice]]
    ) -> bool:
        """Return True where the segments are few, and most of their rows are still of use."""
        stored = sum(
            about["rows"]
            for tables in self.segments.values()
            for about in tables.values()
        )
        used = sum(
            rows.stop - rows.start
            for of_kind in slices.values()
            for position, rows in of_kind.items()
            if position in kept
        )
        return len(self.segments) < _MOST_SEGMENTS and used >= _LIVE * stored

    def _remove_others(self) -> None:
        named = {*self.segments, self.links["segment"] if self.links else ""}
        for path in self.root.iterdir():
            if _SEGMENT.fullmatch(path.name) and path.name not in named:
                shutil.rmtree(path, ignore_errors=True)


class DamagedError(CerttrustError):
    """What was kept is not what was written."""


def positions_of(slices: Iterable[slice]) -> np.ndarray:
    """Return the positions of the rows of several slices, one slice after another."""
    bounds = np.array([(rows.start, rows.stop) for rows in slices], dtype=np.int64)
    if not len(bounds):
        return np.zeros(0, dtype=np.int64)
    sizes = bounds[:, 1] - bounds[:, 0]
    offsets = np.cumsum(sizes) - sizes
    return np.repeat(bounds[:, 0] - offsets, sizes) + np.arange(sizes.sum())


def _written(frame: pd.DataFrame, kind: str, folder: Path) -> dict[str, Any]:
    path = folder / f"{kind}.parquet"
    table = LINKS if kind == "links" else TABLES[kind.upper()]
    table_files.write_parquet(frame, table, path)
    return {"rows": len(frame), "sha256": _sha256(str(path))}


def _is_same(file: File, path: str, stamp: Stamp) -> bool:
    if stamp[:2] != file.stamp[:2]:
        return False
    if stamp == file.stamp and not file.is_recent:
        return True
    return _sha256(path) == file.sha256


def _digest_if_same(pending: Pending) -> str | None:
    """Return the digest of a file that did not change while it was read, else None."""
    digest = _sha256(pending.path)
    if Stamp.of(pending.path) != pending.stamp:
        return None
    return digest if pending.sha256 in (None, digest) else None


def _sha256(path: str) -> str | None:
    with suppress(OSError), open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
    return None


def _is_foreign(path: Path) -> bool:
    is_ours = path.name == INDEX or _SEGMENT.fullmatch(path.name) is not None
    return not is_ours and not path.name.startswith(f".{INDEX}.")


def _plain(file: File) -> dict[str, Any]:
    accounts = [
        {
            name: value
            for name, value in asdict(account).items()
            if name != "kept_since"
        }
        for account in file.accounts
    ]
    return {**vars(file), "accounts": accounts}


def _file(plain: dict[str, Any]) -> File:
    return File(
        **{
            **plain,
            "stamp": Stamp(*plain["stamp"]),
            "accounts": [Account(**account) for account in plain["accounts"]],
            "rows": [None if rows is None else Rows(*rows) for rows in plain["rows"]],
        }
    )
