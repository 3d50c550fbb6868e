"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED = ".unfinished"
"""How the names of files end that are still being written."""


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a new file to write to, which takes the place of `path` when all went well.

    The new file lies beside the old one. Whatever ends the block early (an error, a full disk,
    Ctrl-C) leaves the old file as it was and no new one. Where `path` is no ordinary file, such
    as a pipe, it is written to directly.

    Parameters
    ----------
    path : path
        The file to be replaced or made.

    Yields
    ------
    Path
        The file to write to.

    Raises
    ------
    OSError
        If there can be no file in that folder.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = Path(folder, "page.html")
    ...     with replacing(page) as new:
    ...         _ = new.write_text("whole")
    ...     page.read_text()
    'whole'
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        yield target
        return
    new = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}{UNFINISHED}")
    # Made here, so that it has the permissions of any new file, and an error names the target.
    try:
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as problem:
        raise type(problem)(problem.errno, problem.strerror, str(path)) from None
    try:
        yield new
        if target.exists():
            new.chmod(target.stat().st_mode & 0o777)
        os.replace(new, target)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write the content as a file that is whole or not there."""
    with replacing(path) as new:
        new.write_bytes(content)


@contextmanager
def new_directory(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a new folder to fill, which becomes `path` when all went well.

    Parameters
    ----------
    path : path
        A new or an empty folder; the folders above it are made.

    Yields
    ------
    Path
        The folder to fill. Whatever ends the block early leaves nothing behind.

    Raises
    ------
    FileExistsError
        If something is there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with new_directory(Path(folder, "kit")) as new:
    ...         _ = Path(new, "a.txt").write_text("whole")
    ...     sorted(path.name for path in Path(folder).rglob("*"))
    ['a.txt', 'kit']
    """
    target = Path(os.path.realpath(path))
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}{UNFINISHED}")
    new.mkdir()
    try:
        yield new
        if target.exists():
            target.rmdir()  # only Linux puts a folder in the place of an empty one
        os.replace(new, target)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
