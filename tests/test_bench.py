"""The bench: real clients of openssl, trusted or not, old and new, and peers that misbehave."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from endpoint_servers import (
    OPENSSL,
    WEAK,
    free_port,
    open_files,
    reset,
    stall,
    wait_for,
)

import certtrust as ct
from certtrust import limits
from certtrust.cli import main
from certtrust.explanation.presented import of_phone
from certtrust.schema import CERTIFICATES, HANDSHAKES

pytest.importorskip("OpenSSL")
pytestmark = pytest.mark.skipif(not OPENSSL, reason="needs the openssl command")

VERSIONS = {
    "-tls1": "TLS 1.0",
    "-tls1_1": "TLS 1.1",
    "-tls1_2": "TLS 1.2",
    "-tls1_3": "TLS 1.3",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a CA, a phone under an intermediate, an old self-signed phone."""
    made = tmp_path_factory.mktemp("bench")
    own = "req -x509 -nodes -days 30"
    ec = "-newkey ec -pkeyopt ec_paramgen_curve:P-256"
    ca = "-addext basicConstraints=critical,CA:TRUE"
    (made / "ca.ext").write_text("basicConstraints=critical,CA:TRUE")
    for line in (
        f"{own} {ec} -subj /CN=Root {ca} -keyout root.key -out root.pem",
        f"{own} -newkey rsa:1024 -sha1 -subj /CN=009033000001 -keyout old.key -out old.pem",
        f"req -new {ec} -nodes -subj /CN=Middle -keyout middle.key -out middle.csr",
        "x509 -req -in middle.csr -CA root.pem -CAkey root.key -CAcreateserial -days 30"
        " -extfile ca.ext -out middle.pem",
        "req -new -newkey rsa:2048 -nodes -subj /CN=0090332f688a -keyout phone.key -out phone.csr",
        "x509 -req -in phone.csr -CA middle.pem -CAkey middle.key -CAcreateserial -days 30"
        " -out phone.pem",
    ):
        subprocess.run(
            ["openssl", *line.split()], cwd=made, check=True, capture_output=True
        )
    return made


@pytest.fixture
def no_leaks() -> Iterator[None]:
    """Check that neither a thread nor a socket is left."""

    def state() -> tuple[int, int]:
        return threading.active_count(), open_files()

    before = state()
    yield
    assert state() == before


PHONE = ("-cert", "phone.pem", "-key", "phone.key", "-cert_chain", "middle.pem")
OLD = ("-cert", "old.pem", "-key", "old.key")


def connect(
    folder: Path, port: int, *options: str, address: str = "127.0.0.1"
) -> subprocess.CompletedProcess[bytes]:
    """Let a client of openssl connect."""
    shown = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    command = ["openssl", "s_client", "-connect", shown, "-cipher", WEAK, *options]
    return subprocess.run(
        command, cwd=folder, input=b"", capture_output=True, timeout=30, check=False
    )


def fingerprints(folder: Path, *names: str) -> list[str]:
    """Return the fingerprints of files."""
    return [
        ct.read_certificates(folder / f"{name}.pem")["fingerprint"].iloc[0]
        for name in names
    ]


@pytest.mark.usefixtures("no_leaks")
def test_phones_of_every_version_appear_with_their_true_chain(folder: Path) -> None:
    """Trusted or not, strong or weak, with one certificate, with several, or none."""
    with ct.listen(0) as bench:
        for version in VERSIONS:
            connect(folder, bench.port, version, *PHONE, "-servername", "pbx.example")
            connect(folder, bench.port, version, *OLD)
            connect(folder, bench.port, version)
        assert bench.wait(10, connections=12) == 12
    seen = bench.handshakes
    assert list(seen) == HANDSHAKES.names
    assert set(seen["outcome"]) == {"established"}
    versions = [name for name in VERSIONS.values() for _ in range(3)]
    assert seen["tls_version"].tolist() == versions
    assert seen["offered_version"].tolist() == versions
    chains = [
        fingerprints(folder, "phone", "middle"),
        fingerprints(folder, "old"),
        [],
    ]
    assert seen["client_certificates"].tolist() == chains * 4
    assert seen["server_name"].notna().tolist() == [True, False, False] * 4
    assert seen["accepted_authorities"].tolist() == [[]] * 12
    assert seen["server_certificates"].map(len).tolist() == [1] * 12
    assert seen["cipher"].notna().all()
    assert seen["stream"].tolist() == list(range(1, 13))
    certificates = bench.certificates
    assert list(certificates) == CERTIFICATES.names
    assert certificates["fingerprint"].tolist() == [*chains[0], *chains[1]] * 4
    assert certificates["bundle"].nunique() == 8
    leaves = certificates.groupby("bundle", sort=False).head(1)
    assert leaves["device"].tolist() == ["0090332f688a", "009033000001"] * 4


