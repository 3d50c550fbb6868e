"""What hosts may be: lists, files, networks, frames, in every spelling, and hostile ones."""

from __future__ import annotations

import ipaddress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from workbooks import workbook

import certtrust as ct
from certtrust import limits
from certtrust.endpoints.asking import Target
from certtrust.endpoints.targets import spread, targets


def targets_of(source: Any, port: int = 443) -> list[tuple[str, int]]:
    """Return host and port of each target, all of which must be endpoints."""
    listed = targets(source, port)
    assert [one.error for one in listed] == [None] * len(listed)
    return [(one.host, one.port) for one in listed]


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("phone.example", "phone.example", 443),
        (" Phone.EXAMPLE. ", "phone.example", 443),
        ("phone.example:1300", "phone.example", 1300),
        ("192.0.2.7", "192.0.2.7", 443),
        ("192.0.2.7:5061", "192.0.2.7", 5061),
        ("::1", "::1", 443),
        ("[2001:DB8::1]:1300", "2001:db8::1", 1300),
        ("[::1]", "::1", 443),
        ("fe80::1%eth0", "fe80::1%eth0", 443),
        ("[fe80::1%eth0]:1300", "fe80::1%eth0", 1300),
        ("https://phone.example/admin?x=1", "phone.example", 443),
        ("https://admin:secret@phone.example:8443/", "phone.example", 8443),
        ("ldaps://dir.example", "dir.example", 636),
        ("ldap://dir.example", "dir.example", 389),
        ("sips://pbx.example", "pbx.example", 5061),
        ("https://[::1]:1300/", "::1", 1300),
        ("b\u00fccher.example", "xn--bcher-kva.example", 443),
        ("localhost", "localhost", 443),
    ],
)
def test_every_spelling_of_an_endpoint(text: str, host: str, port: int) -> None:
    """Names in one spelling, and the port that stands there, in the scheme, or by default."""
    assert targets_of([text]) == [(host, port)]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "a b",
            "..",
            "http://",
            "10.0.0.300",
            "[::1",
            "1.2.3.4.5",
            "a..b",
        ),
        *(
            "1234",
            "0x7f000001",
            "10.0.0.0/33",
            "host:",
            "host:port",
            "x" * 300,
            "\x1b[2J",
            "a\nb",
            "<b>",
        ),
        *(
            "10.0.0.1-10.0.0.9",
            "phone.example:99999",
            "phone.example:0",
            "https://:443/",
        ),
    ],
)
def test_what_is_no_endpoint_is_a_row_with_its_reason(text: str) -> None:
    """Nothing is left out, and nothing in it steers a terminal."""
    (target,) = targets([text, text], 443)
    assert target.error
    assert target.error.isprintable()
    assert len(target.error) < 200


def test_a_password_in_a_wrong_entry_is_not_repeated() -> None:
    """Neither as host nor in the reason."""
    (target,) = targets(["https://admin:secret@pho ne/"], 443)
    assert target.error
    assert "secret" not in f"{target.host}{target.error}"


@given(st.lists(st.text(max_size=40), max_size=5))
def test_any_text_is_an_endpoint_or_a_reason(texts: list[str]) -> None:
    """It is no mistake of the caller's; a network may be too large, which others test."""
    for target in targets([text.replace("/", "") for text in texts], 443):
        assert target.error or (target.host and 0 < target.port < 65536)


def test_networks_are_their_addresses() -> None:
    """Without those of the network itself and of everybody in it; each once."""
    assert targets_of("192.0.2.0/29") == [
        (f"192.0.2.{one}", 443) for one in range(1, 7)
    ]
    assert targets_of(["192.0.2.4/31", "192.0.2.5"], 1300) == [
        ("192.0.2.4", 1300),
        ("192.0.2.5", 1300),
    ]
    assert targets_of("2001:db8::/126")[0] == ("2001:db8::1", 443)
    assert targets_of([ipaddress.ip_network("192.0.2.8/32")]) == [("192.0.2.8", 443)]
    assert len(targets_of("10.1.0.0/16")) == limits.NETWORK_ADDRESSES - 2


