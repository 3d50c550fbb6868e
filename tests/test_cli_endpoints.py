"""`certtrust fetch` and `certtrust check HOST`, as somebody new to them types."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from endpoint_servers import free_port, many_endpoints

import certtrust as ct
from certtrust.cli import main

trustme = pytest.importorskip("trustme")


@pytest.fixture(scope="module")
def authority() -> Any:
    """Return a CA."""
    return trustme.CA()


@pytest.fixture(scope="module")
def ports(
    authority: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, int]]:
    """Serve all addresses of 127.0.0.0/8."""
    folder = tmp_path_factory.mktemp("many")
    leaf = authority.issue_cert("127.0.0.1")
    (folder / "chain.pem").write_bytes(leaf.cert_chain_pems[0].bytes())
    (folder / "key.pem").write_bytes(leaf.private_key_pem.bytes())
    with many_endpoints(folder) as running:
        yield running


def test_fetch_writes_a_folder_and_says_what_came_of_it(
    ports: tuple[int, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counts, what is no endpoint, and where to go on; a second run asks nothing again."""
    (tmp_path / "hosts.txt").write_text("127.0.0.2\n127.0.0.3\nno such host\n")
    out = str(tmp_path / "out")
    options = ["--port", str(ports[0]), "-o", out]
    hosts = ["127.0.0.1", str(tmp_path / "hosts.txt"), f"127.0.0.4:{free_port()}"]
    assert main(["fetch", *hosts, *options]) == 0
    told = capsys.readouterr().out
    assert told.startswith("5 endpoints, 1 certificate.\n  3 open\n  1 refused\n")
    assert "Not asked: 'no such host' is neither a host name nor an address" in told
    assert f"certtrust report {out}" in told
    assert main(["fetch", *hosts, *options]) == 0
    told = capsys.readouterr().out
    assert "4 endpoints had been asked before" in told
    assert main(["certificates", out]) == 0
    told = capsys.readouterr().out
    assert "127.0.0.1" in told
    assert "endpoints.parquet: results of certtrust fetch" in told
    sources = ct.read_fleet(out).sources
    assert sources is not None
    notes = sources.set_index("source")["not_understood"]
    assert "certtrust fetch" in notes["endpoints.parquet"]


@pytest.mark.exhaustive
def test_fetch_that_is_stopped_goes_on(
    ports: tuple[int, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C keeps what was asked, and says so."""
    command = ["fetch", "127.0.1.0/26", "--port", str(ports[0]), "-o", str(tmp_path)]
    timer = threading.Timer(0.6, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    assert main([*command, "--rate", "30"]) == 2
    timer.join()
    assert "run the same command again" in capsys.readouterr().out
    assert main(command) == 0
    assert "62 endpoints, 1 certificate." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nosuchfile.txt"], "there is no file nosuchfile.txt"),
        (["10.0.0.0/8"], "16,777,216 addresses"),
        (["empty.txt"], "no host in empty.txt"),
        (["."], "is a folder"),
        (["phones.csv"], "name the column host"),
        (["127.0.0.1", "--port", "x"], "not a TCP port"),
        (["127.0.0.1", "--timeout", "0"], "not a number above 0"),
        (["127.0.0.1", "--concurrency", "1.5"], "not a number above 0"),
        (["127.0.0.1", "--starttls", "imap"], "imap"),
        (["127.0.0.1", "--port", "99999"], "'99999' is not a TCP port"),
        ([], "give hosts"),
        (["--fleet", "empty.txt"], "no host in empty.txt"),
    ],
)
def test_mistakes(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each is one line that says what to do."""
    monkeypatch.chdir(tmp_path)
    Path("empty.txt").write_text("# nothing yet\n")
    Path("phones.csv").write_text("phone;room\nx;y\n")
    try:
        status = main(["fetch", *arguments, "-o", "out"])
    except SystemExit as end:
        status = int(end.code or 0)
    assert status == 2
    assert message in capsys.readouterr().err


def test_nobody_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without any certificate the answer is that nothing is known."""
    out = str(tmp_path / "out")
    assert main(["fetch", f"127.0.0.1:{free_port()}", "-o", out]) == 3
    assert "1 refused" in capsys.readouterr().out


def test_check_says_how_a_host_answered(
    ports: tuple[int, int],
    authority: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Version, cipher and number of certificates stand among the facts."""
    (tmp_path / "ca.pem").write_bytes(authority.cert_pem.bytes())
    trust = ["--trust", str(tmp_path / "ca.pem")]
    assert main(["check", f"127.0.0.1:{ports[0]}", *trust]) == 0
    told = capsys.readouterr().out
    assert "TLS: TLS 1.3, TLS_" in told
    assert "Handshake: 1 certificate presented" in told
    assert main(["check", "phone"]) == 2
    assert "a host is given as phone:443" in capsys.readouterr().err
    assert main(["check", "phone.pem"]) == 2
    assert capsys.readouterr().err == "certtrust: there is no file phone.pem\n"


def test_the_tester_takes_a_host(ports: tuple[int, int]) -> None:
    """What is typed is asked when the button is pressed, and what goes wrong is said."""
    tester = ct.widgets.CertificateTester()
    source = tester._source
    source.host.value = f"127.0.0.1:{ports[0]}"
    assert tester.certificates.empty
    source._fetch()
    assert tester.certificates["ip_addresses"].tolist() == [["127.0.0.1"]]
    assert tester.diagnosis is not None
    for wrong, words in (
        (f"127.0.0.1:{free_port()}", "nothing listens"),
        ("a b", "neither a host name"),
        ("192.0.2.0/30", "names 2 endpoints"),
        ("192.0.2.0/1", "addresses"),
    ):
        source.host.value = wrong
        source._fetch()
        assert words in source.problem
        assert tester.certificates.empty
        assert tester.diagnosis is None
