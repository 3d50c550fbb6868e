"""Connections on the port of H.323/TLS as rows of REGISTRATIONS.

The name that is registered lies within TLS, and so does the answer. What can be seen is who
connects, what certificate it presents, and whether TLS itself ended with an alert of the PBX.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from ..captures import WIRE, Handshake
from ..captures.alerts import refuses_certificate
from ..captures.handshake import NOT_TLS
from ..captures.to_frame import moments
from ..certificates.reading import from_der
from ..names import device_ids
from . import to_frame
from .field_values import MOMENT, TEXT, constant

_BY_SERVER = "refused by server"
_NO_TLS = (None, NOT_TLS)


def table(
    rows: Sequence[Handshake],
    ports: Collection[int],
    pbx: str | Mapping[str, str] | None,
) -> Any:
    """Return connections as an Arrow table of REGISTRATIONS, and what could not be read.

    Parameters
    ----------
    rows : sequence of Handshake
        Connections of one or several files.
    ports : collection of int
        The ports of the server on which a connection is a registration.
    pbx : str or mapping of address to name, optional
        What the PBX is called; else it is its address.
    """
    ours = [row for row in rows if row.server_port in ports or row.outcome is None]
    refused = [row.outcome == _BY_SERVER for row in ours]
    columns = {
        "time": pa.array(_times(ours), MOMENT),
        "pbx": [_pbx(row.server, pbx) for row in ours],
        **_devices(ours),
        "protocol": [None if row.outcome in _NO_TLS else "H.323/TLS" for row in ours],
        "authentication": [
            "certificate" if is_refused and _concerns_certificate(row) else None
            for row, is_refused in zip(ours, refused, strict=True)
        ],
        "remote_address": [row.client for row in ours],
        "state": ["rejected" if is_refused else None for is_refused in refused],
        "reason": [
            row.alert if is_refused else None
            for row, is_refused in zip(ours, refused, strict=True)
        ],
        "fingerprint": [
            row.client_certificates[0] if row.client_certificates else None
            for row in ours
        ],
        "details": [
            None if row.stream is None else f"tcp.stream {row.stream}" for row in ours
        ],
        "source": [row.source for row in ours],
        "matched_by": [None if row.outcome is None else WIRE for row in ours],
        "time_by": [None if row.time is None else "line" for row in ours],
        "parse_error": [row.parse_error for row in ours],
    }
    arrays = {
        name: pa.array(values, TEXT) if isinstance(values, list) else values
        for name, values in columns.items()
    }
    return to_frame.table(arrays, len(ours))


def note(source: str, text: str) -> Any:
    """Return the one row of a file that has no registration, with the reason."""
    values = {"source": constant(source, 1), "parse_error": constant(text, 1)}
    return to_frame.table(values, 1)


def _times(rows: Sequence[Handshake]) -> list[int | None]:
    times = moments([row.time for row in rows])
    return [None if pd.isna(time) else int(time.value // 1000) for time in times]


def _pbx(server: str | None, pbx: str | Mapping[str, str] | None) -> str | None:
    if isinstance(pbx, str):
        return None if server is None else pbx
    return server if pbx is None or server is None else pbx.get(server, server)


def _concerns_certificate(row: Handshake) -> bool:
    """Return True where the alert is about the certificate, and it had come to that."""
    if row.alert is None or row.certificate_was_due is False:
        return False
    return refuses_certificate(row.alert, presented=row.client_certificates)


def _devices(rows: Sequence[Handshake]) -> dict[str, list[str | None]]:
    """Return serial and hardware ID of each row, so far as the CN of its certificate is one."""
    leaves = [row.client_sent[0] if row.client_sent else b"" for row in rows]
    ders = list(dict.fromkeys(leaf for leaf in leaves if isinstance(leaf, bytes)))
    cn_of_der = dict(zip(ders, from_der(ders)["subject_cn"], strict=True))
    common_names = [
        leaf.get("subject_cn") if isinstance(leaf, dict) else cn_of_der[leaf]
        for leaf in leaves
    ]
    names = pd.Series(common_names, dtype="str")
    serial = device_ids.serials(names)
    is_hardware = device_ids.hardware_ids(names)["tail"].notna()
    is_soft = names.str.strip().str.lower().str.fullmatch(device_ids.SOFT_CLIENT)
    hardware_id = names.where(is_hardware | is_soft.fillna(False).astype(bool))
    return {
        "serial": _cells(serial),
        "hardware_id": _cells(hardware_id.mask(serial.notna())),
    }


def _cells(values: pd.Series) -> list[str | None]:
    return [value if isinstance(value, str) else None for value in values]
