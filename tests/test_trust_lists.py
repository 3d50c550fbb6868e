"""Trust lists: the PBX that each belongs to, and the difference between an empty list and none."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import trustme

from certtrust.certificates.trust_lists import EMPTY, read_trust_list
from certtrust.schema import TRUST


@pytest.fixture(scope="module")
def authorities() -> list[bytes]:
    """Return two CAs as PEM."""
    return [trustme.CA().cert_pem.bytes() for _ in range(2)]


def test_a_directory_holds_one_list_per_pbx(
    tmp_path: Path, authorities: list[bytes]
) -> None:
    """Each file is the list of the PBX in its name, in subdirectories too."""
    (tmp_path / "branches").mkdir()
    (tmp_path / "hq.pem").write_bytes(b"".join(authorities))
    (tmp_path / "branches" / "north.west.pem").write_bytes(authorities[0])
    frame = read_trust_list(tmp_path)
    assert frame["pbx"].tolist() == ["north.west", "hq", "hq"]
    assert list(frame.columns) == TRUST.names
    assert frame["is_ca"].all()


def test_a_file_is_the_list_of_every_pbx_unless_one_is_named(
    tmp_path: Path, authorities: list[bytes]
) -> None:
    """Without `pbx` the PBX is missing; with it all entries belong to that PBX."""
    (tmp_path / "list.pem").write_bytes(b"".join(authorities))
    assert read_trust_list(tmp_path / "list.pem")["pbx"].isna().all()
    assert read_trust_list(str(tmp_path / "list.pem"), pbx="hq")["pbx"].tolist() == [
        "hq",
        "hq",
    ]
    assert read_trust_list(authorities[0].decode())["pbx"].isna().tolist() == [True]


def test_pbx_overrides_the_names_of_files(
    tmp_path: Path, authorities: list[bytes]
) -> None:
    """A directory may be the list of one PBX with one certificate per file."""
    (tmp_path / "a.pem").write_bytes(authorities[0])
    (tmp_path / "b.pem").write_bytes(authorities[1])
    assert read_trust_list(tmp_path, pbx="hq")["pbx"].tolist() == ["hq", "hq"]


@pytest.mark.parametrize("content", [b"", b"\n", b"# no entries\n"])
def test_an_empty_list_is_known_to_be_empty(tmp_path: Path, content: bytes) -> None:
    """It is one row with the PBX and without a certificate."""
    (tmp_path / "hq.pem").write_bytes(content)
    for frame in (
        read_trust_list(tmp_path),
        read_trust_list(content, pbx="hq"),
        read_trust_list([], pbx="hq"),
    ):
        assert frame["pbx"].tolist() == ["hq"]
        assert frame["parse_error"].tolist() == [EMPTY]
        assert frame["fingerprint"].isna().all()
        assert pd.isna(frame["der"].iloc[0])
    assert read_trust_list(tmp_path / "hq.pem")["pbx"].isna().tolist() == [True]
