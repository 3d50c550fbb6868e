"""Files are written completely or not at all, whatever interrupts the writing."""

from __future__ import annotations

import errno
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import certtrust as ct
from certtrust.registrations import to_parquet
from certtrust.schema import LINKS
from certtrust.table_files import write_csv, write_parquet
from certtrust.testing import small_fleet
from certtrust.whole_files import UNFINISHED, replacing, write_whole


@pytest.mark.parametrize(
    "end", [KeyboardInterrupt(), OSError(errno.ENOSPC, "full"), ValueError("x")]
)
def test_an_interrupted_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, end: BaseException
) -> None:
    """After Ctrl-C, a full disk or an error, only the old file is in the folder."""
    page = tmp_path / "page.html"
    page.write_text("old")
    with pytest.raises(type(end)), replacing(page) as new:  # noqa: PT012
        new.write_text("half a")
        raise end
    assert page.read_text() == "old"
    assert list(tmp_path.iterdir()) == [page]


def test_a_new_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    """A file that is replaced keeps its permissions; a new one has the usual ones."""
    usual = tmp_path / "usual"
    usual.touch()
    write_whole(tmp_path / "new", b"x")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == stat.S_IMODE(
        usual.stat().st_mode
    )
    usual.chmod(0o640)
    write_whole(usual, b"x")
    assert stat.S_IMODE(usual.stat().st_mode) == 0o640


def test_a_link_still_leads_to_the_file(tmp_path: Path) -> None:
    """The target of a symbolic link is replaced, not the link."""
    (tmp_path / "page").write_text("old")
    (tmp_path / "link").symlink_to("page")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "page").read_text() == "new"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    """A pipe cannot be replaced like a file."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_whole(tmp_path / "pipe", b"page")
    assert os.read(reader, 9) == b"page"
    os.close(reader)


def test_an_error_names_the_file_and_not_the_temporary_one(tmp_path: Path) -> None:
    """The error of a missing folder has the path passed by the caller."""
    with pytest.raises(FileNotFoundError) as problem:
        write_whole(tmp_path / "absent" / "page", b"x")
    assert problem.value.filename == str(tmp_path / "absent" / "page")


LOG = "time,state,serial\n1700000000,up,0090332f688a\n"
WRITERS = {
    "Parquet": lambda path: write_parquet(
        pd.DataFrame({"child": ["a" * 99]}), LINKS, path
    ),
    "CSV": lambda path: write_csv(pd.DataFrame({"child": ["a" * 99]}), LINKS, path),
    "registrations": lambda path: to_parquet(LOG, path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_writer_of_tables_leaves_the_old_file_where_the_disk_is_full(
    tmp_path: Path, name: str
) -> None:
    """A limit on the size of files simulates a full disk."""
    target = tmp_path / "table"
    target.write_text("old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            WRITERS[name](target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_report_on_a_full_disk_leaves_the_old_page(tmp_path: Path) -> None:
    """`certtrust report` says what is wrong, and the old page still exists."""
    (tmp_path / "fleet" / "trust").mkdir(parents=True)
    page = tmp_path / "report.html"
    page.write_text("yesterday")
    program = (
        "import resource, sys; from certtrust.cli import main;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["report", str(tmp_path / "fleet"), "-o", str(page)]
    process = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 2, process.stderr
    assert "File too large" in process.stderr
    assert page.read_text() == "yesterday"
    assert {path.name for path in tmp_path.iterdir()} == {"fleet", "report.html"}


def test_a_fleet_is_saved_over_the_remains_of_a_killed_save(tmp_path: Path) -> None:
    """An unfinished file of an earlier `save` does not count as a foreign file."""
    fleet = small_fleet(2, seed=1)
    fleet.save(tmp_path)
    (tmp_path / f".links.parquet.0a{UNFINISHED}").touch()
    assert ct.read_fleet(fleet.save(tmp_path)).trust.equals(fleet.trust)
