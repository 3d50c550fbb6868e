"""Real TLS handshakes, made in memory: the bytes that two sides of OpenSSL send each other.

The devices of a simulated fleet have no private keys, so a handshake is made with a client of
the same kind, and its certificate replaced by the device's. Nobody but the server could tell:
up to TLS 1.2 the certificate is sent in clear, and from TLS 1.3 on it cannot be seen.
"""

from __future__ import annotations

import datetime
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    import ssl

VERSIONS = ("TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3")
KINDS = ("accepted", "unknown CA", "expired", "not yet valid", "no certificate")
"""Clients that a server lets in, or refuses, each with an alert of its own."""

_CHANGE_CIPHER, _HANDSHAKE, _CERTIFICATE, _REQUEST = 20, 22, 11, 13
_LARGEST_RECORD = 1 << 14
_DATA = b"registration"


class Flight(NamedTuple):
    """What one side sends at once."""

    by_client: bool
    data: bytes


class _Identity(NamedTuple):
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def _identity(
    name: str, issuer: _Identity | None, *, days: tuple[int, int] = (-1, 30)
) -> _Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=days[0]))
        .not_valid_after(now + datetime.timedelta(days=days[1]))
        .add_extension(
            x509.BasicConstraints(ca=issuer is None, path_length=None), True
        )
    )
    return _Identity(key, builder.sign(signer, SHA256()))


def _load(context: ssl.SSLContext, identity: _Identity, folder: str) -> None:
    """Give a context its certificate; the module ssl reads keys from files only."""
    pem = identity.certificate.public_bytes(Encoding.PEM)
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = Path(folder, "identity.pem")
    path.write_bytes(pem + identity.key.private_bytes(*form))
    context.load_cert_chain(path)
    path.unlink()


class _Parties(NamedTuple):
    authority: _Identity
    server: _Identity
    clients: dict[str, _Identity | None]


@lru_cache(maxsize=1)
def _parties() -> _Parties:
    authority = _identity("Example PBX CA", None)
    clients: dict[str, _Identity | None] = {
        "accepted": _identity("device", authority),
        "unknown CA": _identity("device", None),
        "expired": _identity("device", authority, days=(-9, -2)),
        "not yet valid": _identity("device", authority, days=(2, 9)),
        "no certificate": None,
    }
    return _Parties(authority, _identity("pbx.example.com", authority), clients)


@lru_cache(maxsize=64)
def handshake(kind: str, version: str) -> list[Flight]:
    """Return a handshake of a kind of client, as the flights of both sides.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    version : str
        One of `VERSIONS`; an OpenSSL without TLS 1.0 and 1.1 raises ssl.SSLError for these.
    """
    return _conversation(*contexts(kind, version))


