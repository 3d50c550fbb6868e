"""Servers on loopback for tests of endpoints: real TLS by openssl, and peers that misbehave."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

OPENSSL = shutil.which("openssl")
WEAK = "ALL:@SECLEVEL=0"

Answer = Callable[[socket.socket], None]


def free_port(address: str = "127.0.0.1") -> int:
    """Return a port on which nothing listens."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as free:
        return int(free.getsockname()[1])


def open_files() -> int:
    """Return how many files and sockets this process has open, 0 where that is not told."""
    listed = Path("/proc/self/fd")
    return len(list(listed.iterdir())) if listed.exists() else 0


def wait_for(port: int, address: str = "127.0.0.1", seconds: float = 15) -> None:
    """Wait until something listens there."""
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((address, port), timeout=1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


@contextlib.contextmanager
def openssl_server(folder: Path, *arguments: str, address: str = "127.0.0.1"):
    """Run `openssl s_server` in a folder, and yield its port."""
    port = free_port(address)
    shown = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    command = ["openssl", "s_server", "-accept", shown, "-quiet", *arguments]
    with subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            wait_for(port, address)
            yield port
        finally:
            server.kill()


def openssl_chain(
    port: int, *arguments: str, address: str = "127.0.0.1"
) -> list[str]:
    """Return the PEM blocks that `openssl s_client -showcerts` prints of a server."""
    shown = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    command = ["openssl", "s_client", "-connect", shown, "-showcerts", *arguments]
    done = subprocess.run(
        command, input=b"", capture_output=True, timeout=30, check=False
    )
    text = done.stdout.decode("latin-1")
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    # Behind the chain, the server's own certificate is printed once more.
    chain = text.split("\nServer certificate\n")[0]
    return [
        begin + part.split(end)[0] + end + "\n" for part in chain.split(begin)[1:]
    ]


@contextlib.contextmanager
def listening(answer: Answer, address: str = "127.0.0.1") -> Iterator[int]:
    """Accept connections, answer each in a thread of its own, and yield the port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, 0), family=family)
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            answer(connection)

    def run() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=serve, args=(connection,)))
                threads[-1].start()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for one in (thread, *threads):
            one.join(timeout=5)


@contextlib.contextmanager
def relaying(
    port: int, keep: Callable[[bytes], bytes], then: Answer
) -> Iterator[int]:
    """Stand before a server, pass on of its first flight what `keep` leaves, then do `then`."""

    def answer(connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as behind:
            behind.sendall(connection.recv(65536))
            flight = b""
            behind.settimeout(0.5)
            with contextlib.suppress(TimeoutError):
                while chunk := behind.recv(65536):
                    flight += chunk
            connection.sendall(keep(flight))
        then(connection)

    with listening(answer) as relay:
        yield relay


def reset(connection: socket.socket) -> None:
    """Break a connection off with a reset."""
    # Linger for no time at all: closing sends RST.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    time.sleep(0.1)


def stall(connection: socket.socket) -> None:
    """Say nothing until the client gives up."""
    with contextlib.suppress(OSError):
        while connection.recv(4096):
            pass


MANY = """
import asyncio, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("chain.pem", "key.pem")
async def answer(reader, writer):
    try:
        await reader.read(1)
    except (OSError, ssl.SSLError):
        pass
    writer.close()
async def silent(reader, writer):
    try:
        await reader.read()
    except OSError:
        pass
    writer.close()
async def main():
    tls = await asyncio.start_server(answer, "0.0.0.0", 0, ssl=context, backlog=1024)
    mute = await asyncio.start_server(silent, "0.0.0.0", 0, backlog=1024)
    print(*(one.sockets[0].getsockname()[1] for one in (tls, mute)), flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@contextlib.contextmanager
def many_endpoints(folder: Path) -> Iterator[tuple[int, int]]:
    """Serve every address of 127.0.0.0/8 in a process apart; yield the ports of TLS and silence.

    The folder holds chain.pem and key.pem.
    """
    with subprocess.Popen(
        [sys.executable, "-c", MANY],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            assert server.stdout is not None
            tls, mute = map(int, server.stdout.readline().split())
            yield tls, mute
        finally:
            server.kill()
