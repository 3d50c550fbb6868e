"""Captures for tests: connections of real handshakes as pcap and pcapng, on any kind of link."""

from __future__ import annotations

import struct

from certtrust.simulation import tls
from certtrust.simulation.packets import End, Packet, connection

CLIENT, SERVER = End("192.0.2.7", 49160), End("192.0.2.2", 1300)
BEGUN = 1_767_225_600_000_000
ETHERNET = 14
"""Bytes before IP in the frames of `packets`."""


def packets(
    kind="accepted", version="TLSv1_2", *, chain=None, **options
) -> list[Packet]:
    """Return the packets of one connection."""
    flights = tls.handshake(kind, version)
    if chain is not None:
        flights = [
            tls.Flight(by_client, tls.with_certificates(data, chain))
            if by_client
            else tls.Flight(by_client, data)
            for by_client, data in flights
        ]
    client = options.pop("client", CLIENT)
    server = options.pop("server", SERVER)
    return connection(client, server, options.pop("begun", BEGUN), flights, **options)


def pcap(
    frames: list[Packet], *, order="<", link=1, nanoseconds=False, minor=4
) -> bytes:
    """Return a file of libpcap."""
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    parts = [struct.pack(f"{order}IHHiIII", magic, 2, minor, 0, 0, 65535, link)]
    for time, frame in frames:
        seconds, rest = divmod(time, 1_000_000)
        rest *= 1000 if nanoseconds else 1
        size = len(frame)
        parts += [struct.pack(f"{order}IIII", seconds, rest, size, size), frame]
    return b"".join(parts)


def block(kind: int, body: bytes, order="<") -> bytes:
    """Return a block of pcapng."""
    body += bytes(-len(body) % 4)
    size = 12 + len(body)
    return (
        struct.pack(f"{order}II", kind, size) + body + struct.pack(f"{order}I", size)
    )


def section(order="<") -> bytes:
    """Return the block that begins a section of pcapng."""
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link=1, order="<", options=b"") -> bytes:
    """Return the block of a network interface."""
    return block(1, struct.pack(f"{order}HHI", link, 0, 0) + options, order)


def packet_block(time: int, frame: bytes, number=0, order="<") -> bytes:
    """Return the block of a packet; the time is in the ticks of its interface."""
    size = len(frame)
    head = struct.pack(
        f"{order}IIIII", number, time >> 32, time & 0xFFFFFFFF, size, size
    )
    return block(6, head + frame, order)


def pcapng(frames: list[Packet], *, order="<", link=1) -> bytes:
    """Return a file of pcapng with one interface."""
    parts = [section(order), interface(link, order)]
    parts += [packet_block(time, frame, order=order) for time, frame in frames]
    return b"".join(parts)


def on_link(frames: list[Packet], head: bytes, *, without=ETHERNET) -> list[Packet]:
    """Return packets with other bytes before IP."""
    return [Packet(time, head + frame[without:]) for time, frame in frames]


def as_ipv6(frames: list[Packet], extensions=b"", following=6) -> list[Packet]:
    """Return packets over IPv6, with extension headers between IP and TCP."""
    changed = []
    for time, frame in frames:
        ip, tcp = frame[ETHERNET : ETHERNET + 20], frame[ETHERNET + 20 :]
        source, target = (bytes(12) + ip[at : at + 4] for at in (12, 16))
        size = len(extensions) + len(tcp)
        head = struct.pack(">IHBB", 0x60000000, size, following, 64) + source + target
        changed.append(
            Packet(time, bytes(12) + b"\x86\xdd" + head + extensions + tcp)
        )
    return changed
