"""Real handshakes on loopback: servers of openssl, and servers that break off."""

from __future__ import annotations

import datetime
import json
import select
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from endpoint_servers import (
    OPENSSL,
    WEAK,
    listening,
    openssl_chain,
    openssl_server,
    relaying,
    reset,
    stall,
)
from thoroughness import first

import certtrust as ct
from certtrust.endpoints.starttls import LDAP, SMTP, dialogue
from certtrust.errors import CerttrustError

pytestmark = pytest.mark.skipif(not OPENSSL, reason="needs the openssl command")

EC = "-newkey ec -pkeyopt ec_paramgen_curve:P-256"
CA = "basicConstraints=critical,CA:TRUE"


def run(folder: Path, *lines: str) -> None:
    """Run commands of openssl in a folder."""
    for line in lines:
        subprocess.run(
            ["openssl", *line.split()], cwd=folder, check=True, capture_output=True
        )


def issue(folder: Path, name: str, issuer: str, *options: str) -> None:
    """Make NAME.pem and NAME.key, issued by another certificate of the folder."""
    run(
        folder,
        f"req -new {EC} -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr",
        f"x509 -req -in {name}.csr -CA {issuer}.pem -CAkey {issuer}.key -CAcreateserial"
        f" -days 30 -out {name}.pem {' '.join(options)}",
    )


def expired(folder: Path) -> None:
    """Make past.pem and past.key: the command makes none that has expired."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "past.example")])
    begin = datetime.datetime(2019, 1, 1, tzinfo=datetime.UTC)
    certificate = x509.CertificateBuilder(
        name, name, key.public_key(), 5, begin, begin + datetime.timedelta(days=90)
    ).sign(key, hashes.SHA256())
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    plain = serialization.NoEncryption()
    (folder / "past.key").write_bytes(key.private_bytes(encoding, form, plain))
    (folder / "past.pem").write_bytes(certificate.public_bytes(encoding))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of certificates: a chain of three, an expired, an old and an Ed25519 one."""
    made = tmp_path_factory.mktemp("endpoints")
    own = "req -x509 -nodes -days 30"
    run(
        made,
        f"{own} {EC} -subj /CN=Root -addext {CA} -keyout root.key -out root.pem",
        f"{own} -newkey rsa:1024 -sha1 -subj /CN=0090332f688a -keyout old.key -out old.pem",
        f"{own} -newkey ed25519 -subj /CN=ed.example -keyout ed.key -out ed.pem",
    )
    expired(made)
    (made / "ca.ext").write_text(CA)
    issue(made, "Middle", "root", "-extfile", "ca.ext")
    issue(made, "leaf.example", "Middle")
    leaf, middle, root = (
        (made / f"{name}.pem").read_text()
        for name in ("leaf.example", "Middle", "root")
    )
    (made / "above.pem").write_text(middle + root)
    (made / "disorder.pem").write_text(root + middle)
    (made / "chain.pem").write_text(leaf + middle + root)
    return made


LEAF = ("-cert", "leaf.example.pem", "-key", "leaf.example.key")
FULL = (*LEAF, "-cert_chain", "above.pem")
OLD = ("-cert", "old.pem", "-key", "old.key", "-cipher", WEAK)
WANTS = (*LEAF, "-Verify", "1", "-verify_return_error", "-CAfile", "root.pem")

CHAINS = {
    "leaf only": (LEAF, ()),
    "full chain": (FULL, ()),
    "full chain, TLS 1.2": ((*FULL, "-tls1_2"), ()),
    "disorder": ((*LEAF, "-cert_chain", "disorder.pem"), ()),
    "expired": (("-cert", "past.pem", "-key", "past.key"), ()),
    "SHA-1, 1024 bits, TLS 1.0": ((*OLD, "-tls1"), ("-cipher", WEAK, "-tls1")),
    "SHA-1, 1024 bits, TLS 1.1": ((*OLD, "-tls1_1"), ("-cipher", WEAK, "-tls1_1")),
    "Ed25519": (("-cert", "ed.pem", "-key", "ed.key"), ()),
}