def test_the_bound_of_a_network_can_be_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a number of certtrust.limits."""
    monkeypatch.setattr(limits, "NETWORK_ADDRESSES", 4)
    with pytest.raises(ct.CerttrustError, match="8 addresses, more than the 4"):
        targets("192.0.2.0/29", 443)


@pytest.mark.parametrize("name", ["a.txt", "hosts", "b.csv"])
def test_a_file_of_lines(tmp_path: Path, name: str) -> None:
    """Comments and empty lines are left out; the file is a path, or its name as text."""
    file = tmp_path / name
    file.write_text(
        "\ufeff# phones\n\nphone.example\n192.0.2.1:1300 # PBX\r\n[::1]\n"
    )
    hosts = [("phone.example", 443), ("192.0.2.1", 1300), ("::1", 443)]
    assert targets_of(file) == targets_of(str(file)) == targets_of([file]) == hosts


@pytest.mark.parametrize(
    "text",
    [
        "Name;IP-Adresse;Port\nA;192.0.2.1;1300\nB;192.0.2.2;\n",
        "port,host\n1300,192.0.2.1\n,192.0.2.2\n",
        "host\tlocation\tport\n192.0.2.1\tx\t1300\n192.0.2.2\ty\t\n",
        "192.0.2.1;1300\n192.0.2.2;\n",
    ],
    ids=["German", "port first", "tabs", "no headings"],
)
def test_a_table_of_hosts(tmp_path: Path, text: str) -> None:
    """By its headings, whatever separates the cells."""
    (tmp_path / "hosts.csv").write_text(text)
    expected = [("192.0.2.1", 1300), ("192.0.2.2", 443)]
    assert targets_of(tmp_path / "hosts.csv") == expected


def test_an_excel_column(tmp_path: Path) -> None:
    """By its heading, with the port beside it."""
    pytest.importorskip("python_calamine")
    rows = [
        ["Standort", "Host", "Port"],
        ["Köln", "192.0.2.1", 1300],
        ["", "b.example", ""],
    ]
    (tmp_path / "hosts.xlsx").write_bytes(workbook({"hosts": rows}))
    assert targets_of(tmp_path / "hosts.xlsx") == [
        ("192.0.2.1", 1300),
        ("b.example", 443),
    ]


def test_frames_and_series() -> None:
    """ENDPOINTS among them; what is missing is left out."""
    frame = pd.DataFrame(
        {"Host": ["a.example", None, "b.example"], "port": ["1300.0", 1, None]}
    )
    assert targets_of(frame) == [("a.example", 1300), ("b.example", 443)]
    assert targets_of(frame["Host"]) == [("a.example", 443), ("b.example", 443)]
    _, endpoints = ct.fetch_fleet(["not a host"])
    assert len(targets(endpoints, 443)) == 1
    assert targets_of([("a.example", 1300), ipaddress.ip_address("192.0.2.1")]) == [
        ("a.example", 1300),
        ("192.0.2.1", 443),
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"phone;room\nx;y\n", "name the column host"),
        ("a.bin", b"\x00\x01\x02", "it is not text"),
        (
            "b.csv",
            b"host;x\n" + b'"' + b"y" * 200_000,
            "cannot be read: field larger",
        ),
        ("a.xlsx", b"PK\x03\x04[Content_Types].xml", "cannot be read"),
    ],
)
def test_files_that_hold_no_hosts(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    """The message names the file, and what to do."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ct.CerttrustError, match=message):
        targets(tmp_path / name, 443)
    with pytest.raises(ct.CerttrustError, match="is a folder"):
        targets(tmp_path, 443)
    with pytest.raises(ct.CerttrustError, match="cannot be read"):
        targets(tmp_path / "missing", 443)


def test_networks_are_spread_over_the_run() -> None:
    """Each comes back as late as can be, and nothing is lost; the seed decides the order."""
    large = [Target(f"10.0.0.{one}", 443) for one in range(1, 201)]
    small = [Target(f"10.0.1.{one}", 443) for one in range(1, 21)]
    mixed = spread([*large, *small], 7)
    assert sorted(mixed, key=str) == sorted([*large, *small], key=str)
    assert mixed == spread([*large, *small], 7) != spread([*large, *small], 8)
    positions = [position for position, one in enumerate(mixed) if one in small]
    gaps = [after - before for before, after in pairwise(positions)]
    assert max(gaps) < 30
    assert [one.host for one in mixed if one in large] != [one.host for one in large]
