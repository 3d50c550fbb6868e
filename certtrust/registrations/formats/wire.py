"""Packet captures, and the logs of Zeek and Suricata: connections on the port of H.323/TLS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from ...captures import (
    REGISTRATION_PORT,
    Wire,
    looks_like_capture,
    looks_like_monitor_log,
)
from ...formats import About
from .. import wire

NAME = "wire"


def sniff(head: bytes) -> bool:
    """Return True where content is a capture, or a log of connections."""
    return looks_like_capture(head) or looks_like_monitor_log(head)


def read(stream: BinaryIO, about: About) -> Iterator[Any]:
    """Yield a row for each connection on that port; one with the reason where there is none."""
    ports = about.options.get("ports") or (REGISTRATION_PORT,)
    seen = Wire(ports)
    seen.add_stream(stream, about.name)
    rows = seen.handshakes()
    registrations = wire.table(rows, ports, about.options.get("pbx"))
    if len(registrations):
        yield registrations
    else:
        named = " or ".join(map(str, ports))
        yield wire.note(about.name, f"no connection on port {named} is seen")
