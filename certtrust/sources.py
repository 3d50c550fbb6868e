"""Any input as named byte streams: path, glob, directory, archive, bytes, text, open file, or
an iterable of these.

A source has a name, an age and a stream; its content is up to the readers. Archives are opened one
level deep, and reading stops at the bounds of `certtrust.limits`.
"""

from __future__ import annotations

import glob
import gzip
import io
import os
import re
import stat
import tarfile
import weakref
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import PurePosixPath
from typing import Any, BinaryIO, NamedTuple, cast

import pandas as pd

from . import limits
from .errors import SourceError
from .texts.sentences import say

HELD_IN_MEMORY = 16 << 20
"""Bytes up to which a tar member is read in passing; a larger one is looked up when opened."""
_HELD_FILE = 1 << 16
"""Bytes up to which a file is read as it is looked at, and not opened again."""
LONGEST_PATH = 1000
"""A text longer than this is content, not a path."""

# DER in base64 or hex, PEM in base64, and any long run of mixed letters that only base64 makes.
_ENCODED = re.compile(
    r"\s*(?:(?:M[A-P]|LS0t)[0-9A-Za-z+/_-]{36,}|30(?:8[1-4])?[0-9A-Fa-f]{40,}"
    r"|(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[0-9A-Za-z+]{60,}|(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9+])[0-9A-Za-z+/]{200,})={0,2}\s*"
    r"|\s*30(?:[: -][0-9A-Fa-f]{2}){24,}:?\s*"
)
_MAY_BE_SECRET = re.compile(
    r"(?=[0-9a-z+/=_-]*[A-Z])(?=[0-9A-Z+/=_-]*[a-z])[0-9A-Za-z+/=_-]{40,}|[0-9A-Fa-f]{32,}|[0-9A-Za-z+]{60,}"
    r"|(?:[0-9A-Fa-f]{2}[: -]){12,}(?:[0-9A-Fa-f]{2})?"
)
_SHOWN, _SHOWN_OF_SECRETS = 200, 8
_BEGINS_CONTENT = re.compile(r"\ufeff|\s*(?:[<{]|\[\s*[\[{\]]|mod cmd |\??event=)")
_HEAD = 512
_GZIP = b"\x1f\x8b"
_TAR = (
    b"ustar\x0000",
    b"ustar  \x00",
)  # POSIX and GNU; "ustar" alone would match "Neustar" in a certificate
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_OTHER_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ"}
_DAMAGED = (
    zlib.error,
    EOFError,
    zipfile.BadZipFile,
    tarfile.TarError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)

Opener = Callable[[], BinaryIO]


class Archive(NamedTuple):
    """An archive, and its size in bytes before it is unpacked."""

    name: str
    size: int


@dataclass(frozen=True)
class Source:
    """A named stream of bytes.

    Attributes
    ----------
    name : str
        Path relative to the directory given, the path as given for a single file or glob,
        `archive.zip/member` inside an archive, `<bytes>`, `<text>` or `<file>` for content.
    seconds : float or None
        When the file or member was last changed, in seconds since 1970.
    error : str or None
        Why it cannot be opened; `open` is then not to be called.
    archive : Archive or None
        The archive that it is a member of.
    """

    name: str
    seconds: float | None = None
    error: str | None = None
    opener: Opener | None = field(default=None, repr=False, compare=False)
    archive: Archive | None = field(default=None, repr=False, compare=False)

    @property
    def modified(self) -> pd.Timestamp | None:
        """When the file or member was last changed, in UTC."""
        return None if self.seconds is None else _moment(self.seconds)

    def open(self) -> BinaryIO:
        """Return a fresh stream of the decompressed content; damage raises OSError on reading."""
        if self.opener is None:
            reason = self.error or say("errors.sources.no_content")
            raise SourceError(
                say("errors.sources.cannot_open", name=self.name, reason=reason)
            )
        return self.opener()


Unit = Callable[[], Iterator[Source]]


@dataclass(frozen=True)
class LocalFile:
    """A file of this machine, whose sources are found when it is called."""

    path: str
    name: str

    def __call__(self) -> Iterator[Source]:
        """Yield the members of an archive, or the one stream."""
        yield from _file(self.path, self.name)


class _Unpacked(io.RawIOBase):
    """A decompressing stream that stops at a bound and reports all damage as OSError."""

    def __init__(
        self, stream: Any, packed_size: int, beneath: BinaryIO | None = None
    ) -> None:
        self._stream = stream
        self._beneath = beneath
        self._left = max(limits.UNPACKED_FREELY, limits.UNPACKED_RATIO * packed_size)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read(len(buffer))
        except _DAMAGED as problem:
            raise OSError(f"damaged or encrypted archive: {problem}") from problem
        self._left -= len(data)
        if self._left < 0:
            raise OSError(
                f"unpacks to more than {limits.UNPACKED_RATIO} times its size"
            )
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            if self._beneath is not None:
                self._beneath.close()
        super().close()