def pem(fetched: Any) -> list[str]:
    """Return the certificates of a frame as PEM."""
    return [ssl.DER_cert_to_PEM_cert(der) for der in fetched["der"]]


@pytest.mark.parametrize(("server", "client"), CHAINS.values(), ids=CHAINS)
def test_the_chain_is_that_of_openssl_byte_by_byte(
    folder: Path, server: tuple[str, ...], client: tuple[str, ...]
) -> None:
    """Every certificate arrives as it was sent, in the order in which it was sent."""
    with openssl_server(folder, *server) as port:
        fetched = ct.fetch_chain("127.0.0.1", port)
        expected = openssl_chain(port, *client)
    assert expected
    assert pem(fetched) == expected
    assert fetched.attrs["endpoint"]["outcome"] == "open"


def test_what_an_old_phone_needs_is_said(folder: Path) -> None:
    """Version, cipher and all that clients of today refuse stand beside the chain."""
    with openssl_server(folder, *OLD, "-tls1") as port:
        seen = ct.fetch_chain("127.0.0.1", port).attrs["endpoint"]
    assert seen["tls_version"] == "TLS 1.0"
    assert seen["cipher"].startswith("TLS_")
    assert seen["weaknesses"] == ["TLS 1.0", "RSA 1024", "SHA-1"]
    with openssl_server(folder, *FULL) as port:
        seen = ct.fetch_chain("127.0.0.1", port).attrs["endpoint"]
    assert seen["tls_version"] == "TLS 1.3"
    assert seen["weaknesses"] == []


@pytest.mark.parametrize(
    ("version", "alert"),
    [("-tls1_2", "handshake_failure"), ("-tls1_3", "certificate_required")],
)
def test_a_server_that_demands_a_certificate(
    folder: Path, version: str, alert: str
) -> None:
    """Its chain is there, and the alert by which it refused a client without one."""
    with openssl_server(folder, *WANTS, version) as port:
        fetched = ct.fetch_chain("127.0.0.1", port)
    seen = fetched.attrs["endpoint"]
    assert fetched["subject_cn"].tolist() == ["leaf.example"]
    assert (seen["outcome"], seen["alert"], seen["alert_by"]) == (
        "alert",
        alert,
        "server",
    )


def test_no_name_is_sent_where_none_is_wanted(folder: Path) -> None:
    """SNI chooses the certificate; an empty name sends none."""
    second = ("-servername", "ed.example", "-cert2", "ed.pem", "-key2", "ed.key")
    with openssl_server(folder, *LEAF, *second) as port:
        asked = ct.fetch_chain("localhost", port, server_name="ed.example")
        other = ct.fetch_chain("localhost", port, server_name="")
    assert asked["subject_cn"].tolist() == ["ed.example"]
    assert asked.attrs["endpoint"]["server_name"] == "ed.example"
    assert other["subject_cn"].tolist() == ["leaf.example"]
    assert other.attrs["endpoint"]["server_name"] is None
    assert json.dumps(other.attrs)


def test_ipv6(folder: Path) -> None:
    """An IPv6 address in brackets is asked at that address."""
    try:
        running = openssl_server(folder, *FULL, address="::1")
        port = running.__enter__()
    except OSError:
        pytest.skip("no IPv6 here")
    try:
        fetched = ct.fetch_chain("[::1]", port)
        expected = openssl_chain(port, address="::1")
    finally:
        running.__exit__(None, None, None)
    assert pem(fetched) == expected
    assert fetched.attrs["endpoint"]["address"] == "::1"


# What breaks off


def _all(flight: bytes) -> bytes:
    return flight


def _hello_and_certificate(flight: bytes) -> bytes:
    """Return the records up to the Certificate message, which openssl puts into records apart."""
    at, kept = 0, b""
    while at + 5 <= len(flight):
        end = at + 5 + int.from_bytes(flight[at + 3 : at + 5])
        record, at = flight[at:end], end
        kept += record
        if record[0] == 22 and record[5] == 11:
            return kept
    raise AssertionError("no Certificate message in clear")


