"""Handshake messages of TLS (RFC 5246, RFC 8446) and SSL 2: what is said in clear.

Every function takes the body of a message and raises `BadMessageError` where it cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from ..x509.ber import SEQUENCE, BadEncoding
from ..x509.ber import content as content_of
from ..x509.fields import name

CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, CERTIFICATE_REQUEST = 1, 2, 11, 13
SERVER_HELLO_DONE, CLIENT_KEY_EXCHANGE = 14, 16
NAMES = {
    0: "HelloRequest",
    1: "ClientHello",
    2: "ServerHello",
    3: "HelloVerifyRequest",
    4: "NewSessionTicket",
    5: "EndOfEarlyData",
    6: "HelloRetryRequest",
    8: "EncryptedExtensions",
    11: "Certificate",
    12: "ServerKeyExchange",
    13: "CertificateRequest",
    14: "ServerHelloDone",
    15: "CertificateVerify",
    16: "ClientKeyExchange",
    20: "Finished",
    21: "CertificateURL",
    22: "CertificateStatus",
    23: "SupplementalData",
    24: "KeyUpdate",
    25: "CompressedCertificate",
    67: "NextProtocol",
}
"""The messages by type."""

SSL2, SSL3, TLS1_0, TLS1_1, TLS1_2, TLS1_3 = 2, 0x300, 0x301, 0x302, 0x303, 0x304
_VERSIONS = {
    SSL2: "SSL 2",
    SSL3: "SSL 3",
    TLS1_0: "TLS 1.0",
    TLS1_1: "TLS 1.1",
    TLS1_2: "TLS 1.2",
    TLS1_3: "TLS 1.3",
}
_DRAFTS = range(0x7F00, 0x7F20)
_EXPERIMENTS = frozenset({0x7E01, 0x7E02, 0xFB17, 0xFB1A})
"""Numbers under which browsers tried drafts of TLS 1.3."""
_RETRY = bytes.fromhex(
    "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"
)
"""The random of a ServerHello that asks for another ClientHello (RFC 8446, section 4.1.3)."""
_SERVER_NAME, _PRE_SHARED_KEY, _SUPPORTED_VERSIONS = 0, 41, 43
_READ = frozenset({_SERVER_NAME, _PRE_SHARED_KEY, _SUPPORTED_VERSIONS})
_two_numbers = Struct(">HH").unpack_from


class BadMessageError(ValueError):
    """A handshake message that cannot be read."""


class ClientHello(NamedTuple):
    """What a client asks for."""

    version: int
    server_name: str | None


class ServerHello(NamedTuple):
    """What a server chose."""

    version: int
    cipher: int
    is_retry: bool
    has_shared_key: bool


def version_name(version: int) -> str:
    """Return what a version is called: `TLS 1.2`, `TLS 1.3 draft 23`, or its number.

    Examples
    --------
    >>> [version_name(number) for number in (0x303, 0x7F17, 0x505)]
    ['TLS 1.2', 'TLS 1.3 draft 23', '0x0505']
    """
    if version in _DRAFTS:
        return f"TLS 1.3 draft {version & 0xFF}"
    return _VERSIONS.get(version, f"0x{version:04x}")


def is_encrypted_early(version: int) -> bool:
    """Return True for TLS 1.3 and its drafts, which hide all that follows the hellos."""
    return version >= TLS1_3


def _number(body: bytes, at: int, size: int) -> int:
    if at + size > len(body):
        raise BadMessageError("ends too early")
    return int.from_bytes(body[at : at + size])


def _vector(body: bytes, at: int, size: int) -> tuple[bytes, int]:
    """Return a vector whose length stands before it in `size` bytes, and where it ends."""
    end = at + size + _number(body, at, size)
    if end > len(body):
        raise BadMessageError("a length goes beyond its end")
    return body[at + size : end], end


def _vectors(body: bytes, size: int) -> Iterator[bytes]:
    at = 0
    while at < len(body):
        value, at = _vector(body, at, size)
        yield value


def _extensions(body: bytes, at: int) -> dict[int, bytes]:
    extensions: dict[int, bytes] = {}
    if at >= len(body):
        return extensions
    listed, _ = _vector(body, at, 2)
    at, end = 0, len(listed)
    while at + 4 <= end:
        kind, size = _two_numbers(listed, at)
        at += 4 + size
        if kind in _READ and kind not in extensions:
            extensions[kind] = listed[at - size : at]
    if at != end:
        raise BadMessageError("its extensions go beyond its end")
    return extensions


def client_hello(body: bytes) -> ClientHello:
    """Read a ClientHello; the version is the highest that it offers."""
    version = _number(body, 0, 2)
    _, at = _vector(body, 34, 1)
    _, at = _vector(body, at, 2)
    _, at = _vector(body, at, 1)
    extensions = _extensions(body, at)
    if offered := extensions.get(_SUPPORTED_VERSIONS):
        listed, _ = _vector(offered, 0, 1)
        version = max(
            (
                number
                for number in (
                    int.from_bytes(listed[at : at + 2])
                    for at in range(0, len(listed) - 1, 2)
                )
                if not _is_grease(number)
            ),
            key=_rank,
            default=version,
        )
    return ClientHello(version, _host_name(extensions.get(_SERVER_NAME)))


def _is_grease(number: int) -> bool:
    """Return True for a number that means nothing (RFC 8701)."""
    return number & 0x0F0F == 0x0A0A


def _rank(version: int) -> tuple[bool, int]:
    """Return the order of versions: a draft or an experiment comes before what it became."""
    return version == TLS1_3, version


def _host_name(extension: bytes | None) -> str | None:
    if not extension:
        return None
    listed, _ = _vector(extension, 0, 2)
    at = 0
    while at < len(listed):
        kind = _number(listed, at, 1)
        value, at = _vector(listed, at + 1, 2)
        if kind == 0:
            return value.decode("utf-8", "replace").replace("\x00", "�")
    return None


def ssl2_client_hello(body: bytes) -> ClientHello:
    """Read a hello in the form of SSL 2, which may offer any version."""
    return ClientHello(_number(body, 1, 2), None)


def server_hello(body: bytes) -> ServerHello:
    """Read a ServerHello, or the request for another ClientHello that looks like one."""
    version = _number(body, 0, 2)
    if version in _DRAFTS and version < 0x7F16:
        # Until draft 21, neither a session nor a compression method stood in it.
        cipher = _number(body, 34, 2)
        shared = _PRE_SHARED_KEY in _extensions(body, 36)
        return ServerHello(version, cipher, False, shared)
    random = body[2:34]
    _, at = _vector(body, 34, 1)
    cipher = _number(body, at, 2)
    _number(body, at + 2, 1)
    extensions = _extensions(body, at + 3)
    chosen = extensions.get(_SUPPORTED_VERSIONS, b"")
    if len(chosen) == 2:
        version = int.from_bytes(chosen)
    return ServerHello(
        version, cipher, random == _RETRY, _PRE_SHARED_KEY in extensions
    )


def certificates(body: bytes) -> list[bytes]:
    """Return the certificates of a message, as DER, leaf first."""
    listed, end = _vector(body, 0, 3)
    if end != len(body):
        raise BadMessageError("bytes follow its list")
    return list(_vectors(listed, 3))


def authorities(body: bytes, version: int | None) -> list[str]:
    """Return the names of the CAs that a CertificateRequest accepts, in the text of RFC 4514."""
    _, at = _vector(body, 0, 1)
    if version is None or version >= TLS1_2:
        _, at = _vector(body, at, 2)
    listed, _ = _vector(body, at, 2)
    return [_authority(value) for value in _vectors(listed, 2)]


@lru_cache(maxsize=4096)
def _authority(der: bytes) -> str:
    try:
        return name(content_of(der, SEQUENCE)).text
    except BadEncoding:
        return f"#{der.hex()}"
