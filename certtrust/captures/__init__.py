"""TLS connections as they were seen on the wire: packet captures, logs of Zeek and Suricata.

Up to TLS 1.2, the certificates of both sides stand in clear, and so does the alert of a side that
refuses. TLS 1.3 hides all but the hellos. Nothing of the application data is kept but its size.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from ..errors import CerttrustError
from ..sources import sources
from ..texts.sentences import say
from . import to_frame
from .handshake import Handshake, Seen
from .reading import (
    REGISTRATION_PORT,
    Wire,
    looks_like_capture,
    looks_like_monitor_log,
)

WIRE = "wire"
"""What recognised a row of REGISTRATIONS that was seen on the wire (`matched_by`)."""

__all__ = [
    "REGISTRATION_PORT",
    "WIRE",
    "Handshake",
    "Seen",
    "Wire",
    "handshakes",
    "handshakes_frame",
    "looks_like_capture",
    "looks_like_monitor_log",
    "read",
    "registration_ports",
]


def handshakes(
    source: Any, *, port: int | Iterable[int] = REGISTRATION_PORT
) -> pd.DataFrame:
    """Read the TLS connections of packet captures, or of the logs of Zeek and Suricata.

    Parameters
    ----------
    source : path, glob, directory, bytes, open file, or an iterable of these
        pcap and pcapng of any byte order, also in archives and compressed with gzip; Zeek's
        `ssl.log` and `x509.log` as TSV or JSON; Suricata's `eve.json`. A capture may be larger
        than the memory.
    port : int or several, optional
        TCP ports of registrations over H.323/TLS: a connection there has a row even if no TLS
        is spoken, or its beginning was not captured.

    Returns
    -------
    DataFrame
        Table HANDSHAKES (see `certtrust.columns`): one row per connection that speaks TLS, by
        the order of files and of connections in them; a row with nothing but `parse_error` for
        what could not be read. `attrs["packets"]` counts by source what the captures hold.

    Raises
    ------
    SourceError
        If a path or glob names nothing.
    CerttrustError
        If a port is no TCP port.

    Notes
    -----
    An alert is what its sender says (RFC 8446, section 6.2), and stacks differ in it. That of a
    server right after the client's certificate proves that this certificate was refused. What
    is established proves nothing about the registration within. TLS that begins after other
    data (STARTTLS) is read where its hello begins a packet.

    Each file is read by itself, so a connection that spans two files of a rotated capture is two
    rows: the first says that the capture ends within it, the second that its beginning is
    missing. `mergecap -w whole.pcap part1.pcap part2.pcap` puts such files together.

    Examples
    --------
    >>> handshakes(b"no capture")["parse_error"].tolist()
    ['neither a packet capture nor a log of Zeek or Suricata']
    """
    return handshakes_frame(read(source, port=port))


def handshakes_frame(wire: Wire) -> pd.DataFrame:
    """Return table HANDSHAKES of what was read."""
    frame = to_frame.frame(wire.handshakes())
    frame.attrs["packets"] = {
        name: dict(count) for name, count in wire.counts.items()
    }
    return frame


def read(source: Any, *, port: int | Iterable[int] = REGISTRATION_PORT) -> Wire:
    """Read files as `handshakes` does, and keep the certificates themselves."""
    wire = Wire(registration_ports(port))
    for file in sources(source):
        wire.add(file)
    return wire


def registration_ports(port: int | Iterable[int]) -> tuple[int, ...]:
    """Return the ports of registrations that a caller gives.

    Raises
    ------
    CerttrustError
        If one is no TCP port.
    """
    ports = (port,) if isinstance(port, int) else tuple(port)
    if any(type(one) is not int or not 0 < one < 1 << 16 for one in ports):
        raise CerttrustError(say("errors.captures.port", port=repr(port)))
    return ports
