"""Addresses of host names, looked up in threads that nobody has to wait for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from .asking import Lookup

_THREADS = 16


@contextmanager
def lookups() -> Iterator[Lookup]:
    """Give a function that looks up names; a look-up that hangs holds nobody up at the end."""
    threads = ThreadPoolExecutor(_THREADS, "certtrust names")
    pending: set[Future[list[Any]]] = set()

    async def lookup(host: str, port: int) -> list[Any]:
        try:
            return _addresses(host, port, socket.AI_NUMERICHOST)
        except socket.gaierror:
            pass
        loop = asyncio.get_running_loop()
        future = threads.submit(_addresses, host, port)
        pending.add(future)
        future.add_done_callback(pending.discard)
        return await asyncio.wrap_future(future, loop=loop)

    try:
        yield lookup
    finally:
        threads.shutdown(wait=not pending, cancel_futures=True)


def _addresses(host: str, port: int, flags: int = 0) -> list[Any]:
    kind = socket.SOCK_STREAM
    return list(socket.getaddrinfo(host, port, type=kind, flags=flags))
