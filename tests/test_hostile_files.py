"""Files made to exhaust a reader: reaching a bound gives a row that says so, and nothing hangs."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_certificates import Issued

import certtrust as ct
from certtrust import limits, schema, sources
from certtrust.names.device_ids import same_spelling
from certtrust.schema import DEVICES
from certtrust.table_files import read_parquet, write_parquet
from certtrust.testing import small_fleet
from certtrust.x509.ber import INTEGER, OCTET_STRING, OID, SEQUENCE, encoded


@pytest.fixture(scope="module")
def issued() -> Issued:
    """Return a certificate and its CA."""
    return Issued()


def _errors(source: Any) -> dict[str, str]:
    frame = ct.read_certificates(source)
    return dict(zip(frame["source"], frame["parse_error"], strict=True))


# Archives


def _sparse(members: int, size: int) -> bytes:
    """Return a tar archive of GNU sparse files, in which 512 bytes represent `size`."""
    archive = b""
    for member in range(members):
        entry = tarfile.TarInfo(f"m{member}")
        entry.type, entry.size = tarfile.GNUTYPE_SPARSE, 512
        head = bytearray(entry.tobuf(tarfile.GNU_FORMAT))
        head[386:410] = _octal(size - 512) + _octal(512)
        head[483:495] = _octal(size)
        head[148:156] = b" " * 8
        head[148:156] = b"%06o\0 " % sum(head)
        archive += bytes(head) + bytes(512)
    return archive + bytes(1024)


def _octal(value: int) -> bytes:
    if value < 8**11:
        return b"%011o\0" % value
    return b"\x80" + value.to_bytes(11, "big")


def test_sparse_files_are_not_unpacked() -> None:
    """One of 1.5 KB claims to have 200 GB, and many others 16 MB each."""
    reason = "a sparse file in a tar archive, not read"
    assert _errors(_sparse(1, 200 << 30)) == {"<bytes>/m0": reason}
    assert set(_errors(_sparse(300, 16 << 20)).values()) == {reason}


@pytest.mark.parametrize(
    ("method", "name"), [(zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "LZMA")]
)
def test_methods_without_a_bound_are_not_unpacked(
    issued: Issued, method: int, name: str
) -> None:
    """The other members are read."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.pem", bytes(1 << 20), method)
        archive.writestr("b.pem", issued.pems[0], zipfile.ZIP_DEFLATED)
    errors = _errors(file.getvalue())
    assert errors["<bytes>/a.pem"] == (
        f"compressed by {name}, not unpacked: compress it by Deflate"
    )
    assert pd.isna(errors["<bytes>/b.pem"])