def contexts(kind: str, version: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the contexts of a server and of such a client."""
    import ssl  # on first use

    parties = _parties()
    accepting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    connecting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    connecting.check_hostname = False
    connecting.verify_mode = ssl.CERT_NONE
    accepting.verify_mode = ssl.CERT_REQUIRED
    roots = parties.authority.certificate.public_bytes(Encoding.PEM).decode()
    accepting.load_verify_locations(cadata=roots)
    client = parties.clients[kind]
    with tempfile.TemporaryDirectory() as folder:
        _load(accepting, parties.server, folder)
        if client is not None:
            _load(connecting, client, folder)
    for context in (accepting, connecting):
        _fix_version(context, version)
    return accepting, connecting


def _fix_version(context: ssl.SSLContext, version: str) -> None:
    import ssl

    if version not in ("TLSv1_2", "TLSv1_3"):
        # What is out of use has to be asked for.
        context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]


class _End(NamedTuple):
    """A side, and where its bytes come from and go to."""

    side: ssl.SSLObject
    by_client: bool
    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO


def resumption(version: str) -> list[Flight]:
    """Return a handshake that resumes the session of an earlier one."""
    accepting, connecting = contexts("accepted", version)
    sessions: list[ssl.SSLSession] = []
    _conversation(accepting, connecting, sessions)
    return _conversation(accepting, connecting, sessions)


def _conversation(
    accepting: ssl.SSLContext,
    connecting: ssl.SSLContext,
    sessions: list[ssl.SSLSession] | None = None,
) -> list[Flight]:
    """Return what two sides send until the handshake is over, and some data if it succeeded.

    The last of `sessions` is resumed, and that of this conversation is added to them.
    """
    import ssl

    flights: list[Flight] = []
    ends = []
    for context, by_client in ((connecting, True), (accepting, False)):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        name = "pbx.example.com" if by_client else None
        session = sessions[-1] if sessions and by_client else None
        side = context.wrap_bio(
            incoming,
            outgoing,
            server_side=not by_client,
            server_hostname=name,
            session=session,
        )
        ends.append(_End(side, by_client, incoming, outgoing))

    def send(end: _End) -> None:
        if data := end.outgoing.read():
            flights.append(Flight(end.by_client, data))
            ends[end.by_client].incoming.write(data)

    finished: set[bool] = set()
    while len(finished) < len(ends):
        for end in ends:
            has_failed = _step(end.side, is_finished=end.by_client in finished)
            if has_failed is None:
                finished.add(end.by_client)
            send(end)
            if has_failed:
                return flights
    for end in ends:
        end.side.write(_DATA)
        send(end)
    if sessions is not None:
        # In TLS 1.3 the session comes with the first data.
        _step(ends[0].side, is_finished=True)
        session = ends[0].side.session
        if session is not None:
            sessions.append(session)
    return flights


def _step(side: ssl.SSLObject, *, is_finished: bool) -> bool | None:
    """Go on with the handshake; None = done, True = it failed, False = it waits."""
    import ssl

    try:
        if is_finished:
            side.read(1)
        else:
            side.do_handshake()
    except ssl.SSLWantReadError:
        return None if is_finished else False
    except ssl.SSLError:
        return True
    return None


def with_certificates(data: bytes, chain: Sequence[bytes]) -> bytes:
    """Return records with another list of certificates in their Certificate message."""
    listed = b"".join(len(der).to_bytes(3) + der for der in chain)
    return _with_message(
        data, _CERTIFICATE, lambda _: len(listed).to_bytes(3) + listed
    )


def with_authorities(data: bytes, names: Sequence[bytes]) -> bytes:
    """Return records whose CertificateRequest (before TLS 1.3) accepts CAs of these names."""
    listed = b"".join(len(name).to_bytes(2) + name for name in names)
    return _with_message(
        data,
        _REQUEST,
        lambda body: (
            body[: _end_of_algorithms(body)] + len(listed).to_bytes(2) + listed
        ),
    )


def _end_of_algorithms(body: bytes) -> int:
    """Return where the names begin: behind kinds of certificates, in TLS 1.2 also algorithms."""
    kinds = 1 + body[0]
    names = int.from_bytes(body[kinds : kinds + 2])
    return kinds if kinds + 2 + names == len(body) else kinds + 2 + names


def _with_message(data: bytes, kind: int, change: Callable[[bytes], bytes]) -> bytes:
    """Return records with the body of one kind of handshake message changed."""
    parts = []
    at, in_clear = 0, True
    while at + 5 <= len(data):
        head, size = data[at : at + 3], int.from_bytes(data[at + 3 : at + 5])
        body = data[at + 5 : at + 5 + size]
        at += 5 + size
        in_clear = in_clear and head[0] != _CHANGE_CIPHER
        if head[0] == _HANDSHAKE and in_clear:
            body = b"".join(
                one[:1] + len(new).to_bytes(3) + new
                for one in _messages(body)
                for new in [change(one[4:]) if one[0] == kind else one[4:]]
            )
        for part in range(0, len(body), _LARGEST_RECORD):
            piece = body[part : part + _LARGEST_RECORD]
            parts.append(head + len(piece).to_bytes(2) + piece)
    return b"".join(parts)


def _messages(body: bytes) -> Iterator[bytes]:
    """Yield the messages of a record, of which OpenSSL splits none."""
    at = 0
    while at < len(body):
        end = at + 4 + int.from_bytes(body[at + 1 : at + 4])
        yield body[at:end]
        at = end
