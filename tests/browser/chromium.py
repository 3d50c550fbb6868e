"""Open locally served sites in a real Chromium with its own trust list, and return its errors."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from certtrust.names import hosts

from .pki import Issued

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CERTUTIL = shutil.which("certutil")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: "
    b"text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
)


@contextlib.contextmanager
def served(
    chain: Sequence[Issued], directory: Path, host: str = "127.0.0.1"
) -> Iterator[int]:
    """Serve a page over TLS with a chain, the server's certificate first, and yield the port."""
    (directory / "chain.pem").write_bytes(b"".join(issued.pem for issued in chain))
    (directory / "key.pem").write_bytes(chain[0].key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The tests are about the keys and hashes of old devices.
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(directory / "chain.pem", directory / "key.pem")
    listener = socket.create_server(
        (host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET
    )
    stopping = threading.Event()
    thread = threading.Thread(
        target=_serve, args=(listener, context, stopping), daemon=True
    )
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stopping.set()
        listener.close()
        thread.join(timeout=5)


def _serve(
    listener: socket.socket, context: ssl.SSLContext, stopping: threading.Event
) -> None:
    listener.settimeout(0.2)
    while not stopping.is_set():
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        except OSError:
            return
        threading.Thread(
            target=_answer, args=(connection, context), daemon=True
        ).start()


def _answer(connection: socket.socket, context: ssl.SSLContext) -> None:
    connection.settimeout(5)
    # The browser closes the connection when it refuses a certificate.
    with (
        contextlib.suppress(OSError),
        context.wrap_socket(connection, server_side=True) as tls,
    ):
        tls.recv(65536)
        tls.sendall(_PAGE)
        tls.unwrap()
    connection.close()


def trust_in(home: Path, certificates: Sequence[tuple[bytes, str]]) -> None:
    """Add certificates (PEM, trust flags of certutil) to the browser's list under `home`."""
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True)
    where = ["-d", f"sql:{database}"]
    subprocess.run([str(CERTUTIL), "-N", "--empty-password", *where], check=True)
    for number, (pem, flags) in enumerate(certificates):
        arguments = ["-A", "-n", f"entry {number}", "-t", flags, *where]
        subprocess.run([str(CERTUTIL), *arguments], input=pem, check=True)


def _rules(url: str, port: int) -> Iterator[str]:
    """Yield rules that map the URL's host to a local port; a single invalid rule would void all."""
    name = hosts.host(urlsplit(url).netloc)
    for spelling in (name, f"{name}."):
        yield f"MAP {spelling} 127.0.0.1:{port}"


def visit(driver: Any, urls: Sequence[tuple[str, int]], home: Path) -> list[str]:
    """Open each (URL, local port) and return "" where the page was shown, else the browser's
    error.
    """
    from playwright.sync_api import Error

    rules = {rule for url, port in urls for rule in _rules(url, port)}
    errors = []
    browser = driver.chromium.launch(
        executable_path=CHROMIUM,
        args=[*_FLAGS, f"--host-resolver-rules={','.join(sorted(rules))}"],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
    )
    for url, _ in urls:
        page = browser.new_page()
        try:
            page.goto(url, timeout=15_000)
            errors.append("")
        except Error as error:
            match = re.search(r"net::(ERR_\w+)", error.message)
            errors.append(match[1] if match else error.message)
        page.close()
    browser.close()
    return errors