def _open_path(path: str) -> BinaryIO:
    return open(path, "rb")


def _open_bytes(data: bytes) -> BinaryIO:
    return io.BytesIO(data)


def _transparent(opener: Opener, packed_size: int) -> BinaryIO:
    """Open a stream and decompress it where it is gzip."""
    opened = opener()
    if isinstance(opened, io.BytesIO) and opened.getbuffer()[:2] != _GZIP:
        return opened
    stream = io.BufferedReader(cast(Any, opened))
    if stream.peek(2)[:2] != _GZIP:
        return stream
    return io.BufferedReader(
        _Unpacked(gzip.GzipFile(fileobj=stream), packed_size, stream), 1 << 16
    )


def _name(text: str) -> str:
    """Return a name that every column and every file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "?")


def is_skipped(name: str) -> bool:
    """Return True for what a folder or archive is not read for: hidden files, and README.md."""
    *folders, file = PurePosixPath(name.replace("\\", "/")).parts or ("",)
    # Nothing is written where a member says, so that one above the archive does no harm.
    hidden = (part.startswith(".") and part != ".." for part in (*folders, file))
    return any(hidden) or "__MACOSX" in folders or file == "README.md"


def _moment(seconds: float) -> pd.Timestamp | None:
    try:
        return pd.Timestamp(seconds, unit="s", tz="UTC").as_unit("us")
    except (ValueError, OverflowError):
        return None


def _zip_seconds(member: zipfile.ZipInfo) -> float | None:
    try:
        return datetime(*member.date_time, tzinfo=UTC).timestamp()
    except ValueError:
        return None


class _TarWalk:
    """The walk through a tar archive; the member that it stands at is read in passing."""

    def __init__(self, opener: Opener, size: int) -> None:
        self._opener, self._size = opener, size
        self._index = -1
        self._stream: Any = None

    def stand_at(self, index: int, stream: Any) -> None:
        """Offer the member at `index` to the first who opens it before the walk goes on."""
        self._index, self._stream = index, stream

    def go_on(self) -> None:
        """Take the offer back."""
        self._stream = None

    def open(self, index: int) -> BinaryIO:
        """Return a stream of a member; one that was passed is looked up again."""
        if index == self._index and self._stream is not None:
            stream, self._stream = self._stream, None
        else:
            stream = self._look_up(index)
        return io.BufferedReader(_Unpacked(stream, self._size), 1 << 16)

    def _look_up(self, index: int) -> Any:
        archive = tarfile.open(  # noqa: SIM115 - read by the caller
            fileobj=_transparent(self._opener, self._size), mode="r|"
        )
        try:
            for position, member in enumerate(archive):
                if position == index:
                    return archive.extractfile(member)
        except _DAMAGED as problem:
            raise OSError(f"damaged or encrypted archive: {problem}") from problem
        raise OSError("the archive changed while it was read")


def _open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> BinaryIO:
    try:
        stream = archive.open(member)
    except _DAMAGED as problem:
        raise OSError(f"damaged or encrypted archive: {problem}") from problem
    return io.BufferedReader(_Unpacked(stream, member.compress_size), 1 << 16)


def _unsupported(member: zipfile.ZipInfo) -> str:
    method = _OTHER_METHODS.get(
        member.compress_type, f"method {member.compress_type}"
    )
    return f"compressed by {method}, not unpacked: compress it by Deflate"


def _zip_members(name: str, opener: Opener, size: int) -> Iterator[Source]:
    stream = opener()
    try:
        archive = zipfile.ZipFile(stream)
    except (*_DAMAGED, OSError) as problem:
        stream.close()
        yield Source(name, error=f"unreadable ZIP archive: {problem}")
        return
    # The members stay readable after the walk; the file is closed with the last of them.
    weakref.finalize(archive, stream.close)
    left = max(limits.UNPACKED_FREELY, limits.UNPACKED_RATIO * size)
    for index, member in enumerate(archive.infolist()):
        if index == limits.ARCHIVE_MEMBERS:
            yield Source(name, error=_too_many_members())
            return
        if member.is_dir() or is_skipped(member.filename):
            continue
        inside = _name(f"{name}/{member.filename}")
        # Members may overlap, so that each is harmless and all of them are not.
        left -= member.file_size
        if left < 0:
            yield Source(
                inside,
                _zip_seconds(member),
                f"the archive unpacks to more than {limits.UNPACKED_RATIO} times its size",
            )
            return
        if member.flag_bits & 1:
            yield Source(inside, _zip_seconds(member), "encrypted archive member")
            continue
        if member.compress_type not in _ZIP_METHODS:
            # zipfile unpacks these without a bound on what one read delivers.
            yield Source(inside, _zip_seconds(member), _unsupported(member))
            continue
        open_member = partial(_open_member, archive, member)
        yield Source(
            inside,
            _zip_seconds(member),
            None,
            partial(_transparent, open_member, member.compress_size),
            Archive(name, size),
        )


def _is_workbook(opener: Opener) -> bool:
    """Return True for an Excel workbook, whose parts say nothing by themselves."""
    with opener() as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                return "xl/workbook.xml" in archive.NameToInfo
        except (*_DAMAGED, OSError):
            return False


def _tar_members(name: str, opener: Opener, size: int) -> Iterator[Source]:
    # The archive is walked as a stream, so that it is unpacked once and within its bound.
    walk = _TarWalk(opener, size)
    with _transparent(opener, size) as stream:
        try:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                for index, member in enumerate(archive):
                    if index == limits.ARCHIVE_MEMBERS:
                        yield Source(name, error=_too_many_members())
                        return
                    if not member.isfile() or is_skipped(member.name):
                        continue
                    source = _tar_member(name, archive, member, index, walk)
                    yield replace(source, archive=Archive(name, size))
                    walk.go_on()
        except (*_DAMAGED, OSError) as problem:
            yield Source(name, error=f"unreadable tar archive: {problem}")


def _tar_member(
    name: str,
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    index: int,
    walk: _TarWalk,
) -> Source:
    inside = _name(f"{name}/{member.name}")
    if member.issparse():
        # A few bytes can claim any number of zeros.
        return Source(
            inside, member.mtime, "a sparse file in a tar archive, not read"
        )
    stream: Any = archive.extractfile(member)
    if member.size > HELD_IN_MEMORY:
        walk.stand_at(index, stream)
        open_member: Opener = partial(walk.open, index)
    else:
        open_member = partial(_open_bytes, stream.read())
    return Source(
        inside, member.mtime, None, partial(_transparent, open_member, member.size)
    )


def _too_many_members() -> str:
    return f"more than {limits.ARCHIVE_MEMBERS:,} members; the others are not read"


def _head(opener: Opener, size: int) -> bytes:
    """Return the first bytes, decompressed; empty where they cannot be read."""
    try:
        with _transparent(opener, size) as stream:
            return stream.read(_HEAD)
    except OSError:
        return b""


def _expanded(
    name: str, opener: Opener, head: bytes, size: int, seconds: float | None
) -> Iterator[Source]:
    """Yield the members of an archive, or the one stream."""
    is_zip = head.startswith((b"PK\x03\x04", b"PK\x05\x06"))
    if is_zip and not _is_workbook(opener):
        yield from _zip_members(name, opener, size)
        return
    unpacked_head = _head(opener, size) if head.startswith(_GZIP) else head
    if unpacked_head[257:265] in _TAR:
        yield from _tar_members(name, opener, size)
        return
    yield Source(name, seconds, None, partial(_transparent, opener, size))


def _shown(path: str) -> str:
    return _name(path.replace(os.sep, "/"))


def _file(path: str, name: str) -> Iterator[Source]:
    name = _shown(name)
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            # A pipe or a device may never end.
            yield Source(name, error=say("errors.sources.no_regular_file"))
            return
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            head = os.read(handle, _HELD_FILE)
        finally:
            os.close(handle)
    except OSError as problem:
        yield Source(name, error=f"unreadable file: {problem.strerror or problem}")
        return
    is_whole = len(head) == status.st_size < _HELD_FILE
    opener = partial(_open_bytes, head) if is_whole else partial(_open_path, path)
    yield from _expanded(name, opener, head, status.st_size, status.st_mtime)


def expanded(
    name: str, opener: Opener, size: int, seconds: float | None = None
) -> Iterator[Source]:
    """Yield the sources of a file that is opened in a way of its own, such as over a network.

    Parameters
    ----------
    name : str
        What it is called.
    opener : function
        Returns a fresh stream of its bytes; what goes wrong raises OSError.
    size : int
        Bytes that it has.
    seconds : float, optional
        When it was last changed, in seconds since 1970.
    """
    name = _name(name)
    try:
        with opener() as stream:
            head = stream.read(_HEAD)
    except OSError as problem:
        yield Source(name, error=f"unreadable file: {problem.strerror or problem}")
        return
    yield from _expanded(name, opener, head, size, seconds)


def _directory(root: str, prefix: str) -> Iterator[Unit]:
    reasons: dict[str, str] = {}

    def note(problem: OSError) -> None:
        within = os.path.relpath(os.fsdecode(problem.filename), root)
        reasons[within] = f"unreadable folder: {problem.strerror or problem}"

    names: list[str] = []
    for folder, folders, files in os.walk(root, onerror=note):
        within = folder[len(root) :].lstrip(os.sep)
        folders[:] = (name for name in folders if not name.startswith("."))
        for name in folders:
            if os.path.islink(os.path.join(folder, name)):
                reasons[os.path.join(within, name)] = (
                    "a link to a folder, not followed"
                )
        names += (
            os.path.join(within, name)
            for name in files
            if not name.startswith(".") and name != "README.md"
        )
    for name in sorted([*names, *reasons]):
        shown = os.path.join(prefix, name)
        if name in reasons:
            yield partial(_unreadable, _shown(shown), reasons[name])
        else:
            yield LocalFile(os.path.join(root, name), shown)


def _unreadable(name: str, reason: str) -> Iterator[Source]:
    yield Source(name, error=reason)


def _content(data: bytes, name: str) -> Iterator[Source]:
    yield from _expanded(
        name, partial(_open_bytes, data), data[:_HEAD], len(data), None
    )


def is_content(text: str) -> bool:
    """Return True where a text is content rather than a path or a glob.

    Content is what has several lines, a PEM header, the beginning of XML, JSON, a line of a
    configuration backup or an HTTP log message, a byte-order mark, what can only be base64 or
    hex, or more than 1,000 characters.

    Examples
    --------
    >>> is_content("certificates/*.pem"), is_content("-----BEGIN CERTIFICATE-----")
    (False, True)
    """
    if "\n" in text or "-----BEGIN" in text or len(text) > LONGEST_PATH:
        return True
    return (
        _BEGINS_CONTENT.match(text) is not None
        or _ENCODED.fullmatch(text) is not None
    )


def _without_secrets(text: str) -> str:
    """Return a path as it may be shown: what is long or looks like a key is cut."""
    shown = _MAY_BE_SECRET.sub(lambda run: f"{run[0][:_SHOWN_OF_SECRETS]}…", text)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"


def _path(text: str, prefixed: bool) -> Iterator[Unit]:
    if os.path.isdir(text):
        yield from _directory(text, text if prefixed else "")
        return
    if os.path.lexists(text):
        yield LocalFile(text, text)
        return
    matches = [] if "\0" in text else sorted(glob.glob(text, recursive=True))
    if not matches:
        key = "no_match" if glob.has_magic(text) else "no_file"
        raise SourceError(
            say(f"errors.sources.{key}", path=repr(_without_secrets(text)))
        )
    yield from (
        LocalFile(match, match) for match in matches if not os.path.isdir(match)
    )


def _one(source: Any, number: str, prefixed: bool) -> Iterator[Unit]:
    if isinstance(source, Source):
        yield partial(iter, (source,))
    elif isinstance(source, str) and is_content(source):
        yield partial(
            _content, source.encode("utf-8", "surrogatepass"), f"<text{number}>"
        )
    elif isinstance(source, str | os.PathLike):
        yield from _path(os.fsdecode(source), prefixed)
    elif isinstance(source, bytes | bytearray | memoryview):
        yield partial(_content, bytes(source), f"<bytes{number}>")
    elif hasattr(source, "read"):
        data = source.read()
        name = getattr(source, "name", None)
        content = (
            data.encode("utf-8", "surrogatepass")
            if isinstance(data, str)
            else bytes(data)
        )
        yield partial(
            _content,
            content,
            _name(name) if isinstance(name, str) else f"<file{number}>",
        )
    elif isinstance(source, Iterable) and not prefixed:
        for position, item in enumerate(source, start=1):
            yield from _one(item, f" {position}", prefixed=True)
    else:
        raise SourceError(say("errors.sources.no_source", kind=type(source).__name__))


def units(source: Any) -> Iterator[Unit]:
    """Yield the files of an input as functions that return their sources, in any process."""
    yield from _one(source, "", prefixed=False)


def sources(source: Any) -> Iterator[Source]:
    """Yield the byte streams that an input stands for, in order.

    Parameters
    ----------
    source : str, path, bytes, open file, or an iterable of these
        A path, a glob, a directory (recursive, sorted; hidden files and README.md are passed
        over), the content itself, or several of them. ZIP and tar archives yield their members,
        gzip is undone. Pipes, devices, links to folders and whatever cannot be read have an error
        instead of a stream.

    Yields
    ------
    Source
        Name, time of the last change, and a stream; or the reason why there is none.

    Raises
    ------
    SourceError
        If a path or glob names nothing, or if `source` is of another type.

    Examples
    --------
    >>> [source.name for source in sources([b"one", b"two"])]
    ['<bytes 1>', '<bytes 2>']
    """
    for unit in units(source):
        yield from unit()