@pytest.mark.exhaustive
def test_the_diagnosis_is_that_of_the_trust_list(folder: Path) -> None:
    """By the chain that the phone presented, and the name it is said to register with."""
    with ct.listen(0) as bench:
        connect(folder, bench.port, *PHONE)
        connect(folder, bench.port, *OLD)
        connect(folder, bench.port)
        bench.wait(10, connections=3)
    trust = ct.read_trust_list(folder / "root.pem")
    phone, old, none = (
        of_phone(bench, place, trust, "0090332f688a-TEL1") for place in range(3)
    )
    assert phone.diagnosis
    assert old.diagnosis
    assert phone.diagnosis.verdict == "pass"
    assert phone.diagnosis.path == fingerprints(folder, "phone", "middle", "root")
    assert old.diagnosis.verdict == "fail"
    assert none.diagnosis is None
    assert "presented no certificate" in none.presented()
    unnamed = of_phone(bench, 0, trust)
    assert unnamed.diagnosis
    assert unnamed.diagnosis.verdict == "unknown"
    direct = ct.diagnose(
        bench.presented(0),
        scenario="h323-certificate",
        trust=trust,
        registration_name="0090332f688a",
    )
    assert direct.verdict == "pass"


def test_a_client_that_refuses_the_bench(folder: Path) -> None:
    """The alert and its sender are told, in clear and encrypted."""
    with ct.listen(0) as bench:
        for version in ("-tls1_2", "-tls1_3"):
            connect(folder, bench.port, version, "-verify_return_error")
        bench.wait(10, connections=2)
    seen = bench.handshakes
    assert seen["outcome"].tolist() == ["refused by client"] * 2
    assert seen["alert"].tolist() == ["unknown_ca"] * 2
    assert seen["alert_by"].tolist() == ["client"] * 2
    assert seen["client_certificates"].tolist() == [None, None]


@pytest.mark.exhaustive
def test_a_certificate_of_ones_own(folder: Path, tmp_path: Path) -> None:
    """PEM or PKCS#12 with its key; a phone that trusts its CA completes the handshake."""
    both = (folder / "phone.pem").read_bytes() + (folder / "middle.pem").read_bytes()
    (tmp_path / "own.pem").write_bytes(both + (folder / "phone.key").read_bytes())
    pack = "pkcs12 -export -in phone.pem -inkey phone.key -certfile middle.pem"
    subprocess.run(
        [
            "openssl",
            *pack.split(),
            "-passout",
            "pass:geheim",
            "-out",
            tmp_path / "a.p12",
        ],
        cwd=folder,
        check=True,
    )
    for source, password in (
        (tmp_path / "own.pem", None),
        (tmp_path / "a.p12", "geheim"),
    ):
        with ct.listen(0, certificate=source, password=password) as bench:
            connect(folder, bench.port, "-CAfile", "root.pem", "-verify_return_error")
            bench.wait(10, connections=1)
        seen = bench.handshakes.iloc[0]
        assert seen["outcome"] == "established"
        assert seen["server_certificates"] == fingerprints(folder, "phone", "middle")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no certificate with a private key"),
        (b"nonsense", "no certificate with a private key"),
        ("phone.pem", "no certificate with a private key"),
        ("old.key+phone.pem", "none of its certificates belongs"),
    ],
)
def test_what_cannot_be_presented(
    folder: Path, content: str | bytes, message: str
) -> None:
    """The message says what is missing, and repeats nothing of a key."""
    if isinstance(content, str):
        content = b"".join((folder / one).read_bytes() for one in content.split("+"))
    with pytest.raises(ct.CerttrustError, match=message) as problem:
        ct.listen(0, certificate=content, password="geheim")
    assert "PRIVATE" not in str(problem.value)
    assert "geheim" not in str(problem.value)


def _send(port: int, data: bytes, *, end: Any = None) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(data)
        if end is not None:
            end(client)
            return b""
        try:
            return client.recv(65536)
        except OSError:
            return b""


