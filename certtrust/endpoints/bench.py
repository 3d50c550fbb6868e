"""A listener for the bench: a phone that is pointed at it shows the certificate it presents."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

import pandas as pd

from .. import limits
from ..captures import REGISTRATION_PORT, to_frame
from ..captures.handshake import CUT_OFF, Handshake, fingerprint
from ..certificates.reading import from_der
from ..errors import CerttrustError
from ..texts.sentences import say
from .apart import Apart
from .asking import endpoint_text
from .own_certificate import Identity, given_identity, new_identity
from .server import Server, accepting_context

_READ = 1 << 16
_LONGEST_WAIT = 0.2


def listen(
    port: int = REGISTRATION_PORT,
    *,
    address: str = "127.0.0.1",
    certificate: Any = None,
    password: str | None = None,
    timeout: float = 10,
) -> Bench:
    """Listen for phones, to see what certificate each of them presents.

    Parameters
    ----------
    port : int
        TCP port; phones register at 1300. 0 takes any that is free.
    address : str
        Address of this machine to listen at. By default the machine itself alone can connect;
        phones need the address of its network, or "0.0.0.0" (or "::") for all its addresses.
    certificate : path or bytes, optional
        What the bench presents: PEM or PKCS#12 with a certificate, its private key and perhaps
        its CAs. By default it makes a certificate of its own, which nobody trusts.
    password : str, optional
        What that key is encrypted with.
    timeout : float
        Seconds that a phone has for its handshake.

    Returns
    -------
    Bench
        A context manager; it listens from `with` on, and ends with that block.

    Raises
    ------
    CerttrustError
        If pyOpenSSL is not installed (`certtrust[listen]`), or an argument makes no sense; at
        `with`, if the port is in use or may not be opened.

    Warns
    -----
    UserWarning
        If others than this machine can connect.

    Notes
    -----
    It asks each client for a certificate and takes any: expired, weak, trusted by nobody, or
    none. TLS 1.0 to 1.3 are spoken, with OpenSSL's security level lowered for these connections
    alone. When the handshake is done it closes the connection: no registration is answered, no
    data is read, and nothing is kept but what `handshakes` and `certificates` show. That a phone
    presents a certificate here proves nothing about what a PBX makes of it: hand it to
    `certtrust.diagnose` with the trust list of that PBX, or let `certtrust.widgets.Bench` or
    `certtrust listen` do so.

    Examples
    --------
    >>> with listen(0) as bench:
    ...     bench.handshakes["outcome"].tolist()
    []
    """
    if type(port) is not int or not 0 <= port < 65536:
        raise _error("no_port", port=repr(port))
    is_number = type(timeout) in (int, float)
    if not is_number or not 0 < timeout <= threading.TIMEOUT_MAX:
        raise _error("no_timeout", timeout=str(timeout))
    identity = (
        new_identity()
        if certificate is None
        else given_identity(certificate, password)
    )
    bench = Bench(address, port, identity, timeout)
    if bench.warning:
        warnings.warn(bench.warning, stacklevel=2)
    return bench


class Bench:
    """Phones that connect, and what each of them presents; made by `certtrust.listen`.

    Attributes
    ----------
    address : str
        Where it listens.
    port : int
        TCP port.
    warning : str
        Who else can connect, "" where only this machine can.
    handshakes : DataFrame
        Table HANDSHAKES: one row per connection, in the order in which they ended.
    certificates : DataFrame
        Table CERTIFICATES: what the clients presented, leaf first; `bundle` is the source of
        the handshake, its number (`stream`) and the side.
    unread : int
        Connections beyond `certtrust.limits.BENCH_ROWS`, which were closed unread.
    """

    def __init__(
        self, address: str, port: int, identity: Identity, timeout: float
    ) -> None:
        self.address, self.port = address, port
        self.unread = 0
        self._context = accepting_context(identity)
        self._own = [fingerprint(_der(one)) for one in (identity[1], *identity.above)]
        self._timeout = timeout
        self._info = _address(address, port)
        self._socket: socket.socket | None = None
        self._apart: Apart[None] | None = None
        self._rows: list[Handshake] = []
        self._count = 0
        self._observers: list[Callable[[], object]] = []
        self._changed = threading.Condition()

    @property
    def warning(self) -> str:
        """Who else can connect, "" where only this machine can."""
        try:
            host = ipaddress.ip_address(self._info[-1][0].partition("%")[0])
        except ValueError:
            return ""
        if host.is_loopback:
            return ""
        key = "all" if host.is_unspecified else "network"
        return say(f"endpoints.open_to_{key}", address=self.address)

    @property
    def endpoint(self) -> str:
        """Address and port, as they stand in a URL."""
        return endpoint_text(self.address, self.port)

    @property
    def is_listening(self) -> bool:
        """Return True where phones can connect."""
        return self._apart is not None and not self._apart.is_over()

    def __enter__(self) -> Bench:
        if self._socket is not None:
            return self
        family, *_, address = self._info
        try:
            self._socket = socket.create_server(
                address[:2], family=family, backlog=128
            )
        except OSError as problem:
            raise self._not_opened(problem) from problem
        self._socket.setblocking(False)
        self.port = self._socket.getsockname()[1]
        self._apart = Apart(self._serve)
        self._apart.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening; what was seen stays."""
        if self._apart is not None:
            self._apart.end()
        if self._socket is None:
            return
        self._socket.close()
        self._apart = self._socket = None
        with self._changed:
            self._changed.notify_all()
        for tell in self._observers:
            tell()

    def _not_opened(self, problem: OSError) -> CerttrustError:
        words = {"port": str(self.port), "address": self.address}
        if problem.errno == errno.EADDRINUSE:
            return _error("port_in_use", **words)
        if problem.errno in (errno.EACCES, errno.EPERM):
            return _error("port_forbidden", **words)
        reason = problem.strerror or str(problem)
        return _error("no_address", address=self.address, reason=reason)

    # What is seen

    @property
    def handshakes(self) -> pd.DataFrame:
        """Table HANDSHAKES of what was seen so far."""
        return to_frame.frame(list(self._rows))

    @property
    def certificates(self) -> pd.DataFrame:
        """Table CERTIFICATES of what was presented so far."""
        return _certificates(list(self._rows))

    def presented(self, connection: int) -> pd.DataFrame:
        """Return what was presented in one connection, by its place in `handshakes` from 0."""
        return _certificates([self._rows[connection]])

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        key = "listening" if self.is_listening else "closed"
        return say(f"endpoints.{key}", endpoint=self.endpoint, count=len(self))

    def observe(self, tell: Callable[[], object]) -> None:
        """Call a function after each new row, in the listener's thread, and at the end."""
        self._observers.append(tell)

    def wait(
        self, seconds: float | None = None, *, connections: int | None = None
    ) -> int:
        """Wait while phones connect; Ctrl-C or the notebook's stop button ends the waiting.

        Parameters
        ----------
        seconds : float, optional
            How long at most; without it, until it is interrupted or closed.
        connections : int, optional
            Until so many have been seen in all.

        Returns
        -------
        int
            How many connections have been seen.

        Raises
        ------
        CerttrustError
            If the bench does not listen: it does so within `with`.
        """
        if not self.is_listening:
            raise _error("not_listening")
        end = None if seconds is None else time.monotonic() + seconds
        try:
            with self._changed:
                while connections is None or len(self) < connections:
                    left = _LONGEST_WAIT if end is None else end - time.monotonic()
                    if left <= 0 or not self.is_listening:
                        break
                    self._changed.wait(min(left, _LONGEST_WAIT))
        except KeyboardInterrupt:
            pass
        return len(self)

    # In the listener's thread

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        slots = asyncio.Semaphore(limits.BENCH_HANDSHAKES)
        listener = self._socket
        assert listener is not None  # noqa: S101 - opened before the thread is started
        async with asyncio.TaskGroup() as group:
            while True:
                await slots.acquire()
                try:
                    connection, peer = await loop.sock_accept(listener)
                except OSError:
                    # The client is gone already, or no more files can be opened for now.
                    slots.release()
                    await asyncio.sleep(0.05)
                    continue
                group.create_task(self._one(connection, peer, slots))

    async def _one(
        self, connection: socket.socket, peer: Any, slots: asyncio.Semaphore
    ) -> None:
        try:
            with connection:
                connection.setblocking(False)
                if len(self) >= limits.BENCH_ROWS:
                    self.unread += 1
                    return
                await self._talk(connection, peer)
        except Exception as problem:
            _report(problem)
        finally:
            slots.release()

    async def _talk(self, connection: socket.socket, peer: Any) -> None:
        first = _now()
        server, problem = Server(self._context), None
        try:
            async with asyncio.timeout(self._timeout):
                problem = await _shake_hands(connection, server)
        except TimeoutError:
            problem = say("endpoints.no_end", timeout=f"{self._timeout:g}")
        except OSError as error:
            problem = error.strerror or str(error)
        except asyncio.CancelledError:
            problem = say("endpoints.bench_closed")
            raise
        finally:
            here = connection.getsockname()[0]
            self._keep(self._row(server.row(first), first, peer, here, problem))
        with suppress(OSError):
            await asyncio.get_running_loop().sock_sendall(
                connection, server.farewell()
            )

    def _row(
        self, row: Handshake, first: int, peer: Any, here: str, problem: str | None
    ) -> Handshake:
        """Return what was seen of a handshake with what is known of the connection."""
        row.time, row.duration = first, (_now() - first) / 1e6
        row.client, row.client_port = _plain(peer[0]), peer[1]
        row.server = _plain(here)
        row.server_port, row.source = self.port, self.endpoint
        if row.tls_version is not None:
            row.server_certificates = list(self._own)
        if row.outcome == CUT_OFF:
            row.parse_error = "; ".join(filter(None, (row.parse_error, problem)))
        return row

    def _keep(self, row: Handshake) -> None:
        self._count += 1
        row.stream = self._count
        with self._changed:
            self._rows.append(row)
            self._changed.notify_all()
        for tell in self._observers:
            try:
                tell()
            except Exception as problem:
                _report(problem)


