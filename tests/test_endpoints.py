"""Fetching chains in real handshakes with servers on this machine."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import certtrust as ct
from certtrust.errors import CerttrustError

trustme = pytest.importorskip("trustme")

Answer = Callable[[socket.socket], None]


@contextlib.contextmanager
def listening(answer: Answer, address: str = "127.0.0.1") -> Iterator[int]:
    """Accept connections, pass each to `answer`, and yield the port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, 0), family=family)
    listener.settimeout(10)

    def run() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(5)
                    answer(connection)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        # Closing alone does not wake the thread that waits in accept.
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=5)


def over_tls(context: ssl.SSLContext) -> Answer:
    """Return the answer of a TLS server."""

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(1)

    return answer


def server_context(chain: list[bytes], key: bytes, directory: Path) -> ssl.SSLContext:
    """Return the context of a server that presents a chain of PEM certificates."""
    (directory / "chain.pem").write_bytes(b"".join(chain))
    (directory / "key.pem").write_bytes(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "chain.pem", directory / "key.pem")
    return context


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return an intermediate CA under a root."""
    return trustme.CA().create_child_ca()


def _fingerprint(pem: bytes) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.decode())).hexdigest()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_chain_comes_as_it_was_sent(
    authority: trustme.CA, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """All certificates arrive in order; the endpoint is source and bundle, the host is the
    device.
    """
    leaf = authority.issue_cert("phone.example")
    chain = [blob.bytes() for blob in leaf.cert_chain_pems]
    context = server_context(chain, leaf.private_key_pem.bytes(), tmp_path)
    context.minimum_version = context.maximum_version = version
    with listening(over_tls(context)) as port:
        fetched = ct.fetch_chain("127.0.0.1", port)
    assert len(chain) == 2
    assert fetched["fingerprint"].tolist() == [_fingerprint(pem) for pem in chain]
    assert fetched["position"].tolist() == [0, 1]
    assert set(fetched["source"]) == set(fetched["bundle"]) == {f"127.0.0.1:{port}"}
    assert set(fetched["device"]) == {"127.0.0.1"}
    assert fetched["dns_names"].iloc[0] == ["phone.example"]
    assert fetched["parse_error"].isna().all()


def test_the_server_name_chooses_the_certificate(
    authority: trustme.CA, tmp_path: Path
) -> None:
    """A server with several names presents the certificate of the requested one."""
    contexts = {}
    for name in ("one.example", "xn--bcher-kva.example"):
        (tmp_path / name).mkdir()
        leaf = authority.issue_cert(name)
        chain = [blob.bytes() for blob in leaf.cert_chain_pems]
        contexts[name] = server_context(
            chain, leaf.private_key_pem.bytes(), tmp_path / name
        )

    def choose(
        connection: ssl.SSLSocket, name: str | None, _: ssl.SSLContext
    ) -> None:
        connection.context = contexts[name or "one.example"]

    contexts["one.example"].sni_callback = choose  # type: ignore[assignment]
    with listening(over_tls(contexts["one.example"])) as port:
        by_name = ct.fetch_chain("localhost", port, server_name="b\u00fccher.example")
        by_address = ct.fetch_chain("127.0.0.1", port)
    assert by_name["dns_names"].iloc[0] == ["xn--bcher-kva.example"]
    assert by_address["dns_names"].iloc[0] == ["one.example"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_wants_a_client_certificate(
    authority: trustme.CA, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """Its certificates arrive before it refuses the connection, and are returned."""
    leaf = authority.issue_cert("phone.example")
    chain = [blob.bytes() for blob in leaf.cert_chain_pems]
    context = server_context(chain, leaf.private_key_pem.bytes(), tmp_path)
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    with listening(over_tls(context)) as port:
        fetched = ct.fetch_chain("127.0.0.1", port)
    assert fetched["fingerprint"].tolist() == [_fingerprint(pem) for pem in chain]


def test_ipv6(authority: trustme.CA, tmp_path: Path) -> None:
    """An IPv6 address may be in brackets."""
    leaf = authority.issue_cert("::1")
    context = server_context(
        [leaf.cert_chain_pems[0].bytes()], leaf.private_key_pem.bytes(), tmp_path
    )
    try:
        server = listening(over_tls(context), "::1")
        port = server.__enter__()
    except OSError:
        pytest.skip("no IPv6 here")
    with contextlib.ExitStack() as running:
        running.push(server)
        fetched = ct.fetch_chain("[::1]", port)
    assert fetched["ip_addresses"].iloc[0] == ["::1"]
    assert fetched["source"].iloc[0] == f"[::1]:{port}"


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl command")
def test_an_old_phone(tmp_path: Path) -> None:
    """TLS 1.0 with an RSA key of 1024 bits and a SHA-1 signature works, too."""
    make = (
        "openssl req -x509 -newkey rsa:1024 -sha1 -nodes -days "
        "9 -subj /CN=0090332f688a -keyout key.pem -out cert.pem"
    )
    subprocess.run(make.split(), cwd=tmp_path, check=True, capture_output=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serve = (
        f"openssl s_server -accept 127.0.0.1:{port} -tls1 -cipher "
        f"ALL:@SECLEVEL=0 -cert cert.pem -key key.pem -quiet"
    )
    with subprocess.Popen(
        serve.split(), cwd=tmp_path, stdin=subprocess.PIPE
    ) as server:
        try:
            rows = _fetched_with_retries(port)
        finally:
            server.terminate()
    assert rows == [("0090332f688a", "sha1", 1024)]


def _fetched_with_retries(port: int) -> list[tuple[str, str, int]]:
    for _ in range(50):
        try:
            fetched = ct.fetch_chain("127.0.0.1", port)
        except CerttrustError:
            time.sleep(0.1)
        else:
            columns = fetched[["subject_cn", "signature_hash", "key_size"]]
            return list(columns.itertuples(index=False, name=None))
    return []


def _talk(data: bytes) -> Answer:
    def answer(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.recv(65536)

    return answer


def _hang_up(connection: socket.socket) -> None:
    connection.recv(1)


def _wait(connection: socket.socket) -> None:
    # Until the client gives up.
    while connection.recv(4096):
        pass


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (_talk(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "what it sends is not TLS"),
        (_talk(b"220 mail.example ESMTP ready\r\n" * 9), "what it sends is not TLS"),
        (
            _talk(bytes.fromhex("15030100020228")),
            "did not complete a TLS handshake: .*handshake failure",
        ),
        (_hang_up, "closed the connection|reset"),
        (_wait, r"did not answer within 0\.5 seconds"),
    ],
    ids=["web server", "mail server", "alert", "hangs up", "silent"],
)
def test_endpoints_without_tls(answer: Answer, message: str) -> None:
    """The message distinguishes another protocol, a failed handshake and silence."""
    with listening(answer) as port, pytest.raises(CerttrustError, match=message):
        ct.fetch_chain("127.0.0.1", port, timeout=0.5)


def test_a_refused_connection() -> None:
    """The message gives the endpoint."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(
        CerttrustError, match=rf"nothing listens at 127\.0\.0\.1:{port}"
    ):
        ct.fetch_chain("127.0.0.1", port)


def test_an_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message distinguishes a name that is not in DNS from a silent host."""

    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(
        CerttrustError,
        match=r"the name phone\.invalid cannot be resolved: Name or service not known",
    ):
        ct.fetch_chain("phone.invalid")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"host": "a b"}, "'a b' is neither a host name nor an address"),
        ({"host": ""}, "'' is neither"),
        ({"host": "phone.example:8443"}, "give it as port="),
        ({"host": "127.0.0.1", "port": 70000}, "ports are 1 to 65535"),
        ({"host": "127.0.0.1", "timeout": 0}, "leaves no time"),
        ({"host": "127.0.0.1", "server_name": "a b"}, "'a b' is neither"),
    ],
)
def test_invalid_arguments(arguments: dict[str, object], message: str) -> None:
    """A caller's mistake is reported before a connection is opened."""
    with pytest.raises(CerttrustError, match=message):
        ct.fetch_chain(**arguments)  # type: ignore[arg-type]