@pytest.mark.usefixtures("no_leaks")
def test_peers_that_misbehave(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a row with how it ended, and none holds up the others."""
    monkeypatch.setattr(limits, "PEER_BYTES", 20_000)
    with ct.listen(0, timeout=0.5) as bench:
        port = bench.port
        assert _send(port, b"GET / HTTP/1.1\r\n\r\n") == b""
        socket.create_connection(("127.0.0.1", port)).close()
        _send(port, b"\x16\x03\x01", end=reset)
        # A handshake message that is announced with a megabyte, and comes in pieces.
        piece = bytes.fromhex("1603013000") + bytes.fromhex("010fffff") + b"x" * 12284
        _send(port, piece + b"\x16\x03\x01\x30\x00" + b"x" * 12288)
        _send(port, b"", end=stall)
        bench.wait(10, connections=5)
    seen = bench.handshakes.sort_values("client_port")
    outcomes = seen["outcome"].astype(str).tolist()
    assert outcomes.count("not TLS") == 1
    assert len(outcomes) == 5
    assert set(outcomes) <= {"not TLS", "cut off", "refused by server"}
    reasons = " ".join(seen["parse_error"].dropna())
    assert "without sending anything" in reasons
    assert "no end of the handshake within 0.5 seconds" in reasons
    assert seen["client_certificates"].tolist() == [None] * 5


def test_what_the_end_cuts_off_is_a_row() -> None:
    """A phone whose handshake was under way when the bench was closed is not lost."""
    with ct.listen(0) as bench:
        client = socket.create_connection(("127.0.0.1", bench.port))
        client.sendall(b"\x16\x03\x01")
        time.sleep(0.2)
    client.close()
    row = bench.handshakes.iloc[0]
    assert (row["outcome"], row["parse_error"]) == (
        "cut off",
        "the bench was closed first",
    )


def test_bounds_on_rows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond them, connections are closed unread, and counted."""
    monkeypatch.setattr(limits, "BENCH_ROWS", 1)
    with ct.listen(0) as bench:
        connect(folder, bench.port, *PHONE)
        assert _send(bench.port, b"x") == b""
        assert (len(bench), bench.unread) == (1, 1)


@pytest.mark.exhaustive
def test_no_more_handshakes_at_once_than_allowed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Further phones wait until one is done."""
    monkeypatch.setattr(limits, "BENCH_HANDSHAKES", 1)
    with ct.listen(0, timeout=0.6) as bench:
        silent = socket.create_connection(("127.0.0.1", bench.port))
        begun = time.monotonic()
        connect(folder, bench.port, *PHONE)
        silent.close()
        bench.wait(5, connections=2)
    assert time.monotonic() - begun > 0.4
    assert bench.handshakes["outcome"].tolist() == ["cut off", "established"]


@pytest.mark.usefixtures("no_leaks")
def test_ports_and_addresses() -> None:
    """What cannot be listened at is said plainly; it ends with the block, and can begin again."""
    with ct.listen(0) as bench:
        assert bench.is_listening
        assert "listening at 127.0.0.1" in repr(bench)
        with (
            pytest.raises(ct.CerttrustError, match=f"port {bench.port} .* in use"),
            ct.listen(bench.port),
        ):
            pass
    assert not bench.is_listening
    assert "closed" in repr(bench)
    with pytest.raises(ct.CerttrustError, match="is not listening"):
        bench.wait(1)
    with ct.listen(bench.port) as again:
        assert again.is_listening
    for address in ("no.such.host.invalid", "", None, 7):
        with pytest.raises(ct.CerttrustError, match="not an address of this machine"):
            ct.listen(0, address=address)  # type: ignore[arg-type]
    with pytest.warns(UserWarning, match="in that network"):
        bench = ct.listen(0, address="192.0.2.1")
    with (
        pytest.raises(ct.CerttrustError, match="not an address of this machine"),
        bench,
    ):
        pass
    for wrong in (-1, 70000, "1300", None):
        with pytest.raises(ct.CerttrustError, match="ports are 1 to 65535"):
            ct.listen(wrong)  # type: ignore[arg-type]


def test_who_else_can_connect_is_said() -> None:
    """Loopback is silent; all addresses are a warning in a sentence."""
    with pytest.warns(UserWarning, match="anyone who can reach this machine"):
        bench = ct.listen(0, address="0.0.0.0")  # noqa: S104 - it is not opened
    assert bench.warning
    assert not ct.listen(0).warning


def test_ipv6(folder: Path) -> None:
    """The address of the client is an IPv6 address."""
    try:
        free_port("::1")
    except OSError:
        pytest.skip("no IPv6 here")
    with ct.listen(0, address="[::1]") as bench:
        connect(folder, bench.port, *PHONE, address="::1")
        bench.wait(10, connections=1)
    assert bench.handshakes["client"].tolist() == ["::1"]


def test_a_widget_grows_by_a_row_per_phone(folder: Path) -> None:
    """From the listener's thread, with the verdict of the trust list; names are escaped."""
    own = "req -x509 -nodes -days 30 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout x.key"
    subprocess.run(
        ["openssl", *own.split(), "-subj", "/CN=<b>phone", "-out", "x.pem"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    with ct.listen(0) as listener:
        view = ct.widgets.Bench(listener, trust=folder / "root.pem")
        assert "No phone has connected" in view._table.value
        connect(folder, listener.port, *PHONE)
        connect(folder, listener.port, "-cert", "x.pem", "-key", "x.key")
        listener.wait(10, connections=2)
        end = time.monotonic() + 10
        while len(view.phones) < 2 and time.monotonic() < end:
            time.sleep(0.02)
    assert "closed: 2 connections" in view._head.value
    rows = view._table.value
    assert rows.count("<tr>") == 3
    assert "0090332f688a" in rows
    assert "&lt;b&gt;phone" in rows
    assert "<b>phone" not in rows + view._last.value
    assert [phone.diagnosis.path != [] for phone in view.phones] == [True, False]


CELL = """
import subprocess
from IPython.display import display
import certtrust as ct

with ct.listen(0) as bench:
    display(ct.widgets.Bench(bench, trust="root.pem"))
    subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{bench.port}", "-cert", "phone.pem",
         "-key", "phone.key", "-cert_chain", "middle.pem"],
        input=b"", capture_output=True,
    )
    bench.wait(20, connections=1)
    # Nothing more is done here: what follows in the widget comes from the other thread.
    bench.wait(2)
certificates, endpoints = ct.fetch_fleet(["127.0.0.1:1"])
print(len(endpoints), endpoints["outcome"].iloc[0])
"""


@pytest.mark.exhaustive
def test_live_in_a_notebook(folder: Path) -> None:
    """In a real kernel, whose loop runs already, the widget that is shown gets its row."""
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    client = nbclient.NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    state = json.dumps(notebook.metadata["widgets"])
    assert "<td>0090332f688a</td>" in state
    assert "closed: 1 connection" in state
    printed = [one["text"] for one in notebook.cells[0].outputs if "text" in one]
    assert "".join(printed) == "1 refused\n"


def test_nothing_of_the_own_key_is_kept(folder: Path) -> None:
    """Neither in frames nor in the bench's own words."""
    with ct.listen(0) as bench:
        connect(folder, bench.port, *PHONE)
        bench.wait(10, connections=1)
    text = repr(bench) + bench.handshakes.to_csv() + bench.certificates.to_csv()
    assert "PRIVATE" not in text


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, "OpenSSL", None)
    with pytest.raises(ct.CerttrustError, match=r"pip install 'certtrust\[listen\]'"):
        ct.listen(0)


# The command line


def listen_and_connect(
    folder: Path, *options: str, clients: list[tuple[str, ...]]
) -> int:
    """Run `certtrust listen` while clients connect; return its exit status."""
    port = free_port()

    def phones() -> None:
        wait_for(port)
        for client in clients:
            connect(folder, port, *client)

    thread = threading.Thread(target=phones)
    thread.start()
    count = str(len(clients) + 1)
    try:
        return main(["listen", "--port", str(port), "--count", count, *options])
    finally:
        thread.join()


@pytest.mark.exhaustive
def test_listen_in_the_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who connects, what is presented, and what the trust list makes of it."""
    trust = (
        "--trust",
        str(folder / "root.pem"),
        "--registration-name",
        "0090332f688a",
    )
    assert listen_and_connect(folder, *trust, clients=[PHONE, OLD]) == 1
    told = capsys.readouterr().out
    assert "CN 0090332f688a, issued by CN=Middle; 2 certificates presented." in told
    assert "CN 009033000001" in told
    assert "h323-certificate: pass" in told
    assert "h323-certificate: fail" in told
    assert told.rstrip().endswith("Closed after 3 connections.")


@pytest.mark.exhaustive
def test_listen_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line per connection; without a trust list the verdict is unknown."""
    assert listen_and_connect(folder, "--json", clients=[PHONE]) == 3
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["diagnosis"] is None
    assert second["handshake"]["tls_version"] == "TLS 1.3"
    assert isinstance(second["handshake"]["client_port"], int)
    assert [one["subject_cn"] for one in second["certificates"]] == [
        "0090332f688a",
        "Middle",
    ]
    assert second["diagnosis"]["verdict"] == "unknown"


def test_listen_ends_by_itself_and_by_ctrl_c(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """After the seconds given, or when interrupted; nobody connected is unknown."""
    port = str(free_port())
    assert main(["listen", "--port", port, "--seconds", "0.3"]) == 3
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    assert main(["listen", "--port", port]) == 3
    timer.join()
    assert "Closed after 0 connections." in capsys.readouterr().out


def test_mistakes_at_the_command_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A port that is in use, a list that is not there, a password that does not fit."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert main(["listen", "--port", port]) == 2
    assert "already in use" in capsys.readouterr().err
    assert main(["listen", "--trust", "missing.pem"]) == 2
    assert "no file missing.pem" in capsys.readouterr().err
    assert main(["listen", "--certificate", str(folder / "phone.pem")]) == 2
    assert "private key" in capsys.readouterr().err
