"""TCP connections as the packets of a capture file: Ethernet, IPv4, pcap in microseconds."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address
from pathlib import Path
from struct import Struct
from typing import NamedTuple

from .tls import Flight

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
SEGMENT = 1460
"""Bytes of data in one packet at most."""

_FILE = Struct("<IHHiIII")
_RECORD = Struct("<IIII")
_IP = Struct(">BBHHHBBH4s4s")
_TCP = Struct(">HHIIBBHHH")
_PSEUDO = Struct(">4s4sBBH")
_ETHERNET = bytes.fromhex("020000000002020000000001") + b"\x08\x00"
_STEP = 700
"""Microseconds between two packets."""


class End(NamedTuple):
    """An address and a port."""

    address: str
    port: int


class Packet(NamedTuple):
    """A frame and its time in microseconds since 1970."""

    time: int
    frame: bytes


def connection(
    client: End,
    server: End,
    begun: int,
    flights: Iterable[Flight],
    *,
    lasting: int = 0,
    reset: bool = False,
) -> list[Packet]:
    """Return the packets of a connection, from its SYN to its last FIN or to a reset.

    It is closed so many seconds after its last data.
    """
    packets: list[Packet] = []
    following = {True: 1_000, False: 2_000}
    pause = 0

    def send(by_client: bool, flags: int, data: bytes = b"") -> None:
        ends = (client, server) if by_client else (server, client)
        sequence, seen = following[by_client], following[not by_client]
        acknowledged = seen if flags & ACK else 0
        frame = _frame(ends, sequence, acknowledged, flags, data)
        packets.append(Packet(begun + pause + _STEP * len(packets), frame))
        following[by_client] += len(data) + bool(flags & (SYN | FIN))

    send(True, SYN)
    send(False, SYN | ACK)
    send(True, ACK)
    for by_client, data in flights:
        for at in range(0, len(data), SEGMENT):
            send(by_client, PSH | ACK, data[at : at + SEGMENT])
        send(not by_client, ACK)
    pause = lasting * 1_000_000
    if reset:
        send(True, RST | ACK)
        return packets
    send(False, FIN | ACK)
    send(True, FIN | ACK)
    send(False, ACK)
    return packets


def _frame(
    ends: tuple[End, End], sequence: int, acknowledged: int, flags: int, data: bytes
) -> bytes:
    source, target = (IPv4Address(end.address).packed for end in ends)
    ports = (ends[0].port, ends[1].port)
    fields = (*ports, sequence, acknowledged, 5 << 4, flags, 65535)
    size = _TCP.size + len(data)
    pseudo = _PSEUDO.pack(source, target, 0, 6, size)
    check = _checksum(pseudo + _TCP.pack(*fields, 0, 0) + data)
    header = (0x45, 0, _IP.size + size, 0, 1 << 14, 64, 6)
    own = _checksum(_IP.pack(*header, 0, source, target))
    ip = _IP.pack(*header, own, source, target)
    return _ETHERNET + ip + _TCP.pack(*fields, check, 0) + data


def _checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071): the bytes as one number, modulo 2^16 - 1."""
    padded = data + bytes(len(data) % 2)
    return 0xFFFF - int.from_bytes(padded) % 0xFFFF


def write_pcap(packets: Iterable[Packet], path: str | Path) -> None:
    """Write packets in the order of time."""
    with open(path, "wb") as file:
        file.write(_FILE.pack(0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
        for time, frame in sorted(packets, key=lambda packet: packet.time):
            seconds, microseconds = divmod(time, 1_000_000)
            size = len(frame)
            file.write(_RECORD.pack(seconds, microseconds, size, size) + frame)
