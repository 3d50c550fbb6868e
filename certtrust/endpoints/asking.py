"""One endpoint asked: connect, begin TLS, keep what was said, and say how it ended."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from .. import limits
from ..texts.sentences import say
from ..texts.visible import one_line
from . import starttls
from .client import Client

OPEN, REFUSED, TIMEOUT, UNREACHABLE = "open", "refused", "timeout", "unreachable"
NOT_TLS, ALERT, RESET = "not TLS", "alert", "reset"
NO_CERTIFICATE = "no certificate"
OUTCOMES = (
    *(OPEN, REFUSED, TIMEOUT, UNREACHABLE, NOT_TLS, ALERT, RESET),
    NO_CERTIFICATE,
)

_OUR_OWN = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""Errors of this machine, which say nothing of the endpoint."""
_LATE_ANSWER = 0.3
"""Seconds that a server of TLS 1.3 has at least to refuse a client that is done."""
_LOOKUP_SECONDS = 5
"""Seconds that the look-up of a name has at least."""
_READ = 1 << 16

Lookup = Callable[[str, int], Awaitable[list[Any]]]
"""From a name and a port to what `socket.getaddrinfo` says of it."""


@dataclass(frozen=True)
class Target:
    """What is to be asked: an endpoint, or an entry that is none, with the reason."""

    host: str
    port: int
    error: str | None = None

    @property
    def endpoint(self) -> str:
        """Host and port, as they stand in a URL."""
        return endpoint_text(self.host, self.port)


@dataclass
class Answer:
    """What came of asking an endpoint: columns of ENDPOINTS, and the certificates themselves."""

    host: str
    port: int
    address: str | None = None
    server_name: str | None = None
    outcome: str | None = None
    alert: str | None = None
    alert_by: str | None = None
    tls_version: str | None = None
    cipher: str | None = None
    latency: float | None = None
    asked_at: int | None = None
    error: str | None = None
    sent: list[bytes] = field(default_factory=list)
    """The certificates as DER, leaf first."""


@dataclass(frozen=True)
class Manner:
    """How endpoints are asked: seconds, the name that is sent, and how TLS begins."""

    context: ssl.SSLContext
    timeout: float
    server_name: str | None = None
    """None = the host, where it is a name; empty = none at all."""
    starttls: str = starttls.AUTO


class _Ended(Exception):  # noqa: N818 - it is no error of this program
    """How a conversation ended, and why in words."""

    def __init__(self, outcome: str, error: str) -> None:
        super().__init__(error)
        self.outcome, self.error = outcome, error


