"""A TLS connection as a row of table HANDSHAKES, from packets or from the logs of a monitor."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, BinaryIO

from .. import limits
from . import messages
from .ciphers import cipher_name
from .connection import Connection
from .conversation import CLIENT, Conversation

ESTABLISHED, CUT_OFF = "established", "cut off"
NOT_TLS, NOT_VISIBLE = "not TLS", "not visible"

Seen = bytes | dict[str, Any]
"""A certificate: its DER, or columns of CERTIFICATES where a log has no more of it."""


@dataclass
class Handshake:
    """One connection: columns of HANDSHAKES first, and the certificates themselves last."""

    time: int | None = None
    client: str | None = None
    client_port: int | None = None
    server: str | None = None
    server_port: int | None = None
    server_name: str | None = None
    offered_version: str | None = None
    tls_version: str | None = None
    cipher: str | None = None
    client_certificates: list[str] | None = None
    server_certificates: list[str] | None = None
    accepted_authorities: list[str] | None = None
    alert: str | None = None
    alert_by: str | None = None
    duration: float | None = None
    client_bytes: int | None = None
    server_bytes: int | None = None
    outcome: str | None = None
    resumed: bool | None = None
    source: str | None = None
    stream: int | None = None
    messages: list[str] | None = None
    parse_error: str | None = None
    certificate_was_due: bool | None = None
    """The client sent a Certificate message, or was asked for one and went on; None = not seen."""
    client_sent: list[Seen] = field(default_factory=list)
    server_sent: list[Seen] = field(default_factory=list)
    """The certificates themselves, so far as they were seen, leaf first."""

    def sent(self, side: str) -> list[Seen]:
        """Return the certificates that a side presented."""
        return self.client_sent if side == CLIENT else self.server_sent


@lru_cache(maxsize=1 << 13)
def fingerprint(der: bytes) -> str:
    """Return the SHA-256 of a certificate in hex."""
    return hashlib.sha256(der).hexdigest()


def address(value: Any) -> str | None:
    """Return an address of a log as captures have it: monitors write IPv6 in several ways."""
    if not isinstance(value, str) or not value:
        return None
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        return value.replace("\x00", "\ufffd")


def whole_lines(stream: BinaryIO) -> Iterator[tuple[int, str | ValueError]]:
    """Yield the lines of a log with their numbers; an overlong one is the reason not to read it."""
    number = 0
    while line := stream.readline(limits.LINE_BYTES):
        number += 1
        if len(line) == limits.LINE_BYTES and not line.endswith(b"\n"):
            while (rest := stream.readline(limits.LINE_BYTES)) and not rest.endswith(
                b"\n"
            ):
                pass
            yield number, ValueError(f"longer than {limits.LINE_BYTES:,} bytes")
            continue
        yield (
            number,
            line.decode("utf-8-sig" if number == 1 else "utf-8", "replace").rstrip(
                "\r\n"
            ),
        )


def of_connection(connection: Connection, source: str) -> Handshake:
    """Return what was seen of a connection."""
    talk = connection.conversation
    client, server = _ends(connection)
    begun = connection.first if connection.spoken_at is None else connection.spoken_at
    first, last = connection.first, connection.last
    row = Handshake(
        time=begun,
        client=_address(client[:-2]),
        client_port=int.from_bytes(client[-2:]),
        server=_address(server[:-2]),
        server_port=int.from_bytes(server[-2:]),
        duration=None if first is None or last is None else (last - first) / 1e6,
        outcome=outcome(connection),
        source=source,
        stream=connection.stream,
        messages=_messages(connection),
    )
    if talk.is_tls or talk.offered is not None:
        _add_tls(row, talk)
    row.parse_error = "; ".join(_problems(connection, row.outcome)) or None
    return row


def _add_tls(row: Handshake, talk: Conversation) -> None:
    row.server_name = talk.server_name
    if talk.offered is not None:
        row.offered_version = messages.version_name(talk.offered)
    if talk.version is not None:
        row.tls_version = messages.version_name(talk.version)
    if talk.cipher is not None:
        row.cipher = cipher_name(talk.cipher)
    row.alert, row.alert_by = talk.alert, talk.alert_by
    row.accepted_authorities = talk.authorities
    row.certificate_was_due = _was_due(talk)
    row.resumed = talk.resumed
    row.client_bytes, row.server_bytes = (
        talk.client.data_bytes,
        talk.server.data_bytes,
    )
    for side, column in (
        (talk.client, "client_certificates"),
        (talk.server, "server_certificates"),
    ):
        if side.certificates is not None:
            row.sent(side.name).extend(side.certificates)
            setattr(row, column, [fingerprint(der) for der in side.certificates])


def _was_due(talk: Conversation) -> bool | None:
    """Return whether it had come to the client's certificate, missing where that was not seen."""
    client = talk.client
    if client.has_certificate_message:
        return True
    if client.certificates is not None:
        # It went on without one: nobody asked, or it has none.
        if talk.authorities is not None:
            return True
        is_whole = talk.version is not None and not talk.server.has_lost
        return False if is_whole else None
    is_hidden = talk.version is not None and messages.is_encrypted_early(talk.version)
    is_read = talk.offered is not None and not (
        client.has_lost or client.is_stopped or client.buffer or client.handshake
    )
    return False if is_read and not is_hidden else None


def _ends(connection: Connection) -> tuple[bytes, bytes]:
    """Return the address and port of the client and of the server."""
    one, other = connection.ends
    return (one, other) if connection.client == 0 else (other, one)


@lru_cache(maxsize=1 << 14)
def _address(end: bytes) -> str:
    """Return an address as text."""
    return str(ipaddress.ip_address(end))


def outcome(connection: Connection) -> str:
    """Return how a connection's handshake ended, so far as that can be seen."""
    talk = connection.conversation
    if talk.is_tls is False:
        return NOT_TLS
    if talk.is_established:
        return ESTABLISHED
    if talk.refused_by:
        return f"refused by {talk.refused_by}"
    is_hidden = (
        talk.hello_done
        and talk.version is not None
        and messages.is_encrypted_early(talk.version)
    )
    has_gaps = (
        connection.has_gaps
        or talk.has_hidden_alert
        or talk.client.is_stopped
        or talk.server.is_stopped
    )
    if not connection.has_ended or has_gaps or talk.version == messages.SSL2:
        return NOT_VISIBLE
    if talk.warned_by:
        # A warning after which the connection was closed.
        return f"refused by {talk.warned_by}"
    return NOT_VISIBLE if is_hidden and talk.client.encrypted_records else CUT_OFF


def _problems(connection: Connection, ended: str | None) -> list[str]:
    talk = connection.conversation
    problems = list(talk.problems)
    is_hidden = talk.version is not None and messages.is_encrypted_early(talk.version)
    is_whole_so_far = connection.has_beginning and not connection.lost
    if (
        ended == NOT_VISIBLE
        and is_whole_so_far
        and not connection.has_ended
        and not (is_hidden and talk.hello_done)
    ):
        problems.append("the capture ends within the handshake")
    if connection.stream is None:
        problems.append(
            f"not numbered: more than {limits.CAPTURE_STREAMS:,} connections"
        )
    return problems


def _messages(connection: Connection) -> list[str]:
    """Return who sent what, and how many seconds after the first packet."""
    return [
        f"{event.by} {_seconds(event.time, connection.first)} {event.what}"
        for event in connection.conversation.events
    ]


def _seconds(time: int | None, first: int | None) -> str:
    return "-" if time is None or first is None else f"{(time - first) / 1e6:.6f}"
