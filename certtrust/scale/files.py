"""Which files there are, near or far, and how they are dealt to partitions.

A path or glob of this machine is what it is everywhere else; one with a protocol, such as
`s3://bucket/logs/*.csv`, is found and opened by fsspec. Workers open the files themselves.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any, BinaryIO, NamedTuple, cast

import pandas as pd

from ..errors import CerttrustError, SourceError
from ..sources import LocalFile, Source, Unit, expanded, is_content, is_skipped, units
from ..texts.sentences import say
from .cluster import loaded

_PROTOCOL, _HERE = "://", "file://"
LARGEST_PART = 64 << 20
"""Bytes of files up to which they share a partition, and above which a log is divided."""
_SMALLEST_PART = 4 << 20
_BUFFER = 1 << 20
_PARTS_PER_THREAD = 2
"""Partitions for each thread of the workers, where there is enough for so many."""


class File(NamedTuple):
    """A file, or other input, as any worker can open it."""

    name: str
    size: int
    unit: Unit
    opener: Callable[[], BinaryIO] | None = None
    """Opens its bytes as they are; None for what is no file."""

    def within(self, folder: str, name: str) -> File:
        """Return the file as it is called within a folder of a fleet, as `read_fleet` does."""
        unit = partial(_within, self.unit, f"{folder}/")
        return self._replace(name=name, unit=unit)


def _within(unit: Unit, folder: str) -> Iterator[Source]:
    for source in unit():
        yield replace(source, name=source.name.removeprefix(folder))


@dataclass(frozen=True)
class RemoteFile:
    """A file that fsspec opens, whose sources are found when it is called."""

    url: str
    name: str
    size: int
    seconds: float | None = None
    options: dict[str, Any] = field(default_factory=dict, repr=False)

    def __call__(self) -> Iterator[Source]:
        """Yield the members of an archive, or the one stream."""
        yield from expanded(self.name, self.open, self.size, self.seconds)

    def open(self) -> BinaryIO:
        """Return a fresh stream of its bytes; whatever goes wrong raises OSError."""
        fsspec = loaded("fsspec")
        try:
            stream = fsspec.open(self.url, "rb", **self.options).open()
        except Exception as problem:  # each store has errors of its own
            raise _as_os_error(problem) from problem
        return io.BufferedReader(cast(Any, _Remote(stream)), _BUFFER)


class _Remote(io.RawIOBase):
    """A stream of a store, all of whose errors are OSError."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        return int(self._stream.seek(position, whence))

    def tell(self) -> int:
        return int(self._stream.tell())

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read(len(buffer))
        except Exception as problem:
            raise _as_os_error(problem) from problem
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def _as_os_error(problem: Exception) -> OSError:
    if isinstance(problem, OSError):
        return problem
    return OSError(f"{type(problem).__name__}: {problem}")


def files_of(source: Any, options: dict[str, Any] | None = None) -> list[File]:
    """Return the files of an input in the order of the readers.

    Parameters
    ----------
    source : str, path, bytes, or an iterable of these
        As in `certtrust.read_registrations`; a path or glob may have a protocol of fsspec.
    options : dict, optional
        What fsspec needs to open a store, such as `{"anon": True}`.

    Raises
    ------
    SourceError
        If a path or glob names nothing, or a store cannot be asked.

    Examples
    --------
    >>> [file.name for file in files_of("data/fleet/registrations/g*.csv")]
    ['data/fleet/registrations/graz.csv']
    """
    if isinstance(source, str) and source.startswith(_HERE):
        source = source.removeprefix(_HERE)
    if _is_remote(source):
        files = list(_remote_files(source, options or {}))
        if not files:
            raise SourceError(say("errors.sources.no_match", path=repr(source)))
        return files
    if isinstance(source, str | os.PathLike | bytes | bytearray | memoryview):
        return [_local(unit) for unit in units(source)]
    if isinstance(source, Iterable) and not hasattr(source, "read"):
        items = list(source)
        if any(map(_is_remote, items)):
            return [file for item in items for file in files_of(item, options)]
        return [_local(unit) for unit in units(items)]
    return [_local(unit) for unit in units(source)]


def _is_remote(source: Any) -> bool:
    return isinstance(source, str) and _PROTOCOL in source and not is_content(source)


def _local(unit: Unit) -> File:
    if not isinstance(unit, LocalFile):
        return File("", 0, unit)
    try:
        size = os.stat(unit.path).st_size
    except OSError:
        size = 0
    path = os.path.abspath(unit.path)
    # Workers may have another working directory.
    return File(unit.name, size, LocalFile(path, unit.name), partial(_open, path))


def _open(path: str) -> BinaryIO:
    return open(path, "rb")


def _remote_files(url: str, options: dict[str, Any]) -> Iterator[File]:
    try:
        store, path = loaded("fsspec").url_to_fs(url, **options)
        is_folder = store.isdir(path)
        listed = (store.find if is_folder else store.glob)(path, detail=True)
    except CerttrustError:
        raise
    except Exception as problem:  # each store has errors of its own
        raise SourceError(
            say("errors.scale.store", path=repr(url), problem=problem)
        ) from problem
    for path_of_file in sorted(listed):
        facts = listed[path_of_file]
        address = store.unstrip_protocol(path_of_file)
        name = address
        if is_folder:
            name = str(PurePosixPath(path_of_file).relative_to(path))
        if facts["type"] == "directory" or (is_folder and is_skipped(name)):
            continue
        size = int(facts.get("size") or 0)
        remote = RemoteFile(address, name, size, _seconds(facts), options)
        yield File(name, size, remote, remote.open)


def _seconds(facts: dict[str, Any]) -> float | None:
    """Return when a store says that a file was last changed, by the names that stores have."""
    for name in ("mtime", "LastModified", "last_modified", "updated", "modified"):
        if (stated := facts.get(name)) is not None:
            try:
                if isinstance(stated, int | float):
                    return float(stated)
                return float(pd.Timestamp(stated).timestamp())
            except (ValueError, TypeError, OverflowError):
                continue
    return None


def part_size(files: Iterable[File], threads: int) -> int:
    """Return how many bytes a partition gets, so that every thread has a few of them.

    Examples
    --------
    >>> part_size([], threads=2) == _SMALLEST_PART
    True
    """
    share = sum(file.size for file in files) // max(1, _PARTS_PER_THREAD * threads)
    return min(LARGEST_PART, max(_SMALLEST_PART, share))


def grouped(files: Iterable[File], size: int) -> Iterator[list[File]]:
    """Yield runs of consecutive files of about so many bytes together."""
    group: list[File] = []
    held = 0
    for file in files:
        if group and held + file.size > size:
            yield group
            group, held = [], 0
        group.append(file)
        held += file.size
    if group:
        yield group


def divided(size: int, begins: int, part: int) -> list[tuple[int, int]]:
    """Return ranges of bytes of a file of about one size; the first one holds its beginning.

    Examples
    --------
    >>> divided(100, begins=30, part=40)
    [(0, 50), (50, 100)]
    """
    count = max(1, round(size / max(begins, part)))
    step = max(begins, -(-size // count))
    return list(pairwise([*range(0, size, step), size]))