def test_large_members_are_read_in_passing(
    issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive is read in one pass, even if many members are too large for memory."""
    monkeypatch.setattr(sources, "HELD_IN_MEMORY", 100)
    file = io.BytesIO()
    contents = [issued.pems[0], issued.ders[1], b"text" * 99, issued.bundle * 99]
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for number, content in enumerate(contents):
            entry = tarfile.TarInfo(f"{number}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    walks = []
    look_up = sources._TarWalk._look_up
    monkeypatch.setattr(
        sources._TarWalk,
        "_look_up",
        lambda walk, index: walks.append(index) or look_up(walk, index),
    )
    frame = ct.read_certificates(file.getvalue())
    assert frame["fingerprint"].notna().sum() == 1 + 1 + 2 * 99
    assert walks == []
    members = list(sources.sources(file.getvalue()))
    assert [source.open().read() for source in members] == contents
    assert walks == [0, 1, 2, 3]


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_the_members_of_an_archive_are_bounded(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The row after the last member that is read says so."""
    monkeypatch.setattr(limits, "ARCHIVE_MEMBERS", 3)
    file = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(file, "w") as archive:
            for number in range(5):
                archive.writestr(f"{number}", b"x")
    else:
        with tarfile.open(fileobj=file, mode="w") as tar:
            for number in range(5):
                tar.addfile(tarfile.TarInfo(f"{number}"))
    errors = _errors(file.getvalue())
    assert list(errors)[:3] == ["<bytes>/0", "<bytes>/1", "<bytes>/2"]
    assert errors["<bytes>"] == "more than 3 members; the others are not read"


# Links, pipes and devices


@pytest.fixture
def odd_files(
    tmp_path: Path, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Return a folder with a certificate, a pipe and links of every kind."""
    folder = tmp_path / "x"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.pem").write_bytes(issued.pems[0])
    (folder / "link.pem").symlink_to("sub/a.pem")
    (folder / "broken").symlink_to("nowhere")
    (folder / "loop").symlink_to("loop")
    (folder / "circle").symlink_to(".")
    os.mkfifo(folder / "pipe")
    monkeypatch.chdir(tmp_path)
    return folder


def test_an_unreadable_entry_of_a_folder_is_a_row(odd_files: Path) -> None:
    """Broken links, loops and pipes have their reasons; a link to a file is a file."""
    errors = {
        name: error for name, error in _errors(odd_files).items() if error == error
    }
    assert errors == {
        "broken": "unreadable file: No such file or directory",
        "circle": "a link to a folder, not followed",
        "loop": "unreadable file: Too many levels of symbolic links",
        "pipe": "a pipe or a device, not read: open it and give the open file",
    }
    readers: tuple[Callable[..., pd.DataFrame], ...] = (
        ct.read_trust_list, ct.read_devices, ct.read_registrations,
    )  # fmt: skip
    for read in readers:
        frame = read(odd_files)
        reasons = set(frame["parse_error"].dropna())
        assert set(errors.values()) <= reasons


@pytest.mark.parametrize("path", ["x/pipe", "x/pi*", "/dev/zero", Path("x/pipe")])
@pytest.mark.usefixtures("odd_files")
def test_a_pipe_or_a_device_is_not_read(path: str | Path) -> None:
    """Given by path or glob, it might never end."""
    (error,) = _errors(path).values()
    assert error == "a pipe or a device, not read: open it and give the open file"


@pytest.mark.usefixtures("odd_files")
def test_a_broken_link_has_its_reason() -> None:
    """It may be given by path or glob."""
    for path in ("x/broken", "x/bro*"):
        assert list(_errors(path).values()) == [
            "unreadable file: No such file or directory"
        ]


@pytest.mark.skipif(os.getuid() == 0, reason="everything is readable to this user")
def test_a_folder_that_may_not_be_read_has_its_reason(odd_files: Path) -> None:
    """It is not silently empty."""
    (odd_files / "sub").chmod(0)
    assert _errors(odd_files)["sub"] == "unreadable folder: Permission denied"


# Tables


def _parquet(table: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd")
    return file.getvalue()


def test_a_small_table_cannot_claim_any_number_of_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Run-length encoding makes millions of rows from a few bytes."""
    monkeypatch.setattr(limits, "TABLE_ROWS_FREELY", 10_000)
    nothing = pa.nulls(200_000, pa.string())
    data = _parquet(pa.table({"der": nothing, "hardware_id": nothing}))
    assert len(data) < 10_000
    frame = ct.read_certificates(data)
    assert len(frame) == 1
    assert "200,000 rows in" in frame["parse_error"].iloc[0]
    with pytest.raises(ct.CerttrustError, match="200,000 rows"):
        read_parquet(io.BytesIO(data), DEVICES)


def test_a_cell_that_repeats_cannot_deliver_any_number_of_bytes(
    issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows read before the bound are kept, and the last row says why reading stopped."""
    monkeypatch.setattr(limits, "UNPACKED_FREELY", 1 << 20)
    monkeypatch.setattr(limits, "UNPACKED_RATIO", 2)
    cells = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(20_000, np.int32)), pa.array([issued.bundle])
    )
    frame = ct.read_certificates(_parquet(pa.table({"pem": cells})))
    assert "unpacks to more than 2 times its size" in frame["parse_error"].iloc[-1]
    assert frame["fingerprint"].notna().sum() < 20_000


def test_a_table_whose_statistics_contradict_its_schema_is_a_row(
    issued: Issued,
) -> None:
    """Arrow ends the process where the metadata of such a column is looked at."""
    data = _parquet(pa.table({"pem": [issued.bundle.decode()]}))
    # The column is optional (1, written as 2) in the schema, and has statistics as such.
    optional, required = b"\x25\x02\x18\x03pem", b"\x25\x00\x18\x03pem"
    assert data.count(optional) == 1
    reader = "import sys, certtrust as ct; frame = ct.read_certificates(sys.stdin.buffer.read())"
    process = subprocess.run(
        [sys.executable, "-c", f"{reader}; print(*frame['parse_error'])"],
        input=data.replace(optional, required),
        capture_output=True,
        check=True,
    )
    assert process.stdout.startswith(b"a Parquet file that cannot be read: ")


def _with_stray_bytes(column: pa.Array) -> pa.Array:
    """Return a column of text with two bytes in each cell that are no UTF-8."""
    cells = [None if cell is None else cell.encode() + b"\xff\x82" for cell in column]
    stored = pa.array(cells, pa.large_binary())
    return pa.LargeStringArray.from_buffers(len(stored), *stored.buffers()[1:])


@pytest.mark.parametrize("is_ours", [True, False])
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("CERTIFICATES", ct.read_certificates),
        ("TRUST", ct.read_trust_list),
        ("DEVICES", ct.read_devices),
        ("REGISTRATIONS", ct.read_registrations),
    ],
)
def test_text_in_parquet_that_is_no_utf8_is_read(
    name: str, read: Callable[[bytes], pd.DataFrame], is_ours: bool
) -> None:
    """Arrow hands it on as it is; what cannot be decoded is replaced."""
    table = getattr(schema, name)
    file = io.BytesIO()
    write_parquet(getattr(small_fleet(), name.lower()), table, file)
    stored = pq.read_table(file)
    if not is_ours:
        stored = stored.replace_schema_metadata(None)
    for position, column in enumerate(stored.columns):
        if column.type == pa.large_string():
            texts = _with_stray_bytes(column.to_pylist())
            stored = stored.set_column(position, stored.field(position).name, texts)
    frame = read(_parquet(stored))
    assert len(frame) > 0
    frame.to_csv(io.StringIO())


def test_a_column_whose_name_is_no_utf8_is_the_reason() -> None:
    """The names of columns are decoded where a file is opened."""
    cells = {"pem": ["x"], "hardware_id": ["0090332f688a"], "state": ["up"]}
    data = _parquet(pa.table(cells)).replace(b"hardware_id", b"hardw\xffre_id")
    for read in (ct.read_certificates, ct.read_devices, ct.read_registrations):
        frame = read(data)
        assert len(frame) == 1
        assert "UTF-8" in frame["parse_error"].iloc[0]


def test_a_time_without_a_zone_in_a_table_of_ours_is_in_utc(issued: Issued) -> None:
    """Other programs leave the zone out, and write what is no time at all."""
    frame = ct.read_trust_list(issued.bundle).assign(der=None)
    times = frame["not_after"].dt.strftime("%Y-%m-%d %H:%M:%S")
    for cells in (
        times,
        times.str.replace(".*", "NaT", regex=True, n=1),
        times + "?",
    ):
        table = frame.assign(not_after=cells).to_csv(index=False)
        again = ct.read_trust_list(table.encode())
        is_time = cells.str.endswith("0").to_numpy()
        expected = frame["not_after"].where(is_time)
        assert again["not_after"].tolist() == expected.tolist()


def test_odd_tables_are_rows(issued: Issued) -> None:
    """One has a column twice, another an impossible time."""
    repeated_column = pa.table(
        [pa.array([b"x"]), pa.array([b"y"])], names=["der", "der"]
    )
    assert _errors(_parquet(repeated_column)) == {
        "<bytes>": "a Parquet file with a column twice"
    }
    own = pa.Table.from_pandas(ct.read_certificates(issued.ders[0]))
    never = pa.array([2**60], pa.timestamp("ms", "UTC"))
    position = own.schema.get_field_index("not_after")
    frame = ct.read_certificates(
        _parquet(own.set_column(position, "not_after", never))
    )
    assert frame["der"].tolist() == issued.ders[:1]


# Key stores


def _store(rounds: int) -> bytes:
    """Return a PKCS#12 store whose MAC takes that many rounds."""
    data = encoded(OID, bytes.fromhex("2a864886f70d010701")) + encoded(
        0xA0, encoded(OCTET_STRING, encoded(SEQUENCE, b""))
    )
    digest = encoded(SEQUENCE, encoded(OID, bytes.fromhex("608648016503040201")))
    check = encoded(SEQUENCE, digest + encoded(OCTET_STRING, bytes(32)))
    size = (rounds.bit_length() + 8) // 8
    check += encoded(OCTET_STRING, bytes(8))
    check += encoded(INTEGER, rounds.to_bytes(size, "big"))
    return encoded(
        SEQUENCE,
        encoded(INTEGER, b"\3") + encoded(SEQUENCE, data) + encoded(SEQUENCE, check),
    )


def test_the_rounds_of_a_file_are_added_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Many key stores in one file share its bound; each file has its own."""
    monkeypatch.setattr(limits, "KEY_DERIVATION_ROUNDS", 10_000)
    text = base64.encodebytes(_store(1000)).decode()
    block = f"-----BEGIN PKCS12-----\n{text}-----END PKCS12-----\n"
    refused = "10,000 rounds of hashing"
    errors = ct.read_certificates(block * 15)["parse_error"]
    assert errors.str.endswith(refused).tolist() == [False] * 10 + [True] * 5
    errors = ct.read_certificates([block * 8, block * 8])["parse_error"]
    assert not errors.str.endswith(refused).any()


@pytest.mark.parametrize("form", ["zip", "tar"])
def test_the_rounds_of_an_archive_are_added_up(
    monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """Its members share the bound, which grows with the size of the archive."""
    monkeypatch.setattr(limits, "KEY_DERIVATION_ROUNDS", 10_000)
    monkeypatch.setattr(limits, "KEY_DERIVATION_ROUNDS_PER_BYTE", 0)
    file = io.BytesIO()
    if form == "zip":
        with zipfile.ZipFile(file, "w") as archive:
            for number in range(15):
                archive.writestr(f"{number:02}.p12", _store(1000))
    else:
        with tarfile.open(fileobj=file, mode="w") as archive:
            for number in range(15):
                member = tarfile.TarInfo(f"{number:02}.p12")
                member.size = len(_store(1000))
                archive.addfile(member, io.BytesIO(_store(1000)))
    errors = ct.read_certificates(file.getvalue())["parse_error"]
    is_refused = errors.str.endswith(
        "archive asks for more than 10,000 rounds of hashing"
    )
    assert is_refused.tolist() == [False] * 10 + [True] * 5
    monkeypatch.setattr(limits, "KEY_DERIVATION_ROUNDS_PER_BYTE", 1_000)
    errors = ct.read_certificates(file.getvalue())["parse_error"]
    assert not errors.str.contains("rounds").any()


def test_a_listing_with_an_endless_name_is_read() -> None:
    """The time for the name of an attribute is proportional to its length."""
    text = f'<info><certificate {"a" * 400_000} subject_cn="0090332f688a"/></info>'
    assert len(ct.read_certificates(text)) == 1


# Callers' mistakes


@pytest.mark.parametrize(
    "path", ["a\0b", "a\ud800b", "a\ud800*", Path("a\0b"), Path("a\ud800b")]
)
def test_impossible_paths_are_the_callers_mistake(path: str | Path) -> None:
    """No file name has a zero byte or a lone surrogate."""
    readers: tuple[Callable[..., object], ...] = (
        ct.read_certificates, ct.read_trust_list, ct.read_devices, ct.read_registrations,
        ct.read_fleet,
    )  # fmt: skip
    for read in readers:
        with pytest.raises(ct.CerttrustError):
            read(path)


@pytest.mark.parametrize("password", [123, True, 1.5, [5], bytearray(b"a")])
def test_a_password_is_text_or_bytes(password: Any) -> None:
    """Anything else is refused."""
    with pytest.raises(ct.CerttrustError, match="a password is text or bytes, not "):
        ct.read_certificates(b"", password=password)
    with pytest.raises(ct.CerttrustError, match="a password is text or bytes, not "):
        ct.read_trust_list(b"", password=password)


@pytest.mark.parametrize(
    "password", ["\ud800", "a\0b", "\0\udfff", b"\0", "é" * 3000]
)
def test_any_password_is_tried(issued: Issued, password: str | bytes) -> None:
    """It is wrong, which is the reason in the row, and it is not quoted."""
    frame = ct.read_certificates(issued.pkcs12(b"secret"), password=password)
    assert frame["parse_error"].str.startswith("PKCS#12: ").all()
    assert "é" not in frame["parse_error"].iloc[0]


@pytest.mark.parametrize("workers", ["2", 2.5, True])
def test_workers_are_a_number(workers: Any) -> None:
    """Anything else is the caller's mistake."""
    with pytest.raises(ct.CerttrustError, match="workers must be 1 or more"):
        ct.read_certificates(b"", workers=workers)


@pytest.mark.parametrize(
    ("host", "options"),
    [
        (5, {}), (None, {}), ("h\0", {}), ("\ud800", {}), ("a", {"port": "x"}),
        ("a", {"port": True}), ("a", {"port": 1.5}), ("a", {"timeout": float("nan")}),
        ("a", {"timeout": "5"}), ("a", {"timeout": None}), ("a", {"server_name": 5}),
        ("a", {"server_name": "\ud800"}),
    ],
)  # fmt: skip
def test_an_impossible_endpoint_is_the_callers_mistake(
    host: Any, options: dict[str, Any]
) -> None:
    """No connection is attempted."""
    with pytest.raises(ct.CerttrustError):
        ct.fetch_chain(host, **options)


# Names of files


@pytest.mark.parametrize(
    ("name", "differs"),
    [
        ("0090332f688a.pem", False),
        ("00-90-33-2F-68-8A.pem", False),
        ("IP222-2f-68-8a.pem", False),
        ("hq.pem", False),
        ("export-2026-03-02.pem", False),
        ("0090331a2b3c.pem", True),
        ("0090332f688b.pem", True),
        ("IP222-2f-68-8b.pem", True),
    ],
)
def test_a_file_named_after_another_device_says_so(
    issued: Issued, tmp_path: Path, name: str, differs: bool
) -> None:
    """A serial and a hardware ID with the same last octets are one device."""
    (tmp_path / name).write_bytes(issued.pems[0])
    frame = ct.read_certificates(tmp_path)
    device = same_spelling(pd.Series([name.removesuffix(".pem")]))[0]
    note = f"named after {device}, but its CN is 0090332f688a"
    assert frame["parse_error"].dropna().tolist() == ([note] if differs else [])
    frame.to_parquet(tmp_path / "saved.parquet")
    pd.testing.assert_frame_equal(
        ct.read_certificates(tmp_path / "saved.parquet"), frame
    )