@pytest.mark.parametrize(
    ("then", "outcome"),
    first([(reset, "reset"), (stall, "timeout"), (lambda _: None, "reset")], 2),
    ids=["reset", "stall", "close"],
)
@pytest.mark.parametrize("version", first(["-tls1_2", "-tls1_3"]))
def test_what_arrived_before_the_end_is_kept(
    folder: Path, version: str, then: Callable[[Any], None], outcome: str
) -> None:
    """A chain that came before a reset, a stall or a close is returned, and how it ended."""
    keep = _hello_and_certificate if version == "-tls1_2" else _all
    with (
        openssl_server(folder, *FULL, version) as port,
        relaying(port, keep, then) as relay,
    ):
        fetched = ct.fetch_chain("127.0.0.1", relay, timeout=1)
    names = ["leaf.example", "Middle", "Root"]
    assert fetched["subject_cn"].tolist() == names
    seen = fetched.attrs["endpoint"]
    # In TLS 1.3, the client is done with that flight.
    assert seen["outcome"] == ("open" if version == "-tls1_3" else outcome)


def test_half_a_certificate_is_none(folder: Path) -> None:
    """What arrived of a certificate that is cut is no certificate."""
    with (
        openssl_server(folder, *FULL, "-tls1_2") as port,
        relaying(port, lambda flight: flight[:400], reset) as relay,
        pytest.raises(CerttrustError, match="did not complete a TLS handshake"),
    ):
        ct.fetch_chain("127.0.0.1", relay, timeout=2)


def _forever(data: bytes) -> Callable[[Any], None]:
    def answer(connection: Any) -> None:
        connection.recv(65536)
        while True:
            connection.sendall(data * 200)

    return answer


def _once(data: bytes) -> Callable[[Any], None]:
    def answer(connection: Any) -> None:
        connection.recv(65536)
        connection.sendall(data)
        stall(connection)

    return answer


HELLO_REQUEST = bytes.fromhex("160303000400000000")
SERVER_HELLO = bytes.fromhex("16030300310200002d0303" + "11" * 32 + "00002f00")
# Its extensions: renegotiation_info, empty.
SERVER_HELLO += bytes.fromhex("0005ff01000100")
NO_CERTIFICATES = bytes.fromhex("16030300070b000003000000")

