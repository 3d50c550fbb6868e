"""Certificates and registrations as Dask frames, whose partitions the workers read themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from .. import column_names
from ..certificates import passwords
from ..certificates import reading as certificates_reading
from ..certificates.passwords import Passwords
from ..devices import read_devices
from ..errors import CerttrustError, SourceError
from ..fleet import Fleet
from ..fleet.reading import read_small_tables
from ..registrations import ranges
from ..registrations import read_registrations as read_log
from ..registrations.reading import Options
from ..registrations.reading import options as log_options
from ..schema import CERTIFICATES, REGISTRATIONS, empty
from ..sources import Source, Unit
from ..texts.sentences import say
from .cluster import loaded, threads
from .files import File, divided, files_of, grouped, part_size
from .frames import computed, from_parts
from .here import task

LARGE = ("certificates", "registrations")
"""The folders of a fleet whose files the workers read."""


class LogPart(NamedTuple):
    """What partitions of a log are made of: some whole files, or the ranges of one."""

    files: list[File]
    begins: int = 0
    """Bytes of the beginning of a file that is divided."""
    cuts: tuple[tuple[int, int], ...] = ()


def read_certificates(
    source: Any,
    *,
    password: Passwords = None,
    columns: Mapping[str, str] | None = None,
    storage_options: dict[str, Any] | None = None,
    part_bytes: int | None = None,
) -> Any:
    """Read certificates of any shape into a Dask frame, by the workers of a cluster.

    Parameters
    ----------
    source : path, glob, directory, or an iterable of these
        As in `certtrust.read_certificates`, or with a protocol of fsspec, such as
        `"s3://bucket/certificates/*.parquet"`. Every worker has to reach the files by the same
        path. A file is never divided, so many certificates are best kept in several.
    password, columns : optional
        As in `certtrust.read_certificates`. Passwords are sent to the workers.
    storage_options : dict, optional
        What fsspec needs to open the store.
    part_bytes : int, optional
        Bytes of files that make a partition; by default a few partitions for each thread of the
        cluster, of 4 to 64 MiB.

    Returns
    -------
    dask.dataframe.DataFrame
        Table CERTIFICATES in input order. It is read when it is needed; `certtrust.scale.collect`
        makes a frame of pandas of it. A file that cannot be read is a row with its reason.

    Raises
    ------
    SourceError
        If a path or glob names nothing.
    CerttrustError
        If Dask is not installed, or the cluster cannot be used, see `certtrust.scale.connect`.

    Examples
    --------
    >>> import certtrust as ct
    >>> certificates = ct.scale.read_certificates("fleet/certificates")  # doctest: +SKIP
    >>> ct.scale.collect(certificates)["issuer_cn"].nunique()  # doctest: +SKIP
    12
    """
    passwords.checked(password)
    column_names.checked(columns, "certificates")
    read = task(
        partial(_read_certificates, given={"password": password, "columns": columns})
    )
    files, size = _files(source, storage_options, part_bytes)
    tasks = [read([file.unit for file in group]) for group in grouped(files, size)]
    return from_parts(tasks, empty(CERTIFICATES))


def read_registrations(
    source: Any,
    *,
    format: str | None = None,  # noqa: A002 - the public name
    patterns: Any = None,
    columns: Mapping[str, str] | None = None,
    timezone: Any = None,
    storage_options: dict[str, Any] | None = None,
    part_bytes: int | None = None,
) -> Any:
    """Read registration logs into a Dask frame, by the workers of a cluster.

    Parameters
    ----------
    source : path, glob, directory, or an iterable of these
        As in `certtrust.read_registrations`, or with a protocol of fsspec. Every worker has to
        reach the files by the same path. A long log of lines (CSV, JSON lines, HTTP log messages,
        syslog) is divided by lines; one that is compressed, in an archive, in UTF-16 or of
        another format is one partition, and so is one that may have a private key in it.
        `certtrust.scale.partitions` shows what becomes of each file.
    format, patterns, columns, timezone : optional
        As in `certtrust.read_registrations`.
    storage_options, part_bytes : optional
        As in `certtrust.scale.read_certificates`.

    Returns
    -------
    dask.dataframe.DataFrame
        Table REGISTRATIONS in input order, one row per line or record: the same rows as on one
        machine, their numbers of lines included.

    Raises
    ------
    SourceError
        If a path names nothing, or there is no such format.
    CerttrustError
        If an option is wrong, Dask is not installed, or the cluster cannot be used.

    Examples
    --------
    >>> import certtrust as ct
    >>> log = ct.scale.read_registrations("fleet/registrations/*.csv")  # doctest: +SKIP
    >>> len(log)  # doctest: +SKIP
    20000
    """
    given = {
        "format": format,
        "patterns": patterns,
        "columns": columns,
        "timezone": timezone,
    }
    chosen = _options(given)
    files, size = _files(source, storage_options, part_bytes)
    read_files = task(partial(_read_log, given=given))
    read_range = task(partial(_read_range, given=given))
    tasks = []
    for part in _log_parts(files, size, chosen):
        if not part.cuts:
            tasks.append(read_files([file.unit for file in part.files]))
            continue
        opener = part.files[0].opener
        counts = [task(_count)(opener, *cut) for cut in part.cuts]
        tasks += [
            read_range(part, number, counts) for number in range(len(part.cuts))
        ]
    return from_parts(tasks, empty(REGISTRATIONS))


def read_fleet(directory: Any, **options: Any) -> Fleet:
    """Read a fleet by the workers of a cluster: its certificates and registrations are Dask frames.

    Parameters
    ----------
    directory : path
        A folder, of this machine or of a store (`"s3://bucket/fleet"`), with the folders
        `certificates` and `registrations` (one may be absent), whose files are what the folder
        says. Trust lists, device entries and captures beside them are small: they are read at
        once, the device entries by the workers, and sent to whoever needs them.
    **options
        `storage_options` and `part_bytes` as in `certtrust.scale.read_certificates`.

    Returns
    -------
    Fleet
        Its certificates and registrations are Dask frames, the other tables frames of pandas.

    Raises
    ------
    SourceError
        If it is no such folder.
    CerttrustError
        If Dask is not installed, or the cluster cannot be used.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.scale.read_fleet("data/fleet")  # doctest: +SKIP
    >>> ct.scale.causes(ct.scale.check(ct.scale.attempts(fleet)))  # doctest: +SKIP
    """
    loaded("dask.dataframe")
    by_folder: dict[str, list[File]] = {name: [] for name in LARGE}
    others: list[File] = []
    for file in files_of(directory, options.get("storage_options")):
        folder, _, name = file.name.partition("/")
        if folder in by_folder:
            by_folder[folder].append(file.within(folder, name))
        else:
            others.append(file)
    if not any(by_folder.values()):
        path, folders = repr(str(directory)), ", ".join(LARGE)
        raise SourceError(say("errors.scale.no_folders", path=path, folders=folders))
    small = read_small_tables(_sources(file.unit for file in others), _read_entries)
    certificates = read_certificates(by_folder["certificates"], **options)
    log = read_registrations(by_folder["registrations"], **options)
    return replace(
        small,
        certificates=_with_rows(certificates, small.certificates),
        registrations=_with_rows(log, small.registrations),
        sources=None,
    )


def _read_entries(files: Iterable[Source]) -> pd.DataFrame:
    """Return the device entries of files, which the workers read one by one."""
    files = list(files)
    here = [read_devices([])]
    if any(file.archive is not None for file in files):
        return read_devices(files)
    tables = computed([task(read_devices)([file]) for file in files])
    entries: pd.DataFrame = pd.concat([*here, *tables], ignore_index=True)
    return entries


def _with_rows(frame: Any, rows: pd.DataFrame) -> Any:
    """Return a Dask frame with further rows behind it: those of captures."""
    if rows.empty:
        return frame
    further = loaded("dask").delayed(rows)
    return from_parts([*frame.to_delayed(), further], frame._meta)


def partitions(
    source: Any,
    *,
    storage_options: dict[str, Any] | None = None,
    part_bytes: int | None = None,
) -> pd.DataFrame:
    """List the partitions that `certtrust.scale.read_registrations` makes of files.

    Parameters
    ----------
    source, storage_options, part_bytes
        As in `certtrust.scale.read_registrations`.

    Returns
    -------
    DataFrame
        One row per partition and file: partition, source, from_byte, to_byte, and divided:
        whether that partition is a part of the file, by its lines.

    Examples
    --------
    >>> import certtrust as ct
    >>> listed = ct.scale.partitions("data/fleet/registrations/*.csv", part_bytes=1 << 20)
    >>> bool(listed["divided"].any())
    False
    """
    files, size = _files(source, storage_options, part_bytes)
    rows: list[tuple[int, str, int, int, bool]] = []
    number = 0
    for part in _log_parts(files, size, _options({})):
        if not part.cuts:
            rows += [(number, file.name, 0, file.size, False) for file in part.files]
            number += 1
        for start, stop in part.cuts:
            rows.append((number, part.files[0].name, start, stop, True))
            number += 1
    names = ["partition", "source", "from_byte", "to_byte", "divided"]
    return pd.DataFrame(rows, columns=names)


def _files(
    source: Any, storage_options: dict[str, Any] | None, part_bytes: int | None
) -> tuple[list[File], int]:
    """Return the files of an input, and the bytes of a partition."""
    loaded("dask.dataframe")
    if part_bytes is not None and (type(part_bytes) is not int or part_bytes < 1):
        raise CerttrustError(say("errors.scale.part_bytes", given=repr(part_bytes)))
    are_files = isinstance(source, list) and all(
        isinstance(item, File) for item in source
    )
    files = source if are_files else files_of(source, storage_options)
    if part_bytes is None:
        part_bytes = part_size(files, threads())
    return files, part_bytes


def _options(given: dict[str, Any]) -> Options:
    return log_options(
        given.get("format"),
        given.get("patterns"),
        1,
        given.get("columns"),
        given.get("timezone"),
    )


def _log_parts(
    files: Iterable[File], size: int, chosen: Options
) -> Iterator[LogPart]:
    """Yield groups of whole files, and single files with the ranges that they are divided into."""
    group: list[File] = []
    for file in files:
        begins = None
        if file.opener is not None and file.size > size:
            with suppress(OSError):
                begins = ranges.beginning(file.opener, chosen)
        cuts = [] if begins is None else divided(file.size, begins, size)
        if begins is None or len(cuts) < 2:
            group.append(file)
            continue
        yield from map(LogPart, grouped(group, size))
        group = []
        yield LogPart([file], begins, tuple(cuts))
    yield from map(LogPart, grouped(group, size))


# What the workers do


def _sources(files: Iterable[Unit]) -> list[Source]:
    return [source for file in files for source in file()]


def _read_certificates(files: list[Unit], given: dict[str, Any]) -> pd.DataFrame:
    return certificates_reading.read_certificates(
        _sources(files), **given, progress=False
    )


def _read_log(files: list[Unit], given: dict[str, Any]) -> pd.DataFrame:
    return read_log(_sources(files), **given, workers=1, progress=False)


def _count(opener: Callable[[], Any], start: int, stop: int) -> ranges.Count:
    try:
        return ranges.count(opener, start, stop)
    except OSError:
        # The file has a row that says so, from its first range.
        return ranges.Count(0, False)


def _read_range(
    part: LogPart, number: int, counts: list[ranges.Count], given: dict[str, Any]
) -> pd.DataFrame:
    """Return the rows of one range of a file."""
    (file,) = part.files
    (source, *further) = file.unit()
    start, stop = part.cuts[number]
    is_whole = any(held.has_key for held in counts)
    if source.error is not None or further or is_whole:
        # What cannot be divided after all is the partition of its first range.
        sources = [] if number else [source, *further]
        return read_log(sources, **given, workers=1, progress=False)
    log = replace(source, opener=file.opener)
    try:
        return ranges.read_range(
            log, start, stop, part.begins, counts[:number], _options(given)
        )
    except OSError as problem:
        failed = Source(source.name, error=f"reading stopped: {problem}")
        return read_log([failed], workers=1, progress=False)