async def _shake_hands(connection: socket.socket, server: Server) -> str | None:
    """Carry on a handshake until it is over; return why it was not completed, if that is known."""
    loop = asyncio.get_running_loop()
    while True:
        sent = server.proceed(_now())
        if sent:
            # What the client said before it hung up may still be read.
            with suppress(OSError):
                await loop.sock_sendall(connection, sent)
        if server.is_over:
            return None
        if server.received > limits.PEER_BYTES:
            return say("endpoints.too_much", bytes=f"{limits.PEER_BYTES:,}")
        data = await loop.sock_recv(connection, _READ)
        if not data:
            key = "client_closed" if server.received else "client_silent"
            return say(f"endpoints.{key}")
        server.receive(data, _now())


def _report(problem: Exception) -> None:
    """Let asyncio report what must not end the listening: a fault of a view, or of this module."""
    context = {"message": "a connection to the bench", "exception": problem}
    asyncio.get_running_loop().call_exception_handler(context)


def _certificates(rows: list[Handshake]) -> pd.DataFrame:
    sent = [(der, row) for row in rows for der in row.client_sent]
    return from_der(
        [der for der, _ in sent if isinstance(der, bytes)],
        source=[row.source or "" for _, row in sent],
        bundle=[f"{row.source}#{row.stream} client" for _, row in sent],
    )


def _now() -> int:
    return time.time_ns() // 1000


def _der(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return bytes(certificate.public_bytes(Encoding.DER))


def _plain(address: str) -> str:
    """Return an address without its zone; an IPv4 address as such."""
    host = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(host, "ipv4_mapped", None)
    return str(mapped or host)


def _address(address: Any, port: int) -> Any:
    """Return what to bind to."""
    if not isinstance(address, str) or not address:
        raise _error(
            "no_address", address=repr(address), reason=say("endpoints.no_ip")
        )
    host = address.removeprefix("[").removesuffix("]")
    kind = socket.SOCK_STREAM
    try:
        listed = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise _error("no_address", address=address, reason=reason) from problem
    return listed[0]


def _error(key: str, **values: Any) -> CerttrustError:
    return CerttrustError(say(f"errors.endpoints.{key}", **values))
