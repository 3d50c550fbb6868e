"""Any input becomes named byte streams; what is damaged or explodes says so instead of failing."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certtrust import limits
from certtrust.errors import SourceError
from certtrust.sources import Source, is_content, sources


def _read(source: Source) -> bytes:
    with source.open() as stream:
        return stream.read()


def _named(source: object) -> dict[str, bytes]:
    return {file.name: _read(file) for file in sources(source)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a directory with files, a subdirectory, and what is to be passed over."""
    (tmp_path / "sub").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in (
        "b.txt",
        "a.txt",
        "sub/c.txt",
        "README.md",
        ".secret",
        ".hidden/d.txt",
    ):
        (tmp_path / name).write_text(name)
    return tmp_path


def test_a_directory_is_read_recursively_in_order(folder: Path) -> None:
    """Names are relative to the directory; hidden files and README.md are passed over."""
    assert _named(folder) == {
        "a.txt": b"a.txt",
        "b.txt": b"b.txt",
        "sub/c.txt": b"sub/c.txt",
    }


def test_a_file_keeps_the_name_it_was_given(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path and a glob give names as they were written."""
    monkeypatch.chdir(folder)
    assert _named("sub/c.txt") == {"sub/c.txt": b"sub/c.txt"}
    assert list(_named("*.txt")) == ["a.txt", "b.txt"]
    assert list(_named("**/*.txt")) == ["a.txt", "b.txt", "sub/c.txt"]


def test_what_names_nothing_is_the_callers_mistake(folder: Path) -> None:
    """A missing path, a glob without a match and another type raise; the message names them."""
    with pytest.raises(SourceError, match=r"no file or directory 'missing\.pem'"):
        list(sources("missing.pem"))
    with pytest.raises(SourceError, match="no file matches the pattern"):
        list(sources(str(folder / "*.pem")))
    with pytest.raises(SourceError, match="cannot read from int"):
        list(sources(5))
    with pytest.raises(SourceError, match="cannot read from list"):
        list(sources([["nested"]]))


def test_content_is_numbered_in_an_iterable() -> None:
    """Bytes, text and open files have names of their own, and numbers where there are several."""
    assert _named(b"x") == {"<bytes>": b"x"}
    assert _named("two\nlines") == {"<text>": b"two\nlines"}
    assert _named([b"x", "two\nlines", io.BytesIO(b"y"), io.StringIO("z")]) == {
        "<bytes 1>": b"x",
        "<text 2>": b"two\nlines",
        "<file 3>": b"y",
        "<file 4>": b"z",
    }


def test_directories_in_an_iterable_keep_apart(folder: Path) -> None:
    """Two directories may hold files of the same name, so their own names stand before."""
    names = [file.name for file in sources([folder, folder / "sub"])]
    assert names[0] == (folder / "a.txt").as_posix()
    assert names[-1] == (folder / "sub/c.txt").as_posix()


def test_archives_yield_their_members(folder: Path) -> None:
    """ZIP, tar and compressed tar are opened, gzip is undone; hidden members are passed over."""
    with zipfile.ZipFile(folder / "z.zip", "w") as archive:
        archive.writestr("in/one.pem", b"1")
        archive.writestr("in/", b"")
        archive.writestr("__MACOSX/one.pem", b"x")
        archive.writestr("../above.pem", b"a")
        archive.writestr("two.pem.gz", gzip.compress(b"2"))
    for name, mode in (("t.tar", "w"), ("t.tar.gz", "w:gz")):
        with tarfile.open(folder / name, mode) as archive:
            archive.add(folder / "a.txt", "in/a.txt")
            archive.add(folder / ".secret", ".secret")
    (folder / "g.pem.gz").write_bytes(gzip.compress(b"3"))
    found = _named(folder)
    assert found["z.zip/in/one.pem"] == b"1"
    assert found["z.zip/two.pem.gz"] == b"2"
    assert found["z.zip/../above.pem"] == b"a"
    assert found["t.tar/in/a.txt"] == found["t.tar.gz/in/a.txt"] == b"a.txt"
    assert found["g.pem.gz"] == b"3"
    assert len(found) == 3 + 6


def test_members_can_be_opened_after_the_walk(folder: Path) -> None:
    """A list of sources stays readable, large members of a tar archive too."""
    big = os.urandom(1 << 10) * (17 << 10)
    (folder / "big.bin").write_bytes(big)
    with tarfile.open(folder / "t.tgz", "w:gz") as archive:
        archive.add(folder / "a.txt", "a.txt")
        archive.add(folder / "big.bin", "big.bin")
    with zipfile.ZipFile(folder / "z.zip", "w") as archive:
        archive.writestr("one", b"1")
    listed = [file for path in ("t.tgz", "z.zip") for file in sources(folder / path)]
    assert [_read(file) for file in listed] == [b"a.txt", big, b"1"]
    assert _read(listed[1]) == big


def test_sources_know_when_they_were_changed(folder: Path) -> None:
    """Times are UTC, of files and of members of archives."""
    os.utime(folder / "a.txt", (1_700_000_000, 1_700_000_000))
    member = zipfile.ZipInfo("m", (2024, 2, 3, 4, 5, 6))
    with zipfile.ZipFile(folder / "z.zip", "w") as archive:
        archive.writestr(member, b"1")
    by_name = {file.name: file.modified for file in sources(folder)}
    assert str(by_name["a.txt"]) == "2023-11-14 22:13:20+00:00"
    assert str(by_name["z.zip/m"]) == "2024-02-03 04:05:06+00:00"
    assert next(sources(b"x")).modified is None


def test_bombs_stop(folder: Path) -> None:
    """What unpacks to a thousand times its size is refused while it is read, in every kind of
    archive.
    """
    zeros = bytes(limits.UNPACKED_FREELY + (8 << 20))
    (folder / "bomb.gz").write_bytes(gzip.compress(zeros))
    with zipfile.ZipFile(folder / "z.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", zeros)
    (source,) = sources(folder / "bomb.gz")
    with pytest.raises(OSError, match="unpacks to more than"):
        _read(source)
    (source,) = sources(folder / "z.zip")
    assert "unpacks to more than" in (source.error or "")


def test_a_member_that_lies_about_its_size_is_cut(folder: Path) -> None:
    """A member unpacks to no more than its entry says."""
    with zipfile.ZipFile(folder / "z.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(limits.UNPACKED_FREELY + (8 << 20)))
    data = bytearray((folder / "z.zip").read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = (1000).to_bytes(4, "little")
    (source,) = sources(bytes(data))
    read = b""
    with suppress(OSError):
        read = _read(source)
    assert len(read) <= 1000


def test_a_bomb_in_a_tar_archive_is_a_source_with_an_error(folder: Path) -> None:
    """Members before the bomb are read; the walk ends with the reason."""
    with tarfile.open(folder / "t.tgz", "w:gz") as archive:
        archive.add(folder / "a.txt", "a.txt")
        large = tarfile.TarInfo("bomb")
        large.size = limits.UNPACKED_FREELY + (8 << 20)
        archive.addfile(large, io.BytesIO(bytes(large.size)))
        archive.add(folder / "b.txt", "b.txt")
    found = list(sources(folder / "t.tgz"))
    assert found[0].name.endswith("t.tgz/a.txt")
    assert "unpacks to more than" in (found[-1].error or "")


@pytest.mark.parametrize("cut", [30, 60])
def test_damaged_archives_say_so(folder: Path, cut: int) -> None:
    """A ZIP or tar archive that is cut short is a source with an error or raises OSError; never
    anything else.
    """
    with zipfile.ZipFile(folder / "z.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one", os.urandom(500))
    with tarfile.open(folder / "t.tgz", "w:gz") as archive:
        archive.add(folder / "a.txt", "a.txt")
    for name in ("z.zip", "t.tgz"):
        data = (folder / name).read_bytes()
        problems = []
        for source in sources(data[:-cut]):
            if source.error:
                problems.append(source.error)
                with pytest.raises(SourceError):
                    source.open()
                continue
            try:
                _read(source)
            except OSError as problem:
                problems.append(str(problem))
        assert problems


def test_encrypted_members_say_so(folder: Path) -> None:
    """A member that needs a password is named, and the others are read."""
    with zipfile.ZipFile(folder / "z.zip", "w") as archive:
        archive.writestr("one", b"1")
        archive.writestr("two", b"2")
    data = bytearray((folder / "z.zip").read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    one, two = sources(bytes(data))
    assert one.error == "encrypted archive member"
    assert _read(two) == b"2"


def test_a_certificate_of_neustar_is_no_archive() -> None:
    """The magic of tar, five letters at one place, may stand in any content."""
    content = bytes(257) + b"ustar Informatics" + bytes(500)
    assert _named(content) == {"<bytes>": content}


def test_unreadable_files_are_sources_with_an_error(folder: Path) -> None:
    """A link to nowhere in a directory has its reason; a file that vanishes is an OSError."""
    (folder / "link").symlink_to("nowhere")
    (folder / "a.txt").write_bytes(bytes(1 << 17))
    files = {file.name: file for file in sources(folder)}
    assert files["link"].error == "unreadable file: No such file or directory"
    (folder / "a.txt").unlink()
    with pytest.raises(OSError, match="No such file"):
        files["a.txt"].open()


@given(st.binary(max_size=2000))
def test_no_content_breaks_the_walk(data: bytes) -> None:
    """Whatever bytes are given, there is a source, and reading it gives bytes or OSError."""
    for prefix in (b"", b"\x1f\x8b\x08", b"PK\x03\x04"):
        found = list(sources(prefix + data))
        assert found
        for source in found:
            if source.error is None:
                with suppress(OSError):
                    assert isinstance(_read(source), bytes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("certificates", False),
        ("phones/0090332f688a.pem", False),
        ("/etc/ssl/*.pem", False),
        ("-----BEGIN CERTIFICATE-----", True),
        ("line\nline", True),
        ("<info/>", True),
        ('{"pem": ""}', True),
        ('\ufeff{"pem": ""}', True),
        ('[{"pem": ""}]', True),
        ("[ab]*.pem", False),
        ("mod cmd FLASHDIR0 add-item 101 (cn=a)", True),
        ("?event=syslog&time=0&msg=a", True),
        ("events/*.jsonl", False),
        ("MII" + "A" * 300, True),
        ("M" * 1001, True),
    ],
)
def test_paths_and_content_are_told_apart(text: str, expected: bool) -> None:
    """A text is a path unless it cannot sensibly be one."""
    assert is_content(text) == expected