ENDINGS = {
    "alert at hello": (_once(bytes.fromhex("15030300020246")), "alert"),
    "plain HTTP": (_once(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "not TLS"),
    "accepts and says nothing": (stall, "timeout"),
    "HTTP forever": (_forever(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "not TLS"),
    "TLS forever": (_forever(HELLO_REQUEST), "timeout"),
    "reset at once": (reset, "reset"),
    "no certificates": (_once(SERVER_HELLO + NO_CERTIFICATES), "no certificate"),
}


@pytest.mark.parametrize(("answer", "outcome"), ENDINGS.values(), ids=ENDINGS)
def test_endpoints_without_a_chain(
    answer: Callable[[Any], None], outcome: str
) -> None:
    """Each ending has its outcome and its words, in a row and as an error."""
    with listening(answer) as port:
        certificates, endpoints = ct.fetch_fleet([f"127.0.0.1:{port}"], timeout=0.6)
        with pytest.raises(CerttrustError) as problem:
            ct.fetch_chain("127.0.0.1", port, timeout=0.6)
    assert certificates.empty
    row = endpoints.iloc[0]
    assert row["outcome"] == outcome
    assert str(port) in row["error"]
    assert str(problem.value)[:20] == row["error"][:20]
    if outcome == "alert":
        assert (row["alert"], row["alert_by"]) == ("protocol_version", "server")


# TLS within other protocols


def _smtp_before(port: int) -> Callable[[Any], None]:
    """Return an SMTP server that hands the connection over to a TLS server after STARTTLS."""

    def answer(connection: Any) -> None:
        connection.sendall(b"220 mail.example ESMTP\r\n")
        assert connection.recv(4096).startswith(b"EHLO ")
        connection.sendall(b"250-mail.example\r\n250-SIZE 1000\r\n")
        connection.sendall(b"250 STARTTLS\r\n")
        assert connection.recv(4096) == b"STARTTLS\r\n"
        connection.sendall(b"220 go ahead\r\n")
        _hand_over(connection, port)

    return answer


def _ldap_before(port: int) -> Callable[[Any], None]:
    """Return an LDAP server that does the same after the extended request."""

    def answer(connection: Any) -> None:
        asked = connection.recv(4096)
        assert b"1.3.6.1.4.1.1466.20037" in asked
        connection.sendall(bytes.fromhex("300c02010178070a010004000400"))
        _hand_over(connection, port)

    return answer


def _hand_over(connection: Any, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as behind:
        pair = {connection: behind, behind: connection}
        while True:
            for one in select.select(list(pair), [], [], 5)[0]:
                data = one.recv(65536)
                if not data:
                    return
                pair[one].sendall(data)


@pytest.mark.parametrize(
    ("way", "before"), [(SMTP, _smtp_before), (LDAP, _ldap_before)]
)
def test_starttls(
    folder: Path, way: str, before: Callable[[int], Callable[[Any], None]]
) -> None:
    """A server of mail or of a directory begins TLS when it is asked to."""
    with openssl_server(folder, *FULL) as port, listening(before(port)) as mail:
        fetched = ct.fetch_chain("127.0.0.1", mail, starttls=way)
    assert fetched["subject_cn"].tolist() == ["leaf.example", "Middle", "Root"]


@pytest.mark.parametrize(
    ("way", "answer", "words"),
    [
        (SMTP, b"554 no service\r\n", "554 no service"),
        (SMTP, b"220 mail\r\n", "did not answer|did not complete"),
        (LDAP, bytes.fromhex("300c02010178070a013404000400"), "result 52"),
        (LDAP, b"nonsense", "not an LDAP answer"),
    ],
    ids=["SMTP refuses", "SMTP stalls", "LDAP refuses", "LDAP nonsense"],
)
def test_a_server_that_does_not_begin_tls(
    way: str, answer: bytes, words: str
) -> None:
    """What it answered instead is in the message."""

    def say(connection: Any) -> None:
        if way == LDAP:
            connection.recv(4096)
        connection.sendall(answer)
        stall(connection)

    with listening(say) as port, pytest.raises(CerttrustError, match=words):
        ct.fetch_chain("127.0.0.1", port, starttls=way, timeout=0.6)


def test_answers_in_pieces_are_waited_for() -> None:
    """Lines and elements may come byte by byte."""

    def carry_out(way: str, answers: list[bytes]) -> Iterator[bytes]:
        talk = dialogue(way)
        sent = [next(talk)]
        *rest, last = b"".join(answers)
        sent += [talk.send(bytes([byte])) for byte in rest]
        with pytest.raises(StopIteration) as end:
            talk.send(bytes([last]))
        assert end.value.value is None
        return iter(filter(None, sent))

    lines = [b"220-a\r\n220 b\r\n", b"250 c\r\n", b"220 d\r\n"]
    assert b"".join(carry_out(SMTP, lines)).endswith(b"STARTTLS\r\n")
    element = bytes.fromhex("30840000000c02010178070a010004000400")
    assert next(carry_out(LDAP, [element]))[:1] == b"\x30"


def test_nothing_is_sent_but_what_a_handshake_needs() -> None:
    """Neither names of users nor passwords, not even an empty bind or login."""
    sent: list[bytes] = []

    def record(connection: Any) -> None:
        connection.sendall(b"220 mail\r\n")
        for answer in (b"250 ok\r\n", b"220 go\r\n", b""):
            sent.append(connection.recv(65536))
            connection.sendall(answer)

    with listening(record) as port, pytest.raises(CerttrustError):
        ct.fetch_chain("127.0.0.1", port, starttls=SMTP, timeout=0.6)
    hello, request, tls = sent
    assert (hello, request) == (b"EHLO certtrust.invalid\r\n", b"STARTTLS\r\n")
    assert tls[:3] == b"\x16\x03\x01"