def endpoint_text(host: str, port: int) -> str:
    """Return host and port as they stand in a URL.

    Examples
    --------
    >>> endpoint_text("::1", 443), endpoint_text("phone.example", 1300)
    ('[::1]:443', 'phone.example:1300')
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def ask(target: Target, manner: Manner, lookup: Lookup) -> Answer:
    """Ask one endpoint; whatever goes wrong is in the answer."""
    answer = Answer(target.host, target.port, error=target.error)
    if target.error is not None:
        return answer
    name = target.host if manner.server_name is None else manner.server_name
    answer.server_name = name if name and not _is_address(name) else None
    answer.asked_at = time.time_ns() // 1000
    connection = None
    try:
        addresses = await _addresses(target, manner, lookup)
        connection = await _connected(addresses, target, manner, answer)
        await _spoken(connection, target, manner, answer)
    except _Ended as end:
        answer.outcome, answer.error = end.outcome, end.error
    except Exception as problem:
        # Of this machine: it says nothing of the endpoint, and does not stop the others.
        reason = _words(problem) if isinstance(problem, OSError) else repr(problem)
        answer.error = say("endpoints.not_asked", reason=one_line(reason))
    finally:
        if connection is not None:
            connection.close()
    return answer


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _addresses(target: Target, manner: Manner, lookup: Lookup) -> list[Any]:
    """Return the addresses of a host, as `socket.getaddrinfo` gives them."""
    try:
        async with asyncio.timeout(max(manner.timeout, _LOOKUP_SECONDS)):
            return await lookup(target.host, target.port)
    except TimeoutError:
        words = {"name": target.host, "reason": say("endpoints.no_dns")}
    except (socket.gaierror, UnicodeError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        words = {"name": target.host, "reason": reason}
    raise _Ended(UNREACHABLE, say("errors.endpoints.unknown_name", **words))


async def _connected(
    addresses: Iterable[Any], target: Target, manner: Manner, answer: Answer
) -> socket.socket:
    """Return a connection to the first of several addresses that takes one."""
    end = _Ended(
        UNREACHABLE,
        say("errors.endpoints.unreachable", endpoint=target.endpoint, reason="-"),
    )
    for family, kind, protocol, _, address in addresses:
        answer.address, answer.latency = address[0], None
        begun = time.perf_counter()
        connection = socket.socket(family, kind, protocol)
        try:
            connection.setblocking(False)
            async with asyncio.timeout(manner.timeout):
                await asyncio.get_running_loop().sock_connect(connection, address)
        except OSError as problem:
            connection.close()
            if problem.errno in _OUR_OWN:
                raise
            end = _no_connection(problem, target, manner)
            if end.outcome == REFUSED:
                answer.latency = time.perf_counter() - begun
            continue
        except BaseException:
            connection.close()
            raise
        answer.latency = time.perf_counter() - begun
        return connection
    raise end


def _no_connection(problem: OSError, target: Target, manner: Manner) -> _Ended:
    words = {"endpoint": target.endpoint}
    if isinstance(problem, TimeoutError):
        seconds = f"{manner.timeout:g}"
        return _Ended(
            TIMEOUT, say("errors.endpoints.no_answer", timeout=seconds, **words)
        )
    if isinstance(problem, ConnectionRefusedError):
        return _Ended(REFUSED, say("errors.endpoints.refused", **words))
    reason = _words(problem)
    return _Ended(
        UNREACHABLE, say("errors.endpoints.unreachable", reason=reason, **words)
    )


def _words(problem: OSError) -> str:
    return problem.strerror or str(problem)


async def _spoken(
    connection: socket.socket, target: Target, manner: Manner, answer: Answer
) -> None:
    """Carry on the handshake, and keep what came of it, however it ends."""
    client = Client(manner.context, answer.server_name)
    try:
        async with asyncio.timeout(manner.timeout):
            way = starttls.way_of(manner.starttls, target.port)
            if way != starttls.NONE:
                await _begin(connection, starttls.dialogue(way), target)
            await _shake_hands(connection, client, target)
    except TimeoutError:
        key = "stalled" if client.received else "no_answer"
        words = {"endpoint": target.endpoint, "timeout": f"{manner.timeout:g}"}
        end = _Ended(TIMEOUT, say(f"errors.endpoints.{key}", **words))
    except _Ended as problem:
        end = problem
    else:
        end = await _late_end(connection, client, target, answer)
    finally:
        _keep(client, answer)
    if client.presents_none:
        words = {"endpoint": target.endpoint}
        end = _Ended(NO_CERTIFICATE, say("errors.endpoints.no_certificate", **words))
    answer.outcome, answer.error = end.outcome, end.error or None


def _keep(client: Client, answer: Answer) -> None:
    answer.sent = client.certificates
    answer.tls_version, answer.cipher = client.tls_version, client.cipher
    if client.alert is not None:
        answer.alert, answer.alert_by = client.alert


async def _begin(
    connection: socket.socket, dialogue: starttls.Dialogue, target: Target
) -> None:
    """Ask a server of another protocol to begin TLS."""
    loop = asyncio.get_running_loop()
    sent = next(dialogue)
    while True:
        try:
            if sent:
                await loop.sock_sendall(connection, sent)
            data = await loop.sock_recv(connection, _READ)
        except OSError as problem:
            raise _failed(RESET, target, _words(problem)) from problem
        if not data:
            raise _failed(RESET, target, say("errors.endpoints.closed"))
        try:
            sent = dialogue.send(data)
        except StopIteration as end:
            if end.value is None:
                return
            words = {"endpoint": target.endpoint, "reason": one_line(end.value)}
            raise _Ended(
                NOT_TLS, say("errors.endpoints.no_starttls", **words)
            ) from None


def _failed(outcome: str, target: Target, reason: str) -> _Ended:
    words = {"endpoint": target.endpoint, "reason": reason}
    return _Ended(outcome, say("errors.endpoints.no_handshake", **words))


async def _shake_hands(
    connection: socket.socket, client: Client, target: Target
) -> None:
    """Carry on a handshake until it is complete; raise how it ended where it is not."""
    loop = asyncio.get_running_loop()
    while True:
        sent = client.proceed()
        if sent:
            # What the server said before it hung up may still be read.
            with suppress(OSError):
                await loop.sock_sendall(connection, sent)
        if client.is_done:
            return
        if client.is_tls is False:
            raise _failed(NOT_TLS, target, say("errors.endpoints.not_tls"))
        if client.is_over:
            raise _refused(client, target)
        if client.received > limits.PEER_BYTES:
            bound = f"{limits.PEER_BYTES:,}"
            reason = say("endpoints.too_much", bytes=bound)
            raise _failed(TIMEOUT, target, reason)
        try:
            client.receive(await loop.sock_recv(connection, _READ))
        except OSError as problem:
            raise _failed(RESET, target, _words(problem)) from problem


def _refused(client: Client, target: Target) -> _Ended:
    """Return how a handshake that failed ended: by an alert, or by the end of the connection."""
    if client.alert is not None or client.is_refused_here:
        return _failed(ALERT, target, client.reason)
    return _failed(RESET, target, say("errors.endpoints.closed"))


async def _late_end(
    connection: socket.socket, client: Client, target: Target, answer: Answer
) -> _Ended:
    """Return how a handshake ended that this side takes for complete, and take leave."""
    loop = asyncio.get_running_loop()
    end = _Ended(OPEN, "")
    is_answered = client.is_answered() if client.is_hidden_early else True
    # A server that hangs up, or says nothing, has sent its certificates before.
    with suppress(OSError):
        if not is_answered:
            patience = max(_LATE_ANSWER, 3 * (answer.latency or 0))
            async with asyncio.timeout(patience):
                client.receive(await loop.sock_recv(connection, _READ))
            client.is_answered()
        if client.has_failed:
            end = _refused(client, target)
        await loop.sock_sendall(connection, client.farewell())
    return end
