"""TLS that begins within another protocol: STARTTLS of SMTP (RFC 3207) and of LDAP (RFC 4511).

No name and no password is sent, only the request itself.
"""

from __future__ import annotations

from collections.abc import Generator

from ..texts.sentences import say
from ..x509.ber import SEQUENCE, BadEncoding, elements, only

AUTO, NONE, LDAP, SMTP = "auto", "no", "ldap", "smtp"
WAYS = (AUTO, NONE, LDAP, SMTP)
_BY_PORT = {25: SMTP, 587: SMTP, 389: LDAP}
_LONGEST = 1 << 16
"""Bytes of an answer that is waited for."""

Dialogue = Generator[bytes, bytes, str | None]
"""Yields what to send, is sent what arrived, and returns why it failed."""


def way_of(starttls: str, port: int) -> str:
    """Return how TLS begins at a port: `no`, `ldap` or `smtp`."""
    return _BY_PORT.get(port, NONE) if starttls == AUTO else starttls


def dialogue(way: str) -> Dialogue:
    """Return the talk that comes before TLS."""
    return _smtp() if way == SMTP else _ldap()


def _smtp() -> Dialogue:
    for sent, expected in (
        (b"", b"220"),
        (b"EHLO certtrust.invalid\r\n", b"250"),
        (b"STARTTLS\r\n", b"220"),
    ):
        answer = yield sent
        while not _is_whole(answer):
            if len(answer) > _LONGEST:
                return say("endpoints.endless_answer")
            answer += yield b""
        if not answer.startswith(expected):
            return answer[:80].decode("ascii", "replace").strip()
    return None


def _is_whole(answer: bytes) -> bool:
    """Return True where the last line is there: one whose code is followed by no hyphen."""
    lines = answer.split(b"\n")
    return not lines[-1] and lines[-2][3:4] != b"-"


_OID = b"1.3.6.1.4.1.1466.20037"
_NAME = b"\x80" + bytes([len(_OID)]) + _OID
_REQUEST = b"\x02\x01\x01" + b"\x77" + bytes([len(_NAME)]) + _NAME
_START_TLS = b"\x30" + bytes([len(_REQUEST)]) + _REQUEST
"""An ExtendedRequest with message number 1."""
_EXTENDED_RESPONSE = 0x78


def _ldap() -> Dialogue:
    answer = yield _START_TLS
    while (end := _end(answer)) is None or len(answer) < end:
        if not answer.startswith(b"\x30"):
            return say("endpoints.no_ldap")
        if len(answer) > _LONGEST:
            return say("endpoints.endless_answer")
        answer += yield b""
    return _refusal(answer)


def _end(data: bytes) -> int | None:
    """Return where the BER element at the beginning ends, None where that is not known yet."""
    if len(data) < 2 or data[1] < 0x80:
        return 2 + data[1] if len(data) > 1 else None
    size = data[1] & 0x7F
    return (
        2 + size + int.from_bytes(data[2 : 2 + size])
        if len(data) > 1 + size
        else None
    )


def _refusal(answer: bytes) -> str | None:
    """Return what an LDAP server answered, None where it agrees to begin TLS."""
    try:
        message = only(answer, SEQUENCE)
        (_, _), (kind, response), *_ = elements(message)
        (_, code), _, (_, diagnostic), *_ = elements(response)
    except (BadEncoding, ValueError):
        return say("endpoints.no_ldap")
    if kind != _EXTENDED_RESPONSE:
        return say("endpoints.other_ldap")
    if code == b"\x00":
        return None
    words = diagnostic[:80].decode("utf-8", "replace")
    return say(
        "endpoints.ldap_result", code=int.from_bytes(code), words=words
    ).strip()
